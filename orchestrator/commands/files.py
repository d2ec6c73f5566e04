"""What is done to files in bulk: planned, carried out, told. Pure.

What the disk allows, only the disk can say; so a plan is decided by looking at it, and the log is
told what is going to be tried before it is tried, and what came of it after.
"""

from __future__ import annotations

from attrs import frozen

from events.assets import AssetMoved, AssetSeen
from events.files import FilesPlanned, FilesSettled
from events.trash import FilePurged, FileRestored, FileTrashed
from projections.project import ProjectView

Outcome = AssetMoved | AssetSeen | FileTrashed | FileRestored | FilePurged


@frozen(kw_only=True)
class PlanFiles:
    """Announce what is about to be done to files."""

    planned: FilesPlanned

    def keys(self) -> tuple[str, ...]:
        """What it changes."""
        return (f"op:{self.planned.op}",)


@frozen(kw_only=True)
class TellFiles:
    """Tell what was done; with `settled`, that nothing more will be."""

    op: str
    outcomes: tuple[Outcome, ...]
    settled: FilesSettled | None = None

    def keys(self) -> tuple[str, ...]:
        """What it changes."""
        return (f"op:{self.op}",)


def plan_files(view: ProjectView, command: PlanFiles) -> list[object]:
    """Nothing to refuse: an operation's id is fresh; the same plan twice is one plan."""
    return [] if view.plan(command.planned.op) is not None else [command.planned]


def tell_files(view: ProjectView, command: TellFiles) -> list[object]:
    """Telling it again tells nothing new."""
    plan = view.plan(command.op)
    if plan is not None and plan.settled:
        return []
    settled = [] if command.settled is None else [command.settled]
    return [*command.outcomes, *settled]
