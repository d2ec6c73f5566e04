"""Telling which states a project's file held. Pure."""

from __future__ import annotations

from attrs import frozen

from events.states import ProjectSaved
from projections.project import ProjectView


@frozen(kw_only=True)
class TellStates:
    """States that a file held one after the other; all are kept."""

    file: str
    states: tuple[ProjectSaved, ...]

    def keys(self) -> tuple[str, ...]:
        """What it changes."""
        return (f"state:{self.file}",)


def tell_states(view: ProjectView, command: TellStates) -> list[object]:
    """Tells each state whose bytes are not those of the one before it."""
    newest = view.newest_state(command.file)
    last = None if newest is None else newest.sha256
    told: list[object] = []
    for state in command.states:
        if state.sha256 != last:
            told.append(state)
            last = state.sha256
    return told
