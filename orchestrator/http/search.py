"""Endpoints of the gallery: search, and how far the index is."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from aiohttp import web
from attrs import field, frozen

from events.curation import TagId
from orchestrator import errors
from orchestrator.gallery.index.model import USUAL_FIELDS, Field, ScanReport
from orchestrator.gallery.search_asking import Wanted
from orchestrator.gallery.search_said import SaidField
from orchestrator.http.endpoint import endpoint
from orchestrator.http.entries import TagView, tag_views, time_of
from orchestrator.http.fields import about
from orchestrator.http.gallery import AT, PROJECT, PROJECT_PATH, TAGS, view_of
from orchestrator.services import FINDER, INDEXES, RELINKER, SEARCHER

#: What any question to the index may be refused with.
INDEX = (*PROJECT, errors.IndexUnusable, errors.IndexDamaged)
_SAID: frozenset[SaidField] = frozenset({"tag", "rating"})


@frozen(kw_only=True, repr=False)
class SearchFiles:
    """What to look for, and among which files."""

    project_path: str = field(metadata=PROJECT_PATH)
    query: str = field(
        default="",
        metadata=about(
            'Words in any order, "quoted phrase", -word. Nothing finds all files.',
            example='castle "golden hour" -blurry',
            max_length=2000,
        ),
    )
    fields: (
        list[
            Literal[
                "prompt",
                "negative_prompt",
                "model",
                "lora",
                "seed",
                "filename",
                "workflow",
                "tag",
                "rating",
            ]
        ]
        | None
    ) = field(
        default=None,
        metadata=about("Where to look; everywhere but in `workflow` (raw text) if left out."),
    )
    folder_path: str | None = field(
        default=None, metadata=about("Only in this folder and below it.", example="Panel_01")
    )
    min_rating: int = field(default=0, metadata=about("Least stars.", ge=0, le=5))
    max_rating: int = field(default=5, metadata=about("Most stars.", ge=0, le=5))
    tags: list[str] = field(
        factory=list, metadata=about("Ids; all must be on a file.", max_length=100)
    )
    since: datetime | None = field(default=None, metadata=about("Modified at or after this."))
    until: datetime | None = field(default=None, metadata=about("Modified before this."))
    at: datetime | None = field(default=None, metadata=AT)
    limit: int = field(default=100, metadata=about("Most files of one answer.", ge=1, le=1000))
    offset: int = field(default=0, metadata=about("Files to pass over.", ge=0, le=1_000_000))


@frozen(kw_only=True, repr=False)
class SearchHit:
    """A file that was found."""

    path: str = field(metadata=about("Absolute, where it lies now."))
    rel_path: str = field(metadata=about("Relative to the project, at the moment asked for."))
    match_field: str | None
    match_context: str = field(metadata=about("Some text around the match."))
    match_start: int = field(metadata=about("Where the match begins in it, in characters."))
    match_end: int
    score: float
    rating: int
    tags: tuple[TagView, ...]


@frozen(kw_only=True, repr=False)
class SearchAnswer:
    """What was found, the best first."""

    results: list[SearchHit]
    total: int
    total_is_exact: bool = field(metadata=about("If not, there are even more."))
    index_complete: bool = field(
        metadata=about("False while the index still reads files: some may be missing.")
    )


@endpoint(
    "POST",
    "/api/gallery/search",
    request=SearchFiles,
    response=SearchAnswer,
    dialect=True,
    tags=TAGS,
    errors=INDEX,
    example={
        "projectPath": "/mnt/Projects/Eliot",
        "query": "cinematic shot",
        "fields": ["prompt", "negative_prompt"],
    },
)
async def search_files(request: web.Request, asked: SearchFiles) -> SearchAnswer:
    """Find files by how they were made, what they are called, and what is said of them.

    All words must be there, in any order, each as the beginning of a word; case and accents do
    not matter. With `at`, files are judged by what was said of them at that moment.
    """
    view = await view_of(request, asked.project_path, asked.at)
    unknown = [tag for tag in asked.tags if view.tag(TagId(tag)) is None]
    if unknown:
        raise errors.TagUnknown(tuple(unknown))
    fields = frozenset(asked.fields) if asked.fields is not None else None
    stands: frozenset[Field] = USUAL_FIELDS
    said = _SAID
    if fields is not None:
        stands = frozenset(name for name in _STANDING if name in fields)
        said = frozenset(name for name in _SAID if name in fields)
    wanted = Wanted(
        text=asked.query,
        fields=stands,
        said=said,
        folder=asked.folder_path,
        since=asked.since,
        until=asked.until,
        least_stars=asked.min_rating,
        most_stars=asked.max_rating,
        tags=tuple(asked.tags),
        limit=asked.limit,
        offset=asked.offset,
    )
    found = await request.app[SEARCHER].search(asked.project_path, wanted, view, asked.at)
    project = await request.app[FINDER].project(asked.project_path)
    return SearchAnswer(
        results=[
            SearchHit(
                path=match.lies,
                rel_path=match.path,
                match_field=match.field,
                match_context=match.context,
                match_start=match.start,
                match_end=match.end,
                score=match.score,
                rating=match.curation.stars,
                tags=tag_views(match.curation),
            )
            for match in found.matches
        ],
        total=found.total,
        total_is_exact=found.total_is_exact,
        index_complete=request.app[INDEXES].of(project).report is not None,
    )


_STANDING: tuple[Field, ...] = (
    "prompt",
    "negative_prompt",
    "model",
    "lora",
    "seed",
    "filename",
    "workflow",
)


@frozen(kw_only=True, repr=False)
class AskIndex:
    """Whose index."""

    project_path: str = field(metadata=PROJECT_PATH)


@frozen(kw_only=True, repr=False)
class MissingFile:
    """A file that is not where it was."""

    path: str
    since: datetime = field(metadata=about("When that was noticed."))


@frozen(kw_only=True, repr=False)
class IndexState:
    """How far the index is, and what the last look through the project found."""

    phase: str = field(metadata=about("looking, reading or done."))
    done: int
    total: int | None
    files: int | None = field(metadata=about("In the project; null before the first whole look."))
    offline: bool = field(
        metadata=about("So much was missing at once that the share was taken to be away.")
    )
    missing_count: int
    missing: list[MissingFile] = field(metadata=about("The first 1,000."))
    unreadable: list[str]


@endpoint(
    "GET",
    "/api/gallery/index",
    request=AskIndex,
    response=IndexState,
    dialect=True,
    tags=TAGS,
    errors=INDEX,
)
async def index_state(request: web.Request, asked: AskIndex) -> IndexState:
    """How far the index is. Missing files are listed, and never forgotten by themselves."""
    return await _state(request, asked.project_path, None)


@frozen(kw_only=True, repr=False)
class Rescan:
    """Which project to look through, and whether a loss is confirmed."""

    project_path: str = field(metadata=PROJECT_PATH)
    accept_loss: bool = field(
        default=False,
        metadata=about("Many files are missing because somebody deleted them: note that."),
    )


@endpoint(
    "POST",
    "/api/gallery/index",
    request=Rescan,
    response=IndexState,
    dialect=True,
    tags=TAGS,
    errors=INDEX,
)
async def rescan(request: web.Request, asked: Rescan) -> IndexState:
    """Look through the project now.

    Answers when that is done, and what it made certain of files that were moved is relinked.
    """
    project = await request.app[FINDER].project(asked.project_path)
    index = request.app[INDEXES].of(project)
    report = await index.rescan(accept_loss=asked.accept_loss)
    await request.app[RELINKER].settled(project)
    return await _state(request, asked.project_path, report)


async def _state(request: web.Request, project_path: str, report: ScanReport | None) -> IndexState:
    project = await request.app[FINDER].project(project_path)
    index = request.app[INDEXES].of(project)
    missing = await index.ask(lambda asked: asked.missing())
    report = report or index.report
    return IndexState(
        phase=index.progress.phase,
        done=index.progress.done,
        total=index.progress.total,
        files=None if report is None else report.files,
        offline=report is not None and report.offline,
        missing_count=len(missing),
        missing=[
            MissingFile(path=file.path, since=time_of(file.missing_ns or 0))
            for file in missing[:1000]
        ],
        unreadable=[] if report is None else list(report.unreadable[:1000]),
    )
