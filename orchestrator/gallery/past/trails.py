"""Where a file lay from edit to edit, whether or not it was an asset by then. Pure.

An asset's moves name the asset. A file that nobody ever said anything of is known by its path
only: its moves are arrows between places, and are followed from place to place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import frozen

from events.assets import AssetMoved, AssetRelinked, AssetSeen
from events.trash import FilePurged, FileRestored, FileTrashed
from projections.assets import Place
from projections.edits import FileMoved
from projections.history import Edit, History, places_of
from projections.project import ProjectView

#: What says where a file lies.
PLACING = (
    *(AssetSeen, AssetMoved, AssetRelinked, FileMoved),
    *(FileTrashed, FileRestored, FilePurged),
)


@frozen
class Spot:
    """Where a file is: in the project at `path`, in the trash under `trash`, or nowhere."""

    #: For a file in the trash, where it lay before.
    path: str
    trash: str | None = None
    gone: bool = False


def spot_after(event: object) -> Spot:
    """Where a file was put."""
    match event:
        case FileTrashed(path=path, trash=trash):
            return Spot(path, trash)
        case FilePurged(path=path):
            return Spot(path, gone=True)
        case AssetSeen() | AssetMoved() | AssetRelinked() | FileMoved() | FileRestored():
            return Spot(event.path)
        case _:
            raise TypeError(event)


def spot_before(event: object) -> Spot:
    """Where a file lay before it was put elsewhere."""
    match event:
        case AssetMoved(source=source) | AssetRelinked(source=source) | FileMoved(source=source):
            return Spot(source)
        case FileTrashed(path=path) | AssetSeen(path=path):
            return Spot(path)
        case FileRestored(path=path, trash=trash) | FilePurged(path=path, trash=trash):
            return Spot(path, trash)
        case _:
            raise TypeError(event)


def trail(history: History, view: ProjectView, edit: Edit) -> list[Edit]:
    """All edits that say where the file of `edit` lay, newest first."""
    asset = asset_of(edit)
    if asset is not None:
        return asset_trail(history, asset)
    before = _back(history, places_of(edit.event)[0], edit.id)
    place, last = places_of(edit.event)[1], edit
    after: list[Edit] = []
    while place:
        heir = _heir(history, view, place, last.id)
        following = next((e for e in _moves_at(history, place) if e.id > last.id), None)
        if heir and (following is None or heir[-1].id < following.id):
            after += reversed(heir)
            break
        if following is None or places_of(following.event)[0] != place:
            break
        after.append(following)
        place, last = places_of(following.event)[1], following
    return [*reversed(after), edit, *before]


def asset_trail(history: History, asset: str) -> list[Edit]:
    """Where an asset lay, newest first; also before anybody had said anything of it."""
    placing = [edit for edit in history.about(asset) if isinstance(edit.event, PLACING)]
    if placing and isinstance(placing[-1].event, AssetSeen):
        placing += _back(history, placing[-1].event.path, placing[-1].id)
    return placing


def path_trail(history: History, view: ProjectView, path: str) -> list[Edit]:
    """The moves, newest first, of the file that came to a path or left it last as no asset."""
    arrows = _moves_at(history, path)
    return trail(history, view, arrows[-1]) if arrows else []


def asset_of(edit: Edit) -> str | None:
    """The asset that an edit is about, if it is about one."""
    event: Any = edit.event
    return getattr(event, "asset", None)


def _back(history: History, place: str, until: str) -> list[Edit]:
    """Moves that brought a file to a place before `until`, newest first."""
    found: list[Edit] = []
    while place:
        earlier = [e for e in _moves_at(history, place) if e.id < until]
        if not earlier or places_of(earlier[-1].event)[1] != place:
            break  # nothing came here, or what came went on: this is another file
        found.append(earlier[-1])
        place, until = places_of(earlier[-1].event)[0], earlier[-1].id
    return found


def _moves_at(history: History, place: str) -> Sequence[Edit]:
    """All that brought a file to a place or took it from there, oldest first.

    Also a folder that it lay in: then the edit is that of the folder, told of the file.
    """
    found = list(history.arrows(place))
    folder, _, _ = place.rpartition("/")
    while folder:
        for edit in history.arrows(folder):
            event = edit.event
            if not isinstance(event, FileMoved) or not event.folder:
                continue
            rest = place[len(folder) :]
            if event.source == folder:
                found.append(_along(edit, FileMoved(place, event.path + rest, event.op)))
            else:
                found.append(_along(edit, FileMoved(event.source + rest, place, event.op)))
        folder, _, _ = folder.rpartition("/")
    return sorted(found, key=lambda edit: edit.id)


def _along(folder: Edit, event: FileMoved) -> Edit:
    return Edit(folder.id, event, folder.who, folder.correlation)


def _heir(history: History, view: ProjectView, place: str, since: str) -> list[Edit]:
    """The moves, newest first, of the asset that a file became which came to a place."""
    last: Place | None = view.tables.table("places").get(place)
    if last is None:
        return []
    placing = [edit for edit in history.about(last.asset) if isinstance(edit.event, PLACING)]
    born = placing[-1] if placing else None
    if born is None or not isinstance(born.event, AssetSeen):
        return []
    return placing if born.event.path == place and born.id > since else []
