"""The index follows what lies in the project, and never takes an absent share for deleted files."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path

import pytest

from orchestrator.gallery.index import scanner
from orchestrator.gallery.index.differences import is_offline
from orchestrator.gallery.index.model import Progress, Seen
from orchestrator.gallery.index.reading import Entry, read_entry
from orchestrator.gallery.index.rows import Row
from orchestrator.gallery.index.scanner import Scan, differing
from orchestrator.gallery.listing import list_folder, stat_file
from tests.gallery_files.pngs import png, text
from tests.gallery_index.project import Project, graph


class TestScan:
    def test_only_what_is_new_or_changed_is_read(self, project: Project) -> None:
        """The newest first: people look at those."""
        for name in ("a.png", "b/c.png", "b/d.png"):
            project.add(name)

        report = project.scan()
        assert project.read == ["b/d.png", "b/c.png", "a.png"]
        assert (report.files, report.read, report.changed, report.offline) == (3, 3, 0, False)

        project.add("b/c.png", "another prompt")
        report = project.scan()
        assert project.read == ["b/c.png"]
        assert (report.files, report.read, report.changed) == (3, 1, 1)
        assert project.found("another") == ["b/c.png"]
        assert project.found("castle", folder="b") == ["b/d.png"]
        assert report.touched == ("b/c.png",)

        assert project.scan().read == 0

    def test_first_sight_is_kept_when_a_file_changes(self, project: Project) -> None:
        """A new rendering under an old name is still that place's file."""
        project.add("a.png")
        project.scan()
        before = project.index.file("a.png")
        project.add("a.png", "another prompt")
        project.scan()
        after = project.index.file("a.png")
        assert before is not None
        assert after is not None
        assert before.first_seen_ns == after.first_seen_ns

    def test_hidden_files_are_no_business_of_it(self, project: Project) -> None:
        """Nor other programs' folders."""
        for path in (".gallery/a.png", ".b.png", "@eaDir/c.png", "d.txt", "e.png"):
            project.write(path, png())
        assert project.scan().files == 1
        assert project.known() == {"e.png"}

    def test_broken_and_hostile_files_are_listed_all_the_same(self, project: Project) -> None:
        """With a note; and whatever stands in them does no harm."""
        project.write("no.png", b"not a picture")
        project.write("cut.png", png(text("prompt", graph("x" * 200)))[:200])
        project.write("odd.png", png(text("parameters", b"a \"NUL\0 -- ') OR 1=1; \xff")))
        report = project.scan()
        assert (report.read, report.unreadable) == (3, ())
        no = project.index.file("no.png")
        assert no is not None
        assert no.note
        assert project.found("NUL") in ([], ["odd.png"])
        assert project.scan().read == 0

    def test_when_files_were_created_is_known(self, project: Project) -> None:
        """Of those of the first scan, and of those that came later or changed."""
        project.add("a.png")
        project.add("b.png")
        project.scan()
        project.add("b.png", "another prompt")
        project.add("c.png")
        project.scan()

        for name in ("a.png", "b.png", "c.png"):
            found = project.index.file(name)
            assert found is not None
            assert found.birth_ns == stat_file(project.root / name).birth_ns

    def test_progress_ends_with_done(self, project: Project) -> None:
        """Each phase is told."""
        project.add("a.png")
        told: list[Progress] = []
        Scan(project.root, project.index, tell=told.append).run()
        assert [progress.phase for progress in told if progress.done == progress.total][
            -1
        ] == "done"
        assert {progress.phase for progress in told} == {"looking", "reading", "done"}


class TestBatches:
    @pytest.mark.parametrize(
        ("quick", "sizes"), [(1000.0, [2, 8, 20, 20]), (0.0, [2, 2, 2, 2])], ids=["fast", "slow"]
    )
    def test_they_are_as_large_as_the_share_is_fast(
        self, project: Project, monkeypatch: pytest.MonkeyPatch, quick: float, sizes: list[int]
    ) -> None:
        """Large ones are cheap to write; of a slow share there shall be something to see soon."""
        monkeypatch.setattr(scanner, "FIRST_BATCH", 2)
        monkeypatch.setattr(scanner, "BATCH", 20)
        monkeypatch.setattr(scanner, "_QUICK", quick)
        for number in range(50):
            project.add(f"{number}.png")
        put, met = project.index.put, list[int]()

        def count(batch: Sequence[Row]) -> Future[None]:
            met.append(len(batch))
            return put(batch)

        monkeypatch.setattr(project.index, "put", count)
        project.scan()

        assert met[:4] == sizes
        assert sum(met) == 50


