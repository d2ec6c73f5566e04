"""The gallery over project folders: listings joined with what the log and the index say.

Files are looked at in threads, never on the event loop. Reading creates nothing anywhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

from attrs import define, evolve, field, frozen

from orchestrator.gallery import listing
from orchestrator.gallery.bygone import Bygone
from orchestrator.gallery.curating import NOTHING, curation_at
from orchestrator.gallery.facts import Facts, read_facts
from orchestrator.gallery.finder import Finder
from orchestrator.gallery.listing import FileStat, Tree, TreeNode
from orchestrator.gallery.past.whereabouts import Whereabouts
from orchestrator.gallery.reading import reading
from orchestrator.gallery.walking import Listed, Page, Stats, Walk, count_folders, stats
from orchestrator.paths.roots import relative
from orchestrator.project import Project
from projections.project import ProjectView

#: Width and height of the files of a folder by name, as far as they are known.
Dimensions = Callable[[Project, str], Awaitable[dict[str, tuple[int, int]]]]
#: Where files lay at a moment that lie elsewhere now.
MovedSince = Callable[[Project, datetime], Awaitable[Whereabouts]]
#: Told of a folder that somebody looks at, and its files.
LookedAt = Callable[[Project, str, list[FileStat]], None]
_UNMEASURED = (None, None)
#: Folders whose last look is remembered.
MAX_LOOKS = 64


@frozen
class Described:
    """Everything about one file."""

    listed: Listed
    facts: Facts


@define(eq=False)
class Gallery:
    """What the gallery's endpoints ask for."""

    finder: Finder
    dimensions: Dimensions
    moved_since: MovedSince
    #: Called on the event loop.
    watchers: list[LookedAt] = field(factory=list)
    #: What the folders that were looked at last held then; the latest stand last.
    _looks: dict[tuple[Path, str], list[FileStat]] = field(factory=dict)

    async def tree(self, project_path: str) -> tuple[Project, Tree]:
        """All folders of a project."""
        project = await self.finder.project(project_path)

        def walk() -> Tree:
            with reading(project.root):
                return listing.walk_tree(project.root, follow=self.finder.roots.permits)

        return project, await asyncio.to_thread(walk)

    async def folder(self, project_path: str, folder_path: str) -> list[Listed]:
        """The files of one folder, in natural order of their names."""
        project = await self.finder.project(project_path)
        page = await asyncio.to_thread(self._list, project, folder_path)
        sizes = await self.dimensions(project, page.folder or ".")
        self._tell_watchers(project, page)
        return _joined(project, page, sizes)

    def _tell_watchers(self, project: Project, page: Page) -> None:
        """Tell of a look, unless the folder is just as it was at the last one."""
        key = project.root, page.folder
        if self._looks.pop(key, None) != page.files:
            for watcher in self.watchers:
                watcher(project, page.folder or ".", page.files)
        self._looks[key] = page.files
        if len(self._looks) > MAX_LOOKS:
            del self._looks[next(iter(self._looks))]

    def _list(self, project: Project, folder_path: str) -> Page:
        folder = self.finder.roots.inside(project.root, folder_path)
        with reading(folder):
            files = listing.list_folder(folder)
        below = relative(project.root, folder)
        return Page("" if below == "." else below, files)

    async def folder_at(
        self, project_path: str, folder_path: str, then: ProjectView, at: datetime
    ) -> list[Listed]:
        """The files of one folder as of a moment, with what was said of them then."""
        project = await self.finder.project(project_path)
        since = await self.moved_since(project, at)

        def look_back() -> list[Listed]:
            folder = relative(project.root, self.finder.roots.inside(project.root, folder_path))
            name = "" if folder == "." else folder
            return Bygone(project, name, then, since, at).files()

        found = await asyncio.to_thread(look_back)
        lie_in = dict.fromkeys(str(Path(listed.path).parent) for listed in found)
        sizes = {folder: await self._sizes(project, folder) for folder in lie_in}
        return [_measured(listed, sizes) for listed in found]

    async def _sizes(self, project: Project, folder: str) -> dict[str, tuple[int, int]]:
        """Width and height by name; `folder` is absolute."""
        return await self.dimensions(project, relative(project.root, Path(folder)))

    async def walk(
        self, project_path: str, folder_path: str, *, limit: int | None, cursor: str | None
    ) -> Walk:
        """All files in a folder and those below it, from the cursor on."""
        project = await self.finder.project(project_path)
        top, tree = await asyncio.to_thread(self._subtree, project, folder_path)

        async def join(page: Page) -> list[Listed]:
            return _joined(project, page, await self.dimensions(project, page.folder or "."))

        walk = Walk(project.root, top, join, limit, cursor)
        walk.skipped.extend(tree.skipped)
        return walk

    def _subtree(self, project: Project, folder_path: str) -> tuple[TreeNode, Tree]:
        folder = self.finder.roots.inside(project.root, folder_path)
        with reading(folder):
            tree = listing.walk_tree(folder, follow=self.finder.roots.permits)
        below = relative(project.root, folder)
        return _below(tree.root, "" if below == "." else below), tree

    async def stats(self, project_path: str, folder_path: str, *, recursive: bool) -> Stats:
        """How much lies in a folder, and with `recursive` in those below it."""
        project = await self.finder.project(project_path)

        def count() -> Stats:
            top, _ = self._subtree(project, folder_path)
            wanted = top if recursive else evolve(top, children=())
            pages = Walk(project.root, wanted).pages()
            return stats(pages, count_folders(top) if recursive else len(top.children))

        return await asyncio.to_thread(count)

    async def describe(self, project_path: str, file_path: str) -> Described:
        """One file: its stat, what is said of it, and what stands in it."""
        project = await self.finder.project(project_path)
        path, file, facts = await asyncio.to_thread(self._describe, project.root, file_path)
        name = relative(project.root, path)
        listed = Listed(name, str(path), file, curation_at(project.view, name))
        return Described(listed, facts)

    def _describe(self, root: Path, file_path: str) -> tuple[Path, FileStat, Facts]:
        path = self.finder.media(root, file_path)
        with reading(path):
            return path, listing.stat_file(path), read_facts(path)


def _joined(project: Project, page: Page, sizes: dict[str, tuple[int, int]]) -> list[Listed]:
    """The files of a folder with what is said of them."""
    view, spoken_of = project.view, project.view.spoken_of()
    prefix = f"{page.folder}/" if page.folder else ""
    base = f"{project.root}/{prefix}"
    found = []
    for file in page.files:
        name = file.name
        path = prefix + name
        width, height = sizes.get(name, _UNMEASURED)
        said = curation_at(view, path) if path in spoken_of else NOTHING
        found.append(Listed(path, base + name, file, said, width, height))
    return found


def _measured(listed: Listed, sizes: dict[str, dict[str, tuple[int, int]]]) -> Listed:
    """A file with its width and height, if the index has read it where it lies now."""
    folder, _, name = listed.path.rpartition("/")
    width, height = sizes[folder].get(name, (None, None))
    return listed._replace(width=width, height=height)


def _below(node: TreeNode, prefix: str) -> TreeNode:
    """A tree of a folder with its paths relative to the project."""
    if not prefix:
        return node
    relative_ = prefix if node.relative == "." else f"{prefix}/{node.relative}"
    return evolve(
        node, relative=relative_, children=tuple(_below(child, prefix) for child in node.children)
    )
