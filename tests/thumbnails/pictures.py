"""Small pictures of every kind, and ways to look at what was made of them."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO
from pathlib import Path

from PIL import Image

from orchestrator.gallery.thumbnails.making import Source
from tests.gallery_files.pngs import SIGNATURE, chunk

WIDE, HIGH = 240, 160
RED, BLUE = (220, 30, 30), (30, 60, 200)


def scene(width: int = WIDE, height: int = HIGH) -> Image.Image:
    """Red in the top left quarter, blue elsewhere."""
    image = Image.new("RGB", (width, height), BLUE)
    image.paste(RED, (0, 0, width // 2, height // 2))
    return image


def ramp() -> Image.Image:
    """Grey, from black at the left to white at the right."""
    return Image.linear_gradient("L").rotate(90).resize((WIDE, HIGH))


def busy(width: int = WIDE, height: int = HIGH) -> Image.Image:
    """Noise: its file is large, and every part of it stands for a part of the picture."""
    return Image.effect_noise((width, height), 80).convert("RGB")


def huge_png(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is enormous."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    return SIGNATURE + chunk(b"IHDR", header) + data + chunk(b"IEND")


def seen(path: Path) -> Source:
    """A file as it is now."""
    info = path.stat()
    return Source(path, info.st_size, info.st_mtime_ns)


def opened(data: bytes) -> Image.Image:
    """A picture, decoded."""
    image = Image.open(BytesIO(data))
    image.load()
    return image


def colour(image: Image.Image, x: float, y: float) -> tuple[int, ...]:
    """The colour at a place, in parts of the width and the height; with alpha if it has one."""
    found = image.getpixel((int(x * image.width), int(y * image.height)))
    assert isinstance(found, tuple)
    return tuple(int(value) for value in found)


def near(one: tuple[int, ...], other: tuple[int, ...], by: int = 24) -> bool:
    """Whether two colours look the same, as far as encoders keep them."""
    return all(abs(a - b) <= by for a, b in zip(one, other, strict=True))
