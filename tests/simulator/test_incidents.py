"""Faults that hit single prompts or frames, and what the simulator can tell of them afterwards."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from tools.simulator import Simulator
from tools.simulator.incidents import OUTSIDE

from .graphs import ended, fast, finish, get, is_running, post, sleeper
from .replay import Client


def told(sim: Simulator) -> list[tuple[str, str, str]]:
    """All incidents, as (kind, prompt, by whom)."""
    return [(i.kind, i.prompt_id, i.by) for i in sim.incidents]


class TestWho:
    """A test can hold somebody to what they did."""

    async def test_who_deletes_and_interrupts_is_known(self, sim: Simulator) -> None:
        """By the User-Agent of the request; a request that hits nothing is no incident."""
        async with aiohttp.ClientSession(headers={"User-Agent": "mara"}) as mara:
            await post(mara, sim, sleeper(600, steps=10_000), prompt_id="running")
            await is_running(sim, "running")
            await post(mara, sim, fast(), prompt_id="waiting")
            for body in ({"delete": ["running", "unknown"]}, {"delete": ["waiting"]}):
                await mara.post(f"{sim.url}/queue", json=body)
            await mara.post(f"{sim.url}/interrupt", json={"prompt_id": "waiting"})
            assert told(sim) == [("deleted", "waiting", "mara")]
            await mara.post(f"{sim.url}/interrupt", json={"prompt_id": "running"})
            await ended(mara, sim, "running")
        assert told(sim)[1:] == [("interrupted", "running", "mara")]
        assert sim.state()["incidents"][0] == {
            "kind": "deleted",
            "prompt_id": "waiting",
            "by": "mara",
        }

    async def test_a_call_from_outside_is_told_apart(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """Tests play somebody else without a request."""
        await post(session, sim, sleeper(600, steps=10_000), prompt_id="running")
        await is_running(sim, "running")
        await post(session, sim, fast(), prompt_id="waiting")
        sim.memory.take_out(None, OUTSIDE)
        sim.memory.interrupt(OUTSIDE)
        await ended(session, sim, "running")
        assert told(sim) == [
            ("deleted", "waiting", OUTSIDE),
            ("interrupted", "running", OUTSIDE),
        ]

    async def test_a_death_tells_what_it_took_along(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """What ran or waited is lost, what had ended is forgotten."""
        await finish(session, sim, fast(), prompt_id="done")
        await post(session, sim, sleeper(600, steps=10_000), prompt_id="running")
        await is_running(sim, "running")
        await sim.lose_memory()
        assert told(sim) == [("lost", "running", "server"), ("forgotten", "done", "server")]


class TestPrompts:
    async def test_an_error_may_hide_that_it_was_queued(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """500, and it runs all the same (transcript r6)."""
        sim.behaviour.error_prompt_answers = 1
        body = {"prompt": fast(), "prompt_id": "p"}
        async with session.post(f"{sim.url}/prompt", json=body) as answer:
            assert answer.status == 500
        assert (await ended(session, sim, "p"))["status"]["completed"]
        assert told(sim) == [("error", "p", "server")]

    async def test_a_proxy_may_send_it_twice(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """Both run under one id; the second from the cache (s15)."""
        sim.behaviour.double_prompts = 1
        await post(session, sim, fast(), prompt_id="p", client_id="a")
        while len(sim.started) < 2:  # noqa: ASYNC110  # it has no event
            await asyncio.sleep(0.01)
        await finish(session, sim, fast(1))
        assert sim.started[:2] == ["p", "p"]
        assert told(sim) == [("doubled", "p", "server")]

    async def test_outputs_may_be_deleted_before_anybody_fetched_them(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """The history names them, and they are 404 (r8)."""
        sim.behaviour.delete_outputs_next = 1
        entry = await finish(session, sim, fast(), prompt_id="p")
        (image,) = entry["outputs"]["2"]["images"]
        async with session.get(f"{sim.url}/view", params=image) as answer:
            assert answer.status == 404
        assert told(sim) == [("spoiled", "p", "server")]


class TestFrames:
    async def test_frames_may_be_held_up_while_all_else_goes_on(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """Another client does not read (s19); when it leaves, they come late."""
        client = await Client.join(session, f"{sim.url}/ws?clientId=a")
        await client.until(lambda frames: len(frames) == 1)
        sim.stall_frames()
        await finish(session, sim, fast(), client_id="a")
        assert len(client.frames) == 1
        sim.flow_frames()
        await client.until(lambda _: bool(client.of("execution_success")))
        await client.close()

    async def test_a_socket_may_be_mute(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """It stays open and gets nothing more (s13)."""
        client = await Client.join(session, f"{sim.url}/ws?clientId=a")
        await client.until(lambda frames: len(frames) == 1)
        assert sim.silence_sockets() == 1
        await finish(session, sim, fast(), client_id="a")
        assert len(client.frames) == 1
        assert not client.socket.closed
        await client.close()


class TestCable:
    async def test_what_is_sent_meanwhile_never_arrives(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """Other than with a server that hangs; and what runs goes on."""
        await post(session, sim, sleeper(0.1), prompt_id="running")
        sim.unplug()
        sending = asyncio.create_task(post(session, sim, fast(), prompt_id="ghost"))
        while not sim.memory.queue.history:  # noqa: ASYNC110  # it has no event
            await asyncio.sleep(0.01)
        sim.plug_in()
        with pytest.raises(aiohttp.ClientConnectionError):
            await sending
        assert set(await get(session, sim, "/history")) == {"running"}
        assert sim.started == ["running"]


class TestOverlaps:
    async def test_faults_may_overlap(self, sim: Simulator) -> None:
        """One server lives in the end, whoever revived it first."""
        await sim.refuse()
        await asyncio.gather(sim.accept(), sim.lose_memory(), sim.accept(), sim.lose_memory())
        state = sim.state()
        assert state["listening"]
        assert state["worker_alive"]
