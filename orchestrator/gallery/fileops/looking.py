"""What a request to move, rename or trash finds on the disk: the files, and what goes with them.

Blocks. Each folder is listed once for a request, however many of its files are meant.
"""

from __future__ import annotations

import os
import re
import stat
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from attrs import define, field, frozen

from orchestrator.errors import FileMissing, FileUnreadable, OrchestratorError, PathInvalid
from orchestrator.gallery.fileops.names import SIDECARS, Sidecars, path_key
from orchestrator.gallery.finder import Finder
from orchestrator.gallery.media import is_media
from orchestrator.gallery.reading import reading
from orchestrator.paths.roots import relative

#: Names that are so plain that nothing has to be asked about them: no separators, no colon.
_PLAIN = re.compile(r"(?!\.)[ -.0-9;-\[\]-~]{1,200}")
#: Most folders have no name that ends like this; then nothing else is asked.
_ENDINGS = frozenset(ending[-4:] for ending in SIDECARS)


@frozen
class Companion:
    """A file that goes where another one goes."""

    name: str
    size: int
    mtime: int
    ino: int


@define  # not frozen: a request makes thousands, and freezing costs
class Item:
    """A file or folder that is to go somewhere."""

    #: As the client sent it.
    asked: str
    #: Relative to the project, with `/`.
    path: str
    #: The path in its two parts: they are asked for several times. "" is the project itself.
    folder: str
    name: str
    size: int
    #: Nanoseconds since 1970.
    mtime: int
    ino: int
    is_folder: bool = False

    @classmethod
    def at(
        cls, asked: str, path: str, size: int, mtime: int, ino: int, *, is_folder: bool = False
    ) -> Item:
        """What lies at a path."""
        folder, _, name = path.rpartition("/")
        return cls(asked, path, folder, name, size, mtime, ino, is_folder)


@frozen
class Found:
    """What of a request is there."""

    #: Each file once, however often and however spelled it was asked for.
    items: tuple[Item, ...]
    #: Other spellings of paths, with what was asked for first.
    again: dict[str, str]
    #: What cannot be moved, and why.
    missing: dict[str, OrchestratorError]


@define
class Folders:
    """The names in the folders of a project, listed when they are first asked for."""

    root: Path
    _names: dict[str, dict[str, None]] = field(factory=dict)
    _keys: dict[str, Counter[str]] = field(factory=dict)
    _sidecars: dict[str, Sidecars | None] = field(factory=dict)

    def names(self, folder: str) -> Iterable[str]:
        """Names in a folder; none if it does not exist.

        Raises:
            FileUnreadable: the share does not let us look.
        """
        return self._listed(folder)

    def _listed(self, folder: str) -> dict[str, None]:
        found = self._names.get(folder)
        if found is None:
            try:
                found = dict.fromkeys(os.listdir(self.root / folder))  # noqa: PTH208  # names only
            except (FileNotFoundError, NotADirectoryError):
                found = {}
            except OSError as exc:
                raise FileUnreadable.because(self.root / folder, exc) from exc
            self._names[folder] = found
        return found

    def _counted(self, folder: str) -> Counter[str]:
        """The keys of the names in a folder, as a share tells names apart."""
        if folder not in self._keys:
            self._keys[folder] = Counter(path_key(name) for name in self._listed(folder))
        return self._keys[folder]

    def forget(self, paths: Iterable[str]) -> None:
        """Count files as gone that a plan puts out of the way."""
        for path in paths:
            folder, _, name = path.rpartition("/")
            keys = self._counted(folder)
            del self._listed(folder)[name]
            keys[path_key(name)] -= 1
            self._sidecars.pop(folder, None)

    def expect(self, paths: Iterable[str]) -> None:
        """Count names as taken that a plan will take."""
        for path in paths:
            folder, _, name = path.rpartition("/")
            keys = self._counted(folder)
            self._listed(folder)[name] = None
            keys[path_key(name)] += 1
            self._sidecars.pop(folder, None)

    def has(self, path: str) -> bool:
        """Whether something lies at a path, or would on a share that does not heed case."""
        folder, _, name = path.rpartition("/")
        return self._counted(folder)[path_key(name)] > 0

    def with_sidecars(self, items: Iterable[Item]) -> set[str]:
        """Those of the items' folders in which any file may belong to another one."""
        places = {item.folder for item in items}
        return {folder for folder in places if self._sidecars_in(folder) is not None}

    def companions(self, item: Item, together: frozenset[str] = frozenset()) -> list[Companion]:
        """The sidecars of a file; none of a folder, which takes all that is in it along.

        `together` names files of the same folder that go to the same place under the same stem.
        """
        sidecars = None if item.is_folder else self._sidecars_in(item.folder)
        if sidecars is None:
            return []
        found = []
        for name in sidecars.of(item.name, together):
            info = _regular(self.root / item.folder / name)
            if info is not None:
                found.append(Companion(name, info.st_size, info.st_mtime_ns, info.st_ino))
        return found

    def _sidecars_in(self, folder: str) -> Sidecars | None:
        if folder not in self._sidecars:
            names = self._listed(folder)
            none = _ENDINGS.isdisjoint([name[-4:].lower() for name in names])
            self._sidecars[folder] = None if none else Sidecars.among(names)
        return self._sidecars[folder]


