"""Which edits of one register, or of one file's place, can be undone, and which are in the way.

Pure. The edits are looked at from the newest down. Those to be undone must lie on top; an edit
that does not count any more lies on nothing, and neither does the undo that made it so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from attrs import define, field, frozen

from projections.history import Edit, History


@frozen
class Wanted:
    """What is to be undone."""

    ids: frozenset[str]
    #: Batches of these edits: of an undo among them, what it undid will count again.
    batches: frozenset[str]

    @classmethod
    def of(cls, edits: Iterable[Edit]) -> Wanted:
        """These edits."""
        listed = list(edits)
        return cls(frozenset(e.id for e in listed), frozenset(e.batch for e in listed))


@define
class Walked:
    """What came of a walk."""

    #: To be undone, newest first.
    done: list[Edit] = field(factory=list)
    #: To be undone, but for a later edit, which stands beside.
    conflicts: list[tuple[Edit, Edit]] = field(factory=list)
    #: Undone already, by the undo that stands beside.
    already: list[tuple[Edit, str]] = field(factory=list)
    #: What stands once they are undone; None if nothing was said before.
    base: Edit | None = None


def walk(history: History, edits: Sequence[Edit], wanted: Wanted, *, force: bool) -> Walked:
    """Look at the edits of a register, newest first.

    With `force`, later edits are in nobody's way.
    """
    found, blocker, lowest = Walked(), None, -1
    for at, edit in enumerate(edits):
        undo = _undone_by_others(history, edit, wanted)
        if edit.id not in wanted.ids:
            if blocker is None and undo is None and not history.marks(edit.batch):
                blocker = edit
        elif undo is not None:
            found.already.append((edit, undo))
        elif blocker is None or force:
            found.done.append(edit)
            lowest = at
        else:
            found.conflicts.append((edit, blocker))
    for edit in edits[lowest + 1 :]:
        if _undone_by_others(history, edit, wanted) is None:
            found.base = edit
            break
    return found


def _undone_by_others(history: History, edit: Edit, wanted: Wanted) -> str | None:
    """The undo because of which an edit does not count, and will not after this either."""
    undo = history.undone_by(edit.id)
    return None if undo in wanted.batches else undo


def fates(
    history: History, edits: Sequence[Edit], done: Sequence[Edit]
) -> tuple[list[str], list[str]]:
    """Ids of the edits of a register that will not count any more, and of those that will again.

    Undoing an undo brings back what it had undone, and the other way round.
    """
    of = [edit.id for edit in done]
    back: list[str] = []
    ids = {edit.id for edit in edits}
    for batch in {edit.batch for edit in done}:
        for mark in history.marks(batch):
            back += (edit_id for edit_id in mark.of if edit_id in ids)
            of += (edit_id for edit_id in mark.back if edit_id in ids)
    gone = dict.fromkeys(of)
    return list(gone), [edit_id for edit_id in dict.fromkeys(back) if edit_id not in gone]
