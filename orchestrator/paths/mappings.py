r"""What a path of one operating system is called on another: `W:\VFX` is `/mnt/Mandalore/VFX`.

Pure: it looks at text, never at a disk. A mapping names one folder as Windows, Linux and macOS
see it. The longest prefix wins, and a prefix only counts at a separator, so that a mapping of
`/mnt/Mandalore` says nothing about `/mnt/Mandalore2`.
"""

from __future__ import annotations

import platform
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Literal, get_args

from attrs import frozen

OsName = Literal["windows", "linux", "macos"]
OS_NAMES: tuple[OsName, ...] = get_args(OsName)

_DRIVE = re.compile(r"[A-Za-z]:(?=\\|$)")
_LONG = re.compile(r"\\\\\?\\(?:UNC(?=\\)|(?=[A-Za-z]:))", re.IGNORECASE)


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
    return _components(path, os_name) is not None


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
    usable = [m for m in mappings if m.enabled and is_absolute(m.side(target_os), target_os)]
    if any(_rest(path, m.side(target_os), target_os) is not None for m in usable):
        return path
    best: tuple[int, str, list[str]] | None = None
    for mapping in usable:
        for depth, rest in _matches(path, mapping):
            if best is None or depth > best[0]:
                best = (depth, mapping.side(target_os), rest)
    return path if best is None else _join(best[1], best[2], target_os)


def _matches(path: str, mapping: PathMapping) -> Iterator[tuple[int, list[str]]]:
    """How many components each side of a mapping shares with a path, and what remains."""
    for os_name in OS_NAMES:
        prefix = mapping.side(os_name)
        rest = _rest(path, prefix, os_name)
        if rest is not None:
            yield len(_components(prefix, os_name) or ()), rest


def _rest(path: str, prefix: str, os_name: str) -> list[str] | None:
    """The components of a path below a prefix; None if it does not lie there."""
    head, whole = _components(prefix, os_name), _components(path, os_name)
    if head is None or whole is None or len(whole) < len(head):
        return None
    same = all(_same(a, b, os_name) for a, b in zip(head, whole, strict=False))
    return whole[len(head) :] if same else None


def _same(a: str, b: str, os_name: str) -> bool:
    """Whether two components mean one folder: Windows ignores case, none tells NFC from NFD."""
    a, b = unicodedata.normalize("NFC", a), unicodedata.normalize("NFC", b)
    return a.casefold() == b.casefold() if os_name == "windows" else a == b


def _components(path: str, os_name: str) -> list[str] | None:
    r"""The parts of an absolute path, its drive or `\\host`, `share` first; None if relative."""
    if os_name not in OS_NAMES:
        return None
    if os_name != "windows":
        return [part for part in path.split("/") if part] if path.startswith("/") else None
    path = path.replace("/", "\\")
    long = _LONG.match(path)
    if long:
        path = ("\\" if len(long[0]) > len("\\\\?\\") else "") + path[long.end() :]
        path = "\\" + path if not _DRIVE.match(path) else path
    parts = [part for part in path.split("\\") if part]
    if _DRIVE.match(path):
        return parts
    if path.startswith("\\\\") and len(parts) >= len(("host", "share")):
        return ["\\\\" + parts[0], *parts[1:]]
    return None


def _join(prefix: str, rest: list[str], os_name: str) -> str:
    """A prefix and what lies below it, in the target's own separators."""
    if os_name != "windows":
        return "/".join([prefix.rstrip("/"), *rest]) or "/"
    base = prefix.replace("/", "\\").rstrip("\\")
    return "\\".join([base, *rest]) if rest or not base.endswith(":") else base + "\\"
