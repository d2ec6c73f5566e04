"""`log undo`: undoing from the command line, with and without a service beside it."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest

from events.files import FilesPlanned, FilesSettled
from tests.cli.conftest import Run, environment
from tests.cli.stories import CAT, MARA, Story


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The configuration of this computer, on which no service runs."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    path = tmp_path / "config.yaml"
    path.write_text(f"data_dir: {tmp_path / 'data'}\nport: {port}\nbackends: []\n")
    return path


def ratings(run: Run, story: Story) -> list[dict[str, Any]]:
    """Edits of ratings, oldest first."""
    lines = run("log", "history", story.root, CAT, "--json").stdout.splitlines()
    told = [orjson.loads(line) for line in lines]
    return [line for line in told if line["event"] == "asset.rated"]


class TestUndo:
    def test_one_edit(self, run: Run, story: Story, config: Path) -> None:
        """The last stars go; the history says who undid them."""
        *_, last = ratings(run, story)
        result = run(
            *("log", "undo", story.root, "--id", last["stamp"]),
            *("--config", config, "--actor", "ann"),
        )
        assert result.exit_code == 0, result.output
        assert "rated 3 -> 5" in result.stdout
        assert "1 edit undone, 0 left alone." in result.stdout
        newest = ratings(run, story)[-1]
        assert (newest["actor"], newest["old"], newest["new"]) == ("ann", 5, 3)

    def test_redo(self, run: Run, story: Story, config: Path) -> None:
        """By the batch that the undo names."""
        *_, last = ratings(run, story)
        done = orjson.loads(
            run(
                *("log", "undo", story.root, "--id", last["stamp"]),
                *("--config", config, "--json"),
            ).stdout
        )
        assert [edit["id"] for edit in done["done"]] == [last["stamp"]]
        again = run("log", "undo", story.root, "--batch", done["undo"], "--config", config)
        assert again.exit_code == 0
        assert ratings(run, story)[-1]["new"] == 5

    def test_a_dry_run(self, run: Run, story: Story, config: Path) -> None:
        """It tells of everything that Mara did, and of what is in the way; nothing is written."""
        before = run("log", "cat", story.root).stdout
        span = ("--from", "2026-05-01T12:00Z", "--to", "2026-05-01T13:00Z")
        result = run(
            *("log", "undo", story.root, "--by", "mara", *span),
            *("--dry-run", "--config", config),
        )
        assert result.exit_code == 1
        lines = result.stdout.splitlines()
        assert [line.split(":")[0] for line in lines] == [
            *("would be undone",) * 3,
            "left alone",
            "  because of",
            "3 edits would be undone, 1 left alone.",
        ]
        assert run("log", "cat", story.root).stdout == before

    def test_force(self, run: Run, story: Story, config: Path) -> None:
        """Also what later edits have built upon."""
        first, _ = ratings(run, story)
        kept = run("log", "undo", story.root, "--id", first["stamp"], "--config", config)
        assert (kept.exit_code, len(ratings(run, story))) == (1, 2)
        result = run(
            "log", "undo", story.root, "--id", first["stamp"], "--config", config, "--force"
        )
        assert result.exit_code == 0
        assert ratings(run, story)[-1]["new"] == 0

    @pytest.mark.parametrize(
        "options",
        [
            (),
            ("--id", "a", "--batch", "b"),
            ("--by", "mara"),
            ("--id", "a", "--from", "2026-05-01"),
        ],
    )
    def test_what_is_meant_must_be_clear(
        self, run: Run, story: Story, options: tuple[str, ...]
    ) -> None:
        """One of the three ways to say it, whole."""
        result = run("log", "undo", story.root, *options)
        assert result.exit_code == 2
        assert "Name one of" in result.stderr

    def test_unknown(self, run: Run, story: Story, config: Path) -> None:
        """One line says what, one what to do."""
        result = run("log", "undo", story.root, "--id", "nobody", "--config", config)
        assert result.exit_code == 2
        assert "no edit or batch 'nobody'" in result.stderr

    def test_a_folder_without_a_log(self, run: Run, tmp_path: Path, config: Path) -> None:
        """Nothing is created there."""
        empty = tmp_path / "empty"
        empty.mkdir()
        result = run("log", "undo", empty, "--id", "x", "--config", config)
        assert result.exit_code == 2
        assert list(empty.iterdir()) == []


class TestFiles:
    def moved(self, story: Story) -> None:
        """A picture that nobody rated was renamed."""
        old = story.root / "panel_01" / "x.png"
        old.write_bytes(b"x")
        info = old.stat()
        step = {
            "from": "panel_01/x.png",
            "to": "panel_01/y.png",
            "size": info.st_size,
            "mtime": info.st_mtime_ns,
        }
        story.tell(MARA, "mara", FilesPlanned(op="op-9", action="rename", steps=(step,)))
        old.rename(old.with_name("y.png"))
        story.tell(MARA, "mara", FilesSettled(op="op-9"))

    def test_files_go_back(self, run: Run, story: Story, config: Path) -> None:
        """No service runs here, so the command moves them itself."""
        self.moved(story)
        result = run("log", "undo", story.root, "--batch", "c-1", "--force", "--config", config)
        assert "renamed to y.png" in result.stdout
        assert (story.root / "panel_01" / "x.png").exists()

    def test_beside_a_service(self, run: Run, story: Story, config: Path) -> None:
        """Something answers where the service would: it would meddle, so files are left to it."""
        self.moved(story)
        port = int(config.read_text().split("port: ")[1].split()[0])
        with socket.socket() as served:
            served.bind(("127.0.0.1", port))
            served.listen()
            result = run("log", "undo", story.root, "--batch", "c-1", "--config", config)
        assert result.exit_code == 1
        assert "Only the running service moves files" in result.stdout
        assert (story.root / "panel_01" / "y.png").exists()


IMPORTED = """
import sys
from tools.cli import undo
print(*sorted(sys.modules))
"""


def test_server_is_not_imported() -> None:
    """Undoing needs no HTTP."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "aiohttp" not in done.stdout.split()
