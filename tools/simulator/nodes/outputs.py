"""Node classes that write files: pictures, films and sound, with the graph inside where it fits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from io import BytesIO
from typing import Any, Final

from attrs import frozen
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tools.simulator import media
from tools.simulator.nodes.base import (
    SAVING,
    Context,
    Input,
    NodeClass,
    NodeFailedError,
    Result,
    choice,
    integer,
    real,
    seed,
    type_images,
)
from tools.simulator.store import OutsideFolderError


@frozen
class Sound:
    """A value of ComfyUI's type AUDIO: what would be heard."""

    seconds: float
    seed: int


async def _write(
    context: Context,
    prefix: str,
    suffix: str,
    contents: Sequence[Callable[[], bytes]],
    kind: str = "output",
) -> list[dict[str, str]]:
    """Write files under the next free numbers; how ComfyUI names them, in order."""

    def work() -> list[dict[str, str]]:
        try:
            target = context.store.save_target(prefix, kind)
        except OutsideFolderError as exc:
            raise NodeFailedError("Exception", str(exc)) from exc
        written = []
        for index, content in enumerate(contents):
            name = target.name(index, suffix)
            (target.folder / name).write_bytes(content())
            written.append({"filename": name, "subfolder": target.subfolder, "type": kind})
        return written

    return await asyncio.to_thread(work)


def _png(picture: Image.Image, metadata: dict[str, str], level: int) -> bytes:
    chunks = PngInfo()
    for name, text in metadata.items():
        chunks.add_text(name, text)
    buffer = BytesIO()
    picture.save(buffer, "PNG", pnginfo=chunks, compress_level=level)
    return buffer.getvalue()


def _animation(pictures: type_images, suffix: str, fps: float, metadata: dict[str, str]) -> bytes:
    """An animated WebP or GIF; a WebP carries the graph in its EXIF as SaveAnimatedWEBP does."""
    buffer = BytesIO()
    options: dict[str, Any] = {}
    if suffix == ".webp":
        exif, tag = Image.Exif(), 0x0110
        for name, text in metadata.items():
            exif[tag] = f"{name}:{text}"
            tag -= 1
        options = {"exif": exif, "quality": 80, "method": 0}
    pictures[0].save(
        buffer,
        suffix[1:].upper(),
        save_all=True,
        append_images=pictures[1:],
        duration=round(1000 / fps),
        loop=0,
        **options,
    )
    return buffer.getvalue()


async def _save_image(context: Context, given: dict[str, Any]) -> Result:
    metadata = context.metadata()
    contents = [partial(_png, picture, metadata, 4) for picture in given["images"]]
    return Result(ui={"images": await _write(context, given["filename_prefix"], ".png", contents)})


async def _preview_image(context: Context, given: dict[str, Any]) -> Result:
    metadata = context.metadata()
    contents = [partial(_png, picture, metadata, 1) for picture in given["images"]]
    prefix = context.store.temp_prefix()
    return Result(ui={"images": await _write(context, prefix, ".png", contents, "temp")})


async def _save_webp(context: Context, given: dict[str, Any]) -> Result:
    pictures, metadata = given["images"], context.metadata()
    files = await _write(
        context,
        given["filename_prefix"],
        ".webp",
        [lambda: _animation(pictures, ".webp", given["fps"], metadata)],
    )
    return Result(ui={"images": files, "animated": [True]})


async def _save_webm(context: Context, given: dict[str, Any]) -> Result:
    contents = [lambda: media.webm(given["images"], given["fps"])]
    files = await _write(context, given["filename_prefix"], ".webm", contents)
    return Result(ui={"images": files, "animated": [True]})


async def _save_videos(context: Context, given: dict[str, Any]) -> Result:
    contents = [lambda: media.webm(given["images"], given["fps"])]
    files = await _write(context, given["filename_prefix"], ".webm", contents)
    return Result(ui={"videos": files})


async def _combine(context: Context, given: dict[str, Any]) -> Result:
    pictures, format_ = given["images"], given["format"]
    fps, metadata = given["frame_rate"], context.metadata()
    suffix = "." + format_.split("/")[1]
    kind = "output" if given["save_output"] else "temp"

    def film() -> bytes:
        if suffix == ".webm":
            return media.webm(pictures, fps)
        return _animation(pictures, suffix, fps, metadata)

    files = await _write(context, given["filename_prefix"], suffix, [film], kind)
    told = [{**file, "format": format_, "frame_rate": fps} for file in files]
    return Result((told,), {"gifs": told})


