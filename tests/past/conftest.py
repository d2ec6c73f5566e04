"""A project on disk with what undo needs, and the stories of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field

from events.curation import TagId
from orchestrator.commands.curation import CurateAsset, DefineTag
from orchestrator.gallery.fileops.bin import Bin
from orchestrator.gallery.fileops.engine import Engine
from orchestrator.gallery.fileops.service import FileWork
from orchestrator.gallery.finder import Finder
from orchestrator.gallery.past.filework import GalleryFiles, Landed
from orchestrator.gallery.past.pages import Asked, Page
from orchestrator.gallery.past.selecting import Selection
from orchestrator.gallery.past.service import Past, ToldUndo
from orchestrator.host import load_host
from orchestrator.paths.roots import Roots
from orchestrator.project import Project
from orchestrator.projects import Projects
from projections.history import Edit


async def ready(project: Project, actor: str) -> None:
    """Nothing is to be imported first."""


@define(eq=False)
class Watched:
    """The gallery's file operations, of which some files can be made to fail."""

    inner: GalleryFiles
    #: What was asked for, in order.
    calls: list[tuple[str, list[Any]]] = field(factory=list)
    #: Errors by path or trash id.
    refuses: dict[str, str] = field(factory=dict)

    async def move_pairs(
        self, project: Project, pairs: Sequence[tuple[str, str]], actor: str, correlation: str
    ) -> list[Landed]:
        self.calls.append(("move", list(pairs)))
        good = [pair for pair in pairs if pair[0] not in self.refuses]
        done = await self.inner.move_pairs(project, good, actor, correlation)
        return done + self._refused([source for source, _ in pairs])

    async def trash(
        self, project: Project, paths: Sequence[str], actor: str, correlation: str
    ) -> list[Landed]:
        self.calls.append(("trash", list(paths)))
        good = [path for path in paths if path not in self.refuses]
        return await self.inner.trash(project, good, actor, correlation) + self._refused(paths)

    async def restore(
        self, project: Project, trash_ids: Sequence[str], actor: str, correlation: str
    ) -> list[Landed]:
        self.calls.append(("restore", list(trash_ids)))
        good = [trash for trash in trash_ids if trash not in self.refuses]
        done = await self.inner.restore(project, good, actor, correlation)
        return done + self._refused(trash_ids)

    def _refused(self, asked: Sequence[str]) -> list[Landed]:
        return [Landed(one, None, self.refuses[one]) for one in asked if one in self.refuses]


@define(eq=False)
class Desk:
    """One host at work on a project."""

    root: Path
    data: Path
    projects: Projects = field(init=False)
    engine: Engine = field(factory=Engine)
    finder: Finder = field(init=False)
    files: FileWork = field(init=False)
    bin: Bin = field(init=False)
    mover: Watched = field(init=False)
    past: Past = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.projects = Projects(load_host(self.data), self.data)
        self.finder = Finder(Roots((self.root,), ()), self.projects, ready)
        self.files, self.bin = FileWork(self.finder, self.engine), Bin(self.finder, self.engine)
        self.mover = Watched(GalleryFiles(self.files, self.bin))
        self.past = Past(self.finder, self.mover)
        self.projects.listeners.append(self.past.hear)

    async def open(self) -> Project:
        """The project."""
        return await self.projects.get(self.root)

    def picture(self, path: str, content: bytes = b"picture") -> None:
        """A file of the project."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)

    async def rate(self, path: str, stars: int, who: str = "mara", batch: str | None = None) -> str:
        """Rate a file; the edit's id."""
        project = await self.open()
        sighting = await self.finder.sight(project, path)
        command = CurateAsset(sighting=sighting, stars=stars)
        return (await project.change(command, who, batch))[-1].stamp

    async def tag(self, path: str, tag: str, who: str = "mara") -> str:
        """Tag a file; the edit's id."""
        project = await self.open()
        if project.view.tag(TagId(tag)) is None:
            define = DefineTag(tag=TagId(tag), update=False, name=tag.title(), color=None)
            await project.change(define, who)
        sighting = await self.finder.sight(project, path)
        records = await project.change(CurateAsset(sighting=sighting, add=(TagId(tag),)), who)
        return records[-1].stamp

    async def rename(self, names: dict[str, str], who: str = "mara") -> str:
        """Rename files in their folders; the batch."""
        return (await self.files.rename_all(str(self.root), names, who)).batch

    async def trash(self, *paths: str, who: str = "mara") -> str:
        """Trash files; the batch."""
        return (await self.files.trash(str(self.root), paths, who)).batch

    async def undo(self, who: str = "mara", **wanted: Any) -> ToldUndo:
        """Undo; takes the fields of a selection, and `dry_run` and `force`."""
        how = {name: wanted.pop(name, False) for name in ("dry_run", "force")}
        return await self.past.undo(str(self.root), Selection(**wanted), who, **how)

    async def history(self, **asked: Any) -> Page:
        """A page of the history."""
        return await self.past.history(str(self.root), Asked(**asked))

    async def edits(self) -> list[Edit]:
        """All edits, oldest first."""
        history = await self.past.histories.of(await self.open())
        return history.between(None, None)

    def names(self) -> list[str]:
        """Every file of the project by its path, without what is the service's own."""
        found = (path for path in self.root.rglob("*") if path.is_file())
        paths = (path.relative_to(self.root).as_posix() for path in found)
        return sorted(path for path in paths if not path.startswith(".gallery"))

    async def stars(self, path: str) -> int:
        """Stars of a file."""
        return (await self.open()).view.stars_at(path)

    async def close(self) -> None:
        """Stop this host."""
        self.past.close()
        await self.engine.close()
        await self.projects.close()


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """A host and a project with three pictures."""
    root = tmp_path / "share" / "Eliot"
    root.mkdir(parents=True)
    made = Desk(root.resolve(), tmp_path / "data")
    for name in ("a", "b", "c"):
        made.picture(f"P/{name}.png", name.encode() * 100)
    yield made
    await made.close()
