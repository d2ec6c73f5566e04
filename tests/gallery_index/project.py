"""A small project on disk, and its index, for the tests of the index."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from attrs import define, field

from orchestrator.gallery.index.model import Found, ScanReport, Search
from orchestrator.gallery.index.reading import Entry, read_entry
from orchestrator.gallery.index.scanner import Scan
from orchestrator.gallery.index.store import Index
from tests.gallery_files.pngs import png, text

#: Times of files: every file is a second newer than the one before.
_FIRST = 1_700_000_000_000_000_000
_SECOND = 1_000_000_000


def graph(prompt: str, negative: str = "blurry", seed: int = 123456789, **more: Any) -> bytes:
    """A graph as ComfyUI writes it into a file, escaped."""

    def node(class_type: str, **inputs: Any) -> dict[str, Any]:
        return {"class_type": class_type, "inputs": inputs}

    nodes = {
        "4": node("CheckpointLoaderSimple", ckpt_name=more.get("model", "sdxl/base.safetensors")),
        "6": node("CLIPTextEncode", clip=["4", 1], text=prompt),
        "7": node("CLIPTextEncode", clip=["4", 1], text=negative),
        "3": node("KSampler", model=["4", 0], seed=seed, steps=20, cfg=7.0, sampler_name="euler",
                  scheduler="karras", positive=["6", 0], negative=["7", 0],
                  latent_image=["5", 0], denoise=1.0),
        "5": node("EmptyLatentImage", width=64, height=64, batch_size=1),
        "8": node("VAEDecode", samples=["3", 0], vae=["4", 2]),
        "9": node("SaveImage", images=["8", 0], filename_prefix=more.get("prefix", "shot")),
    }  # fmt: skip
    return json.dumps(nodes).encode()


@define
class Project:
    """A project's folder, its index, and what was read so far."""

    root: Path
    index: Index
    read: list[str] = field(factory=list)
    _made: int = 0

    def add(self, path: str, prompt: str = "a castle", **graph_: Any) -> str:
        """A picture, a second newer than the one before."""
        return self.write(path, png(text("prompt", graph(prompt, **graph_))))

    def write(self, path: str, data: bytes) -> str:
        """Some file, a second newer than the one before."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
        self._made += 1
        os.utime(file, ns=(_FIRST, _FIRST + self._made * _SECOND))
        return path

    def reader(self, path: str) -> Entry:
        """Reads a file, and remembers that it did."""
        self.read.append(Path(path).relative_to(self.root).as_posix())
        return read_entry(path)

    def scan(self, *, accept_loss: bool = False) -> ScanReport:
        """One whole scan; `read` then has what that read."""
        self.read.clear()
        return Scan(self.root, self.index, accept_loss=accept_loss, read=self.reader).run()

    def search(self, query: str = "", **how: Any) -> Found:
        """Search the index."""
        return self.index.search(Search(text=query, **how))

    def found(self, query: str = "", **how: Any) -> list[str]:
        """The paths found, the best first."""
        return [hit.path for hit in self.search(query, **how).hits]

    def known(self) -> set[str]:
        """All files that are there, as far as the index knows."""
        return {path for path, _, _ in self.index.all_files()}
