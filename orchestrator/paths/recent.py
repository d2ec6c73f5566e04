"""Finding files again in folders that were found permitted a moment ago: one look instead of ten.

Following every link of a path takes a call to the share for each of its folders. Somebody who
rates a folder's pictures asks the same of the same folder many times a second.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

from attrs import frozen

from orchestrator.errors import FileMissing
from orchestrator.paths.places import MOMENT
from orchestrator.paths.roots import Roots, relative

MAX_FOLDERS = 1_000


@frozen
class Located:
    """A file of a project."""

    path: Path
    #: To the project, with `/`.
    relative: str
    size: int
    #: Nanoseconds since 1970.
    mtime_ns: int
    ino: int


@frozen
class _Folder:
    path: str
    prefix: str
    until: float


class RecentFolders:
    """Locates files for edits. Blocks; may be used by several threads."""

    def __init__(self, roots: Roots, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` counts seconds."""
        self._roots = roots
        self._clock = clock
        #: By project, folder, and the edition of the roots that they were permitted by.
        self._folders: dict[tuple[Path, str, int], _Folder] = {}

    def locate(self, project: Path, file: str) -> Located:
        """A regular file of the project, from its relative or absolute path.

        Raises:
            PathInvalid, PathNotPermitted: as `Roots.inside`.
            FileMissing: there is no such file.
            OSError: it cannot be looked at.
        """
        cut = file.rfind("/") + 1  # with its slash: "/a.png" does not lie in the folder of "a.png"
        folder, name = file[:cut], file[cut:]
        key = (project, folder, self._roots.edition)
        known = self._folders.get(key)
        if known is not None and known.until > self._clock() and _is_plain(name):
            path = f"{known.path}/{name}"
            info = _look(os.lstat, path)
            if stat.S_ISREG(info.st_mode):
                return _located(Path(path), known.prefix + name, info)
        return self._locate_anew(project, key, file)

    def _locate_anew(self, project: Path, key: tuple[Path, str, int], file: str) -> Located:
        path = self._roots.inside(project, file)
        info = _look(os.stat, str(path))
        if not stat.S_ISREG(info.st_mode):
            raise FileMissing(str(path))
        below = relative(project, path)
        if len(self._folders) >= MAX_FOLDERS:
            self._folders.clear()
        prefix = below[: -len(path.name)]
        until = self._clock() + MOMENT
        self._folders[key] = _Folder(str(path.parent), prefix, until)
        return _located(path, below, info)


def _is_plain(name: str) -> bool:
    """Whether a name is so plain that `Roots` would have nothing to say about it."""
    return (
        name.isascii()
        and name.isprintable()
        and 0 < len(name) <= 200
        and "\\" not in name
        and ":" not in name
        and name[0] != "."
    )


def _look(how: Callable[[str], os.stat_result], path: str) -> os.stat_result:
    try:
        return how(path)
    except (FileNotFoundError, NotADirectoryError) as exc:
        raise FileMissing(path) from exc


def _located(path: Path, below: str, info: os.stat_result) -> Located:
    return Located(path, below, info.st_size, info.st_mtime_ns, info.st_ino)
