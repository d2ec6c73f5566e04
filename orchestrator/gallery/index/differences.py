"""What lies in a project beside what the index knows of it, and what to make of that. Pure."""

from __future__ import annotations

from collections import Counter

from attrs import define, field, frozen

from orchestrator.gallery.index.model import Seen, joined
from orchestrator.gallery.index.walk import Folder, seen

#: Missing files up to so many, or up to this part of all, are taken for deleted one by one.
FEW_MISSING, FEW_MISSING_PART = 20, 0.03


@frozen
class Differences:
    """What lies in a project, beside what the index knows of it."""

    files: int
    known: int = 0
    #: New files, and files of another size or time than was known; the newest last.
    to_read: list[Seen] = field(factory=list)
    #: Those of them that were known.
    changed: frozenset[str] = frozenset()
    #: Known files that were not met where they were, with the size and time that they had.
    missing: dict[str, tuple[int, int]] = field(factory=dict)
    #: Files that were missing, and are back as they were.
    back: list[str] = field(factory=list)
    #: Files and folders that could not be looked at.
    unreadable: list[str] = field(factory=list)
    #: Whether the project's folder was not there, not readable, or quite empty.
    nothing_there: bool = False

    @property
    def offline(self) -> bool:
        """Whether the share is taken to be away rather than its files to be deleted."""
        return is_offline(self.known, self.gone, nothing_there=self.nothing_there)

    @property
    def gone(self) -> int:
        """How many files are missing that were not just met elsewhere, as somebody renamed them.

        A share that is away shows no files under new names.
        """
        met = Counter((file.size, file.mtime_ns) for file in self.to_read)
        return (Counter(self.missing.values()) - met).total()


def is_offline(known: int, missing: int, *, nothing_there: bool) -> bool:
    """Whether so many missing files mean that the share is away: pure."""
    if nothing_there:
        return True
    return missing > max(FEW_MISSING, known * FEW_MISSING_PART)


@define
class Comparison:
    """What was met so far, beside what was known."""

    files: int = 0
    visited: set[str] = field(factory=set)
    to_read: list[Seen] = field(factory=list)
    changed: list[str] = field(factory=list)
    missing: dict[str, tuple[int, int]] = field(factory=dict)
    back: list[str] = field(factory=list)
    unreadable: list[str] = field(factory=list)

    def compare(self, folder: Folder, known: dict[str, tuple[int, int, bool]]) -> None:
        """Take one folder in."""
        relative = folder.relative
        self.visited.add(relative)
        self.files += len(folder.files)
        for name, met in folder.files.items():
            before = known.pop(name, None)
            if before is None:
                self.to_read.append(seen(relative, name, met))
            elif before[0] != met[0] or before[1] != met[1]:
                self.to_read.append(seen(relative, name, met))
                self.changed.append(joined(relative, name))
            elif before[2]:
                self.back.append(joined(relative, name))
        self.unreadable += folder.unreadable
        for name, (size, mtime, missing) in known.items():
            path = joined(relative, name)
            if not missing and path not in folder.unreadable:
                self.missing[path] = size, mtime
