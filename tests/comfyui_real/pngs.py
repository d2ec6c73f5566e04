"""What ComfyUI wrote into a picture, read without any code of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
from PIL import Image


def text_chunks(path: Path) -> dict[str, Any]:
    """The JSON in a PNG's text chunks, by their keywords."""
    with Image.open(path) as picture:
        picture.load()
        said = {str(key): text for key, text in picture.info.items() if isinstance(text, str)}
    return {key: orjson.loads(text) for key, text in said.items()}
