"""Events in the words of people: what was changed, from what, to what. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attrs import frozen

from events import assets, curation, edits, files, imports, jobs, trash, views
from events.record import Record
from events.registry import Unknown, name_of
from orchestrator.gallery.past.farm_words import FARM_WORDS
from orchestrator.wording import number, size
from projections.edits import FileMoved
from projections.files import Operation
from projections.jobs import BESIDE, JOBS, MOVES, Job
from projections.project import ProjectView


@frozen
class Change:
    """One event, told with what stood there before it."""

    what: str
    #: The file that it is about, relative to the project, and its asset; or the job.
    path: str | None = None
    asset: str | None = None
    job: str | None = None
    old: Any = None
    new: Any = None


def describe(view: ProjectView, record: Record) -> Change:
    """Tell an event. `view` is the state just before it."""
    event = record.event
    if type(event) in MOVES or type(event) in BESIDE:
        return _job(view, record)
    return _TELLERS.get(type(event), _other)(view, event)


def _other(view: ProjectView, event: object) -> Change:
    if isinstance(event, Unknown):
        return Change(f"unknown event {event.type} (version {event.version}), not applied")
    teller = FARM_WORDS.get(type(event))
    if teller is not None:
        return Change(teller(event))
    return Change(name_of(event))


def _asset_seen(view: ProjectView, event: assets.AssetSeen) -> Change:
    known = view.asset(event.asset)
    told = f"first noted, {size(event.size)}" if known is None else "noted again"
    return Change(told, event.path, event.asset, new=event.size)


def _asset_changed(view: ProjectView, event: assets.AssetChanged) -> Change:
    known = view.asset(event.asset)
    old = None if known is None else known.size
    told = "?" if old is None else size(old)
    what = f"edited in place, {told} -> {size(event.size)}"
    return Change(what, event.path, event.asset, old=old, new=event.size)


def _rated(view: ProjectView, event: curation.AssetRated) -> Change:
    rating = view.rating(event.asset)
    old = 0 if rating is None else rating.stars
    what = f"rated {_stars(old)} -> {_stars(event.stars)}"
    return Change(what, _path(view, event.asset), event.asset, old=old, new=event.stars)


def _stars(count: int) -> str:
    return str(count) if count else "none"


def _path(view: ProjectView, asset: assets.AssetId) -> str | None:
    known = view.asset(asset)
    return None if known is None else known.path


def _tagged(view: ProjectView, event: curation.AssetTagged | curation.AssetUntagged) -> Change:
    added = isinstance(event, curation.AssetTagged)
    marks = view.marks(event.asset)
    before = marks is not None and event.tag in marks.present()
    tag = view.tag(event.tag)
    name = event.tag if tag is None else tag.name
    what = f"tag {name} {'added' if added else 'removed'}"
    path = _path(view, event.asset)
    return Change(what, path, event.asset, old=[name] if before else [], new=[name] * added)


def _tag_defined(view: ProjectView, event: curation.TagDefined) -> Change:
    old, new = view.tag(event.tag), {"name": event.name, "color": event.color}
    if old is None:
        return Change(f"tag {event.name} made, {event.color}", new=new)
    before = {"name": old.name, "color": old.color}
    changes = [f"{before[key]} -> {new[key]}" for key in new if before[key] != new[key]]
    told = ", ".join(changes) or "said again"
    return Change(f"tag {old.name}: {told}", old=before, new=new)


def _tag_deleted(view: ProjectView, event: curation.TagDeleted) -> Change:
    old = view.tag(event.tag)
    if old is None:
        return Change(f"tag {event.tag} deleted")
    return Change(f"tag {old.name} deleted", old={"name": old.name, "color": old.color})


def _view_saved(view: ProjectView, event: views.ViewSaved) -> Change:
    old = view.view(event.name)
    what = f"view {event.name} {'saved' if old is None else 'saved anew'}"
    return Change(what, old=None if old is None else old.settings, new=event.settings)


def _view_deleted(view: ProjectView, event: views.ViewDeleted) -> Change:
    old = view.view(event.name)
    return Change(f"view {event.name} deleted", old=None if old is None else old.settings)


def _noted(view: ProjectView, event: curation.AssetNoted) -> Change:
    old = view.note(event.asset)
    written = "note rewritten" if old else "note written"
    what = written if event.note else "note removed"
    path = _path(view, event.asset)
    return Change(what, path, event.asset, old=old or None, new=event.note or None)


def _moved(view: ProjectView, event: assets.AssetMoved | FileMoved) -> Change:
    asset = event.asset if isinstance(event, assets.AssetMoved) else None
    folder = isinstance(event, FileMoved) and event.folder
    what = ("folder " if folder else "") + _to(event.source, event.path)
    return Change(what, event.source, asset, old=event.source, new=event.path)


def _to(source: str, path: str) -> str:
    """A move in words: only what differs is said."""
    old_folder, _, _ = source.rpartition("/")
    folder, _, name = path.rpartition("/")
    return f"renamed to {name}" if folder == old_folder else f"moved to {path}"


def _relinked(view: ProjectView, event: assets.AssetRelinked) -> Change:
    what = f"found again as {event.path} ({event.reason})"
    return Change(what, event.source, event.asset, old=event.source, new=event.path)


def _trashed(view: ProjectView, event: trash.FileTrashed) -> Change:
    beside = f" with {', '.join(event.sidecars)}" if event.sidecars else ""
    return Change(f"put into the trash{beside}", event.path, event.asset, old=event.path)


def _restored(view: ProjectView, event: trash.FileRestored) -> Change:
    lay = view.trashed(event.trash)
    renamed = lay is not None and lay.path != event.path
    what = f"restored from the trash{f', as {event.path}' if renamed else ''}"
    path = event.path if lay is None else lay.path
    return Change(what, path, event.asset, new=event.path)


def _purged(view: ProjectView, event: trash.FilePurged) -> Change:
    what = f"deleted for good, {size(event.size)}"
    return Change(what, event.path, event.asset, old=event.path)


def _undone(view: ProjectView, event: edits.EditsUndone) -> Change:
    told = [f"undid {number(len(event.of), 'edit')}"] if event.of else []
    told += [f"brought back {number(len(event.back), 'edit')}"] if event.back else []
    return Change(", ".join(told) or "undid nothing")


def _files_planned(view: ProjectView, event: files.FilesPlanned) -> Change:
    return Change(f"about to {event.action} {number(len(event.steps), 'file')}")


def _plan_settled(view: ProjectView, event: files.FilesSettled) -> Change:
    plan = view.plan(event.op)
    planned = None if plan is None else plan.planned
    done = "file operation" if planned is None else planned.action
    failed = f", but for {number(len(event.failed), 'file')}" if event.failed else ""
    return Change(f"{done} is over{failed}")


def _imported(view: ProjectView, event: imports.ProjectImported) -> Change:
    counts = ", ".join(f"{count} {name}" for name, count in event.counts.items())
    return Change(f"took over {event.source}: {counts or 'nothing'}")


def _awaited(view: ProjectView, event: imports.FileAwaited) -> Change:
    return Change("not there; what was said of it is kept until it turns up", event.path)


def _arrived(view: ProjectView, event: imports.FileArrived) -> Change:
    return Change("turned up, and got what had been said of it", event.path, event.asset)


def _files_intended(view: ProjectView, event: files.FilesIntended) -> Change:
    what = f"about to be put in place ({event.action} of {event.original}, {size(event.size)})"
    return Change(what, event.to, job=event.job, new=event.to)


def _files_settled(view: ProjectView, event: files.FilesDone | files.FilesFailed) -> Change:
    operation: Operation | None = view.operation(event.op)
    intent = None if operation is None else operation.intent
    path, job = (None, None) if intent is None else (intent.to, intent.job)
    if isinstance(event, files.FilesFailed):
        return Change(f"not put in place: {event.error}", path, job=job)
    return Change("put in place", path, job=job, new=path)


def _job(view: ProjectView, record: Record) -> Change:
    event: Any = record.event
    known = view.tables.table("jobs").get(event.job)
    after = JOBS.apply(known, record, event.job)
    assert after is not None  # a job's event always makes a state
    path = event.path if isinstance(event, jobs.JobOutputStored) else None
    asset = event.asset if isinstance(event, jobs.JobOutputStored) else None
    old = None if known is None else known.status.value
    return Change(_job_words(event, after), path, asset, event.job, old, after.status.value)


def _job_words(event: Any, after: Job) -> str:
    return _JOB_WORDS[type(event)](event, after)


def _started_words(event: jobs.JobStarted, after: Job) -> str:
    tried = next(a for a in after.attempts if a.number == event.attempt)
    return f"running on {tried.backend or '?'}, attempt {event.attempt}"


def _output_words(event: jobs.JobOutputStored, after: Job) -> str:
    late = " late, beside the outputs" if event.extra else ""
    return f"output of node {event.node} stored{late}, {size(event.size)}"


_JOB_WORDS: Mapping[type, Callable[[Any, Job], str]] = {
    jobs.JobQueued: lambda e, _: f"queued ({e.workflow_id or 'inline workflow'})",
    jobs.JobSubmitted: lambda e, _: f"sent to {e.backend}, attempt {e.attempt}",
    jobs.JobStarted: _started_words,
    jobs.JobRendered: lambda e, _: f"rendered {number(e.outputs, 'file')}",
    jobs.JobOutputStored: _output_words,
    jobs.JobRequeued: lambda e, _: f"back in the queue: {e.reason}",
    jobs.JobOrdered: lambda e, _: f"moved in the queue, priority {e.priority}",
    jobs.JobHeld: lambda _e, _: "held back",
    jobs.JobReleased: lambda _e, _: "released",
    jobs.JobCancelRequested: lambda _e, _: "to be cancelled",
    jobs.JobCancelled: lambda _e, _: "cancelled",
    jobs.JobSucceeded: lambda _e, _: "succeeded",
    jobs.JobFailed: lambda e, _: f"failed: {e.reason}",
}

_TELLERS: Mapping[type, Callable[[ProjectView, Any], Change]] = {
    assets.AssetSeen: _asset_seen,
    assets.AssetChanged: _asset_changed,
    assets.AssetMoved: _moved,
    assets.AssetRelinked: _relinked,
    curation.AssetRated: _rated,
    curation.AssetTagged: _tagged,
    curation.AssetUntagged: _tagged,
    curation.AssetNoted: _noted,
    curation.TagDefined: _tag_defined,
    curation.TagDeleted: _tag_deleted,
    views.ViewSaved: _view_saved,
    views.ViewDeleted: _view_deleted,
    trash.FileTrashed: _trashed,
    trash.FileRestored: _restored,
    trash.FilePurged: _purged,
    edits.EditsUndone: _undone,
    imports.ProjectImported: _imported,
    imports.FileAwaited: _awaited,
    imports.FileArrived: _arrived,
    FileMoved: _moved,
    files.FilesPlanned: _files_planned,
    files.FilesSettled: _plan_settled,
    files.FilesIntended: _files_intended,
    files.FilesDone: _files_settled,
    files.FilesFailed: _files_settled,
}
