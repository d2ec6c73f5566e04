"""Finding what a request speaks of: the project, a folder, a file. All paths come through here."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from attrs import define, evolve, field

from orchestrator.commands.curation import Sighting
from orchestrator.errors import PathInvalid
from orchestrator.gallery.facts import read_facts
from orchestrator.gallery.fingerprint import head
from orchestrator.gallery.index.model import ScanReport
from orchestrator.gallery.media import is_media
from orchestrator.gallery.reading import reading
from orchestrator.gallery.recipe import Recipe
from orchestrator.paths.recent import Located, RecentFolders
from orchestrator.paths.roots import Roots
from orchestrator.project import Project
from orchestrator.projects import Projects

#: Project paths whose resolution is remembered.
MAX_KNOWN = 1_000
#: A look at a known file counts for so long (seconds), unless the log tells of a change. NFS
#: itself may show attributes of that age.
SIGHTED_FOR = 30.0
#: Files whose last look is remembered.
MAX_SIGHTED = 10_000


async def _nobody_knows(_: Project, __: Sighting, ___: Recipe) -> bool:
    return False


@define(eq=False)
class Finder:
    """Finds projects and files, and remembers for a moment what it found."""

    roots: Roots
    projects: Projects
    #: Called before each edit of a project.
    before_edit: Callable[[Project, str], Awaitable[None]]
    #: Asked of a file whose bytes are others than were told, with how it says that it was made:
    #: whether the picture that was known there was made otherwise (`Indexes.is_made_anew`).
    is_made_anew: Callable[[Project, Sighting, Recipe], Awaitable[bool]] = _nobody_knows
    #: By the edition of the path mappings, since these say where a path leads.
    _known: dict[tuple[int, str], Path] = field(factory=dict)
    #: What was looked at, and until when it counts: who rates a file tags it in the next breath.
    _sighted: dict[tuple[Path, str, int], tuple[Sighting, float]] = field(factory=dict)
    _folders: RecentFolders = field(init=False)

    @_folders.default
    def _no_folders(self) -> RecentFolders:
        return RecentFolders(self.roots)

    async def project(self, path: str) -> Project:
        """The project in a permitted folder.

        Raises:
            PathInvalid, PathNotPermitted, FileMissing, ShareMissing, ProjectUnreadable.
        """
        key = self.roots.edition, path
        root = self._known.get(key)
        if root is None:
            root = await asyncio.to_thread(self.roots.permit, path)
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            self._known[key] = root
        return await self.projects.get(root)

    async def editable(self, path: str, actor: str) -> Project:
        """The project in a permitted folder, ready to be changed.

        The first edit of a project that the predecessor kept takes over what that knew.

        Raises:
            ImportUnfinished: taking over takes long.
            PathInvalid, PathNotPermitted, FileMissing, ShareMissing, ProjectUnreadable.
        """
        project = await self.project(path)
        await self.before_edit(project, actor)
        return project

    def media(self, root: Path, file_path: str) -> Path:
        """A picture, video or sound of the project. Whether it is there, its stat will say. Blocks.

        Raises:
            PathInvalid, PathNotPermitted, FileMissing.
        """
        path = self.roots.inside(root, file_path)
        if not is_media(path.name):
            raise no_media(file_path)
        return path

    def locate(self, root: Path, file_path: str) -> Located:
        """A picture, video or sound that is there. Blocks.

        Raises:
            PathInvalid, PathNotPermitted, FileMissing, FileUnreadable.
        """
        with reading(root / file_path):
            file = self._folders.locate(root, file_path)
        if not is_media(file.path.name):
            raise no_media(file_path)
        return file

    async def sight(self, project: Project, file_path: str) -> Sighting:
        """A file that is to be edited, as it was looked at a moment ago, or as it is now.

        Raises:
            PathInvalid, PathNotPermitted, FileMissing, FileUnreadable, FileChanging.
        """
        key, now = (project.root, file_path, self.roots.edition), time.monotonic()
        last, until = self._sighted.get(key, (None, 0.0))
        if last is not None and until >= now and _fits(project, last):
            return last
        sighting, made = await project.share.run(lambda: self._look(project, file_path))
        if made is not None and await self.is_made_anew(project, sighting, made):
            sighting = evolve(sighting, made_anew=True)
        if len(self._sighted) >= MAX_SIGHTED:
            self._sighted.clear()
        self._sighted[key] = sighting, now + SIGHTED_FOR
        return sighting

    def scanned(self, root: Path, report: ScanReport) -> None:
        """A look through a project has met files otherwise: they are looked at anew."""
        if report.touched:
            touched = frozenset(report.touched)
            for key, (sighting, _) in tuple(self._sighted.items()):
                if key[0] == root and sighting.path in touched:
                    del self._sighted[key]

    def _look(self, project: Project, file_path: str) -> tuple[Sighting, Recipe | None]:
        """Look at a file; read its ends only if it is not known as it is. Blocks.

        If it is an asset with other bytes by now, it also tells how the file was made.
        """
        file = self.locate(project.root, file_path)
        asset = project.view.asset_at(file.relative)
        known = None if asset is None else project.view.asset(asset)
        if known is not None and (known.size, known.mtime) == (file.size, file.mtime_ns):
            return Sighting(file.relative, file.size, file.mtime_ns, known.head), None
        with reading(file.path):
            found = head(file.path, file.size)
            same = known is None or (known.size, known.head) == (file.size, found)
            made = None if same else read_facts(file.path).recipe
        return Sighting(file.relative, file.size, file.mtime_ns, found), made


def _fits(project: Project, sighting: Sighting) -> bool:
    """Whether a look at a file is what the log now says of it."""
    known = project.view.asset_at(sighting.path)
    asset = None if known is None else project.view.asset(known)
    if asset is None:
        return False
    seen = (sighting.size, sighting.mtime, sighting.head)
    return (asset.size, asset.mtime, asset.head) == seen


def no_media(path: str) -> PathInvalid:
    """Refuses a file that a gallery does not show."""
    return PathInvalid(path, "it is no picture, video or sound that a gallery shows")
