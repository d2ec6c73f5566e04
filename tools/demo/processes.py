"""The demo's own processes: started, known by the address that they print, and always stopped."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from attrs import define

from tools.demo.errors import ProcessEndedError

#: Seconds until a process must have printed its address.
START = 60.0
#: Seconds that a process may take to stop; above the leash's own patience.
STOP = 20.0
#: Lines of a process's stderr that are shown when it ends unasked.
LAST_LINES = 12

_URL = re.compile(rb"https?://[^\s/]+")
_ROOT = Path(__file__).resolve().parents[2]
#: The user's own settings must not reach the demo's service.
_SETTINGS = ("ORCHESTRATOR_PORT", "ORCHESTRATOR_COMFY_NODES", "ORCHESTRATOR_CORS_ORIGINS")


@define(eq=False)
class Child:
    """A process on our leash: it ends when we do, even if we are killed."""

    name: str
    process: asyncio.subprocess.Process
    #: Where its stderr goes.
    errors: Path
    url: str = ""
    _drain: asyncio.Task[None] | None = None

    @classmethod
    async def start(cls, name: str, module: str, arguments: Sequence[str], errors: Path) -> Child:
        """Run a Python module, and wait until it has printed its address.

        Raises:
            ProcessEndedError: it ended, or printed nothing for too long.
        """
        errors.parent.mkdir(parents=True, exist_ok=True)
        with errors.open("ab") as sink:
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-u", "-P", "-m", "tools.demo.leash", module, *arguments),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=sink,
                env=environment(),
                # Ctrl-C on a terminal is for us alone: we stop them, in order.
                start_new_session=os.name != "nt",
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )
        child = cls(name, process, errors)
        try:
            async with asyncio.timeout(START):
                child.url = await child._announced()
        except TimeoutError:
            await child.stop()
            raise ProcessEndedError(
                name, f"printed no address within {START:g} s", child.last_words()
            ) from None
        except BaseException:
            await child.stop()
            raise
        child._drain = asyncio.create_task(child._read_on())
        return child

    async def _announced(self) -> str:
        assert self.process.stdout is not None  # it is a pipe
        async for line in self.process.stdout:
            found = _URL.search(line)
            if found:
                return found[0].decode()
        raise ProcessEndedError(
            self.name, f"ended with {await self.process.wait()}", self.last_words()
        )

    async def _read_on(self) -> None:
        """Take whatever else it prints, so that it never has to wait for us."""
        assert self.process.stdout is not None  # it is a pipe
        while await self.process.stdout.read(65_536):
            pass

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    async def ended(self) -> ProcessEndedError:
        """Wait until it ends by itself; what there is to say then."""
        code = await self.process.wait()
        return ProcessEndedError(self.name, f"ended with {code}", self.last_words())

    def last_words(self) -> str:
        """The end of its stderr."""
        lines = self.errors.read_text(errors="replace").splitlines()
        return "\n".join(lines[-LAST_LINES:])

    async def stop(self) -> int:
        """Let go of it and wait; one that does not stop is killed. Returns its exit code."""
        assert self.process.stdin is not None  # it is a pipe
        self.process.stdin.close()
        try:
            async with asyncio.timeout(STOP):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
        if self._drain is not None:
            await self._drain
        assert self.process.returncode is not None  # it was waited for
        return self.process.returncode


async def output_of(module: str, *arguments: str) -> tuple[int, str]:
    """Run a Python module to its end; its exit code, and all that it printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "tools.demo.leash", module, *arguments),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=environment(),
    )
    assert process.stdout is not None  # it is a pipe
    assert process.stdin is not None  # so is this
    try:
        printed = await process.stdout.read()
        return await process.wait(), printed.decode(errors="replace")
    finally:
        process.stdin.close()
        await process.wait()


def environment() -> dict[str, str]:
    """Our environment, with this very code in reach, and without the user's own settings."""
    kept = {name: value for name, value in os.environ.items() if name not in _SETTINGS}
    paths = [str(_ROOT), *filter(None, [kept.get("PYTHONPATH")])]
    return {**kept, "PYTHONPATH": os.pathsep.join(paths), "PYTHONIOENCODING": "utf-8"}
