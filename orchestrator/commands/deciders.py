"""Which function decides which command: grep a command's name and you have found its code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from orchestrator.commands import curation, files, importing, jobs, relinking, undoing
from projections.project import ProjectView


class Command(Protocol):
    """What somebody asks for, with the names of what it changes."""

    def keys(self) -> tuple[str, ...]:
        """Commands that share a key take turns."""
        ...


Decider = Callable[[ProjectView, Any], list[object]]

DECIDERS: Mapping[type, Decider] = {
    curation.CurateAsset: curation.curate_asset,
    curation.DefineTag: curation.define_tag,
    curation.DeleteTag: curation.delete_tag,
    curation.SaveView: curation.save_view,
    curation.DeleteView: curation.delete_view,
    undoing.ReverseEdits: undoing.reverse_edits,
    undoing.TellUndone: undoing.tell_undone,
    relinking.RelinkAsset: relinking.relink_asset,
    relinking.MeetNewRender: relinking.meet_new_render,
    files.PlanFiles: files.plan_files,
    files.TellFiles: files.tell_files,
    importing.ImportTags: importing.import_tags,
    importing.ImportView: importing.import_view,
    importing.ImportFiles: importing.import_files,
    importing.ImportTrash: importing.import_trash,
    importing.CloseImport: importing.close_import,
    importing.WelcomeFile: importing.welcome_file,
    jobs.QueueJob: jobs.queue_job,
    jobs.RequestCancel: jobs.request_cancel,
    jobs.AdvanceJob: jobs.advance_job,
    jobs.IntendFile: jobs.intend_file,
    jobs.FileStored: jobs.file_stored,
    jobs.FileFailed: jobs.file_failed,
}
