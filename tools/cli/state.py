"""A project's state as rows for people and values for machines. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from attrs import frozen

from events.assets import AssetId
from events.stamp import Stamp
from projections.fold import Tables
from projections.jobs import Job
from projections.project import ProjectView
from tools.cli.terminal import iso


@frozen
class JobRow:
    """One job. What the log does not tell (its order may be lost) is None."""

    job: str
    status: str
    #: Name of the workflow; None for one that was sent inline.
    workflow: str | None
    backend: str | None
    attempts: int
    outputs: tuple[str, ...]
    by: str | None
    #: When it was queued.
    at: Stamp | None
    reason: str | None


@frozen
class RatingRow:
    """One file with stars."""

    path: str
    asset: str
    stars: int
    by: str
    at: Stamp


@frozen
class TagRow:
    """One tag, and how many files have it."""

    tag: str
    name: str
    color: str
    files: int
    at: Stamp


@frozen
class TaggedRow:
    """One file with tags."""

    path: str
    asset: str
    tags: tuple[str, ...]


@frozen
class ViewRow:
    """One saved view."""

    name: str
    settings: dict[str, Any]
    by: str
    at: Stamp


@frozen
class State:
    """Everything that `replay` shows."""

    jobs: tuple[JobRow, ...]
    ratings: tuple[RatingRow, ...]
    tags: tuple[TagRow, ...]
    tagged: tuple[TaggedRow, ...]
    views: tuple[ViewRow, ...]
    #: Type of event to how many of them this program does not know.
    unknown: dict[str, int]
    #: How many assets there are.
    assets: int


def state_of(tables: Tables) -> State:
    """The state in tables; jobs newest first, files by their paths."""
    view = ProjectView(tables)
    jobs = [_job(job_id, job) for job_id, job in tables.table("jobs").items()]
    ratings = [_rating(view, path, rating) for path, rating in view.ratings()]
    tagged = sorted(_tagged(view), key=lambda row: row.path)
    counts = Counter(tag for row in tagged for tag in row.tags)
    return State(
        tuple(sorted(jobs, key=lambda row: row.at or "", reverse=True)),
        tuple(sorted(ratings, key=lambda row: row.path)),
        tuple(
            TagRow(tag, found.name, found.color, counts[tag], found.as_of)
            for tag, found in view.tags().items()
        ),
        tuple(tagged),
        tuple(
            ViewRow(name, found.settings, found.actor, found.as_of)
            for name, found in view.views().items()
        ),
        {name: len(stamps) for name, stamps in sorted(tables.unknown.items())},
        len(tables.table("assets")),
    )


def _job(job_id: str, job: Job) -> JobRow:
    queued, last = job.queued, job.last
    return JobRow(
        job_id,
        job.status.value,
        None if queued is None else queued.order.workflow_id,
        None if last is None else last.backend,
        len(job.attempts),
        tuple(output.path for output in job.outputs),
        None if queued is None else queued.actor,
        None if queued is None else queued.as_of,
        None if job.end is None else job.end.reason,
    )


def _rating(view: ProjectView, path: str, rating: Any) -> RatingRow:
    return RatingRow(path, str(view.asset_at(path)), rating.stars, rating.actor, rating.as_of)


def _tagged(view: ProjectView) -> Iterator[TaggedRow]:
    for asset in view.tagged():
        known, tags = view.asset(AssetId(asset)), view.tags_of(asset)
        if known is not None and tags:
            yield TaggedRow(known.path, asset, tags)


def tag_names(view_tags: tuple[TagRow, ...]) -> dict[str, str]:
    """Name of each tag by its id."""
    return {row.tag: row.name for row in view_tags}


def as_json(state: State) -> dict[str, Any]:
    """The state with plain values: stamps as times, tags with id and name."""
    names = tag_names(state.tags)
    return {
        "jobs": [
            {
                "job": row.job,
                "status": row.status,
                "workflow": row.workflow,
                "backend": row.backend,
                "attempts": row.attempts,
                "outputs": row.outputs,
                "by": row.by,
                "at": None if row.at is None else iso(row.at),
                "reason": row.reason,
            }
            for row in state.jobs
        ],
        "ratings": [
            {
                "path": row.path,
                "asset": row.asset,
                "stars": row.stars,
                "by": row.by,
                "at": iso(row.at),
            }
            for row in state.ratings
        ],
        "tags": [
            {
                "tag": row.tag,
                "name": row.name,
                "color": row.color,
                "files": row.files,
                "at": iso(row.at),
            }
            for row in state.tags
        ],
        "tagged": [
            {"path": row.path, "asset": row.asset, "tags": [names[tag] for tag in row.tags]}
            for row in state.tagged
        ],
        "views": [
            {"name": row.name, "settings": row.settings, "by": row.by, "at": iso(row.at)}
            for row in state.views
        ],
    }
