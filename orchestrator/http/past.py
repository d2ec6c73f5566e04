"""Endpoints of the gallery: its history, undo, and what differs between two moments."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from aiohttp import web
from attrs import asdict, field, frozen

from orchestrator import errors
from orchestrator.errors import Fault, InvalidFields
from orchestrator.gallery.past.pages import Asked
from orchestrator.gallery.past.selecting import Selection
from orchestrator.gallery.past.telling import Told
from orchestrator.http.endpoint import endpoint
from orchestrator.http.fields import about
from orchestrator.http.gallery import CHANGE, FILE_PATH, PROJECT, PROJECT_PATH, TAGS
from orchestrator.http.middleware import ACTOR
from orchestrator.services import PAST


@frozen(kw_only=True, repr=False)
class EditView:
    """One edit."""

    id: str
    at: datetime
    actor: str
    host: str = field(metadata=about("Id of the host that wrote it."))
    batch: str = field(metadata=about("What it was done together with; undo takes it."))
    path: str | None = field(metadata=about("Where its file lay just before it."))
    current_path: str | None = field(
        metadata=about("Where that file lies now; none if it is not in the project.")
    )
    asset_id: str | None
    what: str = field(metadata=about("The event's name.", example="asset.rated"))
    text: str = field(metadata=about("In words.", example="rated 3 -> 5"))
    old: Any
    new: Any
    undone_by: str | None = field(
        metadata=about("The batch of the undo because of which it does not count any more.")
    )


def edit_view(told: Told) -> EditView:
    """An edit, as it is shown."""
    plain = asdict(told, recurse=False)
    return EditView(asset_id=plain.pop("asset"), **plain)


@frozen(kw_only=True, repr=False)
class GetHistory:
    """Which edits to show."""

    project_path: str = field(metadata=PROJECT_PATH)
    file_path: str | None = field(default=None, metadata=FILE_PATH)
    actor: str | None = field(default=None, metadata=about("Only edits of this person."))
    host: str | None = field(default=None, metadata=about("Only edits on the host of this id."))
    since: datetime | None = field(default=None, metadata=about("From this moment on."))
    until: datetime | None = field(default=None, metadata=about("Up to this moment."))
    limit: int = field(default=100, metadata=about("Edits on a page.", ge=1, le=1000))
    cursor: str | None = field(
        default=None, metadata=about("`nextCursor` of the page before.", max_length=100)
    )


@frozen(kw_only=True, repr=False)
class History:
    """A page of edits, newest first."""

    edits: list[EditView]
    next_cursor: str | None = field(metadata=about("Asks for the next page; none at the end."))


@endpoint(
    "GET",
    "/api/gallery/history",
    request=GetHistory,
    response=History,
    dialect=True,
    tags=TAGS,
    errors=PROJECT,
)
async def get_history(request: web.Request, asked: GetHistory) -> History:
    """Who changed what, when, from what to what.

    The history of a file is that of the file that lies there, whatever it was called before.
    """
    wanted = Asked(
        path=asked.file_path,
        actor=asked.actor,
        host=asked.host,
        since=asked.since,
        until=asked.until,
        limit=asked.limit,
        cursor=asked.cursor,
    )
    page = await request.app[PAST].history(asked.project_path, wanted)
    return History(edits=[edit_view(told) for told in page.edits], next_cursor=page.cursor)


@frozen(kw_only=True, repr=False)
class ByWhom:
    """Everything that somebody did, or that was done on a host, in a span of time."""

    actor: str | None = None
    host: str | None = None
    from_: datetime = field(metadata=about("The first moment."))
    to: datetime = field(metadata=about("The last moment."))


@frozen(kw_only=True, repr=False)
class UndoEdits:
    """What to undo: one of `id`, `batch` and `by`."""

    project_path: str = field(metadata=PROJECT_PATH)
    id: str | None = field(default=None, metadata=about("One edit.", max_length=100))
    batch: str | None = field(
        default=None,
        metadata=about("All of a batch; that of an undo makes the redo.", max_length=100),
    )
    by: ByWhom | None = field(default=None, metadata=about("All by somebody in a span of time."))
    dry_run: bool = field(
        default=False, metadata=about("Only tell what would be done, and what is in the way.")
    )
    force: bool = field(
        default=False, metadata=about("Undo also what later edits have built upon.")
    )


@frozen(kw_only=True, repr=False)
class ConflictView:
    """An edit that is left alone because of a later one."""

    edit: EditView
    later: EditView


@frozen(kw_only=True, repr=False)
class ImpossibleView:
    """An edit that cannot be undone."""

    edit: EditView
    why: str


@frozen(kw_only=True, repr=False)
class UndoneEdits:
    """What was undone, and what was not."""

    undo: str | None = field(
        metadata=about("The batch of this undo: undoing it is the redo. None if nothing was done.")
    )
    done: list[EditView]
    conflicts: list[ConflictView]
    impossible: list[ImpossibleView]


@endpoint(
    "POST",
    "/api/gallery/undo",
    request=UndoEdits,
    response=UndoneEdits,
    dialect=True,
    tags=TAGS,
    errors=(
        *CHANGE,
        errors.EditUnknown,
        errors.UndoTooLarge,
        errors.ChangeTooLarge,
        errors.FilesUnsettled,
    ),
    example={"projectPath": "/mnt/Projects/Eliot", "batch": "0199a1b2-…", "dryRun": True},
)
async def undo_edits(request: web.Request, asked: UndoEdits) -> UndoneEdits:
    """Undo one edit, a batch, or all that somebody did.

    An edit that a later one has built upon is left alone and listed with that one, unless `force`
    is set; all others are undone.
    """
    told = await request.app[PAST].undo(
        asked.project_path,
        _selection(asked),
        request[ACTOR],
        dry_run=asked.dry_run,
        force=asked.force,
    )
    return UndoneEdits(
        undo=told.undo,
        done=[edit_view(edit) for edit in told.done],
        conflicts=[
            ConflictView(edit=edit_view(edit), later=edit_view(later))
            for edit, later in told.conflicts
        ],
        impossible=[ImpossibleView(edit=edit_view(edit), why=why) for edit, why in told.impossible],
    )


def _selection(asked: UndoEdits) -> Selection:
    """What is to be undone.

    Raises:
        InvalidFields: none or several of the three ways to say it were used.
    """
    given = [name for name in ("id", "batch", "by") if getattr(asked, name) is not None]
    if len(given) != 1:
        raise InvalidFields((Fault("id", "send exactly one of id, batch and by", given),))
    by = asked.by
    if by is None:
        return Selection(id=asked.id, batch=asked.batch)
    if by.actor is None and by.host is None:
        raise InvalidFields((Fault("by.actor", "send actor or host", None),))
    return Selection(actor=by.actor, host=by.host, since=by.from_, until=by.to)


@frozen(kw_only=True, repr=False)
class GetDiff:
    """Which moments to compare."""

    project_path: str = field(metadata=PROJECT_PATH)
    from_: datetime = field(metadata=about("The earlier moment."))
    to: datetime | None = field(default=None, metadata=about("The later one; now if left out."))
    limit: int = field(default=1000, metadata=about("Differences on a page.", ge=1, le=10_000))
    offset: int = field(default=0, metadata=about("Differences to pass over.", ge=0))


@frozen(kw_only=True, repr=False)
class DifferenceView:
    """One thing that is not as it was."""

    kind: str = field(
        metadata=about(
            "rated, tagged, untagged, noted, added, moved, trashed, restored, purged, tag or view.",
            example="rated",
        )
    )
    path: str | None = field(metadata=about("The file's path at the later moment."))
    asset_id: str | None
    name: str | None = field(metadata=about("Name of the tag or view."))
    old: Any
    new: Any


@frozen(kw_only=True, repr=False)
class Diff:
    """A page of differences."""

    differences: list[DifferenceView]
    total: int = field(metadata=about("Differences on all pages."))
    counts: dict[str, int] = field(metadata=about("How many of each kind."))


@endpoint(
    "GET",
    "/api/gallery/diff",
    request=GetDiff,
    response=Diff,
    dialect=True,
    tags=TAGS,
    errors=PROJECT,
)
async def get_diff(request: web.Request, asked: GetDiff) -> Diff:
    """What differs between the gallery at two moments."""
    found = await request.app[PAST].differences(asked.project_path, asked.from_, asked.to)
    counts: dict[str, int] = {}
    for difference in found:
        counts[difference.kind.value] = counts.get(difference.kind.value, 0) + 1
    return Diff(
        differences=[
            DifferenceView(
                kind=each.kind.value,
                path=each.path,
                asset_id=each.asset,
                name=each.name,
                old=each.old,
                new=each.new,
            )
            for each in found[asked.offset : asked.offset + asked.limit]
        ],
        total=len(found),
        counts=counts,
    )
