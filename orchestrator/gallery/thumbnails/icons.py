"""Placeholders for files that have no picture, drawn once for each size and format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Final

from PIL import Image, ImageDraw
from PIL.Image import Resampling

from orchestrator.gallery.thumbnails.making import encode
from orchestrator.gallery.thumbnails.spec import Spec, Why

#: All of them are drawn on a square of this side, and made smaller: that smooths their edges.
_SIDE: Final = 1024
_GROUND, _PLATE, _LINE, _WARNING = "#23262b", "#2f343b", "#9aa4b0", "#d9a05b"
_WIDTH: Final = 28

Draw = ImageDraw.ImageDraw


@lru_cache(maxsize=512)
def placeholder(why: Why, spec: Spec) -> bytes:
    """What is shown instead of a thumbnail, encoded. Blocks for some milliseconds at first."""
    side = (spec.pixels, spec.pixels)
    return encode(_drawn(why).resize(side, Resampling.LANCZOS, reducing_gap=2.0), spec.format)


@lru_cache(maxsize=len(Why))
def _drawn(why: Why) -> Image.Image:
    image = Image.new("RGB", (_SIDE, _SIDE), _GROUND)
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((112, 192, 912, 832), 72, fill=_PLATE)
    _SIGNS[why](draw)
    return image


def _sound(draw: Draw) -> None:
    """Bars of a level meter."""
    for number, height in enumerate((90, 190, 300, 150, 240, 340, 200, 110, 60)):
        x = 256 + number * 64
        draw.rounded_rectangle((x - 16, 512 - height / 2, x + 16, 512 + height / 2), 16, _LINE)


def _video(draw: Draw) -> None:
    """A strip of film, and the sign for playing it."""
    for x in range(176, 880, 96):
        for y in (232, 744):
            draw.rounded_rectangle((x, y, x + 48, y + 48), 12, fill=_GROUND)
    draw.polygon(((432, 384), (432, 640), (656, 512)), fill=_LINE)


def _unsupported(draw: Draw) -> None:
    """A picture in its frame."""
    _landscape(draw, _LINE)


def _broken(draw: Draw) -> None:
    """A picture with a crack through it."""
    _landscape(draw, _LINE)
    crack = ((560, 192), (470, 400), (570, 500), (450, 660), (520, 832))
    draw.line(crack, fill=_GROUND, width=72, joint="curve")
    draw.line(crack, fill=_WARNING, width=_WIDTH // 2, joint="curve")


def _too_large(draw: Draw) -> None:
    """Arrows that point out of every corner."""
    for x, y in ((232, 312), (792, 312), (232, 712), (792, 712)):
        inward_x, inward_y = (1 if x < 512 else -1), (1 if y < 512 else -1)
        draw.line((x, y, x + 150 * inward_x, y + 110 * inward_y), fill=_WARNING, width=_WIDTH)
        arms = ((x + 110 * inward_x, y), (x, y), (x, y + 110 * inward_y))
        draw.line(arms, fill=_WARNING, width=_WIDTH, joint="curve")


def _changing(draw: Draw) -> None:
    """Three dots: more is to come."""
    for x in (352, 512, 672):
        draw.ellipse((x - 40, 472, x + 40, 552), fill=_LINE)


def _landscape(draw: Draw, colour: str) -> None:
    draw.rounded_rectangle((256, 320, 768, 704), 32, outline=colour, width=_WIDTH)
    draw.ellipse((600, 390, 680, 470), fill=colour)
    draw.polygon(((312, 648), (440, 448), (544, 600), (600, 536), (712, 648)), fill=colour)


_SIGNS: Final[Mapping[Why, Callable[[Draw], None]]] = {
    Why.AUDIO: _sound,
    Why.VIDEO: _video,
    Why.UNSUPPORTED: _unsupported,
    Why.BROKEN: _broken,
    Why.TOO_LARGE: _too_large,
    Why.CHANGING: _changing,
}
