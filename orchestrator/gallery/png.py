"""The size and the texts of a PNG, read from its first chunks without decoding the picture.

PNG is a signature and then chunks: length, type, data, checksum (PNG specification, third
edition, sections 5 and 11.3.3). Texts stand in `tEXt`, `zTXt` and `iTXt`, usually before the
picture's data, where ComfyUI writes them; into animations it writes `comf` after it. Files come
from a share, perhaps torn or hostile: lengths are checked before anything is read, and compressed
text is unpacked up to a limit.
"""

from __future__ import annotations

import os
import struct
import zlib
from zlib import crc32

from orchestrator.errors import PngUnreadable
from orchestrator.gallery.heads import MAX_TEXT, PictureHead, decoded

__all__ = ["MAX_CHUNKS", "MAX_TEXT", "read_head"]

#: More chunks than any real file has: 800 MB of picture in libpng's chunks of 8 KiB.
MAX_CHUNKS = 100_000

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
#: Signature, and the length and type of the first chunk.
_BEGIN = _SIGNATURE + b"\0\0\0\rIHDR"
_START = struct.Struct(">8sI4sII")
_HEADER = struct.Struct(">I4s")
_CRC = struct.Struct(">I")
#: Signature, and the whole first chunk with its checksum.
_FIRST_CHUNK = 33
#: Enough for nearly every graph; what is read and not needed costs more than a second read.
_FIRST_READ = 24 * 1024
#: Bytes beyond a chunk that are read with it: enough for the next few headers.
_AHEAD = 4096
#: Length, type and checksum around a chunk's data.
_FRAME = 12
_MAX_KEYWORD = 79
_TOO_LARGE = f"brings the texts to more than {MAX_TEXT} bytes"
_MAX_INT = 2**31 - 1
_PLAIN = frozenset({b"tEXt", b"comf"})
_TEXT_CHUNKS = _PLAIN | {b"zTXt", b"iTXt"}
#: Announces an animation, whose texts ComfyUI writes after its frames.
_ANIMATED = b"acTL"


#: What comes before the picture in few files, and takes more to read.
_UNUSUAL = (_TEXT_CHUNKS - {b"tEXt"}) | {_ANIMATED, b"IEND"}


class _DamageError(Exception):
    """A chunk that cannot be used."""


def read_head(source: str | os.PathLike[str] | bytes, *, trailing: bool = False) -> PictureHead:
    """Read a PNG's size and texts. Blocking, if given a path.

    Args:
        source: A path, or the bytes of a file or of its beginning.
        trailing: Also read the texts after the picture, skipping its data. Some programs that
            change texts later put them there; ComfyUI only does so in animations, and for these
            it is always done.

    Raises:
        PngUnreadable: It is no PNG, or its size cannot be read. Any later damage is told in the
            answer, beside what could be read.
        OSError: The file cannot be opened or read.
    """
    if isinstance(source, bytes):
        return _read(_Bytes(None, source), "<bytes>", trailing=trailing)
    path = os.fspath(source)
    # Plain descriptors: file objects cost as much again as all the rest for a small picture.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        first = os.read(descriptor, _FIRST_READ)
        if not trailing and (head := _usual(first)) is not None:
            return head
        return _read(_Bytes(descriptor, first), path, trailing=trailing)
    finally:
        os.close(descriptor)


def _usual(data: bytes) -> PictureHead | None:
    """The head of a file that is as nearly all are, in half of the time; None for any other.

    In such a file all is in order, and all before the picture stands in its first bytes, plain.
    """
    if not data.startswith(_BEGIN) or len(data) < _FIRST_CHUNK:
        return None
    _, _, _, width, height = _START.unpack_from(data)
    if crc32(data[12:29]) != _CRC.unpack_from(data, 29)[0]:
        return None
    if not (0 < width <= _MAX_INT and 0 < height <= _MAX_INT):
        return None
    texts: dict[str, str] = {}
    at, last = _FIRST_CHUNK, len(data) - _HEADER.size
    while at <= last:
        length, kind = _HEADER.unpack_from(data, at)
        if kind == b"IDAT":
            return PictureHead(width, height, texts)
        end = at + 8 + length
        if kind == b"tEXt":
            body = data[at + 4 : end]  # with its type, as the checksum has it
            size = body.find(b"\0", 4, 5 + _MAX_KEYWORD)
            if size <= 4 or end > last or crc32(body) != _CRC.unpack_from(data, end)[0]:
                return None
            texts[body[4:size].decode("latin-1")] = decoded(body[size + 1 :])
        elif kind in _UNUSUAL:
            return None
        at = end + 4
    return None


class _Bytes:
    """A file's bytes by offset, of which one stretch is held."""

    __slots__ = ("_descriptor", "_start", "held")

    def __init__(self, descriptor: int | None, first: bytes) -> None:
        self._descriptor = descriptor
        self._start = 0
        self.held = first

    def find(self, offset: int, size: int) -> int:
        """Where in `held` the bytes from an offset begin.

        As many as asked for follow there; fewer only at the end of the file.
        """
        begin = offset - self._start
        if begin + size <= len(self.held) or self._descriptor is None:
            return begin
        self._fill(offset, size + _AHEAD)
        return 0

    def _fill(self, offset: int, size: int) -> None:
        assert self._descriptor is not None
        os.lseek(self._descriptor, offset, os.SEEK_SET)
        parts: list[bytes] = []
        while size > 0 and (part := os.read(self._descriptor, size)):
            parts.append(part)
            size -= len(part)
        self.held, self._start = b"".join(parts), offset