class TestMissing:
    def test_few_missing_files_are_missing(self, project: Project) -> None:
        """Not found any more, but all that is known of them is kept."""
        project.add("a.png")
        project.add("b.png", "another castle")
        project.scan()
        (project.root / "b.png").unlink()

        report = project.scan()

        assert (report.missing, report.offline, report.touched) == (1, False, ("b.png",))
        assert project.found("castle") == ["a.png"]
        (gone,) = project.index.missing()
        assert (gone.path, gone.recipe.prompt) == ("b.png", "another castle")
        assert gone.missing_ns is not None
        assert project.scan().missing == 0

    def test_what_is_back_is_not_read_again(self, project: Project) -> None:
        """If it is as it was."""
        project.add("a.png")
        project.add("b.png", "another castle")
        project.scan()
        (project.root / "b.png").rename(project.root.parent / "b.png")
        project.scan()
        (project.root.parent / "b.png").rename(project.root / "b.png")

        report = project.scan()

        assert (report.read, report.missing, project.index.missing()) == (0, 0, [])
        assert project.found("another") == ["b.png"]

    def test_a_folder_that_went_is_missing_with_its_files(self, project: Project) -> None:
        """As long as they are few."""
        project.add("a/x.png")
        project.add("b.png")
        project.scan()
        shutil.rmtree(project.root / "a")
        assert project.scan().missing == 1
        assert project.known() == {"b.png"}

    def test_a_file_that_moved_while_we_looked_is_not_missing(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Between the listing and the question it was renamed by the service."""
        project.add("a/x.png")
        project.add("b/y.png")
        project.scan()
        known = project.index.known

        def known_later(folder: str) -> dict[str, tuple[int, int, bool]]:
            old = project.root / "a" / "x.png"
            if folder == "b" and old.exists():
                old.rename(project.root / "b" / "x.png")
                project.index.moved([("a/x.png", "b/x.png")])
            return known(folder)

        monkeypatch.setattr(project.index, "known", known_later)
        project.scan()

        assert project.known() == {"b/x.png", "b/y.png"}
        assert project.index.missing() == []


class TestOffline:
    @pytest.mark.parametrize(
        ("known", "missing", "offline"),
        [(10, 10, False), (100, 20, False), (100, 21, True), (1000, 30, False), (1000, 31, True)],
    )
    def test_how_many_are_too_many(self, known: int, missing: int, offline: bool) -> None:
        """More than 20, and more than three per cent."""
        assert is_offline(known, missing, nothing_there=False) == offline
        assert is_offline(known, missing, nothing_there=True)

    def test_a_mass_miss_waits_to_be_confirmed(self, project: Project) -> None:
        """Nothing is recorded, not even what is new; then somebody says that it is so."""
        for number in range(30):
            project.add(f"a/{number}.png")
        project.add("b.png")
        project.scan()
        shutil.rmtree(project.root / "a")
        project.add("new.png")

        report = project.scan()
        assert (report.offline, report.missing, report.read) == (True, 30, 0)
        assert len(project.known()) == 31

        report = project.scan(accept_loss=True)
        assert (report.offline, report.missing, report.read) == (False, 30, 1)
        assert project.known() == {"b.png", "new.png"}

    def test_a_folder_that_was_renamed_is_no_mass_miss(self, project: Project) -> None:
        """The same files are met elsewhere, and a share that is away shows no new ones."""
        for number in range(30):
            project.add(f"a/{number}.png")
        project.add("b.png")
        project.scan()
        (project.root / "a").rename(project.root / "c")

        report = project.scan()

        assert (report.offline, report.missing, report.read) == (False, 30, 30)
        assert project.known() == {"b.png", *(f"c/{number}.png" for number in range(30))}

    def test_new_files_do_not_make_up_for_missing_ones(self, project: Project) -> None:
        """Others came while many went: that is a mass miss all the same."""
        for number in range(30):
            project.add(f"a/{number}.png")
        project.add("b.png")
        project.scan()
        shutil.rmtree(project.root / "a")
        for number in range(30):
            project.add(f"c/{number}.png")

        assert project.scan().offline

    @pytest.mark.parametrize("how", ["gone", "empty", "a file"])
    def test_a_share_that_is_not_mounted(self, project: Project, how: str) -> None:
        """Whatever is there instead, and whatever somebody confirms."""
        project.add("a.png")
        project.scan()
        shutil.rmtree(project.root)
        if how == "empty":
            project.root.mkdir()
        if how == "a file":
            project.root.write_bytes(b"")

        for accept_loss in (False, True):
            report = project.scan(accept_loss=accept_loss)
            assert report.offline
            assert project.known() == {"a.png"}
        assert project.index.missing() == []

    def test_a_share_that_goes_while_we_look(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The folders that were still to come are not there, but not deleted."""
        project.add("a/x.png")
        project.add("b.png")
        project.scan()
        known = project.index.known

        def known_then_gone(folder: str) -> dict[str, tuple[int, int, bool]]:
            if project.root.exists():
                project.root.rename(project.root.with_name("away"))
            return known(folder)

        monkeypatch.setattr(project.index, "known", known_then_gone)

        assert project.scan().offline
        assert project.known() == {"a/x.png", "b.png"}

    def test_a_new_project_may_be_empty(self, project: Project) -> None:
        """Nothing known, nothing missed."""
        assert not project.scan().offline

    def test_folders_that_cannot_be_read_are_named_not_missed(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What was known of them, and below them, stays."""
        for path in ("a/x.png", "a/b/y.png", "c/z.png"):
            project.add(path)
        project.scan()
        scandir = os.scandir

        def refuse(path: str | Path) -> object:
            if os.fspath(path).endswith("/a"):
                raise PermissionError(13, "Permission denied")
            return scandir(path)

        monkeypatch.setattr(os, "scandir", refuse)
        report = project.scan()

        assert (report.unreadable, report.missing, report.offline) == (("a",), 0, False)
        assert len(project.known()) == 3

    def test_files_that_cannot_be_read_keep_their_rows(self, project: Project) -> None:
        """They are named, and tried again by the next scan."""
        project.add("a.png")
        project.scan()
        project.add("a.png", "another prompt")

        def refuse(path: str) -> Entry:
            raise OSError(5, "Input/output error", path)

        report = Scan(project.root, project.index, read=refuse).run()
        assert (report.unreadable, report.read, report.offline) == (("a.png",), 0, False)
        assert project.found("castle") == ["a.png"]
        assert project.scan().read == 1

    def test_a_share_that_goes_while_we_read(self, project: Project) -> None:
        """After many failures in a row it is left alone."""
        for number in range(40):
            project.add(f"{number}.png")
        tried: list[str] = []

        def refuse(path: str) -> Entry:
            tried.append(path)
            raise OSError(112, "Host is down", path)

        report = Scan(project.root, project.index, read=refuse).run()
        assert report.offline
        assert len(tried) < 40

    def test_a_file_that_vanishes_before_it_is_read(self, project: Project) -> None:
        """Is not worth a word: the next scan will know."""
        project.add("a.png")
        project.add("b.png")

        def read(path: str) -> Entry:
            (project.root / "a.png").unlink(missing_ok=True)
            return read_entry(path)

        report = Scan(project.root, project.index, read=read).run()
        assert (report.read, report.unreadable) == (1, ())
        assert project.known() == {"b.png"}


class TestStop:
    def test_half_of_a_scan_is_gone_on_with(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What was read is kept, and not read again."""
        monkeypatch.setattr(scanner, "FIRST_BATCH", 4)
        monkeypatch.setattr(scanner, "BATCH", 4)
        for number in range(12):
            project.add(f"{number}.png")
        stop = threading.Event()
        read: list[str] = []

        def reader(path: str) -> Entry:
            read.append(path)
            if len(read) == 6:
                stop.set()
            return read_entry(path)

        report = Scan(project.root, project.index, stop, read=reader).run()
        assert report.stopped
        assert 4 <= report.read < 12
        assert len(project.known()) == report.read

        assert project.scan().read == 12 - report.read
        assert project.search("castle").total == 12

    def test_two_scans_at_once_read_each_file_once(self, project: Project) -> None:
        """The second waits for the first, and finds nothing left to do."""
        for number in range(30):
            project.add(f"{number}.png")
        read: list[str] = []

        def reader(path: str) -> Entry:
            read.append(path)
            return read_entry(path)

        threads = [
            threading.Thread(target=Scan(project.root, project.index, read=reader).run)
            for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(read) == 30
        assert project.search("castle").total == 30

    def test_a_scan_that_waits_for_another_can_be_stopped(self, project: Project) -> None:
        """It must not hang behind one that hangs on the share."""
        stop = threading.Event()
        stop.set()
        with project.index.scanning:
            report = Scan(project.root, project.index, stop).run()
        assert (report.stopped, report.read) == (True, 0)


class TestListed:
    def test_a_listing_tells_what_must_be_read(self, project: Project) -> None:
        """Without a walk through the whole project."""
        project.add("a/old.png")
        project.scan()
        project.add("a/new.png", "a submarine")
        project.add("elsewhere.png")

        files = differing(project.index, "a", list_folder(project.root / "a"))
        assert [file.path for file in files] == ["a/new.png"]

        report = Scan(project.root, project.index).read_only(files)
        assert report.read == 1
        assert project.found("submarine") == ["a/new.png"]
        assert differing(project.index, "a", list_folder(project.root / "a")) == []

    def test_paths(self) -> None:
        """The project itself is `.`."""
        assert Seen(".", "a.png", 1, 1, 1).path == "a.png"
        assert Seen("b/c", "a.png", 1, 1, 1).path == "b/c/a.png"
