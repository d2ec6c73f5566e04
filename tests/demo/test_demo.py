"""The whole demo, as processes: the main job, its proof, and that nothing is left over."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from attrs import define
from rich.console import Console

from tools.demo import once
from tools.demo.errors import DemoError, FolderNotOursError, PortTakenError, ProcessEndedError
from tools.demo.folder import make_folder
from tools.demo.printing import Printer
from tools.demo.processes import Child
from tools.demo.running import DEFAULT_PORT, chosen_port, probe
from tools.demo.stage import staged

ROOT = Path(__file__).resolve().parents[2]
POSIX = pytest.mark.skipif(os.name == "nt", reason="Windows cannot send a signal to one process")
#: Seconds until a process that is stopped must be gone.
GONE = 30.0


@define
class Demo:
    """A demo in a process of its own, whose temporary folders lie where we can see them."""

    process: subprocess.Popen[str]
    temporary: Path

    @classmethod
    def start(cls, temporary: Path, port: int = 0) -> Demo:
        """Run `orchestrator demo` on a port, or on a free one."""
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", "tools.cli", "demo"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(temporary), "ORCHESTRATOR_PORT": str(port)},
            start_new_session=True,
        )
        return cls(process, temporary)

    def read_until(self, text: str) -> str:
        """All that it prints, to the line that has `text`."""
        assert self.process.stdout is not None
        printed = ""
        for line in self.process.stdout:
            printed += line
            if text in line:
                return printed
        pytest.fail(f"the demo ended with {self.process.wait()}:\n{printed}")


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    """A running demo; what is left of it at the end is killed."""
    running = Demo.start(tmp_path)
    yield running
    running.process.kill()
    running.process.communicate()


def ports(printed: str) -> set[int]:
    """The ports of service and backends, from what the demo printed."""
    found = {int(port) for port in re.findall(r"http://127\.0\.0\.1:(\d+)", printed)}
    assert len(found) == 3
    return found


def is_listening(port: int) -> bool:
    """Whether somebody takes connections there."""
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0


def await_silence(listening: set[int]) -> set[int]:
    """Ports on which something still listens once it should be gone."""
    end = time.monotonic() + GONE
    while time.monotonic() < end and any(map(is_listening, listening)):
        time.sleep(0.05)
    return {port for port in listening if is_listening(port)}


class TestOnce:
    def test_the_main_job_holds(self, tmp_path: Path) -> None:
        """`orchestrator demo --once` does every step, exits 0, and leaves nothing behind."""
        ended = subprocess.run(
            [sys.executable, "-m", "tools.cli", "demo", "--once"],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(tmp_path)},
            check=False,
        )

        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert "the replayed state equals the live state" in ended.stdout
        assert "FAILED" not in ended.stdout
        assert list(tmp_path.iterdir()) == []

    async def test_a_log_that_was_tampered_with_fails_the_proof(self, tmp_path: Path) -> None:
        """A rating changed by hand in the log is found, and the job does not hold."""
        printed = StringIO()
        printer = Printer(Console(file=printed, width=200))
        async with staged(keep=tmp_path / "kept", port=0, pace=0.01) as stage:

            def tamper() -> None:
                (segment,) = (stage.folder.project / ".gallery" / "log").iterdir()
                data = segment.read_bytes()
                segment.write_bytes(data.replace(b'"stars":5', b'"stars":1', 1))

            held = await once.perform(stage, printer, before_proof=tamper)

        assert not held
        assert "FAILED" in printed.getvalue().splitlines()[-2]
        assert "cannot be read whole" in printed.getvalue()


class TestEnd:
    @POSIX
    @pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
    def test_a_signal_stops_everything(self, demo: Demo, name: str) -> None:
        """Ctrl-C is a clean end: exit code 0, no process and no file is left."""
        listening = ports(demo.read_until("Ctrl-C stops everything"))

        demo.process.send_signal(getattr(signal, name))
        printed, _ = demo.process.communicate(timeout=GONE)

        assert demo.process.returncode == 0, printed
        assert "Stopped." in printed
        assert await_silence(listening) == set()
        assert list(demo.temporary.iterdir()) == []

    @POSIX
    def test_a_killed_demo_takes_its_processes_along(self, demo: Demo) -> None:
        """Nobody is left to stop them, so they notice and stop themselves."""
        listening = ports(demo.read_until("Ctrl-C stops everything"))

        demo.process.kill()

        assert await_silence(listening) == set()

    @POSIX
    def test_a_signal_during_the_set_up_leaves_nothing(self, demo: Demo) -> None:
        """Half of it may be running when Ctrl-C comes."""
        demo.read_until("Setting up")

        demo.process.send_signal(signal.SIGINT)
        printed, _ = demo.process.communicate(timeout=GONE)

        assert demo.process.returncode == 0, printed
        assert list(demo.temporary.iterdir()) == []

    async def test_a_failure_in_the_middle_leaves_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The service finds its port taken after the backends are up: they are stopped."""
        started: list[Child] = []
        start = Child.start

        async def noting(name: str, module: str, arguments: list[str], errors: Path) -> Child:
            started.append(await start(name, module, arguments, errors))
            return started[-1]

        monkeypatch.setattr(Child, "start", noting)
        with socket.socket() as occupied:
            occupied.bind(("127.0.0.1", 0))
            occupied.listen()
            port = occupied.getsockname()[1]
            with pytest.raises(ProcessEndedError, match="in use"):
                async with staged(keep=tmp_path / "kept", port=port, pace=0.01):
                    pytest.fail("it must not come up")

        assert [child.name for child in started] == ["beast", "mule"]
        assert all(child.process.returncode is not None for child in started)


