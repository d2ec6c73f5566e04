"""Files of sound and moving pictures, written without any codec library."""

from __future__ import annotations

import math
import struct
import wave
from array import array
from collections.abc import Iterator, Sequence
from io import BytesIO

from PIL import Image

_CLUSTER_MS = 1000


def wav(seconds: float, seed: int, rate: int = 22_050) -> bytes:
    """A soft chord as 16-bit mono PCM in a WAV file; the seed chooses its root."""
    root = 110 * 2 ** (seed % 12 / 12)
    tones = [root * ratio for ratio in (1, 1.25, 1.5, 2)]
    total = max(1, round(seconds * rate))
    samples = array("h")
    for i in range(total):
        fade = min(1.0, i / (rate * 0.05), (total - i) / (rate * 0.2))
        level = sum(math.sin(math.tau * tone * i / rate) for tone in tones) / len(tones)
        samples.append(round(12_000 * fade * level))
    buffer = BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return buffer.getvalue()


def webm(pictures: Sequence[Image.Image], fps: float, quality: int = 75) -> bytes:
    """A WebM film of these pictures, each a key frame of VP8.

    A lossy WebP picture is one VP8 key frame in another box, so no video encoder is needed.
    Sizes and element numbers are those of the Matroska specification (RFC 9559).
    """
    width, height = pictures[0].size
    frame_ms = 1000 / fps
    info = (
        _uint(0x2AD7B1, 1_000_000)
        + _element(0x4489, struct.pack(">d", frame_ms * len(pictures)))
        + _element(0x4D80, b"simulator")
        + _element(0x5741, b"simulator")
    )
    video = _uint(0xB0, width) + _uint(0xBA, height)
    track = (
        _uint(0xD7, 1)
        + _uint(0x73C5, 1)
        + _uint(0x83, 1)
        + _uint(0x9C, 0)
        + _element(0x86, b"V_VP8")
        + _uint(0x23E383, round(frame_ms * 1_000_000))
        + _element(0xE0, video)
    )
    head = (
        _uint(0x4286, 1)
        + _uint(0x42F7, 1)
        + _uint(0x42F2, 4)
        + _uint(0x42F3, 8)
        + _element(0x4282, b"webm")
        + _uint(0x4287, 2)
        + _uint(0x4285, 2)
    )
    frames = (_key_frame(picture, quality) for picture in pictures)
    segment = (
        _element(0x1549A966, info)
        + _element(0x1654AE6B, _element(0xAE, track))
        + b"".join(_clusters(frames, frame_ms))
    )
    return _element(0x1A45DFA3, head) + _element(0x18538067, segment)


def _clusters(frames: Iterator[bytes], frame_ms: float) -> Iterator[bytes]:
    """Blocks in clusters of a second: a block's own time has only 16 bits."""
    start, blocks = 0, b""
    for index, data in enumerate(frames):
        at = round(index * frame_ms)
        if at - start >= _CLUSTER_MS:
            yield _element(0x1F43B675, _uint(0xE7, start) + blocks)
            start, blocks = at, b""
        blocks += _element(0xA3, b"\x81" + struct.pack(">hB", at - start, 0x80) + data)
    yield _element(0x1F43B675, _uint(0xE7, start) + blocks)


def _key_frame(picture: Image.Image, quality: int) -> bytes:
    """The VP8 data inside a lossy WebP file (RIFF chunk `VP8 `)."""
    buffer = BytesIO()
    picture.convert("RGB").save(buffer, "WEBP", quality=quality)
    data = buffer.getvalue()
    at = 12
    while data[at : at + 4] != b"VP8 ":
        at += 8 + (struct.unpack_from("<I", data, at + 4)[0] + 1 & ~1)
    length: int = struct.unpack_from("<I", data, at + 4)[0]
    return data[at + 8 : at + 8 + length]


def _element(number: int, content: bytes) -> bytes:
    head = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return head + (len(content) | 1 << 56).to_bytes(8, "big") + content


def _uint(number: int, value: int) -> bytes:
    return _element(number, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))
