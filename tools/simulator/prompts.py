"""Routes of prompts: submit, queue, interrupt, history, free.

Bodies are read with as little care as ComfyUI takes: what it stumbles over raises here too, and
aiohttp turns that into the same 500.
"""

from __future__ import annotations

import asyncio
import copy
import json
import time
import uuid
from typing import Any, Final

from aiohttp import web

from tools.simulator.keys import MEMORY, SIMULATOR
from tools.simulator.validation import validate

routes = web.RouteTableDef()


def _who(request: web.Request) -> str:
    """Who sends a request, as far as it tells."""
    return request.headers.get("User-Agent", "")


#: Keys of extra_data that 0.3.75 hides from /queue and /history.
_SECRET: Final = ("auth_token_comfy_org", "api_key_comfy_org")


@routes.get("/prompt")
async def get_prompt(request: web.Request) -> web.Response:
    """How many prompts wait or run."""
    return web.json_response(request[MEMORY].exec_info())


@routes.post("/prompt")
async def post_prompt(request: web.Request) -> web.Response:
    """Check a prompt and queue it; only its valid outputs will run."""
    simulator, memory = request.app[SIMULATOR], request[MEMORY]
    behaviour = simulator.behaviour
    body = await request.json()
    if "number" in body:
        number = float(body["number"])
    else:
        front = "front" in body and body["front"]
        number = -memory.number if front else memory.number
        memory.number += 1
    if "prompt" not in body:
        text = "No prompt provided"
        error = {"type": "no_prompt", "message": text, "details": text, "extra_info": {}}
        return web.json_response({"error": error, "node_errors": {}}, status=400)
    graph, only = body["prompt"], body.get("partial_execution_targets")
    prompt_id = str(body.get("prompt_id", uuid.uuid4()))
    verdict = await asyncio.to_thread(
        validate,
        graph,
        only,
        simulator.store,
        pretend=behaviour.models,
        accept_any_model=behaviour.accept_any_model,
    )
    if verdict.error is not None:
        answer = {"error": verdict.error, "node_errors": verdict.node_errors}
        return web.json_response(answer, status=400)
    extra_data: dict[str, Any] = body.get("extra_data", {})
    if "client_id" in body:
        extra_data["client_id"] = body["client_id"]
    secret: dict[str, Any] = {key: extra_data.pop(key) for key in _SECRET if key in extra_data}
    extra_data["create_time"] = int(time.time() * 1000)
    memory.queue.put((number, prompt_id, graph, extra_data, verdict.outputs, secret))
    if behaviour.take("double_prompts"):
        memory.note("doubled", prompt_id)
        twin = copy.deepcopy((graph, extra_data, verdict.outputs, secret))
        memory.queue.put((memory.number, prompt_id, *twin))
        memory.number += 1
    if behaviour.take("lose_prompt_answers") and request.transport is not None:
        memory.note("unanswered", prompt_id)
        request.transport.close()
    if behaviour.take("error_prompt_answers"):
        memory.note("error", prompt_id)
        return web.Response(status=500)
    told = {"prompt_id": prompt_id, "number": number, "node_errors": verdict.node_errors}
    return web.json_response(told)


@routes.get("/queue")
async def get_queue(request: web.Request) -> web.Response:
    """What runs and what waits, with full graphs; waiting prompts in heap order."""
    return web.json_response(request[MEMORY].queue.lists())


@routes.post("/queue")
async def post_queue(request: web.Request) -> web.Response:
    """Delete waiting prompts by id, or all of them."""
    memory, by = request[MEMORY], _who(request)
    body = await request.json()
    if "clear" in body and body["clear"]:  # noqa: RUF019 - a list is taken here, too
        memory.take_out(None, by)
    if "delete" in body:
        memory.take_out(body["delete"], by)
    return web.Response()


@routes.post("/interrupt")
async def post_interrupt(request: web.Request) -> web.Response:
    """Set the interrupt flag: for one prompt if it is running, or without an id for any."""
    memory = request[MEMORY]
    try:
        body = await request.json()
    except json.JSONDecodeError:
        body = {}
    prompt_id = body.get("prompt_id")
    if not prompt_id or memory.queue.is_running(prompt_id):
        memory.interrupt(_who(request))
    return web.Response()


@routes.get("/history")
async def get_history(request: web.Request) -> web.Response:
    """Ended prompts, in the order in which their ids first ended."""
    max_items = request.query.get("max_items")
    offset = request.query.get("offset")
    page = request[MEMORY].queue.page(
        int(max_items) if max_items is not None else None, int(offset) if offset is not None else -1
    )
    return web.json_response(page)


@routes.get("/history/{prompt_id}")
async def get_history_entry(request: web.Request) -> web.Response:
    """One ended prompt; an empty object for all others."""
    return web.json_response(request[MEMORY].queue.entry(request.match_info["prompt_id"]))


@routes.post("/history")
async def post_history(request: web.Request) -> web.Response:
    """Forget ended prompts by id, or all of them."""
    history = request[MEMORY].queue.history
    body = await request.json()
    if "clear" in body and body["clear"]:  # noqa: RUF019 - a list is taken here, too
        history.clear()
    if "delete" in body:
        for prompt_id in body["delete"]:
            history.pop(prompt_id, None)
    return web.Response()


@routes.post("/free")
async def post_free(request: web.Request) -> web.Response:
    """Drop the node cache as soon as the worker is idle, if `free_memory` says so."""
    memory = request[MEMORY]
    body = await request.json()
    if body.get("free_memory", False):
        memory.free_memory = True
        memory.queue.wake.set()
    return web.Response()
