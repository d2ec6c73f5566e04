"""docs/log-growth.md: its commands print what is shown, its figures are those of the code."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from events.assets import AssetId
from events.curation import AssetRated
from events.log import cold
from events.log.consolidate import Consolidator
from events.log.format_file import load
from orchestrator.config import load_config
from orchestrator.consolidating import AGAIN_SECONDS, FIRST_SECONDS, PACE_SECONDS
from tests.cli.conftest import ROOT, environment
from tests.cli.stories import MARA, QuickDisk, shoot
from tests.log.test_growth import MOST_COLD, MOST_SEGMENTS

PAGE = (ROOT / "docs" / "log-growth.md").read_text("utf-8")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the project `film`, whose host has put two old segments together."""
    folder = tmp_path_factory.mktemp("desk")
    story = shoot(folder / "film")
    for minute in (90, 120):
        story.stop()
        story.clock.at(minute)
        story.tell(MARA, "mara", AssetRated(asset=AssetId("f" * 32), stars=minute // 30))
    running = story.host(MARA).writer
    gallery = folder / "film" / ".gallery"
    found = load(gallery)
    assert found is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cold, "ENOUGH", 2)
        worker = Consolidator(
            gallery, found.project, MARA, QuickDisk(), lambda: story.clock.ms / 1000
        )
        while worker.step(running, {}, ()) is not None:
            pass
        story.stop()
    (folder / "bin").mkdir()
    program = folder / "bin" / "orchestrator"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m tools.cli "$@"\n')
    program.chmod(0o755)
    return folder


def shown() -> list[tuple[str, str]]:
    """All command lines of the page, and what is printed below each."""
    found = []
    for block in re.findall(r"```console\n(.*?)```", PAGE, re.DOTALL):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, _, output = part.partition("\n")
            found.append((line, output))
    return found


@pytest.mark.parametrize(("line", "output"), shown(), ids=[line for line, _ in shown()])
def test_commands_print_what_is_shown(desk: Path, line: str, output: str) -> None:
    """As somebody would type them."""
    for program in ("jq", "grep"):
        if program in line and shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    path = f"{desk / 'bin'}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        line,
        shell=True,
        cwd=desk,
        env=environment(PATH=path),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.stdout, done.returncode) == (output, 0), done.stderr


def test_figures_are_those_of_the_code(tmp_path: Path) -> None:
    """Days, sizes and bounds; and the setting exists."""
    assert (cold.ENOUGH, cold.FANOUT, cold.MAX_BYTES >> 20) == (32, 4, 64)
    assert cold.KEEP_SECONDS == 30 * 24 * 3600
    assert (FIRST_SECONDS, PACE_SECONDS, AGAIN_SECONDS) == (600, 60, 24 * 3600)
    assert f"| {MOST_SEGMENTS} |" in PAGE
    assert f"| {MOST_COLD} in the first year |" in PAGE
    (config,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "config.yaml").write_text(config)
    assert load_config(tmp_path / "config.yaml", {}).consolidate_logs is False
    assert load_config(None, {}).consolidate_logs is True
