"""The WebSocket of a group: its state, what becomes of its jobs, and its end, to all who watch."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType

from events.jobs import JobFailed, JobId, JobOutputStored
from events.record import Record
from events.stamp import Stamp
from orchestrator import job_feed, live
from orchestrator.comfyui.progress import ProgressTracker
from orchestrator.commands.jobs import AdvanceJob
from orchestrator.config import BackendConfig
from orchestrator.http import frames
from orchestrator.scheduling.dispatcher import JobNews
from orchestrator.services import JOB_FEED, PROJECTS
from tests.http.studio import Service, Studio, faults, graph, read
from tools.simulator import Behaviour, Simulator

Socket = ClientWebSocketResponse[bool]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests do not wait as long as people do."""
    monkeypatch.setattr(job_feed, "GATHER", 0.005)


@asynccontextmanager
async def watching(service: Service, group_id: str, **query: str) -> AsyncIterator[Socket]:
    """A WebSocket about a group."""
    path = f"/ws/job-groups/{group_id}"
    async with service.client.ws_connect(path, params=query) as socket:
        yield socket


async def hear(socket: Socket) -> Any:
    """The next message."""
    return await socket.receive_json(timeout=30)


async def hear_until(socket: Socket, kind: str, count: int = 1) -> list[Any]:
    """All messages until so many of a kind have come."""
    heard: list[Any] = []
    while sum(told["type"] == kind for told in heard) < count:
        heard.append(await hear(socket))
    return heard


async def silent(socket: Socket) -> None:
    """Assert that nothing else comes before an answer does."""
    await socket.send_str("ping")
    assert await hear(socket) == {"type": "pong"}


async def submit(service: Service, count: int = 2, **more: Any) -> tuple[str, list[str]]:
    """A group that waits; its id and those of its jobs."""
    body = {"workflow_json": graph(), "project_path": str(service.project), "count": count, **more}
    answer = await service.post("/api/job-groups", body)
    assert answer.status == 201, answer.body
    return answer.plain["id"], [job["job_id"] for job in answer.plain["jobs"]]


async def fail(service: Service, job_id: str, kind: str = "execution") -> None:
    """Let a job fail."""
    step = JobFailed(job=JobId(job_id), reason="it went wrong", kind=kind)
    await (await service.opened()).change(AdvanceJob(step=step), "test", job_id)


async def cancel(service: Service, job_id: str) -> None:
    """Cancel one job."""
    await service.post(f"/api/jobs/{job_id}/cancel")
    await service.ended(job_id)


async def progress(service: Service, job_id: str, percent: float, step: str | None = None) -> None:
    """Let a backend tell how far a job is."""
    project = await service.opened()
    job = project.view.job(job_id)
    assert job is not None
    tracker = ProgressTracker(prompt_id="p", node_count=7, percent=percent, current_step=step)
    news = JobNews(project.root, job_id, job, tracker, state_changed=False)
    service.app[JOB_FEED].publish(news)


class TestBeginning:
    async def test_how_it_stands(self, service: Service) -> None:
        """Just as GET has it, with a cursor."""
        group_id, (first, _) = await submit(service)
        await fail(service, first)
        async with watching(service, group_id) as socket:
            told = await hear(socket)
            assert (told.pop("type"), told.pop("reset")) == ("initial_state", False)
            assert told.pop("cursor")
            assert told == (await service.get(f"/api/job-groups/{group_id}")).plain
            assert (told["failed_count"], told["queued_count"]) == (1, 1)
            await silent(socket)

    async def test_after_the_end(self, service: Service) -> None:
        """Who comes late gets the state, and `group_complete` right after."""
        group_id, jobs = await submit(service)
        await fail(service, jobs[0], "timeout")
        await cancel(service, jobs[1])
        for _ in range(2):
            async with watching(service, group_id) as socket:
                state, end = await hear(socket), await hear(socket)
                assert (state["type"], end["type"]) == ("initial_state", "group_complete")
                assert state["status"] == end["status"] == "failed"
                await silent(socket)
        assert (end["total"], end["succeeded"], end["failed"], end["cancelled"]) == (2, 0, 1, 1)
        results = [(each["job_id"], each["status"], each["outputs"]) for each in end["results"]]
        assert results == [(jobs[0], "timeout", None), (jobs[1], "cancelled", None)]
        assert [each["error"] for each in end["results"]] == ["it went wrong", None]
        assert end["completed_at"] == state["completed_at"]

    async def test_an_unknown_group(self, service: Service) -> None:
        """1008 with the reason, however long its id is."""
        for group_id in ("jg_none", "ä" * 200):
            async with watching(service, group_id) as socket:
                message = await socket.receive(timeout=30)
                assert message.type is WSMsgType.CLOSE
                assert (socket.close_code, bool(message.extra)) == (1008, True)

    async def test_projects_that_are_not_open_yet(self, service: Service) -> None:
        """1013: it may be in one of them, so the client is to come again."""
        service.app[PROJECTS].still_opening = 1
        async with watching(service, "jg_none") as socket:
            await socket.receive(timeout=30)
            assert socket.close_code == 1013
        service.app[PROJECTS].still_opening = 0

    async def test_a_faulty_query(self, service: Service) -> None:
        """Refused before the connection becomes a WebSocket."""
        answer = await read(await service.client.get("/ws/job-groups/x?cursr=1"))
        assert list(faults(answer)) == ["cursr"]


