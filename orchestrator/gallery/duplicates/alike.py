"""Sorting files into those that share something."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import TypeVar

from attrs import frozen

from orchestrator.gallery.duplicates.report import Candidate

K = TypeVar("K", bound=Hashable)


@frozen
class Alike:
    """Files that were the same when they were read."""

    hash: str
    files: tuple[Candidate, ...]
    distance: int = 0


def shared(
    files: Iterable[Candidate], key: Callable[[Candidate], K | None]
) -> dict[K, list[Candidate]]:
    """Files by key, where two or more share it; None is shared with nobody."""
    found: dict[K, list[Candidate]] = {}
    for file in files:
        value = key(file)
        if value is not None:
            found.setdefault(value, []).append(file)
    return {value: sharing for value, sharing in found.items() if len(sharing) > 1}


def all_of(groups: dict[K, list[Candidate]]) -> list[Candidate]:
    """The files of all groups."""
    return [file for files in groups.values() for file in files]
