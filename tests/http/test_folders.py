"""Folders: browsing them, making them, saved projects in them, and deleting a file of one."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import orjson
import pytest

from orchestrator.folders import browsing
from orchestrator.services import FOLDERS
from tests.http.studio import Answer, Service, Studio, log_of, picture, refused

FIRST = "Panel_01/Eliot_Panel_01_v001.png"


async def good(answer: Answer) -> Any:
    """The body of an answer that is none of a refusal."""
    assert answer.status == 200, answer.body
    plain = answer.plain
    assert plain["success"] is True
    assert plain["message"]
    return plain


class TestBrowsing:
    async def test_where_one_begins(self, service: Service) -> None:
        """The permitted folders, as drives."""
        plain = await good(await service.get("/api/browse-folders", path=""))
        drives = {item["path"]: item["type"] for item in plain["items"]}
        assert drives[str(service.project.parent)] == "drive"
        assert set(drives.values()) == {"drive"}
        assert (plain["current"], plain["parent"], plain["error"]) == ("", None, None)
        assert (await service.get("/api/browse-folders")).plain == plain

    async def test_down_and_up(self, service: Service) -> None:
        """Folders only; both names of the list hold the same."""
        share = service.project.parent
        plain = await good(await service.get("/api/browse-folders", path=str(share)))
        assert plain["items"] == [{"name": "Eliot", "path": str(service.project), "type": "folder"}]
        assert plain["folders"] == plain["items"]
        assert plain["parent"] is None
        below = await good(await service.get("/api/browse-folders", path=str(service.project)))
        assert [item["name"] for item in below["items"]] == ["Panel_01", "Panel_02", "Panel_10"]
        assert below["parent"] == str(share)

    async def test_slashes_turned_around(self, service: Service) -> None:
        """As the frontend's folder dialog does to each path, on every system."""
        turned = str(service.project).replace("/", "\\")
        plain = await good(await service.get("/api/browse-folders", path=turned))
        assert plain["current"] == str(service.project)

    @pytest.mark.parametrize("wanted", [".json", "json", "*.JSON, .txt"])
    async def test_files(self, service: Service, wanted: str) -> None:
        """If they are asked for."""
        (service.project / "project.json").write_text("{}")
        answer = await service.get(
            "/api/browse-folders", path=str(service.project), show_files=wanted
        )
        plain = await good(answer)
        assert plain["items"][-1]["type"] == "file"
        assert plain["items"][-1]["name"] == "project.json"

    async def test_more_than_an_answer_holds(
        self, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It says so."""
        monkeypatch.setattr(browsing, "MAX_PLACES", 2)
        plain = await good(await service.get("/api/browse-folders", path=str(service.project)))
        assert len(plain["items"]) == 2
        assert plain["truncated"] is True
        assert "1 more" in plain["message"]

    async def test_a_share_that_does_not_answer(
        self, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """503 in time, with the path; and other requests go on."""
        back = threading.Event()
        monkeypatch.setattr(browsing, "look_into", lambda _: back.wait(30))
        service.app[FOLDERS].lookouts.patience = 0.05
        try:
            for _ in range(10):
                answer = await service.get("/api/browse-folders", path=str(service.project))
                plain = refused(answer, 503, "share.silent")
                assert plain["detail"]["path"] == str(service.project)
            assert (await service.rate(FIRST, 3)).status == 200
        finally:
            back.set()


class TestMaking:
    async def test_a_folder(self, service: Service) -> None:
        """Under all names that clients read; a second time is as good."""
        body = {"parent_path": str(service.project), "folder_name": "Panel_04 🎬"}
        path = str(service.project / "Panel_04 🎬")
        for told in ("was made", "was there already"):
            plain = await good(await service.post("/api/create-folder", body))
            assert plain["created_path"] == plain["folder_path"] == plain["path"] == path
            assert told in plain["message"]

    async def test_refusals(self, service: Service) -> None:
        """Nothing is made."""
        before = sorted(path.name for path in service.project.iterdir())
        for parent, name, status, code in (
            (f"{service.project}/none", "x", 404, "file.missing"),
            (str(service.project), "../x", 422, "path.invalid"),
            (str(service.project), "", 422, "path.invalid"),
            (f"{service.project}/Panel_01", Path(FIRST).name, 409, "file.collides"),
            ("/etc", "x", 403, "path.not_permitted"),
            ("", "x", 422, "path.invalid"),
        ):
            body = {"parent_path": parent, "folder_name": name}
            refused(await service.post("/api/create-folder", body), status, code)
        assert sorted(path.name for path in service.project.iterdir()) == before


class TestSavedProjects:
    async def test_listed(self, service: Service) -> None:
        """With what they say of themselves."""
        state = {
            "project_settings": {"name": "Eliot"},
            "panels": [{}, {}],
            "saved_at": "2026-02-22T10:30:00Z",
        }
        file = service.project / "eliot_project.json"
        file.write_bytes(orjson.dumps(state))
        answer = await service.get("/api/list-projects", folder_path=str(service.project))
        assert (await good(answer))["projects"] == [
            {
                "path": str(file),
                "name": "Eliot",
                "saved_at": "2026-02-22T10:30:00Z",
                "panel_count": 2,
            }
        ]

    async def test_none(self, service: Service) -> None:
        """An empty list is not a missing folder."""
        answer = await service.get("/api/list-projects", folder_path=str(service.project))
        assert (await good(answer))["projects"] == []
        answer = await service.get("/api/list-projects", folder_path=f"{service.project}/none")
        refused(answer, 404, "file.missing")


async def delete(service: Service, **body: str) -> Answer:
    """DELETE with a JSON body."""
    return await service.send("DELETE", "/api/delete-image", orjson.dumps(body))


async def in_trash(service: Service, project: Path) -> list[str]:
    """Where the files in a project's trash lay."""
    answer = await service.get("/api/gallery/trash", projectPath=str(project))
    return [entry["originalPath"] for entry in answer.plain["files"]]


class TestDeleting:
    async def test_it_goes_to_the_trash(self, service: Service) -> None:
        """With its sidecars and all that was said of it; and it comes back."""
        await service.rate(FIRST, 4)
        file = service.project / FIRST
        data = file.read_bytes()
        sidecar = file.with_suffix(".json")
        sidecar.write_text("{}")
        plain = await good(await delete(service, image_path=str(file)))
        assert plain["deleted_files"] == [str(file), str(sidecar)]
        assert plain["project_path"] == str(service.project)
        assert not file.exists()
        assert not sidecar.exists()
        assert await in_trash(service, service.project) == [FIRST]
        await service.gallery("restore", trashIds=[plain["trash_id"]])
        assert file.read_bytes() == data
        assert sidecar.read_text() == "{}"
        assert await service.ratings() == {FIRST: 4}

    async def test_who_did_it(self, service: Service) -> None:
        """As with every other edit."""
        await service.rate(FIRST, 4)
        body = orjson.dumps({"image_path": str(service.project / FIRST)})
        url = "/api/delete-image"
        async with service.client.delete(url, data=body, headers={"X-Actor": "mara"}) as answer:
            assert answer.status == 200
        assert (await service.ask("trash"))["files"][0]["trashedBy"] == "mara"

    async def test_every_spelling(self, service: Service) -> None:
        """The documents' two names, and the query."""
        await service.rate(FIRST, 1)
        files = [str(path) for path in sorted(service.project.rglob("*.png"))]
        await good(await delete(service, image_path=files[0]))
        await good(await delete(service, file_path=files[1]))
        answer = await service.client.delete("/api/delete-image", params={"image_path": files[2]})
        assert answer.status == 200, await answer.text()
        assert len(await in_trash(service, service.project)) == 3

    async def test_reference_pictures(self, service: Service) -> None:
        """They lie in a hidden folder."""
        await service.rate(FIRST, 1)
        file = picture(service.project / "Panel_01" / ".ref_images" / "a.png")
        await good(await delete(service, image_path=str(file)))
        assert await in_trash(service, service.project) == ["Panel_01/.ref_images/a.png"]

    async def test_the_frontends_probe(self, service: Service) -> None:
        """It asks whether the endpoint exists: neither 404 nor 405, and nothing happens."""
        refused(await delete(service, file_path=""), 422, "path.invalid")
        refused(await service.send("DELETE", "/api/delete-image"), 422, "request.invalid")

    async def test_what_is_not_deleted(self, service: Service, tmp_path: Path) -> None:
        """No file that the gallery does not show, no folder, no link, nothing of the service."""
        await service.rate(FIRST, 1)
        before = log_of(service.project)
        (service.project / "notes.txt").write_text("x")
        outside = picture(tmp_path / "private.png")
        (service.project / "link.png").symlink_to(service.project / FIRST)
        (service.project / "out.png").symlink_to(outside)
        for path, status, code in (
            ("notes.txt", 422, "path.invalid"),
            ("Panel_01", 422, "path.invalid"),
            ("link.png", 422, "path.invalid"),
            ("out.png", 403, "path.not_permitted"),
            ("none.png", 404, "file.missing"),
            (".gallery/FORMAT", 403, "path.not_permitted"),
        ):
            answer = await delete(service, image_path=str(service.project / path))
            refused(answer, status, code)
        refused(await delete(service, image_path=str(outside)), 403, "path.not_permitted")
        assert log_of(service.project) == before
        assert outside.exists()


class TestWhoseTrash:
    async def test_nobodys(self, service: Service) -> None:
        """A file in no project stays where it is; no project is begun for it."""
        file = picture(service.project.parent / "loose" / "a.png")
        plain = refused(await delete(service, image_path=str(file)), 409, "file.in_no_project")
        assert plain["detail"]["path"] == str(file)
        assert file.exists()
        assert not list(service.project.parent.glob("**/.gallery"))

    async def test_the_nearest_project_that_is_open(self, studio: Studio, service: Service) -> None:
        """Not that of a folder of many projects which somebody merely looked at."""
        await service.get("/api/gallery/ratings", projectPath=str(studio.share))
        await service.rate(FIRST, 1)
        await good(await delete(service, image_path=str(service.project / FIRST)))
        assert await in_trash(service, service.project) == [FIRST]
        assert not (studio.share / ".gallery").exists()

    async def test_a_project_that_is_not_open(self, studio: Studio) -> None:
        """It is known by its log."""
        ada = await studio.host("ada")
        await ada.rate(FIRST, 1)
        await ada.stop()
        bela = await studio.host("bela")
        await good(await delete(bela, image_path=str(bela.project / FIRST)))
        assert await in_trash(bela, bela.project) == [FIRST]

    async def test_the_current_project(self, service: Service) -> None:
        """If the file lies in it; its log begins with this."""
        body = {"project": {"name": "Eliot", "path": str(service.project)}}
        assert (await service.post("/api/project", body)).status == 200
        await good(await delete(service, image_path=str(service.project / FIRST)))
        assert await in_trash(service, service.project) == [FIRST]

    async def test_a_project_that_was_looked_at(self, service: Service) -> None:
        """For want of anything better."""
        await service.ratings()
        await good(await delete(service, image_path=str(service.project / FIRST)))
        assert await in_trash(service, service.project) == [FIRST]

    async def test_one_of_the_predecessor(self, service: Service) -> None:
        """What it knew is taken over first, as with every edit."""
        old = {"files": {FIRST: {"rating": 3}}, "tags": {}, "views": {}, "_schema_version": 2}
        (service.project / ".gallery").mkdir()
        (service.project / ".gallery/gallery.json").write_bytes(orjson.dumps(old))
        plain = await good(await delete(service, image_path=str(service.project / FIRST)))
        assert plain["project_path"] == str(service.project)
        assert (await service.ask("trash"))["files"][0]["rating"] == 3

    async def test_through_a_link_to_a_folder(self, studio: Studio, service: Service) -> None:
        """The project is the one in which the file lies."""
        await service.rate(FIRST, 1)
        (studio.share / "linked").symlink_to(service.project / "Panel_01")
        file = studio.share / "linked" / Path(FIRST).name
        plain = await good(await delete(service, image_path=str(file)))
        assert plain["deleted_files"] == [str(file)]
        assert await in_trash(service, service.project) == [FIRST]
