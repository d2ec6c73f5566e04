"""Jobs over several hosts: all are seen everywhere, and those of a host that is gone go on."""

from __future__ import annotations

from typing import Any

import pytest

from events.files import FilesIntended
from orchestrator.adopting import Caretaker
from orchestrator.commands.jobs import IntendFile
from orchestrator.project import Project
from orchestrator.services import CARETAKER
from projections.fold import state_hash
from tests.adopting.hosts import Hosts, opened, reads_on, sees
from tests.scheduling.graphs import slow, still
from tests.scheduling.rig import Service, until


async def adopt(service: Service, hosts: Hosts, host: str, **more: Any) -> tuple[int, Any]:
    """Ask a service to take over the jobs of a host."""
    body = {"projectPath": str(hosts.project), **more}
    async with service.client.post(f"/api/hosts/{host}/adopt", json=body) as answer:
        return answer.status, await answer.json()


class TestEverybodySees:
    async def test_a_cancel_on_one_host_reaches_the_owner(self, hosts: Hosts) -> None:
        """Through the log: the owner stops the job, and both show it as cancelled."""
        box = await hosts.box("a")
        ada, ben = await hosts.host("ada"), await hosts.host("ben")
        job = await ada.submit(slow(), project_path=str(hosts.project))
        await ada.becomes(job, "running")
        seen = await sees(ben, hosts.project, job, lambda each: each["status"] == "running")
        assert seen["host"] == hosts.id_of("ada")

        assert await ben.cancel(job) == 200
        await reads_on(ada, hosts.project)

        await ada.ended(job)
        done = await sees(ben, hosts.project, job, lambda each: each["completed_at"])
        assert done["status"] == "cancelled"
        await until(lambda: not box.memory.queue.running)
        assert hosts.story(job)[-2:] == ["job.cancel_requested", "job.cancelled"]

    async def test_nobody_but_the_owner_runs_a_job(self, hosts: Hosts) -> None:
        """However long the others look at it."""
        ada, ben = await hosts.host("ada"), await hosts.host("ben")
        job = await ada.submit(still(), project_path=str(hosts.project))
        await sees(ben, hosts.project, job, lambda each: each["status"] == "queued")

        assert job in ada.dispatcher.backlog
        assert job not in ben.dispatcher.backlog


class TestAdopt:
    async def test_what_waited_there_runs_here(self, hosts: Hosts) -> None:
        """The job is done once, by the host that took it over (FORMAT.md O6)."""
        ada = await hosts.host("ada")
        job = await ada.submit(still(), project_path=str(hosts.project))
        await ada.kill()
        box = await hosts.box("a")
        ben = await hosts.host("ben")
        hosts.silent("ada")

        status, told = await adopt(ben, hosts, hosts.id_of("ada"))

        assert (status, told["jobs"]) == (200, [job])
        assert told["by"] == hosts.id_of("ben")
        assert told["silent_seconds"] > 500
        done = await ben.ended(job)
        assert (done["status"], done["host"]) == ("succeeded", hosts.id_of("ben"))
        assert len(box.ours()) == 1
        hosts.settled(job)

    async def test_what_ran_is_not_rendered_again(self, hosts: Hosts) -> None:
        """The backend has it still: whoever takes the job over goes on with that prompt."""
        box = await hosts.box("a")
        ada = await hosts.host("ada")
        job = await ada.submit(slow(1.0), project_path=str(hosts.project))
        await ada.becomes(job, "running")
        await ada.kill()
        ben = await hosts.host("ben")
        hosts.silent("ada")

        assert (told := await adopt(ben, hosts, hosts.id_of("ada")))[0] == 200, told

        assert (await ben.ended(job))["status"] == "succeeded"
        assert len(box.ours()) == 1
        hosts.settled(job)

    @pytest.mark.parametrize("event", ["files.intended", "job.output_stored"])
    async def test_in_the_middle_of_its_files(self, hosts: Hosts, event: str) -> None:
        """What it announced and did not tell the end of is settled; no file is there twice."""
        await hosts.box("a")
        ada = await hosts.host("ada")
        ada.die_at(event)
        job = await ada.submit(slow(0.2), project_path=str(hosts.project))
        await ada.dying.wait()
        await ada.kill()
        ben = await hosts.host("ben")
        hosts.silent("ada")

        assert (told := await adopt(ben, hosts, hosts.id_of("ada")))[0] == 200, told

        assert (await ben.ended(job))["status"] == "succeeded"
        hosts.settled(job)

    async def test_a_host_that_is_there_keeps_its_jobs(self, hosts: Hosts) -> None:
        """It was heard of a moment ago; only `force` takes them all the same."""
        ada, ben = await hosts.host("ada"), await hosts.host("ben")
        job = await ada.submit(still(), project_path=str(hosts.project))

        status, told = await adopt(ben, hosts, hosts.id_of("ada"))
        assert (status, told["code"]) == (409, "host.alive")
        assert "host.adopted" not in [each.type for each in hosts.told()]

        status, told = await adopt(ben, hosts, hosts.id_of("ada"), force=True)
        assert (status, told["jobs"]) == (200, [job])

    async def test_who_cannot_be_taken_over(self, hosts: Hosts) -> None:
        """Oneself, and whom nobody has heard of; nothing is told."""
        ben = await hosts.host("ben")
        await ben.submit(still(), project_path=str(hosts.project))

        status, told = await adopt(ben, hosts, hosts.id_of("ben"))
        assert (status, told["code"]) == (409, "host.ours")
        status, told = await adopt(ben, hosts, "nobody")
        assert (status, told["code"]) == (404, "host.unknown")
        status, told = await adopt(ben, hosts, "x" * 41)
        assert status == 422

    async def test_a_host_without_open_jobs(self, hosts: Hosts) -> None:
        """Nothing is to be done, and nothing is recorded; asking twice does no harm."""
        ada = await hosts.host("ada")
        job = await ada.submit(still(), project_path=str(hosts.project))
        await ada.kill()
        ben = await hosts.host("ben")
        hosts.silent("ada")
        first = await adopt(ben, hosts, hosts.id_of("ada"))

        status, told = await adopt(ben, hosts, hosts.id_of("ada"))

        assert first[1]["jobs"] == [job]
        assert (status, told["jobs"]) == (200, [])
        assert [each.type for each in hosts.told()].count("host.adopted") == 1

    async def test_one_of_two_takes_them_over(self, hosts: Hosts) -> None:
        """The claim decides; the later one finds nothing left (FORMAT.md O1)."""
        ada = await hosts.host("ada")
        job = await ada.submit(still(), project_path=str(hosts.project))
        await ada.kill()
        ben, eve = await hosts.host("ben"), await hosts.host("eve")
        hosts.silent("ada")
        claim = await (await opened(eve, hosts.project)).claim("adopt", hosts.id_of("ada"))
        assert claim is not None

        status, told = await adopt(ben, hosts, hosts.id_of("ada"))
        assert (status, told["code"]) == (409, "claim.held")
        assert told["detail"]["host"] == hosts.id_of("eve")

        claim.release()
        assert (await adopt(eve, hosts, hosts.id_of("ada")))[1]["jobs"] == [job]
        assert (await adopt(ben, hosts, hosts.id_of("ada")))[1]["jobs"] == []


