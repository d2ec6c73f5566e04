"""Folders: the pictures, panels and versions in them, in the shapes that clients read."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.folders import pictures
from tests.http.studio import Answer, Service, refused

SCANS = ("scan-folder-images", "scan-project-images", "scan-versions")


def good(answer: Answer) -> Any:
    """The body of an answer that is none of a refusal."""
    assert answer.status == 200, answer.body
    plain = answer.plain
    assert plain["success"] is True
    assert plain["message"]
    return plain


async def test_images_of_a_folder(service: Service) -> None:
    """The latest first, with all that the storyboard reads."""
    folder = service.project / "Panel_01"
    plain = good(await service.post("/api/scan-folder-images", {"folder_path": str(folder)}))
    first = plain["images"][0]
    file = folder / first["filename"]
    assert first == {
        "filename": file.name,
        "image_path": str(file),
        "modified_time": pytest.approx(file.stat().st_mtime),
        "size": file.stat().st_size,
        "type": "image",
    }
    assert (plain["total"], plain["truncated"]) == (3, False)


async def test_panels_of_a_project(service: Service) -> None:
    """Each folder, also an empty one."""
    (service.project / "Panel_03").mkdir()
    plain = good(
        await service.post("/api/scan-project-panels", {"project_path": str(service.project)})
    )
    assert [(p["panel_name"], len(p["images"])) for p in plain["panels"]] == [
        ("Panel_01", 3), ("Panel_02", 1), ("Panel_03", 0), ("Panel_10", 1),
    ]  # fmt: skip
    assert plain["panels"][0]["folder_path"] == str(service.project / "Panel_01")
    assert (plain["total_panels"], plain["total_images"]) == (4, 5)
    assert (plain["skipped"], plain["truncated"]) == ({}, False)


async def test_what_an_answer_does_not_hold(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says so."""
    monkeypatch.setattr(pictures, "MAX_IMAGES", 2)
    folder = str(service.project / "Panel_01")
    plain = good(await service.post("/api/scan-folder-images", {"folder_path": folder}))
    assert (len(plain["images"]), plain["total"], plain["truncated"]) == (2, 3, True)
    assert "1 older ones are not shown" in plain["message"]
    body = {"project_path": str(service.project)}
    plain = good(await service.post("/api/scan-project-panels", body))
    assert (plain["total_images"], plain["truncated"]) == (5, True)
    assert "3 images are not shown" in plain["message"]


async def test_versions(service: Service) -> None:
    """By GET and by POST, with the service's own pattern and with another one."""
    expected = {"Panel_01": "003", "Panel_02": "001", "Panel_10": "001"}
    for pattern in ("", "{project}_{panel}_{version}", "{project}_Panel_{panel}_v{version}"):
        fields = {"folder_path": str(service.project), "pattern": pattern}
        asked = await service.get("/api/scan-versions", **fields)
        assert good(asked)["panel_versions"] == expected
        assert (await service.post("/api/scan-versions", fields)).plain == asked.plain


class TestImagesOfAProject:
    async def test_as_documented(self, service: Service) -> None:
        """With nothing but a path."""
        (service.project / "Panel_01/Eliot_Panel_01_v001.json").write_text('{"seed": 7}')
        plain = good(await service.post("/api/scan-project-images", {"path": str(service.project)}))
        first = plain["images"][0]
        file = service.project / "Panel_01/Eliot_Panel_01_v001.png"
        assert first == {
            "panel_number": 1,
            "panel_name": "Panel_01",
            "version": 1,
            "image_path": str(file),
            "filename": file.name,
            "modified_time": pytest.approx(file.stat().st_mtime),
            "size": file.stat().st_size,
            "type": "image",
            "metadata": {"seed": 7},
        }
        assert [(i["panel_number"], i["version"]) for i in plain["images"]] == [
            (1, 1), (1, 2), (1, 3), (2, 1), (10, 1),
        ]  # fmt: skip
        assert (plain["total"], plain["skipped_files"], plain["truncated"]) == (5, [], False)

    async def test_as_the_frontend_asks(self, service: Service) -> None:
        """What does not fit is named."""
        (service.project / "Panel_02" / "sketch.png").write_bytes(b"x")
        body = {
            "folder_path": str(service.project),
            "naming_pattern": "{project}_Panel_{panel}_v{version}",
            "project_name": "Eliot",
        }
        plain = good(await service.post("/api/scan-project-images", body))
        assert plain["total"] == 5
        assert plain["skipped_files"] == ["Panel_02/sketch.png"]
        assert plain["skipped_total"] == 1
        assert "1 files do not fit" in plain["message"]

    async def test_the_frontends_probe(self, service: Service) -> None:
        """It asks whether the endpoint exists; an empty path is no path."""
        body = {"folder_path": "", "naming_pattern": "", "project_name": ""}
        refused(await service.post("/api/scan-project-images", body), 422, "path.invalid")

    async def test_a_bad_pattern(self, service: Service) -> None:
        """Refused with the tokens that there are."""
        for pattern in ("{panle}", r"(a+)+\d+", "{panel}{version}{index}"):
            body = {"folder_path": str(service.project), "naming_pattern": pattern}
            answer = await service.post("/api/scan-project-images", body)
            plain = refused(answer, 422, "rename.pattern_invalid")
            assert plain["detail"]["pattern"] == pattern


@pytest.mark.parametrize("scan", [*SCANS, "scan-project-panels"])
async def test_folders_that_are_none(service: Service, scan: str) -> None:
    """Each is refused for its own reason, by each scan."""
    name = "project_path" if scan == "scan-project-panels" else "folder_path"
    await service.make_tag("so that there is a log")
    for path, status, code in (
        ("", 422, "path.invalid"),
        (".", 422, "path.invalid"),
        (f"{service.project}/../x", 422, "path.invalid"),
        ("/etc", 403, "path.not_permitted"),
        (f"{service.project}/.gallery", 403, "path.not_permitted"),
        (f"{service.project}/none", 404, "file.missing"),
        (f"{service.project}/Panel_01/Eliot_Panel_01_v001.png", 404, "file.missing"),
    ):
        refused(await service.post(f"/api/{scan}", {name: path}), status, code)
    refused(await service.post(f"/api/{scan}", {}), 422, "request.invalid")
