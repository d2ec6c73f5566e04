"""A project's story, told event by event, without a log: its history and its state."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from attrs import define, field

from events.assets import AssetId, AssetMoved, AssetSeen
from events.curation import AssetRated, AssetTagged, AssetUntagged, TagDefined, TagId
from events.edits import EditsUndone
from events.files import FilesPlanned, FilesSettled
from events.record import Record
from events.stamp import Stamp, stamp
from events.trash import FileRestored, FileTrashed, TrashId
from orchestrator.commands.undoing import ReverseEdits, TellUndone, reverse_edits, tell_undone
from orchestrator.gallery.past.undo_parts import UndoPlan
from orchestrator.gallery.past.undo_plan import plan_undo, refuse_taken_names
from projections.catalogue import empty_tables
from projections.fold import Tables
from projections.history import Edit, History
from projections.project import ProjectView

#: The first minute of a story.
NOON = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
_NOON_MS = int(NOON.timestamp() * 1000)
CAT, DOG = AssetId("a" * 32), AssetId("d" * 32)
HERO, TODO = TagId("hero"), TagId("todo")
HOSTS = {"host-a": "0000000000000001", "host-b": "0000000000000002"}


@define
class Tale:
    """What happened; each telling is a minute after the one before."""

    tables: Tables = field(factory=empty_tables)
    history: History = field(factory=History)
    records: list[Record] = field(factory=list)
    minute: int = 0
    _ops: int = 0

    @property
    def view(self) -> ProjectView:
        """The state now."""
        return ProjectView(self.tables)

    def tell(
        self,
        *events: object,
        actor: str = "mara",
        host: str = "host-a",
        batch: str | None = None,
        at: int | None = None,
    ) -> list[str]:
        """These happened in one transaction, now or at a minute; ids of the edits."""
        if at is None:
            self.minute += 1
        time = (_NOON_MS + (self.minute if at is None else at) * 60_000) << 16
        writer = HOSTS[host]
        told = [
            Record(stamp(time, writer, index), event, actor, host, writer, self.minute, batch)
            for index, event in enumerate(events)
        ]
        self.records += told
        self.tables.apply(told)
        self.history.add(told)
        return [record.stamp for record in told]

    def one(self, event: object, **who: Any) -> str:
        """This happened; the edit's id."""
        (edit,) = self.tell(event, **who)
        return edit

    def see(self, asset: AssetId, path: str) -> str:
        """A file becomes an asset."""
        return self.one(AssetSeen(asset=asset, path=path, size=10, mtime=1, head="h"))

    def move(self, *pairs: tuple[str, str], batch: str | None = None, **more: Any) -> str:
        """The service moves files: planned, told, settled, under one batch. The batch.

        `more` may have `folder` for one folder, `failed` for the numbers of steps that failed.
        """
        self._ops += 1
        op = f"op-{self._ops}"
        batch = batch or f"batch-{self._ops}"
        folder, failed = more.pop("folder", False), more.pop("failed", ())
        steps: list[dict[str, Any]] = []
        outcomes: list[object] = []
        for number, (source, path) in enumerate(pairs):
            asset = self.view.asset_at(source)
            step = {"from": source, "to": path, "size": 10, "mtime": 1}
            if folder:
                step["role"] = "folder"
                outcomes += self._inside(op, source, path)
            if asset is not None:
                step["asset"] = asset
                if number not in failed:
                    outcomes.append(AssetMoved(asset=asset, source=source, path=path, op=op))
            steps.append(step)
        self.tell(FilesPlanned(op=op, action="move", steps=tuple(steps)), batch=batch, **more)
        ends = tuple({"step": number, "error": "EACCES"} for number in failed)
        self.tell(*outcomes, FilesSettled(op=op, failed=ends), batch=batch, **more)
        return batch

    def _inside(self, op: str, source: str, path: str) -> list[object]:
        return [
            AssetMoved(asset=asset, source=known.path, path=path + known.path[len(source) :], op=op)
            for asset, known in self.view.present()
            if known.path.startswith(f"{source}/")
        ]

    def trash(self, trash: str, path: str, **who: Any) -> str:
        """A file goes to the trash."""
        event = FileTrashed(
            trash=TrashId(trash),
            path=path,
            name=path.rpartition("/")[2],
            size=10,
            mtime=1,
            asset=self.view.asset_at(path),
            op=f"op-{trash}",
        )
        return self.one(event, **who)

    def restore(self, trash: str, path: str, **who: Any) -> str:
        """A file comes back from the trash."""
        lay = self.view.trashed(trash)
        asset = None if lay is None or lay.asset is None else AssetId(lay.asset)
        back = FileRestored(trash=TrashId(trash), path=path, asset=asset, op=f"op-{trash}-back")
        return self.one(back, **who)

    def edits(self, *ids: str) -> list[Edit]:
        """Edits by their ids."""
        found = [self.history.get(edit_id) for edit_id in ids]
        assert all(edit is not None for edit in found)
        return [edit for edit in found if edit is not None]

    def plan(self, *ids: str, batch: str | None = None, force: bool = False) -> UndoPlan:
        """What undoing these, or a batch, would take."""
        chosen = self.edits(*ids) if batch is None else self.history.batch(batch)
        plan = plan_undo(self.history, self.view, chosen, force=force)
        refuse_taken_names(plan, self.view)
        return plan

    def undo(self, *ids: str, batch: str | None = None, force: bool = False) -> str:
        """Undo what was said; the batch of the undo. Files are moved in one go, without trouble."""
        plan = self.plan(*ids, batch=batch, force=force)
        self._ops += 1
        undo = f"undo-{self._ops}"
        command = ReverseEdits(undo=undo, reversals=tuple(plan.reversals))
        said = reverse_edits(self.view, command)
        if said:
            self.tell(*said, batch=undo)
        tasks = [task for stage in plan.stages for task in stage]
        moves = [t for t in tasks if t.now.trash is None and t.then.trash is None]
        if moves:
            self.move(*((t.now.path, t.then.path) for t in moves), batch=undo)
        of = tuple(edit for task in tasks for edit in task.of)
        back = tuple(edit for task in tasks for edit in task.back)
        marks = tell_undone(self.view, TellUndone(undo=undo, of=of, back=back))
        if marks:
            self.tell(*marks, batch=undo)
        return undo

    def stars(self, asset: AssetId = CAT) -> int:
        """Stars of an asset."""
        rating = self.view.rating(asset)
        return 0 if rating is None else rating.stars

    def undone(self, *ids: str) -> list[bool]:
        """Whether edits count no more."""
        return [self.history.undone_by(edit_id) is not None for edit_id in ids]


def rated(stars: int, asset: AssetId = CAT) -> AssetRated:
    """A cat gets stars."""
    return AssetRated(asset=asset, stars=stars)


def tagged(tag: TagId = HERO, asset: AssetId = CAT) -> AssetTagged:
    """A cat gets a tag."""
    return AssetTagged(asset=asset, tag=tag)


def untagged(tag: TagId = HERO, asset: AssetId = CAT) -> AssetUntagged:
    """A cat loses a tag."""
    return AssetUntagged(asset=asset, tag=tag)


def defined(tag: TagId, name: str, color: str = "#ff0000") -> TagDefined:
    """There is a tag."""
    return TagDefined(tag=tag, name=name, color=color)


def marked(undo: str, *of: str, back: tuple[str, ...] = ()) -> EditsUndone:
    """Edits are said to be undone."""
    return EditsUndone(undo=undo, of=of, back=back)


def stamp_at(minute: int) -> Stamp:
    """A stamp of a minute of the story."""
    return stamp((_NOON_MS + minute * 60_000) << 16, HOSTS["host-a"])
