"""A folder as it was at a moment: which files lay in it, and what was said of them. Blocks.

Files that the log knew by then stand where they lay, with what they were then, wherever they are
now. Of the others the disk tells: those that lie in the project or its trash and were not made
later. Of what was deleted for good, and what other programs have moved, nobody can tell.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from attrs import frozen

from events.trash import TrashId
from orchestrator.errors import FileMissing
from orchestrator.gallery import listing
from orchestrator.gallery.curating import NOTHING, curation_of
from orchestrator.gallery.listing import FileStat
from orchestrator.gallery.natural import natural_key
from orchestrator.gallery.past.whereabouts import Whereabouts
from orchestrator.gallery.reading import reading
from orchestrator.gallery.walking import Listed
from orchestrator.project import Project
from projections.assets import Asset, State
from projections.project import ProjectView
from projections.trash import trash_place


@frozen
class Bygone:
    """One folder at one moment."""

    project: Project
    #: Relative to the project; "" is the project itself.
    folder: str
    then: ProjectView
    #: What was moved since.
    since: Whereabouts
    at: datetime

    def files(self) -> list[Listed]:
        """Its files in natural order, with `path` where each lies now. Blocks.

        Raises:
            FileUnreadable: the share does not let us look.
        """
        found = [*self._known(), *self._others()]
        return sorted(found, key=lambda listed: natural_key(listed.file.name))

    def _known(self) -> Iterator[Listed]:
        now = self.project.view
        for asset, known in self.then.present():
            folder, _, name = known.path.rpartition("/")
            if folder == self.folder:
                file = FileStat(name, known.size, known.mtime, known.mtime)
                path = _lies_now(self.project, now.asset(asset) or known)
                yield Listed(known.path, path, file, curation_of(self.then, asset))

    def _others(self) -> Iterator[Listed]:
        """Files that nobody had spoken of by then."""
        until = int(self.at.timestamp() * 1e9)
        for path, (lies, file) in self._candidates().items():
            if file.birth_ns <= until and self.then.asset_at(path) is None:
                name = path.rpartition("/")[2]
                then = FileStat(name, file.size, file.mtime_ns, file.birth_ns)
                yield Listed(path, f"{self.project.root}/{lies}", then, NOTHING)

    def _candidates(self) -> dict[str, tuple[str, FileStat]]:
        """What lay in the folder, by its path then: where it lies now, and what it is."""
        found = {}
        for folder in dict.fromkeys((self.folder, self.since.now(self.folder))):
            for file in self._list(folder):
                lies = f"{folder}/{file.name}" if folder else file.name
                path = self.since.then(lies)
                if path.rpartition("/")[0] == self.folder:
                    found[path] = lies, file
        for place, path in self.since.from_folder(self.folder):
            lying = self._lying(place)
            if lying is not None:
                found[path] = lying
        return found

    def _list(self, folder: str) -> list[FileStat]:
        place = self.project.root / folder
        try:
            with reading(place):
                return listing.list_folder(place)
        except FileMissing:
            return []  # it was moved, or all in it was

    def _lying(self, place: str) -> tuple[str, FileStat] | None:
        """Where a file lies that is at a place now; None if it is there no more."""
        if place.startswith("//"):
            trash = TrashId(place[2:])
            trashed = self.project.view.trashed(trash)
            if trashed is None:
                return None
            file = FileStat(trashed.name, trashed.size, trashed.mtime, trashed.mtime)
            return trash_place(trash, trashed), file
        path = self.project.root / place
        try:
            with reading(path):
                return place, listing.stat_file(path)
        except FileMissing:
            return None


def _lies_now(project: Project, known: Asset) -> str:
    """Where an asset's file lies, or lay last."""
    if known.state is State.TRASHED and known.trash is not None:
        trashed = project.view.trashed(known.trash)
        if trashed is not None:
            return str(project.root / trash_place(known.trash, trashed))
    return str(project.root / known.path)
