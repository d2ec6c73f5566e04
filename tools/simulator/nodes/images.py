"""Node classes that make, load and change pictures."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from PIL import Image, ImageFilter, ImageOps, UnidentifiedImageError

from tools.simulator.nodes.base import (
    Choices,
    Context,
    Input,
    NodeClass,
    NodeFailedError,
    Result,
    choice,
    integer,
    real,
    type_images,
)

_METHODS: Final = {
    "nearest-exact": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "area": Image.Resampling.BOX,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
_METHOD: Final = choice(*_METHODS)
_IMAGE: Final = Input("IMAGE")


async def _each(
    pictures: type_images, change: Callable[[Image.Image], Image.Image]
) -> tuple[type_images]:
    return (await asyncio.to_thread(lambda: tuple(change(picture) for picture in pictures)),)


async def _empty(_: Context, given: dict[str, Any]) -> Result:
    color: int = given["color"]
    rgb = (color >> 16 & 255, color >> 8 & 255, color & 255)
    size = (given["width"], given["height"])
    return Result((tuple(Image.new("RGB", size, rgb) for _ in range(given["batch_size"])),))


async def _invert(_: Context, given: dict[str, Any]) -> Result:
    return Result(await _each(given["image"], ImageOps.invert))


async def _scale(_: Context, given: dict[str, Any]) -> Result:
    method, crop = _METHODS[given["upscale_method"]], given["crop"] == "center"

    def change(picture: Image.Image) -> Image.Image:
        width, height = given["width"], given["height"]
        if width == 0 and height == 0:
            return picture
        width = width or max(1, round(picture.width * height / picture.height))
        height = height or max(1, round(picture.height * width / picture.width))
        if crop:
            return ImageOps.fit(picture, (width, height), method)
        return picture.resize((width, height), method)

    return Result(await _each(given["image"], change))


async def _scale_by(_: Context, given: dict[str, Any]) -> Result:
    method, factor = _METHODS[given["upscale_method"]], given["scale_by"]

    def change(picture: Image.Image) -> Image.Image:
        size = max(1, round(picture.width * factor)), max(1, round(picture.height * factor))
        return picture.resize(size, method)

    return Result(await _each(given["image"], change))


async def _blur(_: Context, given: dict[str, Any]) -> Result:
    pictures: type_images = given["image"]
    radius: int = given["blur_radius"]
    width, height = pictures[0].size
    for dimension, length in ((3, width), (2, height)):
        if radius >= length:
            raise NodeFailedError(
                "RuntimeError",
                "Argument #4: Padding size should be less than the corresponding input dimension, "
                f"but got: padding ({radius}, {radius}) at dimension {dimension} of input "
                f"[{len(pictures)}, 3, {height}, {width}]",
            )
    sigma = min(given["sigma"], radius)
    return Result(
        await _each(pictures, lambda picture: picture.filter(ImageFilter.GaussianBlur(sigma)))
    )


async def _load(context: Context, given: dict[str, Any]) -> Result:
    def read() -> tuple[type_images, Image.Image]:
        path = context.store.input_path(given["image"])
        if path is None:
            raise NodeFailedError("FileNotFoundError", f"No such file: {given['image']}")
        try:
            with Image.open(path) as file:
                upright = ImageOps.exif_transpose(file)
                alpha = upright.convert("RGBA").getchannel("A")
                return (upright.convert("RGB"),), ImageOps.invert(alpha)
        except UnidentifiedImageError as exc:
            raise NodeFailedError("PIL.UnidentifiedImageError", str(exc)) from exc

    return Result(await asyncio.to_thread(read))


async def _size(context: Context, given: dict[str, Any]) -> Result:
    pictures: type_images = given["image"]
    width, height = pictures[0].size
    context.say(f"width: {width}, height: {height}\n batch size: {len(pictures)}")
    return Result((width, height, len(pictures)))


_side = integer(512, 1, 16384, step=1)
_target = integer(512, 0, 16384, step=1)

CLASSES: Final = (
    NodeClass(
        name="EmptyImage",
        run=_empty,
        required={
            "width": _side,
            "height": _side,
            "batch_size": integer(1, 1, 4096),
            "color": integer(0, 0, 0xFFFFFF, step=1, display="color"),
        },
        returns=("IMAGE",),
        display_name="EmptyImage",
    ),
    NodeClass(
        name="ImageInvert",
        run=_invert,
        required={"image": _IMAGE},
        returns=("IMAGE",),
        display_name="Invert Image",
    ),
    NodeClass(
        name="ImageScale",
        run=_scale,
        required={
            "image": _IMAGE,
            "upscale_method": _METHOD,
            "width": _target,
            "height": _target,
            "crop": choice("disabled", "center"),
        },
        returns=("IMAGE",),
        display_name="Upscale Image",
        category="image/upscaling",
    ),
    NodeClass(
        name="ImageScaleBy",
        run=_scale_by,
        required={
            "image": _IMAGE,
            "upscale_method": _METHOD,
            "scale_by": real(1.0, 0.01, 8.0, step=0.01),
        },
        returns=("IMAGE",),
        display_name="Upscale Image By",
        category="image/upscaling",
    ),
    NodeClass(
        name="ImageBlur",
        run=_blur,
        required={
            "image": Input("IMAGE", {}),
            "blur_radius": integer(1, 1, 31, step=1),
            "sigma": real(1.0, 0.1, 10.0, step=0.1),
        },
        returns=("IMAGE",),
        module="comfy_extras.nodes_post_processing",
        category="image/postprocessing",
        new_style=True,
    ),
    NodeClass(
        name="LoadImage",
        run=_load,
        required={"image": Input(Choices("input"), {"image_upload": True})},
        returns=("IMAGE", "MASK"),
        loads="image",
        display_name="Load Image",
    ),
    NodeClass(
        name="GetImageSize",
        run=_size,
        required={"image": _IMAGE},
        hidden={"unique_id": "UNIQUE_ID"},
        returns=("INT", "INT", "INT"),
        return_names=("width", "height", "batch_size"),
        display_name="Get Image Size",
        module="comfy_extras.nodes_images",
    ),
)
