"""The gallery tab, call by call: a request, and the fields that are read of its answer."""

from __future__ import annotations

from typing import Any

import orjson

from orchestrator.services import FINDER, INDEXES
from tests.http.frontend.page import FIRST, OTHER, SECOND, THIRD, Page
from tests.http.studio import PROMPT, WORKFLOW, picture


class TestBrowsing:
    async def test_scan_tree(self, page: Page) -> None:
        """One flat list with the root in it; parents are found by their paths as text."""
        picture(page.file("Panel_01/sub/a.png"))
        folders = (await page.good(
            "POST", "/api/gallery/scan-tree", {"folder_path": page.project}
        ))["folders"]  # fmt: skip
        assert [(f["name"], f["rel_path"], f["file_count"]) for f in folders] == [
            ("Eliot", ".", 0),
            ("Panel_01", "Panel_01", 3),
            ("sub", "Panel_01/sub", 1),
            ("Panel_02", "Panel_02", 1),
            ("Panel_10", "Panel_10", 1),
        ]
        paths = [folder["path"] for folder in folders]
        assert paths[0] == page.project
        assert all(path.rpartition("/")[0] in paths for path in paths[1:])
        assert folders[0]["subfolders"] == ["Panel_01", "Panel_02", "Panel_10"]

    async def test_scan_tree_of_a_folder(self, page: Page) -> None:
        """The folder that was asked for is the root."""
        picture(page.file("Panel_01/sub/a.png"))
        sent = {"folder_path": page.path("Panel_01")}
        folders = (await page.good("POST", "/api/gallery/scan-tree", sent))["folders"]
        assert [(f["path"], f["rel_path"]) for f in folders] == [
            (page.path("Panel_01"), "."),
            (page.path("Panel_01/sub"), "sub"),
        ]

    async def test_scan_folder(self, page: Page) -> None:
        """Times in seconds, tags as a list, an ending on every file."""
        tag = await page.make_tag("Hero")
        await page.post("ratings", ratings={FIRST: 4})
        await page.post("file-tags", file_path=FIRST, tag_ids=[tag], action="add")
        files = (await page.post("scan-folder", folder_path=page.path("Panel_01")))["files"]
        assert [file["rel_path"] for file in files] == [FIRST, SECOND, THIRD]
        first, info = files[0], page.file(FIRST).stat()
        assert abs(first["modified"] - info.st_mtime) < 1e-5
        assert isinstance(first["created"], float)
        assert (first["name"], first["path"]) == (FIRST.rpartition("/")[2], page.path(FIRST))
        assert (first["size"], first["type"], first["extension"]) == (
            info.st_size, "image", ".png",
        )  # fmt: skip
        assert first["rating"] == 4
        assert first["tags"] == [{"id": tag, "name": "Hero", "color": "#ff6b6b"}]
        assert (files[1]["rating"], files[1]["tags"]) == (0, [])

    async def test_an_empty_folder_has_a_list(self, page: Page) -> None:
        """A missing list would take down the whole tab."""
        page.file("empty").mkdir()
        plain = await page.post("scan-folder", folder_path=page.path("empty"))
        assert (plain["files"], plain["success"]) == ([], True)

    async def test_scan_recursive(self, page: Page) -> None:
        """Files by folder, with their sums."""
        plain = await page.post("scan-recursive", folder_path=page.project)
        folders = plain["folders"]
        assert [(f["rel_path"], f["file_count"]) for f in folders] == [
            ("Panel_01", 3), ("Panel_02", 1), ("Panel_10", 1),
        ]  # fmt: skip
        assert [file["rel_path"] for file in folders[0]["files"]] == [FIRST, SECOND, THIRD]
        assert isinstance(folders[0]["files"][0]["modified"], float)
        assert folders[0]["path"] == page.path("Panel_01")
        sizes = [path.stat().st_size for path in page.service.project.rglob("*.png")]
        assert (plain["total_files"], plain["total_size"]) == (5, sum(sizes))

    async def test_scan_recursive_of_nothing(self, page: Page) -> None:
        """Empty lists, no missing ones."""
        page.file("empty").mkdir()
        plain = await page.post("scan-recursive", folder_path=page.path("empty"))
        assert (plain["folders"], plain["total_files"], plain["total_size"]) == ([], 0, 0)

    async def test_folder_stats(self, page: Page) -> None:
        """It is asked without a project."""
        sent = {"folder_path": page.path("Panel_01")}
        plain = await page.good("POST", "/api/gallery/folder-stats", sent)
        assert (plain["total_files"], plain["image_count"], plain["video_count"]) == (3, 3, 0)
        assert (plain["subfolder_count"], plain["by_extension"]) == (0, {".png": 3})
        assert plain["total_size"] == 3 * page.file(FIRST).stat().st_size

    async def test_folder_stats_of_nothing(self, page: Page) -> None:
        """The map of endings is there."""
        page.file("empty").mkdir()
        sent = {"folder_path": page.path("empty")}
        plain = await page.good("POST", "/api/gallery/folder-stats", sent)
        assert (plain["total_files"], plain["by_extension"]) == (0, {})

    async def test_file_info(self, page: Page) -> None:
        """Dimensions come from here only; the prompt is an object."""
        plain = await page.post("file-info", file_path=page.path(FIRST))
        assert (plain["file"]["width"], plain["file"]["height"]) == (48, 32)
        assert isinstance(plain["file"]["modified"], float)
        assert plain["png_metadata"] == {
            "prompt": PROMPT, "workflow": WORKFLOW, "parameters": None,
        }  # fmt: skip
        assert (plain["prompt"], plain["workflow"]) == (PROMPT, WORKFLOW)

    async def test_file_info_of_a_file_that_tells_nothing(self, page: Page) -> None:
        """No metadata is null."""
        picture(page.file("Panel_01/plain.png"), told=False)
        plain = await page.post("file-info", file_path=page.path("Panel_01/plain.png"))
        assert (plain["png_metadata"], plain["prompt"]) == (None, None)
        assert plain["file"]["tags"] == []

    async def test_serve_image(self, page: Page) -> None:
        """Thumbnail, lightbox and canvas read the file itself; a player reads parts of it."""
        whole = await page.ask("GET", "/api/serve-image", path=page.path(FIRST))
        assert whole.body == page.file(FIRST).read_bytes()
        assert whole.headers["Content-Type"] == "image/png"


