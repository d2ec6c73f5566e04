"""Opening pictures that may be broken, huge or hostile, as far as Pillow can. Functions block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Final

from PIL import Image, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from orchestrator.gallery.thumbnails.spec import Why

#: Pixels that are decoded at most. Pillow holds four bytes of each.
MAX_PIXELS: Final = 200_000_000
#: What files may be, whatever they are called. Pillow would run Ghostscript on others.
_FORMATS: Final = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")

# Pillow's own limit, for what it decodes before it tells us a size. It refuses twice as many, and
# warns of more than this. A process has only one: this is its place.
Image.MAX_IMAGE_PIXELS = MAX_PIXELS


class NoPictureError(Exception):
    """A file that cannot be shown. Never leaves this package: a placeholder is shown instead."""

    def __init__(self, why: Why, said: str) -> None:
        """`said` is for the service's log."""
        super().__init__(said)
        self.why = why


@contextmanager
def mistrusting() -> Iterator[None]:
    """Around all that decoders do to a file that nobody vouches for.

    Raises:
        NoPictureError: what the decoder thinks of it.
        OSError: what the share says; only this has a number.
    """
    try:
        yield
    except NoPictureError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError) as exc:
        raise NoPictureError(Why.TOO_LARGE, str(exc)) from exc
    except UnidentifiedImageError as exc:
        raise NoPictureError(Why.UNSUPPORTED, str(exc)) from exc
    except OSError as exc:
        if exc.errno is not None:
            raise
        raise NoPictureError(Why.BROKEN, str(exc)) from exc
    except Exception as exc:  # what damaged files make it raise has no end: KeyError, struct.error
        raise NoPictureError(Why.BROKEN, repr(exc)) from exc


def open_picture(file: IO[bytes]) -> ImageFile:
    """A picture of which only the header has been read.

    Raises:
        NoPictureError: it is none, or too large by its header.
        OSError: the share's word.
    """
    with mistrusting():
        image = Image.open(file, formats=_FORMATS)
        check_size(image.width, image.height)
    return image


def check_size(width: int, height: int) -> None:
    """Refuse what would take too much memory.

    Raises:
        NoPictureError: it is too large.
    """
    if width * height > MAX_PIXELS:
        raise NoPictureError(Why.TOO_LARGE, f"{width} x {height} pixels")


def decode(image: ImageFile) -> bool:
    """Decode the first frame; whether it is all there.

    Of a file that ends early, or is damaged further on, what came before is kept.

    Raises:
        NoPictureError: nothing came before.
        OSError: the share's word.
    """
    try:
        with mistrusting():
            image.load()
    except NoPictureError as exc:
        if exc.why is not Why.BROKEN:
            raise
        # Without tiles left, Pillow takes what it holds for the picture, this one and no other:
        # ImageFile.LOAD_TRUNCATED_IMAGES would be for the whole process.
        image.tile = []
        with mistrusting():
            image.load()
            if image.getbbox(alpha_only=False) is None:
                raise NoPictureError(Why.BROKEN, "nothing could be decoded") from exc
        return False
    return True
