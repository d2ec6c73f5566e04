"""All files of a project with their attributes, folder by folder. Blocks.

Shows what `listing.list_folder` and `listing.walk_tree` show, in one pass and without their order:
this is gone through again and again, and most of its time must be the file system's own.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import field, frozen

from orchestrator.gallery.attributes import Look, looker
from orchestrator.gallery.index.model import Seen, joined
from orchestrator.gallery.listing import MAX_DEPTH
from orchestrator.gallery.media import is_hidden, is_media

#: Size, mtime_ns and birth_ns of a file; the last is None if that was not asked for.
Met = tuple[int, int, int | None]


@frozen
class Folder:
    """One folder of a project."""

    #: Below the project, with `/`; `.` is the project itself.
    relative: str
    #: The media in it, by name.
    files: dict[str, Met]
    #: Files in it that the share did not let us look at.
    unreadable: tuple[str, ...] = ()


@frozen
class Walk:
    """One walk through a project."""

    root: Path
    #: Whether a link to a folder may be followed; without it no link is.
    follow: Callable[[Path], bool] | None = None
    #: Whether to ask when files were created, in the same breath. That takes half as long again,
    #: and less than to ask for it later: worth it if most files are new.
    births: bool = False
    #: Folders that the share did not let us read: what lies in them is unknown, not gone.
    unreadable: list[str] = field(factory=list, init=False)
    _tops: list[str] = field(factory=list, init=False)

    def folders(self) -> Iterator[Folder]:
        """Every folder that can be read.

        Raises:
            OSError: The project's folder itself cannot be read.
        """
        self._tops.append(os.path.realpath(self.root))
        below: list[tuple[str, str, int]] = []
        yield self._folder(os.fspath(self.root), ".", 0, below)
        while below:
            path, relative, depth = below.pop()
            try:
                yield self._folder(path, relative, depth, below)
            except FileNotFoundError:
                continue  # it went while we were on the way
            except OSError:
                self.unreadable.append(relative)

    def _folder(
        self, path: str, relative: str, depth: int, below: list[tuple[str, str, int]]
    ) -> Folder:
        """One folder; those in it are added to `below`."""
        files: dict[str, Met] = {}
        unreadable: list[str] = []
        with self._listed(path) as (entries, look):
            for entry in entries:
                name = entry.name
                if is_media(name) and (name.isascii() or is_text(name)):
                    try:
                        mode, met = _stat(entry) if look is None else _look(look, name)
                    except OSError as exc:
                        if not isinstance(exc, FileNotFoundError) and not entry.is_symlink():
                            unreadable.append(joined(relative, name))
                        continue
                    if stat.S_ISREG(mode):
                        files[name] = met
                        continue
                elif name[0] == ".":
                    continue
                if _is_folder(entry) and self._enters(entry, path, depth + 1):
                    below.append((f"{path}/{name}", joined(relative, name), depth + 1))
        return Folder(relative, files, tuple(unreadable))

    @contextmanager
    def _listed(self, path: str) -> Iterator[tuple[Iterator[os.DirEntry[str]], Look | None]]:
        """What is in a folder, and what looks at it by name; None if the entries do."""
        if not self.births or os.scandir not in os.supports_fd:
            with os.scandir(path) as entries:
                yield entries, None
            return
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            with os.scandir(descriptor) as entries:
                yield entries, looker(descriptor)
        finally:
            os.close(descriptor)

    def _enters(self, entry: os.DirEntry[str], folder: str, depth: int) -> bool:
        """Whether to look into a folder."""
        if is_hidden(entry.name) or not is_text(entry.name) or depth > MAX_DEPTH:
            return False
        if not entry.is_symlink():
            return True
        path = f"{folder}/{entry.name}"
        if self.follow is None or not self.follow(Path(path)):
            return False
        real = os.path.realpath(path)
        if any(_holds(top, real) or _holds(real, top) for top in self._tops):
            return False  # listed already, or holding what is: it would go round for ever
        self._tops.append(real)
        return True


def seen(folder: str, name: str, met: Met) -> Seen:
    """A file as its folder lists it."""
    return Seen(folder, name, *met)


def _stat(entry: os.DirEntry[str]) -> tuple[int, Met]:
    info = entry.stat()
    return info.st_mode, (info.st_size, info.st_mtime_ns, None)


def _look(look: Look, name: str) -> tuple[int, Met]:
    mode, size, mtime_ns, birth_ns = look(name)
    return mode, (size, mtime_ns, birth_ns)


def is_text(name: str) -> bool:
    """Whether a name is valid Unicode: bytes that are not reach us as half characters (PEP 383)."""
    return name.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in name)


def _holds(folder: str, path: str) -> bool:
    """Whether a real path is a folder or lies in it."""
    return Path(path).is_relative_to(folder)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder or a link to one."""
    try:
        return entry.is_dir()
    except OSError:
        return False  # a link that leads in a circle
