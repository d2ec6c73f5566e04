"""Whatever pixels a file has, people see what they should."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image, ImageCms

from orchestrator.gallery.thumbnails.colours import NEUTRAL, flattened, scalable, to_srgb
from orchestrator.gallery.thumbnails.making import Maker
from orchestrator.gallery.thumbnails.spec import Format, Spec
from tests.thumbnails.pictures import BLUE, HIGH, RED, WIDE, colour, near, opened, ramp, scene, seen


def shown(path: Path, form: Format = Format.WEBP) -> Image.Image:
    """The thumbnail of a file, decoded."""
    return opened(Maker().make(seen(path), Spec(64, form)).data)


def rises(image: Image.Image) -> bool:
    """Whether it goes from black to white."""
    grey = image.convert("RGB")
    ends = [colour(grey, x, 0.5) for x in (0.02, 0.5, 0.97)]
    return all(
        near(end, (level, level, level)) for end, level in zip(ends, (5, 128, 250), strict=True)
    )


class TestDepths:
    @pytest.mark.parametrize("kind", ["png", "tif"])
    def test_16_bits_of_grey(self, tmp_path: Path, kind: str) -> None:
        """Depth maps: all of their range, not the lowest 256 levels."""
        deep = ramp().convert("I").point(lambda value: value * 257).convert("I;16")
        deep.save(tmp_path / f"a.{kind}")
        assert rises(shown(tmp_path / f"a.{kind}"))

    @pytest.mark.parametrize("factor", [1, 257, 1_000_000])
    def test_32_bits_of_grey(self, tmp_path: Path, factor: int) -> None:
        """8 and 16 bits are known by their values; others go from their least to their most."""
        ramp().convert("I").point(lambda value: value * factor).save(tmp_path / "a.tif")
        assert rises(shown(tmp_path / "a.tif"))

    @pytest.mark.parametrize(("scale", "offset"), [(1 / 255, 0.0), (7.0, -300.0)])
    def test_floats(self, tmp_path: Path, scale: float, offset: float) -> None:
        """0 to 1, or whatever they are."""
        made = ramp().convert("F").point(lambda value: value * scale + offset)
        made.save(tmp_path / "a.tif")
        assert rises(shown(tmp_path / "a.tif"))

    @pytest.mark.parametrize("value", [float("inf"), float("nan"), 0.0])
    def test_floats_without_a_range(self, value: float) -> None:
        """No error."""
        image = Image.new("F", (4, 4), 0.5)
        image.putpixel((0, 0), value)
        assert scalable(image).mode == "L"

    def test_bits(self, tmp_path: Path) -> None:
        """Black and white become greys where they are mixed, instead of lines that vanish."""
        ramp().convert("1").save(tmp_path / "a.png")
        assert near(colour(shown(tmp_path / "a.png").convert("RGB"), 0.5, 0.5), (128,) * 3, 64)


class TestColours:
    @pytest.mark.parametrize(
        ("mode", "name"),
        [("CMYK", "a.jpg"), ("CMYK", "a.tif"), ("P", "a.png"), ("YCbCr", "a.tif")],
    )
    def test_other_models(self, tmp_path: Path, mode: str, name: str) -> None:
        """Red stays red."""
        scene().convert(mode).save(tmp_path / name)
        small = shown(tmp_path / name).convert("RGB")
        assert near(colour(small, 0.25, 0.25), RED)
        assert near(colour(small, 0.75, 0.75), BLUE)

    def test_lab(self, tmp_path: Path) -> None:
        """As some scanners save."""
        srgb, lab = (ImageCms.createProfile(space) for space in ("sRGB", "LAB"))
        scanned = ImageCms.profileToProfile(scene(), srgb, lab, outputMode="LAB")
        assert scanned is not None
        scanned.save(tmp_path / "a.tif")
        assert near(colour(shown(tmp_path / "a.tif").convert("RGB"), 0.25, 0.25), RED)

    @pytest.mark.parametrize("mode", ["RGB", "RGBA"])
    def test_a_profile_is_heeded(self, mode: str) -> None:
        """What a file calls red is what its profile says."""
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        swapped = profile.replace(b"rXYZ", b"?XYZ").replace(b"bXYZ", b"rXYZ")
        swapped = swapped.replace(b"?XYZ", b"bXYZ").replace("sRGB".encode("utf-16-be"), b"\0x" * 4)
        image = to_srgb(scene().convert(mode), swapped)
        assert image.mode == mode
        assert near(colour(image, 0.25, 0.25)[:3], RED[::-1])

    def test_a_profile_that_changes_nothing(self) -> None:
        """It will be sRGB anyway; a profile for other pixels says nothing."""
        for space in ("sRGB", "LAB"):
            profile = ImageCms.ImageCmsProfile(ImageCms.createProfile(space)).tobytes()
            assert to_srgb(scene(), profile).tobytes() == scene().tobytes()

    @pytest.mark.parametrize("profile", [b"", b"garbage", b"\0" * 200])
    def test_a_broken_profile(self, profile: bytes) -> None:
        """Is passed over."""
        assert to_srgb(scene(), profile).tobytes() == scene().tobytes()

    def test_a_broken_profile_in_a_file(self, tmp_path: Path) -> None:
        """The picture is shown."""
        scene().convert("CMYK").save(tmp_path / "a.jpg", icc_profile=b"garbage" * 30)
        assert near(colour(shown(tmp_path / "a.jpg").convert("RGB"), 0.25, 0.25), RED)


class TestAlpha:
    @pytest.mark.parametrize("mode", ["RGBA", "LA"])
    @pytest.mark.parametrize("kind", ["png", "webp", "tif"])
    def test_webp_keeps_it(self, tmp_path: Path, mode: str, kind: str) -> None:
        """What shines through is the page's."""
        image = scene().convert(mode)
        image.putalpha(ramp())
        image.save(tmp_path / f"a.{kind}")
        small = shown(tmp_path / f"a.{kind}")
        assert small.mode == "RGBA"
        assert colour(small, 0.02, 0.5)[3] < 16
        assert colour(small, 0.97, 0.5)[3] > 240

    def test_jpeg_puts_it_on_a_neutral_ground(self, tmp_path: Path) -> None:
        """Neither black nor white drawings vanish there."""
        image = scene().convert("RGBA")
        image.putalpha(ramp())
        image.save(tmp_path / "a.png")
        small = shown(tmp_path / "a.png", Format.JPEG)
        assert near(colour(small, 0.0, 0.9), NEUTRAL)
        assert near(colour(small, 0.97, 0.9), BLUE)

    def test_one_that_hides_nothing_is_left_out(self) -> None:
        """Pictures are twice as fast without it."""
        image = scene().convert("RGBA")
        assert scalable(image).mode == "RGB"
        image.putpixel((0, 0), (0, 0, 0, 254))
        assert scalable(image).mode == "RGBA"

    def test_a_colour_that_is_transparent(self, tmp_path: Path) -> None:
        """PNG and GIF may name one."""
        scene().save(tmp_path / "a.png", transparency=RED)
        small = shown(tmp_path / "a.png")
        assert colour(small, 0.25, 0.25)[3] == 0
        assert colour(small, 0.75, 0.75)[3] == 255

    def test_colours_do_not_bleed_out_of_what_is_hidden(self) -> None:
        """What nobody sees has no colour, also when pixels are mixed."""
        image = Image.new("RGBA", (WIDE, HIGH), (0, 255, 0, 0))
        image.paste((255, 0, 0, 255), (0, 0, WIDE // 2, HIGH))
        small = scalable(image)
        small.thumbnail((31, 31))
        seen_pixels = [colour(small, x / small.width, 0.5) for x in range(small.width)]
        assert all(green < 8 for _, green, _, alpha in seen_pixels if alpha > 32)

    def test_nothing_to_flatten(self) -> None:
        """The very same picture."""
        image = scene()
        assert flattened(image) is image


def test_profiles_of_files_reach_the_screen(tmp_path: Path) -> None:
    """A grey picture with a profile for RGB is shown all the same."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    ramp().save(tmp_path / "a.png", icc_profile=profile)
    assert rises(shown(tmp_path / "a.png"))
    assert (
        Image.open(BytesIO(Maker().make(seen(tmp_path / "a.png"), Spec(64)).data)).info.get(
            "icc_profile"
        )
        is None
    )
