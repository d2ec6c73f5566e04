r"""Paths of the frontend: absolute, of another system (`W:\`), relative; with a project or not."""

from __future__ import annotations

import pytest

from orchestrator.paths.mappings import PathMapping
from tests.http.frontend.page import FIRST, SECOND, Page
from tests.http.studio import Service, Studio, events_of, picture

MAPPED = "W:\\Eliot"


@pytest.fixture
async def mapped(studio: Studio) -> Page:
    r"""A service to which `W:\` is the share."""
    share = str(studio.share)
    mapping = PathMapping(id="w", windows="W:\\", linux=share, macos=share)
    return Page(await studio.host(path_mappings=(mapping,)))


def names_of(page: Page, relative: str) -> list[str]:
    """One file by all of its names."""
    return [
        relative,
        relative.replace("/", "\\"),
        page.path(relative),
        f"{MAPPED}\\" + relative.replace("/", "\\"),
        f"w:/Eliot/{relative}",
    ]


class TestNames:
    async def test_rating_keys(self, mapped: Page) -> None:
        """The key is what is left of a path when the project's was cut off, if it could be."""
        for stars, name in enumerate(names_of(mapped, FIRST), start=1):
            told = await mapped.post("ratings", ratings={name: stars})
            assert told["ratings"] == {FIRST: stars}
            assert (await mapped.get("ratings"))["ratings"] == {FIRST: stars}

    async def test_the_project_by_each_name(self, mapped: Page) -> None:
        """A person types it; stars must not depend on how."""
        for stars, project in enumerate((MAPPED, "w:/Eliot/", mapped.project), start=1):
            sent = {"project_path": project, "ratings": {mapped.path(FIRST): stars}}
            await mapped.good("POST", "/api/gallery/ratings", sent)
            sent = {"project_path": project, "folder_path": f"{project}/Panel_01"}
            (first, *_) = (await mapped.good("POST", "/api/gallery/scan-folder", sent))["files"]
            assert (first["path"], first["rel_path"]) == (mapped.path(FIRST), FIRST)
            assert first["rating"] == stars

    async def test_file_tags(self, mapped: Page) -> None:
        """One request for each file, by whichever name."""
        tag = await mapped.make_tag("Hero")
        for action in ("add", "remove") * 2, ("add",):
            for each, name in zip(action, names_of(mapped, FIRST), strict=False):
                told = await mapped.post("file-tags", file_path=name, tag_ids=[tag], action=each)
                assert told["file_path"] == FIRST
                assert len(told["tags"]) == (each == "add")
        assert (await mapped.get("tags"))["tags"][0]["file_count"] == 1

    async def test_files_are_moved_and_trashed(self, mapped: Page) -> None:
        """Answers name them as the listing does."""
        names, others = names_of(mapped, FIRST), names_of(mapped, SECOND)
        told = await mapped.post(
            "move-files", file_paths=[names[3]], target_folder=f"{MAPPED}\\Panel_02"
        )
        assert told["moved"][0]["new_path"] == mapped.path("Panel_02/" + FIRST.rpartition("/")[2])
        assert (await mapped.post("trash", file_paths=[others[4]]))["trashed"] == [others[2]]
        (binned,) = (await mapped.get("trash"))["files"]
        windows = MAPPED + binned["path"].removeprefix(mapped.project).replace("/", "\\")
        back = await mapped.post("restore", file_paths=[windows])
        assert back["restored"] == [others[2]]

    async def test_a_search_in_a_folder(self, mapped: Page) -> None:
        """The folder is an absolute path."""
        plain = await mapped.post("search", query="", folder_path=f"{MAPPED}\\Panel_02")
        assert plain["success"] is True

    async def test_separators_out(self, mapped: Page) -> None:
        """Keys of stars and tags are cut with `/`."""
        picture(mapped.file("Panel_01/sub/a.png"))
        sent = {"folder_path": MAPPED}
        folders = (await mapped.good("POST", "/api/gallery/scan-tree", sent))["folders"]
        assert [folder["rel_path"] for folder in folders][:3] == [".", "Panel_01", "Panel_01/sub"]
        assert all("\\" not in folder["path"] for folder in folders)


class TestWithoutProject:
    """Half of the calls may come without a project; the file says where it lies."""

    async def test_looking_makes_no_project(self, page: Page) -> None:
        """The predecessor left a `.gallery` in every folder that somebody looked at."""
        folder = page.path("Panel_01")
        sent = {"folder_path": folder, "project_path": ""}
        for endpoint in ("scan-tree", "scan-folder", "folder-stats", "find-duplicates"):
            await page.good("POST", f"/api/gallery/{endpoint}", sent)
        await page.good("POST", "/api/gallery/file-info", {"file_path": page.path(FIRST)})
        assert not list(page.service.project.rglob(".gallery"))

    async def test_the_project_above_is_meant(self, page: Page) -> None:
        """Stars stand in the listing, and a rename is told in its log."""
        await page.post("ratings", ratings={FIRST: 3})
        sent = {"folder_path": page.path("Panel_01")}
        (first, *_) = (await page.good("POST", "/api/gallery/scan-folder", sent))["files"]
        assert (first["rel_path"], first["rating"]) == (FIRST, 3)
        await page.good(
            "POST", "/api/gallery/rename-file",
            {"file_path": page.path(FIRST), "new_name": "hero.png"},
        )  # fmt: skip
        assert "asset.moved" in [each["t"] for each in events_of(page.service.project)]
        assert (await page.get("ratings"))["ratings"] == {"Panel_01/hero.png": 3}

    async def test_nothing_is_changed_outside_of_projects(
        self, service: Service, page: Page
    ) -> None:
        """No log could tell of it, and nobody could undo it."""
        stray = picture(service.project.parent / "stray" / "a.png")
        sent = {"file_path": str(stray), "new_name": "b.png"}
        assert "no project" in await page.refused("POST", "/api/gallery/rename-file", sent)
        many = {"file_paths": [str(stray)], "pattern": "b", "target_folder": str(stray.parent)}
        for endpoint in ("batch-rename", "move-files"):
            await page.refused("POST", f"/api/gallery/{endpoint}", many)
        renamed = {"folder_path": str(stray.parent), "dry_run": False}
        await page.refused("POST", "/api/gallery/auto-rename", renamed)
        assert stray.exists()
        assert not (stray.parent / ".gallery").exists()
