"""Endpoints of the gallery: browsing. What is said of files stands in `curation.py`."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import attrs
from aiohttp import web
from attrs import field, frozen

from orchestrator import errors
from orchestrator.gallery.curating import Curation
from orchestrator.gallery.listing import TreeNode
from orchestrator.gallery.metadata import Generation
from orchestrator.gallery.service import Described
from orchestrator.http.dialects import DIALECT
from orchestrator.http.endpoint import endpoint
from orchestrator.http.entries import FileEntry, TagView
from orchestrator.http.fields import about
from orchestrator.http.listings import send_listing
from orchestrator.http.replies import Written
from orchestrator.http.rows import details_of, row_writer
from orchestrator.services import FINDER, GALLERY, MOMENTS
from projections.project import ProjectView

TAGS = ("gallery",)
#: What any request about a project may be refused with.
PROJECT = (
    errors.PathInvalid,
    errors.PathNotPermitted,
    errors.FileMissing,
    errors.FileUnreadable,
    errors.ShareMissing,
    errors.ProjectUnreadable,
)
#: What any change may be refused with besides.
CHANGE = (*PROJECT, errors.ProjectReadOnly, errors.LogBusy, errors.ChangeUnsettled)

#: What the fields that most requests have say of themselves.
PROJECT_PATH = about("Absolute path of the project's folder.", example="/mnt/Projects/Eliot")
FILE_PATH = about("Relative to the project, or absolute inside it.", example="Panel_01/image.png")
AT = about("As of this moment of the past; now if left out.", example="2026-02-20T18:00:00Z")


async def view_of(request: web.Request, project_path: str, at: datetime | None) -> ProjectView:
    """What the log says of a project, now or as of a moment."""
    project = await request.app[FINDER].project(project_path)
    return await request.app[MOMENTS].view_at(project, at)


@frozen(kw_only=True, repr=False)
class OneProject:
    """Which project."""

    project_path: str = field(metadata=PROJECT_PATH)


@frozen(kw_only=True, repr=False)
class FolderNode:
    """A folder and those in it."""

    name: str
    path: str
    rel_path: str
    file_count: int = field(metadata=about("Pictures, videos and sounds directly in it."))
    children: list[FolderNode]


@frozen(kw_only=True, repr=False)
class SkippedFolder:
    """A folder that was not looked into."""

    rel_path: str
    reason: str


@frozen(kw_only=True, repr=False)
class FolderTree:
    """A project's folders."""

    tree: list[FolderNode]
    file_count: int = field(metadata=about("Files directly in the project's folder."))
    skipped: list[SkippedFolder]


@endpoint(
    "POST",
    "/api/gallery/scan-tree",
    request=OneProject,
    response=FolderTree,
    dialect=True,
    tags=TAGS,
    errors=PROJECT,
)
async def scan_tree(request: web.Request, asked: OneProject) -> FolderTree:
    """A project's folders, with the number of files in each."""
    project, tree = await request.app[GALLERY].tree(asked.project_path)
    return FolderTree(
        tree=[_folder(project.root, child) for child in tree.root.children],
        file_count=tree.root.file_count,
        skipped=[SkippedFolder(rel_path=s.relative, reason=s.reason) for s in tree.skipped],
    )


def _folder(root: Path, node: TreeNode) -> FolderNode:
    return FolderNode(
        name=node.name,
        path=str(root / node.relative),
        rel_path=node.relative,
        file_count=node.file_count,
        children=[_folder(root, child) for child in node.children],
    )


@frozen(kw_only=True, repr=False)
class ScanFolder:
    """Which folder to list."""

    project_path: str = field(metadata=PROJECT_PATH)
    folder_path: str = field(
        default=".", metadata=about("Relative to the project.", example="Panel_01")
    )
    at: datetime | None = field(default=None, metadata=AT)


@frozen(kw_only=True, repr=False)
class FolderListing:
    """The files of one folder, in natural order."""

    files: list[FileEntry]


@endpoint(
    "POST",
    "/api/gallery/scan-folder",
    request=ScanFolder,
    response=FolderListing,
    dialect=True,
    tags=TAGS,
    errors=PROJECT,
)
async def scan_folder(request: web.Request, asked: ScanFolder) -> Written:
    """The files of one folder, as they are or as of a moment of the past."""
    gallery = request.app[GALLERY]
    if asked.at is None:
        files = await gallery.folder(asked.project_path, asked.folder_path)
    else:
        then = await view_of(request, asked.project_path, asked.at)
        files = await gallery.folder_at(asked.project_path, asked.folder_path, then, asked.at)
    rows = row_writer(request[DIALECT])(files)
    return Written({request[DIALECT].spell("files"): rows})


@frozen(kw_only=True, repr=False)
class ScanRecursive:
    """Which files to list."""

    project_path: str = field(metadata=PROJECT_PATH)
    folder_path: str = field(
        default=".", metadata=about("Only this folder and those in it.", example="Panel_01")
    )
    limit: int | None = field(
        default=None, metadata=about("Most files of one answer.", ge=1, le=100_000)
    )
    cursor: str | None = field(
        default=None, metadata=about("`nextCursor` of the answer before, to go on there.")
    )


@frozen(kw_only=True, repr=False)
class RecursiveListing:
    """Files of many folders; each folder's in natural order."""

    files: list[FileEntry]
    next_cursor: str | None = field(metadata=about("To ask for the rest; null at the end."))
    skipped: list[SkippedFolder]


