"""A writer that is killed at any moment: all that it acknowledged is read afterwards."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from events.log.port import HARMLESS
from tests.log.builders import flat, make_gallery, open_log

_ROOT = Path(__file__).parents[2]


def kill_one(gallery: Path, dice: random.Random) -> list[tuple[str, int, str]]:
    """Start a writer, kill it after a while, and return what it said was acknowledged."""
    command = [sys.executable, "-m", "tests.log.writer_process", str(gallery), "host-a"]
    told: list[tuple[str, int, str]] = []
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        enough = dice.randrange(1, 2_000)
        for line in process.stdout:
            if line.endswith(b"\n"):
                writer, sequence, actor = line.decode().split()
                told.append((writer, int(sequence), actor))
            if len(told) == enough:
                process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    assert len(told) >= enough
    return told


def story(gallery: Path, kills: int) -> None:
    """Kill writers one after the other, while another host reads along; then read all again."""
    dice = random.Random(kills)
    told: list[tuple[str, int, str]] = []
    watcher = open_log(gallery, "host-b")
    watched = []
    for _ in range(kills):
        told += kill_one(gallery, dice)
        watched += flat(watcher.read())

    late = open_log(gallery, "host-c")
    read = flat(late.read())

    assert set(told) <= {(record.writer, record.sequence, record.actor) for record in read}
    assert {record.stamp for record in watched} == {record.stamp for record in read}
    assert len(watched) == len(read)
    assert {finding.kind for finding in late.findings()} <= HARMLESS


def test_five_kills(tmp_path: Path) -> None:
    """An acknowledged record is there, whatever the process did when it died (FORMAT.md W3)."""
    story(make_gallery(tmp_path), 5)


@pytest.mark.campaign
@pytest.mark.timeout(600)
def test_fifty_kills(tmp_path: Path) -> None:
    """The same fifty times, in one folder (FORMAT.md W3)."""
    story(make_gallery(tmp_path), 50)
