"""What is shown when there is no picture."""

from __future__ import annotations

import pytest

from orchestrator.gallery.thumbnails.icons import placeholder
from orchestrator.gallery.thumbnails.spec import Format, Spec, Why
from tests.thumbnails.pictures import opened


@pytest.mark.parametrize("why", list(Why))
@pytest.mark.parametrize("form", list(Format))
def test_every_reason_has_a_drawing(why: Why, form: Format) -> None:
    """A square of the size asked for, in the format asked for."""
    image = opened(placeholder(why, Spec(96, form)))
    assert (image.size, image.mode) == ((96, 96), "RGB")
    assert image.format == ("WEBP" if form is Format.WEBP else "JPEG")


def test_each_looks_different() -> None:
    """Nobody takes a broken file for a sound."""
    assert len({placeholder(why, Spec(64)) for why in Why}) == len(Why)


def test_it_is_drawn_once() -> None:
    """The very same bytes the second time."""
    assert placeholder(Why.AUDIO, Spec(80)) is placeholder(Why.AUDIO, Spec(80))
