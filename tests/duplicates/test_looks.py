"""Pictures that look the same, and those that do not."""

from __future__ import annotations

import pytest
from PIL import Image, ImageFilter

from orchestrator.gallery.duplicates.looks import Look, look_of
from orchestrator.gallery.duplicates.report import Likeness
from tests.duplicates.shelf import Shelf, names, scene


def small(colour: str) -> Image.Image:
    """A picture of one colour."""
    return Image.new("RGB", (9, 8), colour)


class TestSameLook:
    def test_other_sizes_and_qualities(self, shelf: Shelf) -> None:
        """Rescaled, recompressed, blurred; one group around the oldest, others apart."""
        large = scene(1, (640, 480))
        shelf.picture("a.png", large)
        shelf.picture("b.jpg", large, quality=30)
        shelf.picture("c.webp", large.resize((200, 150)), quality=60)
        shelf.picture("d.png", large.filter(ImageFilter.GaussianBlur(4)))
        shelf.picture("e.png", scene(2, (640, 480)))
        shelf.put("film.mp4", b"no picture")

        report = shelf.find(Likeness.LOOKS)

        assert names(report) == [["a.png", "b.jpg", "c.webp", "d.png"]]
        (group,) = report.groups
        assert 0 <= group.distance <= 6
        assert group.hash.startswith("look-")
        assert report.unreadable == ()

    def test_a_hundred_scenes_are_a_hundred(self, shelf: Shelf) -> None:
        """No false alarm among pictures that have nothing in common."""
        for seed in range(100):
            shelf.picture(f"{seed}.png", scene(seed, (18, 16)))

        assert shelf.find(Likeness.LOOKS).groups == ()

    def test_the_threshold_is_kept(self, shelf: Shelf) -> None:
        """At 0 only the same look counts."""
        large = scene(1, (640, 480))
        shelf.picture("a.png", large)
        shelf.picture("b.png", large.rotate(2, fillcolor="grey"))
        wide = shelf.find(Likeness.LOOKS, threshold=11)

        assert names(wide) == [["a.png", "b.png"]]
        distance = wide.groups[0].distance
        assert distance > 0
        assert shelf.find(Likeness.LOOKS, threshold=distance).groups == wide.groups
        assert shelf.find(Likeness.LOOKS, threshold=distance - 1).groups == ()
        with pytest.raises(ValueError, match="not 12"):
            shelf.find(Likeness.LOOKS, threshold=12)

    def test_plain_pictures_are_compared_by_colour(self, shelf: Shelf) -> None:
        """Black, white and red frames have no shapes, but are not the same."""
        for name in ("black", "white", "red", "navy"):
            shelf.picture(f"{name}.png", Image.new("RGB", (64, 48), name))
        shelf.picture("dark.jpg", Image.new("RGB", (640, 480), (3, 3, 4)))

        assert names(shelf.find(Likeness.LOOKS)) == [["black.png", "dark.jpg"]]

    @pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16", "I", "F"])
    def test_every_kind_of_pixels(self, shelf: Shelf, mode: str) -> None:
        """Also depth maps, whose values are far beyond 255."""
        grey = scene(5, (160, 120), "L")
        if mode in ("I;16", "I", "F"):
            other = grey.convert("I").point(lambda value: value * 200.0).convert(mode)
        else:
            other = grey.convert("RGB").convert(mode)
        shelf.picture("a.png", grey)
        shelf.picture("b.tiff", other)

        assert names(shelf.find(Likeness.LOOKS, threshold=10)) == [["a.png", "b.tiff"]]

    def test_what_is_transparent_is_not_seen(self, shelf: Shelf) -> None:
        """Colours behind full transparency differ between programs."""
        shape = scene(7, (80, 60), "L").point(lambda value: 255 if value > 128 else 0)
        for name, colour in (("a", "red"), ("b", "blue")):
            image = scene(8, (80, 60))
            image.paste(colour, mask=shape.point(lambda value: 255 - value))
            image.putalpha(shape)
            shelf.picture(f"{name}.png", image)

        assert names(shelf.find(Likeness.LOOKS)) == [["a.png", "b.png"]]


class TestLook:
    def test_bits_say_which_neighbour_is_brighter(self) -> None:
        """Rising to the right is all ones, falling is none."""
        rising = Image.frombytes("L", (9, 8), bytes(range(0, 90, 10)) * 8).convert("RGB")

        assert look_of(rising) == Look(2**64 - 1, plain=False)
        assert look_of(rising.transpose(Image.Transpose.FLIP_LEFT_RIGHT)) == Look(0, plain=False)

    def test_colours_differ_by_how_far_they_are_apart(self) -> None:
        """Near colours differ in few bits, black and white in nearly all."""
        black, white = look_of(small("black")), look_of(small("white"))

        assert black == Look(0, plain=True)
        assert white == Look(2**63 - 1, plain=True)
        assert (look_of(small("#ff0000")).bits ^ look_of(small("#ee0000")).bits).bit_count() <= 2

    @pytest.mark.parametrize("look", [Look(0, plain=False), Look(2**64 - 1, plain=True)])
    def test_survives_being_written(self, look: Look) -> None:
        """As the cache holds it."""
        assert Look.parsed(str(look)) == look
