"""What undo needs of whoever moves files: the port, and the gallery's own file operations as it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from attrs import define, frozen

from orchestrator.gallery.fileops.bin import Bin
from orchestrator.gallery.fileops.service import FileWork, Moved
from orchestrator.project import Project


@frozen
class Landed:
    """What became of one file."""

    #: What was asked for: its path, or its id in the trash.
    asked: str
    #: Where it lies now, relative to the project; None if it lies in the trash, or was not moved.
    path: str | None
    #: Why it was not moved; None if it was.
    error: str | None = None


class FileMover(Protocol):
    """Moves files by intent, effect, outcome. Each answers for all files, good and bad."""

    async def move_pairs(
        self, project: Project, pairs: Sequence[tuple[str, str]], actor: str, correlation: str
    ) -> list[Landed]:
        """Move files and folders, also in circles; a name that is taken is an error."""
        ...

    async def trash(
        self, project: Project, paths: Sequence[str], actor: str, correlation: str
    ) -> list[Landed]:
        """Put files into the trash."""
        ...

    async def restore(
        self, project: Project, trash_ids: Sequence[str], actor: str, correlation: str
    ) -> list[Landed]:
        """Bring files back from the trash, to where they lay or beside it."""
        ...


@define(eq=False)
class GalleryFiles:
    """The gallery's file operations."""

    files: FileWork
    bin: Bin

    async def move_pairs(
        self, project: Project, pairs: Sequence[tuple[str, str]], actor: str, correlation: str
    ) -> list[Landed]:
        """See the port."""
        return _landed(await self.files.move_pairs(project, pairs, actor, correlation))

    async def trash(
        self, project: Project, paths: Sequence[str], actor: str, correlation: str
    ) -> list[Landed]:
        """See the port."""
        report = await self.files.trash(str(project.root), paths, actor, correlation)
        return _landed(report.files)

    async def restore(
        self, project: Project, trash_ids: Sequence[str], actor: str, correlation: str
    ) -> list[Landed]:
        """See the port."""
        return _landed((await self.bin.restore(project, trash_ids, actor, correlation)).files)


def _landed(files: Iterable[Moved]) -> list[Landed]:
    return [Landed(f.asked, f.to, None if f.error is None else str(f.error)) for f in files]
