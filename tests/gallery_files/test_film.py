"""OpenEXR, DPX and Radiance: sizes from headers made by hand, whole and broken."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from orchestrator.gallery.metadata import Generation
from orchestrator.gallery.picture import PictureFacts, facts


def attribute(name: str, kind: str, data: bytes) -> bytes:
    """One entry of an OpenEXR's header."""
    return f"{name}\0{kind}\0".encode() + struct.pack("<i", len(data)) + data


def exr(*attributes: bytes) -> bytes:
    """An OpenEXR without pixels."""
    return b"\x76\x2f\x31\x01" + struct.pack("<i", 2) + b"".join(attributes) + b"\0"


def dpx(order: str, width: int, height: int) -> bytes:
    """A DPX's header."""
    start = b"SDPX" if order == ">" else b"XPDS"
    return start.ljust(772, b"\0") + struct.pack(f"{order}LL", width, height)


WINDOW = attribute("displayWindow", "box2i", struct.pack("<4i", 0, 0, 1919, 1079))
HDR = b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 1080 +X 1920\n"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.exr", exr(attribute("channels", "chlist", b"x" * 5000), WINDOW)),
        ("a.dpx", dpx(">", 1920, 1080)),
        ("a.dpx", dpx("<", 1920, 1080)),
        ("a.hdr", HDR),
        ("a.hdr", HDR.replace(b"RADIANCE", b"RGBE")),
    ],
)
def test_sizes(tmp_path: Path, name: str, data: bytes) -> None:
    """Of the formats that films are made in."""
    file = tmp_path / name
    file.write_bytes(data)

    assert facts(file) == PictureFacts(1920, 1080, Generation())


def test_texts_of_an_exr(tmp_path: Path) -> None:
    """Savers for ComfyUI put both graphs there."""
    file = tmp_path / "a.exr"
    file.write_bytes(
        exr(
            attribute("prompt", "string", b'{"3": {}}'),
            WINDOW,
            attribute("workflow", "string", b'{"nodes": []}'),
        )
    )

    assert facts(file).generation == Generation({"3": {}}, {"nodes": []})


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.exr", exr()),
        ("a.exr", exr(WINDOW)[:45]),
        ("a.exr", exr() + b"x" * 10_000),
        ("a.exr", exr()[:-1] + b"x" * 10_000),
        ("a.exr", exr(attribute("displayWindow", "box2i", struct.pack("<4i", 9, 9, 0, 0)))),
        ("a.exr", exr(attribute("a", "b", b"")[:-4] + b"\xff\xff\xff\xff")),
        ("a.exr", exr(*[attribute("a", "b", b"")] * 10_001, WINDOW)),
        ("a.dpx", dpx(">", 0, 1080)),
        ("a.dpx", dpx(">", 2**32 - 1, 1080)),
        ("a.dpx", dpx(">", 1, 1)[:700]),
        ("a.hdr", HDR[:20]),
        ("a.hdr", b"#?RGBE" + b"\n" * 10_000 + HDR),
    ],
)
def test_broken_headers(tmp_path: Path, name: str, data: bytes) -> None:
    """A note says that they cannot be read."""
    file = tmp_path / name
    file.write_bytes(data)
    found = facts(file)

    assert found.width is None
    assert "cannot be read" in (found.note or "")
