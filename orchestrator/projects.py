"""The projects that are open, and which one is meant when nobody says."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import structlog
from attrs import define, field

from events.log.engine import FOLDERS, Engine
from orchestrator.errors import FileMissing, ProjectUnreadable, ShareMissing, Unavailable
from orchestrator.following import Following
from orchestrator.host import Host, write_whole
from orchestrator.places import SeenProjects
from orchestrator.project import (
    Listener,
    Project,
    SettleListener,
    code_version,
    open_project,
    project_id,
)

_log = structlog.get_logger(__name__)

#: A project that became read-only is opened anew after this time, to see whether it is well.
REOPEN_SECONDS = 30.0
#: One that could not be opened at the start is tried again after this time, then less and less
#: often.
REOPEN_FIRST = 1.0


@define(eq=False)
class Projects:
    """All projects that this service has opened, by folder."""

    host: Host
    data_dir: Path
    listeners: list[Listener] = field(factory=list)
    #: Called with each project that was opened, on the event loop.
    openers: list[Callable[[Project], None]] = field(factory=list)
    #: Given to each project that is opened.
    on_settled: SettleListener = lambda _seconds, _changes, _failed: None
    #: Where the logs of all projects are kept.
    engine: Engine = FOLDERS
    _open: dict[Path, Project] = field(factory=dict)
    _opening: dict[Path, asyncio.Lock] = field(factory=dict)
    #: How many of the projects that were known at the start nobody has tried to open yet.
    still_opening: int = 0
    _ailing: dict[Path, float] = field(factory=dict)
    _code: str = field(factory=code_version)
    #: When the copies of other projects were looked at last, to see whether they still are that.
    _copies: dict[Path, float] = field(factory=dict)
    _seen: SeenProjects = field(init=False)
    #: Follows what other hosts write.
    following: Following = field(init=False)

    @_seen.default
    def _make_seen(self) -> SeenProjects:
        return SeenProjects(self.data_dir / "projects.json", self.engine)

    @following.default
    def _make_following(self) -> Following:
        return Following(self.host)

    @property
    def default_root(self) -> Path:
        """The host's own project, for jobs that belong nowhere else."""
        return self.data_dir / "projects" / "default"

    def all(self) -> tuple[Project, ...]:
        """The open projects."""
        return tuple(self._open.values())

    def find(self, root: Path) -> Project | None:
        """The project in a folder, if it is open."""
        return self._open.get(root)

    async def get(self, root: Path) -> Project:
        """The project in a folder, opened if need be. `root` is a permitted, resolved path.

        Raises:
            FileMissing: there is no such folder.
            ShareMissing: this host knows the project, but its log is gone.
            ProjectUnreadable: its log must not be read.
        """
        project = self._open.get(root)
        self.following.look(root)
        if project is not None and project.barred is not None:
            await self._look_again(project)
        if project is not None and not self._is_due(project):
            return project
        async with self._opening.setdefault(root, asyncio.Lock()):
            project = self._open.get(root)
            if project is not None:
                if not self._is_due(project):
                    return project
                self._ailing[root] = time.monotonic()
                await project.drain()  # the new one must see all that the old one wrote
            # Until the new one is there, and if it cannot be opened, the old one can be read.
            fresh = await self._open_anew(root)
            if project is not None:
                await project.close()
            return fresh

    async def _look_again(self, project: Project) -> None:
        """See whether a copy still is one, some time after the last look."""
        now = time.monotonic()
        log, looked = project.log, self._copies.get(project.root, float("-inf"))
        if log is not None and now - looked >= REOPEN_SECONDS:
            self._copies[project.root] = now
            project.barred = await asyncio.to_thread(self._seen.settle, project.root, log.project)

    async def _open_anew(self, root: Path) -> Project:
        started = time.monotonic()
        project = await asyncio.to_thread(self._open_blocking, root)
        project.listeners = self.listeners
        project.on_settled = self.on_settled
        self._open[root] = project
        self.following.take(project)
        self._copies[root] = started
        self._ailing.pop(root, None)
        for finding in project.findings():
            _log.warning(
                "log.left_out",
                project=str(root),
                kind=finding.kind.value,
                file=finding.file,
                offset=finding.offset,
                message=finding.message,
            )
        seconds = round(time.monotonic() - started, 3)
        _log.info("project.opened", project=str(root), seconds=seconds)
        for opener in self.openers:
            opener(project)
        return project

    def _open_blocking(self, root: Path) -> Project:
        try:
            there = root.is_dir()
        except OSError as exc:
            raise ProjectUnreadable(str(root), f"the share does not answer: {exc}") from exc
        if not there:
            # What this host has seen is not lost: the share that it lies on is not mounted.
            known = self._seen.id_at(root) is not None
            raise ShareMissing(str(root)) if known else FileMissing(str(root))
        id_ = project_id(root, self.engine)
        if id_ is None and self._seen.id_at(root) is not None:
            raise ShareMissing(str(root))
        barred = None if id_ is None else self._seen.settle(root, id_)
        cache = self._cache_of(root, id_)
        project = open_project(root, self.host, cache, self._code, self.engine)
        project.barred = barred
        if barred is not None:
            _log.warning("project.copied", project=str(root), reason=barred)

        def created(made: str) -> None:
            project.barred = self._seen.settle(root, made)

        project.on_created = created
        return project

    def _cache_of(self, root: Path, id_: str | None) -> Path:
        """Where checkpoints and copies of a project's log lie on local disk, by its id.

        A copy of a project has the same id, and another past: it gets a place of its own.
        """
        cache = self.data_dir / "cache"
        if id_ is None or self._seen.is_first(root, id_):
            return cache
        return cache / "copies" / sha256(str(root).encode()).hexdigest()[:16]

    def _is_due(self, project: Project) -> bool:
        """Whether a project that cannot be written has been so long enough to try anew."""
        if project.outdated:
            return True
        if project.ailment is None:
            return False
        since = self._ailing.setdefault(project.root, time.monotonic())
        return time.monotonic() - since >= REOPEN_SECONDS

    async def default(self) -> Project:
        """The host's own default project; its folder is made at first use."""
        await asyncio.to_thread(self.default_root.mkdir, parents=True, exist_ok=True)
        return await self.get(self.default_root)

    async def reopen_known(self) -> None:
        """Open the projects in which this host may have work left from before a restart.

        Ends when all are open: a share that is not mounted yet is tried again and again.
        """
        self.still_opening = 1
        roots = await asyncio.to_thread(self._known_roots)
        self.still_opening = len(roots)
        await asyncio.gather(*(self._reopen(root) for root in roots))

    async def _reopen(self, root: Path) -> None:
        try:
            failed = await self._failed_to_open(root)
        finally:
            self.still_opening -= 1
        if failed is not None:
            _log.warning("project.not_reopened", project=str(root), reason=failed)
        pause = REOPEN_FIRST
        while failed is not None:
            await asyncio.sleep(pause)
            failed = await self._failed_to_open(root)
            pause = min(pause * 2, REOPEN_SECONDS)

    async def _failed_to_open(self, root: Path) -> str | None:
        try:
            await self.get(root)
        except (FileMissing, Unavailable, OSError) as exc:
            return str(exc)
        return None

    def _known_roots(self) -> list[Path]:
        return [Path(path) for path in self._seen.all()]

    def start(self) -> None:
        """Begin to follow what other hosts write."""
        self.following.start()

    async def _close(self, project: Project) -> None:
        self._open.pop(project.root, None)
        self.following.leave(project.root)
        await project.close()

    async def close(self) -> None:
        """Close all projects."""
        self.following.close()
        for project in self.all():
            await self._close(project)


@define
class CurrentProject:
    """The project a person works on now; kept over restarts in `current-project.json`."""

    path: Path

    def load(self) -> dict[str, Any] | None:
        """What was last set. Blocks."""
        try:
            found = orjson.loads(self.path.read_bytes())
        except (FileNotFoundError, orjson.JSONDecodeError):
            return None
        return found if isinstance(found, dict) else None

    def save(self, project: dict[str, Any]) -> None:
        """Set it. Blocks."""
        write_whole(self.path, orjson.dumps(project, option=orjson.OPT_INDENT_2))