class TestCurating:
    async def test_ratings(self, page: Page) -> None:
        """By path relative to the project, and by nothing else; 0 clears."""
        assert (await page.get("ratings"))["ratings"] == {}
        told = await page.post("ratings", ratings={FIRST: 5, SECOND: 2})
        assert told["ratings"] == {FIRST: 5, SECOND: 2}
        await page.post("ratings", ratings={SECOND: 0})
        assert (await page.get("ratings"))["ratings"] == {FIRST: 5}

    async def test_tags(self, page: Page) -> None:
        """An array; ids are compared and sent back."""
        assert (await page.get("tags"))["tags"] == []
        zoom, arm = await page.make_tag("Zoom"), await page.make_tag("arm")
        await page.post("file-tags", file_path=FIRST, tag_ids=[zoom, arm])
        assert (await page.get("tags"))["tags"] == [
            {"id": arm, "name": "arm", "color": "#ff6b6b", "file_count": 1},
            {"id": zoom, "name": "Zoom", "color": "#ff6b6b", "file_count": 1},
        ]

    async def test_a_tag_is_changed_and_deleted(self, page: Page) -> None:
        """Deleted by its query."""
        tag = await page.make_tag("Hero")
        told = await page.post("tags", tag_id=tag, name="Heroine")
        assert (told["tag"]["name"], told["message"]) == ("Heroine", "Tag updated")
        await page.good("DELETE", "/api/gallery/tags", project_path=page.project, tag_id=tag)
        assert (await page.get("tags"))["tags"] == []

    async def test_a_name_twice_is_told(self, page: Page) -> None:
        """The predecessor said nothing at all."""
        await page.make_tag("Hero")
        sent = {"project_path": page.project, "name": "HERO", "color": "#000000"}
        assert "'Hero'" in await page.refused("POST", "/api/gallery/tags", sent)

    async def test_file_tags(self, page: Page) -> None:
        """Put on and taken off; the answer has those that are left."""
        tag, other = await page.make_tag("a"), await page.make_tag("b")
        await page.post("file-tags", file_path=FIRST, tag_ids=[tag, other], action="add")
        told = await page.post("file-tags", file_path=FIRST, tag_ids=[tag], action="remove")
        assert [each["id"] for each in told["tags"]] == [other]
        assert told["file_path"] == FIRST

    async def test_views(self, page: Page) -> None:
        """Settings in strings come back as they were; null before the first."""
        assert (await page.get("views", name="default"))["view"] is None
        look: dict[str, Any] = {
            "view_mode": "timeline", "sort_field": "modified", "sort_direction": "desc",
            "thumbnail_size": 240, "current_path": page.path("Panel_01"),
            "filters_json": '{"minRating":3,"tags":[]}', "folder_tree_state": '["a","b"]',
        }  # fmt: skip
        await page.post("views", name="default", **look)
        plain = await page.get("views", name="default")
        assert plain["view"] == {"name": "default", **look}
        assert plain["views"] == {"default": plain["view"]}

    async def test_a_view_with_odd_settings(self, page: Page) -> None:
        """A slider may send a fraction, or more than anybody has pixels."""
        plain = await page.post("views", thumbnail_size=9999.5, filters_json="")
        assert plain["view"]["thumbnail_size"] == 4096
        assert orjson.loads(plain["view"]["filters_json"]) == {}