class TestComingBack:
    async def test_it_leaves_its_former_jobs_alone(self, hosts: Hosts) -> None:
        """A restarted host reads who runs them now (FORMAT.md O6)."""
        ada = await hosts.host("ada")
        job = await ada.submit(still(), project_path=str(hosts.project))
        await ada.kill()
        ben = await hosts.host("ben")
        hosts.silent("ada")
        await adopt(ben, hosts, hosts.id_of("ada"))

        again = await hosts.host("ada")

        assert job not in again.dispatcher.backlog
        assert job in ben.dispatcher.backlog
        assert (await again.job(job))["host"] == hosts.id_of("ben")

    async def test_a_host_that_only_slept_lets_go(self, hosts: Hosts) -> None:
        """It was cut off in the middle of a render: once it reads, it stops, and tells nothing.

        Its prompt goes on, for the other one waits for it.
        """
        box = await hosts.box("a")
        ada, ben = await hosts.host("ada"), await hosts.host("ben")
        job = await ada.submit(slow(1.5), project_path=str(hosts.project))
        await ada.becomes(job, "running")
        await reads_on(ben, hosts.project)
        status, _ = await adopt(ben, hosts, hosts.id_of("ada"), force=True)
        assert status == 200

        await reads_on(ada, hosts.project)
        assert job not in ada.dispatcher.backlog
        await until(lambda: job not in ada.dispatcher._works)

        assert (await ben.ended(job))["status"] == "succeeded"
        assert len(box.ours()) == 1, "nothing was rendered twice"
        hosts.settled(job)
        for service in (ada, ben):
            await reads_on(service, hosts.project)
        one, other = [await opened(service, hosts.project) for service in (ada, ben)]
        assert state_hash(one.tables.pack()) == state_hash(other.tables.pack())

    async def test_what_the_new_owner_gave_up_is_a_stray(self, hosts: Hosts) -> None:
        """The old host sent it, and takes it away: nobody waits for it any more."""
        box = await hosts.box("a")
        ada = await hosts.host("ada")
        job = await ada.submit(slow(), project_path=str(hosts.project))
        await ada.becomes(job, "running")
        hosts.remove("a")
        ben = await hosts.host("ben")  # it does not know that backend
        await adopt(ben, hosts, hosts.id_of("ada"), force=True)
        await sees(ben, hosts.project, job, lambda each: each["status"] == "queued")

        await reads_on(ada, hosts.project)

        await until(lambda: not box.memory.queue.running)
        assert hosts.story(job).count("job.requeued") == 1


class TestCaretaker:
    async def test_files_of_jobs_that_are_over(self, hosts: Hosts) -> None:
        """A late render was being put in place when its host died: another one finishes that."""
        await hosts.box("a")
        ada = await hosts.host("ada")
        job = await ada.submit(still(), project_path=str(hosts.project))
        await ada.ended(job)
        project = await opened(ada, hosts.project)
        stored = hosts.told(job)[-2].data
        intended = next(each.data for each in hosts.told() if each.type == "files.intended")
        await announce(project, {**intended, "op": "late", "index": 1, "to": "P/late.png"})
        await ada.kill()
        ben = await hosts.host("ben")
        caretaker: Caretaker = ben.app[CARETAKER]
        view = (await opened(ben, hosts.project)).view
        await caretaker.look(await opened(ben, hosts.project))
        assert [op for op, _ in view.open_operations()] == ["late"], "Ada may be at it"

        hosts.silent("ada")
        await caretaker.look(await opened(ben, hosts.project))

        assert list(view.open_operations()) == []
        assert stored["job"] == job
        assert [each.type for each in hosts.told()][-1] == "files.failed"


async def announce(project: Project, fields: dict[str, Any]) -> None:
    """A host is about to put a file in place, and dies."""
    await project.change(IntendFile(intent=FilesIntended(**fields)), "orchestrator")
