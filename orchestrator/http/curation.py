"""Endpoints of the gallery: what people say of files: ratings, tags, notes, views."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import attrs
from aiohttp import web
from attrs import field, frozen

from orchestrator import errors
from orchestrator.commands.curation import MAX_NOTE, MAX_STARS
from orchestrator.gallery.curating import Said, Say, curation_at, stars_by_path, tag_counts
from orchestrator.http.endpoint import Reads, endpoint
from orchestrator.http.entries import TagView, tag_views
from orchestrator.http.faulty import MAX_FAULTS, join
from orchestrator.http.fields import about
from orchestrator.http.gallery import AT, CHANGE, FILE_PATH, PROJECT, PROJECT_PATH, TAGS, view_of
from orchestrator.http.middleware import ACTOR
from orchestrator.services import CURATOR
from projections.views import View

#: Files that one request may speak of.
MANY = 10_000
#: Bytes of a request about so many files with long paths.
MANY_BYTES = 48 * 1024 * 1024


@frozen(kw_only=True)
class AskSaid:
    """Whose ratings, tags or notes, and as of when."""

    project_path: str = field(metadata=PROJECT_PATH)
    at: datetime | None = field(default=None, metadata=AT)


@frozen(kw_only=True)
class Ratings:
    """Stars by path relative to the project; files without stars are left out."""

    ratings: dict[str, int]


@endpoint(
    "GET",
    "/api/gallery/ratings",
    request=AskSaid,
    response=Ratings,
    dialect=True,
    tags=TAGS,
    errors=PROJECT,
)
async def get_ratings(request: web.Request, asked: AskSaid) -> Ratings:
    """The ratings of a project, now or at a moment of the past."""
    view = await view_of(request, asked.project_path, asked.at)
    return Ratings(ratings=stars_by_path(view))


@frozen(kw_only=True)
class RefusedFile:
    """A file of a request that was left as it was, and why."""

    file_path: str
    code: str
    message: str


@frozen(kw_only=True)
class RateFiles:
    """A file and its stars, many files and their stars, or many files and the same stars."""

    project_path: str = field(metadata=PROJECT_PATH)
    file_path: str | None = field(default=None, metadata=FILE_PATH)
    rating: int | None = field(
        default=None, metadata=about("1 to 5; 0 removes it.", ge=0, le=5, example=4)
    )
    files: list[str] | None = field(
        default=None, metadata=about("Instead of one file: all get `rating`.", max_length=MANY)
    )
    ratings: dict[str, int] | None = field(
        default=None, metadata=about("Instead of both: stars by file.", max_length=MANY)
    )


@frozen(kw_only=True)
class Rated:
    """Stars by path, of the files that have them now; and those that were left as they were."""

    ratings: dict[str, int]
    errors: list[RefusedFile]
    batch: str | None = field(metadata=about("Names this edit of many files, to undo it whole."))


@endpoint(
    "POST",
    "/api/gallery/ratings",
    request=RateFiles,
    response=Rated,
    dialect=True,
    tags=TAGS,
    errors=CHANGE,
    body_limit=MANY_BYTES,
    example={"projectPath": "/mnt/Projects/Eliot", "filePath": "Panel_01/a.png", "rating": 4},
)
async def set_rating(request: web.Request, asked: RateFiles) -> Rated:
    """Rate one file or many. When this answers, the ratings are on the share's disk.

    A single file that cannot be rated is refused. Of many, those that cannot be rated stand in
    `errors`, and the others are rated.
    """
    stars = _stars_asked(asked)
    curator, actor = request.app[CURATOR], request[ACTOR]
    if asked.file_path is not None:
        (said,) = (Say(file_path=path, stars=count) for path, count in stars.items())
        path = await curator.say(asked.project_path, said, actor)
        return Rated(ratings={path: stars[asked.file_path]}, errors=[], batch=None)
    everything = [Say(file_path=path, stars=count) for path, count in stars.items()]
    batch, said_of = await curator.say_all(asked.project_path, everything, actor)
    return Rated(
        ratings={said.path: stars[said.file_path] for said in said_of if said.path is not None},
        errors=refused_files(said_of),
        batch=batch,
    )


def _stars_asked(asked: RateFiles) -> dict[str, int]:
    """Stars by file, however they were sent.

    Raises:
        InvalidFields: none of the three ways, or several at once.
    """
    ways = [asked.file_path is not None, asked.files is not None, asked.ratings is not None]
    if sum(ways) != 1:
        told = "send `filePath` with `rating`, or `files` with `rating`, or `ratings`"
        raise errors.InvalidFields((errors.Fault("", told),))
    if asked.ratings is not None:
        if asked.rating is not None:
            raise errors.InvalidFields((errors.Fault("rating", "does not go with `ratings`"),))
        faults = [
            errors.Fault(join("ratings", path), "must be 0 (none) to 5", count)
            for path, count in asked.ratings.items()
            if not 0 <= count <= MAX_STARS
        ]
        if faults:
            raise errors.InvalidFields(faults[:MAX_FAULTS])
        return asked.ratings
    if asked.rating is None:
        raise errors.InvalidFields((errors.Fault("rating", "is missing"),))
    paths = [asked.file_path] if asked.file_path is not None else asked.files or []
    return dict.fromkeys(paths, asked.rating)


def refused_files(said_of: Iterable[Said]) -> list[RefusedFile]:
    """The files of a request that were left as they were."""
    return [
        RefusedFile(file_path=said.file_path, code=said.refused.code, message=str(said.refused))
        for said in said_of
        if said.refused is not None
    ]


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
    request=AskSaid,
    response=TagMap,
    dialect=True,
    tags=TAGS,
    errors=PROJECT,
)
async def get_tags(request: web.Request, asked: AskSaid) -> TagMap:
    """The tags of a project with the number of files that have each, now or in the past."""
    tags = tag_counts(await view_of(request, asked.project_path, asked.at))
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
    tag_id, tag = await request.app[CURATOR].define_tag(
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
    await request.app[CURATOR].delete_tag(asked.project_path, asked.tag_id, request[ACTOR])
    return DeletedTag(tag_id=asked.tag_id)


@frozen(kw_only=True)
class TagFiles:
    """Which tags to put on files, and which to take off."""

    project_path: str = field(metadata=PROJECT_PATH)
    file_path: str | None = field(default=None, metadata=FILE_PATH)
    files: list[str] | None = field(
        default=None, metadata=about("Instead of one file.", max_length=MANY)
    )
    add_tags: list[str] = field(factory=list, metadata=about("Ids.", max_length=400))
    remove_tags: list[str] = field(factory=list, metadata=about("Ids.", max_length=400))


@frozen(kw_only=True)
class TaggedFile:
    """A file and the tags that it has now."""

    file_path: str
    tags: tuple[TagView, ...]


@frozen(kw_only=True)
class FileTags:
    """The tags that the file has now; and of many files, each with its own."""

    file_path: str | None
    tags: tuple[TagView, ...]
    files: list[TaggedFile]
    errors: list[RefusedFile]
    batch: str | None = field(metadata=about("Names this edit of many files, to undo it whole."))


@endpoint(
    "POST",
    "/api/gallery/file-tags",
    request=TagFiles,
    response=FileTags,
    dialect=True,
    tags=TAGS,
    errors=(*CHANGE, errors.TagUnknown),
    body_limit=MANY_BYTES,
    example={
        "projectPath": "/mnt/Projects/Eliot",
        "filePath": "Panel_01/a.png",
        "addTags": ["0f8fad5b-d9cb-469f-a165-70867728950e"],
    },
)
async def tag_files(request: web.Request, asked: TagFiles) -> FileTags:
    """Put tags on files, and take tags off. Of many files, each is an edit of its own."""
    paths = one_or_many(asked.file_path, asked.files)
    add, remove = tuple(asked.add_tags), tuple(asked.remove_tags)
    everything = [Say(file_path=path, add=add, remove=remove) for path in paths]
    batch, said_of = await _say(request, asked.project_path, asked.file_path, everything)
    view = await view_of(request, asked.project_path, None)
    files = [
        TaggedFile(file_path=said.path, tags=tag_views(curation_at(view, said.path)))
        for said in said_of
        if said.path is not None
    ]
    one = files[0] if asked.file_path is not None else None
    return FileTags(
        file_path=None if one is None else one.file_path,
        tags=() if one is None else one.tags,
        files=files,
        errors=refused_files(said_of),
        batch=batch,
    )


async def _say(
    request: web.Request, project_path: str, one: str | None, everything: list[Say]
) -> tuple[str | None, list[Said]]:
    """Say something of one file, which is refused if it must be, or of many, each for itself."""
    curator, actor = request.app[CURATOR], request[ACTOR]
    if one is None:
        return await curator.say_all(project_path, everything, actor)
    path = await curator.say(project_path, everything[0], actor)
    return None, [Said(one, path)]


def one_or_many(one: str | None, many: list[str] | None) -> list[str]:
    """The files that a request speaks of, each once.

    Raises:
        InvalidFields: neither is given, or both.
    """
    if (one is None) == (many is None):
        raise errors.InvalidFields((errors.Fault("", "send `filePath`, or `files`"),))
    return [one] if one is not None else list(dict.fromkeys(many or ()))


@frozen(kw_only=True)
class Notes:
    """Notes by path relative to the project; files without one are left out."""

    notes: dict[str, str]


@endpoint(
    "GET",
    "/api/gallery/notes",
    request=AskSaid,
    response=Notes,
    dialect=True,
    tags=TAGS,
    errors=PROJECT,
)
async def get_notes(request: web.Request, asked: AskSaid) -> Notes:
    """The notes of a project, now or at a moment of the past."""
    view = await view_of(request, asked.project_path, asked.at)
    return Notes(notes=dict(sorted(view.notes())))


@frozen(kw_only=True)
class NoteFiles:
    """A note about a file, or the same note about many."""

    project_path: str = field(metadata=PROJECT_PATH)
    file_path: str | None = field(default=None, metadata=FILE_PATH)
    files: list[str] | None = field(
        default=None, metadata=about("Instead of one file.", max_length=MANY)
    )
    note: str = field(metadata=about("An empty text removes it.", max_length=MAX_NOTE))


@frozen(kw_only=True)
class Noted:
    """The notes as they are now."""

    notes: dict[str, str]
    errors: list[RefusedFile]
    batch: str | None = field(metadata=about("Names this edit of many files, to undo it whole."))


@endpoint(
    "POST",
    "/api/gallery/notes",
    request=NoteFiles,
    response=Noted,
    dialect=True,
    tags=TAGS,
    errors=CHANGE,
    body_limit=MANY_BYTES,
    example={
        "projectPath": "/mnt/Projects/Eliot",
        "filePath": "Panel_01/a.png",
        "note": "hands are wrong",
    },
)
async def set_note(request: web.Request, asked: NoteFiles) -> Noted:
    """Write a note about one file or many, or remove it."""
    paths = one_or_many(asked.file_path, asked.files)
    everything = [Say(file_path=path, note=asked.note) for path in paths]
    batch, said_of = await _say(request, asked.project_path, asked.file_path, everything)
    notes = {said.path: asked.note for said in said_of if said.path is not None}
    return Noted(notes=notes, errors=refused_files(said_of), batch=batch)


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
    saved = (await view_of(request, asked.project_path, None)).views()
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
    view = await request.app[CURATOR].save_view(
        asked.project_path, asked.name, chosen, request[ACTOR]
    )
    return SavedView(view=_view(asked.name, view))


_SETTINGS = tuple(a.name for a in attrs.fields(ViewSettings) if a.name != "name")


def _view(name: str, view: View) -> ViewSettings:
    known = {key: value for key, value in view.settings.items() if key in _SETTINGS}
    return ViewSettings(name=name, **known)


@frozen(kw_only=True)
class DeleteView:
    """Which view to delete."""

    project_path: str = field(metadata=PROJECT_PATH)
    name: str = field(metadata=about("", min_length=1, max_length=100))


@frozen(kw_only=True)
class DeletedView:
    """The view is gone."""

    name: str


@endpoint(
    "DELETE",
    "/api/gallery/views",
    request=DeleteView,
    response=DeletedView,
    dialect=True,
    reads=Reads.EITHER,
    tags=TAGS,
    errors=(*CHANGE, errors.ViewUnknown),
)
async def delete_view(request: web.Request, asked: DeleteView) -> DeletedView:
    """Forget a saved view."""
    await request.app[CURATOR].delete_view(asked.project_path, asked.name, request[ACTOR])
    return DeletedView(name=asked.name)
