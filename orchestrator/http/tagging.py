"""Endpoints of the gallery: tags, and which files have them."""

from __future__ import annotations

from aiohttp import web
from attrs import field, frozen

from orchestrator import errors
from orchestrator.gallery.curating import Say, curation_at, tag_counts
from orchestrator.http.endpoint import Reads, endpoint
from orchestrator.http.entries import TagView, tag_views
from orchestrator.http.fields import about
from orchestrator.http.gallery import CHANGE, FILE_PATH, PROJECT, PROJECT_PATH, TAGS, view_of
from orchestrator.http.many import (
    MANY,
    MANY_BYTES,
    AskSaid,
    RefusedFile,
    one_or_many,
    refused_files,
    say_of,
)
from orchestrator.http.middleware import ACTOR
from orchestrator.services import CURATOR


@frozen(kw_only=True, repr=False)
class TagEntry:
    """A tag, by its id."""

    name: str
    color: str
    file_count: int


@frozen(kw_only=True, repr=False)
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


@frozen(kw_only=True, repr=False)
class SaveTag:
    """A tag to make, or to change if its id is given."""

    project_path: str = field(metadata=PROJECT_PATH)
    name: str | None = field(
        default=None, metadata=about("Unique without regard to case.", example="Hero Shot")
    )
    color: str | None = field(default=None, metadata=about("#rrggbb", example="#ff6b6b"))
    tag_id: str | None = field(default=None, metadata=about("The tag to change."))


@frozen(kw_only=True, repr=False)
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


@frozen(kw_only=True, repr=False)
class DeleteTag:
    """Which tag to delete."""

    project_path: str = field(metadata=PROJECT_PATH)
    tag_id: str


@frozen(kw_only=True, repr=False)
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


@frozen(kw_only=True, repr=False)
class TagFiles:
    """Which tags to put on files, and which to take off."""

    project_path: str = field(metadata=PROJECT_PATH)
    file_path: str | None = field(default=None, metadata=FILE_PATH)
    files: list[str] | None = field(
        default=None, metadata=about("Instead of one file.", max_length=MANY)
    )
    add_tags: list[str] = field(factory=list, metadata=about("Ids.", max_length=400))
    remove_tags: list[str] = field(factory=list, metadata=about("Ids.", max_length=400))


@frozen(kw_only=True, repr=False)
class TaggedFile:
    """A file and the tags that it has now."""

    file_path: str
    tags: tuple[TagView, ...]


@frozen(kw_only=True, repr=False)
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
    batch, said_of = await say_of(request, asked.project_path, asked.file_path, everything)
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
