"""What one picture looks like, as 64 bits of which few change if the picture changes a little."""

from __future__ import annotations

from typing import Final

from attrs import frozen
from PIL import Image

from orchestrator.gallery.duplicates.opening import Opened
from orchestrator.gallery.duplicates.pictures import opened_picture

#: Cells across and down: each is compared with its right neighbour, which makes 8 x 8 bits.
_ACROSS: Final = 9
_DOWN: Final = 8
#: A picture whose cells differ less, of 255, has no shape that could be compared.
_PLAIN: Final = 4
#: Bits that tell how much there is of each colour in a plain picture.
_LEVELS: Final = 21
#: Kinds of pixels whose values are no 8 bits: depth maps, masks, measurements.
_WIDE: Final = frozenset({"I", "F", "I;16", "I;16B", "I;16L", "I;16N"})


@frozen
class Look:
    """What a picture looks like."""

    bits: int
    #: Whether it is of one colour. Then the bits tell the colour, and not which neighbour is
    #: brighter: black and white frames would be the same otherwise.
    plain: bool

    def __str__(self) -> str:
        return f"{'plain' if self.plain else 'look'}-{self.bits:016x}"

    @classmethod
    def parsed(cls, value: str) -> Look:
        """As `str` wrote it."""
        kind, _, bits = value.partition("-")
        return cls(int(bits, 16), kind == "plain")


def read_look(opened: Opened) -> str:
    """A `Look` as text; of an animation, that of its first frame. Blocks.

    Raises:
        CannotCompareError: The picture is damaged, too large, or no picture.
        OSError: It cannot be read.
    """
    with opened_picture(opened.file) as image:
        # A JPEG can be decoded at an eighth of its size right away.
        image.draft("RGB", (8 * _ACROSS, 8 * _DOWN))
        return str(look_of(_small(image)))


def look_of(small: Image.Image) -> Look:
    """The look of a picture that was brought to 9 x 8 pixels of RGB. Pure.

    A difference hash: each bit says whether a cell is darker than its right neighbour.
    """
    grey = small.convert("L")
    cells = grey.tobytes()
    if max(cells) - min(cells) < _PLAIN:
        return Look(_colour_bits(small), plain=True)
    bits = 0
    for row in range(0, len(cells), _ACROSS):
        for left in range(row, row + _ACROSS - 1):
            bits = bits << 1 | (cells[left] < cells[left + 1])
    return Look(bits, plain=False)


def _colour_bits(small: Image.Image) -> int:
    """The middle colour, each of its three parts as a row of ones as long as it is bright."""
    bits = 0
    for part in small.resize((1, 1), Image.Resampling.BOX).tobytes():
        ones = round(part * _LEVELS / 255)
        bits = bits << _LEVELS | (1 << ones) - 1
    return bits


def _small(image: Image.Image) -> Image.Image:
    """The picture as 9 x 8 pixels of RGB; what is transparent, as if before white."""
    size = (_ACROSS, _DOWN)
    if image.mode in _WIDE:
        return _stretched(image.convert("F").resize(size, Image.Resampling.BOX))
    if image.mode in ("LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
    elif image.mode not in ("L", "RGB", "RGBA"):
        image = image.convert("RGB")
    small = image.resize(size, Image.Resampling.BOX, reducing_gap=2.0)
    if small.mode == "RGBA":
        small = Image.alpha_composite(Image.new("RGBA", size, "white"), small)
    return small.convert("RGB")


def _stretched(small: Image.Image) -> Image.Image:
    """Values of any range as 8 bits."""
    low, high = (float(end) for end in small.getextrema())  # type: ignore[arg-type]  # one band
    scale = 255 / (high - low) if high > low else 0.0
    return small.point(lambda value: value * scale - low * scale).convert("RGB")
