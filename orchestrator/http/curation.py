"""Endpoints of the gallery: what people say of files: ratings, tags, views."""

from __future__ import annotations

from typing import Any

import attrs
from aiohttp import web
from attrs import field, frozen

from orchestrator import errors
from orchestrator.http.endpoint import Reads, endpoint
from orchestrator.http.fields import about
from orchestrator.http.gallery import (
    CHANGE,
    FILE_PATH,
    PROJECT,
    PROJECT_PATH,
    TAGS,
    OneProject,
    TagView,
    tag_views,
)
from orchestrator.http.middleware import ACTOR
from orchestrator.services import GALLERY
from projections.views import View


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

    project_path: str = field(metadata=PROJECT_PATH)
    file_path: str = field(metadata=FILE_PATH)
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
async def gettag_views(request: web.Request, asked: OneProject) -> TagMap:
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

    project_path: str = field(metadata=PROJECT_PATH)
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

    project_path: str = field(metadata=PROJECT_PATH)
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

    project_path: str = field(metadata=PROJECT_PATH)
    file_path: str = field(metadata=FILE_PATH)
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
    return FileTags(file_path=path, tags=tag_views(curation))


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

    project_path: str = field(metadata=PROJECT_PATH)


@frozen(kw_only=True)
class GetViews:
    """Which project, and which view to single out."""

    project_path: str = field(metadata=PROJECT_PATH)
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
