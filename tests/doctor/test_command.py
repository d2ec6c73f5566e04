"""`orchestrator doctor` as people run it, and docs/doctor.md: what is shown there is true."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.cli.conftest import ROOT, environment
from tools.cli import main
from tools.doctor.judge.options import RULES
from tools.doctor.mountinfo import Kind

PAGE = (ROOT / "docs" / "doctor.md").read_text("utf-8")
BLOCKS = [
    part.splitlines()
    for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL)
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
]


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with a folder `film` in it."""
    (tmp_path / "film").mkdir()
    return tmp_path


@pytest.fixture(scope="module")
def started(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, tuple[Path, subprocess.Popen[str]]]]:
    """All commands of the page, each at its own desk, side by side: they wait a lot."""
    bin_ = tmp_path_factory.mktemp("bin")
    program = bin_ / "orchestrator"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tools.cli "$@"\n')
    program.chmod(0o755)
    with ExitStack() as stack:
        running = {}
        for line, *_ in BLOCKS if shutil.which("bash") else ():
            desk = tmp_path_factory.mktemp("desk")
            (desk / "film").mkdir()
            process = subprocess.Popen(
                ["bash", "-c", line],
                cwd=desk,
                env=environment(PATH=f"{bin_}{os.pathsep}{os.environ['PATH']}"),
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            running[line] = desk, process
        yield running


def test_every_option_is_on_the_page() -> None:
    """An option that is judged is explained."""
    for kind in (Kind.SMB, Kind.NFS):
        missing = [name for name in RULES[kind] if f"`{name}" not in PAGE]
        assert set(missing) <= {"nocase", "nolease", "cache", "vers", "hard"}


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_interrupted(desk: Path) -> None:
    """Ctrl-C in the middle of it: the code that shells use, and nothing stays.

    On a terminal a bar shows how far it is.
    """
    outer, inner = os.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "tools.cli", "doctor", "film", "--seconds", "60"],
        cwd=desk,
        env=environment(TERM="xterm-256color", COLUMNS="80"),
        stdout=subprocess.DEVNULL,
        stderr=inner,
    ) as doctor:
        os.close(inner)
        until = time.monotonic() + 30
        while not list(desk.glob("film/.gallery/doctor-*/appends")):
            assert time.monotonic() < until
            time.sleep(0.01)
        shown = os.read(outer, 1 << 16).decode(errors="replace")
        doctor.send_signal(signal.SIGINT)
        doctor.wait(timeout=30)
    os.close(outer)

    assert doctor.returncode == 130
    assert "━" in shown
    assert "Traceback" not in shown
    assert list((desk / "film").iterdir()) == []


def test_folder_that_is_not_there(tmp_path: Path) -> None:
    """Code 2, and what to do."""
    result = CliRunner().invoke(main, ["doctor", str(tmp_path / "gone")])

    assert result.exit_code == 2
    assert "gone" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_something_bad(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Code 1: a check found something that does not hold."""
    from tools.doctor.checks import Check, Verdict
    from tools.doctor.examination import Examination

    bad = Check(name="clock", verdict=Verdict.BAD, measured="off\x1b[2J", remedy="Set it.")
    monkeypatch.setattr(Examination, "run", lambda *_arguments: [bad])
    told = CliRunner().invoke(main, ["doctor", str(tmp_path)])
    document = CliRunner().invoke(main, ["doctor", str(tmp_path), "--json"])

    assert (told.exit_code, document.exit_code) == (1, 1)
    assert "BAD" in told.stdout
    assert "Set it." in told.stdout
    assert "\x1b" not in told.stdout
    assert '"verdict": "bad"' in document.stdout


@pytest.mark.skipif(shutil.which("bash") is None, reason="the page is written for a POSIX shell")
@pytest.mark.parametrize("shown", BLOCKS, ids=lambda shown: shown[0])
def test_every_command_of_the_page(
    started: dict[str, tuple[Path, subprocess.Popen[str]]], shown: list[str]
) -> None:
    """It prints the lines shown, in their order, and leaves nothing behind."""
    line, *output = shown
    desk, process = started[line]
    stdout, stderr = process.communicate(timeout=60)

    assert process.returncode == 0, stdout + stderr
    assert stderr == ""
    # The disk of whoever runs this test may be nearly full, or be memory: then there are warnings.
    printed = iter(stdout.replace('"verdict": "warn"', '"verdict": "ok"').splitlines())
    for wanted in output:
        assert any(wanted in found for found in printed), f"{wanted!r} in {stdout}"
    assert list((desk / "film").iterdir()) == []
