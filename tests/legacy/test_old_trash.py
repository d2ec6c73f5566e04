"""What lies in the old trash, and where it came from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from events.trash import FileTrashed
from orchestrator.gallery.fingerprint import head_of
from orchestrator.gallery.legacy.left_out import LeftOuts
from orchestrator.gallery.legacy.old_trash import InTrash, list_trash, look_into_trash
from tests.legacy.old_project import OldProject


def listed(
    old: OldProject, manifest: dict[str, Any], trash: str = ".trash"
) -> tuple[list[InTrash], list[tuple[str, str]]]:
    """The old trash, and what was left out: which, and why."""
    left = LeftOuts()
    found = list_trash(old.root, trash, manifest, "manifest", left)
    return found, [(one.what, one.reason) for one in left.named]


class TestOrigins:
    def test_the_manifest_says_where_a_file_came_from(self, old: OldProject) -> None:
        manifest = {"P/a.png": "P/a.png", "P/a_1.png": "P/a.png", "Q\\b.png": "Q\\b.png"}
        old.trash(manifest, lying={"P/a.png": b"1", "P/a_1.png": b"2", "Q/b.png": b"3"})

        found, left = listed(old, manifest)

        assert found == [
            InTrash(".trash/P/a.png", "P/a.png", ()),
            InTrash(".trash/P/a_1.png", "P/a.png", ()),
            InTrash(".trash/Q/b.png", "Q/b.png", ()),
        ]
        assert left == []

    def test_files_that_it_does_not_name_came_from_the_same_place(self, old: OldProject) -> None:
        """As the predecessor would have restored them; but only what a gallery shows."""
        old.trash({}, lying={"P/a.png": b"1", "P/notes.txt": b"2", "P/Thumbs.db": b"3"})

        found, _ = listed(old, {})

        assert found == [InTrash(".trash/P/a.png", "P/a.png", ())]

    def test_a_folder_that_was_trashed_whole(self, old: OldProject) -> None:
        manifest = {"Panel_1": "Panel"}
        old.trash(manifest, lying={"Panel_1/sub/a.png": b"1"})

        found, left = listed(old, manifest)

        assert found == [InTrash(".trash/Panel_1/sub/a.png", "Panel/sub/a.png", ())]
        assert left == []

    def test_an_origin_outside_is_not_believed(self, old: OldProject) -> None:
        """The file can still be seen and restored, to a place in the project."""
        manifest = {"a.png": "../../etc/a.png", "b.png": 7}
        old.trash(manifest, lying={"a.png": b"1", "b.png": b"2"})

        found, left = listed(old, manifest)

        assert [file.path for file in found] == ["a.png", "b.png"]
        assert [what for what, _ in left] == ["b.png", "a.png"]

    def test_entries_without_a_file_are_named(self, old: OldProject) -> None:
        manifest = {"gone.png": "P/gone.png", "../up.png": "up.png"}
        old.trash(manifest, lying={"a.png": b"1"})

        _, left = listed(old, manifest)

        assert [what for what, _ in left] == ["../up.png", "gone.png"]

    def test_in_the_shared_folder_only_named_files_count(self, old: OldProject) -> None:
        """There this service keeps its own trash, which the log tells of already."""
        trash = ".gallery/.trash"
        old.trash({"a.png": "P/a.png"}, trash, lying={"a.png": b"1", "0192-id/b.png": b"2"})

        found, _ = listed(old, {"a.png": "P/a.png"}, trash)

        assert found == [InTrash(".gallery/.trash/a.png", "P/a.png", ())]


class TestSidecars:
    def test_the_one_of_the_same_stem_belongs_to_it(self, old: OldProject) -> None:
        old.trash({}, lying={"a_1.png": b"1", "a_1.json": b"{}", "b.png": b"2"})

        found, _ = listed(old, {"a_1.png": "a.png"})

        assert [file.sidecars for file in found] == [("a_1.json",), ()]

    def test_one_of_two_files_is_not_guessed_at(self, old: OldProject) -> None:
        """`a.png` and `a.mp4`: nobody can say whose `a.json` is; it stays where it is."""
        old.trash({}, lying={"a.png": b"1", "a.mp4": b"2", "a.json": b"{}"})

        found, _ = listed(old, {})

        assert [file.sidecars for file in found] == [(), ()]


class TestLook:
    def test_the_event_says_where_it_lies(self, old: OldProject) -> None:
        path = old.file(".trash/P/a_1.png", b"abc")

        told = look_into_trash(old.root, InTrash(".trash/P/a_1.png", "P/a.png", ("a_1.json",)))

        assert isinstance(told, FileTrashed)
        assert (told.path, told.place, told.name) == ("P/a.png", ".trash/P/a_1.png", "a_1.png")
        assert (told.size, told.mtime) == (3, path.stat().st_mtime_ns)
        assert told.sidecars == ("a_1.json",)

    def test_the_id_is_that_of_the_file(self, old: OldProject, tmp_path: Path) -> None:
        """Every host gives it the same; another file at that place gets another."""
        file = InTrash(".trash/a.png", "a.png", ())
        old.file(file.place, b"abc")
        first = look_into_trash(old.root, file)
        twin = OldProject(tmp_path / "twin")
        twin.file(file.place, b"abc")
        old.file(file.place, b"abd")
        second = look_into_trash(old.root, file)
        third = look_into_trash(twin.root, file)

        assert isinstance(first, FileTrashed)
        assert isinstance(second, FileTrashed)
        assert isinstance(third, FileTrashed)
        assert first.trash == third.trash
        assert first.trash != second.trash
        assert head_of(b"abc") != head_of(b"abd")

    def test_links_and_missing_files_are_told(self, old: OldProject) -> None:
        old.file("a.png")
        (old.root / ".trash").mkdir()
        (old.root / ".trash" / "a.png").symlink_to(old.root / "a.png")

        assert look_into_trash(old.root, InTrash(".trash/a.png", "a.png", ())) == (
            "it is a link, or no file"
        )
        assert isinstance(look_into_trash(old.root, InTrash(".trash/b.png", "b.png", ())), str)
