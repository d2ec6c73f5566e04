"""Endpoints of the gallery: browsing, ratings, tags, views."""

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
from orchestrator.http.endpoint import Reads, endpoint
from orchestrator.http.fields import about
from orchestrator.http.middleware import ACTOR
from orchestrator.services import GALLERY
from projections.views import View

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

_PROJECT_PATH = about("Absolute path of the project's folder.", example="/mnt/Projects/Eliot")
_FILE_PATH = about("Relative to the project, or absolute inside it.", example="Panel_01/image.png")


@frozen(kw_only=True)
class OneProject:
    """Which project."""

    project_path: str = field(metadata=_PROJECT_PATH)


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

    project_path: str = field(metadata=_PROJECT_PATH)
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
        tags=_tags(listed.curation),
    )


def _tags(curation: Curation) -> tuple[TagView, ...]:
    return tuple(TagView(id=i, name=tag.name, color=tag.color) for i, tag in curation.tags)


def _moment(nanoseconds: int) -> datetime:
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC)


@frozen(kw_only=True)
class FileInfo:
    """Which file to describe."""

    project_path: str = field(metadata=_PROJECT_PATH)
    file_path: str = field(metadata=_FILE_PATH)


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


@frozen(kw_only=True)
class Ratings:
    """Stars by path relative to the project; files without stars are left out."""

    ratings: dict[str, int]


@endpoint(
    "GET",
    "/api/gallery/ratings",
    request=OneProject,
    response=Ratings,
    dialect=True,
    tags=TAGS,
    errors=PROJECT,
)
async def get_ratings(request: web.Request, asked: OneProject) -> Ratings:
    """The ratings of a project."""
    return Ratings(ratings=await request.app[GALLERY].ratings(asked.project_path))


@frozen(kw_only=True)
class Rate:
    """A file and its stars."""

    project_path: str = field(metadata=_PROJECT_PATH)
    file_path: str = field(metadata=_FILE_PATH)
    rating: int = field(metadata=about("1 to 5; 0 removes it.", ge=0, le=5, example=4))


@endpoint(
    "POST",
    "/api/gallery/ratings",
    request=Rate,
    response=Ratings,
    dialect=True,
    tags=TAGS,
    errors=CHANGE,
)
async def set_rating(request: web.Request, asked: Rate) -> Ratings:
    """Rate a file. When this answers, the rating is on the share's disk."""
    path = await request.app[GALLERY].rate(
        asked.project_path, asked.file_path, asked.rating, request[ACTOR]
    )
    return Ratings(ratings={path: asked.rating})


@frozen(kw_only=True)
class TagEntry:
    """A tag, by its id."""

    name: str
    color: str
    file_count: int


@frozen(kw_only=True)
class TagMap:
    """All tags of a project, by id."""

    tags: dict[str, TagEntry]


@endpoint(
    "GET",
    "/api/gallery/tags",
    request=OneProject,
    response=TagMap,
    dialect=True,
    tags=TAGS,
    errors=PROJECT,
)
async def get_tags(request: web.Request, asked: OneProject) -> TagMap:
    """The tags of a project."""
    tags = await request.app[GALLERY].tags(asked.project_path)
    return TagMap(
        tags={
            tag_id: TagEntry(name=tag.name, color=tag.color, file_count=count)
            for tag_id, (tag, count) in tags.items()
        }
    )


@frozen(kw_only=True)
class SaveTag:
    """A tag to make, or to change if its id is given."""

    project_path: str = field(metadata=_PROJECT_PATH)
    name: str | None = field(
        default=None, metadata=about("Unique without regard to case.", example="Hero Shot")
    )
    color: str | None = field(default=None, metadata=about("#rrggbb", example="#ff6b6b"))
    tag_id: str | None = field(default=None, metadata=about("The tag to change."))


@frozen(kw_only=True)
class SavedTag:
    """The tag as it now is."""

    tag: TagView


@endpoint(
    "POST",
    "/api/gallery/tags",
    request=SaveTag,
    response=SavedTag,
    dialect=True,
    tags=TAGS,
    errors=(*CHANGE, errors.TagNameTaken, errors.TagUnknown),
)
async def save_tag(request: web.Request, asked: SaveTag) -> SavedTag:
    """Make a tag, or change its name or colour."""
    tag_id, tag = await request.app[GALLERY].define_tag(
        asked.project_path, asked.tag_id, asked.name, asked.color, request[ACTOR]
    )
    return SavedTag(tag=TagView(id=tag_id, name=tag.name, color=tag.color))


