"""Pictures of the same pixels: by dimensions, first rows, compressed data; decoded only if needed.

Renders of one project have the same dimensions, and decoding them all would take an hour. First
rows are read from the beginning of a PNG, and tell nearly all pictures apart.
"""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.gallery.duplicates.alike import Alike, all_of, shared
from orchestrator.gallery.duplicates.cache import Kind
from orchestrator.gallery.duplicates.looking import Looking
from orchestrator.gallery.duplicates.pixels import Outline, Pixels, read_outline, read_pixels
from orchestrator.gallery.duplicates.png_data import hash_data
from orchestrator.gallery.duplicates.report import Candidate


def same_pixels(looking: Looking, pictures: Sequence[Candidate]) -> list[Alike]:
    """Pictures of the same pixels. Blocks."""
    outlines = {
        path: Outline.parsed(value)
        for path, value in looking.hashes(pictures, Kind.OUTLINE, read_outline).items()
    }
    readable = [file for file in pictures if file.path in outlines]
    sized = all_of(shared(readable, lambda file: outlines[file.path].dimensions))
    decoded = _decoded(looking, [file for file in sized if outlines[file.path].top is None])

    def begins(file: Candidate) -> tuple[str, str] | None:
        outline = outlines[file.path]
        known = decoded.get(file.path)
        top = outline.top or (known.top if known else None)
        return (outline.dimensions, top) if top else None

    suspects = shared(sized, begins)
    packed = [file for file in all_of(suspects) if file.path not in decoded]
    data = looking.hashes(packed, Kind.DATA, hash_data)
    values = {path: pixels.all for path, pixels in decoded.items()}
    doubtful: list[list[Candidate]] = []
    for begin_alike in suspects.values():
        by_data = _by_data(begin_alike, data)
        if len(by_data) == 1 and not any(file.path in decoded for file in begin_alike):
            # All hold the same: there is nothing that decoding could add.
            values |= {file.path: data[file.path] for file in by_data[0]}
        else:
            doubtful += by_data
    values |= _values_of(looking, doubtful)
    found = shared(all_of(suspects), lambda file: values.get(file.path))
    return [Alike(value, tuple(files)) for value, files in found.items()]


def _by_data(files: Sequence[Candidate], data: dict[str, str]) -> list[list[Candidate]]:
    """Files whose compressed data is known, those of the same together."""
    found: dict[str, list[Candidate]] = {}
    for file in files:
        if file.path in data:
            found.setdefault(data[file.path], []).append(file)
    return list(found.values())


def _values_of(looking: Looking, by_data: list[list[Candidate]]) -> dict[str, str]:
    """The pixels of files by path; of those with the same data, one is decoded for all."""
    values: dict[str, str] = {}
    pending = by_data
    while pending and not looking.stop.is_set():
        decoded = _decoded(looking, [files[0] for files in pending])
        for files in pending:
            if (pixels := decoded.get(files[0].path)) is not None:
                values |= {file.path: pixels.all for file in files}
        # Where the first could not be decoded, it may just be gone: ask the next one.
        pending = [files[1:] for files in pending if files[0].path not in decoded and files[1:]]
    return values


def _decoded(looking: Looking, files: Sequence[Candidate]) -> dict[str, Pixels]:
    """The pixels of files that could be decoded, by path."""
    found = looking.hashes(files, Kind.PIXELS, read_pixels)
    return {path: Pixels.parsed(value) for path, value in found.items()}
