"""Write the table of all event types into FORMAT.md.

Usage: python -m tests.events.format_table.
"""

from __future__ import annotations

import re
from pathlib import Path

import events
from events.registry import EventType
from tests.events.samples import event_types

FORMAT_MD = Path(str(events.__file__)).with_name("FORMAT.md")
_PLACE = re.compile(r"(<!-- events: .*? -->\n).*?(<!-- /events -->)", re.DOTALL)


def _row(row: EventType) -> str:
    meaning = re.sub(r"\s+", " ", row.doc).replace("|", r"\|")
    return f"| `{row.name}` | {row.version} | {meaning} | `{row.stream}` |"


def table() -> str:
    """The table as it must stand in FORMAT.md."""
    head = "| type | version | meaning | stream |\n| --- | --- | --- | --- |\n"
    return head + "".join(f"{_row(row)}\n" for row in event_types())


def present() -> str:
    """The table that stands there now."""
    found = _PLACE.search(FORMAT_MD.read_text("utf-8"))
    assert found is not None
    return found[0][len(found[1]) : -len(found[2])]


if __name__ == "__main__":
    text = FORMAT_MD.read_text("utf-8")
    FORMAT_MD.write_text(_PLACE.sub(lambda found: found[1] + table() + found[2], text), "utf-8")
