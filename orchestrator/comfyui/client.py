"""Speaks ComfyUI's HTTP interface: submit, look, withdraw, fetch.

The rules are those that ComfyUI's behaviour dictates:

- A submission has three ends: taken, refused for good, or unknown. After an unknown one
  (`SubmitUnknown`) the caller must `locate` the prompt before sending it again.
- The truth about a prompt is in the queue, then in the history, read in that order: a prompt
  that moves on between the two reads is then still seen.
- Nothing is ever interrupted, deleted or cleared but by prompt_id, because others may use the
  same backend.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from orchestrator.comfyui import transfers
from orchestrator.comfyui.answers import (
    Absent,
    Fetched,
    Finished,
    HistoryEntry,
    Location,
    Pending,
    QueueView,
    Running,
    Submitted,
    SystemStats,
    Uploaded,
    read_history,
    read_object,
    read_queue,
    read_system_stats,
    refusal_reason,
)
from orchestrator.comfyui.endings import Output
from orchestrator.comfyui.graph import Workflow
from orchestrator.comfyui.object_info import Abilities, fetch
from orchestrator.comfyui.transport import (
    DEFAULT_TIMEOUTS,
    JSON_HEADERS,
    NOT_SENT,
    REFUSED,
    TRANSPORT_ERRORS,
    Timeouts,
    Transport,
    describe,
    path_of,
    tolerant,
    whole,
)
from orchestrator.errors import BackendRefused, BackendUnreachable, SubmitUnknown

__all__ = ["ComfyClient", "SubmitUnknown", "Timeouts"]

#: Seconds between two rounds of withdrawing; ComfyUI needs some 50 ms to react.
WITHDRAW_PAUSE = 0.1


class ComfyClient:
    """One backend's HTTP interface. The session is the caller's and stays open.

    Every method but `submit` and `fetch_output` raises only BackendUnreachable, when the
    backend does not answer or answers what ComfyUI would not.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base_url: str,
        name: str,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
    ) -> None:
        self.name = name
        self._timeouts = timeouts
        self._http = Transport(session, base_url, name, timeouts)

    async def submit(
        self,
        graph: Workflow,
        prompt_id: str,
        client_id: str,
        extra_data: dict[str, Any] | None = None,
    ) -> Submitted:
        """Hand a prompt to the backend.

        `number` is never sent: it would kill the backend's worker if it came twice.

        Args:
            graph: A workflow that has passed `workflow.check`.
            prompt_id: Chosen by the caller and stored before this call, new for each attempt.
            client_id: Names the socket that gets the frames.
            extra_data: Comes back in the queue and the history.

        Raises:
            ValueError: An id is empty.
            BackendRefused: The graph will never be taken. What was taken of it has been
                withdrawn; a node that runs already may go on to its end.
            BackendUnreachable: Nothing was sent or taken; another backend may be tried.
            SubmitUnknown: The prompt may have been taken. Look before sending it again.
        """
        if not prompt_id or not client_id:
            raise ValueError("prompt_id and client_id must not be empty")
        body = {"prompt": graph, "prompt_id": prompt_id, "client_id": client_id}
        body["extra_data"] = extra_data or {}
        status, raw = await self._post_prompt(orjson.dumps(body), prompt_id)
        if status in REFUSED:
            answer = tolerant(raw)
            raise BackendRefused(self.name, status, refusal_reason(answer), answer)
        if status >= 500 or status == 408:
            # ComfyUI answers 500 to some bodies that it queues all the same, and a proxy in
            # between may give up on a request that goes on without it.
            raise SubmitUnknown(self.name, prompt_id, f"it answered {status}")
        if status != 200:
            raise BackendUnreachable(self.name, f"answered {status} to POST /prompt")
        return await self._taken(raw, prompt_id)

    async def _post_prompt(self, body: bytes, prompt_id: str) -> tuple[int, bytes]:
        limits = whole(self._timeouts.connect, self._timeouts.submit)
        sent = {"data": body, "headers": JSON_HEADERS}
        try:
            async with self._http.open("POST", "/prompt", limits, **sent) as response:
                return response.status, await response.read()
        except NOT_SENT as exc:
            raise self._http.unreachable(exc) from exc
        except TRANSPORT_ERRORS as exc:
            raise SubmitUnknown(self.name, prompt_id, describe(exc)) from exc

    async def _taken(self, raw: bytes, prompt_id: str) -> Submitted:
        """Make sure that what was answered with 200 was taken whole, and under our id."""
        try:
            answer = orjson.loads(raw)
            taken, number = str(answer["prompt_id"]), float(answer["number"])
        except (KeyError, TypeError, ValueError) as exc:
            raise SubmitUnknown(self.name, prompt_id, f"unreadable answer: {exc!r}") from exc
        if taken != prompt_id:
            await self._undo(taken)
            raise BackendRefused(self.name, 200, "it is too old to take our prompt_id", answer)
        if answer.get("node_errors"):
            await self._undo(prompt_id)
            reason = f"only a part of the outputs is valid: {refusal_reason(answer)}"
            raise BackendRefused(self.name, 200, reason, answer)
        return Submitted(prompt_id, number)

    async def _undo(self, prompt_id: str) -> None:
        """Withdraw until the prompt is gone, or until we have waited for long enough.

        A node that runs cannot be stopped at once; the prompt has then been told to end.
        """
        end = time.monotonic() + self._timeouts.withdraw
        try:
            while isinstance(await self.withdraw(prompt_id), Running | Pending):
                if time.monotonic() >= end:
                    return
                await asyncio.sleep(WITHDRAW_PAUSE)
        except BackendUnreachable as exc:
            reason = f"it was taken in part, and could not be withdrawn: {exc.reason}"
            raise SubmitUnknown(self.name, prompt_id, reason) from exc

    async def queue(self) -> QueueView:
        """What runs and what waits, whoever sent it."""
        return await self._http.ask("/queue", read_queue)

    async def history(self, prompt_id: str) -> HistoryEntry | None:
        """The record of a prompt that has ended; None if there is none (yet)."""
        path = path_of("history", prompt_id)
        return await self._http.ask(path, lambda answer: read_history(answer, prompt_id))

    async def locate(self, prompt_id: str) -> Location:
        """Where a prompt is. Absent twice, some seconds apart, means lost."""
        if (place := (await self.queue()).find(prompt_id)) is not None:
            return place
        entry = await self.history(prompt_id)
        return Absent() if entry is None else Finished(entry)

    async def delete_pending(self, prompt_ids: Iterable[str]) -> None:
        """Take prompts out of the queue; those that run, or are unknown, are not touched."""
        ids = list(prompt_ids)
        if ids:
            await self._http.call("POST", "/queue", {"delete": ids})

    async def interrupt(self, prompt_id: str) -> None:
        """Ask the backend to stop a prompt, if it is that one which runs.

        Raises:
            ValueError: The id is empty; ComfyUI would stop whatever runs.
        """
        if not prompt_id:
            raise ValueError("an interrupt without a prompt_id stops somebody else's work")
        await self._http.call("POST", "/interrupt", {"prompt_id": prompt_id})

    async def withdraw(self, prompt_id: str) -> Location:
        """One round of cancelling: delete it if it waits, interrupt it if it runs.

        Returns where the prompt was before. Call again, with a pause of 50 ms or more, until
        that is Finished or Absent; a running node may take minutes to notice.

        Raises:
            ValueError: The id is empty.
        """
        if not prompt_id:
            raise ValueError("prompt_id must not be empty")
        place = await self.locate(prompt_id)
        match place:
            case Pending():
                await self.delete_pending([prompt_id])
            case Running():
                await self.interrupt(prompt_id)
            case Finished() | Absent():
                pass
        return place

    async def forget(self, prompt_ids: Iterable[str]) -> None:
        """Remove records from the backend's history."""
        ids = list(prompt_ids)
        if ids:
            await self._http.call("POST", "/history", {"delete": ids})

    async def system_stats(self) -> SystemStats:
        """Software and memory; also the best sign of life, though not of the worker's."""
        return await self._http.ask("/system_stats", read_system_stats)

    async def free(self, *, unload_models: bool = True, free_memory: bool = True) -> None:
        """Unload models, and drop cached results, when the backend is next idle."""
        body = {"unload_models": unload_models, "free_memory": free_memory}
        await self._http.call("POST", "/free", body)

    async def object_info(self, class_type: str | None = None) -> dict[str, Any]:
        """The backend's node classes and their inputs; {} for a class that it does not have."""
        parts = ("object_info",) if class_type is None else ("object_info", class_type)
        return await self._http.ask(path_of(*parts), read_object)

    async def abilities(self) -> Abilities:
        """What is installed there; its long description is read in a thread."""
        return await fetch(self._http)

    async def upload_image(
        self, source: Path, name: str, *, subfolder: str = "", overwrite: bool = False
    ) -> Uploaded:
        """Put a local file into the backend's input folder.

        Use the returned name: the same name with other bytes is given a new one. A name that
        holds a hash of the content avoids that, and makes a second upload harmless.

        Raises:
            OSError: The file cannot be read.
            BackendRefused: The file is too large, or the name or subfolder is not allowed.
            BackendUnreachable: The backend did not answer.
        """
        return await transfers.upload(self._http, source, name, subfolder, overwrite=overwrite)

    async def fetch_output(
        self, output: Output, write: Path, prepare: Callable[[], None] = lambda: None
    ) -> Fetched:
        """Download an output to a new local file; it is whole and durable when this returns.

        Args:
            output: As `endings.outputs` gave it.
            write: A path that must not exist yet.
            prepare: Called before the file is made, in a thread; it may make the folder.

        Raises:
            OutputMissing: The backend no longer has the file, or it is empty.
            BackendRefused: The backend does not give out such a name.
            BackendUnreachable: No answer, a stall, or fewer bytes than announced.
            OSError: The local file exists or cannot be written.
        """
        return await transfers.fetch(self._http, output, write, prepare)
