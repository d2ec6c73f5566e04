"""Keeps the history of projects whose history is asked for, while it is asked for."""

from __future__ import annotations

import asyncio

from attrs import Factory, define, field

from events.log.engine import FormatError
from events.log.port import Log
from events.record import Record
from orchestrator.errors import ProjectUnreadable
from orchestrator.gallery.past.idle import Idle
from orchestrator.project import Project, gc_paused
from projections.history import History


def fresh_log(project: Project) -> Log | None:
    """A project's log for reading alone, beside the one that is open; None if there is none.

    Blocks. It needs no closing, since reading creates and holds nothing.

    Raises:
        ProjectUnreadable: the log must not be read, or the share does not answer.
    """
    engine, root = project.engine, project.root
    try:
        found = engine.find(root)
    except FormatError as exc:
        raise ProjectUnreadable(str(root), str(exc)) from exc
    except OSError as exc:
        raise ProjectUnreadable(str(root), f"the share does not answer: {exc}") from exc
    return None if found is None else engine.open(root, found, project.host.id)


def read_history(project: Project) -> History:
    """A project's history, from its log. Blocks.

    Raises:
        ProjectUnreadable: the log cannot be read.
    """
    history = History()
    log = fresh_log(project)
    if log is not None:
        with gc_paused():
            for records in log.read():
                history.add(records)
    return history


@define(eq=False)
class _Kept:
    """One project's history, or the making of it."""

    history: History | None = None
    #: What happened while it was being made.
    waiting: list[Record] = field(factory=list)
    making: asyncio.Task[History] | None = None

    def hear(self, records: list[Record]) -> None:
        """Take in what has just happened."""
        if self.history is None:
            self.waiting += records
        else:
            self.history.add(records)


@define(eq=False)
class Histories:
    """The histories that are in use. On the event loop, but for the reading of logs."""

    _kept: dict[Project, _Kept] = field(factory=dict)
    _idle: Idle[Project] = field(
        default=Factory(lambda self: Idle(self._forget), takes_self=True), init=False
    )

    def hear(self, project: Project, records: list[Record]) -> None:
        """A listener of projects: a history follows its project."""
        kept = self._kept.get(project)
        if kept is not None:
            kept.hear(records)

    async def of(self, project: Project) -> History:
        """A project's history; it is read from the log if nobody has asked for a while.

        Raises:
            ProjectUnreadable: the log cannot be read.
        """
        self._idle.touch(project)
        kept = self._kept.get(project)
        if kept is None:
            # A project that was opened anew is another object, and the old one hears no more.
            for other in [p for p in self._kept if p.root == project.root]:
                self._forget(other)
            kept = self._kept[project] = _Kept()
            kept.making = asyncio.create_task(self._make(project, kept))
            kept.making.add_done_callback(_look_at)
        if kept.history is not None:
            return kept.history
        assert kept.making is not None  # begun above, or by whoever asked first
        # Shielded: one who hangs up must not take it from the others.
        return await asyncio.shield(kept.making)

    async def _make(self, project: Project, kept: _Kept) -> History:
        try:
            history = await asyncio.to_thread(read_history, project)
            # It may have read more of other hosts than the project has heard of yet.
            await project.follow()
        except BaseException:
            self._forget(project)
            raise
        history.add(kept.waiting)
        kept.history, kept.waiting = history, []
        return history

    def _forget(self, project: Project) -> None:
        self._idle.drop(project)
        self._kept.pop(project, None)

    def close(self) -> None:
        """Forget everything."""
        self._idle.close()
        for kept in self._kept.values():
            if kept.making is not None:
                kept.making.cancel()
        self._kept.clear()


def _look_at(making: asyncio.Task[History]) -> None:
    """A fault is raised to those who wait; if all have hung up, nobody is left to be told."""
    if not making.cancelled():
        making.exception()
