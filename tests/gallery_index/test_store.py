"""The index's file: made anew when it is broken, asked by anybody, told of moves."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from orchestrator.errors import IndexDamaged, IndexUnusable
from orchestrator.gallery.index import scanner, schema
from orchestrator.gallery.index.model import FolderCount, Search
from orchestrator.gallery.index.scanner import FIRST_BATCH, Scan
from orchestrator.gallery.index.store import Index
from orchestrator.gallery.listing import stat_file
from tests.gallery_files.pngs import png
from tests.gallery_index.project import Project


class TestFile:
    def test_an_index_is_there_after_a_restart(self, project: Project, tmp_path: Path) -> None:
        """Nothing is read again, and searches find what they found."""
        project.add("a.png")
        project.scan()
        project.index.close()

        project.index = Index(tmp_path / "cache")

        assert not project.index.is_new
        assert project.found("castle") == ["a.png"]
        assert project.scan().read == 0

    @pytest.mark.parametrize("harm", ["garbage", "empty", "other version", "cut"])
    def test_one_that_cannot_be_used_is_made_anew(
        self, project: Project, tmp_path: Path, harm: str
    ) -> None:
        """It is only a copy of what stands in the files."""
        project.add("a.png")
        project.scan()
        project.index.close()
        file = tmp_path / "cache" / schema.NAME
        if harm == "other version":
            connection = sqlite3.connect(file)
            connection.execute("PRAGMA user_version = 999")
            connection.close()
        else:
            whole = file.read_bytes()
            file.write_bytes(
                {"garbage": b"no table" * 999, "empty": b"", "cut": whole[:9000]}[harm]
            )

        project.index = Index(tmp_path / "cache")

        assert project.index.is_new
        assert project.scan().read == 1
        assert project.found("castle") == ["a.png"]

    def test_damage_that_shows_later_is_told(self, project: Project, tmp_path: Path) -> None:
        """By an error that says what happens to it."""
        for number in range(50):
            project.add(f"{number}.png", f"castle number {number} " * 50)
        project.scan()
        project.index.close()
        file = tmp_path / "cache" / schema.NAME
        whole = bytearray(file.read_bytes())
        project.index = Index(tmp_path / "cache")
        whole[8192 * 3 :] = b"\xff" * (len(whole) - 8192 * 3)
        file.write_bytes(whole)

        def look() -> None:
            list(project.index.all_files())
            project.search("castle")

        with pytest.raises(IndexDamaged):
            look()

    def test_a_disk_that_refuses_is_told(self, tmp_path: Path) -> None:
        """In words of ours."""
        (tmp_path / "cache").write_bytes(b"a file where the folder should be")
        with pytest.raises(IndexUnusable):
            Index(tmp_path / "cache")

    def test_one_that_another_program_holds_is_left_alone(
        self, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is not broken, only locked."""
        project.add("a.png")
        project.scan()
        project.index.close()
        monkeypatch.setattr(schema, "PATIENCE", 0.01)
        holder = sqlite3.connect(tmp_path / "cache" / schema.NAME, isolation_level=None)
        holder.execute("PRAGMA locking_mode = EXCLUSIVE")
        holder.execute("BEGIN EXCLUSIVE")
        try:
            with pytest.raises(IndexUnusable, match="locked"):
                Index(tmp_path / "cache")
        finally:
            holder.close()
        project.index = Index(tmp_path / "cache")
        assert project.known() == {"a.png"}

    def test_a_closed_one_says_so(self, project: Project) -> None:
        """Reading and writing."""
        project.index.close()
        with pytest.raises(IndexUnusable, match="closed"):
            project.index.count()
        with pytest.raises(IndexUnusable, match="closed"):
            project.index.forget(["a.png"])

    def test_many_read_while_one_writes(self, project: Project) -> None:
        """A reader sees whole batches."""
        for number in range(60):
            project.add(f"{number}.png")
        counts: set[int] = set()
        done = threading.Event()

        def look() -> None:
            while not done.is_set():
                counts.add(project.index.search(Search(text="castle")).total)

        readers = [threading.Thread(target=look) for _ in range(3)]
        for reader in readers:
            reader.start()
        project.scan()
        done.set()
        for reader in readers:
            reader.join()

        assert counts <= {0, FIRST_BATCH, 60}
        assert project.search("castle").total == 60


