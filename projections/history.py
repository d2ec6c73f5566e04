"""Every edit of a project in the order of stamps, found by id, by batch, by time and by subject.

Unlike the other projections it keeps all that was ever said, so it is made only while somebody
asks for it. It too is a function of the *set* of records: late ones find their place by stamp.

Edits of one subject (an asset, a tag, a view) form a chain from the newest to the oldest. What an
edit replaced is found by walking down from it; nothing else is kept per register, which is what
keeps a million edits small.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from operator import attrgetter

from attrs import define, field, frozen

from events.edits import EditsUndone
from events.files import FilesPlanned, FilesSettled
from events.record import Record
from events.stamp import Stamp
from events.trash import FilePurged, FileRestored, FileTrashed
from projections.edits import FileMoved, Texts, keep, moves_of, subject_of

#: So many late records find their places one by one; of more, all are sorted.
_FEW = 64


@frozen(weakref_slot=False)
class Who:
    """Who made an edit, and on which host."""

    actor: str
    host: str


@define(eq=False, weakref_slot=False)  # not frozen: a late record comes between two others
class Edit:
    """One thing that was done."""

    #: Its stamp, or for a step of a plan `<stamp of its end>-<step>`; sorts like the stamp.
    id: str
    #: The event, without what no history tells (fingerprints), or a `FileMoved`.
    event: object
    who: Who
    #: What ties it to others; None if it stands alone.
    correlation: str | None
    #: The edit of the same subject just before it.
    older: Edit | None = None

    @property
    def stamp(self) -> Stamp:
        """When it happened."""
        return Stamp(self.id.partition("-")[0])

    @property
    def batch(self) -> str:
        """What it was done together with: all of one command, or at least of one transaction."""
        return self.correlation or self.id.partition("-")[0][:-3]


_id = attrgetter("id")


@frozen
class _Fate:
    """The newest that was said of whether an edit counts."""

    marker: str
    #: The undo that undid it; None if it was brought back.
    undo: str | None


@define(eq=False)
class History:
    """All edits. Fed on one thread; others may read what they were given, chains included."""

    #: By id.
    _edits: list[Edit] = field(factory=list)
    _newest: dict[str, Edit] = field(factory=dict)
    _batches: dict[str, list[Edit]] = field(factory=dict)
    _fates: dict[str, _Fate] = field(factory=dict)
    #: What is said of edits, by the undo that says it.
    _marks: dict[str, list[Edit]] = field(factory=dict)
    #: Moves of files that are no assets, by each of the two places that they touch.
    _arrows: dict[str, list[Edit]] = field(factory=dict)
    #: Plans that are not settled; ends of which the plan is not known; operations with both.
    _planned: dict[str, FilesPlanned] = field(factory=dict)
    _settled: dict[str, Record] = field(factory=dict)
    _over: set[str] = field(factory=set)
    _texts: Texts = field(factory=Texts)
    _who: dict[tuple[str, str], Who] = field(factory=dict)

    def __len__(self) -> int:
        """How many edits there are."""
        return len(self._edits)

    # --- feeding ---

    def add(self, records: Iterable[Record]) -> None:
        """Take records in, in any order, as often as they come."""
        fresh: list[Edit] = []
        for record in records:
            event = record.event
            match event:
                case FilesPlanned(op=op) | FilesSettled(op=op) if op in self._over:
                    continue
                case FilesPlanned(op=op):
                    self._planned.setdefault(op, event)
                    fresh += self._steps(op)
                case FilesSettled(op=op):
                    self._settled.setdefault(op, record)
                    fresh += self._steps(op)
                case _:
                    edit = self._take(record)
                    if edit is not None:
                        fresh.append(edit)
        self._merge(fresh)

    def _take(self, record: Record) -> Edit | None:
        """The edit that a record tells of, unless it is none or known already."""
        subject = subject_of(record.event)
        newest = None if subject is None else self._newest.get(subject)
        kept = keep(record.event, None if newest is None else newest.event, self._texts)
        return None if kept is None else self._place(record.stamp, kept, record, subject)

    def _steps(self, op: str) -> Iterator[Edit]:
        """Moves of files that nobody had ever said anything of: only the plan tells of them."""
        if op not in self._planned or op not in self._settled:
            return
        planned, record = self._planned.pop(op), self._settled.pop(op)
        self._over.add(op)
        assert isinstance(record.event, FilesSettled)  # nothing else is put there
        # They stand where the operation ended: after what it put into the trash to make room.
        for number, moved in moves_of(planned, record.event):
            edit = self._place(f"{record.stamp}-{number:05d}", moved, record, None)
            if edit is not None:
                yield edit

    def _place(
        self, edit_id: str, event: object, record: Record, subject: str | None
    ) -> Edit | None:
        """A new edit, tied to its subject and its batch; None if it is known already."""
        who = self._who.get((record.actor, record.host))
        if who is None:
            who = Who(record.actor, record.host)
            self._who[record.actor, record.host] = who
        edit = Edit(edit_id, event, who, None)
        new = self._link(edit) if subject is None else self._chain(subject, edit)
        if not new:
            return None
        if record.correlation is not None:
            self._group(edit, record.correlation)
        return edit

    def _link(self, edit: Edit) -> bool:
        event = edit.event
        if isinstance(event, EditsUndone):
            return self._mark(edit, event)
        for place in places_of(event):
            if place and not _insert(self._arrows.setdefault(place, []), edit):
                return False
        return True

    def _chain(self, subject: str, edit: Edit) -> bool:
        newest = self._newest.get(subject)
        if newest is None or newest.id < edit.id:
            edit.older = newest
            self._newest[subject] = edit
            return True
        if newest.id == edit.id:
            return False
        while newest.older is not None and newest.older.id > edit.id:
            newest = newest.older
        if newest.older is not None and newest.older.id == edit.id:
            return False
        edit.older, newest.older = newest.older, edit
        return True

    def _mark(self, edit: Edit, event: EditsUndone) -> bool:
        fate = _Fate(edit.id, self._texts.same(event.undo))
        for edit_id in event.of:
            self._judge(edit_id, fate)
        for edit_id in event.back:
            self._judge(edit_id, _Fate(edit.id, None))
        return _insert(self._marks.setdefault(event.undo, []), edit)

    def _judge(self, edit_id: str, fate: _Fate) -> None:
        known = self._fates.get(edit_id)
        if known is None or known.marker < fate.marker:
            self._fates[edit_id] = fate

    def _group(self, edit: Edit, correlation: str) -> None:
        batch = self._batches.get(correlation)
        if batch is None:
            edit.correlation = correlation
            self._batches[correlation] = [edit]
        else:
            edit.correlation = batch[0].correlation  # one text for all
            _insert(batch, edit)

    def _merge(self, fresh: list[Edit]) -> None:
        edits = self._edits
        fresh.sort(key=_id)
        if not edits or not fresh or edits[-1].id < fresh[0].id:
            edits += fresh
        elif len(fresh) <= _FEW:
            for edit in fresh:
                _insert(edits, edit)
        else:
            self._edits = sorted(edits + fresh, key=_id)  # anew: others may be reading the old

    # --- asking ---

    def get(self, edit_id: str) -> Edit | None:
        """The edit of an id."""
        at = bisect_left(self._edits, edit_id, key=_id)
        found = self._edits[at] if at < len(self._edits) else None
        return found if found is not None and found.id == edit_id else None

    def batch(self, name: str) -> tuple[Edit, ...]:
        """All edits of a batch, oldest first."""
        grouped = self._batches.get(name)
        if grouped is not None:
            return tuple(grouped)
        # A transaction without correlation: its stamps differ in the index only.
        alike = self.between(name, f"{name}~")
        return tuple(edit for edit in alike if edit.batch == name)

    def between(self, first: str | None, end: str | None) -> list[Edit]:
        """Edits from the id or stamp `first` on, before `end`, oldest first; None is no bound."""
        edits = self._edits
        begin = 0 if first is None else bisect_left(edits, first, key=_id)
        stop = len(edits) if end is None else bisect_left(edits, end, key=_id)
        return edits[begin:stop]

    def about(self, subject: str) -> Iterator[Edit]:
        """Edits of an asset, of a tag (`tag:<id>`) or of a view (`view:<name>`), newest first."""
        edit = self._newest.get(subject)
        while edit is not None:
            yield edit
            edit = edit.older

    def arrows(self, place: str) -> Sequence[Edit]:
        """Moves from and to a place of files that are no assets, oldest first."""
        return self._arrows.get(place, ())

    def undone_by(self, edit_id: str) -> str | None:
        """The undo because of which an edit does not count; None if it counts."""
        fate = self._fates.get(edit_id)
        return None if fate is None else fate.undo

    def marks(self, batch: str) -> tuple[EditsUndone, ...]:
        """What a batch says it undid; nothing if it is no undo."""
        marks = self._marks.get(batch, ())
        return tuple(edit.event for edit in marks if isinstance(edit.event, EditsUndone))


def places_of(event: object) -> tuple[str, str]:
    """From where to where an event moved a file that is no asset; "" is nowhere.

    A place is a path, or `//<id>` for a place in the trash, which no path looks like.
    """
    match event:
        case FileMoved(source=source, path=path):
            return source, path
        case FileTrashed(asset=None, path=path, trash=trash):
            return path, f"//{trash}"
        case FileRestored(asset=None, path=path, trash=trash):
            return f"//{trash}", path
        case FilePurged(asset=None, trash=trash):
            return f"//{trash}", ""
        case _:
            return "", ""


def _insert(edits: list[Edit], edit: Edit) -> bool:
    """Put an edit in its place; False if it is there already."""
    if not edits or edits[-1].id < edit.id:
        edits.append(edit)
        return True
    at = bisect_right(edits, edit.id, key=_id)
    if at and edits[at - 1].id == edit.id:
        return False
    edits.insert(at, edit)
    return True
