"""docs/cli.md: every command line shown there works, and prints what is shown."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import frozen

from tests.cli.conftest import ROOT, environment
from tests.cli.stories import shoot
from tests.cli.test_program import ALL

PAGE = (ROOT / "docs" / "cli.md").read_text("utf-8")
#: Commands that run until they are stopped.
SERVERS = ("orchestrator serve", "orchestrator simulate")


@frozen
class Shown:
    """A command line, and lines of its output."""

    line: str
    output: tuple[str, ...]


def shown() -> Iterator[Shown]:
    """All command lines of the page."""
    for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, *output = part.splitlines()
            yield Shown(line, tuple(output))


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the project `film`, a config.yaml, and `orchestrator` on the path."""
    folder = tmp_path_factory.mktemp("desk")
    shoot(folder / "film").stop()
    data = f"data_dir: {folder / 'data'}\nlog_dir: {folder / 'logs'}\nbackends: []\n"
    (folder / "config.yaml").write_text(data)
    (folder / "bin").mkdir()
    program = folder / "bin" / "orchestrator"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tools.cli "$@"\n')
    program.chmod(0o755)
    return folder


def surroundings(desk: Path) -> dict[str, str]:
    """The environment of somebody who works at that desk, in Greenwich."""
    path = f"{desk / 'bin'}{os.pathsep}{os.environ['PATH']}"
    return environment(PATH=path, TZ="UTC", ORCHESTRATOR_PORT="0")


@pytest.mark.skipif(shutil.which("bash") is None, reason="the page is written for a POSIX shell")
class TestEveryLine:
    @pytest.mark.parametrize(
        "example", [s for s in shown() if not s.line.startswith(SERVERS)], ids=lambda s: s.line
    )
    def test_command(self, desk: Path, example: Shown) -> None:
        """It ends with 0, and prints the lines shown, in their order."""
        done = subprocess.run(
            ["bash", "-o", "errexit", "-c", example.line],
            cwd=desk,
            env=surroundings(desk),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout
        printed = iter(done.stdout.splitlines())
        for line in example.output:
            assert any(line in found for found in printed), f"{line!r} in {done.stdout}"

    @pytest.mark.parametrize(
        "example", [s for s in shown() if s.line.startswith(SERVERS)], ids=lambda s: s.line
    )
    def test_server(self, desk: Path, example: Shown) -> None:
        """It says where it listens, and stops on Ctrl-C with 0."""
        with subprocess.Popen(
            ["bash", "-c", f"exec {example.line}"],
            cwd=desk,
            env=surroundings(desk),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as server:
            try:
                assert server.stdout is not None
                address = server.stdout.readline()
                assert address.startswith("http://127.0.0.1:")
                server.send_signal(signal.SIGINT)
                _, errors = server.communicate(timeout=30)
                assert server.returncode == 0, errors
            finally:
                server.kill()


def test_every_command_is_on_the_page() -> None:
    """A command that is not shown is not known."""
    groups = {path[:-1] for path in ALL}
    commands = [" ".join(path) for path in ALL if path not in groups]

    assert [name for name in commands if f"orchestrator {name} " not in PAGE + " "] == []
    assert [name for name in commands if f"| `{name}` |" not in PAGE] == []
