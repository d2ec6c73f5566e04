"""Bringing the outputs of an attempt into the project: fetched, verified, named, put in place."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import structlog
from attrs import define, evolve, field
from uuid_utils import uuid7

from events.files import FilesIntended
from events.jobs import JobId, JobQueued
from events.log.disk_io import DiskIO
from events.stamp import moment
from orchestrator.comfyui.answers import Fetched
from orchestrator.comfyui.endings import Output
from orchestrator.comfyui.workflow import available_parameters
from orchestrator.commands.jobs import FileFailed, FileStored, IntendFile
from orchestrator.errors import BackendUnreachable, OutputMissing
from orchestrator.gallery.intake import free_name, picture_fault, take_place
from orchestrator.host import Host
from orchestrator.scheduling.fleet import Backend
from orchestrator.scheduling.teller import Teller, persist
from orchestrator.scheduling.timing import Timing
from projections.jobs import Job

_log = structlog.get_logger(__name__)

DEFAULT_TEMPLATE = "{panel}/{project}_{panel}_v{version}"
#: Folder of outputs whose job names no panel.
DEFAULT_PANEL = "Renders"
#: A picture that cannot be read is fetched so often before it counts as missing.
FETCHES = 3


def incoming(host: Host) -> str:
    """Where this host stages what it fetches, relative to a project: each host has its own."""
    return f".gallery/incoming/{host.id}"


@define(eq=False)
class Collector:
    """Brings one attempt's outputs home."""

    job_id: JobId
    order: JobQueued
    teller: Teller
    timing: Timing
    host: Host
    disk: DiskIO = field(factory=DiskIO)

    async def collect(
        self, backend: Backend, attempt: int, outputs: Sequence[Output], job: Job
    ) -> None:
        """Store every output that is not stored yet; waits as long as the share takes.

        Raises:
            OutputMissing: the backend does not have one of them any more.
            BackendUnreachable: it does not answer.
            BackendRefused: it does not give one out.
        """
        have = {(o.attempt, o.node, o.index) for o in job.outputs}
        places: dict[str, int] = {}
        for output in outputs:
            # ComfyUI counts per kind; one node may give images and gifs.
            index = places[output.node_id] = places.get(output.node_id, -1) + 1
            if (attempt, output.node_id, index) in have:
                continue
            suffix = Path(output.filename).suffix.lower()
            source = f"{incoming(self.host)}/{uuid7()}{suffix}"
            fetched = await self._fetch(backend, output, self.teller.root / source)
            intent = FilesIntended(
                op="",
                action="store",
                source=source,
                to="",
                size=fetched.size,
                sha256=fetched.sha256,
                job=self.job_id,
                attempt=attempt,
                node=output.node_id,
                index=index,
                kind=output.kind,
                original=output.filename,
            )
            await self.place(intent, job)

    async def place(self, intent: FilesIntended, job: Job) -> None:
        """Give a staged file its name in the project, and tie it to the job.

        The share may be full, slow or gone for a while. The file is fetched; it is kept until
        there is room for it, rather than rendered again.
        """
        tokens = self._tokens(intent, job)
        await persist(lambda: self._place(intent, tokens), self.timing, "store an output", OSError)

    async def _fetch(self, backend: Backend, output: Output, staged: Path) -> Fetched:
        """Download into the project's staging folder, and make sure that it is what it says."""

        async def download() -> Fetched:
            await asyncio.to_thread(staged.parent.mkdir, parents=True, exist_ok=True)
            await asyncio.to_thread(staged.unlink, missing_ok=True)
            return await backend.client.fetch_output(output, staged)

        fault: str | None = None
        for _ in range(FETCHES):
            fetched = await self._while_answering(download)
            fault = await asyncio.to_thread(picture_fault, staged, output.media_type)
            if fault is None:
                return fetched
            _log.warning("output.damaged", job=self.job_id, file=output.filename, fault=fault)
            await asyncio.sleep(self.timing.retry_first)
        await asyncio.to_thread(staged.unlink, missing_ok=True)
        raise OutputMissing(backend.config.id, output.filename, f"it is damaged: {fault}")

    async def _while_answering(self, download: Callable[[], Awaitable[Fetched]]) -> Fetched:
        """Download; the share is waited for without end, the backend only for a while."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self.timing.unreachable
        while True:
            try:
                return await download()
            except BackendUnreachable:
                if loop.time() >= end:
                    raise
            except OSError as exc:
                _log.warning("output.not_staged", job=self.job_id, error=str(exc))
            await asyncio.sleep(self.timing.retry_first)

    async def _place(self, intent: FilesIntended, tokens: Mapping[str, str | int]) -> None:
        """Choose a free name, announce it, take it. Another name if somebody was faster."""
        root, template = self.teller.root, self.order.naming_template
        staged = root / intent.source
        while True:
            relative = await asyncio.to_thread(free_name, root, template, tokens, staged.suffix)
            announced = evolve(intent, op=str(uuid7()), to=relative)
            await self.teller.tell(IntendFile(intent=announced))
            try:
                seen = await asyncio.to_thread(take_place, staged, root, relative, self.disk)
            except FileExistsError:
                await self.teller.tell(FileFailed(op=announced.op, error="EEXIST"))
                continue
            except OSError as exc:
                name = errno.errorcode.get(exc.errno or 0, "EIO")
                await self.teller.tell(FileFailed(op=announced.op, error=name))
                raise
            await self.teller.tell(FileStored(intent=announced, sighting=seen))
            return

    def _tokens(self, intent: FilesIntended, job: Job) -> dict[str, str | int]:
        assert job.queued is not None
        metadata = self.order.metadata
        when = moment(job.queued.as_of).astimezone()
        panel = metadata.get("panel_id") or metadata.get("panel") or DEFAULT_PANEL
        known = available_parameters(self.order.workflow)
        seed = next((p.value for p in known if p.name == "seed"), "")
        return {
            "project": self.teller.root.name,
            "panel": str(panel),
            "seed": seed if isinstance(seed, int) else "",
            "date": when.strftime("%Y-%m-%d"),
            "time": when.strftime("%H%M%S"),
            "workflow": self.order.workflow_id or "inline",
            "node": intent.node,
            "index": intent.index,
            "job": self.job_id,
            "original": Path(intent.original).stem,
        }