class TestNews:
    async def test_each_end_has_its_name(self, service: Service) -> None:
        """Failed, too long, cancelled; then the whole group, once."""
        group_id, jobs = await submit(service, 3, base_seed=4, seed_strategy="sequential")
        async with watching(service, group_id) as socket:
            await hear(socket)
            await fail(service, jobs[0])
            await fail(service, jobs[1], "timeout")
            await cancel(service, jobs[2])
            heard = await hear_until(socket, "group_complete")
            await silent(socket)
        by_type = {told["type"]: told for told in heard}
        failed, late = by_type["child_failed"], by_type["child_timeout"]
        assert [next(iter(told)) for told in heard] == ["type"] * len(heard)
        assert (failed["job_group_id"], failed["job_id"]) == (group_id, jobs[0])
        assert (failed["seed"], failed["status"], failed["backend_id"]) == (4, "failed", None)
        assert (failed["error"], failed["error_type"]) == ("it went wrong", "execution")
        assert failed["failed_at"].endswith("Z")
        assert (late["job_id"], late["timeout_seconds"]) == (jobs[1], None)
        assert by_type["child_cancelled"]["cancelled_at"].endswith("Z")
        assert [told["type"] for told in heard if told["type"] != "child_progress"] == [
            "child_failed", "child_timeout", "child_cancelled", "group_complete",
        ]  # fmt: skip

    async def test_progress(self, service: Service) -> None:
        """Of each job the last of a moment, with steps as numbers; none after its end."""
        group_id, (first, second) = await submit(service)
        async with watching(service, group_id) as socket:
            await hear(socket)
            service.app[JOB_FEED].flush()
            for percent in range(10, 50, 10):
                await progress(service, first, percent, f"{percent}/50")
            await progress(service, second, 5)
            heard = await hear_until(socket, "child_progress", 2)
            assert [(told["job_id"], told["progress"]) for told in heard][-1] == (second, 5)
            last = heard[-2]
            assert (last["job_id"], last["progress"], last["current_step"]) == (first, 40, "40/50")
            assert (last["steps_completed"], last["steps_total"]) == (40, 50)
            assert last["cursor"] is None
            await progress(service, first, 60)
            await fail(service, first)
            heard = await hear_until(socket, "child_failed")
            await silent(socket)

    async def test_a_cancelled_group(self, service: Service) -> None:
        """Ends as cancelled, when its jobs have."""
        group_id, jobs = await submit(service)
        async with watching(service, group_id) as socket:
            await hear(socket)
            await service.send("DELETE", f"/api/job-groups/{group_id}")
            heard = await hear_until(socket, "group_complete")
        cancelled = {told["job_id"] for told in heard if told["type"] == "child_cancelled"}
        assert cancelled == set(jobs)
        assert (heard[-1]["status"], heard[-1]["cancelled"]) == ("cancelled", 2)

    async def test_only_this_group(self, service: Service) -> None:
        """Nothing of other groups and jobs."""
        group_id, jobs = await submit(service, 1)
        _, others = await submit(service, 1)
        async with watching(service, group_id) as socket:
            await hear(socket)
            await fail(service, others[0])
            await cancel(service, await service.submit(project_path=str(service.project)))
            await fail(service, jobs[0])
            heard = await hear_until(socket, "group_complete")
        assert [told["type"] for told in heard] == ["child_failed", "group_complete"]

    async def test_to_everybody(self, service: Service) -> None:
        """A second watcher takes nothing from the first; and the first may leave."""
        group_id, jobs = await submit(service)
        async with watching(service, group_id) as second:
            async with watching(service, group_id) as first:
                await hear(first)
                await hear(second)
                await fail(service, jobs[0])
                told = await hear(first)
                assert told == await hear(second)
                assert told["type"] == "child_failed"
            await fail(service, jobs[1])
            assert (await hear(second))["job_id"] == jobs[1]
            assert (await hear(second))["type"] == "group_complete"

    async def test_a_file_that_comes_late(self, service: Service) -> None:
        """News of a job that has ended: nobody is told of its end a second time."""
        group_id, jobs = await submit(service)
        async with watching(service, group_id) as socket:
            await hear(socket)
            await fail(service, jobs[0])
            assert (await hear(socket))["type"] == "child_failed"
            project = await service.opened()
            stored = JobOutputStored(
                job=JobId(jobs[0]), attempt=1, node="9", index=0, kind="images", asset="a",
                path="x.png", size=1, sha256="x", extra=True,
            )  # fmt: skip
            stamp = Stamp("f" * 16 + "0" * 19)
            project.apply([Record(stamp, stored, "x", project.host.id, "0" * 16, 1)])
            await fail(service, jobs[1])
            heard = await hear_until(socket, "group_complete")
        assert [told["type"] for told in heard] == ["child_failed", "group_complete"]
        assert heard[-1]["results"][0]["outputs"] is None

    async def test_what_another_host_did(self, studio: Studio, service: Service) -> None:
        """It is told when it is read from the share's log."""
        group_id, jobs = await submit(service, 1)
        other = await studio.host("bela")
        project = await other.opened()
        async with watching(other, group_id) as socket:
            await hear(socket)
            await fail(service, jobs[0])
            await project.follow()
            heard = await hear_until(socket, "group_complete")
        assert heard[0]["type"] == "child_failed"

    async def test_a_render(self, studio: Studio, tmp_path: Path) -> None:
        """Running, progress, and the files: told to one who watches from the beginning."""
        behaviour = Behaviour(previews=False, seconds_per_step=0.02)
        async with Simulator(behaviour, folder=tmp_path / "comfyui") as simulator:
            config = BackendConfig(id="one", name="One", host="127.0.0.1", port=simulator.port)
            service = await studio.host(backends=(config,))
            group_id, jobs = await submit(service, 1, metadata={"panel_id": "Panel_07"})
            async with watching(service, group_id) as socket:
                state = await hear(socket)
                heard = await hear_until(socket, "group_complete")
        assert state["child_jobs"][0]["job_id"] == jobs[0]
        moved = [told for told in heard if told["type"] == "child_progress"]
        assert [told["status"] for told in moved][-1] == "running"
        percents = [told["progress"] for told in moved]
        assert percents == sorted(percents)
        done, end = heard[-2:]
        assert (done["type"], done["backend_id"]) == ("child_completed", "one")
        (image,) = done["outputs"]["images"]
        assert (image["filename"], image["subfolder"]) == ("Eliot_Panel_07_v001.png", "Panel_07")
        assert (end["status"], end["succeeded"]) == ("completed", 1)
        assert end["results"][0]["outputs"] == done["outputs"]


