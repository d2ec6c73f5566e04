"""Sizes of the picture formats that films are made in: OpenEXR, DPX and Radiance HDR.

Each is read from the file's header alone. OpenEXR also holds texts under any name, and those who
save it from ComfyUI use `prompt` and `workflow`.
"""

from __future__ import annotations

import re
import struct
from typing import BinaryIO

from orchestrator.gallery.heads import MAX_TEXT, PictureHead, decoded
from orchestrator.gallery.said import KEYWORDS

#: What such files begin with.
EXR, DPX, HDR = b"\x76\x2f\x31\x01", (b"SDPX", b"XPDS"), (b"#?RADIANCE", b"#?RGBE")
_EXR_START = 8
_MAX_ATTRIBUTES = 10_000
#: Letters of a name in OpenEXR, with the NUL after it.
_MAX_NAME = 256
_BOX = struct.Struct("<4i")
#: Where width and height stand in a DPX (SMPTE 268M, image information header).
_DPX_SIZE = 772
_HDR_SIZE = re.compile(rb"\n\n[-+]Y (\d{1,6}) [-+]X (\d{1,6})\n")
_HDR_HEADER = 4096


def read_exr(file: BinaryIO) -> PictureHead:
    """Read the size of an OpenEXR's display window, and its texts. Blocks.

    Raises:
        ValueError: Its size cannot be read.
        OSError: The file cannot be read.
    """
    file.seek(_EXR_START)
    box: bytes | None = None
    texts: dict[str, str] = {}
    for _ in range(_MAX_ATTRIBUTES):
        name = _name(file)
        if not name:
            break
        kind, size = _name(file), int.from_bytes(file.read(4), "little")
        if name == "displayWindow" and size == _BOX.size:
            box = file.read(size)
        elif name in KEYWORDS and kind == "string" and size <= MAX_TEXT:
            texts[name] = decoded(file.read(size))
        else:
            file.seek(size, 1)
    if box is None or len(box) < _BOX.size:
        raise ValueError("its header ends before its size")
    left, top, right, bottom = _BOX.unpack(box)
    return _sized(right - left + 1, bottom - top + 1, texts)


def _name(file: BinaryIO) -> str:
    """A text that ends with NUL; "" at the end of the header or of the file."""
    name = b""
    while len(name) < _MAX_NAME and (letter := file.read(1)) not in {b"", b"\0"}:
        name += letter
    return decoded(name)


def read_dpx(file: BinaryIO) -> PictureHead:
    """Read a DPX's size. Blocks.

    Raises:
        ValueError: Its size cannot be read.
        OSError: The file cannot be read.
    """
    file.seek(0)
    order = ">" if file.read(4) == DPX[0] else "<"
    file.seek(_DPX_SIZE)
    size = file.read(8)
    if len(size) < 8:
        raise ValueError("its header ends before its size")
    return _sized(*struct.unpack(f"{order}LL", size))


def read_hdr(file: BinaryIO) -> PictureHead:
    """Read a Radiance picture's size. Blocks.

    Raises:
        ValueError: Its size cannot be read.
        OSError: The file cannot be read.
    """
    file.seek(0)
    found = _HDR_SIZE.search(file.read(_HDR_HEADER))
    if found is None:
        raise ValueError("its header does not say its size")
    return _sized(int(found[2]), int(found[1]))


def _sized(width: int, height: int, texts: dict[str, str] | None = None) -> PictureHead:
    if not (0 < width < 2**31 and 0 < height < 2**31):
        raise ValueError(f"its size is {width} x {height}")
    return PictureHead(width, height, texts or {})
