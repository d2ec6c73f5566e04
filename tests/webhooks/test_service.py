"""From the end of a job to a receiver that has taken it, whatever comes between."""

from __future__ import annotations

import asyncio

from aiohttp import web

from orchestrator.config import WebhookConfig
from orchestrator.webhooks.message import delivery_id, signature
from orchestrator.webhooks.service import PAUSES
from tests.webhooks.desk import SECRET, Office
from tests.webhooks.names import Book
from tests.webhooks.receiver import Receiver


def config(receiver: Receiver, *events: str) -> WebhookConfig:
    """Config.yaml names the receiver."""
    return WebhookConfig(receiver.url(), events=events or ("succeeded", "failed", "cancelled"))


class TestTelling:
    async def test_a_success(self, office: Office, receiver: Receiver) -> None:
        """The receiver learns of the files, and can know that it is from us."""
        desk = await office.desk(config(receiver))
        await desk.succeed("job-1", receiver.url())
        (message,) = await receiver.has(1)

        told = await desk.settled("job-1", receiver.url())
        assert (told.delivered, told.tries, told.error) == (True, 1, None)
        plain = message.plain
        assert plain["event"] == message.headers["X-Orchestrator-Event"] == "job.succeeded"
        assert plain["delivery"] == message.headers["X-Orchestrator-Delivery"]
        assert plain["outputs"][0]["path"] == str(desk.project.root / "Panel_01/v001.png")
        assert (plain["job_id"], plain["backend_id"], plain["attempts"]) == ("job-1", "node1", 1)
        assert (plain["error"], plain["metadata"]) == (None, {"panel_id": "Panel_01"})
        assert plain["ended_at"].endswith("Z")
        signed = signature(SECRET, message.headers["X-Orchestrator-Timestamp"], message.body)
        assert message.headers["X-Orchestrator-Signature"] == signed

    async def test_a_failure(self, office: Office, receiver: Receiver) -> None:
        """With its reason."""
        desk = await office.desk(config(receiver))
        await desk.fail("job-1", receiver.url())
        (message,) = await receiver.has(1)

        assert message.plain["event"] == "job.failed"
        error = {"message": "no such node", "kind": "validation", "node": None}
        assert message.plain["error"] == error

    async def test_a_cancel(self, office: Office, receiver: Receiver) -> None:
        """It is an end, too."""
        desk = await office.desk(config(receiver))
        await desk.cancel("job-1", receiver.url())

        assert (await receiver.has(1))[0].plain["event"] == "job.cancelled"

    async def test_a_job_without_webhooks(self, office: Office, receiver: Receiver) -> None:
        """Nothing is told and nothing recorded."""
        desk = await office.desk(config(receiver))
        await desk.fail("job-1")
        await desk.fail("job-2", receiver.url())
        await desk.settled("job-2", receiver.url())

        assert [message.job for message in receiver.got] == ["job-2"]
        assert desk.project.view.notified("job-1").urls == ()

    async def test_an_end_that_is_not_asked_for(self, office: Office, receiver: Receiver) -> None:
        """Nothing is sent; the log says why, so that a later start does not tell it as news."""
        desk = await office.desk(config(receiver, "succeeded"))
        await desk.fail("job-1", receiver.url())
        told = await desk.settled("job-1", receiver.url())

        assert (told.delivered, told.tries) == (False, 0)
        assert told.error == "`webhooks` in config.yaml does not ask for failed"
        assert receiver.got == []

    async def test_two_addresses(self, office: Office, receiver: Receiver) -> None:
        """Each is told once, and settled by itself."""
        other = WebhookConfig(receiver.url("/other"), "the other one has its own secret")
        desk = await office.desk(config(receiver), other)
        await desk.fail("job-1", receiver.url(), other.url)
        await desk.settled("job-1", receiver.url())
        await desk.settled("job-1", other.url)

        assert sorted(message.path for message in receiver.got) == ["/hook", "/other"]
        ids = {message.headers["X-Orchestrator-Delivery"] for message in receiver.got}
        assert len(ids) == 2
        for message in receiver.got:
            secret = other.secret if message.path == "/other" else SECRET
            signed = signature(
                secret or "", message.headers["X-Orchestrator-Timestamp"], message.body
            )
            assert message.headers["X-Orchestrator-Signature"] == signed

    async def test_jobs_of_other_hosts(self, office: Office, receiver: Receiver) -> None:
        """Each host tells of its own jobs: nobody is told by all who see the project."""
        ada, bert = await office.desk(config(receiver)), await office.desk(host="bert")
        await ada.fail("job-1", receiver.url())
        await ada.settled("job-1", receiver.url())
        await bert.project.follow()

        assert bert.job("job-1").end is not None
        assert "webhook " + delivery_id("job-1", receiver.url()) not in bert.webhooks._works
        assert len(receiver.got) == 1