class TestMoving:
    async def test_move_files(self, page: Page) -> None:
        """Three lists, always; the sidecar and the stars go along."""
        await page.post("ratings", ratings={FIRST: 4})
        told = await page.post(
            "move-files", file_paths=[page.path(FIRST)], target_folder=page.path("Panel_02"),
            conflict="rename",
        )  # fmt: skip
        here = "Panel_02/Eliot_Panel_01_v001.png"
        assert told["moved"] == [{"old_path": page.path(FIRST), "new_path": page.path(here)}]
        assert (told["skipped"], told["errors"]) == ([], [])
        assert (await page.get("ratings"))["ratings"] == {here: 4}

    async def test_a_taken_name_is_skipped_or_refused(self, page: Page) -> None:
        """As strings for people."""
        picture(page.file("Panel_02/Eliot_Panel_01_v001.png"))
        told = await page.post(
            "move-files", file_paths=[page.path(FIRST), page.path("no.png")],
            target_folder=page.path("Panel_02"), conflict="skip",
        )  # fmt: skip
        assert (told["moved"], told["skipped"]) == ([], [page.path(FIRST)])
        assert "no.png" in told["errors"][0]

    async def test_nothing_moved(self, page: Page) -> None:
        """The lists are there all the same."""
        sent = {"project_path": page.project, "file_paths": [page.path("no.png")],
                "target_folder": page.path("Panel_02")}  # fmt: skip
        answer = await page.ask("POST", "/api/gallery/move-files", sent)
        assert (answer.status, answer.plain["success"]) == (200, False)
        assert (answer.plain["moved"], answer.plain["skipped"]) == ([], [])
        assert "no.png" in answer.plain["message"]

    async def test_rename_file(self, page: Page) -> None:
        """Both names with all of their path."""
        told = await page.post("rename-file", file_path=page.path(FIRST), new_name="hero.png")
        assert told["old_path"] == page.path(FIRST)
        assert told["new_path"] == page.path("Panel_01/hero.png")
        assert "hero.png" in told["message"]

    async def test_rename_to_a_taken_name(self, page: Page) -> None:
        """The words are shown; nothing is replaced."""
        sent = {"project_path": page.project, "file_path": page.path(FIRST),
                "new_name": SECOND.rpartition("/")[2]}  # fmt: skip
        assert SECOND in await page.refused("POST", "/api/gallery/rename-file", sent)

    async def test_batch_rename_shows_first_and_then_does(self, page: Page) -> None:
        """`previews` is needed in the real run, too: the storyboard finds its panels by it."""
        wish = {"file_paths": [page.path(SECOND), page.path(FIRST)],
                "pattern": "hero_{index}", "start_index": 8, "pad_width": 2}  # fmt: skip
        shown = await page.post("batch-rename", **wish)
        assert shown["previews"] == [
            {
                "old_path": page.path(old), "old_name": old.rpartition("/")[2],
                "new_name": new, "new_path": page.path(f"Panel_01/{new}"),
            }
            for old, new in ((SECOND, "hero_08.png"), (FIRST, "hero_09.png"))
        ]  # fmt: skip
        assert (shown["renamed"], shown["errors"], shown["dry_run"]) == (0, [], True)
        assert page.file(FIRST).exists()
        done = await page.post("batch-rename", **wish, dry_run=False)
        assert (done["previews"], done["renamed"]) == (shown["previews"], 2)
        assert page.file("Panel_01/hero_09.png").exists()

    async def test_a_collision_is_shown_before(self, page: Page) -> None:
        """And in the real run only what was renamed stands among the previews."""
        wish = {
            "file_paths": [page.path(FIRST), page.path(OTHER)],
            "pattern": "Eliot_Panel_01_v002",
        }
        shown = await page.post("batch-rename", **wish, dry_run=True)
        assert len(shown["previews"]) == 2
        assert len(shown["errors"]) == 1
        done = await page.post("batch-rename", **wish, dry_run=False)
        assert [each["old_path"] for each in done["previews"]] == [page.path(OTHER)]
        assert (done["renamed"], len(done["errors"])) == (1, 1)

    async def test_auto_rename(self, page: Page) -> None:
        """A preview unless it says otherwise."""
        sent = {"folder_path": page.path("Panel_01"), "naming_pattern": "{folder}_{index:03d}"}
        shown = await page.post("auto-rename", **sent)
        assert {each["new_name"] for each in shown["previews"]} == {
            "Panel_01_001.png", "Panel_01_002.png", "Panel_01_003.png",
        }  # fmt: skip
        assert page.file(FIRST).exists()
        done = await page.post("auto-rename", **sent, dry_run=False)
        assert done["renamed"] == 3

    async def test_create_folder(self, page: Page) -> None:
        """Three dialogs read the path under three names."""
        told = await page.core("create-folder", parent_path=page.project, folder_name="Panel_04")
        assert told["created_path"] == told["folder_path"] == page.path("Panel_04")


