"""Bringing the outputs of an attempt home: fetched, verified, and given to the placer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

import structlog
from attrs import define
from uuid_utils import uuid7

from events.files import FilesIntended
from events.jobs import JobId
from orchestrator.comfyui.answers import Fetched
from orchestrator.comfyui.endings import Output
from orchestrator.errors import BackendUnreachable, OutputMissing
from orchestrator.gallery.intake import picture_fault
from orchestrator.host import Host
from orchestrator.scheduling.backend import Backend
from orchestrator.scheduling.placing import Placer, incoming, still_wanted
from orchestrator.scheduling.silence import Silence
from orchestrator.scheduling.teller import Teller, pauses
from orchestrator.scheduling.timing import Timing
from projections.jobs import Job

_log = structlog.get_logger(__name__)

#: A picture that cannot be read is fetched so often before it counts as missing.
FETCHES = 3


@define(eq=False)
class Collector:
    """Brings one attempt's outputs home."""

    job_id: JobId
    attempt: int
    backend: Backend
    placer: Placer
    teller: Teller
    timing: Timing
    host: Host

    async def collect(self, outputs: Sequence[Output], job: Job) -> None:
        """Store every output that is not stored yet; waits as long as the share takes.

        Raises:
            OutputMissing: the backend does not have one of them any more.
            BackendUnreachable: it does not answer.
            OrchestratorError: it does not give one out, or the project can have no such name.
            NotWantedError: the job was cancelled while this had to wait.
        """
        have = {(o.attempt, o.node, o.index) for o in job.outputs}
        missing = [
            (output, index)
            for output, index in _numbered(outputs)
            if (self.attempt, output.node_id, index) not in have
        ]
        # All are fetched before the first is put in place: an attempt that comes to nothing because
        # one of them is gone should leave none of the others in the project.
        staged: list[FilesIntended] = []
        try:
            for output, index in missing:
                staged.append(await self._stage(output, index))
        except Exception:
            await asyncio.to_thread(self._discard, staged)
            raise
        for (output, index), ready in zip(missing, staged, strict=True):
            await self._put(output, index, ready)

    async def _put(self, output: Output, index: int, staged: FilesIntended) -> None:
        """Give a staged file its name; fetch it anew if it is not there any more."""
        for _ in range(FETCHES):
            if await self.placer.place(staged):
                return
            staged = await self._stage(output, index)
        said = "it vanished from our own folder each time that it was fetched"
        raise OutputMissing(self.backend.config.id, output.filename, said)

    def _discard(self, staged: Sequence[FilesIntended]) -> None:
        """Remove what will not be put in place; what stays is swept at the next start. Blocks."""
        for each in staged:
            with suppress(OSError):
                (self.teller.root / each.source).unlink(missing_ok=True)

    async def _stage(self, output: Output, index: int) -> FilesIntended:
        source, fetched = await self._fetch(output)
        return FilesIntended(
            op="",
            action="store",
            source=source,
            to="",
            size=fetched.size,
            sha256=fetched.sha256,
            job=self.job_id,
            attempt=self.attempt,
            node=output.node_id,
            index=index,
            kind=output.kind,
            original=output.filename,
        )

    async def _fetch(self, output: Output) -> tuple[str, Fetched]:
        """Download into the project's staging folder, and make sure that it is what it says.

        The share is waited for without end, the backend only for a while.
        """
        pause, silence, damaged = pauses(self.timing), Silence(self.timing), 0
        while True:
            source = f"{incoming(self.host)}/{uuid7()}{Path(output.filename).suffix.lower()}"
            staged = self.teller.root / source
            try:
                room = partial(_make_room, self.teller.root, staged.parent)
                fetched = await self.backend.client.fetch_output(output, staged, room)
                fault = await asyncio.to_thread(picture_fault, staged, output.media_type)
                if fault is None:
                    return source, fetched
                damaged += 1
                await asyncio.to_thread(staged.unlink, missing_ok=True)
            except BackendUnreachable as exc:
                fault = exc.reason
                if (reason := silence.judge(exc, time.monotonic())) is not None:
                    raise BackendUnreachable(exc.backend, reason) from exc
            except OSError as exc:
                fault = str(exc)
            if damaged >= FETCHES:
                said = f"it is damaged: {fault}"
                raise OutputMissing(self.backend.config.id, output.filename, said)
            _log.warning("output.not_fetched", job=self.job_id, file=output.filename, fault=fault)
            await asyncio.sleep(pause())
            await still_wanted(self.teller)


def _numbered(outputs: Iterable[Output]) -> Iterator[tuple[Output, int]]:
    """Each output with its place among its node's, of all kinds together."""
    places: dict[str, int] = {}
    for output in outputs:
        index = places[output.node_id] = places.get(output.node_id, -1) + 1
        yield output, index


def _make_room(root: Path, folder: Path) -> None:
    """Make the staging folder, but not its project: an unmounted share must stay empty.

    Raises:
        OSError: the share refuses, or is not there.
    """
    gallery = root / ".gallery"
    for name in folder.relative_to(gallery).parts:
        gallery = gallery / name
        gallery.mkdir(exist_ok=True)
