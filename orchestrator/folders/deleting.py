"""Deleting a picture of which only the path is known: it goes to the trash of its project."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from attrs import define, frozen

from events.trash import TrashId
from orchestrator.errors import FileInNoProject, FileMissing, PathInvalid, PathNotPermitted
from orchestrator.folders.lookouts import Lookouts
from orchestrator.folders.places import local, permitted
from orchestrator.gallery.fileops.service import FileWork
from orchestrator.gallery.reading import reading
from orchestrator.paths.roots import SERVICE_FOLDER, Roots
from orchestrator.projects import CurrentProject, Projects

#: What only a project of ours has, relative to its folder.
_FORMAT = f"{SERVICE_FOLDER}/FORMAT"


@frozen
class Deleted:
    """What was put into the trash."""

    project: Path
    trash: TrashId
    #: The file as it was named, then its sidecars; absolute.
    files: tuple[str, ...]


@frozen
class Neighbourhood:
    """The projects that are known without a look at any share."""

    #: Roots of those that are open and have a log, and of those that are open only to be read.
    told: frozenset[Path]
    untold: frozenset[Path]


@define(eq=False)
class Deleter:
    """Puts files into the trash of the project in which they lie."""

    roots: Roots
    lookouts: Lookouts
    projects: Projects
    current: CurrentProject
    work: FileWork

    async def delete(self, path: str, actor: str) -> Deleted:
        """Put a picture, video or sound into the trash, with its sidecars. Nothing is deleted.

        Raises:
            FileInNoProject: nobody can say whose trash should take it.
            PathInvalid, PathNotPermitted, FileMissing, FileUnreadable, FileNotMoved, ShareSilent.
            OrchestratorError: the project cannot be changed.
        """
        here = local(path, self.roots)
        near = self._neighbourhood()
        place, root = await self.lookouts.look(here, lambda: self._find(here, near))
        report = await self.work.trash(str(root), [str(place)], actor)
        (file,) = report.files
        if file.error is not None:
            raise file.error
        assert file.trash is not None  # what was not refused is in the trash
        project = await self.projects.get(root)
        trashed = project.view.trashed(file.trash)
        beside = () if trashed is None else trashed.sidecars
        folder = Path(here).parent
        files = (here, *(str(folder / name) for name in beside))
        return Deleted(root, TrashId(file.trash), files)

    async def project_of(self, path: str) -> Path | None:
        """The project in which a file or folder lies, or whose folder it is; None if none is known.

        Raises:
            PathInvalid, PathNotPermitted, FileMissing, FileUnreadable, ShareSilent.
        """
        here = local(path, self.roots)
        near = self._neighbourhood()

        def find() -> Path | None:
            place = permitted(here, self.roots)
            with reading(place):
                real = Path(os.path.realpath(place, strict=True))
            return next(self._candidates(real, near), None)

        return await self.lookouts.look(here, find)

    def _neighbourhood(self) -> Neighbourhood:
        every = self.projects.all()
        told = frozenset(project.root for project in every if project.log is not None)
        return Neighbourhood(told, frozenset(project.root for project in every) - told)

    def _find(self, here: str, near: Neighbourhood) -> tuple[Path, Path]:
        """Where a file lies, links of its folders followed, and its project's folder. Blocks."""
        path = permitted(here, self.roots)
        with reading(path):
            path.lstat()
            # Not the file itself: of a link, the link is meant, and not what it leads to.
            place = Path(os.path.realpath(path.parent, strict=True)) / path.name
        root = next(self._candidates(place.parent, near), None)
        if root is None:
            raise FileInNoProject(str(path))
        return place, root

    def _candidates(self, place: Path, near: Neighbourhood) -> Iterator[Path]:
        """Folders whose trash could take what lies in a folder, the best first. Blocks.

        Whoever has a log comes before a folder that was merely looked at: a folder of many
        projects may be open, too, and should not get a trash of its own by this.
        """
        above = [folder for folder in (place, *place.parents) if self.roots.permits(folder)]
        yield from (folder for folder in above if folder in near.told)
        with reading(place):
            yield from [folder for folder in above if (folder / _FORMAT).is_file()]
        yield from (folder for folder in above if folder == self._current())
        yield from (folder for folder in above if folder in near.untold)
        with reading(place):
            yield from [folder for folder in above if (folder / SERVICE_FOLDER).is_dir()]

    def _current(self) -> Path | None:
        found = self.current.load()
        path = found.get("path") if found else None
        if not isinstance(path, str) or not path:
            return None
        try:
            return self.roots.permit(path)
        except (PathInvalid, PathNotPermitted, FileMissing):
            return None  # its share is not there; then the file is not in it
