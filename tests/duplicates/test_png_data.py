"""What PNGs tell without being decoded, whole or damaged."""

from __future__ import annotations

import io
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from orchestrator.gallery.duplicates.opening import CannotCompareError, Opened
from orchestrator.gallery.duplicates.png_data import hash_data, read_start
from tests.duplicates.shelf import scene
from tests.gallery_files.pngs import SIGNATURE, chunk, ihdr


def saved(image: Image.Image) -> bytes:
    """A picture as PNG."""
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def data_of(content: bytes) -> str:
    """The hash of a PNG's data."""
    return hash_data(Opened(io.BytesIO(content), len(content), threading.Event()))


class TestReadStart:
    def test_first_rows_are_a_picture(self) -> None:
        """As the whole picture begins."""
        image = scene(1)
        start = read_start(io.BytesIO(saved(image)), lambda width, height: 5)

        assert (start.width, start.height) == image.size
        assert start.first_rows is not None
        with Image.open(io.BytesIO(start.first_rows)) as rows:
            assert rows.tobytes() == image.crop((0, 0, 64, 5)).tobytes()

    def test_data_in_many_chunks(self) -> None:
        """Some programs write chunks of a few bytes."""
        image = scene(1)
        whole = saved(image)
        begin = whole.index(b"IDAT")
        data = whole[begin + 4 : begin + 4 + int.from_bytes(whole[begin - 4 : begin], "big")]
        pieces = (chunk(b"IDAT", data[at : at + 7]) for at in range(0, len(data), 7))
        cut = whole[: begin - 4] + b"".join(pieces) + chunk(b"IEND")

        rows = [read_start(io.BytesIO(png), lambda *_: 5).first_rows for png in (whole, cut)]
        assert rows[0] == rows[1]
        assert data_of(whole) == data_of(cut)

    def test_deep_and_very_wide_pictures(self) -> None:
        """Only decoding tells how they begin."""
        for image in (Image.new("I;16", (8, 8)), Image.new("RGB", (1 << 20, 1))):
            assert read_start(io.BytesIO(saved(image)), lambda *_: 1).first_rows is None

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"JFIF",
            SIGNATURE,
            SIGNATURE + chunk(b"IDAT"),
            SIGNATURE + ihdr(0, 5),
            SIGNATURE + ihdr()[:12],
            SIGNATURE + ihdr() + chunk(b"IEND"),
            SIGNATURE + ihdr() + chunk(b"PLTE", b"x" * 769),
            SIGNATURE + ihdr() + chunk(b"IDAT", b"no zlib stream"),
            SIGNATURE + ihdr(100_000, 100_000),
            SIGNATURE + ihdr() + chunk(b"gAMA") * 100_001,
        ],
    )
    def test_damage_is_told(self, content: bytes) -> None:
        """In one way, whatever is wrong."""
        with pytest.raises(CannotCompareError):
            read_start(io.BytesIO(content), lambda width, height: 5)

    @settings(max_examples=60)
    @given(st.data())
    def test_any_damage_is_survived(self, data: st.DataObject) -> None:
        """Whatever happened to a file, there is an answer or a clear refusal."""
        content = bytearray(saved(scene(1, (9, 8)).quantize(9)))
        for _ in range(data.draw(st.integers(0, 3))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        damaged = bytes(content[: data.draw(st.integers(0, len(content)))])
        for read in (lambda: read_start(io.BytesIO(damaged), max), lambda: data_of(damaged)):
            try:
                found = read()
            except CannotCompareError:
                continue
            assert found
