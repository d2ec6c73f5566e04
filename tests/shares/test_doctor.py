"""`orchestrator doctor` between two hosts: what it says of real mounts."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import orjson
import pytest

from tests.shares.conftest import Studio
from tests.shares.services import ROOT, GuestService

pytestmark = pytest.mark.shares

#: What must have been measured, and found good, on any share worth the name.
HELD = ("write", "exclusive", "rename.no_replace", "second_host", "visibility.reopen")
#: Percentiles that are printed.
TIMED = ("fsync", "visibility.reopen", "visibility.listing")


@asynccontextmanager
async def assisting(service: GuestService, folder: str) -> AsyncIterator[None]:
    """A host where `doctor --assist` runs, and ends when it is not needed any more."""
    log = service.guest.state / "assistant.log"
    command = [sys.executable, "-m", "tools.cli", "doctor", folder, "--assist"]
    pid = await asyncio.to_thread(service.guest.start, command, log, ROOT)
    async with asyncio.timeout(60):
        while "Waits for" not in log.read_text():  # noqa: ASYNC110  # another process writes it
            await asyncio.sleep(0.1)
    try:
        yield
    finally:
        await asyncio.to_thread(service.guest.end, pid)


class TestDoctor:
    async def test_a_good_mount_is_called_good(self, studio: Studio) -> None:
        """The other host assists, so caches of both kernels are measured."""
        folder = str(studio.a.project(studio.project))
        note = {"projectPath": folder, "filePath": studio.file, "note": "for the log"}
        await studio.a.post("/api/gallery/notes", note)
        async with assisting(studio.b, folder):
            code, said = await asyncio.to_thread(
                studio.a.command, "doctor", folder, "--seconds", "1", "--json"
            )
        report = orjson.loads(said[said.index("{") :])
        checks = {check["name"]: check for check in report["checks"]}
        bad = [check for check in report["checks"] if check["verdict"] == "bad"]
        assert (code, bad) == (0, [])
        for name in HELD:
            assert checks[name]["verdict"] in {"ok", "info"}, checks[name]
        for name in TIMED:
            figures = checks[name]["figures"]
            print(f"\n{name}: p50 {figures['p50_ms']} ms, p99 {figures['p99_ms']} ms", flush=True)
