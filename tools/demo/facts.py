"""What people can see of a project, to be compared: as the service says, and as the log says. Pure.

The two sides share no code but these classes: one is read from the API's answers, the other from
tables that were folded from the log's bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from attrs import asdict, frozen

from events.assets import AssetId
from projections.fold import Tables
from projections.jobs import Job
from projections.project import ProjectView


@frozen
class FileFacts:
    """What was said of one file."""

    stars: int
    #: Ids of its tags, sorted.
    tags: tuple[str, ...]


@frozen
class OutputFacts:
    """A file that a job brought in."""

    path: str
    asset: str
    node: str
    attempt: int
    size: int
    sha256: str


@frozen
class JobFacts:
    """What a job was to do, and what became of it."""

    status: str
    actor: str
    workflow_id: str | None
    parameters: dict[str, Any]
    metadata: dict[str, Any]
    error: str | None
    #: Backend and prompt id of each attempt.
    attempts: tuple[tuple[str | None, str | None], ...]
    outputs: tuple[OutputFacts, ...]


@frozen
class Facts:
    """A project's curation and jobs."""

    #: Name and colour by id.
    tags: dict[str, tuple[str, str]]
    #: Stars by path, as the list of ratings has them.
    ratings: dict[str, int]
    #: Files of which anything was said, by path.
    files: dict[str, FileFacts]
    jobs: dict[str, JobFacts]


def live_facts(
    tags: Mapping[str, Any],
    ratings: Mapping[str, int],
    files: Iterable[Mapping[str, Any]],
    jobs: Iterable[Mapping[str, Any]],
) -> Facts:
    """The facts as the service tells them.

    Args:
        tags: `tags` of GET /api/gallery/tags.
        ratings: `ratings` of GET /api/gallery/ratings.
        files: all `files` of POST /api/gallery/scan-folder, of every folder.
        jobs: `jobs` of GET /api/jobs.
    """
    return Facts(
        tags={tag: (said["name"], said["color"]) for tag, said in tags.items()},
        ratings=dict(ratings),
        files={
            file["relPath"]: FileFacts(
                file["rating"], tuple(sorted(tag["id"] for tag in file["tags"]))
            )
            for file in files
            if file["rating"] or file["tags"]
        },
        jobs={job["job_id"]: _live_job(job) for job in jobs},
    )


def _live_job(job: Mapping[str, Any]) -> JobFacts:
    return JobFacts(
        status=job["status"],
        actor=job["actor"],
        workflow_id=job["workflow_id"],
        parameters=job["parameters"],
        metadata=job["metadata"],
        error=job["error_message"],
        attempts=tuple((a["backend_id"], a["prompt_id"]) for a in job["attempts"]),
        outputs=tuple(
            OutputFacts(
                path=output["rel_path"],
                asset=output["asset_id"],
                node=output["node"],
                attempt=output["attempt"],
                size=output["size"],
                sha256=output["sha256"],
            )
            for output in job["outputs"]
        ),
    )


def logged_facts(tables: Tables) -> Facts:
    """The facts as the log tells them, once it is folded."""
    view = ProjectView(tables)
    ratings = {path: rating.stars for path, rating in view.ratings()}
    marked = {_path(view, asset): tuple(sorted(view.tags_of(asset))) for asset in view.tagged()}
    paths = {*ratings, *(path for path, tags in marked.items() if tags)}
    return Facts(
        tags={tag: (known.name, known.color) for tag, known in view.tags().items()},
        ratings=ratings,
        files={path: FileFacts(ratings.get(path, 0), marked.get(path, ())) for path in paths},
        jobs={job_id: _logged_job(job) for job_id, job in view.jobs()},
    )


def _path(view: ProjectView, asset: AssetId) -> str:
    known = view.asset(asset)
    assert known is not None  # tagged() gives assets that are at their place
    return known.path


def _logged_job(job: Job) -> JobFacts:
    assert job.queued is not None  # jobs() gives queued ones only
    order = job.queued.order
    return JobFacts(
        status=job.status.value,
        actor=job.queued.actor,
        workflow_id=order.workflow_id,
        parameters=dict(order.parameters),
        metadata=dict(order.metadata),
        error=job.end.reason if job.end else None,
        attempts=tuple((a.backend, a.prompt_id) for a in job.attempts),
        outputs=tuple(
            OutputFacts(o.path, o.asset, o.node, o.attempt, o.size, o.sha256) for o in job.outputs
        ),
    )


def differences(live: Facts, logged: Facts) -> list[str]:
    """Every place where the two differ, as a sentence each; empty if they are equal."""
    return list(_differences("", asdict(live), asdict(logged)))


def _differences(place: str, live: Any, logged: Any) -> Iterator[str]:
    if isinstance(live, dict) and isinstance(logged, dict):
        for key in sorted({*live, *logged}):
            inner = f"{place}.{key}" if place else str(key)
            yield from _differences(inner, live.get(key), logged.get(key))
    elif live != logged:
        yield f"{place}: live {live!r}, in the log {logged!r}"