class TestCursor:
    async def test_who_comes_back_misses_nothing(self, service: Service) -> None:
        """Each job that changed meanwhile, once; then it goes on, to the end."""
        group_id, jobs = await submit(service, 4)
        async with watching(service, group_id) as socket:
            await hear(socket)
            await fail(service, jobs[0])
            cursor = (await hear(socket))["cursor"]
        await cancel(service, jobs[1])
        await fail(service, jobs[2])
        async with watching(service, group_id, cursor=cursor) as socket:
            missed = [await hear(socket), await hear(socket)]
            assert [(told["type"], told["job_id"]) for told in missed] == [
                ("child_cancelled", jobs[1]),
                ("child_failed", jobs[2]),
            ]
            await silent(socket)
            await fail(service, jobs[3])
            heard = await hear_until(socket, "group_complete")
            assert [told["type"] for told in heard] == ["child_failed", "group_complete"]
        # Who was cut off in between gets the rest.
        async with watching(service, group_id, cursor=missed[0]["cursor"]) as socket:
            heard = await hear_until(socket, "group_complete")
            assert [told["job_id"] for told in heard[:-1]] == [jobs[2], jobs[3]]
        async with watching(service, group_id, cursor=heard[-1]["cursor"]) as socket:
            assert (await hear(socket))["type"] == "group_complete"
            await silent(socket)

    async def test_one_that_nobody_knows(self, service: Service) -> None:
        """The state anew, with `reset`; also after a restart."""
        group_id, _ = await submit(service)
        for cursor in ("", "nonsense", "0123456789ab:1"):
            async with watching(service, group_id, cursor=cursor) as socket:
                told = await hear(socket)
                assert (told["type"], told["reset"]) == ("initial_state", True)

    async def test_after_a_restart(self, studio: Studio, service: Service) -> None:
        """Groups are still there; what the cursor meant is not known any more."""
        group_id, jobs = await submit(service)
        async with watching(service, group_id) as socket:
            cursor = (await hear(socket))["cursor"]
        await fail(service, jobs[0])
        await service.close()
        again = await studio.host()
        async with watching(again, group_id, cursor=cursor) as socket:
            told = await hear(socket)
            assert (told["type"], told["reset"], told["failed_count"]) == ("initial_state", True, 1)

    async def test_a_project_that_is_opened_anew(self, service: Service) -> None:
        """What was read from the share meanwhile, nobody has heard: the state comes again."""
        group_id, jobs = await submit(service)
        async with watching(service, group_id) as socket:
            cursor = (await hear(socket))["cursor"]
            old = await service.opened()
            await service.app[PROJECTS]._open_anew(old.root)
            await old.close()
            told = await hear(socket)
            while told["type"] != "initial_state":
                told = await hear(socket)
            assert told["reset"] is True
            assert told["cursor"].partition(":")[0] != cursor.partition(":")[0]
            for job_id in jobs:
                await fail(service, job_id)
            heard = await hear_until(socket, "group_complete")
            failed = [told["job_id"] for told in heard if told["type"] == "child_failed"]
            assert failed == jobs


