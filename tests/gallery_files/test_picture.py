"""Pictures of every format: size and texts, damage, and files that are not what they seem."""

from __future__ import annotations

import io
import json
import struct
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from orchestrator.gallery.heads import MAX_TEXT
from orchestrator.gallery.jpeg import read_jpeg
from orchestrator.gallery.metadata import Generation
from orchestrator.gallery.picture import PictureFacts, facts
from orchestrator.gallery.webp import read_webp
from tests.gallery_files.pngs import chunk, png, text

GRAPH = {"3": {"class_type": "KSampler", "inputs": {"seed": 7, "text": "日本"}}}
DRAWN = {"nodes": [], "version": 0.4}
SETTINGS = "a café\nSteps: 20, Seed: 7"


def saved(file: Path, *, exif: Image.Exif | None = None, size: tuple[int, int] = (64, 48)) -> Path:
    """A small picture of the format that its name says, as Pillow saves it."""
    options = {} if exif is None else {"exif": exif.tobytes()}
    Image.new("RGB", size).save(file, **options)  # type: ignore[arg-type]  # options by format
    return file


def by_comfyui() -> Image.Exif:
    """Texts where ComfyUI's SaveAnimatedWEBP puts them."""
    exif = Image.Exif()
    exif[0x0110] = f"prompt:{json.dumps(GRAPH)}"
    exif[0x010F] = f"workflow:{json.dumps(DRAWN)}"
    exif[0x010E] = "something: else"
    return exif


def commented(comment: bytes) -> Image.Exif:
    """A user comment, where A1111 and its relatives put their settings."""
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = comment
    return exif


class TestExif:
    @pytest.mark.parametrize("name", ["a.webp", "a.jpg", "a.avif"])
    def test_graphs_as_comfyui_saves_them(self, tmp_path: Path, name: str) -> None:
        """In tags meant for cameras; WebP is its own format, others do the same in JPEG."""
        found = facts(saved(tmp_path / name, exif=by_comfyui()))

        assert found == PictureFacts(64, 48, Generation(GRAPH, DRAWN))

    @pytest.mark.parametrize(
        "comment",
        [
            b"UNICODE\0" + SETTINGS.encode("utf-16-be"),
            b"UNICODE\0" + SETTINGS.encode("utf-16-le"),
            b"UNICODE\0" + SETTINGS.encode("utf-16"),
            b"ASCII\0\0\0" + SETTINGS.encode(),
            b"ASCII\0\0\0" + SETTINGS.encode("latin-1"),
            b"\0" * 8 + SETTINGS.encode() + b"\0",
            SETTINGS.encode(),
            b"ASCII\0\0\0" + json.dumps({"parameters": SETTINGS}).encode(),
            b"ASCII\0\0\0parameters: " + SETTINGS.encode(),
        ],
    )
    @pytest.mark.parametrize("name", ["a.webp", "a.jpeg"])
    def test_settings_in_the_user_comment(self, tmp_path: Path, name: str, comment: bytes) -> None:
        """In every way that programs write text there."""
        found = facts(saved(tmp_path / name, exif=commented(comment)))

        assert found == PictureFacts(64, 48, Generation(parameters=SETTINGS))

    def test_graphs_in_the_user_comment(self, tmp_path: Path) -> None:
        """As one object, with the graphs as objects or as JSON."""
        for packed in (
            {"prompt": GRAPH, "workflow": DRAWN},
            {"prompt": json.dumps(GRAPH), "workflow": json.dumps(DRAWN), "more": 5},
        ):
            comment = b"ASCII\0\0\0" + json.dumps(packed).encode()
            found = facts(saved(tmp_path / "a.jpg", exif=commented(comment)))

            assert found.generation == Generation(GRAPH, DRAWN)

    @pytest.mark.parametrize("comment", [b"", b"ASCII\0\0\0  ", b"UNICODE\0x", b"{", b'{"a": 1}'])
    def test_comments_that_say_nothing_of_ours(self, tmp_path: Path, comment: bytes) -> None:
        """Cameras write there too."""
        found = facts(saved(tmp_path / "a.jpg", exif=commented(comment)))

        assert found.generation.empty

    def test_a_graph_larger_than_a_segment_of_a_jpeg(self, tmp_path: Path) -> None:
        """Savers split the block; Pillow refuses to write one, so it is put together here."""
        exif = Image.Exif()
        exif[0x0110] = f"prompt:{json.dumps(GRAPH | {'x': 'y' * 100_000})}"
        block = exif.tobytes()
        assert block.startswith(b"Exif\0\0")
        parts = [block[6:60_000], block[60_000:]]
        segments = b"".join(
            b"\xff\xe1" + struct.pack(">H", len(part) + 8) + b"Exif\0\0" + part for part in parts
        )
        file = saved(tmp_path / "a.jpg")
        data = file.read_bytes()
        file.write_bytes(data[:2] + segments + data[2:])

        graph = facts(file).generation.prompt_graph

        assert graph is not None
        assert graph.keys() == {"3", "x"}

    @settings(max_examples=60)
    @given(st.data())
    def test_any_flipped_or_missing_byte_is_survived(self, data: st.DataObject) -> None:
        """There is an answer or a clear refusal, in bounded time and memory."""
        picture = io.BytesIO()
        kind = data.draw(st.sampled_from(["JPEG", "WEBP"]))
        Image.new("RGB", (64, 48)).save(picture, kind, exif=by_comfyui().tobytes())
        whole = bytearray(picture.getvalue())
        for _ in range(data.draw(st.integers(0, 4))):
            whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
        cut = data.draw(st.integers(0, len(whole)))
        read = read_jpeg if kind == "JPEG" else read_webp
        try:
            head = read(io.BytesIO(whole[:cut]))
        except ValueError:
            return

        assert head.width > 0


