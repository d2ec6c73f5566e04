"""Putting back what edits had changed, and telling that they were undone. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import orjson
from attrs import frozen

from events.edits import EditsUndone
from events.registry import BY_CLASS
from events.stamp import Stamp
from projections.history import Edit
from projections.project import ProjectView, seen_stamp

#: Events and bytes of one line of the log; it may have 1,000 and 1 MiB, with the marker.
MOST_EVENTS = 900
MOST_BYTES = 800_000


@frozen(kw_only=True)
class Reversal:
    """One value that is put back."""

    #: What is said.
    event: object
    #: The lock that other commands about the same thing take.
    lock: str
    #: When the value was said that it replaces; if it is another by then, somebody was faster.
    expected: Stamp | None
    #: The edits that this undoes, newest first.
    edits: tuple[Edit, ...]
    #: Ids of edits that do not count any more, and of those that count again.
    of: tuple[str, ...]
    back: tuple[str, ...]


@frozen(kw_only=True)
class ReverseEdits:
    """Put values back, all in one transaction."""

    undo: str
    reversals: tuple[Reversal, ...]

    def keys(self) -> tuple[str, ...]:
        """What it changes."""
        return tuple(dict.fromkeys(reversal.lock for reversal in self.reversals))


@frozen(kw_only=True)
class TellUndone:
    """Tell which edits were undone by what was done to files."""

    undo: str
    of: tuple[str, ...]
    back: tuple[str, ...]

    def keys(self) -> tuple[str, ...]:
        """What it changes."""
        return (f"undo:{self.undo}",)


def reverse_edits(view: ProjectView, command: ReverseEdits) -> list[object]:
    """Leaves out what was changed since it was looked at; the marker says what was undone."""
    ready = [r for r in command.reversals if seen_stamp(view, r.event) == r.expected]
    if not ready:
        return []
    of = tuple(dict.fromkeys(edit for reversal in ready for edit in reversal.of))
    back = tuple(dict.fromkeys(edit for reversal in ready for edit in reversal.back))
    marker = EditsUndone(undo=command.undo, of=of, back=back)
    return [*(reversal.event for reversal in ready), marker]


def tell_undone(view: ProjectView, command: TellUndone) -> list[object]:
    """Nothing to refuse."""
    if not command.of and not command.back:
        return []
    return [EditsUndone(undo=command.undo, of=command.of, back=command.back)]


def lines(undo: str, reversals: Sequence[Reversal]) -> Iterator[ReverseEdits]:
    """Reversals as commands, each of which fits into one line of the log."""
    part: list[Reversal] = []
    size = 0
    for reversal in reversals:
        weight = _weight(reversal)
        if part and (len(part) >= MOST_EVENTS or size + weight > MOST_BYTES):
            yield ReverseEdits(undo=undo, reversals=tuple(part))
            part, size = [], 0
        part.append(reversal)
        size += weight
    if part:
        yield ReverseEdits(undo=undo, reversals=tuple(part))


def _weight(reversal: Reversal) -> int:
    """Bytes of a reversal in the log, rather too many."""
    event = reversal.event
    named = sum(len(edit) + 3 for edit in (*reversal.of, *reversal.back))
    return 60 + named + len(orjson.dumps(BY_CLASS[type(event)].encode(event)))
