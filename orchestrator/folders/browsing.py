"""Browsing: where one may begin, what lies in a folder, and making a new one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from attrs import frozen

from orchestrator.errors import FileCollides, FileMissing, FolderNotMade
from orchestrator.folders.places import Level, existing_folder, look_into, permitted
from orchestrator.gallery.media import suffix
from orchestrator.gallery.natural import natural_key
from orchestrator.paths.roots import Roots, safe_name

#: Most places in one answer.
MAX_PLACES = 10_000
#: Folders in which each folder is a share or a disk of its own.
MOUNTS = tuple(map(Path, ("/mnt", "/media", "/Volumes", "/run/media")))

Kind = Literal["drive", "folder", "file"]


@frozen
class Place:
    """One thing to choose while browsing."""

    name: str
    path: str
    kind: Kind


@frozen
class Browsed:
    """What lies in a folder."""

    #: "" for the places where one may begin.
    current: str
    #: None where there is no way up.
    parent: str | None
    #: Folders first, each kind in natural order.
    places: tuple[Place, ...]
    #: How many more there are than an answer holds.
    left_out: int = 0


def enter(path: str, roots: Roots) -> tuple[Path, Level]:
    """A permitted folder, and what lies in it. Blocks.

    Raises:
        PathInvalid, PathNotPermitted, FileMissing, FileUnreadable.
    """
    folder = permitted(path, roots)
    return folder, look_into(folder)


def browsed(
    folder: Path,
    level: Level,
    links: Mapping[str, str | None],
    suffixes: frozenset[str],
    roots: Roots,
) -> Browsed:
    """What to show of a folder. Pure.

    Args:
        folder: The folder.
        level: What lies in it.
        links: What its links lead to, as far as that is known in time. Any other is shown as a
            folder: whoever opens it is told that its share does not answer.
        suffixes: Endings of files to show, in lower case with their dots.
        roots: Whether there is a way up.
    """
    folders = {*level.folders, *(n for n in level.links if links.get(n, "folder") == "folder")}
    files = {*level.files, *(n for n in level.links if links.get(n) == "file")}
    files = {name for name in files if suffix(name) in suffixes}
    shown = [
        *(Place(name, str(folder / name), "folder") for name in sorted(folders, key=natural_key)),
        *(Place(name, str(folder / name), "file") for name in sorted(files, key=natural_key)),
    ]
    return Browsed(
        current=str(folder),
        parent=_way_up(folder, roots),
        places=tuple(shown[:MAX_PLACES]),
        left_out=max(0, len(shown) - MAX_PLACES),
    )


def _way_up(folder: Path, roots: Roots) -> str | None:
    """The folder above, if it is permitted by its name: following links could hang."""
    above = folder.parent
    return str(above) if above != folder and roots.covers(str(above)) else None


def beginnings(roots: Roots, home: Path) -> tuple[Path, ...]:
    """Where one may begin to browse: the permitted folders, and home if it is permitted. Pure."""
    at_home = [home] if roots.covers(str(home)) else []
    return tuple(dict.fromkeys((*at_home, *roots.folders)))


def shares_in(folder: Path) -> tuple[Path, ...]:
    """The shares and disks in a folder of `MOUNTS`, none of them touched. Blocks.

    Raises:
        FileMissing, FileUnreadable: the folder cannot be listed.
    """
    return tuple(folder / name for name in look_into(folder).folders)


def started(places: tuple[Path, ...]) -> Browsed:
    """What to show to somebody who begins. Pure."""
    shown = tuple(Place(str(path), str(path), "drive") for path in places[:MAX_PLACES])
    return Browsed("", None, shown, max(0, len(places) - MAX_PLACES))


def make_folder(parent: str, name: str, roots: Roots) -> tuple[Path, bool]:
    """Make a folder in one that is there; whether it is new. One that exists is as good. Blocks.

    Raises:
        PathInvalid: no system could have such a name.
        PathNotPermitted: it would not lie in a permitted folder.
        FileMissing: there is no such parent.
        FileUnreadable: the share does not let us look.
        FileCollides: a file has the name.
        FolderNotMade: the share refuses.
    """
    safe_name(name)
    folder = permitted(str(existing_folder(parent, roots) / name), roots)
    try:
        folder.mkdir()
    except FileExistsError:
        if not folder.is_dir():
            to = str(folder)
            raise FileCollides(parent, to, "taken", "a file has that name", name) from None
        return folder, False
    except FileNotFoundError as exc:
        raise FileMissing(parent) from exc
    except OSError as exc:
        raise FolderNotMade.because(folder, exc) from exc
    return folder, True
