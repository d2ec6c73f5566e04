"""The service dies at any step of a job, and its next start brings the job to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from uuid_utils import uuid7

from events.files import FilesIntended
from events.jobs import JobId
from events.log.disk_io import DiskIO
from orchestrator.commands.jobs import FileFailed, FileStored, IntendFile
from orchestrator.gallery.intake import sight
from orchestrator.project import Project
from orchestrator.projects import Projects
from orchestrator.scheduling.settle import Found, look, sweep
from orchestrator.services import PROJECTS
from tests.scheduling.graphs import batch, slow, still
from tests.scheduling.rig import Farm, Service, foreign, in_order, until

#: Every event of a job with two outputs, and which one of its kind.
STEPS = [
    ("job.queued", 1),
    ("job.submitted", 1),
    ("job.started", 1),
    ("job.rendered", 1),
    ("files.intended", 1),
    ("job.output_stored", 1),
    ("files.intended", 2),
    ("job.output_stored", 2),
]


def two_after(seconds: float) -> dict[str, Any]:
    """Two pictures after some time."""
    graph = slow(seconds)
    graph["1"]["inputs"]["batch_size"] = 2
    return graph


class TestDeath:
    @pytest.mark.parametrize(("event", "count"), STEPS, ids=lambda value: str(value))
    async def test_at_every_step(self, farm: Farm, event: str, count: int) -> None:
        """The event is durable and nothing that follows from it has been done."""
        await farm.box("a")
        first = await farm.service()
        first.die_at(event, count)
        submitting = asyncio.create_task(first.submit(two_after(0.3)))
        await asyncio.wait_for(first.dying.wait(), 30)
        await first.kill()
        await asyncio.gather(submitting, return_exceptions=True)
        second = await farm.service()
        job = farm.told()[0].data["job"]
        ended = await second.ended(job)
        assert ended["status"] == "succeeded", ended
        farm.settled(job, outputs=2)

    async def test_while_the_backend_answers_the_submission(self, farm: Farm) -> None:
        """The prompt was taken and we never heard so: it is found by its id, not sent again."""
        box = await farm.box("a")
        asked = asyncio.Event()

        async def think(_: web.Request) -> None:
            asked.set()
            await asyncio.sleep(0.1)

        box.intercept["POST", "/prompt"] = think
        first = await farm.service()
        job = await first.submit(slow(0.4))
        await asked.wait()
        await first.kill()
        second = await farm.service(absent_after_unknown=5.0)
        ended = await second.ended(job)
        assert (ended["status"], ended["attempt"]) == ("succeeded", 1)
        assert len(box.posted()) == 1
        farm.settled(job)

    async def test_a_submission_may_arrive_after_our_death(self, farm: Farm) -> None:
        """It was on its way to a hung backend: it is waited for as long as for any lost answer."""
        box = await farm.box("a")
        first = await farm.service()
        first.die_at("job.submitted")
        job = await first.submit(still())
        await first.dying.wait()
        await first.kill()
        (told,) = [t.data for t in farm.told(job) if t.type == "job.submitted"]
        second = await farm.service(absent=0.05, absent_after_unknown=20.0)
        await until(lambda: box.count("GET", f"/history/{told['prompt_id']}") > 10)
        await foreign(box, still(), told["prompt_id"])
        ended = await second.ended(job)
        assert (ended["status"], ended["attempt"]) == ("succeeded", 1)
        farm.settled(job)

    async def test_while_a_download_is_on_its_way(self, farm: Farm) -> None:
        """Half of a file lies in the staging folder; it is swept away, and fetched again."""
        box = await farm.box("a")
        asked = asyncio.Event()

        async def hold(_: web.Request) -> None:
            asked.set()
            await asyncio.Event().wait()

        box.intercept["GET", "/view"] = hold
        first = await farm.service()
        job = await first.submit(still())
        await asked.wait()
        await first.kill()
        box.intercept.clear()
        host = first.dispatcher.host.id
        left = farm.project / ".gallery" / "incoming" / host / "half.png"
        left.parent.mkdir(parents=True, exist_ok=True)
        left.write_bytes(b"half")
        second = await farm.service()
        assert (await second.ended(job))["status"] == "succeeded"
        farm.settled(job)

    async def test_again_and_again(self, farm: Farm) -> None:
        """Ten lives, each cut short somewhere; many jobs, each done once."""
        for name in "ab":
            await farm.box(name, max_concurrent_jobs=2)
        service = await farm.service()
        jobs = [await service.submit(slow(0.15, seed=n)) for n in range(8)]
        kinds = [event for event, _ in STEPS[1:6]]
        for life in range(10):
            service.die_at(kinds[life % len(kinds)], 1 + life % 2)
            dying = asyncio.create_task(service.dying.wait())
            ends = asyncio.create_task(all_ended(farm, jobs))
            await asyncio.wait({dying, ends}, return_when=asyncio.FIRST_COMPLETED, timeout=30)
            done = ends.done()
            for task in (dying, ends):
                task.cancel()
            if done:
                break
            await service.kill()
            service = await farm.service()
        for job in jobs:
            assert (await service.ended(job))["status"] == "succeeded"
        farm.settled(*jobs)

    async def test_a_clean_stop_is_no_other_than_a_death(self, farm: Farm) -> None:
        """What runs on the backends runs on, and is taken up."""
        box = await farm.box("a")
        first = await farm.service()
        job = await first.submit(slow(0.5))
        await first.becomes(job, "running")
        await first.client.close()
        second = await farm.service()
        ended = await second.ended(job)
        assert (ended["status"], ended["attempt"]) == ("succeeded", 1)
        assert len(box.posted()) == 1
        farm.settled(job)


async def all_ended(farm: Farm, jobs: list[str]) -> None:
    """Wait until the log says that all jobs have ended."""

    def ends() -> int:
        return sum(told.type == "job.succeeded" for told in farm.told())

    await until(lambda: ends() == len(jobs))


class TestMeanwhile:
    async def test_what_ended_while_we_were_away_is_fetched(self, farm: Farm) -> None:
        """The history has it."""
        box = await farm.box("a")
        first = await farm.service()
        job = await first.submit(slow(0.2))
        await first.becomes(job, "running")
        await first.kill()
        await until(lambda: box.outcome(box.posted()[0]["prompt_id"]))
        second = await farm.service()
        assert (await second.ended(job))["attempt"] == 1
        farm.settled(job)

    async def test_what_was_lost_while_we_were_away_is_sent_again(self, farm: Farm) -> None:
        """The backend was restarted too."""
        box = await farm.box("a")
        first = await farm.service()
        job = await first.submit(slow(0.2))
        await first.becomes(job, "running")
        await first.kill()
        await box.lose_memory()
        second = await farm.service()
        ended = await second.ended(job)
        assert (ended["status"], ended["attempt"]) == ("succeeded", 2)
        farm.settled(job)

    async def test_a_backend_that_was_taken_away_is_given_up(self, farm: Farm) -> None:
        """It is not configured any more; the job goes elsewhere."""
        await farm.box("a")
        first = await farm.service()
        job = await first.submit(slow())
        await first.becomes(job, "running")
        await first.kill()
        await farm.box("b")
        farm.remove("a")
        second = await farm.service()
        waiting = await second.job_when(
            job, lambda job: job["backend_id"] == "b" and job["status"] == "running"
        )
        assert "not configured any more" in waiting["attempts"][0]["reason"]
        await second.cancel(job)
        assert (await second.ended(job))["status"] == "cancelled"

    async def test_a_cancel_is_not_forgotten(self, farm: Farm) -> None:
        """It was asked for, and the backend had not let go yet."""
        box = await farm.box("a")
        first = await farm.service()
        job = await first.submit(slow())
        await first.becomes(job, "running")
        first.die_at("job.cancel_requested")
        cancelling = asyncio.create_task(first.cancel(job))
        await first.dying.wait()
        await first.kill()
        await asyncio.gather(cancelling, return_exceptions=True)
        assert not box.count("POST", "/interrupt")
        second = await farm.service()
        assert (await second.ended(job))["status"] == "cancelled"
        assert box.outcome(box.posted()[0]["prompt_id"]) == "execution_interrupted"

    async def test_what_still_runs_takes_its_slot(self, farm: Farm) -> None:
        """A job that waited before the restart does not get a second prompt onto the backend."""
        box = await farm.box("a")
        first = await farm.service()
        running = await first.submit(slow(0.8))
        waiting = await first.submit(still())
        await first.becomes(running, "running")
        await first.kill()
        second = await farm.service()
        await second.waits_for(waiting, "all slots are taken")
        assert len(box.posted()) == 1
        for job in (running, waiting):
            assert (await second.ended(job))["status"] == "succeeded"
        farm.settled(running, waiting)

    async def test_a_share_that_is_mounted_late_is_taken_up(
        self, farm: Farm, tmp_path: Path
    ) -> None:
        """The service starts first; its jobs there go on once the share is there."""
        await farm.box("a")
        first = await farm.service()
        eliot, away = tmp_path / "Eliot", tmp_path / "away"
        eliot.mkdir()
        job = await first.submit(slow(0.2), project_path=str(eliot))
        await first.becomes(job, "running")
        await first.kill()
        eliot.rename(away)
        second = await farm.service()
        await until(lambda: second.fleet.get("a").online)
        await asyncio.sleep(0.1)
        assert second.app[PROJECTS].find(eliot) is None
        away.rename(eliot)
        await until(lambda: second.app[PROJECTS].find(eliot))
        assert (await second.ended(job))["status"] == "succeeded"
        assert farm.files(eliot) == ["Renders/Eliot_Renders_v001.png"]

    async def test_a_prompt_of_a_project_that_is_away_is_left_alone(
        self, farm: Farm, tmp_path: Path
    ) -> None:
        """Nobody knows here whether somebody waits for it; it keeps its slot."""
        box = await farm.box("a")
        first = await farm.service()
        eliot, away = tmp_path / "Eliot", tmp_path / "away"
        eliot.mkdir()
        await first.ended(await first.submit(still()))
        job = await first.submit(slow(1.0), project_path=str(eliot))
        await first.becomes(job, "running")
        await first.kill()
        eliot.rename(away)
        second = await farm.service()
        other = await second.submit(still())
        await second.waits_for(other, "all slots are taken")
        away.rename(eliot)
        await until(lambda: second.app[PROJECTS].find(eliot))
        ended = await second.ended(job)
        assert (ended["status"], ended["attempt"]) == ("succeeded", 1)
        assert box.count("POST", "/interrupt") == 0
        assert (await second.ended(other))["status"] == "succeeded"


Spoil = Callable[[Path, FilesIntended], None]


def in_place(root: Path, intent: FilesIntended) -> None:
    """It was moved, and that could not be told any more."""
    (root / intent.to).parent.mkdir(parents=True, exist_ok=True)
    (root / intent.source).rename(root / intent.to)


def both_names(root: Path, intent: FilesIntended) -> None:
    """The link was made, the staged name was not removed yet."""
    (root / intent.to).parent.mkdir(parents=True, exist_ok=True)
    (root / intent.to).hardlink_to(root / intent.source)


def staged(root: Path, intent: FilesIntended) -> None:
    """It was announced, and nothing else."""


def gone(root: Path, intent: FilesIntended) -> None:
    """The power went before the staged file was durable."""
    (root / intent.source).unlink()


def torn(root: Path, intent: FilesIntended) -> None:
    """A part of the staged file is left."""
    (root / intent.source).write_bytes(b"half")


def name_taken(root: Path, intent: FilesIntended) -> None:
    """Meanwhile somebody has put another file there."""
    (root / intent.to).parent.mkdir(parents=True, exist_ok=True)
    (root / intent.to).write_bytes(b"a picture of somebody else")


class TestHalfDone:
    @pytest.mark.parametrize("spoil", [in_place, both_names, staged, gone, torn, name_taken])
    @pytest.mark.parametrize("backend_forgot", [False, True])
    async def test_an_announced_file_is_settled_by_looking(
        self, farm: Farm, spoil: Spoil, backend_forgot: bool
    ) -> None:
        """Wherever the crash came: in the end the file is there once, and tied to its job."""
        box = await farm.box("a")
        first = await farm.service()
        first.die_at("files.intended")
        job = await first.submit(still())
        await first.dying.wait()
        await first.kill()
        (told,) = [t.data for t in farm.told() if t.type == "files.intended"]
        intent = FilesIntended(**told)
        assert look(farm.project, intent, DiskIO()) is Found.STAGED
        spoil(farm.project, intent)
        if backend_forgot:
            await box.lose_memory()
        second = await farm.service()
        ended = await second.ended(job)
        assert ended["status"] == "succeeded"
        stored = {o["attempt"] for o in ended["outputs"]}
        # Only if history and file are both lost it is rendered again.
        assert stored == {2 if backend_forgot and spoil in {gone, torn} else 1}
        if spoil is name_taken:
            (farm.project / intent.to).unlink()
        farm.settled(job)
        assert farm.staged() == []
        told_of = [t.type for t in farm.told() if t.type in {"files.done", "files.failed"}]
        if spoil in {in_place, both_names}:
            assert told_of[0] == "files.done"
        else:
            assert told_of[0] == "files.failed"

    async def test_a_leftover_of_an_ended_job_is_settled(self, farm: Farm) -> None:
        """Its job is over; what lies in place is tied to it, what is staged is swept away."""
        await farm.box("a")
        first = await farm.service()
        job = await first.submit(still())
        await first.ended(job)
        project = first.app[PROJECTS].find(farm.project)
        assert project is not None
        incoming = f".gallery/incoming/{first.dispatcher.host.id}"
        done = await announce(project, job, f"{incoming}/x.png", "P/x.png", b"x")
        await announce(project, job, f"{incoming}/y.png", "P/y.png", b"y")
        in_place(farm.project, done)
        await first.kill()
        second = await farm.service()
        settled = {"files.done", "files.failed"}
        await until(lambda: sum(t.type in settled for t in farm.told()) == 3)
        await until(lambda: farm.staged() == [])
        paths = [o["rel_path"] for o in (await second.job(job))["outputs"]]
        assert sorted(paths) == farm.files() == ["P/x.png", "Renders/default_Renders_v001.png"]

    async def test_operations_of_another_host_are_none_of_ours(self, farm: Farm) -> None:
        """Each host has its own staging folder, and settles its own operations."""
        await farm.box("a")
        first = await farm.service()
        job = await first.submit(still())
        await first.ended(job)
        other = farm.project / ".gallery" / "incoming" / "another-host" / "z.png"
        other.parent.mkdir(parents=True)
        other.write_bytes(b"z")
        await first.kill()
        second = await farm.service()
        await second.ended(await second.submit(still()))
        assert other.read_bytes() == b"z"


async def announce(project: Project, job: str, source: str, to: str, data: bytes) -> FilesIntended:
    """Stage a file and announce it, as the collector does."""
    intent = FilesIntended(
        op=str(uuid7()),
        action="store",
        source=source,
        to=to,
        size=len(data),
        sha256=sha256(data).hexdigest(),
        job=job,
        attempt=1,
        node="9",
        index=5,
        kind="images",
        original="x.png",
    )
    path = project.root / source
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    await project.change(IntendFile(intent=intent), "orchestrator", JobId(job))
    return intent


class TestLook:
    """The look alone."""

    def intent(self, root: Path, data: bytes = b"picture") -> FilesIntended:
        """A staged file that is to become P/x.png."""
        (root / "in").mkdir(exist_ok=True)
        (root / "P").mkdir(exist_ok=True)
        (root / "in" / "s.png").write_bytes(data)
        return FilesIntended(
            op="1",
            action="store",
            source="in/s.png",
            to="P/x.png",
            size=len(data),
            sha256=sha256(data).hexdigest(),
            job="j",
            attempt=1,
            node="9",
            index=0,
            kind="images",
            original="x.png",
        )

    def test_an_equal_file_of_somebody_else_is_not_ours(self, tmp_path: Path) -> None:
        """Two jobs may make the very same sound; ours is still staged."""
        intent = self.intent(tmp_path)
        (tmp_path / intent.to).write_bytes(b"picture")
        assert look(tmp_path, intent, DiskIO()) is Found.STAGED

    def test_a_second_name_of_ours_is_ours(self, tmp_path: Path) -> None:
        """And the staged name goes."""
        intent = self.intent(tmp_path)
        both_names(tmp_path, intent)
        assert look(tmp_path, intent, DiskIO()) is Found.IN_PLACE
        assert not (tmp_path / intent.source).exists()

    def test_a_file_of_other_bytes_is_not_ours(self, tmp_path: Path) -> None:
        """Even of the same size."""
        intent = self.intent(tmp_path)
        (tmp_path / intent.source).unlink()
        (tmp_path / intent.to).write_bytes(b"PICTURE")
        assert look(tmp_path, intent, DiskIO()) is Found.GONE

    def test_sweeping_keeps_what_is_needed(self, tmp_path: Path) -> None:
        """And a folder that is not there is clean."""
        for name in "ab":
            (tmp_path / name).write_bytes(b"")
        assert sweep(tmp_path, {"a"}) == 1
        assert [path.name for path in tmp_path.iterdir()] == ["a"]
        assert sweep(tmp_path / "nowhere", ()) == 0


class TestReopening:
    async def test_a_project_that_is_opened_anew_disturbs_no_job(
        self, farm: Farm, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its jobs run on, files on their way are not swept, and nothing is done twice."""
        box = await farm.box("a")
        asked, go_on = asyncio.Event(), asyncio.Event()

        async def hold(_: web.Request) -> None:
            asked.set()
            await go_on.wait()

        box.intercept["GET", "/view"] = hold
        service = await farm.service()
        job = await service.submit(batch(2))
        running = await service.submit(slow(0.5))
        await asked.wait()
        projects = service.app[PROJECTS]
        project = projects.find(farm.project)
        assert project is not None
        assert project.log is not None
        with monkeypatch.context() as patched:
            patched.setattr("orchestrator.projects.REOPEN_SECONDS", 0.0)
            patched.setattr(type(project.log), "read_only", "the share is full")
            await projects.get(farm.project)
        assert projects.find(farm.project) is not project
        assert (await service.job(job))["status"] == "collecting"
        go_on.set()
        for each in (job, running):
            assert (await service.ended(each))["status"] == "succeeded"
        assert len(box.posted()) == 2
        stories = [farm.story(each) for each in (job, running)]
        assert all(story.count("job.submitted") == 1 for story in stories)
        assert len(farm.files()) == 3
        assert farm.staged() == []

    async def test_telling_twice_tells_once(self, farm: Farm) -> None:
        """A share that was slow to answer had done it."""
        await farm.box("a")
        service: Service = await farm.service()
        job = await service.submit(still())
        await service.ended(job)
        project = service.app[PROJECTS].find(farm.project)
        assert project is not None
        (told,) = [t.data for t in farm.told() if t.type == "files.intended"]
        intent = FilesIntended(**told)
        seen = sight(farm.project, intent.to)
        before = farm.story(job)
        stored = FileStored(intent=intent, sighting=seen)
        assert await project.change(stored, "orchestrator") == []
        assert await project.change(FileFailed(op=intent.op, error="EIO"), "orchestrator") == []
        assert farm.story(job) == before
        assert in_order(before, "files.intended", "job.output_stored", "job.succeeded")


class TestStarting:
    async def test_a_job_is_not_unknown_while_projects_are_being_opened(
        self, farm: Farm, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whoever is told so would take it for lost: come again in a moment, says the service."""
        await farm.box("a")
        first = await farm.service()
        (farm.folder / "film").mkdir()
        job = await first.submit(still(), project_path=str(farm.folder / "film"))
        await first.ended(job)
        await first.kill()
        go_on = asyncio.Event()
        real = Projects.get

        async def slowly(projects: Projects, root: Path) -> Project:
            if root != projects.default_root:  # the host's own log is read before all else
                await go_on.wait()
            return await real(projects, root)

        monkeypatch.setattr(Projects, "get", slowly)
        second = await farm.service()
        async with second.client.get(f"/api/jobs/{job}") as answer:
            assert answer.status == 503
            assert (await answer.json())["code"] == "service.starting"
        go_on.set()
        assert (await second.job(job))["status"] == "succeeded"
        await until(lambda: second.app[PROJECTS].still_opening == 0)
        async with second.client.get("/api/jobs/no-such-job") as answer:
            assert answer.status == 404
