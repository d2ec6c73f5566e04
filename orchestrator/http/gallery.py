"""Endpoints of the gallery: browsing. What is said of files stands in `curation.py`."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import attrs
from aiohttp import web
from attrs import field, frozen

from orchestrator import errors
from orchestrator.gallery.listing import TreeNode
from orchestrator.gallery.media import media_type
from orchestrator.gallery.service import Curation, Described, Listed
from orchestrator.http.endpoint import endpoint
from orchestrator.http.fields import about
from orchestrator.services import GALLERY

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


@frozen(kw_only=True)
class OneProject:
    """Which project."""

    project_path: str = field(metadata=PROJECT_PATH)


@frozen(kw_only=True)
class FolderNode:
    """A folder and those in it."""

    name: str
    path: str
    rel_path: str
    file_count: int = field(metadata=about("Pictures, videos and sounds directly in it."))
    children: list[FolderNode]


@frozen(kw_only=True)
class SkippedFolder:
    """A folder that was not looked into."""

    rel_path: str
    reason: str


@frozen(kw_only=True)
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


@frozen(kw_only=True)
class ScanFolder:
    """Which folder to list."""

    project_path: str = field(metadata=PROJECT_PATH)
    folder_path: str = field(
        default=".", metadata=about("Relative to the project.", example="Panel_01")
    )


@frozen(kw_only=True)
class TagView:
    """A tag."""

    id: str
    name: str
    color: str = field(metadata=about("#rrggbb"))


@frozen(kw_only=True)
class FileEntry:
    """A file of a folder, with what is said of it."""

    name: str
    path: str
    rel_path: str
    size: int = field(metadata=about("Bytes."))
    modified: datetime
    created: datetime
    type: str = field(metadata=about("image, video or audio.", example="image"))
    extension: str
    rating: int = field(metadata=about("0 to 5; 0 is none."))
    tags: tuple[TagView, ...]


@frozen(kw_only=True)
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
async def scan_folder(request: web.Request, asked: ScanFolder) -> FolderListing:
    """The files of one folder."""
    files = await request.app[GALLERY].folder(asked.project_path, asked.folder_path)
    return FolderListing(files=[_entry(listed) for listed in files])


def _entry(listed: Listed) -> FileEntry:
    file, kind = listed.file, media_type(listed.file.name)
    return FileEntry(
        name=file.name,
        path=str(listed.path),
        rel_path=listed.relative,
        size=file.size,
        modified=_moment(file.mtime_ns),
        created=_moment(file.birth_ns),
        type=kind.kind if kind else "image",
        extension=Path(file.name).suffix.lower(),
        rating=listed.curation.stars,
        tags=tag_views(listed.curation),
    )


def tag_views(curation: Curation) -> tuple[TagView, ...]:
    """The tags of a file, in the order of their names."""
    return tuple(TagView(id=i, name=tag.name, color=tag.color) for i, tag in curation.tags)


def _moment(nanoseconds: int) -> datetime:
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC)


@frozen(kw_only=True)
class FileInfo:
    """Which file to describe."""

    project_path: str = field(metadata=PROJECT_PATH)
    file_path: str = field(metadata=FILE_PATH)


@frozen(kw_only=True)
class LineageView:
    """Where a file comes from."""

    job_id: str
    attempt: int
    node: str


@frozen(kw_only=True)
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
    rating: int
    tags: tuple[TagView, ...]
    width: int | None
    height: int | None
    asset_id: str | None = field(
        metadata=about("Its identity, which outlives its path; none before the first edit.")
    )
    lineage: LineageView | None
    note: str | None = field(metadata=about("What is wrong with the file, if anything."))


@frozen(kw_only=True)
class Metadata:
    """What ComfyUI and others wrote into a picture."""

    prompt: dict[str, Any] | None = field(metadata=about("The graph in API format."))
    workflow: dict[str, Any] | None = field(metadata=about("The graph as the editor has it."))
    parameters: str | None = field(metadata=about("Text of A1111 and its kin."))


@frozen(kw_only=True)
class FileInfoAnswer:
    """A file and its metadata."""

    file: FileDetails
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
    return FileInfoAnswer(file=_details(found), png_metadata=_metadata(found))


def _details(found: Described) -> FileDetails:
    curation = found.listed.curation
    return FileDetails(
        **attrs.asdict(_entry(found.listed), recurse=False),
        width=found.facts.width,
        height=found.facts.height,
        asset_id=curation.asset,
        lineage=_lineage(found.listed.curation),
        note=found.facts.note,
    )


def _lineage(curation: Curation) -> LineageView | None:
    made = curation.lineage
    if made is None:
        return None
    return LineageView(job_id=made.job, attempt=made.attempt, node=made.node)


def _metadata(found: Described) -> Metadata | None:
    made = found.facts.generation
    if made.empty:
        return None
    return Metadata(prompt=made.prompt_graph, workflow=made.workflow, parameters=made.parameters)
