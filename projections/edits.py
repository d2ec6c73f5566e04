"""Which events are edits, what each is about, and what of it a history keeps. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from attrs import define, field, frozen

from events.assets import AssetChanged, AssetId, AssetMoved, AssetRelinked, AssetSeen
from events.curation import (
    AssetNoted,
    AssetRated,
    AssetTagged,
    AssetUntagged,
    TagDefined,
    TagDeleted,
    TagId,
)
from events.edits import EditsUndone
from events.files import FilesPlanned, FilesSettled
from events.jobs import JobOutputStored
from events.trash import FilePurged, FileRestored, FileTrashed
from events.views import ViewDeleted, ViewSaved


@frozen(weakref_slot=False)
class FileMoved:
    """A file or folder was moved of which nobody had ever said anything: a step of a plan."""

    #: Where it lay, and where it lies; relative to the project, with `/`.
    source: str
    path: str
    #: The operation that did it.
    op: str
    folder: bool = False


@define
class Texts:
    """One object for each text that comes again and again."""

    _known: dict[str, str] = field(factory=dict)

    def same(self, text: str) -> str:
        """The text, as the object that it was the first time."""
        return self._known.setdefault(text, text)


def _asset(event: Any) -> str | None:
    asset: str | None = event.asset
    return asset


_SUBJECTS: Mapping[type, Callable[[Any], str | None]] = {
    AssetSeen: _asset,
    AssetChanged: _asset,
    AssetMoved: _asset,
    AssetRelinked: _asset,
    JobOutputStored: _asset,
    AssetRated: _asset,
    AssetTagged: _asset,
    AssetUntagged: _asset,
    AssetNoted: _asset,
    FileTrashed: _asset,
    FileRestored: _asset,
    FilePurged: _asset,
    TagDefined: lambda event: f"tag:{event.tag}",
    TagDeleted: lambda event: f"tag:{event.tag}",
    ViewSaved: lambda event: f"view:{event.name}",
    ViewDeleted: lambda event: f"view:{event.name}",
}


def subject_of(event: object) -> str | None:
    """What an edit is about: an asset's id, `tag:<id>` or `view:<name>`.

    None for moves of files that are no assets, and for what is said of edits themselves.
    """
    subject = _SUBJECTS.get(type(event))
    return None if subject is None else subject(event)


_Same = Callable[[str], str]

#: An event as it is kept, with its asset's id as given. What is read from a log has a text of its
#: own for every field: those that come again are shared; fingerprints and hashes, which no history
#: tells, are left out.
_KEEPERS: Mapping[type, Callable[[Any, AssetId, _Same], object]] = {
    AssetRated: lambda e, asset, same: AssetRated(asset=asset, stars=e.stars),
    AssetTagged: lambda e, asset, same: AssetTagged(asset=asset, tag=TagId(same(e.tag))),
    AssetUntagged: lambda e, asset, same: AssetUntagged(asset=asset, tag=TagId(same(e.tag))),
    AssetNoted: lambda e, asset, same: AssetNoted(asset=asset, note=e.note),
    AssetSeen: lambda e, asset, same: AssetSeen(
        asset=asset, path=e.path, size=e.size, mtime=0, head=""
    ),
    AssetChanged: lambda e, asset, same: AssetChanged(
        asset=asset, path=e.path, size=e.size, mtime=0, head=""
    ),
    AssetMoved: lambda e, asset, same: AssetMoved(
        asset=asset, source=e.source, path=e.path, op=same(e.op)
    ),
    JobOutputStored: lambda e, asset, same: JobOutputStored(
        job=e.job,
        attempt=e.attempt,
        node=same(e.node),
        index=e.index,
        kind=same(e.kind),
        asset=asset,
        path=e.path,
        size=e.size,
        sha256="",
        extra=e.extra,
    ),
}
_WHOLE = frozenset({*_SUBJECTS, EditsUndone}) - frozenset(_KEEPERS)


def keep(event: Any, older: Any, texts: Texts) -> object | None:
    """An event as a history keeps it; None if it is no edit.

    `older` is any event that was kept of the same subject, or None.
    """
    kind = event.__class__
    keeper = _KEEPERS.get(kind)
    if keeper is not None:
        asset: AssetId = (event if older is None else older).asset
        return keeper(event, asset, texts.same)
    return event if kind in _WHOLE else None


def moves_of(planned: FilesPlanned, settled: FilesSettled) -> Iterator[tuple[int, FileMoved]]:
    """Steps of a plan that were done and no other event tells of, with their numbers.

    What happens to assets and in the trash has events of its own; sidecars go with their file,
    and a file that only steps aside for a moment is told of by the step that takes it on.
    """
    failed = {part.get("step") for part in settled.failed if isinstance(part, dict)}
    landed = {p.get("step"): p.get("path") for p in settled.landed if isinstance(p, dict)}
    for number, step in enumerate(planned.steps):
        if number in failed or not isinstance(step, dict) or "trash" in step or "asset" in step:
            continue
        role, source = step.get("role", "file"), step.get("path") or step.get("from")
        path = landed.get(number, step.get("to"))
        if role not in ("file", "folder") or not (isinstance(source, str) and source):
            continue
        if isinstance(path, str) and path and path != source:
            yield number, FileMoved(source, path, planned.op, role == "folder")
