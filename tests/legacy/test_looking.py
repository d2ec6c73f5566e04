"""Finding the files that an old store names."""

from __future__ import annotations

import os
import sys
import unicodedata
from pathlib import Path

import pytest

from orchestrator.commands.curation import Sighting
from orchestrator.gallery.fingerprint import head_of
from orchestrator.gallery.legacy.looking import Absent, Known, Looker, Outside
from tests.legacy.old_project import OldProject


def nobody(_path: str) -> tuple[int, int, str] | None:
    """The log knows no file."""
    return None


def looker(old: OldProject, known: Known = nobody) -> Looker:
    """Looks at the project, and nowhere else."""
    return Looker(old.root, None, known)


class TestThere:
    def test_a_file_is_seen_as_it_is(self, old: OldProject) -> None:
        info = old.file("P/é 🎬.png", b"abc").stat()

        seen = looker(old).look("P/é 🎬.png")

        assert seen == Sighting("P/é 🎬.png", 3, info.st_mtime_ns, head_of(b"abc"))

    def test_composition_is_ignored(self, old: OldProject) -> None:
        """A store written on a Mac names files in another form than the share has."""
        spelled = unicodedata.normalize("NFD", "Plätze/é.png")
        old.file(spelled)

        seen = looker(old).look("Plätze/é.png")

        assert isinstance(seen, Sighting)
        assert seen.path == spelled

    def test_case_is_ignored_if_nothing_else_fits(self, old: OldProject) -> None:
        old.file("Panel_01/Shot.PNG")

        seen = looker(old).look("panel_01/shot.png")

        assert isinstance(seen, Sighting)
        assert seen.path == "Panel_01/Shot.PNG"

    @pytest.mark.skipif(sys.platform != "linux", reason="needs names that differ in case only")
    def test_two_that_differ_in_case_are_not_guessed_at(self, old: OldProject) -> None:
        old.file("P/A.png")
        old.file("P/a.png", b"other")
        look = looker(old)

        exact = look.look("P/a.png")

        assert isinstance(exact, Sighting)
        assert exact.size == 5
        assert look.look("P/a.PNG") == Absent()

    def test_what_the_log_knows_is_not_read_again(self, old: OldProject) -> None:
        """A second import after a crash looks at attributes alone."""
        mtime = old.file("P/a.png", b"abc").stat().st_mtime_ns

        seen = looker(old, lambda _path: (3, mtime, "as known")).look("P/a.png")

        assert seen == Sighting("P/a.png", 3, mtime, "as known")


class TestNotThere:
    @pytest.mark.parametrize("path", ["gone.png", "gone/a.png", "P/a.png/b.png", "folder.png"])
    def test_missing(self, old: OldProject, path: str) -> None:
        old.file("P/a.png")
        old.file("folder.png/b.png")

        assert looker(old).look(path) == Absent()

    def test_link_that_leads_out(self, old: OldProject, tmp_path: Path) -> None:
        """A store cannot make us read files of others."""
        (tmp_path / "secret").mkdir()
        (tmp_path / "secret" / "a.png").write_bytes(b"secret")
        (old.root / "out").symlink_to(tmp_path / "secret")
        old.file("P/b.png")
        (old.root / "P" / "a.png").symlink_to(tmp_path / "secret" / "a.png")
        look = looker(old)

        assert look.look("out/a.png") == Outside()
        assert look.look("P/a.png") == Outside()
        permitted = Looker(old.root, lambda path: path.is_relative_to(tmp_path), nobody)
        assert isinstance(permitted.look("out/a.png"), Sighting)

    def test_link_that_leads_nowhere(self, old: OldProject) -> None:
        (old.root / "a.png").symlink_to(old.root / "gone.png")
        (old.root / "b.png").symlink_to(old.root / "b.png")

        assert looker(old).look("a.png") == Absent()
        assert isinstance(looker(old).look("b.png"), Absent)

    @pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may read everything")
    def test_unreadable(self, old: OldProject) -> None:
        """It is there, so the reason is told."""
        path = old.file("P/a.png")
        path.chmod(0)

        seen = looker(old).look("P/a.png")

        assert isinstance(seen, Absent)
        assert seen.reason is not None

    def test_share_that_fails(self, old: OldProject, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whatever the share says is told, and other files are looked at all the same."""
        old.file("P/a.png")
        old.file("Q/b.png")
        real = os.listdir

        def listdir(path: Path) -> list[str]:
            if Path(path).name == "P":
                raise OSError(5, "Input/output error")
            return real(path)

        monkeypatch.setattr(os, "listdir", listdir)
        first, second = looker(old).look_at_all(["P/a.png", "Q/b.png"])

        assert first == Absent("Input/output error")
        assert isinstance(second, Sighting)
