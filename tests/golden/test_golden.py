"""Today's code reads every log that was ever written."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from events.log.folder import FolderLog
from events.log.format_file import load
from events.registry import BY_NAME
from events.upcasting import lift
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
    assert read == orjson.loads((folder / "expected.json").read_bytes())


def test_the_golden_log_has_every_type() -> None:
    """A new type or version joins it before it is shipped (FORMAT.md C2).

    Before the first release: delete tests/golden/v1 and run `python -m tests.golden.make`.
    """
    shipped = set()
    for path in GOLDEN.glob("log/*.jsonl"):
        for line in path.read_bytes().splitlines():
            document = orjson.loads(line)
            parts = document.get("d", {}).get("events", [document])
            shipped |= {(part["t"], part["v"]) for part in parts if "t" in part}

    assert {(row.name, row.version) for row in BY_NAME.values()} <= shipped


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
