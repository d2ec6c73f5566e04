"""Processes on the demo's leash: known by their address, stopped, and never left over."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tools.demo.errors import ProcessEndedError
from tools.demo.processes import Child, environment, output_of

SERVER = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
print("starting")
print("listening at http://127.0.0.1:1234")
time.sleep(600)
"""


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose modules children can run."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path


async def test_a_child_is_known_by_its_address_and_stopped_by_sigterm(modules: Path) -> None:
    """Letting go of the leash is a request to stop, which the module may answer."""
    (modules / "a_server.py").write_text(SERVER)

    child = await Child.start("server", "a_server", [], modules / "logs" / "err.txt")

    assert child.url == "http://127.0.0.1:1234"
    assert await child.stop() == 7


async def test_stopping_twice_is_harmless(modules: Path) -> None:
    """`--once` stops the service itself; the end of the set-up finds it stopped."""
    (modules / "a_server.py").write_text(SERVER)
    child = await Child.start("server", "a_server", [], modules / "err.txt")

    assert [await child.stop(), await child.stop()] == [7, 7]


async def test_a_child_that_ends_at_once_is_told_with_its_last_words(modules: Path) -> None:
    """The reason stands in its stderr, and is shown."""
    (modules / "broken.py").write_text("raise SystemExit('no such licence')")

    with pytest.raises(ProcessEndedError, match=r"`broken` ended with 1\.\nno such licence"):
        await Child.start("broken", "broken", [], modules / "err.txt")


async def test_a_cancelled_start_leaves_no_child(modules: Path) -> None:
    """Ctrl-C while a process comes up ends that process, too."""
    mark = modules / "up"
    (modules / "silent.py").write_text(
        f"import time\nopen({str(mark)!r}, 'w').close()\ntry:\n    time.sleep(600)\n"
        f"finally:\n    pass\n"
    )
    start = asyncio.create_task(Child.start("silent", "silent", [], modules / "err.txt"))
    while not mark.exists():  # noqa: ASYNC110  # another process makes it
        await asyncio.sleep(0.02)

    start.cancel()

    # The start waits for the process before it ends.
    with pytest.raises(asyncio.CancelledError):
        await start


async def test_output_and_code_of_a_program_come_back(modules: Path) -> None:
    """As with `orchestrator log audit`."""
    (modules / "audit.py").write_text("import sys\nprint('größer', sys.argv[1])\nsys.exit(3)")

    assert await output_of("audit", "x y") == (3, "größer x y\n")


def test_the_users_settings_do_not_reach_children(monkeypatch: pytest.MonkeyPatch) -> None:
    """A demo must never send its jobs to the studio's own farm."""
    monkeypatch.setenv("ORCHESTRATOR_COMFY_NODES", "farm:8188")
    monkeypatch.setenv("ORCHESTRATOR_PORT", "9999")

    assert not {"ORCHESTRATOR_COMFY_NODES", "ORCHESTRATOR_PORT"} & environment().keys()
