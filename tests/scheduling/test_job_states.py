"""docs/job-states.md draws the state machine; the table in the code decides which is right."""

from __future__ import annotations

import re
from pathlib import Path

from events.registry import BY_CLASS
from projections.jobs import FINAL, MOVES, Status

PAGE = Path(__file__).parents[2] / "docs" / "job-states.md"
Arrow = tuple[str, str, str]


def arrows_of_the_table() -> set[Arrow]:
    """Every move as (from, event, to)."""
    return {
        ("new" if start is None else start.value, BY_CLASS[kind].name, to.value)
        for kind, moves in MOVES.items()
        for start, to in moves.items()
    }


def test_the_drawing_shows_every_move_and_no_other() -> None:
    """An arrow of the diagram for each entry of the table."""
    found = re.findall(r"^ +(\S+) --> (\w+) : (\S+)$", PAGE.read_text(), re.MULTILINE)
    drawn = [("new" if start == "[*]" else start, event, to) for start, to, event in found]
    assert len(drawn) == len(set(drawn))
    assert set(drawn) == arrows_of_the_table()


def test_the_drawing_ends_where_jobs_end() -> None:
    """Final states lead out of the diagram, and nowhere else."""
    found = re.findall(r"^ +(\w+) --> \[\*\]$", PAGE.read_text(), re.MULTILINE)
    assert sorted(found) == sorted(status.value for status in FINAL)


def test_every_arrow_has_its_sentence() -> None:
    """One row each, which ends in a full stop."""
    row = r"^\| `?\(?(\w+)\)?`? \| `(job\.\w+)` \| `(\w+)` \| (.+) \|$"
    found = re.findall(row, PAGE.read_text(), re.MULTILINE)
    told = [(start, event, to) for start, event, to, _ in found]
    assert len(told) == len(set(told))
    assert set(told) == arrows_of_the_table()
    assert all(sentence.endswith(".") for *_, sentence in found)


def test_every_status_is_explained() -> None:
    """Once each."""
    found = re.findall(r"^\| `(\w+)` \| [^|]+ \|$", PAGE.read_text(), re.MULTILINE)
    assert sorted(found) == sorted(status.value for status in Status)
