"""A person's day at the frontend: the calls of it in their order, and the log afterwards."""

from __future__ import annotations

from typing import Any

from tests.http.frontend.page import FIRST, OTHER, SECOND, THIRD, Page
from tests.http.studio import Studio, events_of


async def opened(page: Page) -> None:
    """What the frontend asks when a project is opened, every effect twice."""
    for _ in range(2):
        await page.good("GET", "/api/health")
        await page.good("GET", "/api/backends")
        await page.good("GET", "/api/path-mappings")
    probe = {"folder_path": "", "naming_pattern": "", "project_name": ""}
    assert (await page.ask("POST", "/api/scan-project-images", probe)).status != 404
    await page.good("GET", "/api/browse-folders", None, path=page.project)
    await page.core("project", project={"name": "Eliot", "path": page.project, "auto_save": True,
                                        "naming_template": "{project}_{panel}_v{version}",
                                        "orchestrator_url": "http://h:9820"})  # fmt: skip
    panels = (await page.core("scan-project-panels", project_path=page.project))["panels"]
    assert [panel["panel_name"] for panel in panels] == ["Panel_01", "Panel_02", "Panel_10"]


async def looked_through(page: Page) -> list[dict[str, Any]]:
    """The gallery's tab, as it builds itself up."""
    tree = await page.good("POST", "/api/gallery/scan-tree", {"folder_path": page.project})
    assert tree["folders"][0]["path"] == page.project
    for endpoint in ("ratings", "tags", "views", "trash"):
        await page.get(endpoint)
    where = tree["folders"][1]["path"]
    files: list[dict[str, Any]] = (await page.post("scan-folder", folder_path=where))["files"]
    for file in files:
        await page.ask("GET", "/api/serve-image", None, path=file["path"])
    return files


async def test_a_working_day(studio: Studio) -> None:
    """Open, rate, tag, rename, move, trash, restore, search, save; then the host starts anew."""
    page = Page(await studio.host())
    await opened(page)
    first, second, third = (file["path"] for file in await looked_through(page))
    assert (first, second, third) == tuple(map(page.path, (FIRST, SECOND, THIRD)))

    await page.post("ratings", ratings={FIRST: 5})
    await page.post("ratings", ratings={SECOND: 2, THIRD: 2})
    tag = await page.make_tag("Hero")
    for path in (FIRST, SECOND):
        await page.post("file-tags", file_path=path, tag_ids=[tag], action="add")
    renamed = await page.post("rename-file", file_path=first, new_name="hero.png")
    moved = await page.post(
        "move-files", file_paths=[renamed["new_path"], second],
        target_folder=page.path("Panel_02"), conflict="rename",
    )  # fmt: skip
    hero = moved["moved"][0]["new_path"]
    wish = {"file_paths": [third], "pattern": "alt_{index}", "start_index": 1, "pad_width": 2}
    assert (await page.post("batch-rename", **wish, dry_run=True))["renamed"] == 0
    assert (await page.post("batch-rename", **wish, dry_run=False))["renamed"] == 1

    await page.post("trash", file_paths=[hero, page.path(OTHER)])
    listing = await page.get("trash")
    back = next(file["path"] for file in listing["files"] if file["name"] == "hero.png")
    assert (await page.post("restore", file_paths=[back]))["restored"] == [hero]
    found = await page.post(
        "search", query="hero", folder_path=page.path("Panel_02"), max_results=100
    )
    assert hero in [hit["file_path"] for hit in found["results"]]

    await page.post("views", name="default", view_mode="grid", filters_json='{"minRating":2}',
                    current_path=page.path("Panel_02"))  # fmt: skip
    state = {"project_settings": {"name": "Eliot", "created": 1, "lastModified": 2},
             "panels": [{"id": 1, "image": hero}], "saved_at": "2026-02-22T10:30:00Z"}  # fmt: skip
    saved = await page.core(
        "save-project", folder_path=page.project, filename="Eliot_project.json", state=state
    )

    assert [each["t"] for each in events_of(page.service.project)] == [
        *("asset.seen", "asset.rated"),
        *("asset.seen", "asset.rated") * 2,
        "tag.defined",
        *("asset.tagged", "asset.tagged"),
        *("files.planned", "asset.moved", "files.settled"),
        *("files.planned", "asset.moved", "asset.moved", "files.settled"),
        *("files.planned", "asset.moved", "files.settled"),
        *("files.planned", "file.trashed", "file.trashed", "files.settled"),
        *("files.planned", "file.restored", "files.settled"),
        "view.saved",
        "project.saved",
    ]
    before = await seen(page, saved["saved_path"])
    await page.service.close()

    again = Page(await studio.host())
    assert await seen(again, saved["saved_path"]) == before
    assert before["ratings"] == {
        "Panel_01/alt_01.png": 2,
        "Panel_02/Eliot_Panel_01_v002.png": 2,
        "Panel_02/hero.png": 5,
    }
    assert before["trash"] == [OTHER]
    assert before["tags"] == [("Hero", 2)]
    assert before["state"] == state
    assert before["view"]["current_path"] == page.path("Panel_02")


async def seen(page: Page, saved: str) -> dict[str, Any]:
    """All that the day has changed, as the frontend sees it."""
    return {
        "ratings": (await page.get("ratings"))["ratings"],
        "tags": [(tag["name"], tag["file_count"]) for tag in (await page.get("tags"))["tags"]],
        "trash": [file["original_path"] for file in (await page.get("trash"))["files"]],
        "view": (await page.get("views", name="default"))["view"],
        "state": (await page.core("load-project", file_path=saved))["state"],
        "project": (await page.good("GET", "/api/project"))["project"],
    }
