"""Outputs that are hard to get, and shares that are hard to write: stored once, rendered once."""

from __future__ import annotations

import asyncio
import errno
import os
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from events.jobs import JobCancelled, JobSubmitted
from events.log.disk_io import DiskIO
from events.record import Record
from orchestrator.comfyui import fetching
from orchestrator.commands.jobs import AdvanceJob, RequestCancel
from orchestrator.errors import ChangeUnsettled
from orchestrator.gallery.intake import take_place
from orchestrator.scheduling.teller import Teller
from orchestrator.scheduling.timing import MAX_ATTEMPTS
from tests.scheduling.graphs import batch, slow, still
from tests.scheduling.rig import Farm, Service, in_order, until

SHARE_FAULTS = (errno.ENOSPC, errno.EACCES, errno.ESTALE, errno.EIO)


def fault(number: int) -> OSError:
    """What a share says."""
    return OSError(number, os.strerror(number))


async def stored_after_one_render(
    farm: Farm, service: Service, job: str, outputs: int = 1
) -> dict[str, Any]:
    """Assert that a job succeeds, and that it was sent to a backend only once."""
    ended = await service.ended(job)
    assert (ended["status"], ended["attempt"]) == ("succeeded", 1), ended
    assert sum(len(box.posted()) for box in farm.boxes.values()) == 1
    farm.settled(job, outputs=outputs)
    return ended


class TestView:
    @pytest.mark.parametrize("kind", ["short", "truncated", "garbage", "error"])
    async def test_a_faulty_answer_is_asked_for_again(self, farm: Farm, kind: str) -> None:
        """What arrives is checked before it is stored."""
        box = await farm.box("a")
        box.behaviour.change({"view_fault": kind, "view_fault_next": 2})
        service = await farm.service()
        await stored_after_one_render(farm, service, await service.submit(still()))
        assert box.count("GET", "/view") == 3

    async def test_a_slow_answer_is_waited_for(self, farm: Farm) -> None:
        """As long as it does not stand still for longer than a stall."""
        box = await farm.box("a")
        box.behaviour.view_seconds = 0.4
        service = await farm.service()
        await stored_after_one_render(farm, service, await service.submit(still()))

    async def test_the_backend_renders_on_while_we_fetch(self, farm: Farm) -> None:
        """Its only slot is free again once the job is rendered."""
        box = await farm.box("a")
        go_on = asyncio.Event()

        async def hold(_: web.Request) -> None:
            await go_on.wait()

        service = await farm.service()
        box.intercept["GET", "/view"] = hold
        first = await service.submit(still())
        await service.becomes(first, "collecting")
        second = await service.submit(slow(0.2))
        await service.becomes(second, "running")
        go_on.set()
        for job in (first, second):
            assert (await service.ended(job))["status"] == "succeeded"
        farm.settled(first, second)

    @pytest.mark.parametrize("kind", ["missing", "empty"])
    async def test_a_file_that_is_gone_is_rendered_again(self, farm: Farm, kind: str) -> None:
        """Somebody cleared the output folder before we came."""
        box = await farm.box("a")
        left = 1

        async def gone(_: web.Request) -> web.Response | None:
            nonlocal left
            left -= 1
            if left < 0:
                return None
            return web.Response(status=404) if kind == "missing" else web.Response(body=b"")

        box.intercept["GET", "/view"] = gone
        service = await farm.service()
        job = await service.submit(still())
        ended = await service.ended(job)
        assert (ended["status"], ended["attempt"]) == ("succeeded", 2)
        assert "could not be fetched" in ended["attempts"][0]["reason"]
        farm.settled(job)

    @pytest.mark.parametrize("kind", ["garbage", "truncated", "empty", "short", "error"])
    async def test_a_file_that_can_never_be_had_fails_the_job(self, farm: Farm, kind: str) -> None:
        """After as many tries as any fault has, with the reason of each; nothing is left over."""
        box = await farm.box("a")
        box.behaviour.view_fault = kind
        service = await farm.service(unreachable=0.2)
        job = await service.submit(still())
        ended = await service.ended(job)
        assert (ended["status"], ended["error_kind"]) == ("failed", "attempts")
        assert len(box.posted()) == MAX_ATTEMPTS
        assert farm.files() == []
        assert farm.staged() == []

    async def test_a_name_that_the_backend_refuses_fails_the_job(self, farm: Farm) -> None:
        """403: it would be refused the next time too."""
        box = await farm.box("a")

        async def refuse(_: web.Request) -> web.Response:
            return web.Response(status=403)

        box.intercept["GET", "/view"] = refuse
        service = await farm.service()
        ended = await service.ended(await service.submit(still()))
        assert (ended["status"], ended["error_kind"]) == ("failed", "outputs")
        assert len(box.posted()) == 1

    async def test_outputs_outlive_a_restart_of_the_backend(self, farm: Farm) -> None:
        """Its history is lost, its output folder is not, and we know what to ask for."""
        box = await farm.box("a")
        held = asyncio.Event()

        async def hold(_: web.Request) -> None:
            held.set()
            await asyncio.Event().wait()

        box.intercept["GET", "/view"] = hold
        service = await farm.service()
        job = await service.submit(batch(2))
        await held.wait()
        box.intercept.clear()
        await box.lose_memory()
        await stored_after_one_render(farm, service, job, outputs=2)


