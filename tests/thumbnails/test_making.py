"""One thumbnail of one file: sizes, formats, what is upright, and what is broken."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageFile

from orchestrator.errors import FileChanging, FileMissing
from orchestrator.gallery.thumbnails import making
from orchestrator.gallery.thumbnails.making import Made, Maker, Source
from orchestrator.gallery.thumbnails.opening import MAX_PIXELS, NoPictureError
from orchestrator.gallery.thumbnails.spec import Format, Spec, Why
from tests.gallery_files.pngs import SIGNATURE, ihdr, ztxt
from tests.thumbnails.pictures import (
    BLUE,
    HIGH,
    RED,
    WIDE,
    busy,
    colour,
    huge_png,
    near,
    opened,
    scene,
    seen,
)

SMALL = Spec(64)


def made(path: Path, spec: Spec = SMALL) -> Made:
    """The thumbnail of a file as it is now."""
    return Maker().make(seen(path), spec)


def refused(path: Path) -> Why:
    """Why there is no thumbnail of a file."""
    with pytest.raises(NoPictureError) as caught:
        made(path)
    return caught.value.why


def saved(path: Path, image: Image.Image | None = None, **options: Any) -> Path:
    """Save a picture; its path."""
    (image or scene()).save(path, **options)
    return path


class TestSize:
    @pytest.mark.parametrize(("pixels", "height"), [(64, 43), (96, 64), (120, 80)])
    def test_the_longer_side_counts(self, tmp_path: Path, pixels: int, height: int) -> None:
        """The other follows."""
        small = opened(made(saved(tmp_path / "a.png"), Spec(pixels)).data)
        assert small.size == (pixels, height)

    def test_upright_pictures(self, tmp_path: Path) -> None:
        """Their height is what counts."""
        path = saved(tmp_path / "a.png", scene(HIGH, WIDE))
        assert opened(made(path).data).size == (43, 64)

    def test_nothing_is_made_larger(self, tmp_path: Path) -> None:
        """A small picture stays what it is."""
        path = saved(tmp_path / "a.png", scene(20, 10))
        assert opened(made(path).data).size == (20, 10)

    def test_a_line(self, tmp_path: Path) -> None:
        """No side becomes nothing."""
        path = saved(tmp_path / "a.png", scene(3000, 1))
        assert opened(made(path).data).size == (64, 1)


class TestFormat:
    @pytest.mark.parametrize(("form", "name"), [(Format.WEBP, "WEBP"), (Format.JPEG, "JPEG")])
    def test_as_asked_for(self, tmp_path: Path, form: Format, name: str) -> None:
        """Whatever the file is."""
        assert opened(made(saved(tmp_path / "a.gif"), Spec(64, form)).data).format == name

    @pytest.mark.parametrize("form", list(Format))
    def test_nothing_but_the_picture(self, tmp_path: Path, form: Format) -> None:
        """Prompts, places and profiles of the source stay there."""
        exif = Image.Exif()
        exif[0x010E] = "a secret place"
        path = saved(tmp_path / "a.jpg", exif=exif, comment=b"a secret prompt")
        assert b"secret" not in made(path, Spec(64, form)).data

    @pytest.mark.parametrize("kind", ["png", "jpg", "webp", "gif", "bmp", "tif", "avif"])
    def test_every_kind_that_is_read(self, tmp_path: Path, kind: str) -> None:
        """The colours are those of the file."""
        small = opened(made(saved(tmp_path / f"a.{kind}")).data).convert("RGB")
        assert near(colour(small, 0.25, 0.25), RED)
        assert near(colour(small, 0.75, 0.75), BLUE)

    @pytest.mark.parametrize("kind", ["png", "webp", "gif"])
    def test_the_first_frame(self, tmp_path: Path, kind: str) -> None:
        """Of what moves."""
        path = tmp_path / f"a.{kind}"
        scene().save(path, save_all=True, append_images=[Image.new("RGB", (WIDE, HIGH))])
        assert near(colour(opened(made(path).data).convert("RGB"), 0.25, 0.25), RED)

    def test_what_the_name_does_not_say(self, tmp_path: Path) -> None:
        """The content counts: many programs save PNG under any name."""
        path = tmp_path / "a.jpg"
        scene().save(path, "PNG")
        assert made(path).whole


class TestUpright:
    @pytest.mark.parametrize("kind", ["jpg", "png", "webp", "tif"])
    def test_each_way_a_camera_can_be_held(self, tmp_path: Path, kind: str) -> None:
        """EXIF says which corner was the top left one; there is the red then."""
        corners = {
            1: (0.2, 0.2), 2: (0.8, 0.2), 3: (0.8, 0.8), 4: (0.2, 0.8),
            5: (0.2, 0.2), 6: (0.8, 0.2), 7: (0.8, 0.8), 8: (0.2, 0.8),
        }  # fmt: skip
        for orientation, corner in corners.items():
            exif = Image.Exif()
            exif[0x0112] = orientation
            path = saved(tmp_path / f"{orientation}.{kind}", exif=exif)
            small = opened(made(path).data).convert("RGB")
            assert small.size == ((64, 43) if orientation < 5 else (43, 64)), orientation
            assert near(colour(small, *corner), RED), orientation

    @pytest.mark.filterwarnings("ignore:Corrupt EXIF data")  # Pillow's word to a terminal
    @pytest.mark.parametrize("exif", [b"Exif\0\0garbage", b"Exif\0\0MM\0*\xff\xff\xff\xff", b"\0"])
    def test_broken_exif(self, tmp_path: Path, exif: bytes) -> None:
        """It costs the picture nothing."""
        assert made(saved(tmp_path / "a.jpg", exif=exif)).whole


class TestBroken:
    @pytest.mark.parametrize("kind", ["png", "jpg", "gif"])
    def test_a_part_is_shown(self, tmp_path: Path, kind: str) -> None:
        """A file that ends early shows what is there, and says that it is not all."""
        path = saved(tmp_path / f"a.{kind}", busy())
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
        found = made(path)
        assert not found.whole
        assert opened(found.data).size == (64, 43)

    def test_bytes_that_rotted(self, tmp_path: Path) -> None:
        """What comes before them is shown."""
        path = saved(tmp_path / "a.png", busy())
        data = bytearray(path.read_bytes())
        data[len(data) // 2 : len(data) // 2 + 100] = bytes(100)
        path.write_bytes(data)
        assert not made(path).whole

    def test_one_broken_file_changes_nothing_for_others(self, tmp_path: Path) -> None:
        """Pillow's switch for such files is one for the whole process, and stays off."""
        self.test_a_part_is_shown(tmp_path, "png")
        assert not ImageFile.LOAD_TRUNCATED_IMAGES

    @pytest.mark.parametrize("kind", ["png", "jpg", "webp", "gif", "bmp", "tif", "avif"])
    @pytest.mark.parametrize("length", [1, 16, 40, 90])
    def test_hardly_a_beginning(self, tmp_path: Path, kind: str, length: int) -> None:
        """Nothing to show; never anything worse."""
        path = saved(tmp_path / f"a.{kind}", busy())
        path.write_bytes(path.read_bytes()[:length])
        assert refused(path) is Why.BROKEN

    @pytest.mark.parametrize("kind", ["png", "jpg", "webp", "gif", "bmp", "tif", "avif"])
    def test_damage_anywhere(self, tmp_path: Path, kind: str) -> None:
        """A picture, a part or a refusal, wherever the damage is."""
        path = saved(tmp_path / f"a.{kind}", busy(60, 40))
        good = path.read_bytes()
        for place in range(0, min(len(good), 600), 23):
            data = bytearray(good)
            data[place : place + 4] = b"\xff\xff\xff\xff"
            path.write_bytes(data)
            with suppress(NoPictureError):
                assert made(path).data

    @pytest.mark.parametrize("content", [b"hello", b"<svg/>", b"%!PS-Adobe-3.0 EPSF-3.0\n", b"BM"])
    def test_no_picture_at_all(self, tmp_path: Path, content: bytes) -> None:
        """PostScript is not run either, whatever it is called."""
        (tmp_path / "a.png").write_bytes(content)
        assert refused(tmp_path / "a.png") is Why.BROKEN

    @pytest.mark.parametrize("kind", ["exr", "hdr", "dpx", "jxl"])
    def test_kinds_that_nothing_here_reads(self, tmp_path: Path, kind: str) -> None:
        """They are not broken."""
        (tmp_path / f"a.{kind}").write_bytes(b"v/1\x01")
        assert refused(tmp_path / f"a.{kind}") is Why.UNSUPPORTED


