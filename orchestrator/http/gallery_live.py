"""The WebSocket of the gallery: what changes in a project, as it changes, with a cursor."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any, Literal

from aiohttp import WSCloseCode, web
from attrs import define, field, frozen

from events.stamp import moment
from orchestrator.errors import OrchestratorError
from orchestrator.gallery.news import Change, GalleryNews, News
from orchestrator.http.dialects import DIALECT, Dialect
from orchestrator.http.endpoint import endpoint
from orchestrator.http.fields import about
from orchestrator.http.gallery import PROJECT_PATH
from orchestrator.http.live import HEARTBEAT, converse
from orchestrator.http.replies import dump
from orchestrator.project import Project
from orchestrator.projects import Projects
from orchestrator.services import FINDER, INDEXES, NEWS, PROJECTS


@frozen(kw_only=True, repr=False)
class WatchGallery:
    """Which project to watch, and from where on."""

    project_path: str = field(metadata=PROJECT_PATH)
    cursor: str | None = field(
        default=None,
        metadata=about("The last cursor that came, to miss nothing.", max_length=100),
    )


@frozen(kw_only=True, repr=False)
class Hello:
    """The first message: everything after this cursor will come."""

    type: Literal["hello"] = "hello"
    cursor: str
    #: What was missed is not known any more: read everything anew.
    reload: bool


@frozen(kw_only=True, repr=False)
class GalleryChange:
    """One thing that is different now."""

    event: str
    at: datetime
    actor: str
    host: str
    batch: str | None
    path: str | None
    old_path: str | None
    asset_id: str | None
    now: dict[str, Any]


@frozen(kw_only=True, repr=False)
class Changes:
    """Changes of the last moment, in their order."""

    type: Literal["changes"] = "changes"
    changes: list[GalleryChange]
    cursor: str


@frozen(kw_only=True, repr=False)
class IndexProgress:
    """How far the index is."""

    type: Literal["index_progress"] = "index_progress"
    phase: str
    done: int
    total: int | None


@frozen(kw_only=True, repr=False)
class Scanned:
    """A look through the project is over."""

    type: Literal["scanned"] = "scanned"
    files: int
    read: int
    missing: int
    offline: bool


Message = Hello | Changes | IndexProgress | Scanned
_CLASSES: tuple[type[Message], ...] = (Hello, Changes, IndexProgress, Scanned)
#: Changes of one message; with long notes that makes a few megabytes.
MOST_CHANGES = 200


@endpoint(
    "GET", "/ws/gallery", request=WatchGallery, websocket=True, dialect=True, tags=("gallery",)
)
async def watch_gallery(request: web.Request, asked: WatchGallery) -> web.StreamResponse:
    """What changes in a project, by whomever and on whichever host, in batches of 50 ms.

    First comes `hello` with a cursor. Who connects again with its last cursor gets what it missed;
    if that is not known any more, `hello` says `reload`: read everything anew. It comes again if
    the project had to be opened anew meanwhile. A client that does not read is closed with 1013,
    an unknown project with 1008. A text `ping` is answered with `{"type":"pong"}`.
    """
    socket = web.WebSocketResponse(heartbeat=HEARTBEAT, max_msg_size=1 << 16)
    await socket.prepare(request)
    try:
        project = await request.app[FINDER].project(asked.project_path)
    except OrchestratorError as exc:
        await socket.close(code=WSCloseCode.POLICY_VIOLATION, message=_short(str(exc)))
        return socket
    # Who looks at a project wants it indexed.
    index, news = request.app[INDEXES].of(project), request.app[NEWS]
    with (
        request.app[PROJECTS].following.watching(project.root),
        news.feed.watch(lambda each: each.root == project.root) as watcher,
    ):
        spoken = request[DIALECT]
        telling = _Telling(socket, request.app[PROJECTS], project, news, spoken, asked.cursor)
        await telling.hello()
        await telling.catch_up()
        if index.progress.phase != "done":
            await telling.tell([News(project.root, progress=index.progress)])
        await converse(socket, watcher, telling.tell)
    return socket


def _short(reason: str) -> bytes:
    """A reason as a closing frame can hold it: at most 123 bytes, cut between two letters."""
    return reason.encode()[:120].decode(errors="ignore").encode()


@define
class _Telling:
    """What one client was told so far."""

    socket: web.WebSocketResponse
    projects: Projects
    _opened: Project
    news: GalleryNews
    dialect: Dialect
    #: Where the client stands; None if it has not told.
    cursor: str | None

    @property
    def project(self) -> Project:
        """The project, which may have been opened anew meanwhile."""
        return self.projects.find(self._opened.root) or self._opened

    async def hello(self) -> None:
        """Tell where the client stands, or that it has to read everything anew."""
        reload = False
        if self.cursor is None or self.news.since(self.project, self.cursor) is None:
            reload = self.cursor is not None
            self.cursor = self.news.cursor(self.project)
        await self._send(Hello(cursor=self.cursor, reload=reload))

    async def catch_up(self) -> None:
        """Tell what has changed since the client's cursor."""
        while True:
            found = self.news.since(self.project, self.cursor or "", MOST_CHANGES)
            if found is None:
                await self.hello()
                continue
            self.cursor, changes = found
            if not changes:
                return
            told = [_change(change) for change in changes]
            await self._send(Changes(changes=told, cursor=self.cursor))

    async def tell(self, batch: list[News]) -> None:
        """Tell all changes, and of the index only how far it is now."""
        await self.catch_up()
        progress = next((each.progress for each in reversed(batch) if each.progress), None)
        if progress is not None:
            await self._send(
                IndexProgress(phase=progress.phase, done=progress.done, total=progress.total)
            )
        report = next((each.report for each in reversed(batch) if each.report), None)
        if report is not None:
            await self._send(
                Scanned(
                    files=report.files,
                    read=report.read,
                    missing=report.missing,
                    offline=report.offline,
                )
            )

    async def _send(self, message: Message) -> None:
        await self.socket.send_str(dump(_writers(self.dialect)[type(message)](message)).decode())


@cache
def _writers(dialect: Dialect) -> dict[type[Message], Callable[[Any], Any]]:
    return {cls: dialect.writer(cls) for cls in _CLASSES}


def _change(change: Change) -> GalleryChange:
    return GalleryChange(
        event=change.event,
        at=moment(change.stamp),
        actor=change.actor,
        host=change.host,
        batch=change.batch,
        path=change.path,
        old_path=change.old_path,
        asset_id=change.asset,
        now=change.now,
    )
