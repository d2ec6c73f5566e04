"""Node classes without a model that wait, fail, crash and talk, as our recordings used them."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any, Final

from PIL import Image

from tools.simulator import pictures
from tools.simulator.nodes.base import (
    Context,
    Input,
    NodeClass,
    NodeFailedError,
    Preview,
    ProcessKilledError,
    Result,
    WorkerEndedError,
    integer,
    real,
)


async def _sleep(context: Context, given: dict[str, Any]) -> Result:
    if not given["interruptible"]:
        await context.wait(given["seconds"])
        return Result((given["image"],))
    steps: int = given["steps"]
    for step in range(1, steps + 1):
        await context.wait(given["seconds"] / steps)
        shade = Image.new("RGB", (512, 512), (255 * (step - 1) // steps, 80, 160))
        preview = Preview(partial(pictures.jpeg, shade, 512))
        await context.step(step, steps, preview if given["preview"] else None)
    return Result((given["image"],))


async def _plain_sleep(context: Context, given: dict[str, Any]) -> Result:
    await context.wait(given["seconds"])
    return Result((given["image"],))


async def _sleep_output(context: Context, given: dict[str, Any]) -> Result:
    await context.wait(given["seconds"])
    return Result(ui={"text": [f"slept {given['seconds']}"]})


async def _fail(context: Context, given: dict[str, Any]) -> Result:
    await context.wait(given["after"])
    raise NodeFailedError("ValueError", given["message"])


async def _text(_: Context, given: dict[str, Any]) -> Result:
    return Result(ui={"text": [given["text"]]})


async def _crash(context: Context, given: dict[str, Any]) -> Result:
    await context.wait(given["after"])
    raise ProcessKilledError


async def _kill_worker(_: Context, __: dict[str, Any]) -> Result:
    raise WorkerEndedError


async def _noise_preview(context: Context, given: dict[str, Any]) -> Result:
    picture = await asyncio.to_thread(pictures.noise, given["seed"], (512, 512))
    for step in range(1, given["steps"] + 1):
        await context.wait(0.05)
        await context.step(step, given["steps"], Preview(partial(pictures.jpeg, picture, 512)))
    return Result((given["image"],))


_IMAGE: Final = Input("IMAGE")
_SEED: Final = Input("INT", {"default": 0})


def _class(name: str, run: Any, required: dict[str, Input], **more: Any) -> NodeClass:
    return NodeClass(
        name=name,
        run=run,
        required=required,
        display_name=name,
        module="custom_nodes.test_nodes",
        category="_test",
        **more,
    )


CLASSES: Final = (
    _class(
        "TestSleep",
        _sleep,
        {
            "image": _IMAGE,
            "seconds": real(5.0, 0.0, 3600.0, step=0.01),
            "steps": integer(10, 1, 10000),
            "preview": Input("BOOLEAN", {"default": False}),
            "interruptible": Input("BOOLEAN", {"default": True}),
            "seed": integer(0, 0, 2**63 - 1),
        },
        returns=("IMAGE",),
    ),
    _class(
        "TestAsyncSleep",
        _plain_sleep,
        {"image": _IMAGE, "seconds": Input("FLOAT", {"default": 2.0}), "seed": _SEED},
        returns=("IMAGE",),
    ),
    _class(
        "TestSleepOutput",
        _sleep_output,
        {"image": _IMAGE, "seconds": Input("FLOAT", {"default": 2.0}), "seed": _SEED},
        output_node=True,
    ),
    _class(
        "TestFail",
        _fail,
        {
            "image": _IMAGE,
            "message": Input("STRING", {"default": "boom"}),
            "after": real(0.0, 0.0, 600.0),
        },
        returns=("IMAGE",),
    ),
    _class("TestText", _text, {"text": Input("STRING", {"default": "hello"})}, output_node=True),
    _class(
        "TestCrash",
        _crash,
        {"image": _IMAGE, "after": Input("FLOAT", {"default": 0.5})},
        returns=("IMAGE",),
    ),
    _class(
        "TestKillWorker",
        _kill_worker,
        {"image": _IMAGE, "seed": _SEED},
        returns=("IMAGE",),
    ),
    _class(
        "TestNoisePreview",
        _noise_preview,
        {"image": _IMAGE, "steps": Input("INT", {"default": 60}), "seed": _SEED},
        returns=("IMAGE",),
    ),
)
