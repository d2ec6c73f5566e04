"""Opening a picture that may be hostile: bombs, damage, and files that are not what they seem."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import BinaryIO, Final

from PIL import Image, UnidentifiedImageError

from orchestrator.gallery.duplicates.opening import CannotCompareError, StoppedError
from orchestrator.gallery.media import media_type, suffix

#: Pictures with more pixels are not decoded. Pillow's own limit: 9459 x 9459, 358 MB in memory.
MAX_PIXELS: Final = 89_478_485
#: Pictures with more pixels are decoded one at a time.
_LARGE: Final = 16_000_000
_one_large = threading.Lock()

#: Formats that are tried, whatever the suffix. Others can start programs (EPS) or are no pictures.
_FORMATS: Final[tuple[str, ...]] = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
#: Pictures to the gallery, but not to Pillow.
_CLOSED: Final = frozenset({".jxl", ".exr", ".hdr", ".dpx"})


def is_picture(path: str) -> bool:
    """Whether a file's name promises a picture."""
    kind = media_type(path.rpartition("/")[2])
    return kind is not None and kind.kind == "image"


def is_closed(path: str) -> bool:
    """Whether it is a picture of a kind that cannot be decoded here."""
    return suffix(path) in _CLOSED


def check_dimensions(width: int, height: int) -> None:
    """Refuse a picture that would not fit into memory.

    Raises:
        CannotCompareError: It is too large.
    """
    if width * height > MAX_PIXELS:
        raise CannotCompareError(f"it has more than {MAX_PIXELS} pixels: {width} x {height}")


@contextmanager
def opened_picture(file: BinaryIO) -> Iterator[Image.Image]:
    """A picture whose header was read, to be decoded inside of the block. Blocks.

    Raises:
        CannotCompareError: It is no picture, too large, or damaged.
        OSError: The share does not let us read, or memory is short. What Pillow thinks of a
            picture has no number, and is not raised as such.
    """
    Image.init()  # the first time, it registers the formats that this Pillow was built with
    formats = [name for name in _FORMATS if name in Image.OPEN]
    try:
        file.seek(0)
        with Image.open(file, formats=formats) as image:
            check_dimensions(*image.size)
            large = image.width * image.height > _LARGE
            with _one_large if large else nullcontext():
                yield image
    except (CannotCompareError, StoppedError):
        raise
    except UnidentifiedImageError as exc:
        raise CannotCompareError("it is no picture that can be read") from exc
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as exc:
        raise CannotCompareError(f"it has more than {MAX_PIXELS} pixels") from exc
    except MemoryError as exc:
        # Of this moment, and so not to be remembered of the file.
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM)) from exc
    except Exception as exc:  # a damaged file makes Pillow raise anything
        if isinstance(exc, OSError) and exc.errno is not None:
            raise
        raise CannotCompareError(f"it is damaged: {exc}") from exc
