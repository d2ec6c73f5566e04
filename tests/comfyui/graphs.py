"""Workflows as studios use them, in API format; each function gives a fresh one."""

from __future__ import annotations

from typing import Any

from orchestrator.comfyui.workflow import Workflow


def node(class_type: str, **inputs: Any) -> dict[str, Any]:
    """One node."""
    return {"class_type": class_type, "inputs": inputs}


def sd15() -> Workflow:
    """The default text-to-image graph."""
    return {
        "3": node(
            "KSampler",
            seed=156680208700286,
            steps=20,
            cfg=8,
            sampler_name="euler",
            scheduler="normal",
            denoise=1,
            model=["4", 0],
            positive=["6", 0],
            negative=["7", 0],
            latent_image=["5", 0],
        ),
        "4": node("CheckpointLoaderSimple", ckpt_name="v1-5-pruned-emaonly-fp16.safetensors"),
        "5": node("EmptyLatentImage", width=512, height=512, batch_size=1),
        "6": node("CLIPTextEncode", text="a bottle", clip=["4", 1]),
        "7": node("CLIPTextEncode", text="text, watermark", clip=["4", 1]),
        "8": node("VAEDecode", samples=["3", 0], vae=["4", 2]),
        "9": node("SaveImage", filename_prefix="ComfyUI", images=["8", 0]),
    }


def two_pass() -> Workflow:
    """Text to image, enlarged and refined by a second sampler."""
    graph = sd15()
    graph["10"] = node(
        "LatentUpscale",
        samples=["3", 0],
        upscale_method="nearest-exact",
        width=1152,
        height=1152,
        crop="disabled",
    )
    graph["11"] = node(
        "KSampler",
        seed=1,
        steps=14,
        cfg=8,
        sampler_name="dpmpp_2m",
        scheduler="simple",
        denoise=0.5,
        model=["4", 0],
        positive=["6", 0],
        negative=["7", 0],
        latent_image=["10", 0],
    )
    graph["8"]["inputs"]["samples"] = ["11", 0]
    return graph


def image_to_image() -> Workflow:
    """A loaded picture, scaled, encoded and sampled again."""
    graph = sd15()
    graph["5"] = node("VAEEncode", pixels=["12", 0], vae=["4", 2])
    graph["12"] = node(
        "ImageScale",
        image=["13", 0],
        upscale_method="lanczos",
        width=768,
        height=432,
        crop="center",
    )
    graph["13"] = node("LoadImage", image="plate.png")
    graph["3"]["inputs"]["denoise"] = 0.6
    return graph


def sdxl_two_stage() -> Workflow:
    """SDXL base and refiner with KSamplerAdvanced; the sizes come from primitive nodes."""
    base = {"width": 1024, "height": 1024, "crop_w": 0, "crop_h": 0}
    base |= {"target_width": 1024, "target_height": 1024}
    stage = {"steps": 25, "cfg": 8.0, "sampler_name": "euler", "scheduler": "normal"}
    return {
        "1": node("CheckpointLoaderSimple", ckpt_name="sd_xl_base_1.0.safetensors"),
        "2": node("CheckpointLoaderSimple", ckpt_name="sd_xl_refiner_1.0.safetensors"),
        "3": node("EmptyLatentImage", width=["20", 0], height=["21", 0], batch_size=1),
        "4": node("CLIPTextEncodeSDXL", text_g="a galaxy", text_l="a jar", clip=["1", 1], **base),
        "5": node("CLIPTextEncodeSDXL", text_g="blurry", text_l="text", clip=["1", 1], **base),
        "6": node(
            "KSamplerAdvanced",
            add_noise="enable",
            noise_seed=721897303308196,
            start_at_step=0,
            end_at_step=20,
            return_with_leftover_noise="enable",
            model=["1", 0],
            positive=["4", 0],
            negative=["5", 0],
            latent_image=["3", 0],
            **stage,
        ),
        "7": node(
            "CLIPTextEncodeSDXLRefiner",
            ascore=6,
            width=1024,
            height=1024,
            text="a galaxy in a jar",
            clip=["2", 1],
        ),
        "8": node(
            "CLIPTextEncodeSDXLRefiner", ascore=2, width=1024, height=1024, text="", clip=["2", 1]
        ),
        "10": node(
            "KSamplerAdvanced",
            add_noise="disable",
            noise_seed=0,
            start_at_step=20,
            end_at_step=10000,
            return_with_leftover_noise="disable",
            model=["2", 0],
            positive=["7", 0],
            negative=["8", 0],
            latent_image=["6", 0],
            **stage,
        ),
        "11": node("VAEDecode", samples=["10", 0], vae=["2", 2]),
        "12": node("SaveImage", filename_prefix="sdxl", images=["11", 0]),
        "20": node("PrimitiveInt", value=1024),
        "21": node("INTConstant", value=1024),
    }


