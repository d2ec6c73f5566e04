"""The size and the texts of a JPEG, read from its segments without decoding the picture.

A JPEG is a row of segments (ITU-T T.81, annex B): 0xFF, a marker, two bytes of length that count
themselves, data. Texts stand in EXIF (segment APP1) and in comments, before the picture's data.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

from orchestrator.gallery.exif import exif_texts
from orchestrator.gallery.heads import MAX_TEXT, PictureHead, decoded
from orchestrator.gallery.said import said

_LENGTH = struct.Struct(">H")
_SIZE = struct.Struct(">HH")
#: Start of a frame, of whatever coding; 0xC4, 0xC8 and 0xCC in between are something else.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SCAN, _END, _APP1, _COMMENT = 0xDA, 0xD9, 0xE1, 0xFE
#: Markers without a length: restarts, start of image, TEM.
_BARE = frozenset({*range(0xD0, 0xD9), 0x01})
_MAX_SEGMENTS = 10_000
#: Bytes of 0xFF that may stand before a marker; the standard has no limit, files have none.
_MAX_FILLING = 64
_EXIF = b"Exif\0\0"


def read_jpeg(file: BinaryIO) -> PictureHead:
    """Read a JPEG's size and texts. Blocks.

    Raises:
        ValueError: Its size cannot be read.
        OSError: The file cannot be read.
    """
    file.seek(2)
    size: tuple[int, int] | None = None
    exif = b""
    texts: dict[str, str] = {}
    damage: str | None = f"it has more than {_MAX_SEGMENTS} segments"
    for _ in range(_MAX_SEGMENTS):
        marker, length = _segment(file)
        if marker in _BARE:
            continue
        if marker in {_SCAN, _END, None}:
            damage = "the file ends before the picture" if marker is None else None
            break
        if marker in _FRAMES:
            data = file.read(length)
            if len(data) >= 5:
                size = _SIZE.unpack_from(data, 1)
        elif marker in {_APP1, _COMMENT}:
            data = file.read(length)
            if marker == _COMMENT:
                texts |= said(decoded(data))
            elif data.startswith(_EXIF) and len(exif) < MAX_TEXT:
                # Blocks over 64 KiB go on in the next segment.
                exif += data[len(_EXIF) :]
        else:
            file.seek(length, 1)
    if size is None or 0 in size:
        raise ValueError(damage or "it does not say its size")
    height, width = size
    return PictureHead(width, height, texts | exif_texts(exif), damage)


def _segment(file: BinaryIO) -> tuple[int | None, int]:
    """The next marker, and how many bytes of data follow; None at the end of the file."""
    start = file.read(2)
    for _ in range(_MAX_FILLING):
        if start != b"\xff\xff":
            break
        start = start[1:] + file.read(1)
    if len(start) < 2 or start[0] != 0xFF:
        return None, 0
    if start[1] in _BARE or start[1] == _END:
        return start[1], 0
    length = file.read(2)
    if len(length) < 2 or (size := _LENGTH.unpack(length)[0]) < 2:
        return None, 0
    return start[1], size - 2
