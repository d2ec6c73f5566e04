"""What a PNG tells of its pixels before it is decoded: its first rows, and its compressed data.

Files may be torn or hostile: lengths are checked before anything is read, and data is unpacked up
to a limit. How PNGs are made: `gallery/png.py`.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from hashlib import sha256
from typing import BinaryIO, Final

from attrs import frozen

from orchestrator.gallery.duplicates.opening import CannotCompareError, Opened
from orchestrator.gallery.duplicates.pictures import check_dimensions
from orchestrator.gallery.png import MAX_CHUNKS

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
#: Unpacked bytes that first rows may have at most; the rows of real pictures have a tenth.
MAX_ROWS: Final = 1 << 20

_CHUNK = struct.Struct(">I4s")
#: Width, height, bits per sample, kind of colour, two methods, interlacing.
_IHDR = struct.Struct(">IIBBBBB")
#: Samples per pixel, by kind of colour: grey, RGB, palette, grey with alpha, RGBA.
_SAMPLES: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
#: What pixels depend on besides the data: palette and transparency. Larger ones are damage.
_COLOURS: Final = {b"PLTE": 768, b"tRNS": 256}


@frozen
class Start:
    """The beginning of a PNG."""

    width: int
    height: int
    #: A small PNG of the first rows; None if they cannot be had without decoding the picture:
    #: animated, interlaced, of 16 bits, or very wide.
    first_rows: bytes | None


def read_start(file: BinaryIO, rows: Callable[[int, int], int]) -> Start:
    """Read dimensions and first rows from an open PNG. Blocks.

    Args:
        file: Stands anywhere.
        rows: How many are wanted, given width and height.

    Raises:
        CannotCompareError: It is damaged, or too large.
    """
    chunks = _chunks(file)
    header = _header(file, chunks)
    width, height, depth, colour, *_, interlaced = header
    check_dimensions(width, height)
    wanted = min(height, rows(width, height))
    needed = wanted * (1 + (width * depth * _SAMPLES[colour] + 7) // 8)
    nothing = Start(width, height, None)
    if depth > 8 or interlaced or needed > MAX_ROWS:
        return nothing
    colours = b""
    unpacked = _Unpacked(needed)
    for kind, length in chunks:
        if kind == b"acTL":
            return nothing
        if kind in _COLOURS:
            colours += _chunk(kind, _colour(file, kind, length))
        elif kind == b"IDAT" and unpacked.add(file, length):
            head = _chunk(b"IHDR", _IHDR.pack(width, wanted, *header[2:]))
            data = _chunk(b"IDAT", zlib.compress(unpacked.data, 0))
            end = _chunk(b"IEND", b"")
            return Start(width, height, b"".join((SIGNATURE, head, colours, data, end)))
    raise CannotCompareError("its picture ends too early")


def hash_data(opened: Opened) -> str:
    """The sha256 of all that decides about the pixels of a PNG that is not animated. Blocks.

    PNGs with the same hash have the same pixels; others may have, if written by other programs.

    Raises:
        CannotCompareError: It is damaged.
        StoppedError: As it says.
    """
    digest = sha256()
    chunks = _chunks(opened.file)
    digest.update(_IHDR.pack(*_header(opened.file, chunks)))
    for kind, length in chunks:
        if kind in _COLOURS:
            digest.update(_chunk(kind, _colour(opened.file, kind, length)))
        elif kind == b"IDAT":
            # How the data is cut into chunks does not matter, and differs between programs.
            for piece in opened.pieces(length):
                digest.update(piece)
    return digest.hexdigest()


def _chunks(file: BinaryIO) -> Iterator[tuple[bytes, int]]:
    """Type and length of each chunk before the last, the file standing at its data."""
    file.seek(0)
    if file.read(len(SIGNATURE)) != SIGNATURE:
        raise CannotCompareError("it is no PNG")
    offset = len(SIGNATURE)
    for _ in range(MAX_CHUNKS):
        head = file.read(_CHUNK.size)
        if len(head) < _CHUNK.size:
            raise CannotCompareError(f"it ends at byte {offset + len(head)}, before its end chunk")
        length, kind = _CHUNK.unpack(head)
        if kind == b"IEND":
            return
        yield kind, length
        offset += _CHUNK.size + length + 4
        file.seek(offset)
    raise CannotCompareError(f"it has more than {MAX_CHUNKS} chunks")


def _header(file: BinaryIO, chunks: Iterator[tuple[bytes, int]]) -> tuple[int, ...]:
    """The fields of the first chunk."""
    if next(chunks, None) != (b"IHDR", _IHDR.size):
        raise CannotCompareError("its first chunk is not IHDR")
    data = file.read(_IHDR.size)
    if len(data) < _IHDR.size:
        raise CannotCompareError("it ends inside its first chunk")
    header = _IHDR.unpack(data)
    if header[3] not in _SAMPLES or not (header[0] and header[1] and header[2]):
        raise CannotCompareError("its first chunk is damaged")
    return header


def _colour(file: BinaryIO, kind: bytes, length: int) -> bytes:
    if length > _COLOURS[kind]:
        raise CannotCompareError(f"its {kind.decode()} chunk is too large")
    return file.read(length)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return _CHUNK.pack(len(data), kind) + data + zlib.crc32(kind + data).to_bytes(4, "big")


class _Unpacked:
    """The beginning of a picture's data, unpacked up to a limit."""

    def __init__(self, needed: int) -> None:
        self.data = b""
        self._needed = needed
        self._stream = zlib.decompressobj()

    def add(self, file: BinaryIO, length: int) -> bool:
        """Unpack a chunk's data; whether that was enough."""
        while length > 0 and (piece := file.read(min(length, 16 * 1024))):
            length -= len(piece)
            try:
                self.data += self._stream.decompress(piece, self._needed - len(self.data))
            except zlib.error as exc:
                raise CannotCompareError("its picture cannot be decompressed") from exc
            if len(self.data) == self._needed:
                return True
        return False