@frozen(kw_only=True)
class DeleteTag:
    """Which tag to delete."""

    project_path: str = field(metadata=_PROJECT_PATH)
    tag_id: str


@frozen(kw_only=True)
class DeletedTag:
    """The tag is gone."""

    tag_id: str


@endpoint(
    "DELETE",
    "/api/gallery/tags",
    request=DeleteTag,
    response=DeletedTag,
    dialect=True,
    reads=Reads.EITHER,
    tags=TAGS,
    errors=(*CHANGE, errors.TagUnknown),
)
async def delete_tag(request: web.Request, asked: DeleteTag) -> DeletedTag:
    """Delete a tag, and take it off every file."""
    await request.app[GALLERY].delete_tag(asked.project_path, asked.tag_id, request[ACTOR])
    return DeletedTag(tag_id=asked.tag_id)


@frozen(kw_only=True)
class TagFile:
    """Which tags to put on a file, and which to take off."""

    project_path: str = field(metadata=_PROJECT_PATH)
    file_path: str = field(metadata=_FILE_PATH)
    add_tags: list[str] = field(factory=list, metadata=about("Ids.", max_length=400))
    remove_tags: list[str] = field(factory=list, metadata=about("Ids.", max_length=400))


@frozen(kw_only=True)
class FileTags:
    """The tags that a file now has."""

    file_path: str
    tags: tuple[TagView, ...]


@endpoint(
    "POST",
    "/api/gallery/file-tags",
    request=TagFile,
    response=FileTags,
    dialect=True,
    tags=TAGS,
    errors=(*CHANGE, errors.TagUnknown),
)
async def tag_file(request: web.Request, asked: TagFile) -> FileTags:
    """Put tags on a file, and take tags off."""
    path, curation = await request.app[GALLERY].tag(
        asked.project_path, asked.file_path, asked.add_tags, asked.remove_tags, request[ACTOR]
    )
    return FileTags(file_path=path, tags=_tags(curation))


@frozen(kw_only=True)
class ViewSettings:
    """How the gallery looks."""

    name: str = field(default="default", metadata=about("", min_length=1, max_length=100))
    view_mode: str | None = field(default=None, metadata=about("", example="grid"))
    sort_field: str | None = field(default=None, metadata=about("", example="name"))
    sort_direction: str | None = field(default=None, metadata=about("", example="asc"))
    thumbnail_size: int | None = field(default=None, metadata=about("Pixels.", ge=16, le=4096))
    current_path: str | None = None
    filters: dict[str, Any] | None = None
    folder_tree_state: dict[str, Any] | None = None


@frozen(kw_only=True)
class SaveView(ViewSettings):
    """A view to save."""

    project_path: str = field(metadata=_PROJECT_PATH)


@frozen(kw_only=True)
class GetViews:
    """Which project, and which view to single out."""

    project_path: str = field(metadata=_PROJECT_PATH)
    name: str = "default"


@frozen(kw_only=True)
class Views:
    """The view that was asked for, and all others."""

    view: ViewSettings | None
    views: dict[str, ViewSettings]


@endpoint(
    "GET",
    "/api/gallery/views",
    request=GetViews,
    response=Views,
    dialect=True,
    tags=TAGS,
    errors=PROJECT,
)
async def get_views(request: web.Request, asked: GetViews) -> Views:
    """The saved views of a project."""
    saved = await request.app[GALLERY].views(asked.project_path)
    views = {name: _view(name, view) for name, view in saved.items()}
    return Views(view=views.get(asked.name), views=views)


@frozen(kw_only=True)
class SavedView:
    """The view as it was saved."""

    view: ViewSettings


@endpoint(
    "POST",
    "/api/gallery/views",
    request=SaveView,
    response=SavedView,
    dialect=True,
    tags=TAGS,
    errors=CHANGE,
)
async def save_view(request: web.Request, asked: SaveView) -> SavedView:
    """Save how the gallery looks, under a name."""
    settings = {name: getattr(asked, name) for name in _SETTINGS}
    chosen = {name: value for name, value in settings.items() if value is not None}
    view = await request.app[GALLERY].save_view(
        asked.project_path, asked.name, chosen, request[ACTOR]
    )
    return SavedView(view=_view(asked.name, view))


_SETTINGS = tuple(a.name for a in attrs.fields(ViewSettings) if a.name != "name")


def _view(name: str, view: View) -> ViewSettings:
    known = {key: value for key, value in view.settings.items() if key in _SETTINGS}
    return ViewSettings(name=name, **known)
