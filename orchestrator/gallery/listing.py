"""What lies in a project's folders: media by name, folders with their counts.

Every function here asks the disk and may block on a share: call them through `asyncio.to_thread`.
A listing is fresh where a single file's attributes may be seconds old, so scan, don't stat.
"""

from __future__ import annotations

import os
import re
import stat
from collections import Counter
from collections.abc import Callable
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from attrs import frozen

from orchestrator.errors import FileMissing
from orchestrator.gallery.attributes import Look, look_at, looking_into
from orchestrator.gallery.media import MEDIA, is_hidden, is_media
from orchestrator.gallery.natural import natural_key

#: Folders in folders that a tree goes down; more are reported as skipped. JSON writers have limits.
MAX_DEPTH = 100

#: Endings of four characters that make a name media's, in the two usual spellings.
_USUAL = frozenset(
    spelled for ending in MEDIA if len(ending) == 4 for spelled in (ending, ending.upper())
)
_TAIL = itemgetter(slice(-4, None))
#: Bytes that are no UTF-8 reach us as half characters (PEP 383).
_HALVES = re.compile(r"[\ud800-\udfff]")


class FileStat(NamedTuple):
    """One file of a folder."""

    name: str
    #: In bytes.
    size: int
    #: Nanoseconds since 1970, by the file server's clock. Never an order of events.
    mtime_ns: int
    #: When it was created, in the same unit; the oldest known time where that is unknown.
    birth_ns: int


@frozen
class Skipped:
    """A folder that was not looked into, and why."""

    #: Below the project, with `/`.
    relative: str
    reason: str


@frozen
class TreeNode:
    """A folder of a project."""

    name: str
    #: Below the project, with `/`; `.` is the project itself.
    relative: str
    #: Media directly in it.
    file_count: int
    #: In natural order.
    children: tuple[TreeNode, ...]


@frozen
class Tree:
    """All folders of a project that could be read."""

    root: TreeNode
    skipped: tuple[Skipped, ...]


def list_folder(folder: Path) -> list[FileStat]:
    """The media of one folder in natural order, without hidden files and folders.

    Links to files are listed as what they lead to; links that lead nowhere, files that vanish
    meanwhile, and names that are no valid Unicode are left out.

    Raises:
        FileMissing: There is no such folder.
        OSError: The folder or one of its files cannot be read: the listing would not be whole.
    """
    try:
        with looking_into(str(folder)) as (names, look):
            shown = [
                name for name in names if is_media(name) and (name.isascii() or _is_text(name))
            ]
            shown.sort(key=natural_key)
            return [file for name in shown if (file := _listed(folder, name, look)) is not None]
    except (FileNotFoundError, NotADirectoryError) as exc:
        raise FileMissing(path=str(folder)) from exc


def _listed(folder: Path, name: str, look: Look) -> FileStat | None:
    """A file of a folder; None if it is no file, is gone, or is a link that leads nowhere."""
    try:
        info = look(name)
    except FileNotFoundError:
        return None
    except OSError:
        if (folder / name).is_symlink():
            return None
        raise
    mode, size, mtime_ns, birth_ns = info
    return FileStat(name, size, mtime_ns, birth_ns) if stat.S_ISREG(mode) else None


def stat_file(path: Path) -> FileStat:
    """One file as `list_folder` would list it.

    Raises:
        FileMissing: There is no such file.
        OSError: It cannot be looked at.
    """
    try:
        info = look_at(str(path))
    except (FileNotFoundError, NotADirectoryError) as exc:
        raise FileMissing(path=str(path)) from exc
    if not stat.S_ISREG(info.mode):
        raise FileMissing(path=str(path))
    return FileStat(path.name, info.size, info.mtime_ns, info.birth_ns)


def walk_tree(project: Path, *, follow: Callable[[Path], bool] | None = None) -> Tree:
    """All folders of a project with their counts; no file is looked at.

    Args:
        project: The project's folder.
        follow: Whether a link to a folder may be followed, asked with the link's path
            (`Roots.permits`). Without it no link is. A link to a folder that is listed anyway,
            or that holds one, never is: that would go round for ever.

    Returns:
        The tree, and the folders that were skipped with the reason: not readable, a link, too
        deep. Hidden folders and those of other programs are not mentioned.

    Raises:
        FileMissing: There is no such folder.
        OSError: The project's folder itself cannot be read.
    """
    walk = _Walk(follow, [os.path.realpath(project)], [])
    try:
        root = walk.node(project.name, str(project), ())
    except (FileNotFoundError, NotADirectoryError) as exc:
        raise FileMissing(path=str(project)) from exc
    return Tree(root, tuple(walk.skipped))


