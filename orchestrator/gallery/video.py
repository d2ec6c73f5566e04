"""The size, length and texts of a video or sound, by PyAV where it is installed. Functions block.

PyAV is the extra `video`: it brings FFmpeg, which is larger than all the rest. Without it, videos
are listed without these facts, and nothing is said to be wrong with them.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

from orchestrator.gallery.film_source import FilmSource
from orchestrator.gallery.heads import MAX_TEXT
from orchestrator.gallery.media import suffix
from orchestrator.gallery.metadata import whole
from orchestrator.gallery.said import KEYWORDS, said

#: What FFmpeg calls the container of each suffix. It is told, not asked to guess: a file that
#: claims to be a playlist could make it open other files and addresses.
_CONTAINERS = {
    ".mp4": "mp4",
    ".m4v": "mp4",
    ".m4a": "mp4",
    ".mov": "mov",
    ".avi": "avi",
    ".webm": "matroska",
    ".mkv": "matroska",
    ".wav": "wav",
    ".flac": "flac",
    ".mp3": "mp3",
    ".ogg": "ogg",
    ".opus": "ogg",
}
#: FFmpeg's clock for whole files, in ticks per second.
_TICKS = 1_000_000
_TAGS = frozenset({*KEYWORDS, "comment", "description"})


@frozen
class VideoFacts:
    """What could be read; what could not is None, and `note` says why."""

    width: int | None = None
    height: int | None = None
    seconds: float | None = None
    #: By keyword as in a PNG.
    texts: dict[str, str] = field(factory=dict)
    note: str | None = None


def video_facts(path: Path) -> VideoFacts:
    """Read the facts of a video or sound. A broken one is described as far as it goes.

    Raises:
        OSError: the file cannot be opened or read.
    """
    try:
        # By name: it is an extra, with types of its own only where it is installed.
        av = importlib.import_module("av")
    except ImportError:
        return VideoFacts()
    with path.open("rb") as file:
        try:
            with av.open(
                FilmSource(file),
                format=_CONTAINERS.get(suffix(path.name)),
                metadata_errors="replace",
            ) as container:
                return _described(container)
        # FFmpeg's own errors may be of the same kinds as the system's, with numbers of its own.
        except av.FFmpegError as exc:
            return VideoFacts(note=f"cannot be read: {exc.strerror}")


def _described(container: Any) -> VideoFacts:
    video = next(iter(container.streams.video), None)
    ticks = container.duration
    return VideoFacts(
        width=(video.width or None) if video else None,
        height=(video.height or None) if video else None,
        seconds=ticks / _TICKS if ticks and ticks > 0 else None,
        texts=_texts([container.metadata, *(stream.metadata for stream in container.streams)]),
    )


def _texts(tags: list[Mapping[str, str]]) -> dict[str, str]:
    """What tags say of the making; Matroska has their names in capitals, MP4 does not."""
    found: dict[str, str] = {}
    for tag, value in (pair for each in tags for pair in each.items()):
        keyword = tag.lower()
        if keyword not in _TAGS or len(value) > MAX_TEXT:
            continue
        said_there = {keyword: whole(value)} if keyword in KEYWORDS else said(whole(value))
        # The container's own tags come first, and go before those of its streams.
        found = said_there | found
    return found
