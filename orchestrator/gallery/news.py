"""What changes in a gallery, told to those who look at it, with a cursor to go on from.

The last changes of each project are kept in memory under rising numbers. Who comes back with its
cursor gets what it missed; if that reaches back too far, or before this service's start, it is
told to read everything anew. So nothing is ever missed in silence.

Each edit passes through here, and mostly nobody watches. So records are kept as they come, and
become changes only when they are read: they say where a file lay, and what is said of it by then.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, cast

import attrs
from attrs import define, field, frozen
from uuid_utils import uuid4

from events.assets import AssetChanged, AssetId, AssetMoved, AssetRelinked, AssetSeen
from events.curation import (
    AssetNoted,
    AssetRated,
    AssetTagged,
    AssetUntagged,
    TagDefined,
    TagDeleted,
)
from events.files import FilesPlanned, FilesSettled
from events.record import Record
from events.registry import name_of
from events.stamp import Stamp
from events.trash import FilePurged, FileRestored, FileTrashed
from events.views import ViewDeleted, ViewSaved
from orchestrator.gallery.curating import curation_of
from orchestrator.gallery.index.model import Progress, ScanReport
from orchestrator.live import Feed
from orchestrator.project import Project
from projections.project import ProjectView

#: Changes of one project that are kept for those who come back.
MAX_KEPT = 10_000


@frozen(kw_only=True)
class Change:
    """One thing that is different now."""

    #: The event's name, such as `asset.rated`.
    event: str
    stamp: Stamp
    actor: str
    host: str
    batch: str | None
    #: The file it is about, relative to the project, where it lies now.
    path: str | None = None
    #: Where it lay, if it moved.
    old_path: str | None = None
    asset: str | None = None
    #: What is said of the file now: `rating`, `tags`, `note`; or the tag or view itself.
    now: dict[str, Any] = field(factory=dict)


@frozen
class News:
    """What watchers of a project are told: that something changed, or how far the index is.

    What changed they ask for with their cursor, so that it is kept once, and not once for each.
    """

    root: Path
    progress: Progress | None = None
    #: The end of a look through the project.
    report: ScanReport | None = None


class _Heard(NamedTuple):
    """A record that is one change."""

    record: Record
    #: Where the file lay of which people said something; other records tell it themselves.
    path: str | None = None


@define
class _Kept:
    """The last changes of one project, as long as it is open."""

    project: Project
    epoch: str = field(factory=lambda: uuid4().hex[:12])
    #: How many changes there were; the last of them are kept.
    number: int = 0
    changes: deque[_Heard | Change] = field(factory=lambda: deque(maxlen=MAX_KEPT))
    #: Operations that were announced and are not over.
    planned: dict[str, FilesPlanned] = field(factory=dict)
    #: What watchers are told of a change.
    news: News = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.news = News(self.project.root)
        for op, plan in self.project.tables.table("plans").items():
            if plan.planned is not None:
                self.planned[op] = plan.planned


@define(eq=False)
class GalleryNews:
    """The news of all open projects. On the event loop."""

    feed: Feed[News] = field(factory=Feed)
    _kept: dict[Path, _Kept] = field(factory=dict)

    def opened(self, project: Project) -> None:
        """A project was opened, perhaps anew: what came between, nobody has heard."""
        self._of(project)

    def _of(self, project: Project) -> _Kept:
        kept = self._kept.get(project.root)
        if kept is None or kept.project is not project:
            kept = self._kept[project.root] = _Kept(project)
            self.feed.publish(kept.news)
        return kept

    def hear(self, project: Project, records: Iterable[Record]) -> None:
        """A listener of projects: tells what records changed, their own and other hosts'."""
        kept = self._of(project)
        before = kept.number
        for record in records:
            cls = record.event.__class__
            if cls in _SAID:
                known = project.view.asset(record.event.asset)  # type: ignore[attr-defined]  # each of them has one
                kept.number += 1
                kept.changes.append(_Heard(record, None if known is None else known.path))
            elif cls in _ONE_CHANGE:
                kept.number += 1
                kept.changes.append(_Heard(record))
            elif cls in _PLANS:
                moved = list(_planned(record, kept.planned))
                kept.number += len(moved)
                kept.changes += moved
        if kept.number > before:
            self.feed.publish(kept.news)

    def progress(self, root: Path, progress: Progress) -> None:
        """How far the index of a project is."""
        self.feed.publish(News(root, progress=progress))

    def scanned(self, root: Path, report: ScanReport) -> None:
        """A look through a project is over."""
        self.feed.publish(News(root, report=report))

    def cursor(self, project: Project) -> str:
        """Where a watcher stands who knows everything until now."""
        kept = self._of(project)
        return f"{kept.epoch}:{kept.number}"

    def since(
        self, project: Project, cursor: str, most: int = MAX_KEPT
    ) -> tuple[str, list[Change]] | None:
        """The first changes after a cursor, and where a watcher stands who knows them.

        None if what came after it is not known any more, or never was.
        """
        kept = self._of(project)
        epoch, _, number = cursor.partition(":")
        if epoch != kept.epoch or not (number.isascii() and number.isdigit()):
            return None
        missed = kept.number - int(number)
        if not 0 <= missed <= len(kept.changes):
            return None
        first = len(kept.changes) - missed
        page = islice(kept.changes, first, first + most)
        found = [each if isinstance(each, Change) else _told(project.view, *each) for each in page]
        return f"{epoch}:{int(number) + len(found)}", found


