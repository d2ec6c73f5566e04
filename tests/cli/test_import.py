"""`orchestrator import`: an old project is taken over from the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from orchestrator.gallery.legacy.sources import SOURCES
from tests.cli.conftest import Run, environment
from tests.cli.test_program import IMPORTED
from tests.legacy.old_project import OldProject, record, view

CAT = "P/cat.png"


@pytest.fixture
def old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OldProject:
    """An old project, and a working directory with the configuration of a service."""
    (tmp_path / "config.yaml").write_text(f"data_dir: {tmp_path / 'data'}\nbackends: []\n")
    monkeypatch.chdir(tmp_path)
    made = OldProject(tmp_path / "film")
    made.file(CAT, b"cat")
    made.keep(
        files={
            CAT: record(4, "hands", (1,)),
            "P/gone.png": record(2),
            "../up.png": record(1),
            "P/none.png": record(),
        },
        tags={"1": {"name": "hero", "color": "#ff0000"}},
        views={"default": view()},
    )
    made.trash({"P/a.png": "P/a.png"})
    return made


class TestImport:
    def test_it_tells_what_was_taken_over_and_what_left_out(
        self, run: Run, old: OldProject
    ) -> None:
        result = run("import", old.root)

        assert result.exit_code == 0
        assert result.stdout.splitlines() == [
            f"Project {old.root}",
            ".gallery/gallery.json: imported",
            "  1 tag",
            "  1 view",
            "  1 rating",
            "  1 tag on a file",
            "  1 note",
            "  1 file that is not there, kept until it turns up",
            "  1 record in which nothing is said",
            ".trash/.manifest.json: imported",
            "  1 file in the trash",
            "",
            "Left out (1)",
            "  how many  why                which",
            "  1         its path has `..`  ../up.png",
        ]
        assert result.stderr == ""

    def test_the_log_has_it(self, run: Run, old: OldProject) -> None:
        """Replay shows the stars, and the audit finds all promises held."""
        run("import", old.root)

        state = json.loads(run("log", "replay", old.root, "--json").stdout)
        assert [(r["path"], r["stars"]) for r in state["ratings"]] == [(CAT, 4)]
        assert run("log", "audit", old.root).exit_code == 0

    def test_a_second_time_nothing_is_to_do(self, run: Run, old: OldProject) -> None:
        run("import", old.root)
        before = old.prints()
        result = run("import", old.root)

        assert result.exit_code == 0
        assert result.stdout.splitlines()[1:] == [
            ".gallery/gallery.json: imported before, and not written to since",
            ".trash/.manifest.json: imported before, and not written to since",
        ]
        assert old.prints() == before

    def test_json(self, run: Run, old: OldProject) -> None:
        report = json.loads(run("import", old.root, "--json").stdout)

        gallery, trash = report["sources"]
        assert gallery["name"] == SOURCES[0]
        assert gallery["counts"]["ratings"] == 1
        assert trash["counts"]["trashed"] == 1
        assert report["left_out_total"] == 1
        assert report["left_out"] == [
            {"source": SOURCES[0], "what": "../up.png", "reason": "its path has `..`"}
        ]

    def test_dry_run_records_nothing(self, run: Run, old: OldProject) -> None:
        result = run("import", old.root, "--dry-run")

        assert result.exit_code == 0
        assert ".gallery/gallery.json: would be imported" in result.stdout
        assert result.stdout.endswith("Nothing was recorded.\n")
        assert not (old.root / ".gallery" / "FORMAT").exists()
        dry = json.loads(run("import", old.root, "--dry-run", "--json").stdout)
        real = json.loads(run("import", old.root, "--json").stdout)
        assert dry == {**real, "dry_run": True}


class TestTrouble:
    def test_nothing_to_import(self, run: Run, tmp_path: Path, old: OldProject) -> None:
        (tmp_path / "empty").mkdir()
        result = run("import", tmp_path / "empty")

        assert result.exit_code == 0
        assert "Nothing to import" in result.stdout
        assert list((tmp_path / "empty").iterdir()) == []

    def test_a_damaged_store_makes_code_1(self, run: Run, old: OldProject) -> None:
        """What can be read of it is used all the same."""
        whole = old.store.read_bytes()
        old.store.write_bytes(whole[: whole.index(b"P/gone.png")])
        result = run("import", old.root)

        assert result.exit_code == 1
        assert "  damaged: it is not whole" in result.stdout
        assert "  1 rating" in result.stdout

    def test_no_such_folder(self, run: Run, old: OldProject) -> None:
        result = run("import", old.root / "nowhere")

        assert result.exit_code == 2
        assert "Error: " in result.stderr

    def test_names_cannot_command_a_terminal(self, run: Run, old: OldProject) -> None:
        old.keep(files={"../\x1b[31m.png": record(1)})
        result = run("import", old.root)

        assert "\x1b" not in result.stdout


@pytest.mark.parametrize("arguments", [("--help",), ("--dry-run", "film")], ids=" ".join)
def test_the_server_is_not_imported(old: OldProject, arguments: tuple[str, ...]) -> None:
    """It opens the project as a service would, without the web server; help needs click alone."""
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED, "import", *arguments],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
        cwd=old.root.parent,
    )
    modules = set(done.stdout.splitlines()[-1].split())

    assert "aiohttp" not in modules
    if arguments == ("--help",):
        assert not modules & {"asyncio", "events", "structlog"}
