"""WebSockets: state and progress of jobs, as they change."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Literal, Protocol, TypeVar

import structlog
from aiohttp import WSCloseCode, WSMsgType, web
from attrs import define, field, frozen

from orchestrator.errors import NotFound, StillOpening
from orchestrator.http.dialects import CORE
from orchestrator.http.endpoint import endpoint
from orchestrator.http.fields import about
from orchestrator.http.frames import Outlet, text_frame
from orchestrator.http.job_views import JobView, job_view, now
from orchestrator.http.replies import dump
from orchestrator.job_feed import Batch, JobFeed, Numbered
from orchestrator.jobs import Found
from orchestrator.live import FeedEndedError, TooSlowError, Watcher
from orchestrator.services import DISPATCHER, JOB_FEED, JOBS, PROJECTS

_log = structlog.get_logger(__name__)
M = TypeVar("M")

#: News that do not come in batches are gathered for so long (seconds).
GATHER = 0.05
HEARTBEAT = 30.0


@frozen(kw_only=True, repr=False)
class WatchJobs:
    """Which jobs to watch."""

    job_id: str | None = field(default=None, metadata=about("Only this job.", aliases=("jobId",)))
    cursor: str | None = field(
        default=None,
        metadata=about("The last cursor that came, to miss nothing.", max_length=100),
    )


@frozen(kw_only=True, repr=False)
class InitialState:
    """How things stand at the beginning."""

    type: Literal["initial_state"] = "initial_state"
    jobs: list[JobView]
    timestamp: datetime
    cursor: str
    #: What was missed is not known any more: forget what you knew.
    reset: bool


@frozen(kw_only=True, repr=False)
class JobState:
    """A job's state changed."""

    type: Literal["job_state"] = "job_state"
    job: JobView
    cursor: str


@frozen(kw_only=True, repr=False)
class JobProgress:
    """A running job moved on."""

    type: Literal["job_progress"] = "job_progress"
    job_id: str
    progress: float
    current_step: str | None
    current_node: str | None


_WRITERS = {cls: CORE.writer(cls) for cls in (InitialState, JobState, JobProgress)}


@endpoint("GET", "/ws/jobs", request=WatchJobs, websocket=True, tags=("jobs",))
async def watch_jobs(request: web.Request, asked: WatchJobs) -> web.StreamResponse:
    """State and progress of all jobs, or of one.

    First comes `initial_state` with the jobs that have not ended (or the one asked for), then
    `job_state` at each change and `job_progress` in between. Who connects again with the last
    `cursor` gets a `job_state` of each job that has changed meanwhile; if that is not known any
    more, `initial_state` with `reset`. It comes again if a project had to be opened anew.

    A text `ping` is answered with `{"type":"pong"}`. An unknown job closes the socket with 1008; a
    client that does not read, or asks for a job while projects are still being opened, is closed
    with 1013; when the service stops, all are with 1001.
    """
    feed, job_id = request.app[JOB_FEED], asked.job_id

    def wants(batch: Batch) -> bool:
        return job_id is None or job_id in batch.jobs or batch.reset

    return await follow_jobs(request, wants, _Telling(request, feed, job_id), asked.cursor)


class Telling(Protocol):
    """What one client of a socket about jobs is told."""

    def beginning(self, cursor: str | None) -> bytes:
        """Frames of what it has missed since its cursor, or of how things stand now.

        Raises:
            NotFound, StillOpening: what it asks for cannot be shown.
        """
        ...

    def frames(self, batch: Batch) -> bytes:
        """Frames of what a batch means to it."""
        ...


async def follow_jobs(
    request: web.Request, wants: Callable[[Batch], bool], telling: Telling, cursor: str | None
) -> web.StreamResponse:
    """Tell one client of jobs until it goes away, or is too slow, or the service stops.

    `wants` says whether a batch is of interest to it at all.
    """
    socket = live_socket()
    await socket.prepare(request)
    with request.app[JOB_FEED].follow(wants) as watcher:
        try:
            first = telling.beginning(cursor)
        except NotFound as exc:
            await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=closing(exc))
            return socket
        except StillOpening as exc:
            await socket.close(code=WSCloseCode.TRY_AGAIN_LATER, message=closing(exc))
            return socket
        outlet = Outlet(request, socket)

        async def tell(batches: list[Batch]) -> None:
            await outlet.send(b"".join(map(telling.frames, batches)))

        await converse(socket, watcher, tell, greet=lambda: outlet.send(first), gather=0.0)
    return socket


def live_socket() -> web.WebSocketResponse:
    """A socket for frames that are the same for all clients, and so cannot be compressed."""
    return web.WebSocketResponse(heartbeat=HEARTBEAT, max_msg_size=1 << 16, compress=False)


def closing(reason: Exception) -> bytes:
    """A reason as a closing frame can hold it: at most 123 bytes, cut between two letters."""
    return str(reason).encode()[:120].decode(errors="ignore").encode()


