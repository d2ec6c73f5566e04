"""What differs between a project at one moment and at a later one. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Any

from attrs import frozen

from events.assets import AssetId
from events.curation import TagId
from events.trash import FilePurged, FileRestored, FileTrashed
from projections.assets import Asset, State
from projections.edits import FileMoved
from projections.history import Edit, places_of
from projections.project import ProjectView
from projections.tags import Tag
from projections.views import View


class Kind(StrEnum):
    """What is different."""

    RATED = "rated"
    TAGGED = "tagged"
    UNTAGGED = "untagged"
    NOTED = "noted"
    #: Known of as an asset: rated, tagged or rendered for the first time.
    ADDED = "added"
    MOVED = "moved"
    TRASHED = "trashed"
    RESTORED = "restored"
    PURGED = "purged"
    TAG = "tag"
    VIEW = "view"


@frozen(kw_only=True)
class Difference:
    """One thing that is not as it was."""

    kind: Kind
    #: The file's path at the later moment, and its asset.
    path: str | None = None
    asset: str | None = None
    #: The name of the tag or view.
    name: str | None = None
    #: Stars, text, path, tag id, or name and colour, or settings; None for nothing.
    old: Any = None
    new: Any = None


def differences(
    then: ProjectView, now: ProjectView, moves: Iterable[Edit] = ()
) -> list[Difference]:
    """All that differs, in the order of kinds, then of paths.

    Args:
        then: The earlier state.
        now: The later one.
        moves: Edits between the two, oldest first: of files of which nobody ever said anything
            only their moves tell.
    """
    found = [
        *_ratings(then, now),
        *_tags(then, now),
        *_notes(then, now),
        *_files(then, now),
        *_others(moves),
        *_definitions(then, now),
        *_views(then, now),
    ]
    order = {kind: number for number, kind in enumerate(Kind)}
    return sorted(
        found, key=lambda d: (order[d.kind], d.path or d.name or "", d.asset or "", str(d.new))
    )


def _changed(
    then: ProjectView, now: ProjectView, table: str
) -> Iterator[tuple[str, Any | None, Any | None]]:
    """Keys whose state is another object of another time."""
    old, new = then.tables.table(table), now.tables.table(table)
    for key, state in list(new.items()):
        before = old.get(key)
        if before is not state and before != state:
            yield key, before, state


def _ratings(then: ProjectView, now: ProjectView) -> Iterator[Difference]:
    for asset, before, after in _changed(then, now, "ratings"):
        old = 0 if before is None else before.stars
        if after is not None and after.stars != old:
            yield Difference(
                kind=Kind.RATED, path=_path(now, asset), asset=asset, old=old, new=after.stars
            )


def _tags(then: ProjectView, now: ProjectView) -> Iterator[Difference]:
    for asset, before, after in _changed(then, now, "tags"):
        old = set() if before is None else set(before.present())
        new = set() if after is None else set(after.present())
        path = _path(now, asset)
        for tag in sorted(new - old):
            name = _tag_name(now, tag)
            yield Difference(kind=Kind.TAGGED, path=path, asset=asset, new=name)
        for tag in sorted(old - new):
            name = _tag_name(then, tag)
            yield Difference(kind=Kind.UNTAGGED, path=path, asset=asset, old=name)


def _tag_name(view: ProjectView, tag: TagId) -> str:
    known = view.tag(tag)
    return tag if known is None else known.name


def _notes(then: ProjectView, now: ProjectView) -> Iterator[Difference]:
    for asset, before, after in _changed(then, now, "notes"):
        old, new = (None if note is None else note.text or None for note in (before, after))
        if old != new:
            yield Difference(kind=Kind.NOTED, path=_path(now, asset), asset=asset, old=old, new=new)


def _files(then: ProjectView, now: ProjectView) -> Iterator[Difference]:
    for asset, _, _ in _changed(then, now, "assets"):
        before, after = then.asset(AssetId(asset)), now.asset(AssetId(asset))
        if after is not None:
            yield from _file(asset, before, after)


def _file(asset: str, before: Asset | None, after: Asset) -> Iterator[Difference]:
    path = after.path
    if before is None:
        yield Difference(kind=Kind.ADDED, path=path, asset=asset, new=path)
        was, old_path = State.PRESENT, path
    else:
        was, old_path = before.state, before.path
    if after.state is not was:
        kind = {
            State.PRESENT: Kind.RESTORED,
            State.TRASHED: Kind.TRASHED,
            State.PURGED: Kind.PURGED,
        }[after.state]
        yield Difference(kind=kind, path=path, asset=asset, old=old_path)
    if path != old_path:
        yield Difference(kind=Kind.MOVED, path=path, asset=asset, old=old_path, new=path)


def _others(moves: Iterable[Edit]) -> Iterator[Difference]:
    """Files without identity: where each went in all."""
    #: By the place where a file is: the place where it was first, and the path it had last.
    files: dict[str, tuple[str, str]] = {}
    for edit in moves:
        event = edit.event
        if not isinstance(event, FileMoved | FileTrashed | FileRestored | FilePurged):
            continue
        source, goal = places_of(event)
        if source:
            begin, _ = files.pop(source, (source, ""))
            if goal:
                files[goal] = begin, event.path
            else:
                yield Difference(kind=Kind.PURGED, path=event.path, old=event.path)
    for goal, (begin, path) in files.items():
        was, lies = begin.startswith("//"), goal.startswith("//")
        if lies and not was:
            yield Difference(kind=Kind.TRASHED, path=path, old=begin)
        elif was and not lies:
            yield Difference(kind=Kind.RESTORED, path=path, new=path)
        elif not lies and begin != goal:
            yield Difference(kind=Kind.MOVED, path=path, old=begin, new=path)


def _definitions(then: ProjectView, now: ProjectView) -> Iterator[Difference]:
    for tag, before, after in _changed(then, now, "tag_definitions"):
        old, new = _as_tag(before), _as_tag(after)
        if old != new:
            name = (new or old or {}).get("name", tag)
            yield Difference(kind=Kind.TAG, name=name, old=old, new=new)


def _as_tag(tag: Tag | None) -> dict[str, str] | None:
    return None if tag is None or tag.deleted else {"name": tag.name, "color": tag.color}


def _views(then: ProjectView, now: ProjectView) -> Iterator[Difference]:
    for name, before, after in _changed(then, now, "views"):
        old, new = _as_view(before), _as_view(after)
        if old != new:
            yield Difference(kind=Kind.VIEW, name=name, old=old, new=new)


def _as_view(view: View | None) -> dict[str, Any] | None:
    return None if view is None or view.deleted else view.settings


def _path(view: ProjectView, asset: str) -> str | None:
    known = view.asset(AssetId(asset))
    return None if known is None else known.path


def moves(edits: Iterable[Edit]) -> list[Edit]:
    """Those edits that moved files of which nobody had ever said anything."""
    return [edit for edit in edits if places_of(edit.event)[0]]
