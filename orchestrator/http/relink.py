"""Endpoints of the gallery: files that were renamed or moved outside of the service."""

from __future__ import annotations

from aiohttp import web
from attrs import field, frozen

from events.assets import AssetId
from orchestrator import errors
from orchestrator.gallery.curating import curation_of
from orchestrator.gallery.relink.matching import Undecided
from orchestrator.http.endpoint import endpoint
from orchestrator.http.entries import TagView, tag_views
from orchestrator.http.fields import about
from orchestrator.http.gallery import CHANGE, FILE_PATH, PROJECT_PATH, TAGS, view_of
from orchestrator.http.middleware import ACTOR
from orchestrator.http.search import INDEX
from orchestrator.services import RELINKER
from projections.project import ProjectView


@frozen(kw_only=True, repr=False)
class LostFile:
    """A file that people have spoken of, and that is not where it was."""

    asset_id: str
    path: str = field(metadata=about("Where it lay, relative to the project."))
    rating: int
    tags: tuple[TagView, ...]
    candidates: list[str] = field(
        metadata=about("Files that it may be, relative to the project; often none.")
    )
    reason: str | None = field(
        metadata=about("Why these: `fingerprint` (same bytes) or `lineage` (same run).")
    )


@frozen(kw_only=True, repr=False)
class AskLost:
    """Whose lost files, and how many of them."""

    project_path: str = field(metadata=PROJECT_PATH)
    limit: int = field(default=1000, metadata=about("Most files of one answer.", ge=1, le=10_000))
    offset: int = field(default=0, metadata=about("Files to pass over.", ge=0, le=1_000_000))


@frozen(kw_only=True, repr=False)
class LostFiles:
    """What waits for a decision."""

    missing: list[LostFile]
    total: int = field(metadata=about("Files on all pages."))


@endpoint(
    "GET",
    "/api/gallery/relink",
    request=AskLost,
    response=LostFiles,
    dialect=True,
    tags=TAGS,
    errors=INDEX,
)
async def get_lost(request: web.Request, asked: AskLost) -> LostFiles:
    """Files that are not where they were, and that could not be found again for certain.

    What is certain is relinked after each look through the project, and stands in the history.
    """
    matched = await request.app[RELINKER].look(asked.project_path)
    view = await view_of(request, asked.project_path, None)
    # What is certain by now will be relinked after the next look.
    certain = [Undecided(pair.lost, (pair.path,), pair.reason) for pair in matched.pairs]
    everything = [*certain, *matched.undecided]
    page = everything[asked.offset : asked.offset + asked.limit]
    return LostFiles(missing=[_lost(view, each) for each in page], total=len(everything))


def _lost(view: ProjectView, undecided: Undecided) -> LostFile:
    lost = undecided.lost
    said = curation_of(view, lost.asset)
    return LostFile(
        asset_id=lost.asset,
        path=lost.path,
        rating=said.stars,
        tags=tag_views(said),
        candidates=list(undecided.candidates),
        reason=undecided.reason,
    )


@frozen(kw_only=True, repr=False)
class RelinkFile:
    """Which file a lost one is."""

    project_path: str = field(metadata=PROJECT_PATH)
    asset_id: str
    file_path: str = field(metadata=FILE_PATH)


@frozen(kw_only=True, repr=False)
class RelinkedFile:
    """The file, with what was said of it."""

    asset_id: str
    path: str
    rating: int
    tags: tuple[TagView, ...]


@endpoint(
    "POST",
    "/api/gallery/relink",
    request=RelinkFile,
    response=RelinkedFile,
    dialect=True,
    tags=TAGS,
    errors=(*CHANGE, errors.AssetUnknown, errors.AssetTaken),
)
async def relink_file(request: web.Request, asked: RelinkFile) -> RelinkedFile:
    """Say which file a lost one is. It gets its rating, tags and notes back; undo takes it back."""
    project, path = await request.app[RELINKER].decide(
        asked.project_path, asked.asset_id, asked.file_path, request[ACTOR]
    )
    said = curation_of(project.view, AssetId(asked.asset_id))
    return RelinkedFile(asset_id=asked.asset_id, path=path, rating=said.stars, tags=tag_views(said))
