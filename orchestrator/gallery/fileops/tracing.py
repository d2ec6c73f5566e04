"""How far each file of a plan has come, told by looking at the disk. Blocks.

A plan has one or more names for each file: where it lay, where it stepped aside, where it was to
go. In swaps and chains the old name of one file is the new name of another, so a name that exists
says nothing; the file under it does. It is known by its inode, or by its size and time, or, where
a share has changed the time on the way, by its size and bytes.
"""

from __future__ import annotations

import errno
import os
import stat
from collections import Counter
from collections.abc import Mapping, Sequence
from enum import IntEnum
from pathlib import Path

from attrs import define, field

from orchestrator.errors import FileChanging
from orchestrator.gallery.fileops.names import path_key
from orchestrator.gallery.fileops.steps import Role, Step
from orchestrator.gallery.fingerprint import head


class Match(IntEnum):
    """How sure we are that what lies at a path is the file that we look for."""

    NO = 0
    #: Nothing but the size fits, or nothing but the inode.
    LIKELY = 1
    #: Size and time fit, or size and inode, or all that was read of its bytes.
    GOOD = 2
    #: Inode, size and time fit.
    SURE = 3


@define
class Trace:
    """How many steps of its own each file has behind it."""

    #: For each step: the file's first path, and which of its steps it is.
    _places: list[tuple[str, int]]
    #: Steps done by file; an error if the file is under none of its names, or under several.
    _done: dict[str, int | OSError] = field(factory=dict)

    def is_next(self, index: int) -> bool:
        """Whether a step is to be done now; False if it was done before.

        Raises:
            OSError: its file is not where any step would have put it, or that cannot be told.
        """
        origin, place = self._places[index]
        done = self._done[origin]
        if isinstance(done, OSError):
            raise done
        return done <= place


def trace(root: Path, steps: Sequence[Step]) -> Trace:
    """Look where all files of a plan are.

    A file that a crash has left under two names, between linking and unlinking, loses the older.

    Raises:
        OSError: the share does not let us look.
    """
    places: list[tuple[str, int]] = []
    own: dict[str, list[Step]] = {}
    for step in steps:
        mine = own.setdefault(step.origin, [])
        places.append((step.origin, len(mine)))
        mine.append(step)
    search = _Search(root, Counter(mine[0].ino for mine in own.values() if mine[0].ino is not None))
    found = {origin: search.matches(mine) for origin, mine in own.items()}
    taken = {
        name: origin
        for origin, matches in found.items()
        for name, match in matches.items()
        if match is Match.SURE and search.alone(own[origin][0])
    }
    return Trace(
        places,
        {
            origin: search.done(own[origin], _without(matches, origin, taken))
            for origin, matches in found.items()
        },
    )


def _without(
    matches: Mapping[str, Match], origin: str, taken: Mapping[str, str]
) -> dict[str, Match]:
    """What is surely another file of the plan is not this one, however alike they look."""
    return {
        name: match if taken.get(name, origin) == origin else Match.NO
        for name, match in matches.items()
    }


@define
class _Search:
    root: Path
    #: How many files of the plan have an inode: several if they are hard links to one file.
    inodes: Counter[int]

    def alone(self, step: Step) -> bool:
        """Whether no other file of the plan is the same file under another name."""
        return step.ino is not None and self.inodes[step.ino] == 1

    def matches(self, mine: Sequence[Step]) -> dict[str, Match]:
        """How well what lies under each name of a file, in their order, fits it."""
        if mine[-1].role is Role.PURGE:
            there = os.path.lexists(self.root / mine[-1].source)
            return {mine[-1].source: Match.SURE if there else Match.NO}
        names = (mine[0].source, *(step.to for step in mine))
        return {name: match_at(self.root / name, mine[0]) for name in names}

    def done(self, mine: Sequence[Step], matches: Mapping[str, Match]) -> int | OSError:
        """How many of its steps a file has behind it, or why that cannot be told.

        Raises:
            OSError: the share does not let us look.
        """
        names, best = list(matches), max(matches.values())
        if mine[-1].role is Role.PURGE:
            return 0 if best else len(mine)
        if best is Match.NO:
            return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), names[0])
        found = [place for place, name in enumerate(names) if matches[name] is best]
        if len(found) > 1:
            found = self._spelled(names, found)
        if len(found) == 2 and self._is_twice(mine[0], *(names[place] for place in found)):
            (self.root / names[found[0]]).unlink()
            found = found[1:]
        if len(found) == 1:
            return found[0]
        # Two files look alike, and nothing tells which is which: nothing is touched.
        return FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), names[-1])

    def _spelled(self, names: Sequence[str], found: list[int]) -> list[int]:
        """Leave out names that are there only because the share does not heed their spelling.

        If it has its own way to spell, the file was given the new name as well as can be.
        """
        if len({path_key(names[place]) for place in found}) == len(found):
            return found
        spelled = [place for place in found if self._is_listed(names[place])]
        return spelled or found[-1:]

    def _is_listed(self, name: str) -> bool:
        path = self.root / name
        return path.name in os.listdir(path.parent)  # noqa: PTH208  # names only

    def _is_twice(self, step: Step, older: str, newer: str) -> bool:
        """Whether a file has two names because a crash came between linking and unlinking.

        Somebody's own hard links stay: then the same file has several places in the plan.
        """
        if step.role is Role.FOLDER or not self.alone(step):
            return False
        one, other = os.lstat(self.root / older), os.lstat(self.root / newer)
        return os.path.samestat(one, other) and one.st_nlink > 1


def match_at(path: Path, step: Step) -> Match:
    """How well what lies at a path fits the file of a step."""
    try:
        info = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return Match.NO
    same_inode = step.ino is not None and info.st_ino == step.ino
    if step.role is Role.FOLDER:
        if not stat.S_ISDIR(info.st_mode):
            return Match.NO
        return Match.SURE if same_inode else Match.LIKELY
    if not stat.S_ISREG(info.st_mode):
        return Match.NO
    if info.st_size != step.size:
        # Somebody wrote into it meanwhile; or the inode was given to another file.
        return Match.LIKELY if same_inode else Match.NO
    if info.st_mtime_ns == step.mtime:
        return Match.SURE if same_inode else Match.GOOD
    if same_inode:
        return Match.GOOD
    if step.head is None:
        return Match.LIKELY
    try:
        return Match.GOOD if head(path, step.size) == step.head else Match.NO
    except FileChanging:
        return Match.LIKELY
