"""Groups of jobs after their submission: looked at, cancelled, broken off, restarted, rendered."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from events.jobs import JobId
from orchestrator.commands.groups import CreateGroup
from orchestrator.commands.jobs import AdvanceJob, QueueJob
from orchestrator.config import BackendConfig
from orchestrator.errors import LogBusy
from orchestrator.groups import service as groups_service
from orchestrator.groups.service import Groups
from orchestrator.project import Project
from tests.http.grouping import BEAST, NODE, RESTING, fail, look, send, taken, told
from tests.http.studio import Service, Studio, graph, node, refused
from tests.scheduling.graphs import failing, still
from tools.simulator import Behaviour, Simulator


@pytest.fixture
async def service(studio: Studio) -> Service:
    """A service whose backends are off: jobs wait in its queue."""
    return await studio.host(backends=(BEAST, NODE, RESTING))


class TestLooking:
    async def test_an_unknown_group(self, service: Service) -> None:
        """404, however it is asked for."""
        for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/cancel")):
            answer = await service.send(method, f"/api/job-groups/jg_none{path}")
            refused(answer, 404, "group.unknown")

    async def test_jobs_that_have_ended(self, service: Service) -> None:
        """Failures stay with the job that failed; the group ends when all have."""
        group = await taken(service, count=2)
        first, second = (job["job_id"] for job in group["jobs"])
        await fail(service, first, "timeout")
        now = await look(service, group["id"])
        assert (now["status"], now["failed_count"], now["queued_count"]) == ("running", 1, 1)
        child = now["child_jobs"][0]
        assert (child["status"], child["error_type"]) == ("timeout", "timeout")
        assert child["error_message"] == "it went wrong"
        assert child["completed_at"].endswith("Z")
        assert now["completed_at"] is None
        await fail(service, second)
        end = await look(service, group["id"])
        assert (end["status"], end["failed_count"]) == ("failed", 2)
        assert end["completed_at"] == end["child_jobs"][1]["completed_at"]

    async def test_a_page_of_them(self, studio: Studio, service: Service) -> None:
        """Newest first, without their jobs; by state and project."""
        made = [(await taken(service, count=1))["id"] for _ in range(3)]
        other = studio.share / "Other"
        other.mkdir()
        made.append((await taken(service, count=2, project_path=str(other)))["id"])
        await service.send("DELETE", f"/api/job-groups/{made[0]}")
        page = (await service.get("/api/job-groups")).plain
        assert [group["id"] for group in page["job_groups"]] == made[::-1]
        assert (page["success"], page["total"]) == (True, 4)
        assert "child_jobs" not in page["job_groups"][0]
        assert page["job_groups"][0]["total_count"] == 2
        page = (await service.get("/api/job-groups", limit=2, offset=1)).plain
        assert [group["id"] for group in page["job_groups"]] == [made[2], made[1]]
        page = (await service.get("/api/job-groups", status="cancelled")).plain
        assert ([group["id"] for group in page["job_groups"]], page["total"]) == ([made[0]], 1)
        page = (await service.get("/api/job-groups", project_path=str(other))).plain
        assert [group["id"] for group in page["job_groups"]] == [made[3]]

    async def test_another_hosts(self, studio: Studio, service: Service) -> None:
        """Groups of a shared project can be seen, and cancelled, from every host."""
        group = await taken(service, count=2)
        other = await studio.host("bela")
        await other.ratings()
        assert (await look(other, group["id"]))["total_count"] == 2
        answer = await other.post(f"/api/job-groups/{group['id']}/cancel")
        assert (answer.status, answer.plain["interrupted"]) == (200, 2)
        assert (await look(other, group["id"]))["status"] == "cancelled"


class TestCancel:
    @pytest.mark.parametrize(("method", "path"), [("DELETE", ""), ("POST", "/cancel")])
    async def test_either_way(self, service: Service, method: str, path: str) -> None:
        """What has not ended is stopped; the group is cancelled at once, and stays so."""
        group = await taken(service, count=3)
        await fail(service, group["jobs"][0]["job_id"])
        answer = await service.send(method, f"/api/job-groups/{group['id']}{path}")
        assert answer.status == 200
        plain = answer.plain
        assert (plain["success"], plain["cancelled"], plain["status"]) == (True, True, "cancelled")
        assert (plain["interrupted"], plain["already_complete"]) == (2, 1)
        assert plain["job_group_id"] == group["id"]
        for job in group["jobs"]:
            await service.ended(job["job_id"])
        end = await look(service, group["id"])
        assert (end["status"], end["cancelled_count"], end["failed_count"]) == ("cancelled", 2, 1)
        assert end["completed_at"]

    async def test_again(self, service: Service) -> None:
        """Stops nothing more, and is no error."""
        group = await taken(service, count=1)
        path = f"/api/job-groups/{group['id']}"
        await service.send("DELETE", path)
        await service.ended(group["jobs"][0]["job_id"])
        plain = (await service.send("DELETE", path)).plain
        assert (plain["cancelled"], plain["interrupted"], plain["already_complete"]) == (True, 0, 1)

    async def test_one_that_has_ended(self, service: Service) -> None:
        """It stays as it ended."""
        group = await taken(service, count=1)
        await fail(service, group["jobs"][0]["job_id"])
        plain = (await service.send("DELETE", f"/api/job-groups/{group['id']}")).plain
        assert (plain["status"], plain["interrupted"], plain["already_complete"]) == (
            "failed",
            0,
            1,
        )


class TestRestart:
    async def test_groups_are_there_again(self, studio: Studio, service: Service) -> None:
        """With their seeds, their jobs, and how far they were."""
        group = await taken(service, count=2, base_seed=3)
        await fail(service, group["jobs"][1]["job_id"])
        before = await look(service, group["id"])
        await service.close()
        again = await studio.host(backends=(BEAST, NODE))
        assert await look(again, group["id"]) == before
        (found,) = (await again.get("/api/job-groups")).plain["job_groups"]
        assert found["id"] == group["id"]
        answer = await again.send("DELETE", f"/api/job-groups/{group['id']}")
        assert answer.plain["interrupted"] == 1

    async def test_a_crash_in_the_middle_of_a_submission(
        self, studio: Studio, service: Service
    ) -> None:
        """Jobs whose group never came to be are ended by the next start, and told why."""
        group = await taken(service, count=2)
        project = await service.opened()
        job = project.view.job(group["jobs"][0]["job_id"])
        assert job is not None
        assert job.queued is not None
        order = job.queued.order
        lost = JobId("0190aaaa-0000-7000-8000-000000000000")
        fields = {name: getattr(order, name) for name in ("workflow", "naming_template")}
        half = type(order)(job=lost, group="jg_half", **fields)
        await project.change(QueueJob(order=half), "mara", lost)
        await service.close()
        again = await studio.host(backends=(BEAST, NODE))
        ended = await again.ended(lost)
        assert (ended["status"], ended["error_kind"]) == ("failed", "group")
        assert "jg_half" in ended["error_message"]
        assert (await look(again, group["id"]))["queued_count"] == 2


class TestBrokenOff:
    """A submission that cannot be recorded as a whole."""

    @pytest.fixture
    def refusing(self, monkeypatch: pytest.MonkeyPatch) -> list[type]:
        """Commands of these classes are refused by the log."""
        kinds: list[type] = []
        change = Project.change

        async def refuse(self: Project, command: Any, *rest: Any) -> Any:
            if type(command) in kinds:
                raise LogBusy(1)
            return await change(self, command, *rest)

        monkeypatch.setattr(Project, "change", refuse)
        return kinds

    async def test_its_jobs_are_ended_at_once(self, service: Service, refusing: list[type]) -> None:
        """The client is told why; nothing of the group waits any more."""
        refusing.append(CreateGroup)
        refused(await send(service, count=3), 503, "log.busy")
        page = (await service.get("/api/jobs")).plain
        assert [job["status"] for job in page["jobs"]] == ["failed"] * 3
        assert {job["error_kind"] for job in page["jobs"]} == {"group"}
        assert (await service.get("/api/job-groups")).plain["total"] == 0

    async def test_one_job_that_is_too_large(self, service: Service) -> None:
        """For a line of the log: the others are ended."""
        large = {**graph(), "99": node("Note", text="x" * (1 << 20))}
        jobs = [{"workflow": graph()}, {"workflow": large}]
        refused(await send(service, jobs=jobs), 413, "log.too_large")
        (job,) = (await service.get("/api/jobs")).plain["jobs"]
        assert (job["status"], job["error_kind"]) == ("failed", "group")

    async def test_a_project_that_cannot_be_changed_for_a_while(
        self, service: Service, refusing: list[type], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The client does not wait for it; the jobs are ended as soon as that is possible."""
        monkeypatch.setattr(groups_service, "WITHDRAW_SECONDS", 0.01)
        refusing += [CreateGroup, AdvanceJob]
        refused(await send(service, count=1), 503, "log.busy")
        (job,) = (await service.get("/api/jobs")).plain["jobs"]
        assert job["status"] == "queued"
        refusing.clear()
        assert (await service.ended(job["job_id"]))["error_kind"] == "group"

    async def test_a_client_that_hangs_up(
        self, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What has begun is finished: all of the group, or nothing."""
        commit, begun = Groups._commit, asyncio.Event()

        async def slowly(*args: Any) -> None:
            begun.set()
            await asyncio.sleep(0.05)
            await commit(*args)

        monkeypatch.setattr(Groups, "_commit", slowly)
        asking = asyncio.create_task(taken(service, count=2))
        await begun.wait()
        asking.cancel()
        async with asyncio.timeout(10):
            while not (await service.get("/api/job-groups")).plain["total"]:  # noqa: ASYNC110 # as clients do
                await asyncio.sleep(0.01)
        assert told(service.project) == ["job.queued", "job.queued", "group.created"]


class TestRunning:
    async def test_from_submission_to_the_gallery(self, studio: Studio, tmp_path: Path) -> None:
        """Two backends render, one job fails, and the others do not mind."""
        behaviour = Behaviour(previews=False)
        async with (
            Simulator(behaviour, folder=tmp_path / "one") as one,
            Simulator(behaviour, folder=tmp_path / "two") as two,
        ):
            configs = tuple(
                BackendConfig(id=name, name=name, host="127.0.0.1", port=simulator.port)
                for name, simulator in (("one", one), ("two", two))
            )
            service = await studio.host(backends=configs)
            panel = {"panel_id": "Panel_07"}
            good = await taken(service, backend_ids=["one", "two"], metadata=panel)
            mixed = await taken(service, jobs=[{"workflow": still()}, {"workflow": failing()}])
            for job in (*good["jobs"], *mixed["jobs"]):
                await service.ended(job["job_id"])
            end = await look(service, good["id"])
            assert (end["status"], end["completed_count"]) == ("completed", 2)
            assert {job["backend_id"] for job in end["jobs"]} == {"one", "two"}
            files = [job["outputs"]["images"][0] for job in end["jobs"]]
            names = {"Eliot_Panel_07_v001.png", "Eliot_Panel_07_v002.png"}
            assert {file["filename"] for file in files} == names
            assert {(file["subfolder"], file["type"]) for file in files} == {("Panel_07", "output")}
            for job, file in zip(end["jobs"], files, strict=True):
                assert (await service.get(file["url"])).status == 200
                assert job["progress"] == 100
                info = (await service.gallery("file-info", filePath=file["path"])).plain
                assert info["pngMetadata"]["prompt"]["3"]["inputs"]["seed"] == job["seed"]
            half = await look(service, mixed["id"])
            assert half["status"] == "partial_complete"
            assert [job["status"] for job in half["jobs"]] == ["completed", "failed"]
            assert half["jobs"][1]["error_type"] == "execution"
            assert "boom" in half["jobs"][1]["error_message"]

    async def test_a_chain(self, studio: Studio, tmp_path: Path) -> None:
        """The file of one job is the input of the next; who waits for a failure fails too."""
        load = {
            "1": node("LoadImage", image="x.png"),
            "2": node("SaveImage", images=["1", 0], filename_prefix="x"),
        }
        async with Simulator(Behaviour(previews=False), folder=tmp_path / "one") as one:
            config = BackendConfig(id="one", name="One", host="127.0.0.1", port=one.port)
            service = await studio.host(backends=(config,))
            group = await taken(
                service,
                jobs=[
                    {"key": "last", "workflow": load, "parameters": {"1:image": "job:base:0"}},
                    {"key": "base", "workflow": still()},
                    {"key": "bad", "workflow": failing()},
                    {"workflow": still(), "after": ["bad"]},
                ],
            )
            for job in group["jobs"]:
                await service.ended(job["job_id"])
            end = await look(service, group["id"])
        last, base, bad, lost = end["jobs"]
        assert last["started_at"] > base["completed_at"]
        assert (bad["error_type"], lost["error_type"]) == ("execution", "dependency")
        assert (end["status"], end["completed_count"]) == ("partial_complete", 2)
