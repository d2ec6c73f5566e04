"""Lines that people have given up: all readers pass over the same ones, for ever. Pure."""

from __future__ import annotations

from attrs import define, field

from events.record import Position, Record


@define
class Gaps:
    """What is given up, by `writer.host`: first line, and where reading goes on."""

    _of: dict[str, set[tuple[int, Position]]] = field(factory=dict)

    def add(self, who: str, first: int, behind: Position) -> bool:
        """Take note of a gap from line `first` up to `behind`; whether it was not known."""
        known = self._of.setdefault(who, set())
        if (first, behind) in known or not 0 < first <= behind.sequence:
            return False
        known.add((first, behind))
        return True

    @property
    def count(self) -> int:
        """How many there are."""
        return sum(len(known) for known in self._of.values())

    def has(self, who: str) -> bool:
        """Whether something of a log is given up."""
        return bool(self._of.get(who))

    def behind(self, who: str, at: Position) -> Position | None:
        """Where a reader goes on that cannot at `at`; None if nothing is given up there."""
        there = [
            behind
            for first, behind in self._of.get(who, ())
            if first <= at.sequence + 1 <= behind.sequence
        ]
        return max(there, key=lambda behind: behind.sequence, default=None)

    def without(self, who: str, records: list[Record]) -> list[Record]:
        """The records that are not given up, though they may be there after all."""
        gaps = self._of.get(who)
        if not gaps:
            return records
        return [
            record
            for record in records
            if not any(first <= record.sequence <= behind.sequence for first, behind in gaps)
        ]
