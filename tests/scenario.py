"""Given events, when a command, then events or a refusal: how decisions are tested."""

from __future__ import annotations

from events.record import Record
from events.stamp import stamp
from orchestrator.commands.deciders import DECIDERS, Command
from orchestrator.errors import OrchestratorError
from projections.catalogue import empty_tables
from projections.project import ProjectView

WRITER = "0000000000000001"


class Scenario:
    """One decision."""

    def __init__(self) -> None:
        """Nothing has happened."""
        self._tables = empty_tables()
        self._sequence = 0
        self._told: list[object] | None = None
        self._refused: OrchestratorError | None = None

    def given(self, *events: object) -> None:
        """These happened, one after the other."""
        for event in events:
            self._sequence += 1
            at = stamp(self._sequence << 16, WRITER)
            self._tables.apply([Record(at, event, "mara", "host-a", WRITER, self._sequence)])

    def when(self, command: Command) -> None:
        """Somebody asks for this."""
        try:
            self._told = DECIDERS[type(command)](ProjectView(self._tables), command)
        except OrchestratorError as exc:
            self._refused = exc

    def then(self, *events: object) -> None:
        """Exactly this is recorded."""
        assert self._refused is None
        assert self._told == list(events)

    def then_refused(self, code: str) -> None:
        """Nothing is recorded, and the client is told this."""
        assert self._told is None
        assert self._refused is not None
        assert self._refused.code == code
