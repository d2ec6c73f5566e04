"""Trying out a paused backend: it must answer, and make a tiny picture."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, NoReturn
from uuid import uuid4

import structlog

from orchestrator.comfyui.answers import Finished, HistoryEntry, Pending
from orchestrator.comfyui.client import ComfyClient, SubmitUnknown
from orchestrator.comfyui.endings import Failed, Interrupted, Succeeded, classify
from orchestrator.comfyui.graph import Workflow
from orchestrator.errors import BackendRefused, BackendUnreachable
from orchestrator.scheduling.mark import marked
from orchestrator.scheduling.timing import Timing

if TYPE_CHECKING:  # it imports us
    from orchestrator.scheduling.backend import Backend

_log = structlog.get_logger(__name__)

#: What the tiny picture needs; every ComfyUI has them unless somebody took them out.
CLASSES = ("EmptyImage", "PreviewImage")


def canary(color: int) -> Workflow:
    """A picture of 16 x 16 pixels that needs no model and leaves nothing in `output`.

    `color` must be new each time: ComfyUI would answer from its cache, and execute nothing.
    """
    sides = {"width": 16, "height": 16, "batch_size": 1, "color": color}
    return {
        "1": {"class_type": "EmptyImage", "inputs": sides},
        "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}},
    }


async def probe(client: ComfyClient, client_id: str, host: str, timing: Timing) -> str | None:
    """Try a backend out. The prompt is ours, and is withdrawn if it does not end in time.

    Args:
        client: Of the backend.
        client_id: The name under which we listen there.
        host: Our id, for the prompt's mark.
        timing: `probe_limit` counts only while nobody else's prompt runs before ours.

    Returns:
        What is wrong with it, for people; None if it is well. A backend without the node classes
        of the test is well if it answers.
    """
    try:
        await client.system_stats()
        for class_type in CLASSES:
            if not await client.object_info(class_type):
                return None
        return await _make_picture(client, client_id, host, timing)
    except (BackendUnreachable, BackendRefused) as exc:
        return str(exc)


async def _make_picture(
    client: ComfyClient, client_id: str, host: str, timing: Timing
) -> str | None:
    chosen = uuid4()
    prompt_id, graph = str(chosen), canary(chosen.int & 0xFFFFFF)
    try:
        await client.submit(graph, prompt_id, client_id, marked(None, 0, host))
    except SubmitUnknown as exc:
        _log.info("probe.unsure", backend=client.name, reason=exc.reason)  # it may be there
    entry = await _end_of(client, prompt_id, timing)
    if entry is None:
        await client.withdraw(prompt_id)
        return f"its test picture was not made within {timing.probe_limit:g} s"
    await client.forget([prompt_id])
    match classify(entry):
        case Succeeded():
            return None
        case Failed(exception_type=kind, message=message):
            return f"its test picture failed: {kind}: {message}"
        case Interrupted():
            return "somebody interrupted its test picture"


async def _end_of(client: ComfyClient, prompt_id: str, timing: Timing) -> HistoryEntry | None:
    """The prompt's record, once it has ended; None if that takes too long."""
    end = time.monotonic() + timing.probe_limit
    while time.monotonic() < end:
        queue = await client.queue()
        place = queue.find(prompt_id)
        if place is None and (entry := await client.history(prompt_id)) is not None:
            return entry
        if isinstance(place, Pending) and queue.running:
            end = time.monotonic() + timing.probe_limit  # it executes, for somebody else
        await asyncio.sleep(timing.poll_active)
    last = await client.locate(prompt_id)
    return last.entry if isinstance(last, Finished) else None


async def probe_for_ever(backend: Backend, client_id: str) -> NoReturn:
    """Whenever a backend is paused: try it out, first soon, then less and less often."""
    trust, timing = backend.trust, backend.timing
    while True:
        await trust.pausing.wait()
        pause = trust.breaker.pause(timing.probe_first, timing.probe_most)
        try:
            async with asyncio.timeout(pause):
                await trust.returned.wait()
        except TimeoutError:
            pass  # it did not come back from anywhere; its time has come
        trust.returned.clear()
        if not trust.pausing.is_set():
            continue  # somebody resumed it meanwhile
        trust.tried()
        fault = await _found_wrong(backend, client_id)
        if fault is None:
            trust.found_well()
        else:
            _log.info("backend.not_well", backend=backend.config.id, reason=fault)


async def _found_wrong(backend: Backend, client_id: str) -> str | None:
    if backend.worker_dead:
        return "it executes nothing"  # one more prompt would only wait there
    return await probe(backend.client, client_id, backend.host, backend.timing)
