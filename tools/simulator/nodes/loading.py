"""Node classes before sampling: plain values, loaders of models, conditioning by text.

Nothing is loaded: a model is its name, a conditioning its text.
"""

from __future__ import annotations

from typing import Any, Final

from tools.simulator.nodes.base import (
    Choices,
    Context,
    Input,
    NodeClass,
    Result,
    choice,
    declare,
    real,
)


async def _checkpoint(_: Context, given: dict[str, Any]) -> Result:
    name: str = given["ckpt_name"]
    return Result((name, f"clip of {name}", f"vae of {name}"))


async def _lora(_: Context, given: dict[str, Any]) -> Result:
    model = f"{given['model']}+{given['lora_name']}@{given['strength_model']}"
    return Result((model, f"{given['clip']}+{given['lora_name']}@{given['strength_clip']}"))


async def _unet(_: Context, given: dict[str, Any]) -> Result:
    return Result((given["unet_name"],))


async def _clip(_: Context, given: dict[str, Any]) -> Result:
    names = [given[name] for name in ("clip_name", "clip_name1", "clip_name2") if name in given]
    return Result(("+".join(names),))


async def _vae(_: Context, given: dict[str, Any]) -> Result:
    return Result((given["vae_name"],))


async def _encode_text(_: Context, given: dict[str, Any]) -> Result:
    return Result((given["text"],))


async def _guidance(_: Context, given: dict[str, Any]) -> Result:
    return Result((f"{given['conditioning']} (guidance {given['guidance']})",))


async def _value(_: Context, given: dict[str, Any]) -> Result:
    return Result((given["value"],))


def _primitive(name: str, kind: str, default: object) -> NodeClass:
    return declare(
        f"Primitive{name}",
        _value,
        {"value": Input(kind, {"default": default})},
        kind,
        display_name=name,
        module="comfy_extras.nodes_primitive",
        category="utils/primitive",
        new_style=True,
    )


_MODEL: Final = Input("MODEL")
_CLIP: Final = Input("CLIP")
_COND: Final = Input("CONDITIONING")
_STRENGTH: Final = real(1.0, -100.0, 100.0, step=0.01)

CLASSES: Final[tuple[NodeClass, ...]] = (
    _primitive("Int", "INT", 0),
    _primitive("Float", "FLOAT", 0.0),
    _primitive("String", "STRING", ""),
    _primitive("Boolean", "BOOLEAN", False),
    declare(
        "CheckpointLoaderSimple",
        _checkpoint,
        {
            "ckpt_name": Input(
                Choices("checkpoints"), {"tooltip": "The name of the checkpoint (model) to load."}
            )
        },
        "MODEL CLIP VAE",
        display_name="Load Checkpoint",
        category="loaders",
    ),
    declare(
        "LoraLoader",
        _lora,
        {
            "model": _MODEL,
            "clip": _CLIP,
            "lora_name": Input(Choices("loras"), {"tooltip": "The name of the LoRA."}),
            "strength_model": _STRENGTH,
            "strength_clip": _STRENGTH,
        },
        "MODEL CLIP",
        display_name="Load LoRA",
        category="loaders",
    ),
    declare(
        "UNETLoader",
        _unet,
        {
            "unet_name": Input(Choices("diffusion_models")),
            "weight_dtype": choice("default", "fp8_e4m3fn", "fp8_e4m3fn_fast", "fp8_e5m2"),
        },
        "MODEL",
        display_name="Load Diffusion Model",
        category="advanced/loaders",
    ),
    declare(
        "CLIPLoader",
        _clip,
        {
            "clip_name": Input(Choices("text_encoders")),
            "type": choice("stable_diffusion", "sd3", "flux", "wan", "qwen_image"),
        },
        "CLIP",
        display_name="Load CLIP",
        category="advanced/loaders",
    ),
    declare(
        "DualCLIPLoader",
        _clip,
        {
            "clip_name1": Input(Choices("text_encoders")),
            "clip_name2": Input(Choices("text_encoders")),
            "type": choice("sdxl", "sd3", "flux", "hunyuan_video", "hidream"),
        },
        "CLIP",
        display_name="DualCLIPLoader",
        category="advanced/loaders",
    ),
    declare(
        "VAELoader",
        _vae,
        {"vae_name": Input(Choices("vae"))},
        "VAE",
        display_name="Load VAE",
        category="loaders",
    ),
    declare(
        "CLIPTextEncode",
        _encode_text,
        {"text": Input("STRING", {"multiline": True, "dynamicPrompts": True}), "clip": _CLIP},
        "CONDITIONING",
        display_name="CLIP Text Encode (Prompt)",
        category="conditioning",
    ),
    declare(
        "FluxGuidance",
        _guidance,
        {"conditioning": _COND, "guidance": real(3.5, 0.0, 100.0, step=0.1)},
        "CONDITIONING",
        display_name="FluxGuidance",
        category="advanced/conditioning/flux",
    ),
)
