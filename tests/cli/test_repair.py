"""`log repair`, and docs/repair.md: lost lines come back, and every command shown there works."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import orjson
import pytest

from events.log.folder import FolderLog
from events.log.format_file import load
from orchestrator.host import load_host
from tests.cli.conftest import ROOT, Run
from tests.cli.stories import MARA, Story
from tests.cli.test_verify import copy
from tools.cli import repair

PAGE = (ROOT / "docs" / "repair.md").read_text("utf-8")


@pytest.fixture(autouse=True)
def no_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk of a test shows everything at once."""
    monkeypatch.setattr(repair, "DOUBT_SECONDS", 0.0)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The configuration of this computer."""
    path = tmp_path / "config.yaml"
    path.write_text(f"data_dir: {tmp_path / 'data'}\nbackends: []\n")
    return path


@pytest.fixture
def damaged(story: Story, tmp_path: Path) -> Story:
    """A project whose first log has lost its end; this computer has read all of it before."""
    copy(story, tmp_path)
    story.stop()
    (path,) = (p for p in story.segments() if MARA in p.name)
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:3]))
    return story


def state(run: Run, story: Story) -> str:
    """Hash of what the log tells."""
    return str(orjson.loads(run("log", "replay", story.root, "--json").stdout)["state_hash"])


class TestRepair:
    def test_everything_is_back(self, run: Run, story: Story, config: Path, tmp_path: Path) -> None:
        """The state is as it was; what was there is as it was, too."""
        before = state(run, story)
        copy(story, tmp_path)
        story.stop()
        (path,) = (p for p in story.segments() if MARA in p.name)
        path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:3]))
        assert state(run, story) != before
        there = {p.name: p.read_bytes() for p in story.segments()}

        result = run("log", "repair", story.root, "--config", config)

        assert result.exit_code == 0, result.output
        assert "put back" in result.stdout
        assert "900001" in result.stdout
        assert state(run, story) == before
        assert there.items() <= {p.name: p.read_bytes() for p in story.segments()}.items()
        assert run("log", "verify", story.root, "--config", config).exit_code == 0

    def test_a_dry_run_writes_nothing(self, run: Run, damaged: Story, config: Path) -> None:
        """It tells what would come back."""
        before = [path.name for path in damaged.segments()]
        result = run("log", "repair", damaged.root, "--config", config, "--dry-run")

        assert result.exit_code == 1
        assert "can be put back" in result.stdout
        assert [path.name for path in damaged.segments()] == before

    def test_a_healthy_log(self, run: Run, story: Story, config: Path, tmp_path: Path) -> None:
        """Nothing to do."""
        copy(story, tmp_path)
        result = run("log", "repair", story.root, "--config", config)

        assert result.exit_code == 0
        assert "Nothing is missing that this host knows of." in result.stdout

    def test_for_programs(self, run: Run, damaged: Story, config: Path) -> None:
        """`--json` names lines and files."""
        told = orjson.loads(run("log", "repair", damaged.root, "--config", config, "--json").stdout)

        (lost,) = told["restorable"]
        assert (lost["first"], MARA in lost["who"]) == (3, True)
        assert len(told["files"]) == 1
        assert (told["left"], told["diverged"]) == ([], [])

    def test_another_host_repairs_it_now(
        self, run: Run, damaged: Story, config: Path, tmp_path: Path
    ) -> None:
        """One at a time; the other one is named."""
        gallery = damaged.root / ".gallery"
        found = load(gallery)
        assert found is not None
        other = FolderLog(gallery, found, "hostother003")
        claim = other.claim("repair", "log")
        assert claim is not None
        result = run("log", "repair", damaged.root, "--config", config)

        assert result.exit_code == 2
        assert "host hostother003 repairs it now" in result.output
        claim.release()
        assert run("log", "repair", damaged.root, "--config", config).exit_code == 0
        assert not [p for p in damaged.segments() if load_host(tmp_path / "data").id in p.name]

    def test_what_this_host_never_read(self, run: Run, story: Story, config: Path) -> None:
        """Exit code 1: it says that other hosts should be asked."""
        story.stop()
        (path,) = (p for p in story.segments() if MARA in p.name)
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.write_bytes(data)
        result = run("log", "repair", story.root, "--config", config)

        assert result.exit_code == 1
        assert "still broken" in result.stdout
        assert "each other host" in result.stdout


class TestPage:
    def test_its_commands_work(
        self, run: Run, damaged: Story, config: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """All of them, in their order, on a damaged project."""
        monkeypatch.chdir(config.parent)
        shown = re.findall(r"^\$ orchestrator (.*)$", PAGE, re.MULTILINE)
        codes = [run(*shlex.split(line)).exit_code for line in shown]

        assert len(shown) >= 4
        # Broken, what would be done, done, and whole again.
        assert codes == [1, 1, 0, 0]
        assert damaged.root == config.parent / "film"


class TestSkip:
    """`log skip`: giving up what nobody has."""

    @pytest.fixture
    def spoiled(self, story: Story) -> tuple[Story, str]:
        """A project with a damaged line that no host has a copy of; the log it is in."""
        (who,) = [w for w in story.host(MARA).positions() if MARA in w]
        story.stop()
        (path,) = (p for p in story.segments() if MARA in p.name)
        lines = path.read_bytes().splitlines(keepends=True)
        lines[2] = lines[2].replace(b'"a":"', b'"b":"')
        path.write_bytes(b"".join(lines))
        return story, who

    def test_reading_goes_on(self, run: Run, spoiled: tuple[Story, str], config: Path) -> None:
        """The lines behind the damage count again, here and wherever the log is read."""
        story, who = spoiled
        arguments = ("log", "skip", story.root, who, 2, "--config", config)
        assert run("log", "verify", story.root, "--config", config).exit_code == 1
        before = orjson.loads(run("log", "replay", story.root, "--json").stdout)
        dry = run(*arguments, "--dry-run")
        assert (dry.exit_code, "1 line (2 to 2)" in dry.stdout) == (0, True)

        done = run(*arguments, "--actor", "ann")

        assert done.exit_code == 0, done.output
        after = orjson.loads(run("log", "replay", story.root, "--json").stdout)
        assert after["records"] > before["records"] + 1
        assert after["findings"] == []
        verified = run("log", "verify", story.root, "--config", config)
        assert verified.exit_code == 0, verified.output
        assert run("log", "repair", story.root, "--config", config).exit_code == 0

    def test_another_line_is_not_given_up(
        self, run: Run, spoiled: tuple[Story, str], config: Path
    ) -> None:
        """Who names the wrong line has looked at something else."""
        story, who = spoiled
        result = run("log", "skip", story.root, who, 4, "--config", config)

        assert result.exit_code == 2
        assert "is 2, not 4" in result.output

    def test_a_healthy_log(self, run: Run, story: Story, config: Path) -> None:
        """Nothing is given up there."""
        (who,) = [w for w in story.host(MARA).positions() if MARA in w]
        result = run("log", "skip", story.root, who, 1, "--config", config)

        assert result.exit_code == 2
        assert "does not stop" in result.output

    def test_what_can_be_put_back(
        self, run: Run, story: Story, config: Path, tmp_path: Path
    ) -> None:
        """Is not given up."""
        copy(story, tmp_path)
        (who,) = [w for w in story.host(MARA).positions() if MARA in w]
        story.stop()
        (path,) = (p for p in story.segments() if MARA in p.name)
        lines = path.read_bytes().splitlines(keepends=True)
        lines[2] = lines[2].replace(b'"a":"', b'"b":"')
        path.write_bytes(b"".join(lines))
        result = run("log", "skip", story.root, who, 2, "--config", config)

        assert result.exit_code == 2
        assert "Run `orchestrator log repair` here." in result.output
