"""The same pixels behind other metadata, other encoders and other formats."""

from __future__ import annotations

import struct
import zlib

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from orchestrator.gallery.duplicates import same_pixels
from orchestrator.gallery.duplicates.cache import Kind
from orchestrator.gallery.duplicates.opening import Opened
from orchestrator.gallery.duplicates.pixels import Outline, Pixels, read_pixels
from orchestrator.gallery.duplicates.report import Likeness
from tests.duplicates.shelf import Shelf, names, scene
from tests.gallery_files.pngs import SIGNATURE, chunk


def told(prompt: str) -> PngInfo:
    """Metadata with a prompt."""
    info = PngInfo()
    info.add_text("prompt", prompt)
    return info


def decodings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of files that are decoded from now on."""
    decoded: list[str] = []

    def counted(opened: Opened) -> str:
        decoded.append(f"{opened.size}")
        return read_pixels(opened)

    monkeypatch.setattr(same_pixels, "read_pixels", counted)
    return decoded


def deep_png(sample: int, level: int) -> bytes:
    """A PNG of 16 bits per colour, all of one value."""
    row = b"\0" + struct.pack(">H", sample) * 3 * 8
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 16, 2, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(row * 8, level))
    return SIGNATURE + head + data + chunk(b"IEND")


class TestOtherMetadata:
    def test_is_the_same_picture(self, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
        """Another prompt in the same picture; found without decoding anything."""
        decoded = decodings(monkeypatch)
        shelf.picture("a.png", scene(1), pnginfo=told("a castle"))
        shelf.picture("b.png", scene(1), pnginfo=told("a castle at night, masterpiece"))
        shelf.picture("c.png", scene(2), pnginfo=told("a castle"))

        report = shelf.find(Likeness.PIXELS)

        assert names(report) == [["a.png", "b.png"]]
        assert decoded == []
        assert report.wasted == min(file.size for file in report.groups[0].files)

    def test_how_data_is_cut_into_chunks_does_not_matter(
        self, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Programs that write texts anew often write chunks anew."""
        decoded = decodings(monkeypatch)
        whole = shelf.picture("a.png", scene(1)).read_bytes()
        begin = whole.index(b"IDAT") - 4
        (length,) = struct.unpack_from(">I", whole, begin)
        data = whole[begin + 8 : begin + 8 + length]
        pieces = [chunk(b"IDAT", data[at : at + 100]) for at in range(0, length, 100)]
        shelf.put("b.png", whole[:begin] + b"".join(pieces) + chunk(b"IEND"))

        assert names(shelf.find(Likeness.PIXELS)) == [["a.png", "b.png"]]
        assert decoded == []

    def test_other_palettes_are_other_pictures(self, shelf: Shelf) -> None:
        """The same data means other colours there."""
        image = scene(1).quantize(16)
        shelf.picture("a.png", image)
        palette = image.getpalette()
        assert palette is not None
        image.putpalette([255 - value for value in palette])
        shelf.picture("b.png", image)

        assert shelf.find(Likeness.PIXELS).groups == ()


