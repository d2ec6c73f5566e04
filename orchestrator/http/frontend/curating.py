"""What the frontend says of files: stars and tags; and what it reads of both."""

from __future__ import annotations

from typing import Literal

from aiohttp import web
from attrs import field, frozen

from orchestrator.http import curation, tagging
from orchestrator.http.entries import TagView
from orchestrator.http.fields import about
from orchestrator.http.frontend.speaking import speaks
from orchestrator.http.frontend.wording import (
    ERRORS,
    FILE_PATH,
    PROJECT_PATH,
    SUCCESS,
    outcome,
    succeeded,
    told,
)
from orchestrator.http.many import MANY, AskSaid

#: The frontend holds ids for numbers, and sends back what it was sent.
TagKey = str | int


@frozen(kw_only=True, repr=False)
class RateFiles:
    """Stars by file; or one file and its stars."""

    project_path: str = field(metadata=PROJECT_PATH)
    ratings: dict[str, int] | None = field(
        default=None,
        metadata=about(
            "0 removes them. Files are named by absolute path, or relative to the project.",
            max_length=MANY,
            example={"Panel_01/a.png": 4},
        ),
    )
    file_path: str | None = field(default=None, metadata=FILE_PATH)
    rating: int | None = field(default=None, metadata=about("0 removes it.", ge=0, le=5))


@frozen(kw_only=True, repr=False)
class RatedFiles:
    """Stars by path relative to the project, of the files that have them now."""

    success: bool = field(metadata=SUCCESS)
    message: str
    ratings: dict[str, int]
    errors: list[str] = field(metadata=ERRORS)


@speaks(
    curation.set_rating,
    request=RateFiles,
    response=RatedFiles,
    example={"project_path": "/mnt/Projects/Eliot", "ratings": {"Panel_01/a.png": 4}},
)
async def rate_files(request: web.Request, asked: RateFiles) -> RatedFiles:
    """Rate files. When this answers, the ratings are on the share's disk."""
    rated: curation.Rated = await curation.set_rating.handler(
        request,
        curation.RateFiles(
            project_path=asked.project_path,
            ratings=asked.ratings,
            file_path=asked.file_path,
            rating=asked.rating,
        ),
    )
    return RatedFiles(
        success=succeeded(rated.ratings, rated.errors),
        message=outcome("rated", rated.ratings, rated.errors),
        ratings=rated.ratings,
        errors=told(rated.errors),
    )


@frozen(kw_only=True, repr=False)
class CountedTag:
    """A tag, and how many files have it."""

    id: str
    name: str
    color: str = field(metadata=about("#rrggbb"))
    file_count: int


@frozen(kw_only=True, repr=False)
class TagList:
    """All tags of a project, by name."""

    tags: list[CountedTag]


@speaks(tagging.get_tags, request=AskSaid, response=TagList)
async def list_tags(request: web.Request, asked: AskSaid) -> TagList:
    """The tags of a project in a list, with the number of files that have each."""
    found: tagging.TagMap = await tagging.get_tags.handler(request, asked)
    return TagList(
        tags=[
            CountedTag(id=key, name=tag.name, color=tag.color, file_count=tag.file_count)
            for key, tag in found.tags.items()
        ]
    )


@frozen(kw_only=True, repr=False)
class SaveTag:
    """A tag to make, or to change if its id is given."""

    project_path: str = field(metadata=PROJECT_PATH)
    name: str | None = field(default=None, metadata=about("Unique without regard to case."))
    color: str | None = field(default=None, metadata=about("#rrggbb", example="#ff6b6b"))
    tag_id: TagKey | None = field(default=None, metadata=about("The tag to change."))


@frozen(kw_only=True, repr=False)
class SavedTag:
    """The tag as it now is."""

    message: str
    tag: TagView
    id: str
    tag_id: str


@speaks(
    tagging.save_tag,
    request=SaveTag,
    response=SavedTag,
    example={"project_path": "/mnt/Projects/Eliot", "name": "Hero", "color": "#ff6b6b"},
)
async def save_tag(request: web.Request, asked: SaveTag) -> SavedTag:
    """Make a tag, or change its name or colour."""
    saved: tagging.SavedTag = await tagging.save_tag.handler(
        request,
        tagging.SaveTag(
            project_path=asked.project_path,
            name=asked.name,
            color=asked.color,
            tag_id=None if asked.tag_id is None else str(asked.tag_id),
        ),
    )
    done = "created" if asked.tag_id is None else "updated"
    return SavedTag(message=f"Tag {done}", tag=saved.tag, id=saved.tag.id, tag_id=saved.tag.id)


@frozen(kw_only=True, repr=False)
class DeleteTag:
    """Which tag to delete."""

    project_path: str = field(metadata=PROJECT_PATH)
    tag_id: TagKey


@frozen(kw_only=True, repr=False)
class DeletedTag:
    """The tag is gone."""

    message: str
    tag_id: str


@speaks(tagging.delete_tag, request=DeleteTag, response=DeletedTag)
async def delete_tag(request: web.Request, asked: DeleteTag) -> DeletedTag:
    """Delete a tag, and take it off every file."""
    gone: tagging.DeletedTag = await tagging.delete_tag.handler(
        request, tagging.DeleteTag(project_path=asked.project_path, tag_id=str(asked.tag_id))
    )
    return DeletedTag(message="Tag deleted", tag_id=gone.tag_id)


@frozen(kw_only=True, repr=False)
class TagFile:
    """Which tags to put on a file, or to take off it."""

    project_path: str = field(metadata=PROJECT_PATH)
    file_path: str = field(metadata=FILE_PATH)
    tag_ids: list[TagKey] = field(
        factory=list, metadata=about("Ids; what is done with them says `action`.", max_length=400)
    )
    action: Literal["add", "remove"] = "add"
    add_tags: list[TagKey] = field(factory=list, metadata=about("Ids.", max_length=400))
    remove_tags: list[TagKey] = field(factory=list, metadata=about("Ids.", max_length=400))


@frozen(kw_only=True, repr=False)
class FileTags:
    """The tags that the file has now."""

    file_path: str = field(metadata=about("Relative to the project."))
    tags: tuple[TagView, ...]


@speaks(
    tagging.tag_files,
    request=TagFile,
    response=FileTags,
    example={
        "project_path": "/mnt/Projects/Eliot",
        "file_path": "Panel_01/a.png",
        "tag_ids": ["0f8fad5b-d9cb-469f-a165-70867728950e"],
        "action": "add",
    },
)
async def tag_file(request: web.Request, asked: TagFile) -> FileTags:
    """Put tags on a file, or take them off."""
    add, remove = list(map(str, asked.add_tags)), list(map(str, asked.remove_tags))
    (add if asked.action == "add" else remove).extend(map(str, asked.tag_ids))
    tagged: tagging.FileTags = await tagging.tag_files.handler(
        request,
        tagging.TagFiles(
            project_path=asked.project_path,
            file_path=asked.file_path,
            add_tags=add,
            remove_tags=remove,
        ),
    )
    return FileTags(file_path=tagged.file_path or asked.file_path, tags=tagged.tags)