class TestQuestions:
    def test_what_is_known_of_a_file(self, project: Project) -> None:
        """Its size, its dimensions, its recipe, with seeds that need all 64 bits."""
        project.add("a/b.png", "a castle", seed=2**64 - 1)
        project.scan()

        found = project.index.file("a/b.png")

        assert found is not None
        assert (found.path, found.folder, found.name, found.kind) == (
            "a/b.png", "a", "b.png", "image"
        )  # fmt: skip
        assert (found.width, found.height, found.note, found.missing_ns) == (64, 48, None, None)
        assert found.birth_ns == stat_file(project.root / "a" / "b.png").birth_ns
        assert found.recipe.prompt == "a castle"
        assert found.recipe.models == ("sdxl/base.safetensors",)
        assert (found.recipe.seed, found.recipe.steps, found.recipe.cfg) == (2**64 - 1, 20, 7.0)
        assert project.index.file("a/none.png") is None

    def test_questions_about_many(self, project: Project) -> None:
        """By size, by folder; files that say nothing count as well."""
        project.add("a.png")
        project.write("b/c.png", png())
        project.write("b/d.mp4", b"no film")
        project.write("b/e.wav", b"no sound")
        project.scan()

        size = (project.root / "a.png").stat().st_size
        assert [file.path for file in project.index.files_of_size(size)] == ["a.png"]
        assert project.index.dimensions("b") == {"c.png": (64, 48)}
        assert project.index.folder_counts() == {
            ".": FolderCount(1, size, images=1),
            "b": FolderCount(3, len(png()) + 15, images=1, videos=1, sounds=1),
        }
        assert project.known() == {"a.png", "b/c.png", "b/d.mp4", "b/e.wav"}


class TestMoved:
    def test_nothing_is_read_again(self, project: Project) -> None:
        """And it is found by its new name, no longer by the old one."""
        project.add("old.png")
        project.scan()
        first = project.index.file("old.png")
        (project.root / "b").mkdir()
        (project.root / "old.png").rename(project.root / "b" / "new.png")

        project.index.moved([("old.png", "b/new.png")])

        assert project.found("new") == ["b/new.png"]
        assert project.found("old") == []
        assert project.found("castle", folder="b") == ["b/new.png"]
        assert project.scan().read == 0
        moved = project.index.file("b/new.png")
        assert first is not None
        assert moved is not None
        assert moved.first_seen_ns == first.first_seen_ns

    def test_swaps_and_circles(self, project: Project) -> None:
        """All at once, so nobody is in the way."""
        for name, prompt in {"a.png": "one", "b.png": "two", "c.png": "three"}.items():
            project.add(name, f"prompt {prompt}")
        project.scan()

        project.index.moved([("a.png", "b.png"), ("b.png", "c.png"), ("c.png", "a.png")])

        assert [project.found(word) for word in ("one", "two", "three")] == [
            ["b.png"], ["c.png"], ["a.png"]
        ]  # fmt: skip

    def test_what_was_replaced_is_forgotten(self, project: Project) -> None:
        """Its words as well; and unknown files are left to the next scan."""
        project.add("a.png", "first words")
        project.add("b.png", "second words")
        project.scan()

        project.index.moved([("a.png", "b.png"), ("unknown.png", "c.png")])

        assert project.known() == {"b.png"}
        assert project.found("second") == []
        assert project.found("first") == ["b.png"]

    def test_folders(self, project: Project) -> None:
        """With all below them, and without their neighbours."""
        for path in ("a/x.png", "a/b/y.png", "ab/z.png"):
            project.add(path)
        project.scan()

        project.index.moved_folder("a", "c/d")

        assert project.known() == {"c/d/x.png", "c/d/b/y.png", "ab/z.png"}

    def test_forgotten(self, project: Project) -> None:
        """As if it had never been there."""
        project.add("é.png", "a naïve 城堡")
        project.add("b.png")
        project.scan()

        project.index.forget(["é.png", "unknown.png"])

        assert project.known() == {"b.png"}
        assert project.found("城堡") == []
        assert project.search("").total == 1

    def test_a_missing_file_that_comes_back_changed(self, project: Project) -> None:
        """Is found by its new words, each once, and first seen when it was."""
        project.add("a.png", "first words")
        project.add("b.png", "other words")
        project.scan()
        before = project.index.file("a.png")
        (project.root / "a.png").unlink()
        project.scan()
        project.add("a.png", "second words")
        project.scan()

        assert project.found("first") == []
        assert project.found("second") == ["a.png"]
        assert project.search("words").total == 2
        after = project.index.file("a.png")
        assert before is not None
        assert after is not None
        assert after.first_seen_ns == before.first_seen_ns


class TestTidy:
    def test_many_small_pieces_become_few(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Each batch is a piece; searches find the same before and after, and there is an end."""
        monkeypatch.setattr(scanner, "FIRST_BATCH", 2)
        monkeypatch.setattr(scanner, "BATCH", 2)
        for number in range(40):
            project.add(f"{number}.png", f"castle number{number}")
        monkeypatch.setattr(Scan, "_tidy", lambda _: None)
        project.scan()
        before = project.found("castle"), pieces(project)

        while project.index.tidy():
            pass

        assert project.found("castle") == before[0]
        assert len(before[0]) == 40
        assert pieces(project) < before[1]
        assert not project.index.tidy()


def pieces(project: Project) -> int:
    """How many pieces the word table has on disk."""
    with project.index._reading() as connection:
        (count,) = connection.execute("SELECT count(DISTINCT segid) FROM words_idx").fetchone()
    return int(count)