def _read(source: _Bytes, name: str, *, trailing: bool) -> PictureHead:
    width, height = _size(source.held[:_FIRST_CHUNK], name)
    texts: dict[str, str] = {}
    try:
        damage = _texts(source, texts, trailing=trailing)
    except _DamageError as exc:
        damage = str(exc)
    return PictureHead(width, height, texts, damage)


def _size(start: bytes, name: str) -> tuple[int, int]:
    """Width and height from the signature and the first chunk, IHDR."""
    if not start.startswith(_SIGNATURE):
        reason = "it does not begin like one" if start else "it is empty"
        raise PngUnreadable(path=name, reason=reason)
    if len(start) < _FIRST_CHUNK:
        raise PngUnreadable(path=name, reason=f"it ends after {len(start)} bytes")
    _, length, kind, width, height = _START.unpack_from(start)
    if (length, kind) != (13, b"IHDR"):
        raise PngUnreadable(path=name, reason="its first chunk is not IHDR")
    if zlib.crc32(start[12:29]) != _CRC.unpack_from(start, 29)[0]:
        raise PngUnreadable(path=name, reason="the checksum of its first chunk is wrong")
    if not (0 < width <= _MAX_INT and 0 < height <= _MAX_INT):
        raise PngUnreadable(path=name, reason=f"its size is {width} x {height}")
    return width, height


def _texts(source: _Bytes, texts: dict[str, str], *, trailing: bool) -> str | None:
    """Collect texts chunk by chunk; what had to be left out, if one can go on nevertheless."""
    left_out: str | None = None
    room = MAX_TEXT
    offset = _FIRST_CHUNK
    for _ in range(MAX_CHUNKS):
        begin = source.find(offset, _HEADER.size)
        if (there := len(source.held) - begin) < _HEADER.size:
            raise _DamageError(f"the file ends at byte {offset + max(there, 0)}, before IEND")
        length, kind = _HEADER.unpack_from(source.held, begin)
        if kind == b"IEND" or (kind == b"IDAT" and not trailing):
            return left_out
        if length > _MAX_INT:
            raise _DamageError(f"the chunk at byte {offset} has an impossible length")
        if kind in _TEXT_CHUNKS:
            try:
                keyword, text = _unpack(kind, _body(source, offset, length, room), room)
            except ValueError as exc:
                left_out = f"the {kind.decode()} chunk at byte {offset} {exc}"
            else:
                texts[keyword] = decoded(text)
                room -= len(text)
        elif kind == _ANIMATED:
            trailing = True
        offset += _FRAME + length
    raise _DamageError(f"it has more than {MAX_CHUNKS} chunks")


def _body(source: _Bytes, offset: int, length: int, room: int) -> bytes:
    """A chunk's data, checked.

    Raises:
        ValueError: It is too large, or its checksum is wrong.
        _DamageError: The file ends inside of it.
    """
    if length > room:
        raise ValueError(_TOO_LARGE)
    begin = source.find(offset, length + _FRAME) + 8
    end = begin + length
    if len(source.held) < end + 4:
        raise _DamageError(f"the file ends inside the chunk at byte {offset}")
    # The checksum goes over the type too.
    checksum = zlib.crc32(memoryview(source.held)[begin - 4 : end])
    if checksum != _CRC.unpack_from(source.held, end)[0]:
        raise ValueError("has a wrong checksum")
    return source.held[begin:end]


def _unpack(kind: bytes, data: bytes, room: int) -> tuple[str, bytes]:
    """The keyword and the text of a chunk, unpacked.

    Raises:
        ValueError: It is not made as its type says, or larger than there is room.
    """
    size = data.find(b"\0", 0, _MAX_KEYWORD + 1)
    if size <= 0:
        raise ValueError("has no keyword")
    keyword, rest = data[:size].decode("latin-1"), data[size + 1 :]
    if kind in _PLAIN:
        return keyword, rest
    if kind == b"zTXt":
        return keyword, _inflate(rest, room)
    # iTXt: compression flag and method, then language and translated keyword, each ended by NUL.
    parts = rest[2:].split(b"\0", 2)
    if len(rest) < 2 or len(parts) != 3:
        raise ValueError("is cut off")
    text = parts[2] if rest[0] == 0 else _inflate(rest[1:2] + parts[2], room)
    return keyword, text


def _inflate(data: bytes, room: int) -> bytes:
    """Compressed text: its method (0 is the only one there is) and a zlib stream."""
    if data[:1] != b"\0":
        raise ValueError("is compressed in an unknown way")
    stream = zlib.decompressobj()
    try:
        # One byte more than allowed shows a bomb before it goes off.
        text = stream.decompress(memoryview(data)[1:], room + 1)
    except zlib.error as exc:
        raise ValueError("cannot be decompressed") from exc
    if len(text) > room:
        raise ValueError(_TOO_LARGE)
    if not stream.eof:
        raise ValueError("is cut off")
    return text
