"""Finding path mappings that contradict each other by leading in a circle.

Only Linux and macOS paths look alike, so only between these two can one folder's name be another
folder's name as well. Translation itself never goes round (see `mappings`), but nobody can mean
such mappings: with two of them, A on Linux is B on the Mac, and B on Linux is A on the Mac.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from orchestrator.paths.mappings import PathMapping, components

_Folder = tuple[str, ...]


def loop(mappings: Iterable[PathMapping]) -> tuple[PathMapping, ...]:
    """The enabled mappings of one circle, in its order; empty if there is none. Pure.

    A mapping that calls a folder the same on both systems is no circle, and neither is one whose
    sides lie inside each other: that happens while a prefix is typed.
    """
    ways: dict[_Folder, list[tuple[_Folder, PathMapping]]] = {}
    for mapping in mappings:
        linux, macos = _folder(mapping.linux, "linux"), _folder(mapping.macos, "macos")
        if mapping.enabled and linux is not None and macos is not None and linux != macos:
            ways.setdefault(linux, []).append((macos, mapping))
    done: set[_Folder] = set()
    for begin in ways:
        if found := _circle(begin, ways, done):
            return found
    return ()


def _circle(
    begin: _Folder, ways: dict[_Folder, list[tuple[_Folder, PathMapping]]], done: set[_Folder]
) -> tuple[PathMapping, ...]:
    """Walk on from a folder until it comes round, without recursion: many may hang together."""
    trail: list[_Folder] = [begin]
    taken: list[PathMapping] = []
    choices = [iter(ways[begin])]
    while trail:
        step = next(choices[-1], None)
        if step is None:
            done.add(trail.pop())
            choices.pop()
            if taken:
                taken.pop()
        elif step[0] in trail:
            return (*taken[trail.index(step[0]) :], step[1])
        elif step[0] in ways and step[0] not in done:
            trail.append(step[0])
            taken.append(step[1])
            choices.append(iter(ways[step[0]]))
    return ()


def _folder(side: str, os_name: str) -> _Folder | None:
    parts = components(side, os_name)
    return None if parts is None else tuple(unicodedata.normalize("NFC", p) for p in parts)
