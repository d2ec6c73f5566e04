"""Node classes of sampling: latents, samplers and their parts, decoders.

Nothing is computed: a latent remembers what would be seen, and decoding paints that.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any, Final

from attrs import evolve, frozen
from PIL import Image

from tools.simulator import pictures
from tools.simulator.nodes.base import (
    Context,
    Input,
    Preview,
    Result,
    choice,
    declare,
    integer,
    real,
    seed,
    type_images,
)

_SAMPLERS: Final = ("euler", "euler_ancestral", "heun", "dpmpp_2m", "dpmpp_sde", "ddim", "uni_pc")
_SCHEDULERS: Final = ("simple", "sgm_uniform", "karras", "exponential", "ddim_uniform", "normal",
                      "beta")  # fmt: skip
_PREVIEW_SIDE: Final = 256


@frozen
class Latent:
    """What a latent would show: `scene` names it, `noise` is what is left to sample (1 to 0)."""

    size: tuple[int, int]
    batch: int = 1
    scene: str = ""
    seed: int = 0
    noise: float = 1.0
    source: type_images = ()
    #: How much of the source gives way to the scene, 0 to 1.
    denoise: float = 1.0

    def picture(self, index: int, size: tuple[int, int] | None = None) -> Image.Image:
        """Paint one picture of the batch, in its own size or another."""
        wanted = size or self.size
        if self.source:
            base = self.source[index % len(self.source)].resize(wanted)
        else:
            base = Image.new("RGB", wanted, (127, 127, 127))
        if self.scene:
            painted = pictures.landscape(self.scene, self.seed + index, wanted)
            base = Image.blend(base, painted, self.denoise) if self.source else painted
        return pictures.unfinished(base, self.noise, self.seed + index)


@frozen
class Schedule:
    """Sigmas: how many steps, and how much of the noise they take away."""

    steps: int
    denoise: float


@frozen
class Guider:
    """A model with its conditioning."""

    scene: str


async def _sample(context: Context, latent: Latent, steps: int, until: float = 0.0) -> Latent:
    """Take the steps, one frame of progress each; `until` is the noise left at the end."""
    side = max(latent.size)
    scale = min(1.0, _PREVIEW_SIDE / side)
    small = max(1, round(latent.size[0] * scale)), max(1, round(latent.size[1] * scale))
    for step in range(1, steps + 1):
        await context.wait(context.seconds_per_step)
        left = 1.0 - (1.0 - until) * step / steps
        halfway = evolve(latent, noise=left)
        draw = Preview(partial(_draw, halfway, small))
        await context.step(step, steps, draw if context.previews else None)
    return evolve(latent, noise=until)


def _draw(latent: Latent, size: tuple[int, int]) -> bytes:
    return pictures.jpeg(latent.picture(0, size), _PREVIEW_SIDE)


def _scene(model: str, positive: str, negative: str, *more: object) -> str:
    return " | ".join((positive, negative, model, *map(str, more)))


async def _ksampler(context: Context, given: dict[str, Any]) -> Result:
    scene = _scene(given["model"], given["positive"], given["negative"], given["cfg"])
    latent = evolve(
        given["latent_image"], scene=scene, seed=given["seed"], denoise=given["denoise"]
    )
    return Result((await _sample(context, latent, given["steps"]),))


async def _ksampler_advanced(context: Context, given: dict[str, Any]) -> Result:
    scene = _scene(given["model"], given["positive"], given["negative"], given["cfg"])
    latent = evolve(given["latent_image"], scene=scene, seed=given["noise_seed"])
    steps, start = given["steps"], given["start_at_step"]
    end = min(given["end_at_step"], steps)
    left = 1 - end / steps if given["return_with_leftover_noise"] == "enable" else 0.0
    return Result((await _sample(context, latent, max(0, end - start), left),))


async def _sampler_custom(context: Context, given: dict[str, Any]) -> Result:
    guider: Guider = given["guider"]
    schedule: Schedule = given["sigmas"]
    scene = f"{guider.scene} | {given['sampler']}"
    latent = evolve(
        given["latent_image"], scene=scene, seed=given["noise"], denoise=schedule.denoise
    )
    done = await _sample(context, latent, schedule.steps)
    return Result((done, done))


async def _empty_latent(_: Context, given: dict[str, Any]) -> Result:
    return Result((Latent((given["width"], given["height"]), given["batch_size"]),))


async def _noise(_: Context, given: dict[str, Any]) -> Result:
    return Result((given["noise_seed"],))


async def _scheduler(_: Context, given: dict[str, Any]) -> Result:
    return Result((Schedule(given["steps"], given["denoise"]),))


async def _sampler_select(_: Context, given: dict[str, Any]) -> Result:
    return Result((given["sampler_name"],))


async def _guider(_: Context, given: dict[str, Any]) -> Result:
    return Result((Guider(_scene(given["model"], given["conditioning"], "")),))


async def _cfg_guider(_: Context, given: dict[str, Any]) -> Result:
    scene = _scene(given["model"], given["positive"], given["negative"], given["cfg"])
    return Result((Guider(scene),))


async def _decode(_: Context, given: dict[str, Any]) -> Result:
    latent: Latent = given["samples"]

    def paint() -> type_images:
        return tuple(latent.picture(index) for index in range(latent.batch))

    return Result((await asyncio.to_thread(paint),))


async def _encode(_: Context, given: dict[str, Any]) -> Result:
    source: type_images = given["pixels"]
    return Result((Latent(source[0].size, len(source), noise=0.0, source=source),))


_MODEL: Final = Input("MODEL")
_VAE: Final = Input("VAE")
_COND: Final = Input("CONDITIONING")
_LATENT: Final = Input("LATENT")
_STEPS: Final = integer(20, 1, 10000)
_CFG: Final = real(8.0, 0.0, 100.0, step=0.1, round=0.01)
_LATENT_SIZE: Final = {
    "width": integer(512, 16, 16384, step=8),
    "height": integer(512, 16, 16384, step=8),
    "batch_size": integer(1, 1, 4096),
}
_FLUX_SIZE: Final = {
    "width": integer(1024, 16, 16384, step=16),
    "height": integer(1024, 16, 16384, step=16),
    "batch_size": integer(1, 1, 4096),
}
_WHERE: Final = "sampling/custom_sampling"


CLASSES: Final = (
    declare(
        "EmptyLatentImage",
        _empty_latent,
        _LATENT_SIZE,
        "LATENT",
        display_name="Empty Latent Image",
        category="latent",
    ),
    declare(
        "EmptySD3LatentImage",
        _empty_latent,
        _FLUX_SIZE,
        "LATENT",
        display_name="EmptySD3LatentImage",
        category="latent/sd3",
    ),
    declare(
        "KSampler",
        _ksampler,
        {
            "model": _MODEL,
            "seed": seed(),
            "steps": _STEPS,
            "cfg": _CFG,
            "sampler_name": choice(*_SAMPLERS),
            "scheduler": choice(*_SCHEDULERS),
            "positive": _COND,
            "negative": _COND,
            "latent_image": _LATENT,
            "denoise": real(1.0, 0.0, 1.0, step=0.01),
        },
        "LATENT",
        display_name="KSampler",
        category="sampling",
    ),
    declare(
        "KSamplerAdvanced",
        _ksampler_advanced,
        {
            "model": _MODEL,
            "add_noise": choice("enable", "disable"),
            "noise_seed": seed(),
            "steps": _STEPS,
            "cfg": _CFG,
            "sampler_name": choice(*_SAMPLERS),
            "scheduler": choice(*_SCHEDULERS),
            "positive": _COND,
            "negative": _COND,
            "latent_image": _LATENT,
            "start_at_step": integer(0, 0, 10000),
            "end_at_step": integer(10000, 0, 10000),
            "return_with_leftover_noise": choice("disable", "enable"),
        },
        "LATENT",
        display_name="KSampler (Advanced)",
        category="sampling",
    ),
    declare(
        "RandomNoise",
        _noise,
        {"noise_seed": seed()},
        "NOISE",
        display_name="RandomNoise",
        category=f"{_WHERE}/noise",
    ),
    declare(
        "BasicScheduler",
        _scheduler,
        {
            "model": _MODEL,
            "scheduler": choice(*_SCHEDULERS),
            "steps": _STEPS,
            "denoise": real(1.0, 0.0, 1.0, step=0.01),
        },
        "SIGMAS",
        display_name="BasicScheduler",
        category=f"{_WHERE}/schedulers",
    ),
    declare(
        "KSamplerSelect",
        _sampler_select,
        {"sampler_name": choice(*_SAMPLERS)},
        "SAMPLER",
        display_name="KSamplerSelect",
        category=f"{_WHERE}/samplers",
    ),
    declare(
        "BasicGuider",
        _guider,
        {"model": _MODEL, "conditioning": _COND},
        "GUIDER",
        display_name="BasicGuider",
        category=f"{_WHERE}/guiders",
    ),
    declare(
        "CFGGuider",
        _cfg_guider,
        {"model": _MODEL, "positive": _COND, "negative": _COND, "cfg": _CFG},
        "GUIDER",
        display_name="CFGGuider",
        category=f"{_WHERE}/guiders",
    ),
    declare(
        "SamplerCustomAdvanced",
        _sampler_custom,
        {
            "noise": Input("NOISE"),
            "guider": Input("GUIDER"),
            "sampler": Input("SAMPLER"),
            "sigmas": Input("SIGMAS"),
            "latent_image": _LATENT,
        },
        "LATENT LATENT",
        return_names=("output", "denoised_output"),
        display_name="SamplerCustomAdvanced",
        category=_WHERE,
    ),
    declare(
        "VAEDecode",
        _decode,
        {"samples": _LATENT, "vae": _VAE},
        "IMAGE",
        display_name="VAE Decode",
        category="latent",
    ),
    declare(
        "VAEEncode",
        _encode,
        {"pixels": Input("IMAGE"), "vae": _VAE},
        "LATENT",
        display_name="VAE Encode",
        category="latent",
    ),
)