#: What people say of a file.
_SAID = frozenset({AssetRated, AssetTagged, AssetUntagged, AssetNoted})
#: Each of these is one change as well.
_ONE_CHANGE = frozenset({
    *(AssetSeen, AssetChanged, AssetMoved, AssetRelinked),
    *(FileTrashed, FileRestored, FilePurged),
    *(TagDefined, TagDeleted, ViewSaved, ViewDeleted),
})  # fmt: skip
#: Of these, the one tells what the other meant.
_PLANS = frozenset({FilesPlanned, FilesSettled})


def _planned(record: Record, planned: dict[str, FilesPlanned]) -> Iterable[Change]:
    """What the end of an operation tells; jobs have a feed of their own."""
    match record.event:
        case FilesPlanned() as plan:
            planned[plan.op] = plan
        case FilesSettled() as settled:
            plan_of = planned.pop(settled.op, None)
            if plan_of is not None:
                yield from _moved_unknown(record, plan_of, settled)


def _told(view: ProjectView, record: Record, path: str | None) -> Change:
    """What a record changed, and what holds of it now."""
    event = record.event
    match event:
        case AssetRated() | AssetTagged() | AssetUntagged() | AssetNoted():
            return _change(record, path=path, asset=event.asset, now=_said(view, event.asset))
        case AssetMoved() | AssetRelinked():
            places = {"path": event.path, "old_path": event.source}
            return _change(record, **places, asset=event.asset, now=_said(view, event.asset))
        case AssetSeen() | AssetChanged():
            # Perhaps another picture lay there, which had stars.
            now = _said(view, event.asset)
            return _change(record, path=event.path, asset=event.asset, now=now)
        case FileTrashed() | FileRestored() | FilePurged():
            return _trash(view, record, event)
        case _:  # a tag or a view, itself
            return _change(record, now=attrs.asdict(cast("attrs.AttrsInstance", event)))


def _trash(
    view: ProjectView, record: Record, event: FileTrashed | FileRestored | FilePurged
) -> Change:
    said = {} if event.asset is None else _said(view, event.asset)
    now = {"trash": event.trash, **said}
    if isinstance(event, FileRestored):
        return _change(record, path=event.path, asset=event.asset, now=now)
    return _change(record, old_path=event.path, asset=event.asset, now=now)


def _moved_unknown(record: Record, plan: FilesPlanned, settled: FilesSettled) -> Iterable[Change]:
    """Moves of folders, and of files of which nothing was ever said: no other event tells them."""
    failed = {failure.get("step") for failure in settled.failed}
    for index, step in enumerate(plan.steps):
        role = step.get("role", "file")
        told = step.get("asset") is not None or step.get("trash") is not None
        if index in failed or role not in ("file", "folder") or (role == "file" and told):
            continue
        old = step.get("path") or step.get("from")
        yield _change(record, path=step.get("to"), old_path=old)


def _change(record: Record, **fields: Any) -> Change:
    return Change(
        event=name_of(record.event),
        stamp=record.stamp,
        actor=record.actor,
        host=record.host,
        batch=record.correlation,
        **fields,
    )


def _said(view: ProjectView, asset: AssetId) -> dict[str, Any]:
    said = curation_of(view, asset)
    return {"rating": said.stars, "tags": [tag for tag, _ in said.tags], "note": said.note}
