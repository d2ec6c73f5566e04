"""What stands in one file of the gallery: size, length, how it was made. Functions block.

The one way to look into a file, for whoever indexes or describes it.
"""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

from orchestrator.gallery import picture
from orchestrator.gallery.heads import PictureHead
from orchestrator.gallery.media import media_type
from orchestrator.gallery.metadata import NOTHING, Generation, generation
from orchestrator.gallery.recipe import Recipe, recipe
from orchestrator.gallery.video import video_facts


@frozen
class Facts:
    """What could be read; what could not is None or empty, and `note` says what is wrong."""

    #: In pixels; of a video as well.
    width: int | None
    height: int | None
    #: How long a video or a sound is.
    seconds: float | None
    made: Generation
    recipe: Recipe
    #: Both graphs as text to search in, letters beyond ASCII readable; "" if there are none.
    raw: str
    note: str | None


_NO_RECIPE = Recipe()


def read_facts(path: Path) -> Facts:
    """Read what stands in a file. A broken one is described as far as it goes.

    Raises:
        OSError: the share does not let us open or read it; it always has an `errno`.
    """
    kind = media_type(path.name)
    if kind is None or kind.kind == "image":
        seen = picture.facts(path)
        return _facts(seen.width, seen.height, None, seen.generation, seen.note)
    heard = video_facts(path)
    made = generation(heard.texts)
    return _facts(heard.width, heard.height, heard.seconds, made, heard.note)


def facts_of(head: PictureHead) -> Facts:
    """What the head of a picture says that was read already."""
    made = generation(head.texts) if head.texts else NOTHING
    return _facts(head.width, head.height, None, made, head.damaged)


def _facts(
    width: int | None,
    height: int | None,
    seconds: float | None,
    made: Generation,
    note: str | None,
) -> Facts:
    if made is NOTHING:
        return Facts(width, height, seconds, made, _NO_RECIPE, "", note)
    return Facts(width, height, seconds, made, recipe(made), made.raw, note)