class TestShare:
    @pytest.mark.parametrize("number", SHARE_FAULTS, ids=errno.errorcode.__getitem__)
    async def test_a_share_that_takes_no_download_is_waited_for(
        self, farm: Farm, monkeypatch: pytest.MonkeyPatch, number: int
    ) -> None:
        """The job stays where it is until there is room."""
        await farm.box("a")
        tries: list[int] = []
        real = fetching._Sink._put

        def write(sink: fetching._Sink, chunk: bytes) -> None:
            tries.append(1)
            if len(tries) <= 5:
                raise fault(number)
            real(sink, chunk)

        monkeypatch.setattr(fetching._Sink, "_put", write)
        service = await farm.service()
        job = await service.submit(still())
        await until(lambda: len(tries) > 3)
        assert (await service.job(job))["status"] == "collecting"
        await stored_after_one_render(farm, service, job)

    @pytest.mark.parametrize("number", SHARE_FAULTS, ids=errno.errorcode.__getitem__)
    async def test_a_share_that_takes_no_name_is_waited_for(
        self, farm: Farm, monkeypatch: pytest.MonkeyPatch, number: int
    ) -> None:
        """The fetched file is kept; every announcement has its end in the log."""
        box = await farm.box("a")
        tries: list[int] = []

        def refuse(*given: Any) -> Any:
            tries.append(1)
            if len(tries) <= 4:
                raise fault(number)
            return take_place(*given)

        monkeypatch.setattr("orchestrator.scheduling.placing.take_place", refuse)
        service = await farm.service()
        job = await service.submit(still())
        await stored_after_one_render(farm, service, job)
        assert box.count("GET", "/view") == 1
        failures = [t.data["error"] for t in farm.told() if t.type == "files.failed"]
        assert failures == [errno.errorcode[number]] * 4

    async def test_an_error_after_the_deed_is_no_failure(
        self, farm: Farm, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The file was put in place and only the answer got lost: it is found there, once."""
        await farm.box("a")
        errors = [fault(errno.EIO), fault(errno.ESTALE)]

        def forget(*given: Any) -> Any:
            seen = take_place(*given)
            if errors:
                raise errors.pop()
            return seen

        monkeypatch.setattr("orchestrator.scheduling.placing.take_place", forget)
        service = await farm.service()
        await stored_after_one_render(farm, service, await service.submit(batch(3)), outputs=3)
        assert "files.failed" not in [t.type for t in farm.told()]

    async def test_a_second_name_that_stayed_is_removed(
        self, farm: Farm, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The link was made, removing the staged name failed."""
        await farm.box("a")
        errors = [fault(errno.EIO)]
        real = Path.unlink

        def unlink(path: Path, *args: Any, **named: Any) -> None:
            if errors and "incoming" in path.parts and path.stat().st_nlink == 2:
                raise errors.pop()
            real(path, *args, **named)

        monkeypatch.setattr(Path, "unlink", unlink)
        service = await farm.service()
        await stored_after_one_render(farm, service, await service.submit(still()))
        assert errors == []

    async def test_a_staged_file_that_vanishes_is_fetched_again(
        self, farm: Farm, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Somebody tidies up in folders that are none of theirs."""
        box = await farm.box("a")
        left = [1]

        def tidy(staged: Path, *given: Any) -> Any:
            if left:
                left.pop()
                staged.unlink()
            return take_place(staged, *given)

        monkeypatch.setattr("orchestrator.scheduling.placing.take_place", tidy)
        service = await farm.service()
        await stored_after_one_render(farm, service, await service.submit(still()))
        assert box.count("GET", "/view") == 2

    async def test_a_share_that_cannot_be_listed_is_waited_for(
        self, farm: Farm, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """No name is announced before one is known to be free."""
        await farm.box("a")
        service = await farm.service()
        errors = [fault(errno.EIO) for _ in range(3)]
        real = os.listdir

        def listdir(path: Any = ".") -> list[str]:
            if errors and str(path).endswith("Renders"):
                raise errors.pop()
            return real(path)

        (farm.project / "Renders").mkdir(parents=True)
        monkeypatch.setattr(os, "listdir", listdir)
        await stored_after_one_render(farm, service, await service.submit(still()))
        assert errors == []


class TestLog:
    async def test_a_log_that_cannot_be_written_for_a_while_is_waited_for(
        self, farm: Farm, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It becomes read-only, is opened anew when the share is well, and the job goes on."""
        await farm.box("a")
        monkeypatch.setattr("orchestrator.projects.REOPEN_SECONDS", 0.2)
        broken = asyncio.Event()
        real = DiskIO.sync

        def sync(disk: DiskIO, descriptor: int) -> None:
            if broken.is_set():
                raise fault(errno.EIO)
            real(disk, descriptor)

        monkeypatch.setattr(DiskIO, "sync", sync)
        service = await farm.service()
        job = await service.submit(slow(0.6))
        await service.becomes(job, "running")
        project = service.dispatcher.projects.find(farm.project)
        assert project is not None
        broken.set()
        await until(lambda: project.read_only)
        projects = service.dispatcher.projects
        await until(lambda: projects.find(farm.project) is not project)
        assert (await service.job(job))["completed_at"] is None
        broken.clear()
        await stored_after_one_render(farm, service, job)

    async def test_a_job_that_cannot_be_told_of_is_not_begun(
        self, farm: Farm, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It waits and says why, takes no slot, and holds up no job of another project."""
        box = await farm.box("a")
        monkeypatch.setattr("orchestrator.projects.REOPEN_SECONDS", 0.2)
        service = await farm.service()
        await service.ended(await service.submit(still()))
        other = farm.folder / "Other"
        other.mkdir()
        broken = asyncio.Event()
        real = DiskIO.sync

        def sync(disk: DiskIO, descriptor: int) -> None:
            path = Path(f"/proc/self/fd/{descriptor}").readlink()
            if broken.is_set() and path.is_relative_to(farm.project):
                raise fault(errno.EIO)
            real(disk, descriptor)

        monkeypatch.setattr(DiskIO, "sync", sync)
        hold = await service.submit(slow(0.5), project_path=str(other))
        await service.becomes(hold, "running")
        job = await service.submit(still())
        await service.waits_for(job, "all slots are taken")
        broken.set()
        assert (await service.ended(hold))["status"] == "succeeded"
        await service.waits_for(job, "its project cannot be changed now")
        assert (await service.backend("a"))["our_prompts"] == 0
        third = await service.submit(still(3), project_path=str(other))
        assert (await service.ended(third))["status"] == "succeeded"
        assert len(box.posted()) == 3
        broken.clear()
        ended = await service.ended(job)
        assert ended["status"] == "succeeded"
        assert len(box.posted()) == 4

    async def test_a_step_that_was_told_and_not_confirmed_is_not_told_again(
        self, farm: Farm, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The share was slow to say so: the attempt is in the log, and is taken up from there."""
        box = await farm.box("a")
        real = Teller.tell_once
        faults = [ChangeUnsettled("p", 30.0)]

        async def tell(teller: Teller, command: Any) -> list[Record]:
            records = await real(teller, command)
            if faults:
                raise faults.pop()
            return records

        monkeypatch.setattr(Teller, "tell_once", tell)
        service = await farm.service()
        job = await service.submit(still())
        ended = await service.ended(job)
        assert ended["status"] == "succeeded"
        story = farm.story(job)
        assert story.count("job.submitted") == 2
        assert in_order(story, "job.submitted", "job.requeued", "job.submitted")
        assert len(box.posted()) == 1

    async def test_a_job_that_ended_before_it_began_is_not_sent(
        self, farm: Farm, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It was cancelled between the choice of its backend and its first word in the log."""
        box = await farm.box("a")
        real = Teller.tell_once

        async def tell(teller: Teller, command: Any) -> list[Record]:
            if isinstance(command, AdvanceJob) and isinstance(command.step, JobSubmitted):
                job = command.step.job
                project = await teller.project()
                await project.change(RequestCancel(job=job), "mara")
                await project.change(AdvanceJob(step=JobCancelled(job=job)), "mara")
            return await real(teller, command)

        monkeypatch.setattr(Teller, "tell_once", tell)
        service = await farm.service()
        job = await service.submit(still())
        assert (await service.ended(job))["status"] == "cancelled"
        await until(lambda: not service.fleet.get("a").watches)
        assert box.posted() == []
        assert farm.story(job)[-1] == "job.cancelled"
