"""Backends as they are shown, and the whole main job on a simulated one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from orchestrator.config import BackendConfig
from tests.http.studio import Service, Studio, faults, graph, refused
from tools.simulator import Behaviour, Simulator

OFF = BackendConfig(id="off", name="Off", host="127.0.0.1", port=1, capabilities=("flux",))


@pytest.fixture
async def simulator(tmp_path: Path) -> AsyncIterator[Simulator]:
    """A simulated ComfyUI in this process."""
    behaviour = Behaviour(seconds_per_step=0.02)
    async with Simulator(behaviour, folder=tmp_path / "comfyui") as made:
        yield made


def of(simulator: Simulator, **more: Any) -> BackendConfig:
    """The configuration of a simulated backend."""
    settings = {"id": "beast", "name": "Beast", "host": "127.0.0.1", "port": simulator.port}
    return BackendConfig(**{**settings, "capabilities": ("sdxl",), **more})


@pytest.fixture
async def service(studio: Studio, simulator: Simulator) -> Service:
    """A service with one backend that is on, and one that is off."""
    made = await studio.host(backends=(of(simulator), OFF))
    async with asyncio.timeout(30):
        while not (await made.get("/health")).plain["backends_online"]:  # noqa: ASYNC110 # as clients do
            await asyncio.sleep(0.02)
    return made


class TestBackends:
    async def test_none(self, studio: Studio) -> None:
        """A service without backends is well."""
        answer = await (await studio.host()).get("/api/backends")
        assert answer.plain == {"backends": [], "total": 0, "online": 0, "offline": 0}

    async def test_all_of_them(self, service: Service) -> None:
        """In the order of the configuration, with what each one is and does."""
        answer = (await service.get("/api/backends")).plain
        assert (answer["total"], answer["online"], answer["offline"]) == (2, 1, 1)
        beast, off = answer["backends"]
        assert (beast["id"], beast["online"], beast["status"]) == ("beast", True, "idle")
        assert (beast["capabilities"], beast["max_concurrent_jobs"]) == (["sdxl"], 1)
        assert (beast["queue_depth"], beast["current_job_id"], beast["fault"]) == (0, None, None)
        assert (off["id"], off["online"], off["status"]) == ("off", False, "offline")
        assert off["fault"]
        assert off["last_seen"] is None
        assert (beast["state"], off["state"]) == ("online", "unreachable")
        assert (beast["draining"], beast["paused"], beast["failures_in_a_row"]) == (False, None, 0)
        assert (off["node_classes"], off["models"], off["os"]) == (None, None, None)

    async def test_one(self, service: Service) -> None:
        """Just as in the list."""
        answer = await service.get("/api/backends/off")
        assert (answer.status, answer.plain["name"]) == (200, "Off")

    async def test_its_status_now(self, service: Service) -> None:
        """Asked of the backend at this moment, with memory and GPU from `/system_stats`."""
        told = (await service.get("/api/backends/beast/status")).plain
        total, used = told["gpu_memory_total_bytes"], told["gpu_memory_used_bytes"]
        assert total > used >= 0
        assert told["gpu_memory_total"] == total // (1 << 20)
        assert told["gpu_memory_percent"] == round(100 * used / total, 1)
        assert told["ram_total"] >= told["ram_used"] > 0
        assert told["gpu_name"]
        assert told["comfyui_version"]
        assert told["last_seen"].endswith("Z")

    async def test_its_status_when_it_is_gone(self, service: Service, simulator: Simulator) -> None:
        """An answer, not an error: that it is offline is what was asked for."""
        await simulator.crash()
        told = await service.get("/api/backends/beast/status")
        assert (told.status, told.plain["status"], told.plain["online"]) == (200, "offline", False)
        assert told.plain["fault"]

    async def test_a_disabled_one(self, studio: Studio, simulator: Simulator) -> None:
        """It is shown, and gets no jobs."""
        service = await studio.host(backends=(of(simulator, enabled=False),))
        told = (await service.get("/api/backends/beast")).plain
        assert (told["status"], told["enabled"], told["online"]) == ("disabled", False, False)
        job_id = await service.submit()
        assert (await service.job(job_id))["status"] == "queued"

    async def test_an_unknown_one(self, service: Service) -> None:
        """404 with those that there are."""
        for path in ("/api/backends/node7", "/api/backends/node7/status"):
            detail = refused(await service.get(path), 404, "backend.unknown")["detail"]
            assert detail == {"backend_id": "node7", "known": ["beast", "off"]}


class TestChanges:
    """What is sent to change a backend, and what is refused; `tests/farm` has the effects."""

    async def test_added_with_the_least(self, service: Service) -> None:
        """Its id is made from its name, the rest is as in config.yaml."""
        sent = {"name": "Big Beast", "host": "render-7.local"}
        answer = await service.post("/api/backends", sent)
        assert (answer.status, answer.plain["backend_id"]) == (201, "big-beast")
        told = (await service.get("/api/backends/big-beast")).plain
        assert (told["port"], told["enabled"], told["max_concurrent_jobs"]) == (8188, True, 1)
        assert (await service.get("/api/backends")).plain["total"] == 3

    async def test_every_fault_is_told(self, service: Service) -> None:
        """By the rules of config.yaml; nothing is added."""
        sent = {"id": "x", "name": "X", "host": "http://x", "capabilities": ["a b"]}
        found = faults(await service.post("/api/backends", sent))
        assert set(found) == {"host", "capabilities[0]"}
        assert "without scheme" in found["host"]
        assert set(faults(await service.post("/api/backends", {"id": "x"}))) == {"name", "host"}
        found = faults(await service.post("/api/backends", {**sent, "port": "8188"}))
        assert set(found) == {"port"}
        assert (await service.get("/api/backends")).plain["total"] == 2

    async def test_an_id_or_an_address_that_is_taken(self, service: Service) -> None:
        """409, with the one that has it."""
        sent = {"id": "off", "name": "Off", "host": "10.0.0.1"}
        refused(await service.post("/api/backends", sent), 409, "backend.exists")
        same = {"id": "new", "name": "New", "host": OFF.host, "port": OFF.port}
        answer = await service.post("/api/backends", same)
        detail = refused(answer, 409, "backend.address_taken")["detail"]
        assert detail == {"address": OFF.url, "backend_id": "off"}

    async def test_edited_in_part(self, service: Service) -> None:
        """PATCH and PUT alike: what is not sent stays."""
        for method in ("PATCH", "PUT"):
            body = orjson.dumps({"name": method})
            answer = await service.send(method, "/api/backends/off", body)
            assert answer.status == 200, answer.body
            told = answer.plain["backend"]
            assert (told["name"], told["capabilities"]) == (method, ["flux"])
        answer = await service.send("PATCH", "/api/backends/off", b'{"port": 70000}')
        assert set(faults(answer)) == {"port"}

    @pytest.mark.parametrize(
        ("method", "path"),
        [
            *(
                ("POST", f"/{verb}")
                for verb in (
                    "enable",
                    "disable",
                    "drain",
                    "undrain",
                    "resume",
                    "refresh",
                    "restart",
                    "free",
                )
            ),
            ("PATCH", ""),
            ("DELETE", ""),
        ],
    )
    async def test_an_unknown_one(self, service: Service, method: str, path: str) -> None:
        """404, whatever is asked of it."""
        body = b"{}" if method == "PATCH" else None
        answer = await service.send(method, f"/api/backends/node7{path}", body)
        refused(answer, 404, "backend.unknown")

    async def test_a_restart_is_read_strictly(self, service: Service) -> None:
        """Who means true says true."""
        answer = await service.post("/api/backends/beast/restart", {"interrupt_jobs": "no"})
        assert set(faults(answer)) == {"interrupt_jobs"}


class TestMainJob:
    async def test_submitted_followed_and_in_the_gallery(
        self, studio: Studio, service: Service, simulator: Simulator
    ) -> None:
        """A render ends as a picture of the project, tied to its job, and can be rated."""
        simulator.behaviour.change({"seconds_per_step": 0.1})
        async with service.client.ws_connect("/ws/jobs") as socket:
            await socket.receive_json()
            answer = await service.post(
                "/api/job",
                {
                    "workflow_id": "flux_dev",
                    "parameters": {"prompt": "a castle at sunset", "steps": 5},
                    "metadata": {"panel_id": "Panel_07"},
                    "project_path": str(studio.project),
                    "required_capabilities": ["sdxl"],
                },
            )
            job_id = answer.plain["job_id"]
            told: list[Any] = []
            async with asyncio.timeout(60):
                while not told or told[-1].get("job", {}).get("status") != "succeeded":
                    told.append(await socket.receive_json())
        states = [t["job"]["status"] for t in told if t["type"] == "job_state"]
        assert list(dict.fromkeys(states)) == [
            "queued", "submitted", "running", "collecting", "succeeded",
        ]  # fmt: skip
        progress = [t["progress"] for t in told if t["type"] == "job_progress"]
        assert progress == sorted(progress)
        assert all(0 <= percent <= 100 for percent in progress)
        assert any(str(t.get("current_step")).endswith("/5") for t in told)

        job = await service.job(job_id)
        assert (job["backend_id"], job["attempt"], job["progress"]) == ("beast", 1, 100)
        times = [
            datetime.fromisoformat(job[f"{at}_at"]) for at in ("created", "started", "completed")
        ]
        assert times == sorted(times)
        (output,) = job["outputs"]
        assert output["rel_path"] == "Panel_07/Eliot_Panel_07_v001.png"
        shown = await service.get(output["url"])
        assert (shown.status, len(shown.body)) == (200, output["size"])

        info = (await service.gallery("file-info", filePath=output["rel_path"])).plain
        assert info["file"]["lineage"] == {"jobId": job_id, "attempt": 1, "node": "9"}
        assert info["pngMetadata"]["prompt"]["6"]["inputs"]["text"] == "a castle at sunset"
        assert (await service.rate(output["rel_path"], 5)).status == 200
        assert await service.ratings() == {output["rel_path"]: 5}

    async def test_by_backend(self, service: Service) -> None:
        """Jobs that went to one, and not those that went to others."""
        job_id = await service.submit(workflow_json=graph(), backend_id="beast")
        await service.ended(job_id)
        for name in ("backend", "backend_id"):
            found = (await service.get("/api/jobs", **{name: "beast"})).plain["jobs"]
            assert [job["job_id"] for job in found] == [job_id]
            assert (await service.get("/api/jobs", **{name: "off"})).plain["total"] == 0

    async def test_it_waits_for_its_backend(self, service: Service) -> None:
        """Pinned to one that is off: it says what it waits for, and can be cancelled."""
        job_id = await service.submit(backend_affinity="off")
        async with asyncio.timeout(30):
            while "off" not in ((await service.job(job_id))["waiting_for"] or ""):  # noqa: ASYNC110 # as clients do
                await asyncio.sleep(0.02)
        await service.post(f"/api/jobs/{job_id}/cancel")
        assert (await service.ended(job_id))["status"] == "cancelled"

    async def test_cancelled_in_mid_job(self, service: Service, simulator: Simulator) -> None:
        """Running, then cancelled; asked again, 409. The backend is free for the next."""
        simulator.behaviour.change({"seconds_per_step": 0.2})
        job_id = await service.submit(parameters={"steps": 500})
        async with asyncio.timeout(30):
            while (await service.job(job_id))["status"] != "running":  # noqa: ASYNC110 # as clients do
                await asyncio.sleep(0.02)
        busy = (await service.get("/api/backends/beast/status")).plain
        assert (busy["status"], busy["current_job_id"]) == ("busy", job_id)
        answer = await service.post(f"/api/jobs/{job_id}/cancel")
        assert (answer.status, answer.plain["status"]) == (200, "cancelling")
        assert (await service.ended(job_id))["status"] == "cancelled"
        refused(await service.post(f"/api/jobs/{job_id}/cancel"), 409, "job.ended")
        simulator.behaviour.change({"seconds_per_step": 0.0})
        assert (await service.ended(await service.submit()))["status"] == "succeeded"

    async def test_a_workflow_that_the_backend_refuses(self, service: Service) -> None:
        """The job fails with ComfyUI's own reason and node.

        It names its backend: without, it would wait for one that was never heard of
        and may have the model.
        """
        broken = graph()
        broken["4"]["inputs"]["ckpt_name"] = "none.safetensors"
        job = await service.ended(await service.submit(workflow_json=broken, backend_id="beast"))
        assert job["status"] == "failed"
        assert job["error_message"]
        assert job["error_node"] == "4"

    async def test_a_render_that_fails(self, service: Service, simulator: Simulator) -> None:
        """Failed, with the reason; nothing is in the gallery."""
        simulator.behaviour.change({"fail_next": 99})
        job = await service.ended(await service.submit(project_path=str(service.project)))
        assert job["status"] == "failed"
        assert "memory" in job["error_message"].lower()
        assert job["outputs"] == []
