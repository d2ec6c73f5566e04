"""Finding the files that an old store names, however they are spelled on disk. Blocks."""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Callable, Iterable
from pathlib import Path

from attrs import define, field, frozen

from orchestrator.commands.curation import Sighting
from orchestrator.errors import FileChanging
from orchestrator.gallery.fingerprint import head


@frozen
class Absent:
    """A file that is not there, or cannot be looked at now."""

    #: What the share said; None if it simply is not there.
    reason: str | None = None


@frozen
class Outside:
    """A file that lies outside of the project, where a link leads."""


Look = Sighting | Absent | Outside
#: Size, mtime and head of the file at a path, as the log knows it.
Known = Callable[[str], tuple[int, int, str] | None]


@define
class _Folder:
    """The names in one folder, and what they are if composition, or also case, is ignored."""

    names: frozenset[str]
    composed: dict[str, list[str]]
    folded: dict[str, list[str]]

    def spelled(self, name: str) -> str | None:
        """The name as it is on disk; None if there is none, or several that could be meant."""
        if name in self.names:
            return name
        composed = self.composed.get(_composed(name), [])
        alike = composed or self.folded.get(_composed(name).casefold(), [])
        return alike[0] if len(alike) == 1 else None


@define
class Looker:
    """Looks at the files of one project. Folders are listed once, so it is for one import only.

    A listing tells how a name is spelled; asking for a file by another spelling succeeds on many
    shares, and would give the asset a path that no listing shows.
    """

    root: Path
    #: Whether a path outside the project, to which a link leads, may be touched.
    permits: Callable[[Path], bool] | None
    known: Known
    #: By relative path as spelled in the store; None if there is no such folder.
    _spelled: dict[str, str | None] = field(factory=lambda: {"": ""})
    _listed: dict[str, _Folder] = field(factory=dict)
    _inside: dict[str, bool] = field(factory=dict)

    def look(self, path: str) -> Look:
        """A file, by its relative path with `/`."""
        try:
            return self._look(path)
        except (FileNotFoundError, NotADirectoryError):
            return Absent()
        except FileChanging:
            return Absent("it is being written")
        except OSError as exc:
            return Absent(exc.strerror or str(exc))

    def look_at_all(self, paths: Iterable[str]) -> list[Look]:
        """Several files."""
        return [self.look(path) for path in paths]

    def _look(self, path: str) -> Look:
        folder, _, name = path.rpartition("/")
        above = self._spell(folder)
        if above is None:
            return Absent()
        if not self._is_inside(above):
            return Outside()
        spelled = self._list(above).spelled(name)
        if spelled is None:
            return Absent()
        relative = f"{above}/{spelled}" if above else spelled
        file = self.root / relative
        info = file.lstat()
        if stat.S_ISLNK(info.st_mode):
            if not self._leads_inside(file):
                return Outside()
            info = file.stat()
        if not stat.S_ISREG(info.st_mode):
            return Absent()
        known = self.known(relative)
        if known is not None and known[:2] == (info.st_size, info.st_mtime_ns):
            return Sighting(relative, info.st_size, info.st_mtime_ns, known[2])
        return Sighting(relative, info.st_size, info.st_mtime_ns, head(file, info.st_size))

    def _spell(self, folder: str) -> str | None:
        """A folder as it is spelled on disk."""
        if folder not in self._spelled:
            above, _, name = folder.rpartition("/")
            spelled_above = self._spell(above)
            spelled = None
            if spelled_above is not None:
                own = self._list(spelled_above).spelled(name)
                spelled = own if own is None or not spelled_above else f"{spelled_above}/{own}"
            self._spelled[folder] = spelled
        return self._spelled[folder]

    def _list(self, folder: str) -> _Folder:
        if folder not in self._listed:
            names = os.listdir(self.root / folder)  # noqa: PTH208  # names are all we need
            made = _Folder(frozenset(names), {}, {})
            for name in names:
                made.composed.setdefault(_composed(name), []).append(name)
                made.folded.setdefault(_composed(name).casefold(), []).append(name)
            self._listed[folder] = made
        return self._listed[folder]

    def _is_inside(self, folder: str) -> bool:
        if folder not in self._inside:
            self._inside[folder] = self._leads_inside(self.root / folder)
        return self._inside[folder]

    def _leads_inside(self, path: Path) -> bool:
        real, root = Path(os.path.realpath(path)), Path(os.path.realpath(self.root))
        return real.is_relative_to(root) or (self.permits is not None and self.permits(real))


def _composed(name: str) -> str:
    return name if name.isascii() else unicodedata.normalize("NFC", name)