class TestOtherEncoders:
    def test_two_encodings_are_decoded_once_each(
        self, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whoever has the same data shares the answer."""
        decoded = decodings(monkeypatch)
        for number, level in enumerate((1, 1, 1, 9, 9)):
            info = told(str(number))
            shelf.picture(f"{number}.png", scene(1), compress_level=level, pnginfo=info)
        shelf.picture("alone.png", scene(2))

        report = shelf.find(Likeness.PIXELS)

        assert names(report) == [["0.png", "1.png", "2.png", "3.png", "4.png"]]
        assert len(decoded) == 2

    def test_formats_without_loss_are_compared(self, shelf: Shelf) -> None:
        """Formats whose first rows are not cheap to have are decoded."""
        image = scene(3)
        shelf.picture("a.png", image)
        shelf.picture("b.bmp", image)
        shelf.picture("c.webp", image, lossless=True, exact=True)
        shelf.picture("d.tiff", image)
        shelf.picture("e.png", image.convert("RGBA"))
        shelf.picture("f.jpg", image)
        shelf.picture("g.gif", image)

        expected = [["a.png", "b.bmp", "c.webp", "d.tiff", "e.png"]]
        assert names(shelf.find(Likeness.PIXELS)) == expected

    def test_the_same_beginning_is_not_enough(self, shelf: Shelf) -> None:
        """Film has black bars."""
        first, second = scene(1, (640, 480)), scene(1, (640, 480))
        second.putpixel((639, 479), (1, 2, 3))
        shelf.picture("a.png", first)
        shelf.picture("b.png", second)
        shelf.picture("c.png", first, compress_level=1)

        assert names(shelf.find(Likeness.PIXELS)) == [["a.png", "c.png"]]

    def test_the_same_bytes_at_other_dimensions(self, shelf: Shelf) -> None:
        """Plain pictures differ in their dimensions only."""
        for number, size in enumerate(((64, 32), (32, 64), (16, 128))):
            shelf.picture(f"{number}.png", Image.new("RGB", size))
            shelf.picture(f"{number}.bmp", Image.new("RGB", size))

        found = names(shelf.find(Likeness.PIXELS))

        assert sorted(found) == [[f"{number}.png", f"{number}.bmp"] for number in range(3)]

    @pytest.mark.parametrize(
        "image",
        [
            scene(1, mode="1"),
            scene(1, mode="L"),
            scene(1, mode="LA"),
            scene(1, mode="RGB"),
            scene(1, mode="RGBA"),
            scene(1).quantize(200),
            scene(1).quantize(13),
            scene(1).quantize(3),
            scene(1).quantize(2),
            scene(1, (5000, 3)),
            scene(1, (1, 1)),
        ],
        ids=lambda image: f"{image.mode}-{image.width}x{image.height}",
    )
    def test_first_rows_are_those_of_the_decoded_picture(
        self, shelf: Shelf, image: Image.Image
    ) -> None:
        """Whether they come from the beginning of a PNG or from its decoded whole."""
        clear = image.getpixel((0, 0)) if image.mode in ("P", "L", "RGB") else None
        shelf.picture("a.png", image, **({} if clear is None else {"transparency": clear}))
        with Image.open(shelf.root / "a.png") as again:
            shelf.picture("b.tiff", again.convert("RGBA"))
            shelf.picture("c.png", again.convert("RGBA"), compress_level=1)

        assert names(shelf.find(Likeness.PIXELS)) == [["a.png", "b.tiff", "c.png"]]
        files = shelf.listed()
        outline = Outline.parsed(shelf.cache.get(Kind.OUTLINE, files)["a.png"])
        pixels = Pixels.parsed(shelf.cache.get(Kind.PIXELS, files)["a.png"])
        assert outline.top == pixels.top is not None


class TestDepth:
    def test_sixteen_bits_are_not_taken_for_eight(self, shelf: Shelf) -> None:
        """A picture in full depth is not the copy of one that differs in the lower bits."""
        shelf.put("a.png", deep_png(0x1234, 6))
        shelf.put("b.png", deep_png(0x1235, 6))
        shelf.put("c.png", deep_png(0x1234, 6) + b"trailing")
        shelf.picture("d.png", Image.new("RGB", (8, 8), (0x12, 0x12, 0x12)))

        assert names(shelf.find(Likeness.PIXELS)) == [["a.png", "c.png"]]

    def test_grey_of_sixteen_bits_is_compared_exactly(self, shelf: Shelf) -> None:
        """Depth maps are grey, and Pillow reads them whole."""
        shelf.picture("a.png", Image.new("I;16", (32, 32), 1000), compress_level=0)
        shelf.picture("b.png", Image.new("I;16", (32, 32), 1001))
        shelf.picture("c.png", Image.new("I;16", (32, 32), 1000), compress_level=9)

        assert names(shelf.find(Likeness.PIXELS)) == [["a.png", "c.png"]]


class TestAnimations:
    @pytest.mark.parametrize("suffix", ["gif", "webp", "png"])
    def test_all_frames_count(self, shelf: Shelf, suffix: str) -> None:
        """Two animations that begin alike are two."""
        how = {"save_all": True, "duration": 40}
        how |= {"lossless": True} if suffix == "webp" else {}
        first, second, third = (scene(seed).quantize(16).convert("RGB") for seed in (1, 2, 3))
        shelf.picture(f"a.{suffix}", first, append_images=[second], **how)
        shelf.picture(f"b.{suffix}", first, append_images=[third], **how)
        shelf.picture(f"c.{suffix}", first, append_images=[second], **how)
        shelf.picture(f"d.{suffix}", first)

        assert names(shelf.find(Likeness.PIXELS)) == [[f"a.{suffix}", f"c.{suffix}"]]
