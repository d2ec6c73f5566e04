"""One try against a real receiver: what counts as taken, and what is tried again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from yarl import URL

from orchestrator.webhooks import reach
from orchestrator.webhooks.receivers import Receiver as Told
from orchestrator.webhooks.sending import Outcome, Sender, judged
from tests.webhooks.names import Book
from tests.webhooks.receiver import Receiver

ENDS = frozenset({"succeeded"})


@pytest.fixture
def book() -> Book:
    """A name server; `hooks.example` was public when the job was submitted."""
    return Book({"hooks.example": ["93.184.216.34"], "inside.example": ["127.0.0.1"]})


@pytest.fixture
async def sender(book: Book) -> AsyncIterator[Sender]:
    """What is tested, with a short time-out."""
    made = Sender(book, book, 0.2)
    yield made
    await made.close()


def configured(url: str) -> Told:
    """An address of config.yaml."""
    return Told(URL(url), None, ENDS, trusted=True)


def named(url: str) -> Told:
    """An address that a job names."""
    return Told(URL(url), None, ENDS, trusted=False)


class TestJudged:
    @pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
    def test_taken(self, status: int) -> None:
        """Any 2xx."""
        assert judged(status) == Outcome()

    @pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
    def test_later(self, status: int) -> None:
        """The receiver has trouble, or wants to be left alone for a while."""
        assert judged(status) == Outcome(f"it answered {status}")

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 422])
    def test_never(self, status: int) -> None:
        """It would say the same again."""
        assert judged(status) == Outcome(f"it answered {status}", final=True)


class TestSending:
    async def test_what_arrives(self, sender: Sender, receiver: Receiver) -> None:
        """The very bytes, with the headers."""
        told = configured(receiver.url("/a?key=%2F"))

        outcome = await sender.send(told, b'{"a":1}', {"X-Orchestrator-Event": "job.failed"})

        assert outcome.delivered
        assert [message.body for message in receiver.got] == [b'{"a":1}']
        assert receiver.got[0].headers["X-Orchestrator-Event"] == "job.failed"

    async def test_a_name_of_the_local_network(self, sender: Sender, receiver: Receiver) -> None:
        """Config.yaml may say so."""
        told = configured(receiver.url(host="inside.example"))

        assert (await sender.send(told, b"{}", {})).delivered

    async def test_a_large_message(self, sender: Sender, receiver: Receiver) -> None:
        """A job may have any metadata."""
        body = b"x" * (3 << 20)

        assert (await sender.send(configured(receiver.url()), body, {})).delivered
        assert receiver.got[0].body == body

    async def test_a_redirect_is_not_followed(self, sender: Sender, receiver: Receiver) -> None:
        """It could lead to an address that nobody looked at."""

        async def away(_: web.Request) -> web.StreamResponse:
            raise web.HTTPTemporaryRedirect(receiver.url("/secret"))

        receiver.reply = away
        outcome = await sender.send(configured(receiver.url()), b"{}", {})

        assert outcome == Outcome("it answered 307; redirects are not followed", final=True)
        assert [message.path for message in receiver.got] == ["/hook"]

    async def test_a_slow_receiver(self, sender: Sender, receiver: Receiver) -> None:
        """Is given up for this time."""

        async def sleep(_: web.Request) -> web.StreamResponse:
            await asyncio.sleep(30)
            return web.Response()

        receiver.reply = sleep
        outcome = await sender.send(configured(receiver.url()), b"{}", {})

        assert (outcome.delivered, outcome.final, outcome.silent) == (False, False, True)

    async def test_an_endless_answer(self, sender: Sender, receiver: Receiver) -> None:
        """Is not listened to: its status is all that counts."""

        async def babble(request: web.Request) -> web.StreamResponse:
            answer = web.StreamResponse()
            await answer.prepare(request)
            while True:
                await answer.write(b"x" * 65536)
                await asyncio.sleep(0)

        receiver.reply = babble
        assert (await sender.send(configured(receiver.url()), b"{}", {})).delivered

    async def test_an_answer_that_is_no_http(self, sender: Sender) -> None:
        """Something else listens there."""

        async def mumble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.readline()
            writer.write(b"220 mail.example ESMTP\r\n")
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(mumble, "127.0.0.1", 0)
        async with server:
            port = server.sockets[0].getsockname()[1]
            outcome = await sender.send(configured(f"http://127.0.0.1:{port}/"), b"{}", {})

        assert (outcome.final, outcome.silent) == (False, True)

    async def test_nobody_listens(self, sender: Sender, receiver: Receiver) -> None:
        """It may come back."""
        outcome = await sender.send(configured("http://127.0.0.1:1/"), b"{}", {})

        assert outcome.error is not None
        assert "127.0.0.1:1" in outcome.error
        assert (outcome.final, outcome.silent) == (False, True)

    async def test_a_name_that_is_not_found(self, sender: Sender) -> None:
        """The name server may have trouble."""
        outcome = await sender.send(named("http://nobody.example/"), b"{}", {})

        assert outcome == Outcome("[Errno -2] Name or service not known", silent=True)

    async def test_cookies_are_forgotten(self, sender: Sender, receiver: Receiver) -> None:
        """One receiver learns nothing of what another said."""

        async def bake(_: web.Request) -> web.StreamResponse:
            answer = web.Response()
            answer.set_cookie("who", "me")
            return answer

        receiver.reply = bake
        url = receiver.url(host="inside.example")
        for _ in range(2):
            await sender.send(configured(url), b"{}", {})

        assert "Cookie" not in receiver.got[1].headers


class TestRebinding:
    async def test_a_name_that_leads_elsewhere_now(
        self, sender: Sender, receiver: Receiver, book: Book
    ) -> None:
        """It was public when the job was submitted; now it leads to us, and nothing is sent."""
        book.known["hooks.example"] = ["127.0.0.1"]

        outcome = await sender.send(named(receiver.url(host="hooks.example")), b"{}", {})

        assert outcome.error == "hooks.example leads to an address that is not public"
        assert outcome.final
        assert receiver.got == []

    async def test_it_is_looked_up_once(
        self, sender: Sender, receiver: Receiver, book: Book, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The address that was looked at is the one that is used; no second answer counts."""
        judged_addresses = []

        def all_are_public(address: str) -> bool:
            judged_addresses.append(address)
            return True

        monkeypatch.setattr(reach, "is_public", all_are_public)
        book.known["hooks.example"] = ["127.0.0.1"]
        told = named(receiver.url(host="hooks.example"))

        assert (await sender.send(told, b"{}", {})).delivered
        assert (book.asked, judged_addresses) == (["hooks.example"], ["127.0.0.1"])

    async def test_each_try_looks_anew(
        self, sender: Sender, receiver: Receiver, book: Book, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """No connection and no name is kept from one try to the next."""
        monkeypatch.setattr(reach, "is_public", lambda _: True)
        book.known["hooks.example"] = ["127.0.0.1"]
        told = named(receiver.url(host="hooks.example"))
        await sender.send(told, b"{}", {})
        monkeypatch.undo()

        assert (await sender.send(told, b"{}", {})).final
        assert len(receiver.got) == 1