def look(finder: Finder, root: Path, asked: Iterable[str], *, folders: bool) -> Found:
    """The files of a request that are there, each once, and those that are not.

    Args:
        finder: Who knows which paths are permitted.
        root: The project's folder.
        asked: Paths, relative to the project or absolute inside it.
        folders: Whether folders may be among them.
    """
    looker = _Looker(finder, root, folders)
    items: dict[str, Item] = {}
    again: dict[str, str] = {}
    missing: dict[str, OrchestratorError] = {}
    for path in dict.fromkeys(asked):
        try:
            item = looker.item(path)
        except OrchestratorError as exc:
            missing[path] = exc
            continue
        first = items.setdefault(item.path, item)
        if first is not item:
            again[path] = first.asked
    return Found(tuple(items.values()), again, missing)


@define
class _Looker:
    """Looks at many files; what holds for a folder is found out once for all of its files."""

    finder: Finder
    root: Path
    folders: bool
    #: By folder as it is asked for: where it is, and what it is below the project, with and
    #: without its last `/`.
    _known: dict[str, tuple[str, str, str]] = field(factory=dict)

    def item(self, asked: str) -> Item:
        """What lies at a path.

        Raises:
            PathInvalid, PathNotPermitted, FileMissing, FileUnreadable.
        """
        cut = asked.rfind("/") + 1
        folder, name = asked[:cut], asked[cut:]
        known = self._known.get(folder)
        if known is not None and _PLAIN.fullmatch(name) and is_media(name):
            place, below, inside = known
            try:
                info = os.lstat(place + name)
            except OSError:
                return self._anew(asked, folder, name)
            if stat.S_ISREG(info.st_mode):
                size, mtime = info.st_size, info.st_mtime_ns
                return Item(asked, below + name, inside, name, size, mtime, info.st_ino)
        return self._anew(asked, folder, name)

    def _anew(self, asked: str, folder: str, name: str) -> Item:
        try:
            file = self.finder.locate(self.root, asked)
        except (FileMissing, PathInvalid):
            found = self._folder(asked)
            if found is None:
                raise
            if not self.folders:
                raise PathInvalid(asked, "it is a folder") from None
            return found
        if file.path.is_symlink():
            raise PathInvalid(asked, "it is a link to a file, which would lead nowhere elsewhere")
        if file.path.name == name:
            below = file.relative[: -len(name)]
            self._known[folder] = (f"{file.path.parent}/", below, below[:-1])
        return Item.at(asked, file.relative, file.size, file.mtime_ns, file.ino)

    def _folder(self, asked: str) -> Item | None:
        path = self.finder.roots.inside(self.root, asked)
        below = relative(self.root, path)
        if below == ".":
            raise PathInvalid(asked, "it is the project itself")
        with reading(path):
            if path.is_symlink() or not path.is_dir():
                return None
            info = path.stat()
            return Item.at(asked, below, 0, info.st_mtime_ns, info.st_ino, is_folder=True)


def _regular(path: Path) -> os.stat_result | None:
    try:
        info = path.lstat()
    except OSError:
        return None  # it went, or cannot be looked at: then it stays where it is
    return info if stat.S_ISREG(info.st_mode) else None
