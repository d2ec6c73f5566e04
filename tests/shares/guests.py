"""Hosts: small machines of User Mode Linux, each with a kernel, page cache and disk of its own."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import define, field

from tests.shares.lan import Cable
from tests.shares.servers import Kind

HERE = Path(__file__).resolve().parent
AGENT_PORT = 7000
BOOT_SECONDS = 60
#: Where a guest sees the share, and its own disk.
SHARE, LOCAL = Path("/mnt/nas"), Path("/run/local")
MEMORY = "400M"
DISK_BYTES = 512 << 20


class GuestError(Exception):
    """A guest does not do as it is told; the text holds what it said."""


@define(eq=False)
class Guest:
    """One host: it boots in two seconds, mounts the share, runs programs, and loses power."""

    #: One letter.
    name: str
    #: The last number of its addresses.
    number: int
    kind: Kind
    state: Path
    _machine: subprocess.Popen[bytes] | None = field(default=None, init=False)
    cable: Cable = field(init=False)
    _house_cable: Cable = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.state.mkdir(parents=True)
        self.cable = Cable("share", self.name)
        self._house_cable = Cable("house", self.name)
        disk = self.state / "disk"
        with disk.open("wb") as file:
            file.truncate(DISK_BYTES)
        subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", str(disk)], check=True)

    @property
    def address(self) -> str:
        """Where people reach it."""
        return f"10.98.0.{self.number}"

    @property
    def share_address(self) -> str:
        """Where the file server sees it."""
        return f"10.99.0.{self.number}"

    def boot(self) -> None:
        """Switch it on; `wait_up` says when it is up."""
        init = self._write_init()
        (self.state / "uml").mkdir(exist_ok=True)
        with (self.state / "console").open("ab") as console:
            self._machine = subprocess.Popen(
                [
                    "linux.uml",
                    f"umid=boot-{time.monotonic_ns()}",
                    f"uml_dir={self.state / 'uml'}",
                    f"mem={MEMORY}",
                    f"ubd0={self.state / 'disk'}",
                    "root=/dev/root",
                    "rootfstype=hostfs",
                    "rootflags=/",
                    "ro",
                    f"init={init}",
                    self._network(0, self.cable),
                    self._network(1, self._house_cable),
                    "quiet",
                    "con=null",
                    "con0=null,fd:1",
                ],
                cwd="/",
                env={**os.environ, "TMPDIR": "/dev/shm"},
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _write_init(self) -> Path:
        """Its first program: who it is, and then what all hosts do."""
        settings = {
            "NAME": f"host-{self.name}",
            "STATE": str(self.state),
            "SHARE_ADDRESS": self.share_address,
            "HOUSE_ADDRESS": self.address,
            "MODULES": " ".join(("ext4", *self.kind.modules)),
            "PYTHON": sys.executable,
            "AGENT": str(HERE / "guest_agent.py"),
            "PORT": str(AGENT_PORT),
        }
        lines = [f"{name}={shlex.quote(value)}" for name, value in settings.items()]
        script = ["#!/bin/bash", *lines, f". {shlex.quote(str(HERE / 'guest_init.sh'))}", ""]
        init = self.state / "init"
        init.write_text("\n".join(script), encoding="utf-8")
        init.chmod(0o755)
        return init

    def _network(self, number: int, cable: Cable) -> str:
        hardware = f"02:00:00:00:0{number}:0{self.number}"
        return f"vec{number}:transport=tap,ifname={cable.device},depth=128,gro=1,mac={hardware}"

    def wait_up(self) -> None:
        """Return when it answers. Blocks.

        Raises:
            GuestError: it does not come up.
        """
        assert self._machine is not None
        end = time.monotonic() + BOOT_SECONDS
        while True:
            try:
                self.run("true")
                return
            except OSError as exc:
                ended = self._machine.poll() is not None
                if ended or time.monotonic() > end:
                    raise GuestError(f"host {self.name} is not up:\n{self.tail()}") from exc
                time.sleep(0.1)

    def cut_power(self) -> None:
        """Off, at once: what was not yet on a disk or server is lost. Blocks."""
        if self._machine is not None:
            os.killpg(self._machine.pid, signal.SIGKILL)
            self._machine.wait()
            self._machine = None

    def mount(self, *more: str) -> None:
        """Mount the share, with more options if wished; unmounts it before. Blocks."""
        mounted, _ = self.tried("mountpoint", "--quiet", str(SHARE))
        if mounted == 0:
            self.run("umount", str(SHARE))
        options = ",".join((self.kind.options, *more))
        self.run("mount", "-t", self.kind.fstype, self.kind.source, str(SHARE), "-o", options)

    def run(self, *command: str, seconds: float = 60, folder: Path | None = None) -> str:
        """Run a program to its end; what it said. Blocks.

        Raises:
            GuestError: it failed.
        """
        code, said = self.tried(*command, seconds=seconds, folder=folder)
        if code:
            raise GuestError(f"host {self.name}: `{' '.join(command)}` gave {code}:\n{said}")
        return said

    def tried(
        self, *command: str, seconds: float = 60, folder: Path | None = None
    ) -> tuple[int, str]:
        """Run a program to its end; its exit code and what it said. Blocks."""
        where = None if folder is None else str(folder)
        asked = {"run": command, "seconds": seconds, "folder": where}
        answer = self._ask(asked, seconds + 10)
        return int(str(answer["code"])), str(answer["said"])

    def start(self, command: Sequence[str], log: Path, folder: Path) -> int:
        """Start a program that goes on; its process id in the guest. Blocks."""
        asked = {"start": command, "log": str(log), "folder": str(folder)}
        return int(str(self._ask(asked)["pid"]))

    def end(self, pid: int, number: signal.Signals = signal.SIGTERM) -> int:
        """End a started program; returns its exit code. Blocks."""
        return int(str(self._ask({"end": pid, "signal": number})["code"]))

    def _ask(self, asked: Mapping[str, object], seconds: float = 70) -> dict[str, object]:
        """What the agent answers; a host that just boots or is gone raises OSError."""
        with socket.create_connection((self.address, AGENT_PORT), timeout=3) as connection:
            connection.settimeout(seconds)
            connection.sendall(json.dumps(asked).encode() + b"\n")
            with connection.makefile("rb") as answers:
                line = answers.readline()
        if not line:
            raise ConnectionResetError(f"host {self.name} broke off")
        answer: dict[str, object] = json.loads(line)
        if "fault" in answer:
            raise GuestError(f"host {self.name}, asked for {asked}: {answer['fault']}")
        return answer

    def remove(self) -> None:
        """Off, and its cables away. Blocks."""
        self.cut_power()
        self.cable.remove()
        self._house_cable.remove()

    def tail(self, lines: int = 30) -> str:
        """The end of what it said on its console."""
        console = self.state / "console"
        text = console.read_text(errors="replace") if console.exists() else ""
        return "\n".join(text.splitlines()[-lines:])
