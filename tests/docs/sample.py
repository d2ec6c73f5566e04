"""The small project that docs/gallery.md speaks of."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import orjson
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.http.studio import graph

#: Path, colour, prompt and seed of each picture, the oldest first.
_PICTURES = (
    ("Panel_01/castle_1.png", "navy", "a castle in the golden hour, film still", 101),
    ("Panel_01/castle_2.png", "teal", "a castle at night, film still", 102),
    ("Panel_01/castle_10.png", "gold", "a castle before the golden hour", 110),
    ("Panel_02/forest.png", "green", "a forest in the rain", 7),
    ("Panel_02/draft.png", "grey", "a draft", 1),
)
#: Seconds since 1970 at which the first was made; the others a minute apart.
_MADE = 1_771_750_800


def sample(project: Path) -> None:
    """Five pictures in two folders, and a copy of one in a third."""
    for number, (name, colour, prompt, seed) in enumerate(_PICTURES):
        path = project / name
        path.parent.mkdir(parents=True, exist_ok=True)
        made = graph(prompt)
        made["3"]["inputs"]["seed"] = seed
        texts = PngInfo()
        texts.add_text("prompt", orjson.dumps(made).decode())
        Image.new("RGB", (64, 64), colour).save(path, pnginfo=texts)
        os.utime(path, (_MADE + 60 * number,) * 2)
    (project / "refs").mkdir()
    shutil.copy2(project / "Panel_01/castle_2.png", project / "refs/copy.png")
