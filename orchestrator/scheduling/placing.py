"""Giving fetched files their names in the project, and tying them to their job.

Every operation is announced in the log, carried out, and told to be done or to have failed.
"""

from __future__ import annotations

import asyncio
import errno
from pathlib import Path

import structlog
from attrs import define, evolve, field
from uuid_utils import uuid7

from events.files import FilesIntended
from events.log.disk_io import DiskIO
from events.stamp import moment
from orchestrator.comfyui.workflow import available_parameters
from orchestrator.commands.jobs import FileFailed, FileStored, IntendFile
from orchestrator.errors import FileChanging, FileMissing, OrchestratorError
from orchestrator.gallery.intake import sight, take_place
from orchestrator.gallery.promises import Promises
from orchestrator.host import Host
from orchestrator.scheduling.settle import Found, look
from orchestrator.scheduling.teller import Teller, pauses, persist
from orchestrator.scheduling.timing import Timing
from projections.jobs import Job, Queued

_log = structlog.get_logger(__name__)

DEFAULT_TEMPLATE = "{panel}/{project}_{panel}_v{version}"
#: Folder of outputs whose job names no panel.
DEFAULT_PANEL = "Renders"
#: If others take our name again and again so often, something is wrong there: then we pause.
RACES = 20


class NotWantedError(Exception):
    """The job was cancelled while we waited for the share or the backend: the waiting ends."""


def incoming(host: Host) -> str:
    """Where this host stages what it fetches, relative to a project: each host has its own."""
    return f".gallery/incoming/{host.id}"


async def still_wanted(teller: Teller) -> None:
    """Go on waiting only for a job that somebody wants.

    Raises:
        NotWantedError: it was cancelled.
    """
    if (await teller.job()).cancel is not None:
        raise NotWantedError


@define(eq=False)
class Placer:
    """Puts the files of one job in place."""

    queued: Queued
    teller: Teller
    timing: Timing
    disk: DiskIO = field(factory=DiskIO)

    async def place(self, staged: FilesIntended) -> bool:
        """Give a staged file its name in the project; False if it is not there any more.

        The share may be full, slow or gone for a while. The file is kept until there is room for
        it, rather than rendered again.

        Raises:
            NotWantedError: the job was cancelled, and the share still refuses.
            OrchestratorError: the project can have no such name.
        """
        try:
            return await self._place(staged)
        except (NotWantedError, OrchestratorError):
            await self._discard(staged)
            raise

    async def _place(self, staged: FilesIntended) -> bool:
        pause, races = pauses(self.timing), 0
        while True:
            error: str | None = None
            promises = (await self.teller.project()).promises
            try:
                announced = await self._announce(staged, promises)
            except OSError as exc:
                error = str(exc)
            else:
                try:
                    error = await self._take_place(announced)
                finally:
                    promises.release(announced.to)
                if error is None:
                    return True
                found = await self._settle(announced, error)
                if found is not Found.STAGED:
                    return found is Found.IN_PLACE
            races += 1
            if error == "EEXIST" and races < RACES:
                continue  # somebody was faster; there are more names
            _log.warning("output.not_placed", job=staged.job, error=error)
            await asyncio.sleep(pause())
            await still_wanted(self.teller)

    async def settle(self, intent: FilesIntended) -> None:
        """Finish what a crash left of an announced operation.

        Raises:
            NotWantedError, OrchestratorError: as `place`.
        """
        if await self._settle(intent, "interrupted") is Found.STAGED:
            await self.place(intent)

    async def _announce(self, staged: FilesIntended, promises: Promises) -> FilesIntended:
        """Choose a free name, and tell that it will be taken; it is promised to nobody else.

        Raises:
            OSError: the folder cannot be listed.
            TemplateInvalid: the template makes no name of these values.
        """
        template, suffix = self.queued.order.naming_template, Path(staged.source).suffix
        tokens = self._tokens(staged)
        name = await asyncio.to_thread(promises.choose, self.teller.root, template, tokens, suffix)
        try:
            announced = evolve(staged, op=str(uuid7()), to=name)
            await self.teller.tell(IntendFile(intent=announced))
        except BaseException:
            promises.release(name)
            raise
        return announced

    async def _take_place(self, announced: FilesIntended) -> str | None:
        """Put it in place and tell so; else the name of the error, and what became of it is open.

        Raises:
            PathNotPermitted: a link in the project leads out of it; nothing was changed.
        """
        root = self.teller.root
        staged = root / announced.source
        try:
            seen = await asyncio.to_thread(take_place, staged, root, announced.to, self.disk)
        except (FileMissing, FileChanging):
            return "EBUSY"  # it was put in place, and somebody is at it already
        except OSError as exc:
            return errno.errorcode.get(exc.errno or 0, "EIO")
        except OrchestratorError:
            await self.teller.tell(FileFailed(op=announced.op, error="EPERM"))
            raise
        await self.teller.tell(FileStored(intent=announced, sighting=seen))
        return None

    async def _settle(self, intent: FilesIntended, error: str) -> Found:
        return await settle(self.teller, intent, error, self.timing, self.disk)

    async def _discard(self, staged: FilesIntended) -> None:
        """Remove a file that nobody wants; if that fails, the next start sweeps it up."""
        try:
            await asyncio.to_thread((self.teller.root / staged.source).unlink, missing_ok=True)
        except OSError as exc:
            _log.warning("output.not_discarded", job=staged.job, error=str(exc))

    def _tokens(self, staged: FilesIntended) -> dict[str, str | int]:
        order = self.queued.order
        when = moment(self.queued.as_of).astimezone()
        panel = order.metadata.get("panel_id") or order.metadata.get("panel") or DEFAULT_PANEL
        seed: object = ""
        if "{seed" in order.naming_template:  # finding it takes a walk through the graph
            known = available_parameters(order.workflow)
            seed = next((p.value for p in known if p.name == "seed"), "")
        return {
            "project": self.teller.root.name,
            "panel": str(panel),
            "seed": seed if isinstance(seed, int) else "",
            "date": when.strftime("%Y-%m-%d"),
            "time": when.strftime("%H%M%S"),
            "workflow": order.workflow_id or "inline",
            "node": staged.node,
            "index": staged.index,
            "job": staged.job,
            "original": Path(staged.original).stem,
        }


async def settle(
    teller: Teller, intent: FilesIntended, error: str, timing: Timing, disk: DiskIO
) -> Found:
    """Look what became of an operation until the share says it, and tell that."""
    root = teller.root

    async def decide() -> Found:
        found = await asyncio.to_thread(look, root, intent, disk)
        if found is Found.IN_PLACE:
            seen = await asyncio.to_thread(sight, root, intent.to)
            await teller.tell(FileStored(intent=intent, sighting=seen))
        else:
            await teller.tell(FileFailed(op=intent.op, error=error))
        return found

    return await persist(decide, timing, "settle a file operation", OSError)


def placer(teller: Teller, job: Job, timing: Timing) -> Placer:
    """The placer of a job."""
    assert job.queued is not None  # only queued jobs run
    return Placer(job.queued, teller, timing)
