"""WebSockets: state and progress of jobs, as they change."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import Any, Literal, TypeVar

import structlog
from aiohttp import WSCloseCode, WSMsgType, web
from attrs import field, frozen

from orchestrator.errors import JobUnknown, StillOpening
from orchestrator.http.dialects import CORE
from orchestrator.http.endpoint import endpoint
from orchestrator.http.fields import about
from orchestrator.http.job_views import JobView, job_view, now
from orchestrator.http.replies import dump
from orchestrator.live import FeedEndedError, TooSlowError, Watcher
from orchestrator.scheduling.dispatcher import JobNews
from orchestrator.services import DISPATCHER, JOB_FEED, JOBS

_log = structlog.get_logger(__name__)
M = TypeVar("M")

#: Progress is gathered for so long, so that a busy farm does not flood its watchers (seconds).
GATHER = 0.05
HEARTBEAT = 30.0


@frozen(kw_only=True)
class WatchJobs:
    """Which jobs to watch."""

    job_id: str | None = field(default=None, metadata=about("Only this job.", aliases=("jobId",)))


@frozen(kw_only=True)
class InitialState:
    """How things stand at the beginning."""

    type: Literal["initial_state"] = "initial_state"
    jobs: list[JobView]
    timestamp: datetime


@frozen(kw_only=True)
class JobState:
    """A job's state changed."""

    type: Literal["job_state"] = "job_state"
    job: JobView


@frozen(kw_only=True)
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
    `job_state` at each change and `job_progress` in between. A text `ping` is answered with
    `{"type":"pong"}`. An unknown job closes the socket with 1008; a client that does not read,
    or asks for a job while projects are still being opened, is closed with 1013; when the service
    stops, all are with 1001.
    """
    socket = web.WebSocketResponse(heartbeat=HEARTBEAT, max_msg_size=1 << 16)
    await socket.prepare(request)
    with request.app[JOB_FEED].watch(
        lambda news: asked.job_id is None or news.job_id == asked.job_id
    ) as watcher:
        try:
            initial = _initial(request, asked.job_id)
        except JobUnknown as exc:
            await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=str(exc).encode()[:120])
            return socket
        except StillOpening as exc:
            await socket.close(code=WSCloseCode.TRY_AGAIN_LATER, message=str(exc).encode()[:120])
            return socket
        await _send(socket, initial)

        async def tell(batch: list[JobNews]) -> None:
            for message in _messages(request, batch):
                await _send(socket, message)

        await converse(socket, watcher, tell)
    return socket


async def converse(
    socket: web.WebSocketResponse, watcher: Watcher[M], tell: Callable[[list[M]], Awaitable[None]]
) -> None:
    """Tell a client the news that it watches, and answer its pings, until either side ends it.

    A client that does not read is closed with 1013; when the service stops, with 1001; if we
    cannot go on because of a fault of ours, with 1011.
    """
    tasks = {asyncio.create_task(_tell(watcher, tell)), asyncio.create_task(_listen(socket))}
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


async def _tell(watcher: Watcher[M], tell: Callable[[list[M]], Awaitable[None]]) -> None:
    while True:
        await tell(await watcher.next())
        await asyncio.sleep(GATHER)


def _messages(request: web.Request, batch: Iterable[JobNews]) -> Iterable[JobState | JobProgress]:
    """Every change of state, and of the progress of each job only the last."""
    progress: dict[str, JobProgress] = {}
    for news in batch:
        if news.state_changed:
            progress.pop(news.job_id, None)
            yield JobState(job=_view(request, news))
        elif news.progress is not None:
            progress[news.job_id] = JobProgress(
                job_id=news.job_id,
                progress=round(news.progress.percent, 1),
                current_step=news.progress.current_step,
                current_node=news.progress.node,
            )
    yield from progress.values()


def _view(request: web.Request, news: JobNews) -> JobView:
    waiting = request.app[DISPATCHER].why_waiting(news.job_id)
    return job_view(news.root, news.job_id, news.job, news.progress, waiting)


def _initial(request: web.Request, job_id: str | None) -> InitialState:
    dispatcher, jobs = request.app[DISPATCHER], request.app[JOBS]
    found = [jobs.get(job_id)] if job_id is not None else jobs.unfinished()
    views = [
        job_view(
            each.project.root,
            each.job_id,
            each.job,
            dispatcher.progress(each.job_id),
            dispatcher.why_waiting(each.job_id),
        )
        for each in found
    ]
    return InitialState(jobs=views, timestamp=now())


async def _send(socket: web.WebSocketResponse, message: Any) -> None:
    await socket.send_str(dump(_WRITERS[type(message)](message)).decode())
