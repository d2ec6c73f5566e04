"""Which function decides which command: grep a command's name and you have found its code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from orchestrator.commands import curation, jobs
from projections.project import ProjectView


class Command(Protocol):
    """What somebody asks for, with the names of what it changes."""

    def keys(self) -> tuple[str, ...]:
        """Commands that share a key take turns."""
        ...


Decider = Callable[[ProjectView, Any], list[object]]

DECIDERS: Mapping[type, Decider] = {
    curation.RateAsset: curation.rate_asset,
    curation.TagAsset: curation.tag_asset,
    curation.DefineTag: curation.define_tag,
    curation.DeleteTag: curation.delete_tag,
    curation.SaveView: curation.save_view,
    jobs.QueueJob: jobs.queue_job,
    jobs.RequestCancel: jobs.request_cancel,
    jobs.AdvanceJob: jobs.advance_job,
    jobs.IntendFile: jobs.intend_file,
    jobs.FileStored: jobs.file_stored,
    jobs.FileFailed: jobs.file_failed,
}
