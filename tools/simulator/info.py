"""Routes that describe the server: node classes, system, features, models."""

from __future__ import annotations

import asyncio
import platform
import sys
from typing import Any, Final

from aiohttp import web

from tools.simulator.keys import SIMULATOR
from tools.simulator.object_info import all_classes, one_class
from tools.simulator.store import MODEL_FOLDERS

routes = web.RouteTableDef()

#: The version whose behaviour is simulated.
COMFYUI_VERSION: Final = "0.3.75"

_MEMORY_BYTES: Final = 24 * 2**30


@routes.get("/object_info")
async def get_object_info(request: web.Request) -> web.Response:
    """All node classes."""
    simulator = request.app[SIMULATOR]
    classes = await asyncio.to_thread(
        all_classes, simulator.store, pretend=simulator.behaviour.models
    )
    return web.json_response(classes)


@routes.get("/object_info/{node_class}")
async def get_one_object_info(request: web.Request) -> web.Response:
    """One node class; an empty object for an unknown one."""
    simulator = request.app[SIMULATOR]
    name = request.match_info["node_class"]
    found = await asyncio.to_thread(
        one_class, name, simulator.store, pretend=simulator.behaviour.models
    )
    return web.json_response(found)


@routes.get("/system_stats")
async def get_system_stats(request: web.Request) -> web.Response:
    """Versions, memory and devices; numbers are made up, the keys are those of 0.3.75."""
    system: dict[str, Any] = {
        "os": "nt" if sys.platform == "win32" else "posix",
        "ram_total": _MEMORY_BYTES,
        "ram_free": _MEMORY_BYTES * 3 // 4,
        "comfyui_version": COMFYUI_VERSION,
        "required_frontend_version": "1.32.9",
        "installed_templates_version": None,
        "required_templates_version": "0.7.25",
        "python_version": f"{platform.python_version()} (simulated)",
        "pytorch_version": "simulated",
        "embedded_python": False,
        "argv": ["main.py", "--port", str(request.app[SIMULATOR].port)],
    }
    device = {
        "name": "simulated",
        "type": "cpu",
        "index": None,
        "vram_total": _MEMORY_BYTES,
        "vram_free": _MEMORY_BYTES * 3 // 4,
        "torch_vram_total": _MEMORY_BYTES,
        "torch_vram_free": _MEMORY_BYTES * 3 // 4,
    }
    return web.json_response({"system": system, "devices": [device]})


@routes.get("/features")
async def get_features(request: web.Request) -> web.Response:
    """What the server can do beyond the basics."""
    return web.json_response(request.app[SIMULATOR].features())


@routes.get("/embeddings")
async def get_embeddings(request: web.Request) -> web.Response:
    """Names of embeddings, without their suffixes."""
    store = request.app[SIMULATOR].store
    names = await asyncio.to_thread(store.choices, "embeddings", pretend=False)
    return web.json_response([name.rsplit(".", 1)[0] for name in names])


@routes.get("/models")
async def get_models(_: web.Request) -> web.Response:
    """Kinds of models."""
    return web.json_response(list(MODEL_FOLDERS))


@routes.get("/models/{folder}")
async def get_models_of_a_kind(request: web.Request) -> web.Response:
    """Names of models of one kind."""
    simulator = request.app[SIMULATOR]
    folder = request.match_info["folder"]
    if folder not in MODEL_FOLDERS:
        return web.Response(status=404)
    names = await asyncio.to_thread(
        simulator.store.choices, folder, pretend=simulator.behaviour.models
    )
    return web.json_response(names)


@routes.get("/")
async def get_index(_: web.Request) -> web.Response:
    """A page that says what this is: there is no front end here."""
    page = "<!doctype html><title>Simulated ComfyUI</title><p>A simulated ComfyUI: API only.\n"
    return web.Response(text=page, content_type="text/html")
