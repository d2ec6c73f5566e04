"""A folder of files to look for duplicates in, as the gallery would list them."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from random import Random
from typing import Any

from attrs import define, field
from PIL import Image

from orchestrator.gallery.duplicates.cache import HashCache
from orchestrator.gallery.duplicates.find import find
from orchestrator.gallery.duplicates.report import Candidate, Likeness, Report

#: The first moment of the tests, in nanoseconds; each file comes a second after the one before.
START = 1_600_000_000_000_000_000
SECOND = 1_000_000_000


def scene(seed: int, size: tuple[int, int] = (64, 48), mode: str = "RGB") -> Image.Image:
    """A picture with soft shapes; another seed is another picture, at any size."""
    spots = Image.frombytes("RGB", (6, 5), Random(seed).randbytes(90))
    return spots.resize(size, Image.Resampling.BICUBIC).convert(mode)


@define
class Shelf:
    """Files, oldest first, and what was read when they were compared."""

    root: Path
    cache: HashCache
    #: How many files were read by each search.
    reads: list[int] = field(factory=list)
    _files: int = 0

    def put(self, name: str, content: bytes) -> Path:
        """A file, younger than those before."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return self.settle(path)

    def picture(self, name: str, image: Image.Image, **how: Any) -> Path:
        """A picture in the format that its suffix names, younger than the files before."""
        path = self.root / name
        image.save(path, **how)
        return self.settle(path)

    def settle(self, path: Path) -> Path:
        """Give a file the next time."""
        self._files += 1
        time = START + self._files * SECOND
        os.utime(path, ns=(time, time))
        return path

    def listed(self) -> list[Candidate]:
        """All files, as they now are."""
        found = []
        for path in sorted(self.root.rglob("*")):
            if path.is_file():
                info = path.stat()
                name = path.relative_to(self.root).as_posix()
                found.append(Candidate(name, info.st_size, info.st_mtime_ns))
        return found

    def find(
        self,
        kind: Likeness,
        files: list[Candidate] | None = None,
        *,
        threshold: int = 6,
        stop: threading.Event | None = None,
    ) -> Report:
        """Search among the files of the folder, or those given."""
        self.reads.append(0)

        def progress(read: int, to_read: int) -> None:
            assert read <= to_read
            self.reads[-1] = read

        listed = self.listed() if files is None else files
        return find(
            self.root,
            listed,
            kind,
            self.cache,
            threshold=threshold,
            progress=progress,
            stop=stop,
        )


def names(report: Report) -> list[list[str]]:
    """The paths of each group."""
    return [[file.path for file in group.files] for group in report.groups]
