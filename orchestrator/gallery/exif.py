"""Finds the texts that programs put into the EXIF block of a JPEG, WebP or AVIF.

Pure. EXIF has no place for graphs, so everybody uses another one:

- ComfyUI's own savers write `prompt:{...}` into Model (0x0110), `workflow:{...}` into Make
  (0x010f), and what else there is into the tags below; others use ImageDescription (0x010e).
- A1111 and its relatives write settings into UserComment, as UTF-16 behind the word UNICODE.

EXIF is a TIFF file without a picture: a list of tags, each with its data or where that stands.
Nothing is taken on trust: a tag whose data is not there is left out.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from orchestrator.gallery.heads import decoded
from orchestrator.gallery.said import said

#: Types of one byte (Pillow writes comments as plain bytes, against the standard), and of four.
_BYTE, _ASCII, _LONG, _UNDEFINED = 1, 2, 4, 7
#: Model, Make, ImageDescription, and the tags below them that ComfyUI goes on with.
_NAMED = range(0x0100, 0x0111)
_EXIF_LIST = 0x8769
_USER_COMMENT = 0x9286
#: How the first eight bytes of a comment say what it is written in (Exif 2.32, table 9).
_CODE = 8
_UNICODE = b"UNICODE\0"
_MAX_TAGS = 1_000


def exif_texts(block: bytes) -> dict[str, str]:
    """The texts of an EXIF block, by keyword as in a PNG; none if it cannot be read."""
    block = block.removeprefix(b"Exif\0\0")
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    if order is None or len(block) < 8:
        return {}
    texts: dict[str, str] = {}
    (first,) = struct.unpack_from(f"{order}L", block, 4)
    for tag, kind, data in _tags(block, order, first):
        if tag in _NAMED and kind == _ASCII:
            texts |= said(decoded(data.rstrip(b"\0")))
        elif tag == _EXIF_LIST and kind == _LONG and len(data) == 4:
            texts |= _commented(block, order, struct.unpack(f"{order}L", data)[0])
    return texts


def _commented(block: bytes, order: str, offset: int) -> dict[str, str]:
    for tag, kind, data in _tags(block, order, offset):
        if tag == _USER_COMMENT and kind in {_BYTE, _ASCII, _UNDEFINED}:
            return said(_comment(data))
    return {}


def _tags(block: bytes, order: str, offset: int) -> Iterator[tuple[int, int, bytes]]:
    """The tags of one list with types of one or four bytes, as (tag, type, data)."""
    if offset + 2 > len(block):
        return
    (count,) = struct.unpack_from(f"{order}H", block, offset)
    entry = struct.Struct(f"{order}HHL4s")
    for number in range(min(count, _MAX_TAGS)):
        at = offset + 2 + number * entry.size
        if at + entry.size > len(block):
            return
        tag, kind, length, data = entry.unpack_from(block, at)
        size = length * 4 if kind == _LONG else length
        if size > 4:
            (where,) = struct.unpack(f"{order}L", data)
            data = block[where : where + size]
        if len(data) >= size:
            yield tag, kind, data[:size]


def _comment(data: bytes) -> str:
    code, text = data[:_CODE], data[_CODE:]
    if code != _UNICODE:
        # Some leave out what it is written in.
        return decoded((text if code.rstrip(b"\0") in {b"ASCII", b""} else data).rstrip(b"\0"))
    if text[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return text.decode("utf-16", "replace")
    # The block's byte order should hold here too, but A1111 always writes the big end first.
    # Settings have names in ASCII, so the half that is mostly zero is the high one.
    big = text[::2].count(0) >= text[1::2].count(0)
    return text.decode("utf-16-be" if big else "utf-16-le", "replace").rstrip("\0")
