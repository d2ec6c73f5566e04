"""The routes below /simulator, and the simulator as a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tools.simulator import Behaviour, Simulator

from .graphs import ended, fast, finish, get, post, until

_SERVE = """
import sys
from pathlib import Path
from tools import simulator
simulator.run("127.0.0.1", 0, Path(sys.argv[1]), simulator.Behaviour(control=True),
              announce=lambda url: print(url, flush=True))
print("stopped", flush=True)
"""


@pytest.fixture
async def sim(tmp_path: Path) -> AsyncIterator[Simulator]:
    """A simulator that can be controlled."""
    async with Simulator(Behaviour(control=True), folder=tmp_path) as sim:
        yield sim


async def _send(session: aiohttp.ClientSession, sim: Simulator, path: str, body: Any = None) -> int:
    method = "PATCH" if path == "behaviour" else "POST"
    url = f"{sim.url}/simulator/{path}"
    async with session.request(method, url, json=body) as answer:
        return answer.status


class TestControl:
    async def test_options_change_while_it_runs(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """A wrong option is refused with 400 and its name, and nothing changes."""
        assert await _send(session, sim, "behaviour", {"fail_next": 1}) == 200
        assert not (await finish(session, sim, fast()))["status"]["completed"]
        assert await _send(session, sim, "behaviour", {"fail_next": 3, "pace": -1}) == 400
        assert await _send(session, sim, "behaviour", ["fail_next"]) == 400
        assert (await finish(session, sim, fast()))["status"]["completed"]

    async def test_state_tells_what_ran(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """GET /simulator shows queue, history and options."""
        await finish(session, sim, fast(), prompt_id="p")
        state = await get(session, sim, "/simulator")
        assert state["ended"] == state["started"] == ["p"]
        assert state["behaviour"] == sim.behaviour.to_dict()
        assert state["worker_alive"]

    async def test_hanging_server_can_be_released(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """Control answers while nothing else does."""
        assert await _send(session, sim, "hang") == 204
        asking = asyncio.create_task(get(session, sim, "/queue"))
        assert (await get(session, sim, "/simulator"))["hung"]
        assert await _send(session, sim, "release") == 204
        await asking

    async def test_hang_for_some_seconds_ends_by_itself(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """Nobody needs to release it."""
        assert await _send(session, sim, "hang", {"seconds": 0.05}) == 204
        await get(session, sim, "/queue")
        assert await _send(session, sim, "hang", {"seconds": "long"}) == 400

    async def test_memory_is_lost(self, sim: Simulator, session: aiohttp.ClientSession) -> None:
        """The answer comes first, the crash after it."""
        await finish(session, sim, fast())
        first = sim.memory
        assert await _send(session, sim, "lose_memory", {"seconds": 0}) == 202
        await until(lambda: sim.memory is not first and sim.state()["listening"])
        async with aiohttp.ClientSession() as fresh:
            assert await get(fresh, sim, "/history") == {}

    async def test_refusing_ends_by_itself(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """There would be no way back through a closed door."""
        assert await _send(session, sim, "refuse", {"seconds": 0.2}) == 202
        refused = 0
        async with asyncio.timeout(20):
            while not refused:
                try:
                    await get(session, sim, "/queue")
                except aiohttp.ClientConnectionError:
                    refused += 1
            while refused:
                try:
                    await get(session, sim, "/queue")
                    refused = 0
                except aiohttp.ClientConnectionError:
                    await asyncio.sleep(0.02)

    async def test_worker_sockets_and_files(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """The remaining actions, each once."""
        await finish(session, sim, fast())
        name = {"filename": "fast_00001_.png"}
        assert await _send(session, sim, "delete_output", name) == 204
        assert await _send(session, sim, "delete_output", name) == 404
        assert await _send(session, sim, "delete_output", {"filename": 5}) == 400
        assert await _send(session, sim, "drop_sockets") == 200
        assert await _send(session, sim, "kill_worker") == 204
        await until(lambda: not sim.state()["worker_alive"])

    async def test_without_the_option_there_is_no_control(
        self, tmp_path: Path, session: aiohttp.ClientSession
    ) -> None:
        """A simulator that others can reach is not theirs to break."""
        async with Simulator(folder=tmp_path) as sim:
            assert await _send(session, sim, "hang") == 404


class TestProcess:
    """`run` in a process of its own."""

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    async def test_process_announces_its_url_and_stops_cleanly(
        self, tmp_path: Path, session: aiohttp.ClientSession, number: signal.Signals
    ) -> None:
        """Both signals end it with exit code 0, even with a socket open and a prompt running."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-W",
            "error",
            "-c",
            _SERVE,
            str(tmp_path),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=Path(__file__).parents[2],
        )
        assert process.stdout is not None
        url = (await process.stdout.readline()).decode().strip()
        remote = Simulator(folder=tmp_path, port=int(url.rsplit(":", 1)[1]))
        assert remote.url == url
        told = await post(session, remote, fast())
        await ended(session, remote, told["prompt_id"])
        async with session.ws_connect(f"{url}/ws?clientId=a"):
            process.send_signal(number)
            out, err = await process.communicate()
        assert (process.returncode, out, err) == (0, b"stopped\n", b"")
        assert (tmp_path / "output" / "fast_00001_.png").is_file()

    def test_importing_the_package_loads_nothing_heavy(self) -> None:
        """The command line starts without aiohttp and Pillow."""
        code = "import sys, json, tools.simulator; print(json.dumps(sorted(sys.modules)))"
        out = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            check=True,
            cwd=Path(__file__).parents[2],
            env=os.environ,
        )
        assert not {"aiohttp", "PIL"} & set(json.loads(out.stdout))
