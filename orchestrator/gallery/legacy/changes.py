"""How an import changes a project: for real, or on a copy of its state to see what would be."""

from __future__ import annotations

from typing import Protocol

from attrs import define, field

from events.record import Record
from events.stamp import stamp
from orchestrator.commands.deciders import DECIDERS, Command
from orchestrator.project import Project
from projections.fold import Tables
from projections.project import ProjectView

#: Who says what is imported: the old stores do not know who said it.
ACTOR = "import"


class Changes(Protocol):
    """Where the commands of an import go."""

    @property
    def view(self) -> ProjectView:
        """The state with all changes made so far."""
        ...

    async def make(self, command: Command, actor: str = ACTOR) -> list[object]:
        """Carry out a command; the events that it told."""
        ...


@define
class RealChanges:
    """Changes the project."""

    project: Project
    #: Ties the events of one import together.
    correlation: str

    @property
    def view(self) -> ProjectView:
        """The project's state."""
        return self.project.view

    async def make(self, command: Command, actor: str = ACTOR) -> list[object]:
        """Returns when it is durable.

        Raises:
            OrchestratorError: the log cannot take it now.
        """
        records = await self.project.change(command, actor, self.correlation)
        return [record.event for record in records]


@define
class Rehearsal:
    """Changes a copy of the project's state; nothing is recorded."""

    _tables: Tables
    view: ProjectView = field(init=False)
    #: Later than all that was ever recorded.
    _time: int = 1 << 63

    @view.default
    def _view_of_tables(self) -> ProjectView:
        return ProjectView(self._tables)

    async def make(self, command: Command, actor: str = ACTOR) -> list[object]:
        """Tells what would be told."""
        told = DECIDERS[type(command)](self.view, command)
        for event in told:
            self._time += 1
            at = stamp(self._time, "rehearsal")
            self._tables.apply([Record(at, event, actor, "rehearsal", "rehearsal", self._time)])
        return told
