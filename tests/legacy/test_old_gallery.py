"""What an old `gallery.json` says, and what of it makes no sense."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from orchestrator.gallery.legacy.left_out import LeftOuts
from orchestrator.gallery.legacy.old_gallery import (
    MAX_NOTE,
    MAX_TAGS_OF_FILE,
    OldFile,
    OldGallery,
    OldTag,
    read_gallery,
)
from orchestrator.gallery.legacy.old_views import OldView
from tests.legacy.old_project import gallery, record, view


def read(document: dict[str, Any]) -> tuple[OldGallery, list[tuple[str, str]]]:
    """What a document says, and what was left out: which, and why."""
    left = LeftOuts()
    found = read_gallery(document, "old", left)
    return found, [(one.what, one.reason) for one in left.named]


def file_of(said: dict[str, Any], tags: dict[str, Any] | None = None) -> OldFile | None:
    """What a record says of its file."""
    found, _ = read(gallery(files={"P/a.png": said}, tags=tags))
    return found.files[0] if found.files else None


class TestRatings:
    @pytest.mark.parametrize(("rating", "stars"), [(1, 1), (5, 5), (9, 5), (3.0, 3), (10**30, 5)])
    def test_stars(self, rating: float, stars: int) -> None:
        """More than five are five, as the predecessor clamped them."""
        said = file_of({"rating": rating})

        assert said == OldFile("P/a.png", stars, (), "")

    @pytest.mark.parametrize("rating", [0, -3, None])
    def test_none(self, rating: int | None) -> None:
        """A record in which nothing is said is only counted."""
        found, left = read(gallery(files={"P/a.png": {"rating": rating}}))

        assert (found.files, found.silent, left) == ((), 1, [])

    @pytest.mark.parametrize("rating", [3.5, "4", True, [4], {}, float("inf"), float("nan")])
    def test_garbage(self, rating: object) -> None:
        """What is no number of stars is named, and the rest of the record is used."""
        found, left = read(gallery(files={"P/a.png": {"rating": rating, "notes": "good"}}))

        assert found.files == (OldFile("P/a.png", 0, (), "good"),)
        assert left == [("P/a.png", "its rating is no whole number")]


class TestTags:
    def test_names_are_trimmed_and_colours_completed(self) -> None:
        tags = {
            "1": {"name": "  hero \n shot ", "color": "#F00"},
            "2": {"name": "todo", "color": "red"},
            "3": {"name": "plate"},
            "4": {"name": "key", "color": "#00FF7f"},
        }
        found, left = read(gallery(tags=tags))

        assert found.tags == (
            OldTag("hero shot", "#ff0000"),
            OldTag("todo", "#808080"),
            OldTag("plate", "#808080"),
            OldTag("key", "#00ff7f"),
        )
        assert left == []

    def test_two_of_one_name_become_one(self) -> None:
        """Case and composition do not tell names apart; the older tag's colour counts."""
        tags = {
            "10": {"name": "café", "color": "#222222"},
            "2": {"name": "Café", "color": "#111111"},
        }
        found, _ = read(gallery(files={"P/a.png": record(tag_ids=(10, 2))}, tags=tags))

        assert found.tags == (OldTag("Café", "#111111"),)
        assert found.files[0].tags == ("Café",)

    @pytest.mark.parametrize("tag", [None, 7, {}, {"name": ""}, {"name": " "}, {"name": "\udcff"}])
    def test_without_a_name_it_is_left_out(self, tag: object) -> None:
        found, left = read(gallery(files={"P/a.png": record(3, tag_ids=(1,))}, tags={"1": tag}))

        assert found.tags == ()
        assert found.files == (OldFile("P/a.png", 3, (), ""),)
        assert left == [
            ("tag 1", "the tag has no name"),
            ("P/a.png (tag 1)", "the tag is not defined"),
        ]

    def test_ids_may_be_texts(self) -> None:
        said = file_of({"tag_ids": ["1", 1]}, {"1": {"name": "hero", "color": "#ff0000"}})

        assert said is not None
        assert said.tags == ("hero",)

    def test_too_many_on_one_file(self) -> None:
        """A hostile store makes no line that the log could not hold."""
        tags = {str(n): {"name": f"t{n}"} for n in range(MAX_TAGS_OF_FILE + 10)}
        found, left = read(
            gallery(files={"P/a.png": {"tag_ids": list(range(len(tags)))}}, tags=tags)
        )

        assert len(found.files[0].tags) == MAX_TAGS_OF_FILE
        assert left == [("P/a.png", f"it has more than {MAX_TAGS_OF_FILE} tags")]


