"""Project folders as ComfyUI leaves them: PNGs with real chunks, the same ones each time.

The pictures are one grey pixel; what is real is their text: a graph in API format and the graph as
drawn, 3 to 15 KB together, escaped as ComfyUI escapes it. Prompts differ from file to file, their
words are as unevenly common as those of a language, and some are not ASCII.
"""

from __future__ import annotations

import json
import random
import struct
import zlib
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path

from attrs import define, field

#: Graphs that differ in their nodes; a real project has a handful of workflows in many versions.
SHAPES = 24
#: Pictures that are made with one graph and file name, before the next shot.
PER_SHOT = 40
#: Words that prompts are made of.
WORDS = 12_000
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
#: What no ASCII search finds; every twentieth prompt has one.
_FOREIGN = ("café", "Straße", "naïve", "城堡", "東京の夜", "замок", "señorita", "Ægir", "금빛 노을")
#: Places in a graph for what differs from file to file.
_PROMPT, _SEED, _PREFIX = "@PROMPT@", "@SEED@", "@PREFIX@"


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


_HEAD = _SIGNATURE + _chunk(b"IHDR", struct.pack(">IIBBBBB", 1216, 832, 8, 0, 0, 0, 0))
_TAIL = _chunk(b"IDAT", zlib.compress(b"\0\0")) + _chunk(b"IEND", b"")