class TestAgain:
    async def test_until_it_is_taken(self, office: Office, receiver: Receiver) -> None:
        """The same message with the same id, each time signed anew."""
        desk = await office.desk(config(receiver))
        receiver.statuses = [500, 429]
        await desk.fail("job-1", receiver.url())
        told = await desk.settled("job-1", receiver.url())

        assert (told.delivered, told.tries) == (True, 3)
        assert len({message.body for message in receiver.got}) == 1
        assert len({m.headers["X-Orchestrator-Delivery"] for m in receiver.got}) == 1

    async def test_not_for_ever(self, office: Office, receiver: Receiver) -> None:
        """After the last try, the log says that it was given up, and why."""
        desk = await office.desk(config(receiver))
        receiver.statuses = [503] * 9
        await desk.fail("job-1", receiver.url())
        told = await desk.settled("job-1", receiver.url())

        assert (told.delivered, told.tries, told.error) == (False, 3, "it answered 503")
        assert len(receiver.got) == 3

    async def test_not_after_a_plain_no(self, office: Office, receiver: Receiver) -> None:
        """Most of 4xx would be said again."""
        desk = await office.desk(config(receiver))
        receiver.statuses = [410]
        await desk.fail("job-1", receiver.url())
        told = await desk.settled("job-1", receiver.url())

        assert (told.delivered, told.tries, told.error) == (False, 1, "it answered 410")

    async def test_not_at_an_address_that_became_private(
        self, office: Office, receiver: Receiver
    ) -> None:
        """DNS rebinding: nothing arrives, and the log says why."""
        book = Book({"hooks.example": ["127.0.0.1"]})
        desk = await office.desk(names=book)
        url = receiver.url(host="hooks.example")
        await desk.fail("job-1", url)
        told = await desk.settled("job-1", url)

        assert told.error == "hooks.example leads to an address that is not public"
        assert (receiver.got, told.tries) == ([], 1)

    async def test_not_at_a_private_address_that_the_configuration_has_lost(
        self, office: Office, receiver: Receiver
    ) -> None:
        """It stood there when the job was submitted; without it, nobody may be told."""
        desk = await office.desk()
        await desk.fail("job-1", receiver.url())
        told = await desk.settled("job-1", receiver.url())

        assert "is not permitted" in (told.error or "")
        assert (receiver.got, told.tries) == ([], 0)

    def test_for_about_an_hour(self) -> None:
        """Eight tries; a receiver that is restarted or moved over lunch misses nothing."""
        assert len(PAUSES) == 7
        assert 3000 < sum(PAUSES) < 3900
        assert list(PAUSES) == sorted(PAUSES)


