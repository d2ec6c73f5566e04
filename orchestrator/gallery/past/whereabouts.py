"""Where files lay at an earlier moment, told by what has moved them since. Pure.

A place is a path relative to the project, or `//<id>` for a place in the trash, which no path
looks like.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from attrs import define, field

from events.assets import AssetMoved, AssetRelinked
from events.trash import FilePurged, FileRestored, FileTrashed
from projections.edits import FileMoved
from projections.history import Edit


@define
class Whereabouts:
    """What moved since some moment. What did not lies where it lay."""

    #: Where a file was then, by the place where it is now.
    _came: dict[str, str] = field(factory=dict)
    #: Folders that were moved, oldest first: from where to where.
    _folders: list[tuple[str, str]] = field(factory=list)

    def then(self, place: str) -> str:
        """Where the file was that is at a place now."""
        came = self._came.get(place)
        return self._before_folders(place) if came is None else came

    def now(self, folder: str) -> str:
        """Where a folder lies that lay there then, if it lies anywhere."""
        for source, goal in self._folders:
            folder = _moved(folder, source, goal)
        return folder

    def from_folder(self, folder: str) -> Iterator[tuple[str, str]]:
        """Files that lay directly in a folder and were moved one by one: place now, path then."""
        for place, was in self._came.items():
            if was.rpartition("/")[0] == folder and not was.startswith("//"):
                yield place, was

    def take(self, source: str, goal: str) -> None:
        """The next that happened: a file went from one place to another; "" is nowhere."""
        was = self.then(source)
        self._came.pop(source, None)
        if goal:
            self._came[goal] = was

    def take_folder(self, source: str, goal: str) -> None:
        """The next that happened: a folder was moved, with everything in it."""
        inside = [place for place in self._came if place.startswith(f"{source}/")]
        for place in inside:
            self._came[_moved(place, source, goal)] = self._came.pop(place)
        self._folders.append((source, goal))

    def _before_folders(self, path: str) -> str:
        for source, goal in reversed(self._folders):
            path = _moved(path, goal, source)
        return path


def whereabouts(edits: Iterable[Edit]) -> Whereabouts:
    """Follow edits, oldest first."""
    found = Whereabouts()
    for edit in edits:
        match edit.event:
            case FileMoved(source=source, path=path, folder=True):
                found.take_folder(source, path)
            case FileMoved() | AssetMoved() | AssetRelinked() as event:
                found.take(event.source, event.path)
            case FileTrashed(path=path, trash=trash):
                found.take(path, f"//{trash}")
            case FileRestored(path=path, trash=trash):
                found.take(f"//{trash}", path)
            case FilePurged(trash=trash):
                found.take(f"//{trash}", "")
            case _:
                pass
    return found


def _moved(path: str, source: str, goal: str) -> str:
    """A path after the folder `source` became `goal`."""
    if path == source:
        return goal
    return f"{goal}{path[len(source) :]}" if path.startswith(f"{source}/") else path
