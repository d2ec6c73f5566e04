"""The main job against real ComfyUI servers: rendered, stored, rated, and told again by the log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.comfyui_real.conftest import Pair
from tests.comfyui_real.pngs import text_chunks
from tests.comfyui_real.replaying import Replayed
from tests.comfyui_real.service import Service

pytestmark = pytest.mark.comfyui


async def test_a_rendered_picture_is_stored_rated_tagged_and_told_again(service: Service) -> None:
    """From the submission to the stars, and a replay of the log gives the same state."""
    job_id = await service.submit("fast")
    job = await service.succeeds(job_id)

    assert service.files() == ["Panel_01/Eliot_Panel_01_v001.png"]
    assert [output["rel_path"] for output in job["outputs"]] == service.files()
    assert job["progress"] == 100
    picture = service.files()[0]
    await service.post("/api/gallery/ratings", {**_file(service, picture), "rating": 4})
    saved = await service.post("/api/gallery/tags", {**_project(service), "name": "Hero"})
    tag = saved["tag"]["id"]
    await service.post("/api/gallery/file-tags", {**_file(service, picture), "addTags": [tag]})
    told = await service.details(picture)
    assert told["file"]["rating"] == 4
    assert [tag["name"] for tag in told["file"]["tags"]] == ["Hero"]
    assert told["file"]["lineage"]["jobId"] == job_id

    replayed = Replayed.of(service.project)

    assert replayed.findings == ()
    assert replayed.jobs(service.project) == (await service.get("/api/jobs"))["jobs"]
    ratings = await service.get("/api/gallery/ratings", projectPath=str(service.project))
    assert replayed.ratings() == ratings["ratings"] == {picture: 4}
    assert replayed.tags(picture) == ("Hero",)


async def test_the_picture_carries_its_graph_and_our_mark(service: Service) -> None:
    """The file alone tells how it was made, and by which job and attempt."""
    job_id = await service.submit("fast", parameters={"3:width": 320})
    job = await service.succeeds(job_id)

    told = await service.details(service.files()[0])
    assert (told["file"]["width"], told["file"]["height"]) == (320, 192)
    graph = told["pngMetadata"]["prompt"]
    assert graph["3"]["inputs"]["width"] == 320
    mark = text_chunks(service.project / service.files()[0])["orchestrator"]
    assert mark == {"job": job_id, "attempt": 1, "host": job["host"]}
    raw = await service.bytes(job["outputs"][0]["url"])
    assert raw == (service.project / service.files()[0]).read_bytes()


async def test_ten_jobs_use_both_backends_and_get_a_version_each(service: Service) -> None:
    """No output is lost, doubled or overwritten, however the jobs are spread."""
    ids = [await service.submit("fast", parameters={"1:color": n}) for n in range(10)]
    jobs = [await service.succeeds(job_id) for job_id in ids]

    names = [f"Panel_01/Eliot_Panel_01_v{n:03}.png" for n in range(1, 11)]
    assert service.files() == names
    assert sorted(output["rel_path"] for job in jobs for output in job["outputs"]) == names
    assert all(len(job["attempts"]) == 1 for job in jobs)
    assert {job["backend_id"] for job in jobs} == {"one", "two"}
    for job in jobs:
        mark = text_chunks(Path(job["outputs"][0]["path"]))["orchestrator"]
        assert mark["job"] == job["job_id"]
    assert service.staged() == []


async def test_an_identical_job_gives_a_new_picture(service: Service, backends: Pair) -> None:
    """ComfyUI's cache answers with old file names; each attempt has a prefix of its own."""
    first, second = [
        await service.succeeds(await service.submit("fast", backend_id="one")) for _ in range(2)
    ]

    assert service.files() == [
        "Panel_01/Eliot_Panel_01_v001.png",
        "Panel_01/Eliot_Panel_01_v002.png",
    ]
    assert first["outputs"][0]["asset_id"] != second["outputs"][0]["asset_id"]
    prompts = [job["attempts"][0]["prompt_id"] for job in (first, second)]
    made = [_made(await backends[0].entry(prompt_id)) for prompt_id in prompts]
    assert made[0] != made[1]


def _made(entry: dict[str, Any] | None) -> list[dict[str, str]]:
    assert entry is not None
    images: list[dict[str, str]] = entry["outputs"]["4"]["images"]
    return images


def _project(service: Service) -> dict[str, str]:
    return {"projectPath": str(service.project)}


def _file(service: Service, relative: str) -> dict[str, str]:
    return {**_project(service), "filePath": relative}
