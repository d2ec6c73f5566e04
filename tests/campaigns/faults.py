"""What goes wrong at one backend, by the names of the plan; most of it is over when this returns.

They are the faults of ComfyUI and its host that were measured, each in protocol section 4.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable

import aiohttp
from aiohttp import hdrs

from tests.campaigns.stage import VISITOR, Node
from tests.scheduling.graphs import still
from tools.simulator.incidents import OUTSIDE

#: So many of the next requests are hit by a fault that hits requests; the visitor's may be among.
HITS = 2

Fault = Callable[[Node, float], Awaitable[None]]


async def restart(node: Node, seconds: float) -> None:
    """Queue, running prompt and history are lost; it is up again at once, or soon."""
    await node.lose_memory(seconds)


async def hang(node: Node, seconds: float) -> None:
    """A stopped process: what was posted meanwhile is carried out afterwards."""
    node.hang()
    await asyncio.sleep(seconds)
    node.release()


async def unplugged(node: Node, seconds: float) -> None:
    """Out of reach, at work: what it renders comes late."""
    node.unplug()
    await asyncio.sleep(seconds)
    node.plug_in()


async def refused(node: Node, seconds: float) -> None:
    """A gateway before it restarts."""
    await node.refuse()
    await asyncio.sleep(seconds)
    await node.accept()


async def dead_worker(node: Node, seconds: float) -> None:
    """The thread that executes ends; somebody restarts the server after a while."""
    node.kill_worker()
    await _supervise(node, seconds)


async def same_number(node: Node, seconds: float) -> None:
    """Somebody posts the same id and number several times, which may end the worker."""
    body = {"prompt": still(), "prompt_id": "same", "client_id": VISITOR, "number": 5.0}
    headers = {hdrs.USER_AGENT: VISITOR}
    limits = aiohttp.ClientTimeout(total=5)
    async with aiohttp.ClientSession(headers=headers, timeout=limits) as session:
        for _ in range(3):
            if not node.answers:
                break
            try:
                async with session.post(f"{node.url}/prompt", json=body) as answer:
                    await answer.read()
            except (aiohttp.ClientError, TimeoutError):
                break  # another fault was faster
    await _supervise(node, seconds)


async def _supervise(node: Node, seconds: float) -> None:
    await asyncio.sleep(seconds)
    if not node.state()["worker_alive"]:
        await node.lose_memory()


async def sockets_cut(node: Node, _: float) -> None:
    """A proxy drops idle connections."""
    node.drop_sockets()


async def sockets_mute(node: Node, _: float) -> None:
    """It forgets who listens; the sockets stay open."""
    node.silence_sockets()


async def frames_stalled(node: Node, seconds: float) -> None:
    """Somebody's browser does not read, and holds up the frames for all."""
    node.stall_frames()
    await asyncio.sleep(seconds)
    node.flow_frames()


async def history_late(node: Node, seconds: float) -> None:
    """The frame of success comes long before the history has it."""
    node.behaviour.change({"history_delay": 0.08})
    await asyncio.sleep(seconds)
    node.behaviour.change({"history_delay": 0.0})


async def interrupted(node: Node, _: float) -> None:
    """Somebody stops whatever runs, as the button of ComfyUI's page does."""
    node.memory.interrupt(OUTSIDE)


async def cleared(node: Node, _: float) -> None:
    """Somebody empties the queue, with all that waits in it."""
    node.memory.take_out(None, OUTSIDE)


async def temp_wiped(node: Node, _: float) -> None:
    """Previews vanish; nobody of ours may miss them."""
    await asyncio.to_thread(shutil.rmtree, node.folder / "temp", ignore_errors=True)


def _next(option: str) -> Fault:
    async def fault(node: Node, _: float) -> None:
        node.behaviour.change({option: HITS})

    return fault


def _view(kind: str) -> Fault:
    async def fault(node: Node, _: float) -> None:
        node.behaviour.change({"view_fault": kind, "view_fault_next": HITS})

    return fault


FAULTS: dict[str, Fault] = {
    "restart": restart,
    "down": restart,
    "hang": hang,
    "long_hang": hang,
    "unplugged": unplugged,
    "refused": refused,
    "dead_worker": dead_worker,
    "same_number": same_number,
    "sockets_cut": sockets_cut,
    "sockets_mute": sockets_mute,
    "frames_stalled": frames_stalled,
    "answer_500": _next("error_prompt_answers"),
    "answer_lost": _next("lose_prompt_answers"),
    "doubled": _next("double_prompts"),
    "history_late": history_late,
    "outputs_deleted": _next("delete_outputs_next"),
    "view_short": _view("short"),
    "view_truncated": _view("truncated"),
    "view_garbage": _view("garbage"),
    "view_empty": _view("empty"),
    "view_error": _view("error"),
    "interrupted": interrupted,
    "cleared": cleared,
    "out_of_memory": _next("fail_next"),
    "temp_wiped": temp_wiped,
}


async def end_all(node: Node) -> None:
    """All is well with a backend again."""
    node.behaviour.change(
        {
            "error_prompt_answers": 0,
            "lose_prompt_answers": 0,
            "double_prompts": 0,
            "delete_outputs_next": 0,
            "fail_next": 0,
            "view_fault": "none",
            "history_delay": 0.0,
        }
    )
    node.plug_in()
    node.release()
    node.flow_frames()
    await node.revive()
    await node.accept()
    await _supervise(node, 0.0)