async def _tone(_: Context, given: dict[str, Any]) -> Result:
    return Result((Sound(given["seconds"], given["seed"]),))


async def _save_audio(context: Context, given: dict[str, Any]) -> Result:
    sound: Sound = given["audio"]
    contents = [lambda: media.wav(sound.seconds, sound.seed)]
    files = await _write(context, given["filename_prefix"], ".wav", contents)
    return Result(ui={"audio": files})


async def _preview_any(_: Context, given: dict[str, Any]) -> Result:
    return Result(ui={"text": [str(given["source"])]})


_FPS: Final = real(6.0, 0.01, 1000.0, step=0.01)
_IMAGES: Final = Input("IMAGE", {"tooltip": "The images to save."})
_FRAMES: Final = Input("IMAGE")
_PREFIX: Final = Input("STRING", {"default": "ComfyUI"})
_PREFIX_OF_SAVE_IMAGE: Final = Input(
    "STRING",
    {
        "default": "ComfyUI",
        "tooltip": "The prefix for the file to save. This may include formatting information such "
        "as %date:yyyy-MM-dd% or %Empty Latent Image.width% to include values from nodes.",
    },
)


def _output(name: str, run: Any, required: dict[str, Input], **more: Any) -> NodeClass:
    options: dict[str, Any] = {"hidden": SAVING, "display_name": name, **more}
    return NodeClass(name=name, run=run, required=required, output_node=True, **options)


CLASSES: Final = (
    _output(
        "SaveImage",
        _save_image,
        {"images": _IMAGES, "filename_prefix": _PREFIX_OF_SAVE_IMAGE},
        display_name="Save Image",
        description="Saves the input images to your ComfyUI output directory.",
    ),
    _output(
        "PreviewImage",
        _preview_image,
        {"images": _FRAMES},
        display_name="Preview Image",
        description="Saves the input images to your ComfyUI output directory.",
    ),
    _output(
        "SaveAnimatedWEBP",
        _save_webp,
        {
            "images": _FRAMES,
            "filename_prefix": _PREFIX,
            "fps": _FPS,
            "lossless": Input("BOOLEAN", {"default": True}),
            "quality": integer(80, 0, 100),
            "method": choice("default", "fastest", "slowest"),
        },
        module="comfy_extras.nodes_images",
        category="image/animation",
    ),
    _output(
        "SaveWEBM",
        _save_webm,
        {
            "images": _FRAMES,
            "filename_prefix": _PREFIX,
            "codec": choice("vp9", "av1"),
            "fps": real(24.0, 0.01, 1000.0, step=0.01),
            "crf": real(32.0, 0.0, 63.0, step=1),
        },
        module="comfy_extras.nodes_video",
        category="image/video",
    ),
    _output(
        "VHS_VideoCombine",
        _combine,
        {
            "images": _FRAMES,
            "frame_rate": real(8.0, 1.0, 1000.0, step=1.0),
            "loop_count": integer(0, 0, 100),
            "filename_prefix": Input("STRING", {"default": "AnimateDiff"}),
            "format": choice("image/gif", "image/webp", "video/webm"),
            "pingpong": Input("BOOLEAN", {"default": False}),
            "save_output": Input("BOOLEAN", {"default": True}),
        },
        returns=("VHS_FILENAMES",),
        return_names=("Filenames",),
        display_name="Video Combine",
        module="custom_nodes.comfyui-videohelpersuite",
        category="Video Helper Suite",
    ),
    _output(
        "TestSaveVideos",
        _save_videos,
        {"images": _FRAMES, "filename_prefix": _PREFIX, "fps": _FPS},
        module="custom_nodes.test_nodes",
        category="_test",
    ),
    NodeClass(
        name="TestTone",
        run=_tone,
        required={"seconds": real(1.0, 0.01, 60.0), "seed": seed()},
        returns=("AUDIO",),
        display_name="TestTone",
        module="custom_nodes.test_nodes",
        category="_test",
    ),
    _output(
        "SaveAudio",
        _save_audio,
        {"audio": Input("AUDIO"), "filename_prefix": Input("STRING", {"default": "audio/ComfyUI"})},
        display_name="Save Audio",
        module="comfy_extras.nodes_audio",
        category="audio",
    ),
    _output(
        "PreviewAny",
        _preview_any,
        {"source": Input("*", {})},
        hidden={},
        display_name="Preview Any",
        module="comfy_extras.nodes_preview_any",
        category="utils",
    ),
)
