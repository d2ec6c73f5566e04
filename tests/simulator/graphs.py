"""Graphs for the tests, and the few calls that every test needs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import aiohttp

from tools.simulator import Simulator

Graph = dict[str, dict[str, Any]]


def node(class_type: str, **inputs: Any) -> dict[str, Any]:
    """One node; a link is a list of node id and slot."""
    return {"class_type": class_type, "inputs": inputs}


def fast(color: int = 255, prefix: str = "fast") -> Graph:
    """A plain picture, saved."""
    return {
        "1": node("EmptyImage", width=16, height=8, batch_size=1, color=color),
        "2": node("SaveImage", images=["1", 0], filename_prefix=prefix),
    }


def sleeper(seconds: float, *, steps: int = 4, seed: int = 0, **more: Any) -> Graph:
    """A picture that takes some time."""
    options = {"preview": False, "interruptible": True, **more}
    return {
        "1": node("EmptyImage", width=16, height=8, batch_size=1, color=seed),
        "2": node("TestSleep", image=["1", 0], seconds=seconds, steps=steps, seed=seed, **options),
        "3": node("SaveImage", images=["2", 0], filename_prefix="slow"),
    }


def text_to_image(
    text: str = "a castle at sunset", seed: int = 1, *, steps: int = 3, size: int = 64
) -> Graph:
    """Checkpoint, two prompts, KSampler, decode, save."""
    return {
        "4": node("CheckpointLoaderSimple", ckpt_name="sd_xl_base_1.0.safetensors"),
        "5": node("EmptyLatentImage", width=size, height=size, batch_size=1),
        "6": node("CLIPTextEncode", clip=["4", 1], text=text),
        "7": node("CLIPTextEncode", clip=["4", 1], text="blurry"),
        "3": node(
            "KSampler",
            model=["4", 0],
            seed=seed,
            steps=steps,
            cfg=7,
            sampler_name="euler",
            scheduler="normal",
            positive=["6", 0],
            negative=["7", 0],
            latent_image=["5", 0],
            denoise=1,
        ),
        "8": node("VAEDecode", samples=["3", 0], vae=["4", 2]),
        "9": node("SaveImage", images=["8", 0], filename_prefix="ComfyUI"),
    }


async def post(
    session: aiohttp.ClientSession, sim: Simulator, graph: Graph, **more: Any
) -> dict[str, Any]:
    """POST /prompt; the answer, which must be 200."""
    async with session.post(f"{sim.url}/prompt", json={"prompt": graph, **more}) as answer:
        assert answer.status == 200, await answer.text()
        told: dict[str, Any] = await answer.json()
        return told


async def get(session: aiohttp.ClientSession, sim: Simulator, path: str) -> Any:
    """GET some JSON."""
    async with session.get(sim.url + path) as answer:
        assert answer.status == 200, await answer.text()
        return await answer.json()


async def ended(
    session: aiohttp.ClientSession, sim: Simulator, prompt_id: str, *, patience: float = 20
) -> dict[str, Any]:
    """Wait until a prompt stands in the history; its entry."""
    async with asyncio.timeout(patience):
        while True:
            found = await get(session, sim, f"/history/{prompt_id}")
            if found:
                (entry,) = found.values()
                assert isinstance(entry, dict)
                return entry
            await asyncio.sleep(0.003)


async def finish(
    session: aiohttp.ClientSession, sim: Simulator, graph: Graph, **more: Any
) -> dict[str, Any]:
    """Submit a prompt and wait for its entry in the history."""
    told = await post(session, sim, graph, **more)
    return await ended(session, sim, told["prompt_id"])


async def is_running(sim: Simulator, prompt_id: str) -> None:
    """Wait until a prompt runs."""
    await until(lambda: prompt_id in sim.started)


async def until(test: Callable[[], bool], patience: float = 20) -> None:
    """Wait until something is so; far longer than it takes."""
    async with asyncio.timeout(patience):
        while not test():  # noqa: ASYNC110 - what is waited for has no event of its own
            await asyncio.sleep(0.002)
