"""The pixels of one picture as a hash that is the same for every way to store them."""

from __future__ import annotations

import io
from collections.abc import Iterator
from hashlib import sha256
from typing import Final

from attrs import frozen
from PIL import Image, ImageSequence

from orchestrator.gallery.duplicates.opening import CannotCompareError, Opened, StoppedError
from orchestrator.gallery.duplicates.pictures import check_dimensions, opened_picture
from orchestrator.gallery.duplicates.png_data import SIGNATURE, hash_data, read_start

#: Pixels that the first rows have about: enough to tell most pictures apart, and little to read.
_FIRST: Final = 4 * 1024
#: Pixels converted and hashed at a time.
_BAND: Final = 1 << 20
#: Pixels of all frames of an animation together: 1,000 frames of a megapixel.
MAX_FRAMES: Final = 1 << 30

#: Kinds of pixels that RGBA of 8 bits holds without loss. Others are compared as they are.
_LIKE_RGBA: Final = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA"})


@frozen
class Outline:
    """What is cheap to know of a picture."""

    #: `width x height`.
    dimensions: str
    #: The hash of its first rows; None if only decoding tells.
    top: str | None

    @classmethod
    def parsed(cls, value: str) -> Outline:
        """As `read_outline` wrote it."""
        dimensions, _, top = value.partition(" ")
        return cls(dimensions, top or None)


@frozen
class Pixels:
    """What decoding told of a picture."""

    #: As in an `Outline`.
    top: str
    #: The hash of all pixels of all frames.
    all: str

    @classmethod
    def parsed(cls, value: str) -> Pixels:
        """As `read_pixels` wrote it."""
        return cls(*value.split(" "))


def read_outline(opened: Opened) -> str:
    """An `Outline` as text. Blocks.

    Raises:
        CannotCompareError: The picture is damaged, too large, or no picture.
        OSError: It cannot be read.
    """
    if opened.file.read(len(SIGNATURE)) == SIGNATURE:
        start = read_start(opened.file, _rows)
        dimensions = f"{start.width}x{start.height}"
        if start.first_rows is None:
            return dimensions
        with opened_picture(io.BytesIO(start.first_rows)) as image:
            return f"{dimensions} {_hash_rows(image, image.height)}"
    with opened_picture(opened.file) as image:
        return f"{image.width}x{image.height}"


def read_pixels(opened: Opened) -> str:
    """`Pixels` as text. Blocks.

    Pillow reads colours of 16 bits with 8 only. Two such PNGs are the same if their compressed
    data is; other such files are refused.

    Raises:
        CannotCompareError: As for `read_outline`.
        StoppedError: As it says.
        OSError: It cannot be read.
    """
    with opened_picture(opened.file) as image:
        if not _is_flattened(image):
            top, digest, room = "", sha256(), MAX_FRAMES
            for frame in ImageSequence.Iterator(image):
                check_dimensions(*frame.size)
                room -= frame.width * frame.height
                if room < 0:
                    raise CannotCompareError(f"its frames have more than {MAX_FRAMES} pixels")
                frame.load()
                top = top or _hash_rows(frame, _rows(*frame.size))
                digest.update(f"{frame.width}x{frame.height} ".encode())
                for rows in _bands(frame, frame.height):
                    if opened.stop.is_set():
                        raise StoppedError
                    digest.update(rows)
            return f"{top} {digest.hexdigest()}"
        if image.format != "PNG":
            raise CannotCompareError("its colours have more than 8 bits")
    data = f"deep-{hash_data(opened)}"
    return f"{data} {data}"


def _rows(width: int, height: int) -> int:
    """How many rows are the first ones."""
    return max(1, min(height, _FIRST // width))


def _hash_rows(image: Image.Image, count: int) -> str:
    digest = sha256()
    for rows in _bands(image, count):
        digest.update(rows)
    return digest.hexdigest()


def _bands(image: Image.Image, count: int) -> Iterator[bytes]:
    """The first rows as RGBA, some at a time; as they are, and saying so, if RGBA is too narrow."""
    narrow = image.mode in _LIKE_RGBA
    if not narrow:
        yield f"{image.mode} ".encode()
    step = max(1, _BAND // image.width)
    for upper in range(0, count, step):
        band = image.crop((0, upper, image.width, min(count, upper + step)))
        yield (band.convert("RGBA") if narrow else band).tobytes()


def _is_flattened(image: Image.Image) -> bool:
    """Whether Pillow is about to read 16 bits per colour as 8; told by how it will unpack them."""
    tiles = getattr(image, "tile", ())
    return image.mode in _LIKE_RGBA and any(";16" in str(tile[3]) for tile in tiles)
