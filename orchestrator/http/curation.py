"""Endpoints of the gallery: what people say of files: ratings and notes."""

from __future__ import annotations

from aiohttp import web
from attrs import field, frozen

from orchestrator import errors
from orchestrator.commands.curation import MAX_NOTE, MAX_STARS
from orchestrator.gallery.curating import Say, stars_by_path
from orchestrator.http.endpoint import endpoint
from orchestrator.http.faulty import MAX_FAULTS, join
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


@frozen(kw_only=True, repr=False)
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


@frozen(kw_only=True, repr=False)
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
        count = stars[asked.file_path]
        said = Say(file_path=asked.file_path, stars=count)
        path = await curator.say(asked.project_path, said, actor)
        return Rated(ratings={path: count}, errors=[], batch=None)
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


@frozen(kw_only=True, repr=False)
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


@frozen(kw_only=True, repr=False)
class NoteFiles:
    """A note about a file, or the same note about many."""

    project_path: str = field(metadata=PROJECT_PATH)
    file_path: str | None = field(default=None, metadata=FILE_PATH)
    files: list[str] | None = field(
        default=None, metadata=about("Instead of one file.", max_length=MANY)
    )
    note: str = field(metadata=about("An empty text removes it.", max_length=MAX_NOTE))


@frozen(kw_only=True, repr=False)
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
    batch, said_of = await say_of(request, asked.project_path, asked.file_path, everything)
    notes = {said.path: asked.note for said in said_of if said.path is not None}
    return Noted(notes=notes, errors=refused_files(said_of), batch=batch)
