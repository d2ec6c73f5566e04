"""Turning whatever pixels a file has into 8-bit grey, RGB or RGBA, in sRGB. Pure."""

from __future__ import annotations

import math
from io import BytesIO
from typing import Final

from PIL import Image, ImageCms

#: Between white and black: neither a dark nor a light drawing vanishes on it.
NEUTRAL: Final = (128, 128, 128)

#: These can be made smaller as they are.
_SCALABLE: Final = frozenset({"L", "RGB", "CMYK", "YCbCr", "LAB", "HSV"})
_WHITE_16 = 65535.0


def scalable(image: Image.Image) -> Image.Image:
    """A picture whose pixels can be averaged: no palette, no bits, 8 bits a channel.

    An alpha channel that hides nothing is left out: it would double the work.
    """
    if image.has_transparency_data:
        full = image if image.mode == "RGBA" else image.convert("RGBA")
        return full.convert("RGB") if _opaque(full) else full
    if image.mode in _SCALABLE:
        return image
    if image.mode.startswith("I;16"):
        return _stretched(image.convert("I"), 0.0, _WHITE_16)
    if image.mode == "I":
        return _stretched(image, *_range(image, (255.0, _WHITE_16)))
    if image.mode == "F":
        return _stretched(image, *_range(image, (1.0,)))
    return image.convert("L" if image.mode == "1" else "RGB")


def to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """A scalable picture in grey, RGB or RGBA of sRGB.

    Args:
        image: The picture, small by now: this costs time per pixel.
        profile: The ICC profile that the file has. One that does not fit is passed over.
    """
    if image.mode == "LAB":
        lab = ImageCms.createProfile("LAB")
        return _through(image, ImageCms.ImageCmsProfile(lab)) or image.getchannel(0)
    if profile and (managed := _managed(image, profile)):
        return managed
    return image if image.mode in {"L", "RGB", "RGBA"} else image.convert("RGB")


def flattened(image: Image.Image) -> Image.Image:
    """The picture on a neutral ground if parts of it are transparent: JPEG knows no alpha."""
    if image.mode != "RGBA":
        return image
    ground = Image.new("RGB", image.size, NEUTRAL)
    ground.paste(image, mask=image.getchannel("A"))
    return ground


def _opaque(image: Image.Image) -> bool:
    return image.getchannel("A").getextrema() == (255, 255)


def _stretched(image: Image.Image, black: float, white: float) -> Image.Image:
    """Grey numbers of any size as 8 bits; beyond black and white they are cut."""
    scale = 255.0 / (white - black)
    if image.mode != "F":
        image = image.convert("F")  # integers would be cut before they are scaled
    return image.point(lambda value: value * scale - black * scale).convert("L")


def _range(image: Image.Image, whites: tuple[float, ...]) -> tuple[float, float]:
    """What is black and what is white: 0 and the first usual white that holds all, else its own."""
    low, high = _ends(image)
    if not (math.isfinite(low) and math.isfinite(high)) or low == high:
        return 0.0, whites[-1]
    fitting = [white for white in whites if low >= 0 and high <= white]
    return (0.0, fitting[0]) if fitting else (low, high)


def _ends(image: Image.Image) -> tuple[float, float]:
    low, high = image.getextrema()
    assert not isinstance(low, tuple)  # one channel
    assert not isinstance(high, tuple)
    return float(low), float(high)


def _managed(image: Image.Image, profile: bytes) -> Image.Image | None:
    try:
        source = ImageCms.ImageCmsProfile(BytesIO(profile))
    except (OSError, ImageCms.PyCMSError):
        return None
    if image.mode != "CMYK" and "sRGB" in (source.profile.profile_description or ""):
        return None
    return _through(image, source)


def _through(image: Image.Image, source: ImageCms.ImageCmsProfile) -> Image.Image | None:
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    target = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    try:
        return ImageCms.profileToProfile(image, source, target, outputMode=mode)
    except (ImageCms.PyCMSError, ValueError):
        return None  # a profile for other pixels than these
