r"""What a path of one operating system is called on another: `W:\VFX` is `/mnt/Mandalore/VFX`.

Pure: it looks at text, never at a disk. A mapping names one folder as Windows, Linux and macOS
see it. The longest prefix wins, and a prefix only counts at a separator, so that a mapping of
`/mnt/Mandalore` says nothing about `/mnt/Mandalore2`. A path is translated once and not again:
mappings that lead in a circle, or into themselves, cannot make it go round.
"""

from __future__ import annotations

import platform
import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Literal, get_args

from attrs import frozen

OsName = Literal["windows", "linux", "macos"]
OS_NAMES: tuple[OsName, ...] = get_args(OsName)

_DRIVE = re.compile(r"[A-Za-z]:(?=\\|$)")
_LONG_SHARE = re.compile(r"\\\\\?\\UNC(?=\\)", re.IGNORECASE)
_LONG_DRIVE = re.compile(r"\\\\\?\\(?=[A-Za-z]:)")


@frozen
class PathMapping:
    """One folder under the names that the three operating systems give it."""

    id: str
    #: What people call it; no meaning for us.
    name: str = ""
    #: A drive (`W:\`) or a share (`\\nas\projects`), with folders below it or not; "" is none.
    windows: str = ""
    linux: str = ""
    macos: str = ""
    enabled: bool = True

    def side(self, os_name: str) -> str:
        """The folder's name on an operating system; "" if it has none there."""
        match os_name:
            case "windows":
                return self.windows
            case "linux":
                return self.linux
            case "macos":
                return self.macos
            case _:
                return ""


def current_os() -> OsName:
    """The operating system that this process runs on; any other Unix counts as Linux."""
    match platform.system():
        case "Windows":
            return "windows"
        case "Darwin":
            return "macos"
        case _:
            return "linux"


def is_absolute(path: str, os_name: str) -> bool:
    r"""Whether a path stands on its own on that system; `W:x` and `\x` do not on Windows."""
    return components(path, os_name) is not None


def to_local(path: str, mappings: Iterable[PathMapping], os_name: str) -> str:
    """What a path from anywhere is called on this host; the same path if no mapping knows it.

    A path that already lies below a local side stays as it is, so doing it twice changes nothing.
    """
    return translate(path, mappings, os_name)


def translate(path: str, mappings: Iterable[PathMapping], target_os: str) -> str:
    """A path of any system as the target system calls it.

    Disabled mappings, blank sides and sides that are not absolute are ignored. A path that no
    mapping knows, and any path for an unknown target, is returned unchanged.
    """
    return translator(tuple(mappings), target_os)(path)


@frozen
class _Side:
    """One side of a mapping, ready to be compared with the beginning of paths."""

    os_name: OsName
    #: The components of the folder, as `_folded` compares them.
    head: tuple[str, ...]
    #: What the target system calls it; None if this is its own name already.
    target: str | None


class Translator:
    """Mappings made ready for one target system."""

    def __init__(self, mappings: Iterable[PathMapping], target_os: str) -> None:
        """Any other `target_os` than one of `OS_NAMES` leaves all paths as they are."""
        self._target_os = target_os
        sides = list(_sides(mappings, target_os))
        # A name that is right already comes first, then the longest; ties go to the first mapping.
        sides.sort(key=lambda side: (side.target is not None, -len(side.head)))
        self._sides = tuple(sides)
        own = [m.side(target_os) for m in mappings if m.enabled] if target_os != "windows" else []
        #: Nearly all paths are local ones, and can be told as such at once.
        self._plainly_local = tuple(f"{p.rstrip('/')}/" for p in own if is_absolute(p, target_os))

    def __call__(self, path: str) -> str:
        """The path as the target system calls it; unchanged if no mapping knows it."""
        return self.find(path)[0]

    def find(self, path: str) -> tuple[str, bool]:
        """The path as the target system calls it, and whether a mapping knew it."""
        if not self._sides or not _may_be_absolute(path):
            return path, False
        if self._plainly_local and path.startswith(self._plainly_local):
            return path, True
        seen: dict[str, tuple[list[str], tuple[str, ...]] | None] = {}
        for side in self._sides:
            if side.os_name not in seen:
                parts = components(path, side.os_name)
                folded = () if parts is None else _folded(parts, side.os_name)
                seen[side.os_name] = None if parts is None else (parts, folded)
            found = seen[side.os_name]
            if found is None or found[1][: len(side.head)] != side.head:
                continue
            if side.target is None:
                return path, True
            return join(side.target, found[0][len(side.head) :], self._target_os), True
        return path, False


@lru_cache(maxsize=64)
def translator(mappings: tuple[PathMapping, ...], target_os: str) -> Translator:
    """The translator of some mappings, made once."""
    return Translator(mappings, target_os)


def _sides(mappings: Iterable[PathMapping], target_os: str) -> Iterator[_Side]:
    """All sides that mean something, of mappings that the target has a name for."""
    for mapping in mappings:
        target = mapping.side(target_os)
        if not mapping.enabled or not is_absolute(target, target_os):
            continue
        for os_name in OS_NAMES:
            parts = components(mapping.side(os_name), os_name)
            if parts is not None:
                own = os_name == target_os
                yield _Side(os_name, _folded(parts, os_name), None if own else target)


def _may_be_absolute(path: str) -> bool:
    r"""Whether it is worth looking closer: it begins with `/`, `\\` or a drive."""
    return path[:1] == "/" or path[1:2] == ":" or path[:2] == "\\\\"


def _folded(parts: list[str], os_name: str) -> tuple[str, ...]:
    """Components in a form in which those that mean one folder are equal.

    No system tells NFC from NFD where it matters to us. Windows ignores case, and so do Macs; but
    a path is only known to be a Mac's if it lies where Macs have their volumes. Elsewhere it may
    as well be one of Linux, where `/mnt/A` and `/mnt/a` are two folders.
    """
    composed = [p if p.isascii() else unicodedata.normalize("NFC", p) for p in parts]
    on_mac = os_name == "macos" and [p.lower() for p in composed[:1]] == ["volumes"]
    if os_name == "windows" or on_mac:
        return tuple(part.upper() if part.isascii() else _upper(part) for part in composed)
    return tuple(composed)


def _upper(part: str) -> str:
    """Upper case as file systems have it, letter by letter: `ß` is not `SS`, nor `ı` an `I`."""
    raised = ((c, c.upper()) for c in part)
    return "".join(u if len(u) == 1 and u.lower() == c.lower() else c for c, u in raised)


def components(path: str, os_name: str) -> list[str] | None:
    r"""The parts of an absolute path, its drive or `\\host`, `share` first; None if relative."""
    if os_name not in OS_NAMES:
        return None
    if os_name != "windows":
        return [part for part in path.split("/") if part] if path.startswith("/") else None
    path = path.replace("/", "\\")
    if path.startswith("\\\\?\\"):
        path = _LONG_DRIVE.sub("", _LONG_SHARE.sub(r"\\", path, count=1), count=1)
    parts = [part for part in path.split("\\") if part]
    if _DRIVE.match(path):
        return parts
    if path.startswith("\\\\") and len(parts) >= len(("host", "share")):
        return ["\\\\" + parts[0], *parts[1:]]
    return None


def join(prefix: str, rest: list[str], os_name: str) -> str:
    """A prefix and what lies below it, in the separators of a system."""
    if os_name != "windows":
        return "/".join([prefix.rstrip("/"), *rest]) or "/"
    base = prefix.replace("/", "\\").rstrip("\\")
    return "\\".join([base, *rest]) if rest or not base.endswith(":") else base + "\\"
