"""Which function decides which command: grep a command's name and you have found its code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from orchestrator.commands import (
    adopting,
    curation,
    farm,
    files,
    groups,
    importing,
    jobs,
    mappings,
    relinking,
    states,
    undoing,
    webhooks,
    witness,
)
from projections.project import ProjectView


class Command(Protocol):
    """What somebody asks for, with the names of what it changes."""

    def keys(self) -> tuple[str, ...]:
        """Commands that share a key take turns."""
        ...


Decider = Callable[[ProjectView, Any], list[object]]

DECIDERS: Mapping[type, Decider] = {
    adopting.AdoptHost: adopting.adopt_host,
    curation.CurateAsset: curation.curate_asset,
    curation.DefineTag: curation.define_tag,
    curation.DeleteTag: curation.delete_tag,
    curation.SaveView: curation.save_view,
    curation.DeleteView: curation.delete_view,
    mappings.SetMapping: mappings.set_mapping,
    mappings.RemoveMapping: mappings.remove_mapping,
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
    states.TellStates: states.tell_states,
    farm.AddBackend: farm.add_backend,
    farm.EditBackend: farm.edit_backend,
    farm.RemoveBackend: farm.remove_backend,
    farm.PauseBackend: farm.pause_backend,
    farm.ResumeBackend: farm.resume_backend,
    groups.CreateGroup: groups.create_group,
    groups.CancelGroup: groups.cancel_group,
    jobs.QueueJob: jobs.queue_job,
    jobs.RequestCancel: jobs.request_cancel,
    jobs.OrderJob: jobs.order_job,
    jobs.HoldJob: jobs.hold_job,
    jobs.AdvanceJob: jobs.advance_job,
    jobs.IntendFile: jobs.intend_file,
    jobs.FileStored: jobs.file_stored,
    jobs.FileFailed: jobs.file_failed,
    webhooks.SettleWebhook: webhooks.settle_webhook,
    witness.MarkHeads: witness.mark_heads,
    witness.GiveUpLines: witness.give_up_lines,
}