class TestFormats:
    @pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.JPEG", "a.webp", "a.gif", "a.bmp"])
    def test_sizes(self, tmp_path: Path, name: str) -> None:
        """Of all that browsers show."""
        assert facts(saved(tmp_path / name, size=(50, 40))) == PictureFacts(50, 40, Generation())

    @pytest.mark.parametrize("name", ["a.tif", "a.tiff", "a.avif"])
    def test_sizes_of_what_studios_keep(self, tmp_path: Path, name: str) -> None:
        """And of what they do not."""
        assert facts(saved(tmp_path / name, size=(50, 40))) == PictureFacts(50, 40, Generation())

    @pytest.mark.parametrize("lossless", [True, False])
    @pytest.mark.parametrize("alpha", ["RGB", "RGBA"])
    def test_every_kind_of_webp(self, tmp_path: Path, lossless: bool, alpha: str) -> None:
        """The size stands in another place in each."""
        file = tmp_path / "a.webp"
        Image.new(alpha, (300, 20), (9, 9, 9, 9)[: len(alpha)]).save(file, lossless=lossless)
        assert facts(file) == PictureFacts(300, 20, Generation())

        frames = [Image.new(alpha, (300, 20), (n,) * len(alpha)) for n in range(3)]
        exif = by_comfyui().tobytes()
        frames[0].save(file, save_all=True, append_images=frames[1:], exif=exif)
        assert facts(file) == PictureFacts(300, 20, Generation(GRAPH, DRAWN))

    def test_a_progressive_jpeg_with_a_comment(self, tmp_path: Path) -> None:
        """Another way to code, and another place for texts."""
        file = tmp_path / "a.jpg"
        Image.new("RGB", (64, 48)).save(file, progressive=True, comment=SETTINGS.encode())

        assert facts(file) == PictureFacts(64, 48, Generation(parameters=SETTINGS))

    def test_a_gif_with_a_comment(self, tmp_path: Path) -> None:
        """Settings are understood, anything else is left alone."""
        file = tmp_path / "a.gif"
        for comment, said in ((SETTINGS, SETTINGS), ("Created with GIMP", None)):
            Image.new("P", (64, 48)).save(file, comment=comment.encode())
            assert facts(file).generation.parameters == said

    def test_what_is_no_picture_has_no_facts(self, tmp_path: Path) -> None:
        """It is not even opened."""
        assert facts(tmp_path / "none.txt") == PictureFacts(None, None, Generation())