class TestKeep:
    async def test_a_kept_folder_is_used_again(self, tmp_path: Path) -> None:
        """Pictures are not painted twice, and what people said of them stays."""
        folder = tmp_path / "kept"
        async with staged(keep=folder, port=0, pace=0.01) as first:
            asked = {"projectPath": first.project}
            before = await first.api.get("/api/gallery/ratings", **asked)
        async with staged(keep=folder, port=0, pace=0.01) as second:
            after = await second.api.get("/api/gallery/ratings", **asked)

        assert (first.painted, second.painted) == (60, 0)
        assert first.curated is not None
        assert second.curated is None
        assert before == after != {"ratings": {}}

    def test_a_folder_of_somebody_else_is_refused(self, tmp_path: Path) -> None:
        """Nothing is written among files that are not ours."""
        (tmp_path / "thesis.txt").write_text("no copy of this exists")

        with pytest.raises(FolderNotOursError):
            make_folder(tmp_path)

        assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


class TestPort:
    def test_the_demo_takes_the_documented_port(self) -> None:
        """9820, unless somebody says otherwise."""
        assert chosen_port(None, {}, once=False) == DEFAULT_PORT == 9820

    def test_once_takes_a_free_one(self) -> None:
        """It must not fail because a service runs on this machine."""
        assert chosen_port(None, {}, once=True) == 0

    @pytest.mark.parametrize("once", [True, False])
    def test_the_environment_is_obeyed(self, *, once: bool) -> None:
        """ORCHESTRATOR_PORT counts in both cases; the command line counts more."""
        environ = {"ORCHESTRATOR_PORT": " 9830 "}

        assert chosen_port(None, environ, once=once) == 9830
        assert chosen_port(9840, environ, once=once) == 9840

    @pytest.mark.parametrize("said", ["http", "-1", "65536", "9820.0", "٣", "999999999"])
    def test_a_variable_that_is_no_port_is_refused(self, said: str) -> None:
        """The variable is named, and what it may be."""
        with pytest.raises(DemoError, match="ORCHESTRATOR_PORT is"):
            chosen_port(None, {"ORCHESTRATOR_PORT": said}, once=False)

    def test_a_taken_port_is_told_with_the_remedy(self) -> None:
        """Before anything is painted or started."""
        with socket.socket() as occupied:
            occupied.bind(("127.0.0.1", 0))
            occupied.listen()
            port = occupied.getsockname()[1]
            with pytest.raises(PortTakenError, match=f"Port {port} of") as caught:
                probe(port)

        assert "ORCHESTRATOR_PORT" in caught.value.remedy

    def test_a_taken_port_ends_the_demo_with_2(self, tmp_path: Path) -> None:
        """The terminal says what to do, and nothing was made."""
        with socket.socket() as occupied:
            occupied.bind(("127.0.0.1", 0))
            occupied.listen()
            taken = occupied.getsockname()[1]
            demo = Demo.start(tmp_path, taken)
            printed, _ = demo.process.communicate(timeout=GONE)

        assert demo.process.returncode == 2
        assert f"Port {taken}" in printed
        assert "set ORCHESTRATOR_PORT" in printed
        assert list(tmp_path.iterdir()) == []
