"""Endpoints of the gallery: the trash."""

from __future__ import annotations

from datetime import datetime

from aiohttp import web
from attrs import field, frozen

from events.stamp import moment
from orchestrator.gallery.media import media_type
from orchestrator.http.endpoint import endpoint
from orchestrator.http.fields import about
from orchestrator.http.gallery import AT, PROJECT, PROJECT_PATH, TAGS, view_of
from orchestrator.http.many import MANY, MANY_BYTES, RefusedFile
from orchestrator.http.middleware import ACTOR
from orchestrator.http.moving import BATCH, FILES_FIELD, MOVE, errors_of
from orchestrator.services import BIN, FILES, FINDER
from projections.trash import Trashed, trash_place


@frozen(kw_only=True, repr=False)
class TrashFiles:
    """Which files go to the trash."""

    project_path: str = field(metadata=PROJECT_PATH)
    files: list[str] = field(metadata=FILES_FIELD)


@frozen(kw_only=True, repr=False)
class TrashedFile:
    """A file that is in the trash now."""

    path: str = field(metadata=about("Where it lay, relative to the project."))
    trash_id: str


@frozen(kw_only=True, repr=False)
class TrashedFiles:
    """What became of the files."""

    trashed: list[TrashedFile]
    errors: list[RefusedFile]
    batch: str = field(metadata=BATCH)


@endpoint(
    "POST",
    "/api/gallery/trash",
    request=TrashFiles,
    response=TrashedFiles,
    dialect=True,
    tags=TAGS,
    errors=MOVE,
    body_limit=MANY_BYTES,
    example={"projectPath": "/mnt/Projects/Eliot", "files": ["Panel_01/a.png"]},
)
async def trash_files(request: web.Request, asked: TrashFiles) -> TrashedFiles:
    """Put files into the trash, with their sidecars. Nothing is deleted."""
    report = await request.app[FILES].trash(asked.project_path, asked.files, request[ACTOR])
    return TrashedFiles(
        trashed=[
            TrashedFile(path=file.path, trash_id=file.trash)
            for file in report.files
            if file.error is None and file.path is not None and file.trash is not None
        ],
        errors=errors_of(report.files),
        batch=report.batch,
    )


@frozen(kw_only=True, repr=False)
class ListTrash:
    """Whose trash, and as of when."""

    project_path: str = field(metadata=PROJECT_PATH)
    at: datetime | None = field(default=None, metadata=AT)


@frozen(kw_only=True, repr=False)
class TrashEntry:
    """A file in the trash."""

    trash_id: str
    name: str
    path: str = field(metadata=about("Where it lies in the trash, absolute."))
    original_path: str = field(metadata=about("Where it lay, relative to the project."))
    size: int = field(metadata=about("Bytes."))
    type: str = field(metadata=about("image, video or audio.", example="image"))
    trashed_at: datetime
    trashed_by: str
    host: str
    rating: int = field(metadata=about("Comes back with it."))


@frozen(kw_only=True, repr=False)
class TrashListing:
    """The trash, what came last first."""

    files: list[TrashEntry]
    total_size: int = field(metadata=about("Bytes."))


@endpoint(
    "GET",
    "/api/gallery/trash",
    request=ListTrash,
    response=TrashListing,
    dialect=True,
    tags=TAGS,
    errors=PROJECT,
)
async def list_trash(request: web.Request, asked: ListTrash) -> TrashListing:
    """What lies in the trash: when, by whom and from where it came."""
    project = await request.app[FINDER].project(asked.project_path)
    view = await view_of(request, asked.project_path, asked.at)

    def entry(trash: str, found: Trashed) -> TrashEntry:
        kind = media_type(found.name)
        return TrashEntry(
            trash_id=trash,
            name=found.name,
            path=str(project.root / trash_place(trash, found)),
            original_path=found.path,
            size=found.size,
            type=kind.kind if kind else "image",
            trashed_at=moment(found.as_of),
            trashed_by=found.actor,
            host=found.host,
            rating=view.stars_of(found.asset),
        )

    files = [entry(trash, found) for trash, found in view.trash()]
    return TrashListing(files=files, total_size=sum(file.size for file in files))


@frozen(kw_only=True, repr=False)
class RestoreFiles:
    """Which files come back."""

    project_path: str = field(metadata=PROJECT_PATH)
    trash_ids: list[str] = field(metadata=about("Ids.", min_length=1, max_length=MANY))


@frozen(kw_only=True, repr=False)
class RestoredFile:
    """A file that came back."""

    trash_id: str
    path: str = field(metadata=about("Where it lies now, relative to the project."))
    original_path: str
    renamed: bool = field(metadata=about("Whether its name was taken, and it got a suffix."))


@frozen(kw_only=True, repr=False)
class RestoredFiles:
    """What became of the files."""

    restored: list[RestoredFile]
    errors: list[RefusedFile]
    batch: str = field(metadata=BATCH)


@endpoint(
    "POST",
    "/api/gallery/restore",
    request=RestoreFiles,
    response=RestoredFiles,
    dialect=True,
    tags=TAGS,
    errors=MOVE,
)
async def restore_files(request: web.Request, asked: RestoreFiles) -> RestoredFiles:
    """Bring files back from the trash, with rating, tags, notes and times."""
    project = await request.app[FINDER].editable(asked.project_path, request[ACTOR])
    report = await request.app[BIN].restore(project, asked.trash_ids, request[ACTOR])
    return RestoredFiles(
        restored=[
            RestoredFile(
                trash_id=file.asked,
                path=file.to,
                original_path=file.origin,
                renamed=file.to != file.origin,
            )
            for file in report.files
            if file.error is None and file.to is not None and file.origin is not None
        ],
        errors=errors_of(report.files),
        batch=report.batch,
    )


@frozen(kw_only=True, repr=False)
class EmptyTrash:
    """What is deleted for good."""

    project_path: str = field(metadata=PROJECT_PATH)
    trash_ids: list[str] | None = field(
        default=None, metadata=about("Only these; all if left out.", max_length=MANY)
    )


@frozen(kw_only=True, repr=False)
class EmptiedTrash:
    """What is gone."""

    trash_ids: list[str] = field(metadata=about("What was deleted."))
    count: int
    errors: list[RefusedFile]


@endpoint(
    "POST",
    "/api/gallery/empty-trash",
    request=EmptyTrash,
    response=EmptiedTrash,
    dialect=True,
    tags=TAGS,
    errors=MOVE,
)
async def empty_trash(request: web.Request, asked: EmptyTrash) -> EmptiedTrash:
    """Delete what lies in the trash. This, and nothing else, deletes files.

    The log keeps name, size and fingerprint of what was deleted.
    """
    project = await request.app[FINDER].editable(asked.project_path, request[ACTOR])
    report = await request.app[BIN].empty(project, asked.trash_ids, request[ACTOR])
    gone = [file for file in report.files if file.error is None]
    return EmptiedTrash(
        trash_ids=[file.asked for file in gone],
        count=len(gone),
        errors=errors_of(report.files),
    )
