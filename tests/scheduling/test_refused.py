"""A backend that refuses connections is given up sooner than one that merely stays silent."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer

from orchestrator import app
from orchestrator.comfyui.transport import Timeouts, Transport
from orchestrator.config import BackendConfig, Config
from orchestrator.errors import BackendUnreachable
from orchestrator.scheduling.silence import Silence
from orchestrator.scheduling.timing import Timing
from orchestrator.services import DISPATCHER, JOBS
from projections.jobs import FINAL, Job, Status
from tests.comfyui.stub import until
from tools.simulator import Behaviour, Simulator

TIMING = Timing(refused=15, unreachable=60)
REFUSED = BackendUnreachable("beast", "connection refused", refused=True)
SILENT = BackendUnreachable("beast", "timed out")


class TestSilence:
    def test_a_refusing_backend_is_lost_after_the_shorter_limit(self) -> None:
        """Nobody listens, so the process and its queue are gone."""
        silence = Silence(TIMING)

        assert silence.judge(REFUSED, 100.0) is None
        assert silence.judge(REFUSED, 114.9) is None
        said = silence.judge(REFUSED, 115.0)
        assert said == "backend beast is not running: it took no connection for 15 s"

    def test_a_silent_backend_is_lost_after_the_longer_limit(self) -> None:
        """It may be hung or unplugged, and go on with what it has."""
        silence = Silence(TIMING)

        assert silence.judge(SILENT, 0.0) is None
        assert silence.judge(SILENT, 59.9) is None
        said = silence.judge(SILENT, 60.0)
        assert said == "backend beast did not answer for 60 s: timed out"

    def test_only_refusals_without_a_break_count(self) -> None:
        """A time-out in between shows that something is there."""
        silence = Silence(TIMING)

        assert silence.judge(REFUSED, 0.0) is None
        assert silence.judge(SILENT, 10.0) is None
        assert silence.judge(REFUSED, 20.0) is None
        assert silence.judge(REFUSED, 34.9) is None
        assert silence.judge(REFUSED, 35.0) is not None

    def test_an_answer_begins_anew(self) -> None:
        """Neither limit remembers what was before the backend answered."""
        silence = Silence(TIMING)
        assert silence.judge(REFUSED, 0.0) is None

        silence.end()

        assert silence.judge(REFUSED, 100.0) is None
        assert silence.judge(SILENT, 114.0) is None

    def test_a_limit_below_that_of_refusals_holds_for_them_too(self) -> None:
        """Refusing is silence as well."""
        silence = Silence(Timing(refused=15, unreachable=5))

        assert silence.judge(REFUSED, 0.0) is None
        assert silence.judge(REFUSED, 5.0) is not None


class TestTransport:
    async def test_a_port_without_a_listener_refuses(self) -> None:
        """The error says so."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # bound, but not listening
            fault = await fault_of(f"http://127.0.0.1:{taken.getsockname()[1]}", Timeouts())

        assert fault.refused

    async def test_a_server_that_does_not_answer_has_not_refused(self) -> None:
        """It took the connection."""
        with socket.socket() as mute:
            mute.bind(("127.0.0.1", 0))
            mute.listen()
            url = f"http://127.0.0.1:{mute.getsockname()[1]}"
            fault = await fault_of(url, Timeouts(control=0.2))

        assert not fault.refused


async def fault_of(url: str, timeouts: Timeouts) -> BackendUnreachable:
    """How a call fails."""
    async with aiohttp.ClientSession() as session:
        with pytest.raises(BackendUnreachable) as caught:
            await Transport(session, url, "beast", timeouts).call("GET", "/queue")
    return caught.value


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[tuple[Simulator, Simulator]]:
    """Two simulated ComfyUI servers."""
    slow = Behaviour(seconds_per_node=0.3)
    async with (
        Simulator(slow, folder=tmp_path / "one") as one,
        Simulator(slow, folder=tmp_path / "two") as two,
    ):
        yield one, two


async def test_a_job_moves_on_when_its_backend_is_gone(
    pair: tuple[Simulator, Simulator], tmp_path: Path
) -> None:
    """The backend dies in mid-job and stays down; with the long limit this would never end."""
    timing = Timing(refused=0.3, unreachable=3600, poll_active=0.05, poll_idle=0.05)
    config = Config(
        data_dir=tmp_path / "data",
        log_dir=tmp_path / "logs",
        backends=tuple(
            BackendConfig(id=name, name=name, host="127.0.0.1", port=simulator.port)
            for name, simulator in zip(("one", "two"), pair, strict=True)
        ),
    )
    service = await app.build(config, timing=timing)
    async with TestClient(TestServer(service)) as client:
        body = {"workflow": GRAPH}
        async with client.post("/api/job", json=body) as response:
            job_id = (await response.json())["job_id"]

        def job() -> Job:
            return service[JOBS].get(job_id).job

        await until(lambda: job().status is Status.RUNNING)
        last = job().last
        assert last is not None
        at = ("one", "two").index(str(last.backend))

        await pair[at].crash()

        await until(lambda: job().status in FINAL)

        assert job().status is Status.SUCCEEDED
        assert [attempt.backend for attempt in job().attempts] == [
            last.backend,
            ("two", "one")[at],
        ]
        assert str(job().attempts[0].reason).startswith(f"backend {last.backend} is not running")
        assert len(job().outputs) == 1
        assert service[DISPATCHER].why_waiting(job_id) is None


GRAPH = {
    "1": {
        "class_type": "EmptyImage",
        "inputs": {"width": 64, "height": 64, "batch_size": 1, "color": 255},
    },
    "2": {"class_type": "ImageInvert", "inputs": {"image": ["1", 0]}},
    "3": {"class_type": "SaveImage", "inputs": {"images": ["2", 0], "filename_prefix": "x"}},
}
