"""A project's state from nothing but its log, as the API would show it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import orjson
from attrs import frozen

from events import vocabulary
from events.log.disk_io import DiskIO
from events.log.format_file import load
from events.log.port import Finding
from events.log.reader import LogReader
from events.record import Record
from orchestrator.http.dialects import CORE
from orchestrator.http.job_views import JobView, job_view
from orchestrator.http.replies import dump
from projections.catalogue import empty_tables
from projections.project import ProjectView


@frozen
class Replayed:
    """What reading the whole log once gives."""

    view: ProjectView
    records: tuple[Record, ...]
    findings: tuple[Finding, ...]

    @classmethod
    def of(cls, project: Path) -> Self:
        """Read a project's log from its beginning."""
        assert vocabulary.FAMILIES  # all event types are registered by that import
        gallery = project / ".gallery"
        found = load(gallery)
        assert found is not None
        reader = LogReader(gallery / "log", found.project, disk=DiskIO())
        records = tuple(record for batch in reader.read() for record in batch)
        tables = empty_tables()
        tables.apply(records)
        return cls(ProjectView(tables), records, reader.findings())

    def jobs(self, project: Path) -> list[dict[str, Any]]:
        """All jobs as `GET /api/jobs` lists those that have ended, newest first."""
        ordered = sorted(self.view.jobs(), key=lambda item: _queued(item[1]), reverse=True)
        write = CORE.writer(JobView)
        views = [job_view(project, job_id, job, None, None) for job_id, job in ordered]
        return [orjson.loads(dump(write(view))) for view in views]

    def ratings(self) -> dict[str, int]:
        """Stars by path."""
        return {path: rating.stars for path, rating in self.view.ratings()}

    def tags(self, path: str) -> tuple[str, ...]:
        """Names of the tags on a file."""
        asset = self.view.asset_at(path)
        assert asset is not None
        found = (self.view.tag(tag) for tag in self.view.tags_of(asset))
        return tuple(tag.name for tag in found if tag is not None)

    def told(self, job_id: str) -> list[str]:
        """Names of the event classes about a job, in the order in which they were written."""
        return [
            type(record.event).__name__
            for record in self.records
            if getattr(record.event, "job", None) == job_id
            and type(record.event).__name__.startswith("Job")
        ]


def _queued(job: Any) -> str:
    assert job.queued is not None
    return str(job.queued.as_of)