class TestNotWhatItSeems:
    @pytest.mark.parametrize(
        ("inside", "name", "note"),
        [
            ("a.jpg", "b.webp", "it is image/jpeg, not image/webp as its name says"),
            ("a.png", "b.jpg", "it is image/png, not image/jpeg as its name says"),
            ("a.webp", "b.PNG", "cannot be read as PNG: it does not begin like one"),
        ],
    )
    def test_another_format_inside(self, tmp_path: Path, inside: str, name: str, note: str) -> None:
        """It is read as what it is, and the note says so."""
        found = facts(saved(tmp_path / inside).rename(tmp_path / name))

        assert (found.width, found.height) == (64, 48)
        assert note in (found.note or "")

    @pytest.mark.parametrize(
        "name",
        ["a.jpg", "a.webp", "a.gif", "a.bmp", "a.tif", "a.avif", "a.jxl", "a.exr", "a.png"],
    )
    @pytest.mark.parametrize("data", [b"", b"hello, I am a text file, really" * 9])
    def test_no_picture_inside(self, tmp_path: Path, name: str, data: bytes) -> None:
        """The note says so."""
        file = tmp_path / name
        file.write_bytes(data)
        found = facts(file)

        assert (found.width, found.height, found.generation) == (None, None, Generation())
        assert "cannot be read" in (found.note or "")

    @pytest.mark.parametrize(
        "name", ["a.jpg", "a.webp", "a.gif", "a.bmp", "a.tif", "a.avif", "a.png"]
    )
    def test_a_file_cut_off_anywhere(self, tmp_path: Path, name: str) -> None:
        """There is always an answer; without a size there is a note."""
        whole = saved(tmp_path / name, size=(8, 8)).read_bytes()
        file = tmp_path / f"cut_{name}"
        for cut in [*range(0, min(len(whole), 200), 7), len(whole) // 2, len(whole) - 1]:
            file.write_bytes(whole[:cut])
            found = facts(file)
            assert found.width is not None or found.note, cut

    def test_a_picture_with_more_pixels_than_memory(self, tmp_path: Path) -> None:
        """Only the header is read: neither a refusal nor a warning, let alone room for pixels."""
        file = saved(tmp_path / "a.jpg")
        data = bytearray(file.read_bytes())
        at = data.index(b"\xff\xc0") + 5
        data[at : at + 4] = b"\xff\xff\xff\xff"
        file.write_bytes(data)
        assert facts(file) == PictureFacts(65535, 65535, Generation())

        file = saved(tmp_path / "a.bmp")
        data = bytearray(file.read_bytes())
        data[18:26] = struct.pack("<ll", 60_000, 60_000)
        file.write_bytes(data)
        assert facts(file) == PictureFacts(60_000, 60_000, Generation())

        file = tmp_path / "a.webp"
        extended = b"VP8X" + struct.pack("<L", 10) + bytes(4) + b"\xff" * 6
        file.write_bytes(b"RIFF" + struct.pack("<L", 22) + b"WEBP" + extended)
        assert facts(file) == PictureFacts(2**24, 2**24, Generation())

    def test_exif_that_claims_to_be_huge(self, tmp_path: Path) -> None:
        """It is not read."""
        file = tmp_path / "a.webp"
        extended = b"VP8X" + struct.pack("<L", 10) + b"\x08" + bytes(9)
        exif = b"EXIF" + struct.pack("<L", MAX_TEXT + 1)
        file.write_bytes(b"RIFF" + bytes(4) + b"WEBP" + extended + exif)

        assert facts(file).note == "its EXIF is too large to be read"

    def test_a_jpeg_of_nothing_but_filling(self) -> None:
        """Any number of 0xFF may stand before a marker, but not a whole film of them."""
        with pytest.raises(ValueError, match="ends before"):
            read_jpeg(io.BytesIO(b"\xff" * 1_000_000))

    def test_a_jpeg_of_endless_segments(self) -> None:
        """Is given up."""
        with pytest.raises(ValueError, match="more than 10000 segments"):
            read_jpeg(io.BytesIO(b"\xff\xd8" + b"\xff\xe0\0\2" * 10_001))


class TestTheShare:
    @pytest.mark.parametrize("name", ["none.png", "none.jpg"])
    def test_a_missing_file_is_an_os_error(self, tmp_path: Path, name: str) -> None:
        """Whoever asked knows what that means."""
        with pytest.raises(FileNotFoundError):
            facts(tmp_path / name)

    def test_an_error_while_reading_is_one_too(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is the share's fault, and not said of the picture."""

        class Gone(io.BytesIO):
            def read(self, size: int | None = -1, /) -> bytes:
                raise OSError(5, "Input/output error")

        monkeypatch.setattr(Path, "open", lambda *_: Gone())
        with pytest.raises(OSError, match="Input/output"):
            facts(tmp_path / "a.jpg")


class TestAnimatedPng:
    def test_texts_after_the_frames(self, tmp_path: Path) -> None:
        """ComfyUI writes `comf` there, in animations only."""
        file = tmp_path / "a.png"
        said = chunk(b"comf", b"prompt\0" + json.dumps(GRAPH).encode())
        file.write_bytes(png(chunk(b"acTL", bytes(8)), text("a", b"b"), after=said))
        assert facts(file).generation == Generation(GRAPH)

        file.write_bytes(png(after=said))
        assert facts(file).generation.empty
