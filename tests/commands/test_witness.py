"""Marks: what a host tells of the logs that it has read."""

from __future__ import annotations

from events.witness import LogMarked
from orchestrator.commands.witness import MOST_HEADS, MarkHeads
from projections.witness import Head
from tests.scenario import Scenario

A, B = f"{'0' * 15}1.host-a", f"{'0' * 15}2.host-b"


def mark() -> MarkHeads:
    """A mark of two heads."""
    return MarkHeads(host="host-a", heads={A: Head(5, "ka"), B: Head(7, "kb")})


class TestMarkHeads:
    def test_the_first_mark_tells_all(self) -> None:
        """Of every log that was read."""
        scenario = Scenario()
        scenario.when(mark())
        scenario.then(LogMarked(host="host-a", heads={A: [5, "ka"], B: [7, "kb"]}))

    def test_only_what_moved_is_told(self) -> None:
        """Logs of the dead are many, and never move."""
        scenario = Scenario()
        scenario.given(LogMarked(host="host-a", heads={A: [5, "ka"], B: [6, "k"]}))
        scenario.when(mark())
        scenario.then(LogMarked(host="host-a", heads={B: [7, "kb"]}))

    def test_nothing_new_is_not_told(self) -> None:
        """No line in the log for nothing."""
        scenario = Scenario()
        scenario.given(LogMarked(host="host-a", heads={A: [5, "ka"], B: [9, "k9"]}))
        scenario.when(mark())
        scenario.then()

    def test_what_is_no_head_does_not_count(self) -> None:
        """Whatever stands in a mark, folding goes on."""
        scenario = Scenario()
        heads = {A: [True, "k"], B: ["7", "k"], "x": 5, "y": [1, 2, 3], "z": [-1, "k"]}
        scenario.given(LogMarked(host="host-a", heads=heads))
        scenario.when(mark())
        scenario.then(LogMarked(host="host-a", heads={A: [5, "ka"], B: [7, "kb"]}))

    def test_one_line_holds_so_many(self) -> None:
        """The rest is told by the next mark."""
        heads = {f"{number:016d}.host-b": Head(1, "k") for number in range(MOST_HEADS + 5)}
        scenario = Scenario()
        scenario.when(MarkHeads(host="host-a", heads=heads))
        told = {log: [1, "k"] for log in sorted(heads)[:MOST_HEADS]}
        scenario.then(LogMarked(host="host-a", heads=told))