class TestRestart:
    async def test_what_was_not_taken_is_told_after_a_restart(
        self, office: Office, receiver: Receiver
    ) -> None:
        """The log knows what is still to be told; the receiver knows it by its id."""
        receiver.statuses = [503]
        desk = await office.desk(config(receiver), pauses=(60.0,))
        await desk.fail("job-1", receiver.url())
        await receiver.has(1)
        await desk.die()

        again = await office.desk(config(receiver))
        told = await again.settled("job-1", receiver.url())

        assert told.delivered
        assert len({m.headers["X-Orchestrator-Delivery"] for m in receiver.got}) == 1
        assert receiver.got[0].body == receiver.got[1].body

    async def test_what_ended_while_nobody_told(self, office: Office, receiver: Receiver) -> None:
        """The service died between the end and the first try."""
        desk = await office.desk(config(receiver))
        await desk.die()
        await desk.fail("job-1", receiver.url())

        again = await office.desk(config(receiver))

        assert (await again.settled("job-1", receiver.url())).delivered

    async def test_what_was_taken_is_not_told_again(
        self, office: Office, receiver: Receiver
    ) -> None:
        """Nor what was given up."""
        desk = await office.desk(config(receiver))
        receiver.statuses = [410]
        await desk.fail("job-1", receiver.url())
        await desk.settled("job-1", receiver.url())
        await desk.fail("job-2", receiver.url())
        await desk.settled("job-2", receiver.url())
        await desk.die()

        again = await office.desk(config(receiver))
        await again.fail("job-3", receiver.url())
        await again.settled("job-3", receiver.url())

        assert [message.job for message in receiver.got] == ["job-1", "job-2", "job-3"]

    async def test_a_stop_does_not_wait_for_receivers(
        self, office: Office, receiver: Receiver
    ) -> None:
        """Nor for the pause before the next try."""

        async def sleep(_: web.Request) -> web.StreamResponse:
            await asyncio.sleep(30)
            return web.Response()

        receiver.reply = sleep
        desk = await office.desk(config(receiver), seconds=60.0)
        await desk.fail("job-1", receiver.url())
        await receiver.has(1)
        async with asyncio.timeout(5):
            await desk.webhooks.close()

        assert desk.told("job-1", receiver.url()) is None

    async def test_a_share_that_is_away_for_a_while(
        self, office: Office, receiver: Receiver
    ) -> None:
        """The receiver has it; the log is told as soon as it can be, without another message."""
        desk = await office.desk(config(receiver))

        async def unmount(_: web.Request) -> web.StreamResponse:
            desk.project.away = True
            asyncio.get_running_loop().call_later(0.05, mount)
            return web.Response()

        def mount() -> None:
            desk.project.away = False

        receiver.reply = unmount
        await desk.fail("job-1", receiver.url())
        told = await desk.settled("job-1", receiver.url())

        assert (told.delivered, told.tries, len(receiver.got)) == (True, 1, 1)


class TestPatience:
    async def test_a_slow_receiver_holds_nobody_else_up(
        self, office: Office, receiver: Receiver
    ) -> None:
        """Its own messages wait behind each other; those to others do not."""
        go = asyncio.Event()

        async def slow_on_one_path(request: web.Request) -> web.StreamResponse:
            if request.path == "/slow":
                await go.wait()
            return web.Response()

        receiver.reply = slow_on_one_path
        slow = receiver.url("/slow", host="localhost")
        book = Book({"localhost": ["127.0.0.1"]})
        configs = [WebhookConfig(slow), WebhookConfig(receiver.url())]
        desk = await office.desk(*configs, names=book)
        for number in range(5):
            await desk.fail(f"job-{number}", slow, receiver.url())
        for number in range(5):
            await desk.settled(f"job-{number}", receiver.url())

        assert sum(message.path == "/slow" for message in receiver.got) == 1
        go.set()
        for number in range(5):
            assert (await desk.settled(f"job-{number}", slow)).delivered

    async def test_one_message_at_a_time(self, office: Office, receiver: Receiver) -> None:
        """Fifty jobs that end together do not run their receiver over."""
        desk = await office.desk(config(receiver))
        jobs = [f"job-{number}" for number in range(50)]
        await asyncio.gather(*(desk.fail(job, receiver.url()) for job in jobs))
        for job in jobs:
            await desk.settled(job, receiver.url())

        assert receiver.busiest == 1
        assert sorted(message.job for message in receiver.got) == sorted(jobs)
