"""FORMAT.md says what is so: its promises have tests, its table is the registry."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from events.codec import FORMAT_VERSION, MAX_EVENTS, MAX_LINE
from events.log.port import HARMLESS, Tail
from events.log.segments import ROLL_BYTES, ROLL_SECONDS
from events.log.writer import (
    FAILURE_WINDOW,
    MAX_FAILURES,
    MAX_WAITING_BYTES,
    MAX_WAITING_EVENTS,
)
from events.stamp import MAX_AHEAD_MS
from tests.events.format_table import FORMAT_MD, present, table

TESTS = Path(__file__).parents[1]
TEXT = FORMAT_MD.read_text("utf-8")


def promised() -> list[str]:
    """Ids of all promises, in the order of the page."""
    return re.findall(r"^- \*\*([A-Z]\d+)\*\* ", TEXT, re.MULTILINE)


def docstrings() -> Iterator[str]:
    """Docstrings of all tests, and of classes of tests."""
    for path in [*TESTS.rglob("test_*.py"), *TESTS.rglob("contract.py")]:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                yield ast.get_docstring(node) or ""


def named() -> set[str]:
    """Ids that tests name, as in `FORMAT.md W1, W2`."""
    lists = [
        found
        for text in docstrings()
        for found in re.findall(r"FORMAT\.md ([A-Z]\d+(?:, [A-Z]\d+)*)", text)
    ]
    return {name for found in lists for name in found.split(", ")}


def test_every_promise_has_a_test() -> None:
    """A promise that no test names is a wish."""
    assert set(promised()) - named() == set()


def test_no_test_names_a_promise_that_is_not_made() -> None:
    """An id that was taken back is gone everywhere."""
    assert named() - set(promised()) == set()


def test_ids_are_given_once_and_in_order() -> None:
    """W1, W2, W3 and so on in each section."""
    ids = promised()
    numbered: dict[str, list[int]] = {}
    for name in ids:
        numbered.setdefault(name[0], []).append(int(name[1:]))

    assert len(ids) == len(set(ids))
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in numbered.values())


def test_every_promise_says_must_or_may() -> None:
    """Each section of promises speaks of duties."""
    for section in ("Layout", "Line", "Header and seal", "Writers", "Readers", "Projects"):
        body = TEXT.split(f"\n## {section}\n")[1].split("\n## ")[0]
        assert re.search(r"\bmust\b", body), section


def test_the_table_of_events_is_the_registry() -> None:
    """Run `python -m tests.events.format_table` after changing an event (FORMAT.md C4)."""
    assert present() == table()


def test_kinds_of_findings_are_those_of_the_code() -> None:
    """The table of kinds, and which of them are alarms (FORMAT.md R3)."""
    rows = re.findall(r"^  \| `(\w+)` \| .* \| (yes|no) \|$", TEXT, re.MULTILINE)

    assert dict(rows) == {kind.value: "no" if kind in HARMLESS else "yes" for kind in Tail}


def test_numbers_are_those_of_the_code() -> None:
    """Limits that the page states."""
    assert f"# The event log: format {FORMAT_VERSION}\n" in TEXT
    assert (MAX_LINE, MAX_EVENTS) == (1 << 20, 1_000)
    assert (ROLL_BYTES, ROLL_SECONDS) == (8 << 20, 24 * 3600)
    assert (MAX_FAILURES, FAILURE_WINDOW) == (3, 60)
    assert (MAX_WAITING_EVENTS, MAX_WAITING_BYTES) == (10_000, 16 << 20)
    assert MAX_AHEAD_MS == 60_000
    for said in ("1 MiB", "1,000 events", "8 MiB or after 24 hours", "three such errors within a "):
        assert said in TEXT
    assert "10,000 events or 16 MiB" in TEXT
    assert "60 s ahead" in TEXT
