"""How the frontend trashes, restores and deletes files: it names them by path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aiohttp import web
from attrs import field, frozen

from orchestrator import errors
from orchestrator.folders.places import local
from orchestrator.http import trash
from orchestrator.http.fields import about
from orchestrator.http.frontend.placing import root_of
from orchestrator.http.frontend.speaking import speaks
from orchestrator.http.frontend.wording import (
    ERRORS,
    FILE_PATHS,
    PROJECT_PATH,
    SUCCESS,
    absolute,
    outcome,
    succeeded,
    told,
)
from orchestrator.http.many import MANY, RefusedFile
from orchestrator.http.replies import iso
from orchestrator.paths.roots import Roots
from orchestrator.project import Project
from orchestrator.services import FINDER, ROOTS
from projections.trash import trash_place


@frozen(kw_only=True, repr=False)
class TrashFiles:
    """Which files go to the trash of the project; never to that of an operating system."""

    project_path: str = field(metadata=PROJECT_PATH)
    file_paths: list[str] = field(metadata=FILE_PATHS)


@frozen(kw_only=True, repr=False)
class TrashedFiles:
    """What became of the files."""

    success: bool = field(metadata=SUCCESS)
    message: str
    trashed: list[str] = field(metadata=about("Where they lay, absolute."))
    trash_ids: list[str] = field(metadata=about("Of the same files, in the same order."))
    errors: list[str] = field(metadata=ERRORS)


@speaks(
    trash.trash_files,
    request=TrashFiles,
    response=TrashedFiles,
    example={
        "project_path": "/mnt/Projects/Eliot",
        "file_paths": ["/mnt/Projects/Eliot/Panel_01/a.png"],
    },
)
async def trash_files(request: web.Request, asked: TrashFiles) -> TrashedFiles:
    """Put files into the trash, with their sidecars. Nothing is deleted."""
    done: trash.TrashedFiles = await trash.trash_files.handler(
        request, trash.TrashFiles(project_path=asked.project_path, files=asked.file_paths)
    )
    root = await root_of(request, asked.project_path)
    return TrashedFiles(
        success=succeeded(done.trashed, done.errors),
        message=outcome("put into the trash", done.trashed, done.errors),
        trashed=[absolute(root, file.path) for file in done.trashed],
        trash_ids=[file.trash_id for file in done.trashed],
        errors=told(done.errors),
    )


@frozen(kw_only=True, repr=False)
class BinnedFile:
    """A file in the trash."""

    id: str
    trash_id: str = field(metadata=about("The same."))
    name: str
    path: str = field(metadata=about("Where it lies in the trash, absolute; restores it."))
    original_path: str = field(metadata=about("Where it lay, relative to the project."))
    size: int = field(metadata=about("Bytes."))
    type: str = field(metadata=about("image, video or audio.", example="image"))
    trashed_at: str = field(metadata=about("In ISO 8601.", example="2026-02-22T10:30:00Z"))
    trashed_by: str
    rating: int = field(metadata=about("Comes back with it."))


@frozen(kw_only=True, repr=False)
class TrashListing:
    """The trash, what came last first."""

    files: list[BinnedFile]
    total_size: int = field(metadata=about("Bytes."))


@speaks(trash.list_trash, request=trash.ListTrash, response=TrashListing)
async def list_trash(request: web.Request, asked: trash.ListTrash) -> TrashListing:
    """What lies in the trash: when, by whom and from where it came."""
    found: trash.TrashListing = await trash.list_trash.handler(request, asked)
    files = [
        BinnedFile(
            id=file.trash_id,
            trash_id=file.trash_id,
            name=file.name,
            path=file.path,
            original_path=file.original_path,
            size=file.size,
            type=file.type,
            trashed_at=iso(file.trashed_at),
            trashed_by=file.trashed_by,
            rating=file.rating,
        )
        for file in found.files
    ]
    return TrashListing(files=files, total_size=found.total_size)


@frozen(kw_only=True, repr=False)
class RestoreFiles:
    """Which files come back."""

    project_path: str = field(metadata=PROJECT_PATH)
    file_paths: list[str] = field(
        metadata=about(
            "`path` or `id` of each, as the trash is listed.",
            aliases=("trash_ids",),
            min_length=1,
            max_length=MANY,
        )
    )


@frozen(kw_only=True, repr=False)
class RestoredFiles:
    """What became of the files."""

    success: bool = field(metadata=SUCCESS)
    message: str
    restored: list[str] = field(metadata=about("Where they lie now, absolute."))
    errors: list[str] = field(metadata=ERRORS)


@speaks(
    trash.restore_files,
    request=RestoreFiles,
    response=RestoredFiles,
    example={
        "project_path": "/mnt/Projects/Eliot",
        "file_paths": ["/mnt/Projects/Eliot/.gallery/.trash/0199/a.png"],
    },
)
async def restore_files(request: web.Request, asked: RestoreFiles) -> RestoredFiles:
    """Bring files back from the trash, with rating, tags, notes and times."""
    project = await request.app[FINDER].project(asked.project_path)
    known = ids_by_name(project)
    wanted, unknown = sort_out(asked.file_paths, known, request.app[ROOTS])
    done = trash.RestoredFiles(restored=[], errors=[], batch="")
    if wanted:
        done = await trash.restore_files.handler(
            request,
            trash.RestoreFiles(project_path=asked.project_path, trash_ids=list(wanted)),
        )
    refused = [
        *unknown,
        *(RefusedFile(file_path=wanted[e.file_path], code=e.code, message=e.message)
          for e in done.errors),
    ]  # fmt: skip
    return RestoredFiles(
        success=succeeded(done.restored, refused),
        message=outcome("restored", done.restored, refused),
        restored=[absolute(project.root, file.path) for file in done.restored],
        errors=told(refused),
    )


def ids_by_name(project: Project) -> dict[str, str]:
    """What lies in the trash, by its id, and by its path there: absolute, and in the project."""
    found: dict[str, str] = {}
    for key, trashed in project.view.trash():
        place = trash_place(key, trashed)
        found |= dict.fromkeys((key, place, absolute(project.root, place)), key)
    return found


def sort_out(
    names: Sequence[str], known: Mapping[str, str], roots: Roots
) -> tuple[dict[str, str], list[RefusedFile]]:
    """Ids with the names that were sent for them, and names of nothing. Pure."""
    wanted: dict[str, str] = {}
    unknown: list[RefusedFile] = []
    for name in names:
        key = known.get(name) or known.get(local(name, roots).replace("\\", "/"))
        if key is not None:
            wanted.setdefault(key, name)
            continue
        error = errors.TrashUnknown((name,))
        unknown.append(RefusedFile(file_path=name, code=error.code, message=str(error)))
    return wanted, unknown


@frozen(kw_only=True, repr=False)
class EmptyTrash:
    """Whose trash is emptied; all that lies in it."""

    project_path: str = field(metadata=PROJECT_PATH)


@frozen(kw_only=True, repr=False)
class EmptiedTrash:
    """What is gone for good."""

    success: bool = field(metadata=SUCCESS)
    message: str
    trashed: list[str] = field(metadata=about("Ids of what was deleted."))
    errors: list[str] = field(metadata=ERRORS)


@speaks(trash.empty_trash, request=EmptyTrash, response=EmptiedTrash)
async def empty_trash(request: web.Request, asked: EmptyTrash) -> EmptiedTrash:
    """Delete what lies in the trash. This, and nothing else, deletes files."""
    done: trash.EmptiedTrash = await trash.empty_trash.handler(
        request, trash.EmptyTrash(project_path=asked.project_path)
    )
    return EmptiedTrash(
        success=succeeded(done.trash_ids, done.errors),
        message=outcome("deleted for good", done.trash_ids, done.errors),
        trashed=done.trash_ids,
        errors=told(done.errors),
    )
