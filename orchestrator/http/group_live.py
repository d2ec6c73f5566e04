"""The WebSocket of one group of jobs: its state, then what becomes of each of its jobs."""

from __future__ import annotations

from collections.abc import Iterable

from aiohttp import web
from attrs import define, field, frozen

from orchestrator.groups.states import ENDED
from orchestrator.http.endpoint import endpoint
from orchestrator.http.fields import about
from orchestrator.http.group_messages import (
    about_child,
    frame,
    group_complete,
    initial_state,
    open_children,
)
from orchestrator.http.group_views import GroupView, child_view, group_view
from orchestrator.http.live import follow_jobs
from orchestrator.job_feed import Batch, JobFeed, Numbered, group_of
from orchestrator.services import DISPATCHER, GROUPS, JOB_FEED


@frozen(kw_only=True, repr=False)
class WatchGroup:
    """Which group to watch, and from where on."""

    job_group_id: str
    cursor: str | None = field(
        default=None,
        metadata=about("The last cursor that came, to miss nothing.", max_length=100),
    )


@endpoint(
    "GET",
    "/ws/job-groups/{job_group_id}",
    request=WatchGroup,
    websocket=True,
    tags=("job-groups",),
)
async def watch_group(request: web.Request, asked: WatchGroup) -> web.StreamResponse:
    """What becomes of the jobs of a group.

    First comes `initial_state`; then `child_progress`, and once for each job `child_completed`,
    `child_failed`, `child_timeout` or `child_cancelled`; at last `group_complete`, at once if the
    group has ended already. The socket stays open after it.

    Who connects again with the last `cursor` gets, instead of `initial_state`, one message for
    each job that has changed meanwhile; if that is not known any more, `initial_state` with
    `reset`. It comes again if the project had to be opened anew.

    A text `ping` is answered with `{"type":"pong"}`. An unknown group closes the socket with 1008;
    a client that does not read, or comes while projects are still being opened, is closed with
    1013; when the service stops, all are with 1001.
    """
    group = asked.job_group_id
    telling = _Telling(request, request.app[JOB_FEED], group)
    return await follow_jobs(
        request, lambda batch: group in batch.groups or batch.reset, telling, asked.cursor
    )


@frozen
class _Told:
    """A piece of news as a frame."""

    job_id: str
    #: Whether it says that the job has ended.
    ended: bool
    frame: bytes


@define(eq=False)
class _Telling:
    """What one client was told so far, and what it is told next."""

    request: web.Request
    feed: JobFeed
    group: str
    #: Jobs of whose end it does not know.
    _open: set[str] = field(factory=set)
    #: Whether it knows of the end of the group.
    _complete: bool = False

    def beginning(self, cursor: str | None) -> bytes:
        """What the client has missed since its cursor, or how things stand now.

        Raises:
            GroupUnknown, StillOpening: the group cannot be shown.
        """
        view = self._view()
        missed = None if cursor is None else self._missed(cursor, view)
        first = self._initial(view, reset=cursor is not None) if missed is None else missed
        self._open, self._complete = open_children(view), False
        return first + self._end(self.feed.replay.cursor(), view)

    def frames(self, batch: Batch) -> bytes:
        """What the client is told of a batch."""
        if batch.reset:
            view = batch.once((self.group, "view"), self._view)
            self._open, self._complete = open_children(view), False
            first = batch.once((self.group, "reset"), lambda: self._initial(view, reset=True))
            return first + self._end(batch.cursor, view)
        told = batch.once((self.group, "told"), lambda: self._told(batch))
        ended = {each.job_id for each in told if each.ended}
        if ended <= self._open:
            frames = batch.once((self.group, "all"), lambda: _joined(told))
        else:
            # A file that came late is news of a job whose end was told before.
            frames = _joined(each for each in told if not each.ended or each.job_id in self._open)
        self._open -= ended
        if self._open or self._complete:
            return frames
        view = batch.once((self.group, "view"), self._view)
        self._complete = True
        return frames + batch.once(
            (self.group, "end"), lambda: frame(group_complete(view, batch.cursor))
        )

    def _end(self, cursor: str, view: GroupView) -> bytes:
        """The end of the group, if it has ended."""
        if self._open:
            return b""
        self._complete = True
        return frame(group_complete(view, cursor))

    def _missed(self, cursor: str, view: GroupView) -> bytes | None:
        """Each job that has changed since a cursor, as it is now; None if that is not known.

        It stands where its last change stood: so each cursor on the way keeps its word.
        """
        replay = self.feed.replay
        missed = replay.since(cursor)
        if missed is None:
            return None
        last = {at.job_id: number for number, at in missed}
        children = [child for child in view.child_jobs if child.job_id in last]
        children.sort(key=lambda child: last[child.job_id])
        return b"".join(
            frame(about_child(self.group, child, replay.cursor(last[child.job_id])))
            for child in children
        )

    def _told(self, batch: Batch) -> list[_Told]:
        """The news of the group's jobs."""
        return [
            self._news(each, batch.epoch)
            for each in batch.news
            if group_of(each.news) == self.group
        ]

    def _news(self, told: Numbered, epoch: str) -> _Told:
        news = told.news
        child = child_view(news.root, news.job_id, news.job, news.progress)
        cursor = None if told.number is None else f"{epoch}:{told.number}"
        message = about_child(self.group, child, cursor)
        return _Told(news.job_id, child.status in ENDED, frame(message))

    def _initial(self, view: GroupView, *, reset: bool) -> bytes:
        return frame(initial_state(view, self.feed.replay.cursor(), reset=reset))

    def _view(self) -> GroupView:
        found = self.request.app[GROUPS].get(self.group)
        return group_view(found, self.request.app[DISPATCHER].progress)


def _joined(told: Iterable[_Told]) -> bytes:
    return b"".join(each.frame for each in told)