@endpoint(
    "POST",
    "/api/gallery/scan-recursive",
    request=ScanRecursive,
    response=RecursiveListing,
    dialect=True,
    tags=TAGS,
    errors=PROJECT,
)
async def scan_recursive(request: web.Request, asked: ScanRecursive) -> web.StreamResponse:
    """All files in a folder and those below it, sent folder by folder as they are found.

    An answer that breaks off without its end is not whole: the share went away meanwhile.
    """
    walk = await request.app[GALLERY].walk(
        asked.project_path, asked.folder_path, limit=asked.limit, cursor=asked.cursor
    )
    return await send_listing(request, walk, row_writer(request[DIALECT]))


@frozen(kw_only=True, repr=False)
class FileInfo:
    """Which file to describe."""

    project_path: str = field(metadata=PROJECT_PATH)
    file_path: str = field(metadata=FILE_PATH)


@frozen(kw_only=True, repr=False)
class LineageView:
    """Where a file comes from."""

    job_id: str
    attempt: int
    node: str


@frozen(kw_only=True, repr=False)
class FileDetails:
    """Everything about one file."""

    name: str
    path: str
    rel_path: str
    size: int
    modified: datetime
    created: datetime
    type: str
    extension: str
    width: int | None
    height: int | None
    seconds: float | None = field(metadata=about("How long a video or sound plays."))
    rating: int
    tags: tuple[TagView, ...]
    note: str
    asset_id: str | None = field(
        metadata=about("Its identity, which outlives its path; none before the first edit.")
    )
    lineage: LineageView | None
    problem: str | None = field(metadata=about("What is wrong with the file, if anything."))


@frozen(kw_only=True, repr=False)
class Metadata:
    """What ComfyUI and others wrote into a picture."""

    prompt: dict[str, Any] | None = field(metadata=about("The graph in API format."))
    workflow: dict[str, Any] | None = field(metadata=about("The graph as the editor has it."))
    parameters: str | None = field(metadata=about("Text of A1111 and its kin."))


@frozen(kw_only=True, repr=False)
class RecipeView:
    """How a picture was made, read from its graph: only nodes count that fed it."""

    prompt: str
    negative_prompt: str
    models: tuple[str, ...]
    loras: tuple[str, ...]
    sampler: str | None
    scheduler: str | None
    steps: int | None
    cfg: float | None
    seed: int | None


@frozen(kw_only=True, repr=False)
class FileInfoAnswer:
    """A file, how it was made, and its metadata as they stand in it."""

    file: FileDetails
    recipe: RecipeView | None
    png_metadata: Metadata | None


@endpoint(
    "POST",
    "/api/gallery/file-info",
    request=FileInfo,
    response=FileInfoAnswer,
    dialect=True,
    tags=TAGS,
    errors=PROJECT,
)
async def file_info(request: web.Request, asked: FileInfo) -> FileInfoAnswer:
    """Everything about one file, with what stands in it."""
    found = await request.app[GALLERY].describe(asked.project_path, asked.file_path)
    recipe = found.facts.recipe
    return FileInfoAnswer(
        file=_details(found),
        recipe=None if recipe.empty else RecipeView(**attrs.asdict(recipe, recurse=False)),
        png_metadata=metadata_of(found.facts.made),
    )


def _details(found: Described) -> FileDetails:
    curation, facts = found.listed.curation, found.facts
    entry = details_of(found.listed)
    return FileDetails(
        **{**entry, "width": facts.width, "height": facts.height},
        seconds=facts.seconds,
        asset_id=curation.asset,
        lineage=_lineage(curation),
        problem=facts.note,
    )


def _lineage(curation: Curation) -> LineageView | None:
    made = curation.lineage
    if made is None:
        return None
    return LineageView(job_id=made.job, attempt=made.attempt, node=made.node)


def metadata_of(made: Generation) -> Metadata | None:
    """What stands in a picture; None if nothing does."""
    if made.empty:
        return None
    return Metadata(prompt=made.prompt_graph, workflow=made.workflow, parameters=made.parameters)


@frozen(kw_only=True, repr=False)
class FolderStats:
    """Which folder to count."""

    project_path: str = field(metadata=PROJECT_PATH)
    folder_path: str = field(
        default=".", metadata=about("Relative to the project.", example="Panel_01")
    )
    recursive: bool = field(default=True, metadata=about("Count the folders in it, too."))


@frozen(kw_only=True, repr=False)
class FolderCounts:
    """How much lies in a folder."""

    file_count: int
    total_size: int = field(metadata=about("Bytes."))
    image_count: int
    video_count: int
    audio_count: int
    folder_count: int = field(metadata=about("Folders in it."))
    by_extension: dict[str, int]


@endpoint(
    "POST",
    "/api/gallery/folder-stats",
    request=FolderStats,
    response=FolderCounts,
    dialect=True,
    tags=TAGS,
    errors=PROJECT,
)
async def folder_stats(request: web.Request, asked: FolderStats) -> FolderCounts:
    """How many files lie in a folder, and how much they take."""
    found = await request.app[GALLERY].stats(
        asked.project_path, asked.folder_path, recursive=asked.recursive
    )
    return FolderCounts(**attrs.asdict(found))