async def converse(
    socket: web.WebSocketResponse,
    watcher: Watcher[M],
    tell: Callable[[list[M]], Awaitable[None]],
    *,
    greet: Callable[[], Awaitable[None]] | None = None,
    gather: float = GATHER,
) -> None:
    """Tell a client the news that it watches, and answer its pings, until either side ends it.

    `greet` comes first. News are gathered for `gather` seconds after each telling; 0 is for those
    that come in batches. A client that does not read is closed with 1013; when the service stops,
    with 1001; if we cannot go on because of a fault of ours, with 1011.
    """
    telling = _tell(watcher, tell, greet, gather)
    tasks = {asyncio.create_task(telling), asyncio.create_task(_listen(socket))}
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
    for end in ends:
        match end:
            case TooSlowError():
                reason = b"too slow; connect again"
                await socket.close(code=WSCloseCode.TRY_AGAIN_LATER, message=reason)
            case FeedEndedError():
                await socket.close(code=WSCloseCode.GOING_AWAY, message=b"the service stops")
            case ConnectionError():
                pass  # the client has gone, and nobody is left to be told
            case Exception():
                _log.error("websocket.broke", exc_info=end)
                await socket.close(code=WSCloseCode.INTERNAL_ERROR, message=b"see the log")


async def _listen(socket: web.WebSocketResponse) -> None:
    async for message in socket:
        if message.type is WSMsgType.TEXT and message.data.strip().strip('"') == "ping":
            await socket.send_str('{"type":"pong"}')


async def _tell(
    watcher: Watcher[M],
    tell: Callable[[list[M]], Awaitable[None]],
    greet: Callable[[], Awaitable[None]] | None,
    gather: float,
) -> None:
    if greet is not None:
        await greet()
    while True:
        await tell(await watcher.next())
        if gather:
            await asyncio.sleep(gather)


@define(eq=False)
class _Telling:
    """What one client is told, made once for all who are told the same."""

    request: web.Request
    feed: JobFeed
    #: Only this job; None for all.
    job_id: str | None

    def beginning(self, cursor: str | None) -> bytes:
        """What the client has missed since its cursor, or how things stand now.

        Raises:
            JobUnknown, StillOpening: the one job that it asks for cannot be shown.
        """
        jobs, replay = self.request.app[JOBS], self.feed.replay
        if self.job_id is not None:
            jobs.get(self.job_id)
        missed = None if cursor is None else replay.since(cursor)
        if missed is None:
            return self._initial(reset=cursor is not None)
        # Each job once, as it is now, where its last change stands: so each cursor keeps its word.
        last = {at: number for number, at in missed if self.job_id in (None, at.job_id)}
        told = []
        for at, number in sorted(last.items(), key=lambda item: item[1]):
            project = self.request.app[PROJECTS].find(at.root)
            job = None if project is None else project.view.job(at.job_id)
            if project is not None and job is not None:
                view = self._view(Found(project, at.job_id, job))
                told.append(frame(JobState(job=view, cursor=replay.cursor(number))))
        return b"".join(told)

    def frames(self, batch: Batch) -> bytes:
        """What the client is told of a batch."""
        if batch.reset:
            return batch.once(("jobs", self.job_id, "reset"), lambda: self._initial(reset=True))
        told = batch.once("jobs", lambda: [self._told(batch, news) for news in batch.news])
        return batch.once(
            ("jobs", self.job_id),
            lambda: b"".join(made for job, made in told if self.job_id in (None, job)),
        )

    def _told(self, batch: Batch, told: Numbered) -> tuple[str, bytes]:
        """A piece of news as a frame, and the job that it is about."""
        news = told.news
        if told.number is not None:
            waiting = self.request.app[DISPATCHER].why_waiting(news.job_id)
            view = job_view(news.root, news.job_id, news.job, news.progress, waiting)
            cursor = f"{batch.epoch}:{told.number}"
            return news.job_id, frame(JobState(job=view, cursor=cursor))
        assert news.progress is not None  # what has no number tells of progress
        message = JobProgress(
            job_id=news.job_id,
            progress=round(news.progress.percent, 1),
            current_step=news.progress.current_step,
            current_node=news.progress.node,
        )
        return news.job_id, frame(message)

    def _initial(self, *, reset: bool) -> bytes:
        jobs = self.request.app[JOBS]
        found = jobs.unfinished() if self.job_id is None else [jobs.get(self.job_id)]
        message = InitialState(
            jobs=[self._view(each) for each in found],
            timestamp=now(),
            cursor=self.feed.replay.cursor(),
            reset=reset,
        )
        return frame(message)

    def _view(self, found: Found) -> JobView:
        dispatcher = self.request.app[DISPATCHER]
        return job_view(
            found.project.root,
            found.job_id,
            found.job,
            dispatcher.progress(found.job_id),
            dispatcher.why_waiting(found.job_id),
        )


def frame(message: InitialState | JobState | JobProgress) -> bytes:
    """A message as it goes to every client."""
    return text_frame(dump(_WRITERS[type(message)](message)))
