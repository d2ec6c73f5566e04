"""Today's code reads every log that was ever written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from events.codec import FORMAT_VERSION
from events.log.folder import FolderLog
from events.log.format_file import load
from events.registry import BY_CLASS, BY_NAME
from events.upcasting import lift
from tests.events.samples import least
from tests.golden.make import GOLDEN, HERE, make, told
from tests.log.builders import flat

LOGS = sorted(folder for folder in HERE.iterdir() if (folder / "FORMAT").exists())


@pytest.mark.parametrize("folder", LOGS, ids=lambda folder: folder.name)
def test_a_golden_log_is_read_as_expected(folder: Path) -> None:
    """All records, their stamps and events; nothing is left out (FORMAT.md C2)."""
    format_ = load(folder)
    assert format_ is not None
    log = FolderLog(folder, format_, "host-z")
    read = orjson.loads(orjson.dumps([told(record) for record in flat(log.read())]))

    assert log.findings() == ()
    for found, expected in zip(
        read, orjson.loads((folder / "expected.json").read_bytes()), strict=True
    ):
        assert as_today(expected, found) == found


def as_today(expected: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """What was expected when a log was made, in today's shape.

    Since then fields may have come that say what was always meant if they are not there, and the
    payload may have got another shape.
    """
    version = expected.get("version", 1)
    event = {**expected["event"]}
    if version == found["version"]:
        row = BY_NAME[expected["type"]]
        empty = row.encode(least(row))
        added = found["event"].keys() - event.keys()
        event |= {name: empty[name] for name in added & empty.keys()}
    else:
        lifted = lift(expected["type"], version, event)
        event = orjson.loads(orjson.dumps(BY_CLASS[type(lifted)].encode(lifted)))
    return {**expected, "version": found["version"], "event": event}


def test_every_format_has_its_golden_log() -> None:
    """Logs of older formats are opened by today's program for as long as it lives (FORMAT.md C2).

    Who raises the number of the format has to keep the old one readable.
    """
    told = {orjson.loads((folder / "FORMAT").read_bytes())["fmt"] for folder in LOGS}

    assert told == set(range(1, FORMAT_VERSION + 1))


def test_the_golden_logs_have_every_type() -> None:
    """A new type or version joins them before it is shipped (FORMAT.md C2).

    Before the first release: delete tests/golden/v1 and run `python -m tests.golden.make`. Later:
    run it with the release's name, such as `v1-1.1`.
    """
    shipped = set()
    for path in HERE.glob("*/log/*.jsonl"):
        for line in path.read_bytes().splitlines():
            document = orjson.loads(line)
            parts = document.get("d", {}).get("events", [document])
            shipped |= {(part["t"], part["v"]) for part in parts if "t" in part}

    needed = {(row.name, v) for row in BY_NAME.values() for v in range(1, row.version + 1)}
    assert needed <= shipped


def test_old_events_are_lifted_to_todays() -> None:
    """No event of a golden log is unknown to us (FORMAT.md C2)."""
    for folder in LOGS:
        for path in folder.glob("log/*.jsonl"):
            for line in path.read_bytes().splitlines():
                document = orjson.loads(line)
                for part in document.get("d", {}).get("events", [document]):
                    if "t" in part:
                        event = lift(part["t"], part["v"], part["d"])
                        assert type(event) is BY_NAME[part["t"]].cls


def test_nothing_is_overwritten() -> None:
    """Making it again is refused."""
    with pytest.raises(FileExistsError):
        make(GOLDEN)
