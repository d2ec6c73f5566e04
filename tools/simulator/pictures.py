"""Pictures that the simulator paints: a landscape that depends only on words, seed and size."""

from __future__ import annotations

import hashlib
import math
import random
from io import BytesIO
from typing import Final

from attrs import frozen
from PIL import Image, ImageChops, ImageDraw, ImageFilter

Colour = tuple[int, int, int]


@frozen
class Palette:
    """Colours of a landscape: sky from top to horizon, the sun, the hills from far to near."""

    top: Colour
    horizon: Colour
    sun: Colour
    far: Colour
    near: Colour


#: Palettes and the words of a prompt that call for them; the first match wins.
_PALETTES: Final[tuple[tuple[tuple[str, ...], Palette], ...]] = (
    (
        ("night", "moon", "dark", "noir", "star"),
        Palette((8, 12, 38), (52, 62, 110), (240, 240, 220), (36, 42, 82), (6, 8, 22)),
    ),
    (
        ("sunset", "dusk", "warm", "fire", "desert", "golden"),
        Palette((72, 48, 110), (255, 160, 92), (255, 226, 150), (176, 92, 96), (48, 24, 48)),
    ),
    (
        ("snow", "winter", "ice", "arctic"),
        Palette(
            (146, 186, 214), (236, 242, 248), (255, 255, 246), (196, 212, 228), (104, 128, 156)
        ),
    ),
    (
        ("sea", "ocean", "water", "beach", "lake", "blue"),
        Palette((38, 110, 176), (188, 228, 240), (255, 248, 214), (84, 160, 190), (12, 62, 96)),
    ),
    (
        ("forest", "green", "jungle", "meadow", "tree"),
        Palette((96, 164, 190), (222, 238, 214), (255, 250, 206), (120, 170, 122), (22, 62, 40)),
    ),
    (
        ("city", "neon", "cyber", "robot", "space"),
        Palette((22, 10, 56), (214, 64, 156), (110, 240, 250), (74, 32, 118), (10, 6, 30)),
    ),
    (
        (),
        Palette((84, 130, 196), (246, 214, 190), (255, 244, 206), (140, 150, 180), (44, 48, 72)),
    ),
)


def landscape(words: str, seed: int, size: tuple[int, int]) -> Image.Image:
    """Paint the picture for a prompt; the same arguments always give the same pixels."""
    width, height = size
    digest = hashlib.sha256(f"{seed}|{words}".encode("utf-8", "surrogatepass")).digest()
    chance = random.Random(digest)
    palette = _shifted(_palette(words), chance)
    picture = _sky(palette, size)
    _shine(picture, palette, chance)
    layers = 4
    for layer in range(layers):
        share = layer / (layers - 1)
        colour = _mix(palette.far, palette.near, share)
        level = height * (0.52 + 0.36 * share + chance.uniform(-0.04, 0.04))
        ImageDraw.Draw(picture).polygon(_ridge(width, height, level, chance), fill=colour)
    return picture


def unfinished(picture: Image.Image, noise: float, seed: int) -> Image.Image:
    """The picture with `noise` (0 to 1) left in it, as a sampler sees it halfway."""
    if noise <= 0:
        return picture
    tile = Image.frombytes("RGB", (32, 32), random.Random(seed).randbytes(32 * 32 * 3))
    grain = tile.resize(picture.size, Image.Resampling.NEAREST)
    soft = picture.filter(ImageFilter.GaussianBlur(noise * max(picture.size) / 16))
    return Image.blend(soft, grain, min(0.85, noise * 0.8))


def jpeg(picture: Image.Image, longest: int) -> bytes:
    """A JPEG whose longer side has at most so many pixels."""
    small = picture.copy()
    small.thumbnail((longest, longest))
    buffer = BytesIO()
    small.save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def noise(seed: int, size: tuple[int, int]) -> Image.Image:
    """Plain noise, which no compression makes small."""
    data = random.Random(seed).randbytes(size[0] * size[1] * 3)
    return Image.frombytes("RGB", size, data)


def _palette(words: str) -> Palette:
    lowered = words.lower()
    found = (palette for keys, palette in _PALETTES if any(key in lowered for key in keys))
    return next(found, _PALETTES[-1][1])


def _shifted(palette: Palette, chance: random.Random) -> Palette:
    """The same mood in slightly other colours, so that two seeds can be told apart."""

    def shift(colour: Colour) -> Colour:
        red, green, blue = (max(0, min(255, part + chance.randint(-18, 18))) for part in colour)
        return red, green, blue

    return Palette(
        shift(palette.top),
        shift(palette.horizon),
        shift(palette.sun),
        shift(palette.far),
        shift(palette.near),
    )


def _mix(one: Colour, other: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _sky(palette: Palette, size: tuple[int, int]) -> Image.Image:
    rows = 64
    column = Image.new("RGB", (1, rows))
    for row in range(rows):
        column.putpixel((0, row), _mix(palette.top, palette.horizon, min(1.0, row / (rows * 0.7))))
    return column.resize(size, Image.Resampling.BICUBIC)


def _shine(picture: Image.Image, palette: Palette, chance: random.Random) -> None:
    """A sun with its glow, somewhere in the sky."""
    width, height = picture.size
    x, y = chance.uniform(0.15, 0.85) * width, chance.uniform(0.15, 0.5) * height
    glow = max(4, round(min(width, height) * chance.uniform(0.7, 1.1)))
    halo = ImageChops.invert(Image.radial_gradient("L")).resize((glow, glow))
    # The gradient reaches 181 at the middle of an edge: below that, the glow must be gone.
    halo = halo.point([round(200 * (max(0, level - 75) / 180) ** 2) for level in range(256)])
    picture.paste(palette.sun, (round(x - glow / 2), round(y - glow / 2)), halo)
    radius = min(width, height) * chance.uniform(0.04, 0.09)
    ImageDraw.Draw(picture).ellipse((x - radius, y - radius, x + radius, y + radius), palette.sun)


def _ridge(
    width: int, height: int, level: float, chance: random.Random
) -> list[tuple[float, float]]:
    waves = [
        (chance.uniform(0.6, 1.8) * 2**octave, chance.uniform(0, math.tau), 0.09 / 1.9**octave)
        for octave in range(4)
    ]
    points = 96
    edge = [
        (
            width * i / points,
            level + height * sum(a * math.sin(math.tau * f * i / points + p) for f, p, a in waves),
        )
        for i in range(points + 1)
    ]
    return [(0, height), *edge, (width, height)]
