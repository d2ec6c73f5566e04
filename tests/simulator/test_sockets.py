"""Who gets which frames: reconnecting, going silent, and clients that do not read."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from tools.simulator import Simulator

from .graphs import fast, finish, is_running, node, post, sleeper, until
from .replay import Client


async def _join(session: aiohttp.ClientSession, sim: Simulator, name: str = "a") -> Client:
    client = await Client.join(session, f"{sim.url}/ws?clientId={name}")
    await client.until(lambda frames: len(frames) >= 1)
    return client


class TestReconnect:
    """Transcript s13."""

    async def test_client_that_returns_learns_which_node_runs(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """The second frame is `executing` without a prompt id; nothing missed is sent again."""
        told = await post(session, sim, sleeper(600), client_id="a")
        await is_running(sim, told["prompt_id"])
        await until(lambda: sim.memory.last_node_id == "2")
        client = await Client.join(session, f"{sim.url}/ws?clientId=a")
        await client.until(lambda frames: len(frames) == 2)
        assert client.frames == [
            {
                "type": "status",
                "data": {"status": {"exec_info": {"queue_remaining": 1}}, "sid": "a"},
            },
            {"type": "executing", "data": {"node": "2"}},
        ]
        await client.close()

    async def test_closing_the_old_socket_silences_the_new_one(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """The mute bug: the new socket stays open and gets nothing, not even status."""
        old, new = await _join(session, sim), await _join(session, sim)
        await old.close()
        await until(lambda: "a" not in sim.memory.hub.sockets)
        await finish(session, sim, fast(), client_id="a")
        assert len(new.frames) == 1
        assert not new.socket.closed
        await new.close()

    async def test_without_the_bug_the_new_socket_goes_on(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """`mute_bug=False` is a server that has been mended."""
        sim.behaviour.mute_bug = False
        old, new = await _join(session, sim), await _join(session, sim)
        await old.close()
        await finish(session, sim, fast(), client_id="a")
        await new.until(lambda frames: frames[-1]["data"].get("node", "") is None)
        assert new.of("execution_success")
        await new.close()

    async def test_old_socket_gets_nothing_once_there_is_a_new_one(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """One socket per client id: the last one."""
        old, new = await _join(session, sim), await _join(session, sim)
        await finish(session, sim, fast(), client_id="a")
        await new.until(lambda frames: frames[-1]["data"].get("node", "") is None)
        assert len(old.frames) == 1
        await old.close()
        await new.close()


class TestJoining:
    async def test_flags_count_only_as_first_message(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """A later `feature_flags`, or one after something unreadable, is ignored."""
        client = await _join(session, sim)
        await client.socket.send_str("{no json")
        await client.socket.send_json(
            {"type": "feature_flags", "data": {"supports_preview_metadata": True}}
        )
        await finish(session, sim, fast())
        assert not client.of("feature_flags")
        assert sim.memory.hub.features == {"a": {}}
        await client.close()

    async def test_server_answers_pings(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """A client's heartbeat keeps its socket open."""
        async with session.ws_connect(f"{sim.url}/ws?clientId=a", autoping=False) as socket:
            await socket.receive()
            await socket.ping(b"there?")
            answer = await socket.receive()
            assert (answer.type, bytes(answer.data)) == (aiohttp.WSMsgType.PONG, b"there?")

    async def test_socket_below_api(self, sim: Simulator, session: aiohttp.ClientSession) -> None:
        """Every route, the socket too, also exists below /api."""
        async with session.ws_connect(f"{sim.url}/api/ws?clientId=b") as socket:
            assert (await socket.receive_json())["data"]["sid"] == "b"


async def test_client_that_does_not_read_holds_up_all_others(
    sim: Simulator, session: aiohttp.ClientSession
) -> None:
    """Frames to others stop while execution and HTTP go on; they come when it leaves (s19)."""
    other = await _join(session, sim, "other")
    reader, writer = await asyncio.open_connection(sim.host, sim.port, limit=1024)
    writer.write(
        b"GET /ws?clientId=x HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    await reader.readuntil(b"\r\n\r\n")
    graph = {
        "1": node("EmptyImage", width=8, height=8, batch_size=1, color=0),
        "2": node("TestNoisePreview", image=["1", 0], steps=60, seed=1),
        "3": node("SaveImage", images=["2", 0], filename_prefix="noise"),
    }
    await finish(session, sim, graph, client_id="x")
    await finish(session, sim, fast(), client_id="other")
    assert not other.of("execution_start")
    writer.transport.abort()
    await other.until(lambda frames: frames[-1]["data"].get("node", "") is None)
    assert other.of("execution_success")
    await other.close()


@pytest.mark.parametrize("flag", [True, False])
async def test_previews_are_of_the_kind_that_was_negotiated(
    sim: Simulator, session: aiohttp.ClientSession, flag: bool
) -> None:
    """Type 4 says whose preview it is; type 1 is for clients that did not ask."""
    client = await _join(session, sim)
    await client.socket.send_json(
        {"type": "feature_flags", "data": {"supports_preview_metadata": flag}}
    )
    await client.until(lambda frames: len(frames) == 2)
    await finish(session, sim, sleeper(0, preview=True), client_id="a")
    await client.until(lambda frames: frames[-1]["data"].get("node", "") is None)
    kinds = {frame[3] for frame in client.frames if isinstance(frame, bytes)}
    assert kinds == ({4} if flag else {1})
    await client.close()
