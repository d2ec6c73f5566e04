"""The size and the texts of a WebP, read from its chunks without decoding the picture.

A WebP is a RIFF file (RFC 9649): chunks of a name, a length with the small end first, data, and a
byte more if the length is odd. EXIF usually stands last, so what is before it is skipped: Pillow
would read the whole file and make room for the whole canvas.
"""

from __future__ import annotations

import os
import struct
from typing import BinaryIO

from orchestrator.gallery.exif import exif_texts
from orchestrator.gallery.heads import MAX_TEXT, PictureHead

_CHUNK = struct.Struct("<4sL")
_RIFF = 12
_MAX_CHUNKS = 100_000
_HAS_EXIF = 0x08
#: As many bytes of a first chunk as hold the size.
_SIZED = 10


def read_webp(file: BinaryIO) -> PictureHead:
    """Read a WebP's size and texts. Blocks.

    Raises:
        ValueError: Its size cannot be read.
        OSError: The file cannot be read.
    """
    file.seek(_RIFF)
    kind, length = _chunk(file)
    data = file.read(_SIZED)
    width, height = _size(kind, data)
    if kind != b"VP8X" or not data[0] & _HAS_EXIF:
        return PictureHead(width, height)
    file.seek(length - len(data) + length % 2, os.SEEK_CUR)
    for _ in range(_MAX_CHUNKS):
        kind, length = _chunk(file)
        if not kind:
            break
        if kind == b"EXIF":
            if length > MAX_TEXT:
                return PictureHead(width, height, damaged="its EXIF is too large to be read")
            block = file.read(length)
            damage = None if len(block) == length else "the file ends inside its EXIF"
            return PictureHead(width, height, exif_texts(block), damage)
        file.seek(length + length % 2, os.SEEK_CUR)
    return PictureHead(width, height, damaged="the file ends before its EXIF")


def _chunk(file: BinaryIO) -> tuple[bytes, int]:
    """The next chunk's name and length; no name at the end of the file."""
    header = file.read(_CHUNK.size)
    if len(header) < _CHUNK.size:
        return b"", 0
    kind, length = _CHUNK.unpack(header)
    return kind, length


def _size(kind: bytes, data: bytes) -> tuple[int, int]:
    if len(data) == _SIZED:
        if kind == b"VP8X":
            return 1 + int.from_bytes(data[4:7], "little"), 1 + int.from_bytes(data[7:], "little")
        if kind == b"VP8L" and data[0] == 0x2F:
            bits = int.from_bytes(data[1:5], "little")
            return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        if kind == b"VP8 " and data[3:6] == b"\x9d\x01\x2a":
            width, height = struct.unpack_from("<HH", data, 6)
            return width & 0x3FFF, height & 0x3FFF
    raise ValueError("its size cannot be read")
