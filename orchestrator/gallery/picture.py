"""What stands in one file: its dimensions, and how it was made. Functions block."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen
from PIL import Image

from orchestrator.errors import PngUnreadable
from orchestrator.gallery.media import media_type
from orchestrator.gallery.metadata import Generation, generation
from orchestrator.gallery.png import read_head

_NOTHING = Generation(None, None, None)


@frozen
class PictureFacts:
    """What could be read; what could not is None, and `note` says why."""

    width: int | None
    height: int | None
    generation: Generation
    note: str | None = None


def facts(path: Path) -> PictureFacts:
    """Read a file's facts. A broken picture is described as far as it goes.

    Raises:
        OSError: the file cannot be opened.
    """
    kind = media_type(path.name)
    if kind is None or kind.kind != "image":
        return PictureFacts(None, None, _NOTHING)
    if path.suffix.lower() == ".png":
        try:
            head = read_head(path)
        except PngUnreadable as exc:
            return PictureFacts(None, None, _NOTHING, str(exc))
        return PictureFacts(head.width, head.height, generation(head.texts), head.damaged)
    try:
        # Opening reads the header only.
        with Image.open(path) as image:
            return PictureFacts(image.width, image.height, _NOTHING)
    except (OSError, Image.DecompressionBombError, SyntaxError, ValueError) as exc:
        if isinstance(exc, OSError) and exc.errno is not None:
            raise  # the share's word; what Pillow thinks of a picture has no number
        return PictureFacts(None, None, _NOTHING, f"cannot be read: {exc}")
