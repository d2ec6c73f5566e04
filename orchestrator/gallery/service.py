"""The gallery over project folders: listings joined with what the log says, and edits.

Files are looked at in threads, never on the event loop. Reading creates nothing anywhere.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

from attrs import define, field, frozen
from uuid_utils import uuid4

from events.assets import AssetId
from events.curation import TagId
from orchestrator.commands.curation import (
    DefineTag,
    DeleteTag,
    RateAsset,
    SaveView,
    Sighting,
    TagAsset,
)
from orchestrator.errors import PathInvalid
from orchestrator.gallery import listing, picture
from orchestrator.gallery.fingerprint import head
from orchestrator.gallery.listing import FileStat, Tree
from orchestrator.gallery.media import is_media
from orchestrator.gallery.picture import PictureFacts
from orchestrator.gallery.reading import reading
from orchestrator.paths.recent import RecentFolders
from orchestrator.paths.roots import Roots, relative
from orchestrator.project import Project
from orchestrator.projects import Projects
from projections.assets import Lineage
from projections.tags import Tag
from projections.views import View

#: Project paths whose resolution is remembered.
MAX_KNOWN = 1_000
#: A look at a known file counts for so long (seconds), unless the log tells of a change. NFS
#: itself may show attributes of that age.
SIGHTED_FOR = 30.0
#: Files whose last look is remembered.
MAX_SIGHTED = 10_000


@frozen
class Curation:
    """What people and the log say of one file."""

    asset: AssetId | None
    stars: int
    tags: tuple[tuple[TagId, Tag], ...]
    lineage: Lineage | None


@frozen
class Listed:
    """A file of a folder, with what is said of it."""

    #: Relative to the project, with `/`.
    relative: str
    path: Path
    file: FileStat
    curation: Curation


@frozen
class Described:
    """Everything about one file."""

    listed: Listed
    facts: PictureFacts


@define(eq=False)
class Gallery:
    """What the gallery's endpoints ask for."""

    roots: Roots
    projects: Projects
    _known: dict[str, Path] = field(factory=dict)
    #: What was looked at, and until when it counts: who rates a file tags it in the next breath.
    _sighted: dict[tuple[Path, str], tuple[Sighting, float]] = field(factory=dict)
    _folders: RecentFolders = field(init=False)

    @_folders.default
    def _no_folders(self) -> RecentFolders:
        return RecentFolders(self.roots)

    async def project(self, path: str) -> Project:
        """The project in a permitted folder.

        Raises:
            PathInvalid, PathNotPermitted, FileMissing, ShareMissing, ProjectUnreadable.
        """
        root = self._known.get(path)
        if root is None:
            root = await asyncio.to_thread(self.roots.permit, path)
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            self._known[path] = root
        return await self.projects.get(root)

    async def tree(self, project_path: str) -> tuple[Project, Tree]:
        """All folders of a project."""
        project = await self.project(project_path)

        def walk() -> Tree:
            with reading(project.root):
                return listing.walk_tree(project.root, follow=self.roots.permits)

        return project, await asyncio.to_thread(walk)

    async def folder(self, project_path: str, folder_path: str) -> list[Listed]:
        """The files of one folder, in natural order of their names."""
        project = await self.project(project_path)
        folder, files = await asyncio.to_thread(self._list, project.root, folder_path)
        prefix = relative(project.root, folder)
        prefix = "" if prefix == "." else f"{prefix}/"
        return [
            Listed(name, folder / file.name, file, self._curation(project, name))
            for file in files
            for name in (prefix + file.name,)
        ]

    def _list(self, root: Path, folder_path: str) -> tuple[Path, list[FileStat]]:
        folder = self.roots.inside(root, folder_path)
        with reading(folder):
            return folder, listing.list_folder(folder)

    def _curation(self, project: Project, path: str) -> Curation:
        view = project.view
        asset = view.asset_at(path)
        if asset is None:
            return Curation(None, 0, (), None)
        rating = view.rating(asset)
        tags = tuple((tag, known) for tag in view.tags_of(asset) if (known := view.tag(tag)))
        return Curation(asset, rating.stars if rating else 0, tags, view.lineage(asset))

    async def describe(self, project_path: str, file_path: str) -> Described:
        """One file: its stat, what is said of it, and what stands in it."""
        project = await self.project(project_path)
        path, file, facts = await asyncio.to_thread(self._describe, project.root, file_path)
        name = relative(project.root, path)
        return Described(Listed(name, path, file, self._curation(project, name)), facts)

    def _describe(self, root: Path, file_path: str) -> tuple[Path, FileStat, PictureFacts]:
        path = self._file(root, file_path)
        with reading(path):
            return path, listing.stat_file(path), picture.facts(path)

    def _file(self, root: Path, file_path: str) -> Path:
        """A picture, video or sound of the project. Whether it is there, its stat will say."""
        path = self.roots.inside(root, file_path)
        if not is_media(path.name):
            raise _no_media(file_path)
        return path

    async def _sight(self, project: Project, file_path: str) -> Sighting:
        """A file that is to be edited, as it was looked at a moment ago, or as it is now.

        Raises:
            PathInvalid, PathNotPermitted, FileMissing, FileUnreadable, FileChanging.
        """
        key, now = (project.root, file_path), time.monotonic()
        sighting, until = self._sighted.get(key, (None, 0.0))
        if sighting is None or until < now or not _fits(project, sighting):

            def look() -> Sighting:
                with reading(project.root / file_path):
                    return self._look(project, file_path)

            sighting = await project.share.run(look)
            if len(self._sighted) >= MAX_SIGHTED:
                self._sighted.clear()
            self._sighted[key] = sighting, now + SIGHTED_FOR
        return sighting

    def _look(self, project: Project, file_path: str) -> Sighting:
        """Look at a file; read its ends only if it is not known as it is. Blocks."""
        file = self._folders.locate(project.root, file_path)
        if not is_media(file.path.name):
            raise _no_media(file_path)
        asset = project.view.asset_at(file.relative)
        known = None if asset is None else project.view.asset(asset)
        if known is not None and (known.size, known.mtime) == (file.size, file.mtime_ns):
            return Sighting(file.relative, file.size, file.mtime_ns, known.head)
        return Sighting(file.relative, file.size, file.mtime_ns, head(file.path, file.size))

    async def rate(self, project_path: str, file_path: str, stars: int, actor: str) -> str:
        """Give a file stars. Returns its path relative to the project."""
        project = await self.project(project_path)
        sighting = await self._sight(project, file_path)
        await project.change(RateAsset(sighting=sighting, stars=stars), actor)
        return sighting.path

    async def ratings(self, project_path: str) -> dict[str, int]:
        """Stars by relative path, of every file that has some."""
        project = await self.project(project_path)
        return {path: rating.stars for path, rating in sorted(project.view.ratings())}

    async def tag(
        self, project_path: str, file_path: str, add: list[str], remove: list[str], actor: str
    ) -> tuple[str, Curation]:
        """Put tags on a file and take others off; returns its path and what it has then."""
        project = await self.project(project_path)
        sighting = await self._sight(project, file_path)
        command = TagAsset(
            sighting=sighting,
            add=tuple(TagId(tag) for tag in add),
            remove=tuple(TagId(tag) for tag in remove),
        )
        await project.change(command, actor)
        return sighting.path, self._curation(project, sighting.path)

    async def tags(self, project_path: str) -> dict[TagId, tuple[Tag, int]]:
        """All tags with the number of files that have each, in the order of their names."""
        project = await self.project(project_path)
        view = project.view
        counts: dict[TagId, int] = {}
        for asset in view.tagged():
            for tag in view.tags_of(asset):
                counts[tag] = counts.get(tag, 0) + 1
        return {tag: (known, counts.get(tag, 0)) for tag, known in view.tags().items()}

    async def define_tag(
        self, project_path: str, tag: str | None, name: str | None, color: str | None, actor: str
    ) -> tuple[TagId, Tag]:
        """Make a tag, or change the one with the id `tag`."""
        project = await self.project(project_path)
        tag_id = TagId(tag or str(uuid4()))
        command = DefineTag(tag=tag_id, update=tag is not None, name=name, color=color)
        await project.change(command, actor)
        known = project.view.tag(tag_id)
        assert known is not None  # just defined, and commands on tags take turns
        return tag_id, known

    async def delete_tag(self, project_path: str, tag: str, actor: str) -> None:
        """Delete a tag everywhere."""
        project = await self.project(project_path)
        await project.change(DeleteTag(tag=TagId(tag)), actor)

    async def views(self, project_path: str) -> dict[str, View]:
        """All saved views, by name."""
        return (await self.project(project_path)).view.views()

    async def save_view(
        self, project_path: str, name: str, settings: dict[str, Any], actor: str
    ) -> View:
        """Save a view under a name."""
        project = await self.project(project_path)
        await project.change(SaveView(name=name, settings=settings), actor)
        view = project.view.view(name)
        assert view is not None  # just saved
        return view


def _fits(project: Project, sighting: Sighting) -> bool:
    """Whether a look at a file is what the log now says of it."""
    known = project.view.asset_at(sighting.path)
    asset = None if known is None else project.view.asset(known)
    if asset is None:
        return False
    seen = (sighting.size, sighting.mtime, sighting.head)
    return (asset.size, asset.mtime, asset.head) == seen


def _no_media(path: str) -> PathInvalid:
    return PathInvalid(path, "it is no picture, video or sound that a gallery shows")
