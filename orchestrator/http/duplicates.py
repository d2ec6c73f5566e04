"""Endpoints of the gallery: duplicates."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import datetime
from typing import Any, Literal, TypeVar

from aiohttp import web
from attrs import field, frozen

from orchestrator.gallery.curating import curation_at
from orchestrator.gallery.duplicates.keeping import Keep
from orchestrator.gallery.duplicates.report import Candidate, Group, Likeness
from orchestrator.http.endpoint import endpoint
from orchestrator.http.entries import TagView, tag_views, time_of
from orchestrator.http.fields import about
from orchestrator.http.gallery import FILE_PATH, PROJECT, PROJECT_PATH, TAGS
from orchestrator.http.many import MANY, RefusedFile
from orchestrator.http.middleware import ACTOR
from orchestrator.http.moving import BATCH, MOVE, errors_of
from orchestrator.http.trash import TrashedFile
from orchestrator.project import Project
from orchestrator.services import DUPLICATES, FINDER

T = TypeVar("T")

#: How often (seconds) a long search looks whether its client still waits.
LOOK_FOR_CLIENT = 0.5


@frozen(kw_only=True, repr=False)
class FindDuplicates:
    """Among which files to look, and for what."""

    project_path: str = field(metadata=PROJECT_PATH)
    folder_path: str = field(
        default=".", metadata=about("Only in this folder and below it.", example="Panel_01")
    )
    kind: Literal["content", "pixels", "looks"] = field(
        default="content",
        metadata=about("Same bytes; same picture with other metadata; or alike to the eye."),
    )
    threshold: int = field(
        default=6,
        metadata=about("For `looks`: of 64 bits, how many may differ.", ge=0, le=11),
    )
    keep: Literal["newest", "oldest", "best_rated", "largest"] = field(
        default="best_rated", metadata=about("Which file of a group to suggest for keeping.")
    )


@frozen(kw_only=True, repr=False)
class DuplicateFile:
    """A file of a group."""

    path: str
    rel_path: str
    name: str
    size: int
    modified: datetime
    rating: int
    tags: tuple[TagView, ...]


@frozen(kw_only=True, repr=False)
class DuplicateGroup:
    """Files that are the same, the oldest first."""

    hash: str
    files: list[DuplicateFile]
    keep: str = field(metadata=about("Suggested for keeping, relative to the project."))
    wasted: int = field(metadata=about("Bytes that the others take."))
    distance: int = field(metadata=about("For `looks`: the largest difference, of 64 bits."))


@frozen(kw_only=True, repr=False)
class UncomparedFile:
    """A file that could not be compared."""

    rel_path: str
    reason: str


@frozen(kw_only=True, repr=False)
class LinkedFile:
    """Another name of a file that was compared; removing it would free nothing."""

    rel_path: str
    of: str


@frozen(kw_only=True, repr=False)
class FoundDuplicates:
    """Groups of files that are the same, the largest waste first."""

    groups: list[DuplicateGroup]
    total_duplicates: int = field(metadata=about("Files that could go."))
    wasted_space: int = field(metadata=about("Bytes."))
    unreadable: list[UncomparedFile]
    links: list[LinkedFile]


@endpoint(
    "POST",
    "/api/gallery/find-duplicates",
    request=FindDuplicates,
    response=FoundDuplicates,
    dialect=True,
    tags=TAGS,
    errors=PROJECT,
)
async def find_duplicates(request: web.Request, asked: FindDuplicates) -> FoundDuplicates:
    """Find files that are the same.

    Hashes are kept, so that the second time only new files are read. The first search for
    pictures that look alike reads all of them: give it time.
    """
    duplicates = request.app[DUPLICATES]
    kind = Likeness(asked.kind)
    report = await _while_there(
        request, duplicates.find(asked.project_path, asked.folder_path, kind, asked.threshold)
    )
    project = await request.app[FINDER].project(asked.project_path)
    keep = Keep(asked.keep)
    return FoundDuplicates(
        groups=[
            _group(project, group, duplicates.suggestion(project, group, keep))
            for group in report.groups
        ],
        total_duplicates=sum(len(group.files) - 1 for group in report.groups),
        wasted_space=report.wasted,
        unreadable=[
            UncomparedFile(rel_path=path, reason=reason) for path, reason in report.unreadable
        ],
        links=[LinkedFile(rel_path=link.path, of=link.of) for link in report.links],
    )


async def _while_there(request: web.Request, work: Coroutine[Any, Any, T]) -> T:
    """The result of long work, which is cancelled if the client hangs up, as its request then is.

    The server itself lets handlers go on, since most of them must.
    """
    task = asyncio.create_task(work)
    try:
        while not task.done() and request.transport is not None:
            await asyncio.wait({task}, timeout=LOOK_FOR_CLIENT)
        if not task.done():
            task.cancel()
        return await task
    finally:
        task.cancel()


def _group(project: Project, group: Group, keep: str) -> DuplicateGroup:
    return DuplicateGroup(
        hash=group.hash,
        files=[_file(project, file) for file in group.files],
        keep=keep,
        wasted=group.wasted,
        distance=group.distance,
    )


def _file(project: Project, file: Candidate) -> DuplicateFile:
    said = curation_at(project.view, file.path)
    return DuplicateFile(
        path=f"{project.root}/{file.path}",
        rel_path=file.path,
        name=file.path.rpartition("/")[2],
        size=file.size,
        modified=time_of(file.mtime_ns),
        rating=said.stars,
        tags=tag_views(said),
    )


@frozen(kw_only=True, repr=False)
class KeepDuplicate:
    """Which file to keep, and which ones go."""

    project_path: str = field(metadata=PROJECT_PATH)
    keep: str = field(metadata=FILE_PATH)
    trash: list[str] = field(
        metadata=about("Relative to the project.", min_length=1, max_length=MANY)
    )


@frozen(kw_only=True, repr=False)
class KeptDuplicate:
    """The kept file with all that it has now, and what went to the trash."""

    path: str
    rating: int
    tags: tuple[TagView, ...]
    note: str
    trashed: list[TrashedFile]
    errors: list[RefusedFile]
    batch: str = field(metadata=BATCH)


@endpoint(
    "POST",
    "/api/gallery/keep-duplicate",
    request=KeepDuplicate,
    response=KeptDuplicate,
    dialect=True,
    tags=TAGS,
    errors=MOVE,
)
async def keep_duplicate(request: web.Request, asked: KeepDuplicate) -> KeptDuplicate:
    """Keep one file and trash the others.

    The kept file gets the most stars, all tags and all notes of the others. One undo of `batch`
    takes all of it back.
    """
    kept = await request.app[DUPLICATES].keep(
        asked.project_path, asked.keep, asked.trash, request[ACTOR]
    )
    return KeptDuplicate(
        path=kept.path,
        rating=kept.curation.stars,
        tags=tag_views(kept.curation),
        note=kept.curation.note,
        trashed=[
            TrashedFile(path=file.path, trash_id=file.trash)
            for file in kept.others
            if file.error is None and file.path is not None and file.trash is not None
        ],
        errors=errors_of(kept.others),
        batch=kept.batch,
    )