def flux() -> Workflow:
    """Flux dev with SamplerCustomAdvanced, BasicGuider and FluxGuidance."""
    return {
        "6": node("CLIPTextEncode", text=["40", 0], clip=["11", 0]),
        "8": node("VAEDecode", samples=["13", 0], vae=["10", 0]),
        "9": node("SaveImage", filename_prefix="flux", images=["8", 0]),
        "10": node("VAELoader", vae_name="ae.safetensors"),
        "11": node("DualCLIPLoader", clip_name1="t5xxl", clip_name2="clip_l", type="flux"),
        "12": node("UNETLoader", unet_name="flux1-dev.safetensors", weight_dtype="default"),
        "13": node(
            "SamplerCustomAdvanced",
            noise=["25", 0],
            guider=["22", 0],
            sampler=["16", 0],
            sigmas=["18", 0],
            latent_image=["27", 0],
        ),
        "16": node("KSamplerSelect", sampler_name="euler"),
        "17": node("BasicScheduler", scheduler="simple", steps=20, denoise=1, model=["30", 0]),
        "18": node("SplitSigmas", sigmas=["17", 0], step=0),
        "22": node("BasicGuider", model=["30", 0], conditioning=["26", 0]),
        "25": node("RandomNoise", noise_seed=219670278747233),
        "26": node("FluxGuidance", guidance=3.5, conditioning=["6", 0]),
        "27": node("EmptySD3LatentImage", width=1024, height=1024, batch_size=1),
        "30": node(
            "ModelSamplingFlux",
            max_shift=1.15,
            base_shift=0.5,
            width=1024,
            height=1024,
            model=["12", 0],
        ),
        "40": node("PrimitiveStringMultiline", value="cute anime girl"),
    }


def flux_with_ksampler() -> Workflow:
    """A Flux checkpoint with KSampler; the negative side is the blanked prompt."""
    graph = sd15()
    graph["6"] = node(
        "CLIPTextEncodeFlux", clip_l="a fox", t5xxl="a fox", guidance=3.5, clip=["4", 1]
    )
    graph["7"] = node("ConditioningZeroOut", conditioning=["6", 0])
    return graph


def controlnet() -> Workflow:
    """Two prompts combined, a ControlNet on both sides, an unCLIP node before it."""
    graph = sd15()
    graph["14"] = node("CLIPTextEncode", text="in the rain", clip=["4", 1])
    graph["15"] = node("ConditioningCombine", conditioning_1=["6", 0], conditioning_2=["14", 0])
    graph["16"] = node(
        "unCLIPConditioning",
        conditioning=["15", 0],
        clip_vision_output=["18", 0],
        strength=1,
        noise_augmentation=0,
    )
    graph["17"] = node(
        "ControlNetApplyAdvanced",
        strength=1,
        start_percent=0,
        end_percent=1,
        positive=["16", 0],
        negative=["7", 0],
        control_net=["19", 0],
        image=["13", 0],
    )
    graph["18"] = node("CLIPVisionEncode", clip_vision=["4", 1], image=["13", 0], crop="center")
    graph["19"] = node("ControlNetLoader", control_net_name="canny.safetensors")
    graph["13"] = node("LoadImage", image="pose.png")
    graph["3"]["inputs"] |= {"positive": ["17", 0], "negative": ["17", 1]}
    return graph


def no_sampler() -> Workflow:
    """A picture of one colour, inverted, scaled and saved: no model in sight."""
    return {
        "1": node("EmptyImage", width=128, height=96, batch_size=1, color=16711680),
        "2": node("ImageInvert", image=["1", 0]),
        "3": node("TestSleep", image=["2", 0], seconds=1.5, seed=1),
        "4": node("SaveImage", filename_prefix="fast", images=["3", 0]),
        "5": node("EmptyImage", width=64, height=64, batch_size=1, color=0),
    }
