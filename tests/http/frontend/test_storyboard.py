"""The storyboard and its dialogs, call by call: a request, and the fields that are read."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from orchestrator.config import BackendConfig
from tests.http.frontend.page import FIRST, SECOND, THIRD, Page
from tests.http.studio import PROMPT, WORKFLOW, Service, Studio, graph, picture

STATE: dict[str, Any] = {
    "project_settings": {"name": "Eliot", "created": 1.5, "lastModified": 2, "extra": {"a": [1]}},
    "panels": [{"id": 1, "name": "Panel_01", "notes": "…"}],
    "parameter_values": {"1": {"seed": 7}},
    "selected_workflow_id": "flux",
    "render_nodes": [],
    "comfy_url": "http://127.0.0.1:8188",
    "deleted_images": ["a.png"],
    "camera_angles": [{"x": 1}],
    "saved_at": "2026-02-22T10:30:00.000Z",
}


class TestStart:
    async def test_health(self, page: Page) -> None:
        """The modal looks at the status; the client module at one of two words."""
        plain = await page.good("GET", "/api/health")
        assert plain["status"] == "healthy"
        assert plain["job_manager_connected"] is plain["backend_manager_connected"] is True
        assert (await page.good("GET", "/health"))["status"] == "ok", "the document's word"

    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("POST", "/api/scan-project-images",
             {"folder_path": "", "naming_pattern": "", "project_name": ""}),
            ("GET", "/api/serve-image", None),
            ("DELETE", "/api/delete-image", {"file_path": ""}),
            ("GET", "/api/health", None),
        ],
    )  # fmt: skip
    async def test_probes(self, page: Page, method: str, path: str, body: Any) -> None:
        """404 and 405 would say that the service is too old; nothing is looked at or deleted."""
        for _ in range(2):  # effects run twice while the page is developed
            answer = await page.ask(method, path, body)
            assert answer.status in (200, 400, 422)
            assert answer.plain["success"] is ("health" in path)
            assert "images" not in answer.plain

    async def test_backends_without_any(self, page: Page) -> None:
        """A list."""
        assert (await page.good("GET", "/api/backends"))["backends"] == []


class TestBackends:
    async def test_a_backend_that_is_off(self, studio: Studio) -> None:
        """All that its card shows; megabytes of graphics memory."""
        beast = BackendConfig(id="beast", name="Beast", host="127.0.0.1", port=1)
        page = Page(await studio.host(backends=(beast,)))
        (card,) = (await page.good("GET", "/api/backends"))["backends"]
        assert (card["id"], card["name"], card["host"], card["port"]) == (
            "beast", "Beast", "127.0.0.1", 1,
        )  # fmt: skip
        assert (card["online"], card["status"]) == (False, "offline")
        assert {
            *("gpu_name", "gpu_memory_total", "gpu_memory_used", "gpu_utilization"),
            *("gpu_temperature", "cpu_utilization", "ram_used", "ram_total", "last_seen"),
        } <= set(card)
        assert {"gpu_memory_total_bytes", "gpu_memory_used_bytes"} <= set(card)


class TestFolders:
    async def test_browse_from_the_start(self, page: Page) -> None:
        """Only drives appear in the left tree."""
        plain = await page.good("GET", "/api/browse-folders", None, path="")
        assert {item["type"] for item in plain["items"]} == {"drive"}
        assert (plain["parent"], plain["error"]) == (None, None)

    async def test_browse_a_folder(self, page: Page) -> None:
        """Also with every `/` turned into a backslash, as one dialog does on any system."""
        page.file("a.json").write_text("{}")
        asked = page.project.replace("/", "\\")
        plain = await page.good("GET", "/api/browse-folders", None, path=asked, show_files=".json")
        assert plain["current"] == page.project
        assert [(item["name"], item["type"]) for item in plain["items"]] == [
            ("Panel_01", "folder"), ("Panel_02", "folder"), ("Panel_10", "folder"),
            ("a.json", "file"),
        ]  # fmt: skip
        assert plain["items"] == plain["folders"]

    async def test_a_folder_that_is_not_there(self, page: Page) -> None:
        """The dialog shows `error`, if the status is 200."""
        told = await page.refused("GET", "/api/browse-folders", path=page.path("no"))
        assert page.path("no") in told


class TestProjects:
    async def test_project_on_every_change_of_settings(self, page: Page) -> None:
        """Also without a path, which is no folder; and it is kept."""
        settings = {"name": "New", "path": "", "naming_template": "{panel}_v{version}",
                    "orchestrator_url": "http://127.0.0.1:9820", "auto_save": True}  # fmt: skip
        await page.core("project", project=settings)
        await page.core("project", project={**settings, "path": page.project})
        found = (await page.good("GET", "/api/project"))["project"]
        assert (found["name"], found["path"]) == ("New", page.project)

    async def test_save_and_load(self, page: Page) -> None:
        """Whatever is in it comes back."""
        told = await page.core(
            "save-project", folder_path=page.project, filename="Eliot_project.json", state=STATE
        )
        assert told["saved_path"] == page.path("Eliot_project.json")
        loaded = await page.core("load-project", file_path=told["saved_path"])
        assert loaded["state"] == STATE
        listed = await page.good("GET", "/api/list-projects", folder_path=page.project)
        (saved,) = listed["projects"]
        assert (saved["path"], saved["panel_count"]) == (told["saved_path"], 1)
        assert isinstance(saved["saved_at"], str)

    async def test_loading_what_is_not_there(self, page: Page) -> None:
        """A sentence, and no bare status."""
        told = await page.refused("POST", "/api/load-project", {"file_path": page.path("no.json")})
        assert "no.json" in told

    async def test_scan_project_panels(self, page: Page) -> None:
        """An empty folder is a panel, too."""
        page.file("Panel_11").mkdir()
        plain = await page.core("scan-project-panels", project_path=page.project)
        panels = plain["panels"]
        assert [panel["panel_name"] for panel in panels] == [
            "Panel_01", "Panel_02", "Panel_10", "Panel_11",
        ]  # fmt: skip
        assert panels[3]["images"] == []
        first = panels[0]["images"][0]
        assert panels[0]["folder_path"] == page.path("Panel_01")
        assert first["image_path"] == page.path(f"Panel_01/{first['filename']}")
        assert isinstance(first["modified_time"], float)

    async def test_scan_folder_images(self, page: Page) -> None:
        """The latest first."""
        plain = await page.core("scan-folder-images", folder_path=page.path("Panel_01"))
        assert {image["image_path"] for image in plain["images"]} == {
            page.path(name) for name in (FIRST, SECOND, THIRD)
        }

    async def test_scan_versions(self, page: Page) -> None:
        """The highest of each panel."""
        plain = await page.core(
            "scan-versions", folder_path=page.project, pattern="{project}_{panel}_v{version}"
        )
        assert plain["panel_versions"] == {"Panel_01": "003", "Panel_02": "001", "Panel_10": "001"}

    async def test_scan_project_images(self, page: Page) -> None:
        """No button calls it yet."""
        plain = await page.core(
            "scan-project-images", folder_path=page.project, project_name="Eliot",
            naming_pattern="{project}_{panel}_v{version}",
        )  # fmt: skip
        assert [(image["panel_number"], image["version"]) for image in plain["images"]][:2] == [
            (1, 1), (1, 2),
        ]  # fmt: skip
        assert plain["skipped_files"] == []


class TestPictures:
    async def test_save_base64_image(self, page: Page) -> None:
        """A reference picture, in a folder that is made for it."""
        data = base64.b64encode(page.file(FIRST).read_bytes()).decode()
        told = await page.core(
            "save-base64-image", data_url=f"data:image/png;base64,{data}",
            folder_path=page.path("Panel_01/.ref_images"), filename="ref.png",
        )  # fmt: skip
        assert told["saved_path"] == page.path("Panel_01/.ref_images/ref.png")

    async def test_save_image(self, studio: Studio) -> None:
        """From a backend that is registered."""
        png = picture(studio.project / "Panel_01/new.png").read_bytes()

        async def view(_: web.Request) -> web.Response:
            return web.Response(body=png, content_type="image/png")

        comfy = web.Application()
        comfy.router.add_get("/view", view)
        async with TestServer(comfy) as backend:
            assert backend.port is not None
            beast = BackendConfig(id="b", name="B", host="127.0.0.1", port=backend.port)
            page = Page(await studio.host(backends=(beast,)))
            told = await page.core(
                "save-image", image_url=str(backend.make_url("/view?filename=a.png&type=output")),
                folder_path=page.path("Panel_02"), filename="hero.png",
            )  # fmt: skip
        assert told["saved_path"] == page.path("Panel_02/hero.png")
        assert page.file("Panel_02/hero.png").read_bytes() == png

    async def test_save_image_from_elsewhere(self, page: Page) -> None:
        """Only registered backends are asked; the artist is told so."""
        sent = {"image_url": "http://evil.example/view?filename=a.png",
                "folder_path": page.path("Panel_01"), "filename": "a.png"}  # fmt: skip
        assert "evil.example" in await page.refused("POST", "/api/save-image", sent)

    async def test_delete_image_is_no_delete(self, page: Page) -> None:
        """The fallback of every deletion puts the file into the trash."""
        await page.get("ratings")  # the gallery has the project open
        told = await page.good("DELETE", "/api/delete-image", {"image_path": page.path(FIRST)})
        assert told["deleted_files"] == [page.path(FIRST)]
        (binned,) = (await page.get("trash"))["files"]
        assert binned["original_path"] == FIRST

    async def test_png_metadata(self, page: Page) -> None:
        """The prompt is an object."""
        plain = await page.good("GET", "/api/png-metadata", path=page.path(FIRST))
        assert (plain["prompt"], plain["workflow"]) == (PROMPT, WORKFLOW)
        assert (plain["success"], plain["error"]) == (True, None)

    async def test_png_metadata_of_nothing(self, page: Page) -> None:
        """`error` is shown."""
        told = await page.refused("GET", "/api/png-metadata", path=page.path("no.png"))
        assert "no.png" in told


class TestMappings:
    async def test_a_row_is_added_blank_and_typed_letter_by_letter(self, page: Page) -> None:
        """A PUT for each key; none may fail, and none may take a slash for a folder."""
        row = {"name": "New", "windows": "", "linux": "", "macos": "", "enabled": True}
        added = await page.core("path-mappings", **row)
        where = f"/api/path-mappings/{added['mapping']['id']}"
        for linux in ("/", "/t", "/tm", page.project):
            for windows in ("Q", "Q:", "Q:\\"):
                await page.good("PUT", where, {**row, "windows": windows, "linux": linux})
        plain = await page.good("GET", "/api/path-mappings")
        (mapping,) = plain["mappings"]
        assert (mapping["windows"], mapping["linux"]) == ("Q:\\", page.project)
        assert plain["current_os"] in ("linux", "macos", "windows")
        told = await page.core("translate-path", path="Q:\\Panel_01\\a.png")
        assert told["translated"] == page.path("Panel_01/a.png")
        await page.good("DELETE", where)
        assert (await page.good("GET", "/api/path-mappings"))["mappings"] == []

    async def test_an_unknown_one_keeps_its_status(self, page: Page) -> None:
        """Nobody reads anything else of it."""
        answer = await page.ask("DELETE", "/api/path-mappings/nobody")
        assert answer.status == 404
        assert (answer.plain["success"], answer.plain["error"]) == (
            False, answer.plain["message"],
        )  # fmt: skip


class TestModules:
    """Client code that no button calls yet."""

    @pytest.mark.parametrize("name", ["workflow", "workflow_json"])
    async def test_a_job(self, page: Page, name: str) -> None:
        """The frontend's name for the graph, and the predecessor's."""
        sent = {name: graph(), "source": "storyboard", "client_id": "x"}
        assert (await page.core("job", **sent))["job_id"]

    async def test_a_job_group(self, page: Page) -> None:
        """Singular; the panel has a name, not a number; seeds fit JavaScript."""
        made = await page.core(
            "job-group", workflow_json=graph(), count=2, seed_strategy="random",
            metadata={"panel_id": "Panel_03"}, timeout_seconds=300, required_capabilities=[],
        )  # fmt: skip
        where = f"/api/job-groups/{made['job_group_id']}"
        found = await page.good("GET", where)
        assert found["status"] in ("pending", "running")
        assert found["created_at"].endswith("Z")
        assert (found["total_count"], found["completed_count"], found["failed_count"]) == (2, 0, 0)
        for child in found["child_jobs"]:
            assert 0 <= child["seed"] < 2**53
            assert child["outputs"] == {"images": []}
            assert child["progress"] == 0
        stopped = await page.good("DELETE", where)
        assert stopped["cancelled"] is True

    async def test_a_group_that_is_not_there(self, page: Page) -> None:
        """404 is a word that the client knows."""
        assert (await page.ask("GET", "/api/job-groups/jg_no")).status == 404
        assert (await page.ask("DELETE", "/api/job-groups/jg_no")).status == 404

    async def test_the_socket_of_a_group(self, service: Service, page: Page) -> None:
        """Plain `ping`; who comes after the end is told of it."""
        made = await page.core("job-group", workflow_json=graph(), count=1)
        group = made["job_group_id"]
        async with service.client.ws_connect(f"/ws/job-groups/{group}") as socket:
            first = await socket.receive_json(timeout=30)
            assert (first["type"], first["job_group_id"]) == ("initial_state", group)
            assert {"job_id", "backend_id", "seed", "status", "progress"} <= set(
                first["child_jobs"][0]
            )
            await socket.send_str("ping")
            assert orjson.loads(await socket.receive_str(timeout=30)) == {"type": "pong"}
        await page.good("DELETE", f"/api/job-groups/{group}")
        await service.ended(made["child_jobs"][0]["job_id"])
        async with service.client.ws_connect(f"/ws/job-groups/{group}") as socket:
            told = [await socket.receive_json(timeout=30) for _ in range(2)]
        assert [each["type"] for each in told] == ["initial_state", "group_complete"]
        assert {"total", "succeeded", "failed", "results"} <= set(told[1])

    async def test_a_picture_in_no_project(self, page: Page, service: Service) -> None:
        """Nobody can say whose trash should take it, so it stays."""
        stray = picture(service.project.parent / "stray" / "a.png")
        told = await page.refused("DELETE", "/api/delete-image", {"image_path": str(stray)})
        assert str(stray) in told
        assert stray.exists()