@frozen
class _Walk:
    """One walk: what it may follow, where it has been, and what it left out."""

    follow: Callable[[Path], bool] | None
    #: Real paths of the project and of every link followed.
    tops: list[str]
    skipped: list[Skipped]

    def node(self, name: str, folder: str, parts: tuple[str, ...]) -> TreeNode:
        """A folder and all below it; raises OSError if the folder cannot be read."""
        with os.scandir(folder) as entries:
            everything = list(entries)
        plain = [entry.name for entry in everything if entry.is_file(follow_symlinks=False)]
        count = count_media(plain)
        below: list[os.DirEntry[str]] = []
        if len(plain) < len(everything):
            for entry in everything:
                if _is_folder(entry):
                    if not is_hidden(entry.name):
                        below.append(entry)
                elif entry.is_symlink() and is_media(entry.name) and _is_text(entry.name):
                    count += _file(entry) is not None
        below.sort(key=lambda entry: natural_key(entry.name))
        children = (self._child(entry, (*parts, entry.name)) for entry in below)
        return TreeNode(
            name=name,
            relative="/".join(parts) or ".",
            file_count=count,
            children=tuple(child for child in children if child is not None),
        )

    def _child(self, entry: os.DirEntry[str], parts: tuple[str, ...]) -> TreeNode | None:
        """A folder's folder; None if it was skipped, and why stands in `skipped`."""
        reason = self._refusal(entry, len(parts))
        if reason is None:
            try:
                return self.node(entry.name, entry.path, parts)
            except OSError as exc:
                reason = exc.strerror or str(exc)
        # A name that is no Unicode could not be sent to anybody.
        shown = os.fsencode("/".join(parts)).decode("utf-8", "replace")
        self.skipped.append(Skipped(shown, reason))
        return None

    def _refusal(self, entry: os.DirEntry[str], depth: int) -> str | None:
        """Why a folder is not entered, or None."""
        if not _is_text(entry.name):
            return "its name is not valid Unicode"
        if depth > MAX_DEPTH:
            return f"it is deeper than {MAX_DEPTH} folders"
        if not entry.is_symlink():
            return None
        if self.follow is None or not self.follow(Path(entry.path)):
            return "it is a link, which is not followed"
        real = os.path.realpath(entry.path)
        if any(_holds(top, real) or _holds(real, top) for top in self.tops):
            return "it is a link to a folder that is listed already, or holds one"
        self.tops.append(real)
        return None


def count_media(names: list[str]) -> int:
    """How many of the names of files a listing would show.

    A project has a hundred thousand, so names with the usual endings are counted by these, all at
    once; only where that will not do is each name looked at.
    """
    text = "\0".join(names)
    if text.isascii() and "\0." not in text and not text.startswith("."):
        tails = Counter(map(_TAIL, names))
        usual = sum(count for tail, count in tails.items() if tail in _USUAL)
        if usual == len(names):
            return usual
        names = [name for name in names if name[-4:] not in _USUAL]
        return usual + sum(map(is_media, names))
    return sum(is_media(name) and _is_text(name) for name in names)


def _holds(folder: str, path: str) -> bool:
    """Whether a real path is a folder or lies in it."""
    return Path(path).is_relative_to(folder)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether it is a folder or a link to one."""
    if not entry.is_symlink():
        return entry.is_dir()
    try:
        return entry.is_dir()
    except OSError:
        return False  # a link that leads nowhere, or in a circle


def _file(entry: os.DirEntry[str]) -> os.stat_result | None:
    """A file's attributes; None if it is no file, is gone, or is a link that leads nowhere."""
    try:
        info = entry.stat()
    except FileNotFoundError:
        return None
    except OSError:
        if entry.is_symlink():
            return None
        raise
    return info if stat.S_ISREG(info.st_mode) else None


def _is_text(name: str) -> bool:
    """Whether a name is valid Unicode, and so can be sent as JSON."""
    return not _HALVES.search(name)