class TestBombs:
    @pytest.mark.parametrize(
        ("width", "height"),
        [(MAX_PIXELS // 10_000, 10_001), (30_000, 30_000), (2**31 - 1, 2**31 - 1)],
    )
    def test_too_many_pixels(self, tmp_path: Path, width: int, height: int) -> None:
        """Refused by the header: nothing of it is decoded."""
        path = tmp_path / "a.png"
        path.write_bytes(huge_png(width, height))
        assert refused(path) is Why.TOO_LARGE

    def test_text_that_unpacks_to_gigabytes(self, tmp_path: Path) -> None:
        """It is not unpacked."""
        bomb = ztxt("prompt", b"\0" * 50_000_000)
        (tmp_path / "a.png").write_bytes(SIGNATURE + ihdr() + bomb)
        assert refused(tmp_path / "a.png") is Why.BROKEN

    def test_large_ones_take_turns(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Two at once might be more than there is memory."""
        monkeypatch.setattr(making, "LARGE", 100)
        path = saved(tmp_path / "a.png")
        maker, held = Maker(), []
        small = making._small

        def watched(image: Any, pixels: int) -> tuple[Image.Image, bool]:
            held.append(maker._one_large.locked())
            return small(image, pixels)

        monkeypatch.setattr(making, "_small", watched)
        maker.make(seen(path), SMALL)
        assert held == [True]
        assert not maker._one_large.locked()


class TestChanging:
    def test_another_file_than_was_looked_at(self, tmp_path: Path) -> None:
        """It would be kept under the wrong name."""
        before = seen(saved(tmp_path / "a.png"))
        saved(tmp_path / "a.png", busy())
        with pytest.raises(FileChanging):
            Maker().make(before, SMALL)

    @pytest.mark.parametrize("broken", [False, True])
    def test_a_file_that_is_written_meanwhile(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, broken: bool
    ) -> None:
        """Half a file looks broken, and is not."""
        path = saved(tmp_path / "a.png")

        def small(image: object, pixels: int) -> tuple[Image.Image, bool]:
            os.utime(path, (1, 1))
            if broken:
                raise NoPictureError(Why.BROKEN, "cut off")
            return scene(), True

        monkeypatch.setattr(making, "_small", small)
        with pytest.raises(FileChanging):
            made(path)

    def test_gone(self, tmp_path: Path) -> None:
        """The operating system says so."""
        with pytest.raises(FileNotFoundError):
            Maker().make(Source(tmp_path / "a.png", 1, 1), SMALL)

    @pytest.mark.skipif(os.name == "nt", reason="Windows has no named pipes among files")
    def test_a_pipe(self, tmp_path: Path) -> None:
        """Reading it would hang for ever."""
        os.mkfifo(tmp_path / "a.png")
        with pytest.raises(FileMissing):
            made(tmp_path / "a.png")

    def test_a_share_that_fails_while_we_read(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """That is the share's fault, not the picture's."""

        def fail(self: object) -> None:
            raise OSError(5, "Input/output error")

        monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", fail)
        with pytest.raises(OSError, match="Input/output error"):
            made(saved(tmp_path / "a.png"))
