"""PNGs made by hand, whole and broken."""

from __future__ import annotations

import struct
import zlib

SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, data: bytes = b"") -> bytes:
    """A chunk with its length and checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def ihdr(width: int = 64, height: int = 48) -> bytes:
    """The first chunk, of an RGB picture."""
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))


def text(keyword: str, value: bytes) -> bytes:
    """A tEXt chunk."""
    return chunk(b"tEXt", keyword.encode() + b"\0" + value)


def ztxt(keyword: str, value: bytes) -> bytes:
    """A zTXt chunk."""
    return chunk(b"zTXt", keyword.encode() + b"\0\0" + zlib.compress(value))


def itxt(keyword: str, value: bytes, *, packed: bool = False) -> bytes:
    """An iTXt chunk with a language and a translated keyword."""
    data = zlib.compress(value) if packed else value
    flags = b"\x01\0" if packed else b"\0\0"
    return chunk(b"iTXt", keyword.encode() + b"\0" + flags + b"fr\0" + "mot-clé\0".encode() + data)


def png(*before: bytes, after: bytes = b"") -> bytes:
    """A PNG with chunks before and after its picture."""
    body = chunk(b"IDAT", zlib.compress(b"\0" * 48 * 193))
    return b"".join([SIGNATURE, ihdr(), *before, body, after, chunk(b"IEND")])