class TestFiles:
    def test_notes_are_kept_whole(self) -> None:
        said = file_of(record(notes="line\n  é 🎬\n"))

        assert said is not None
        assert said.note == "line\n  é 🎬\n"

    @pytest.mark.parametrize("note", [7, "x" * (MAX_NOTE + 1), "\udcff"])
    def test_notes_that_cannot_be_kept(self, note: object) -> None:
        found, left = read(gallery(files={"P/a.png": {"notes": note, "rating": 2}}))

        assert found.files == (OldFile("P/a.png", 2, (), ""),)
        assert [what for what, _ in left] == ["P/a.png"]

    def test_paths_outside_are_named(self) -> None:
        """Whatever leads out of the project is left out, and said so."""
        files = {path: record(4) for path in ("/a.png", "../a.png", "C:\\a.png", "P\\a.png")}
        found, left = read(gallery(files=files))

        assert [file.path for file in found.files] == ["P/a.png"]
        assert [what for what, _ in left] == ["/a.png", "../a.png", "C:\\a.png"]

    def test_what_is_no_media_is_named(self) -> None:
        found, left = read(gallery(files={"notes.txt": record(4)}))

        assert found.files == ()
        assert left == [("notes.txt", "it is no picture, video or sound")]


class TestViews:
    def test_texts_become_what_they_hold(self) -> None:
        old = view(
            filters_json='{"rating": 3}', folder_tree_state='{"open": ["P"]}', current_path="P"
        )
        found, left = read(gallery(views={"default": old}))

        settings = {
            "view_mode": "grid",
            "sort_field": "name",
            "sort_direction": "asc",
            "current_path": "P",
            "thumbnail_size": 200,
            "filters": {"rating": 3},
            "folder_tree_state": {"open": ["P"]},
        }
        assert found.views == (OldView("default", settings),)
        assert left == []

    def test_what_cannot_be_read_is_left_out_alone(self) -> None:
        old = view(filters_json="{", folder_tree_state="[]", thumbnail_size=9, sort_field=3)
        found, left = read(gallery(views={"default": old}))

        settings = {"view_mode": "grid", "sort_direction": "asc", "current_path": ""}
        assert found.views == (OldView("default", settings),)
        assert [reason.split()[0] for _, reason in left] == [
            "sort_field",
            "thumbnail_size",
            "filters_json",
            "folder_tree_state",
        ]

    @pytest.mark.parametrize(
        ("name", "old"),
        [("", view()), ("x" * 101, view()), ("v", 7), ("v", view(current_path="x" * 300_000))],
        ids=["no name", "long name", "number", "too large"],
    )
    def test_views_that_cannot_be_kept(self, name: str, old: object) -> None:
        found, left = read(gallery(views={name: old}))

        assert found.views == ()
        assert len(left) == 1


JUNK: list[Any] = [
    None,
    True,
    7,
    -1.5,
    float("nan"),
    "",
    "x",
    "{",
    [],
    [None, [1], {}],
    {},
    {"": []},
]
FIELDS = ("rating", "notes", "tag_ids", "name", "color", "filters_json", "thumbnail_size")


@pytest.mark.parametrize("junk", JUNK, ids=repr)
def test_never_raises(junk: Any) -> None:
    """Wrong types everywhere: what is read makes sense, the rest is left out."""
    whole = dict.fromkeys(FIELDS, junk)
    parts: list[Any] = [junk, {"P/a.png": junk}, {"P/a.png": whole}, {"1": junk}, {"1": whole}]
    for files, tags in itertools.product(parts, parts):
        found, _ = read({"files": files, "tags": tags, "views": tags})

        for said in found.files:
            assert 0 <= said.stars <= 5
            assert said.stars or said.tags or said.note