@define
class Wording:
    """Prompts of made-up words, of which few are common and most are rare (Zipf)."""

    chance: random.Random
    words: list[str] = field(init=False)
    _weights: list[float] = field(init=False)

    def __attrs_post_init__(self) -> None:
        """Make the vocabulary."""
        parts = [a + b for a in "bcdfghklmnprstvz" for b in ("a", "e", "i", "o", "u", "ar", "en")]
        found: dict[str, None] = {}
        while len(found) < WORDS:
            found["".join(self.chance.choices(parts, k=self.chance.choice((2, 3, 3, 4))))] = None
        self.words = list(found)
        self._weights = list(accumulate(1 / (rank + 3) for rank in range(WORDS)))

    def prompt(self, letters: int) -> str:
        """About so many letters, with commas."""
        words = self.chance.choices(self.words, cum_weights=self._weights, k=letters // 6)
        if self.chance.random() < 0.05:
            words[len(words) // 2] = self.chance.choice(_FOREIGN)
        return ", ".join(" ".join(words[at : at + 4]) for at in range(0, len(words), 4))


def _graph(number: int) -> dict[str, object]:
    """A graph in API format, with places for what differs from file to file."""

    def node(class_type: str, title: str, **inputs: object) -> dict[str, object]:
        return {"inputs": inputs, "class_type": class_type, "_meta": {"title": title}}

    graph: dict[str, object] = {
        "4": node("CheckpointLoaderSimple", "Load", ckpt_name=f"sdxl/base_{number % 5}.safetensors")
    }
    model = ["4", 0]
    for lora in range(number % 4):
        name = str(20 + lora)
        graph[name] = node("LoraLoader", f"LoRA {lora}", strength_model=0.8,
                           lora_name=f"film/grain_{lora}.safetensors", strength_clip=1.0,
                           model=model, clip=["4", 1])  # fmt: skip
        model = [name, 0]
    graph["5"] = node("EmptyLatentImage", "Latent", width=1216, height=832, batch_size=1)
    graph["6"] = node("CLIPTextEncode", "Positive", text=_PROMPT, clip=["4", 1])
    graph["7"] = node("CLIPTextEncode", "Negative", text="blurry, watermark, lowres", clip=["4", 1])
    graph["3"] = node("KSampler", "Sampler", seed=_SEED, steps=20 + number, cfg=6.5,
                      sampler_name="dpmpp_2m", scheduler="karras", denoise=1.0, model=model,
                      positive=["6", 0], negative=["7", 0], latent_image=["5", 0])  # fmt: skip
    graph["8"] = node("VAEDecode", "Decode", samples=["3", 0], vae=["4", 2])
    image = ["8", 0]
    for step in range(number % 3 * 2):
        name = str(40 + step)
        graph[name] = node("ImageSharpen", f"Sharpen {step}", sharpen_radius=1, sigma=0.5,
                           alpha=0.1, image=image)  # fmt: skip
        image = [name, 0]
    graph["9"] = node("SaveImage", "Save", images=image, filename_prefix=_PREFIX)
    return graph


def _drawing(graph: dict[str, object], notes: int) -> dict[str, object]:
    """The same graph as the editor saves it: positions, sockets, values."""
    nodes = []
    for order, (name, node) in enumerate(graph.items()):
        assert isinstance(node, dict)
        values = [value for value in node["inputs"].values() if not isinstance(value, list)]
        nodes.append(
            {
                "id": int(name),
                "type": node["class_type"],
                "pos": [120 + 340 * order, 80 + 55 * (order % 7)],
                "size": {"0": 315, "1": 98 + 24 * len(values)},
                "flags": {},
                "order": order,
                "mode": 0,
                "inputs": [{"name": key, "type": "*", "link": order} for key in node["inputs"]],
                "outputs": [{"name": "OUT", "type": "*", "links": [order + 1], "slot_index": 0}],
                "properties": {"Node name for S&R": node["class_type"]},
                "widgets_values": values,
            }
        )
    nodes += [
        {"id": 900 + n, "type": "Note", "pos": [0, n], "size": [200, 60], "flags": {}, "mode": 0,
         "widgets_values": [f"Panel note {n}: keep the horizon low and the light warm."]}
        for n in range(notes)
    ]  # fmt: skip
    return {"last_node_id": 950, "last_link_id": 99, "nodes": nodes, "groups": [], "version": 0.4}


def _templates() -> list[tuple[str, str]]:
    """Graph and drawing as JSON text, with places."""
    graphs = [(_graph(number), number) for number in range(SHAPES)]
    return [
        (json.dumps(graph), json.dumps(_drawing(graph, number % 5))) for graph, number in graphs
    ]


def pictures(files: int, seed: int = 0) -> Iterator[bytes]:
    """PNGs, each with its own prompt and seed."""
    chance = random.Random(seed)
    wording = Wording(chance)
    templates = _templates()
    for number in range(files):
        shot = number // PER_SHOT
        prompt = json.dumps(wording.prompt(chance.randrange(200, 900)))[1:-1]
        noise = str(chance.randrange(2**50))
        texts = [
            template.replace(_PROMPT, prompt)
            .replace(f'"{_SEED}"', noise)
            .replace(_PREFIX, f"shot_{shot:05d}")
            .encode()
            for template in templates[shot % SHAPES]
        ]
        yield b"".join([
            _HEAD,
            _chunk(b"tEXt", b"prompt\0" + texts[0]),
            _chunk(b"tEXt", b"workflow\0" + texts[1]),
            _TAIL,
        ])  # fmt: skip


def make(
    folder: Path, files: int, folders: int, *, duplicates: float = 0.02, seed: int = 0
) -> list[str]:
    """Write a project; returns its files below `folder`, with `/`.

    Args:
        folder: Made if need be; should be empty, and outside of the repository.
        files: How many pictures.
        folders: How many panels they are spread over, evenly.
        duplicates: Which part of them has the bytes of an earlier one.
        seed: The same seed makes the same project.
    """
    chance = random.Random(f"duplicates {seed}")
    made: list[str] = []
    content: list[bytes] = []
    for panel in range(folders):
        (folder / f"Panel_{panel + 1:04d}").mkdir(parents=True, exist_ok=True)
    for number, picture in enumerate(pictures(files, seed)):
        if content and chance.random() < duplicates:
            picture = chance.choice(content)
        content = [*content[-49:], picture]
        panel = number * folders // files + 1
        name = f"Panel_{panel:04d}/shot_{number // PER_SHOT:05d}_v{number % PER_SHOT:03d}.png"
        (folder / name).write_bytes(picture)
        made.append(name)
    return made