class TestTrash:
    async def test_there_and_back(self, page: Page) -> None:
        """A file is named by its path, in the trash as well; its stars come back."""
        await page.post("ratings", ratings={FIRST: 4})
        told = await page.post("trash", file_paths=[page.path(FIRST)], use_os_trash=True)
        assert (told["trashed"], told["errors"]) == ([page.path(FIRST)], [])
        assert not page.file(FIRST).exists()
        listing = await page.get("trash")
        (binned,) = listing["files"]
        assert (binned["name"], binned["original_path"]) == (FIRST.rpartition("/")[2], FIRST)
        assert binned["trashed_at"].endswith("Z")
        assert listing["total_size"] == binned["size"] > 0
        back = await page.post("restore", file_paths=[binned["path"]])
        assert (len(back["restored"]), len(back["errors"])) == (1, 0)
        assert back["restored"] == [page.path(FIRST)]
        assert (await page.get("ratings"))["ratings"] == {FIRST: 4}

    async def test_restored_by_id(self, page: Page) -> None:
        """Both names of what lies in the trash will do."""
        told = await page.post("trash", file_paths=[FIRST])
        assert (await page.post("restore", trash_ids=told["trash_ids"]))["errors"] == []

    async def test_restoring_what_is_not_there(self, page: Page) -> None:
        """The others come back."""
        await page.post("trash", file_paths=[page.path(FIRST)])
        (binned,) = (await page.get("trash"))["files"]
        back = await page.post("restore", file_paths=["/nowhere.png", binned["path"]])
        assert (len(back["restored"]), len(back["errors"])) == (1, 1)
        assert "/nowhere.png" in back["errors"][0]

    async def test_a_file_that_cannot_be_trashed(self, page: Page) -> None:
        """`success` is what the storyboard looks at; it then asks delete-image, which may not."""
        sent = {"project_path": page.project, "file_paths": [page.path("no.png")]}
        answer = await page.ask("POST", "/api/gallery/trash", sent)
        assert (answer.status, answer.plain["success"]) == (200, False)
        told = await page.refused(
            "DELETE", "/api/delete-image", {"image_path": page.path("no.png")}
        )
        assert "no.png" in told

    async def test_empty_trash(self, page: Page) -> None:
        """The only call that deletes."""
        assert (await page.post("empty-trash"))["trashed"] == []
        await page.post("trash", file_paths=[page.path(FIRST), page.path(SECOND)])
        told = await page.post("empty-trash")
        assert told["message"] == "2 deleted for good"
        listing = await page.get("trash")
        assert (listing["files"], listing["total_size"]) == ([], 0)


class TestFinding:
    async def test_search(self, page: Page) -> None:
        """One result for each file; `filename` decides the scope."""
        await self.indexed(page)
        plain = await page.post(
            "search", query="v002", folder_path=page.path("Panel_01"), max_results=100
        )
        (hit,) = plain["results"]
        assert (hit["file_path"], hit["rel_path"]) == (page.path(SECOND), SECOND)
        assert hit["match_field"] == "filename"
        assert "v002" in hit["match_context"]

    async def test_nothing_found(self, page: Page) -> None:
        """An empty list."""
        await self.indexed(page)
        plain = await page.post("search", query="zebra", folder_path="", max_results=5000)
        assert (plain["results"], plain["total"]) == ([], 0)

    async def test_find_duplicates(self, page: Page) -> None:
        """Groups with times in seconds."""
        plain = await page.post("find-duplicates", folder_path=page.project)
        (group,) = plain["groups"]
        size = page.file(FIRST).stat().st_size
        assert (group["count"], group["size"], plain["wasted_space"]) == (5, size, 4 * size)
        twin = next(file for file in group["files"] if file["path"] == page.path(FIRST))
        assert (twin["name"], twin["size"]) == (FIRST.rpartition("/")[2], size)
        assert isinstance(twin["modified"], float)

    async def test_no_duplicates(self, page: Page) -> None:
        """An empty list."""
        plain = await page.post("find-duplicates", folder_path=page.path("Panel_02"))
        assert (plain["groups"], plain["wasted_space"]) == ([], 0)

    @staticmethod
    async def indexed(page: Page) -> None:
        """Let the index read everything."""
        app = page.service.app
        await app[INDEXES].of(await app[FINDER].project(page.project)).rescan()
