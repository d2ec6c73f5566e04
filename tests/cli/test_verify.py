"""`log verify`: is everything there that was ever recorded?"""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from events.log.disk_io import DiskIO
from events.log.mirror import Mirror
from events.log.reader import LogReader
from events.witness import LogMarked
from orchestrator.project import mirror_folder
from tests.cli.conftest import Run
from tests.cli.stories import MARA, TOM, Story
from tests.log.builders import flat


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The configuration of this computer."""
    path = tmp_path / "config.yaml"
    path.write_text(f"data_dir: {tmp_path / 'data'}\nbackends: []\n")
    return path


def copy(story: Story, tmp_path: Path) -> Mirror:
    """Have this computer read the whole log, as its service does."""
    project = story.host(MARA).project
    mirror = Mirror(mirror_folder(tmp_path / "data" / "cache", project), project)
    reader = LogReader(story.log_folder, project, disk=DiskIO())
    reader.sink = mirror.take
    flat(reader.read())
    mirror.flush()
    return mirror


class TestWhole:
    def test_all_is_there(self, run: Run, story: Story, config: Path, tmp_path: Path) -> None:
        """Exit code 0, and a table of the logs."""
        copy(story, tmp_path)
        result = run("log", "verify", story.root, "--config", config)

        assert result.exit_code == 0, result.output
        assert "Everything is there that is known of." in result.stdout
        assert MARA in result.stdout

    def test_it_writes_nothing(self, run: Run, story: Story, config: Path, tmp_path: Path) -> None:
        """Neither to the share nor to this computer."""
        before = {path: path.read_bytes() for path in story.segments()}
        run("log", "verify", story.root, "--config", config)

        assert {path: path.read_bytes() for path in story.segments()} == before
        assert not (tmp_path / "data").exists()

    def test_a_part(self, run: Run, story: Story, config: Path) -> None:
        """`--subset` takes logs in turn; two parts are the whole."""
        told = [
            orjson.loads(
                run(
                    *("log", "verify", story.root, "--config", config),
                    *("--subset", f"{part}/2", "--json"),
                ).stdout
            )
            for part in (1, 2)
        ]

        assert sum(len(part["logs"]) for part in told) == 2

    @pytest.mark.parametrize("text", ["0/2", "3/2", "1", "a/b", "1/0"])
    def test_a_part_that_is_none(self, run: Run, story: Story, text: str) -> None:
        """Said with an example."""
        result = run("log", "verify", story.root, "--subset", text)

        assert result.exit_code == 2
        assert "1/5" in result.output


class TestBroken:
    def test_lines_are_missing_and_here(
        self, run: Run, story: Story, config: Path, tmp_path: Path
    ) -> None:
        """Exit code 1; it says which lines, and that this computer has them."""
        copy(story, tmp_path)
        story.stop()
        (path,) = (p for p in story.segments() if MARA in p.name)
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(lines[:3]))
        result = run("log", "verify", story.root, "--config", config)
        plain = run("log", "verify", story.root, "--config", config, "--json")

        assert result.exit_code == 1
        assert "BROKEN (chain)" in result.stdout
        assert "Run `orchestrator log repair` here" in result.stdout
        told = orjson.loads(plain.stdout)
        assert plain.exit_code == 1
        assert told["verdict"] == "broken"
        (log,) = [log for log in told["logs"] if log["host"] == MARA]
        assert log["lost"][0] == 3
        assert log["restorable"] == log["lost"]

    def test_a_mark_tells(self, run: Run, story: Story, config: Path) -> None:
        """Without a copy: what another host has read is known."""
        mara, tom = story.host(MARA), story.host(TOM)
        (who,) = [w for w in mara.positions() if MARA in w]
        at = mara.positions()[who]
        mark = LogMarked(host=TOM, heads={who: [at.sequence, at.chain]})
        story.tell(TOM, "orchestrator", mark)
        assert tom.positions()
        story.stop()
        (path,) = (p for p in story.segments() if MARA in p.name)
        path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:3]))

        result = run("log", "verify", story.root, "--config", config)

        assert result.exit_code == 1
        assert "are missing for all who read this log now" in result.stdout

    def test_no_project(self, run: Run, tmp_path: Path) -> None:
        """Exit code 2, with a remedy."""
        assert run("log", "verify", tmp_path / "nowhere").exit_code == 2
