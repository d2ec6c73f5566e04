"""A project as of a moment: its state folded from what had happened by then.

The last few moments of a project are kept. Each reads on in the log whenever it is asked for, so
that records of other hosts which come late are in it; what came after the moment is passed over.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from datetime import datetime

from attrs import Factory, define, field

from events.log.port import Log
from events.stamp import Stamp, before
from orchestrator.gallery.past.idle import Idle
from orchestrator.gallery.past.keeping import fresh_log
from orchestrator.project import Project, gc_paused
from projections.catalogue import empty_tables
from projections.fold import Tables
from projections.project import ProjectView

#: Moments of one project that are kept.
MOST_MOMENTS = 2


@define(eq=False)
class _Moment:
    """One project's state from all records below a stamp."""

    project: Project
    until: Stamp
    _log: Log | None = None
    _tables: Tables = field(factory=empty_tables)
    _reading: asyncio.Lock = field(factory=asyncio.Lock)

    async def view(self) -> ProjectView:
        """The state; no later record changes what was given."""
        async with self._reading:
            return await asyncio.to_thread(self._read_on)

    def _read_on(self) -> ProjectView:
        with gc_paused():
            begun = self._log is not None
            self._log = self._log or fresh_log(self.project)
            if self._log is not None:
                for records in self._log.read():
                    past = [record for record in records if record.stamp < self.until]
                    if past and begun:
                        # Somebody may be reading what was given: the late ones go into a copy.
                        self._tables, begun = self._tables.copy(), False
                    self._tables.apply(past)
        return ProjectView(self._tables)


@define(eq=False)
class Moments:
    """The moments that were asked for last. On the event loop, but for the reading of logs."""

    #: By project; what was asked for last stands last.
    _kept: dict[Project, OrderedDict[Stamp, _Moment]] = field(factory=dict)
    _idle: Idle[Project] = field(
        default=Factory(lambda self: Idle(self._forget), takes_self=True), init=False
    )

    async def view_at(self, project: Project, at: datetime | None) -> ProjectView:
        """The project as of `at`; None is now.

        Records of the very millisecond of `at` had happened by then.

        Raises:
            ProjectUnreadable: the log cannot be read.
        """
        return project.view if at is None else await self.view_before(project, before(at))

    async def view_before(self, project: Project, until: Stamp) -> ProjectView:
        """The project as it was just before a stamp.

        Raises:
            ProjectUnreadable: the log cannot be read.
        """
        self._idle.touch(project)
        for other in [p for p in self._kept if p is not project and p.root == project.root]:
            self._forget(other)  # the project was opened anew
        moments = self._kept.setdefault(project, OrderedDict())
        moment = moments.pop(until, None) or _Moment(project, until)
        moments[until] = moment
        while len(moments) > MOST_MOMENTS:
            moments.popitem(last=False)
        return await moment.view()

    def _forget(self, project: Project) -> None:
        self._idle.drop(project)
        self._kept.pop(project, None)

    def close(self) -> None:
        """Forget everything."""
        self._idle.close()
        self._kept.clear()