class TestConversation:
    async def test_ping(self, service: Service) -> None:
        """Browsers cannot send the protocol's own; whatever else is said is passed over."""
        group_id, _ = await submit(service)
        async with watching(service, group_id) as socket:
            await hear(socket)
            for said in ("ping", '"ping"', "close", "{", "ping"):
                await socket.send_str(said)
            for _ in range(3):
                assert await hear(socket) == {"type": "pong"}

    async def test_a_watcher_that_does_not_read(
        self, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is let go with 1013, and the others hear everything meanwhile."""
        monkeypatch.setattr(frames, "PATIENCE", 0.05)
        monkeypatch.setattr(frames, "LOOK", 0.01)
        monkeypatch.setattr(live, "MAX_BEHIND", 5)
        group_id, jobs = await submit(service, 1)
        async with watching(service, group_id) as good, watching(service, group_id) as slow:
            await hear(good)
            for _ in range(30):  # far more than fits into the buffers on the way to `slow`
                for percent in range(4):
                    await progress(service, jobs[0], percent, "x" * 400_000)
                    service.app[JOB_FEED].flush()
                    assert (await hear(good))["progress"] == percent
            async for _ in slow:
                pass
            assert slow.close_code == 1013
            await silent(good)

    async def test_when_the_service_stops(self, service: Service) -> None:
        """1001: the client may come again later."""
        group_id, _ = await submit(service)
        async with watching(service, group_id) as socket:
            await hear(socket)
            stopping = asyncio.create_task(service.stop())
            message = await socket.receive(timeout=30)
            assert message.type is WSMsgType.CLOSE
            assert socket.close_code == 1001
            await stopping
