"""Whether a file is of the kind that its name says. Functions block."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PIL import Image

from orchestrator.gallery.media import suffix

#: So many bytes at the beginning tell the kind.
_HEAD = 16


def fault(path: Path, name: str) -> str | None:
    """Why a file cannot have a name; None if it can. Blocks.

    Args:
        path: The file, under whatever name it has now.
        name: What it is to be called; its suffix is one of media.
    """
    ending = suffix(name)
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head:
        return "it is empty"
    looks = _LOOKS.get(ending)
    if looks is not None and not looks(head):
        return f"its content is not what a {ending} has"
    if ending in Image.registered_extensions():
        return _picture_fault(path, ending)
    return None


def _picture_fault(path: Path, ending: str) -> str | None:
    wanted = Image.registered_extensions()[ending]
    try:
        # No other reader may have a look: each of them is more code for a hostile file to attack.
        with Image.open(path, formats=[wanted]) as picture:
            picture.verify()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as exc:
        said = str(exc).replace(repr(str(path)), "it").replace(str(path), "it")
        return f"it is no {wanted} that can be read: {said}"
    return None


def _begins(*magics: bytes) -> Callable[[bytes], bool]:
    return lambda head: head.startswith(magics)


def _holds(kind: bytes, *containers: bytes) -> Callable[[bytes], bool]:
    """A RIFF file: a container, its length, and the kind of what is in it."""
    return lambda head: head[:4] in containers and head[8:12] == kind


def _boxes(*kinds: bytes) -> Callable[[bytes], bool]:
    """An ISO or QuickTime file: the length of the first box, then its kind."""
    return lambda head: head[4:8] in kinds


_MATROSKA = _begins(b"\x1a\x45\xdf\xa3")
_OGG = _begins(b"OggS")
_TIFF = _begins(b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_JPEG = _begins(b"\xff\xd8\xff")

#: How files of each suffix begin. Every suffix of the gallery's media stands here.
_LOOKS: dict[str, Callable[[bytes], bool]] = {
    ".png": _begins(b"\x89PNG\r\n\x1a\n"),
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".webp": _holds(b"WEBP", b"RIFF"),
    ".gif": _begins(b"GIF87a", b"GIF89a"),
    ".bmp": _begins(b"BM"),
    ".tif": _TIFF,
    ".tiff": _TIFF,
    ".avif": _boxes(b"ftyp"),
    ".jxl": _begins(b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n"),
    ".exr": _begins(b"\x76\x2f\x31\x01"),
    ".hdr": _begins(b"#?"),
    ".dpx": _begins(b"SDPX", b"XPDS"),
    ".mp4": _boxes(b"ftyp"),
    ".m4v": _boxes(b"ftyp"),
    ".mov": _boxes(b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"),
    ".avi": _holds(b"AVI ", b"RIFF"),
    ".webm": _MATROSKA,
    ".mkv": _MATROSKA,
    ".wav": _holds(b"WAVE", b"RIFF", b"RF64"),
    ".flac": _begins(b"fLaC"),
    # A frame begins with eleven bits set; before it there may be tags.
    ".mp3": lambda head: head.startswith(b"ID3") or (head[0] == 0xFF and head[1:2] >= b"\xe0"),
    ".ogg": _OGG,
    ".opus": _OGG,
    ".m4a": _boxes(b"ftyp"),
}
