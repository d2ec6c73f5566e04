"""What stands in one picture: its size, and how it was made. Functions block.

A file is read as what it is, whatever its name says: browsers do the same. Pixels are never
decoded, so neither a huge picture nor a bomb costs more than its header.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from attrs import evolve, frozen
from PIL import AvifImagePlugin, BmpImagePlugin, GifImagePlugin, ImageFile, TiffImagePlugin

from orchestrator.errors import PngUnreadable
from orchestrator.gallery import film
from orchestrator.gallery.exif import exif_texts
from orchestrator.gallery.heads import PictureHead, decoded
from orchestrator.gallery.jpeg import read_jpeg
from orchestrator.gallery.media import media_type, mime_type, suffix
from orchestrator.gallery.metadata import NOTHING, Generation, generation
from orchestrator.gallery.png import read_head
from orchestrator.gallery.said import said
from orchestrator.gallery.webp import read_webp

#: As many bytes as tell the formats apart.
_START = 16
#: Pillow reads an AVIF whole, to find its size; real ones have a few megabytes.
_MAX_AVIF = 256 * 1024 * 1024

_Reader = Callable[[BinaryIO], PictureHead]


@frozen
class PictureFacts:
    """What could be read; what could not is None, and `note` says why."""

    width: int | None
    height: int | None
    generation: Generation
    note: str | None = None


_UNKNOWN = PictureFacts(None, None, NOTHING)


def facts(path: Path) -> PictureFacts:
    """Read a picture's facts. A broken one is described as far as it goes; no picture has none.

    Raises:
        OSError: the file cannot be opened or read.
    """
    name = path.name
    if name.endswith(".png"):
        return _png(path)  # nearly all files; the rest of the questions would cost as much again
    kind = media_type(name)
    if kind is None or kind.kind != "image":
        return _UNKNOWN
    return _png(path) if suffix(name) == ".png" else _other(path)


def _png(path: Path) -> PictureFacts:
    try:
        return _facts(read_head(path))
    except PngUnreadable as exc:
        return evolve(_other(path), note=str(exc))


def _other(path: Path) -> PictureFacts:
    """The facts of a file whose first bytes say what it is."""
    try:
        with path.open("rb") as file:
            mime, read = _format(file.read(_START))
            head = read_head(path) if read is None else read(file)
    except OSError as exc:
        if exc.errno is not None:
            raise  # the share's word; what Pillow thinks of a picture has no number
        return evolve(_UNKNOWN, note=f"cannot be read: {exc}")
    # Pillow says of broken files what happens to go wrong, or warns.
    except (ValueError, TypeError, SyntaxError, struct.error, EOFError, Warning) as exc:
        return evolve(_UNKNOWN, note=f"cannot be read: {exc}")
    except PngUnreadable as exc:
        return evolve(_UNKNOWN, note=str(exc))
    named = mime_type(path.name)
    if mime != named:
        head = evolve(head, damaged=head.damaged or f"it is {mime}, not {named} as its name says")
    return _facts(head)


def _facts(head: PictureHead) -> PictureFacts:
    made = generation(head.texts) if head.texts else NOTHING
    return PictureFacts(head.width, head.height, made, head.damaged)


def _format(start: bytes) -> tuple[str, _Reader | None]:
    """What a file is by its first bytes: its MIME type, and what reads it; None for PNG.

    Raises:
        ValueError: It is nothing whose size can be read here.
    """
    for begin, mime, read in _FORMATS:
        if start.startswith(begin):
            return mime, read
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "image/webp", read_webp
    if start[4:12] in {b"ftypavif", b"ftypavis"}:
        return "image/avif", _read_avif
    raise ValueError("it is of no format that can be read here" if start else "it is empty")


def _read_avif(file: BinaryIO) -> PictureHead:
    if file.seek(0, 2) > _MAX_AVIF:
        raise ValueError(f"it has more than {_MAX_AVIF} bytes")
    return _by_pillow(AvifImagePlugin.AvifImageFile)(file)


def _by_pillow(opener: type[ImageFile.ImageFile]) -> _Reader:
    """Reads a format by Pillow's class for it.

    `Image.open` would refuse pictures with many pixels, or warn; here no pixel is made room for.
    """

    def read(file: BinaryIO) -> PictureHead:
        file.seek(0)
        with opener(file) as image:
            comment, exif = image.info.get("comment"), image.info.get("exif")
            texts = said(decoded(comment)) if isinstance(comment, bytes) else {}
            texts |= exif_texts(exif) if isinstance(exif, bytes) else {}
            return PictureHead(image.width, image.height, texts)

    return read


_FORMATS: tuple[tuple[bytes | tuple[bytes, ...], str, _Reader | None], ...] = (
    (b"\x89PNG", "image/png", None),
    (b"\xff\xd8\xff", "image/jpeg", read_jpeg),
    (b"GIF8", "image/gif", _by_pillow(GifImagePlugin.GifImageFile)),
    (b"BM", "image/bmp", _by_pillow(BmpImagePlugin.BmpImageFile)),
    ((b"II*\0", b"MM\0*"), "image/tiff", _by_pillow(TiffImagePlugin.TiffImageFile)),
    (film.EXR, "image/aces", film.read_exr),
    (film.DPX, "image/x-dpx", film.read_dpx),
    (film.HDR, "image/vnd.radiance", film.read_hdr),
)
