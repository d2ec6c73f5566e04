"""Which folder a request means, and what lies directly in it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from attrs import frozen

from orchestrator.errors import FileMissing, PathNotPermitted
from orchestrator.gallery.media import is_hidden
from orchestrator.gallery.natural import natural_key
from orchestrator.gallery.reading import reading
from orchestrator.paths.mappings import current_os, to_local
from orchestrator.paths.roots import Roots, is_service_path


def local(text: str, roots: Roots) -> str:
    r"""What a path from anywhere is called on this host. Pure.

    Some clients turn every `/` into a backslash, on whatever system: `\mnt\Projects` is no path of
    Windows, where a share has two at its beginning, so it is turned back.
    """
    if text.startswith("\\") and not text.startswith("\\\\"):
        text = text.replace("\\", "/")
    return to_local(text, roots.mappings, current_os())


def permitted(text: str, roots: Roots) -> Path:
    """A permitted path as it was named, links and all, if it is not the service's own. Blocks.

    Args:
        text: A path of this host, from `local`.
        roots: Who permits.

    Raises:
        PathInvalid, PathNotPermitted, FileMissing: as `Roots.permit`.
    """
    real = roots.permit(text)
    path = Path(text)
    if is_service_path(path) or is_service_path(real):
        raise PathNotPermitted(text, tuple(map(str, roots.folders)))
    return path


def existing_folder(text: str, roots: Roots) -> Path:
    """A permitted folder that is there. Blocks.

    Raises:
        PathInvalid, PathNotPermitted: as `permitted`.
        FileMissing: nothing is there, or no folder.
        FileUnreadable: the share does not let us look.
    """
    path = permitted(text, roots)
    with reading(path):
        if not path.is_dir():
            raise FileMissing(str(path))
    return path


@frozen
class Level:
    """The names directly in a folder, in natural order, without hidden ones."""

    folders: tuple[str, ...]
    files: tuple[str, ...]
    #: May lead anywhere; nobody has looked yet.
    links: tuple[str, ...]


def look_into(folder: Path) -> Level:
    """What lies directly in a folder; no link is followed, so no other share is touched. Blocks.

    Raises:
        FileMissing: there is no such folder.
        FileUnreadable: the share does not let us look.
    """
    folders, files, links = [], [], []
    with reading(folder), os.scandir(folder) as entries:
        for entry in entries:
            if is_hidden(entry.name) or not is_text(entry.name):
                continue
            if entry.is_symlink():
                links.append(entry.name)
            elif entry.is_dir(follow_symlinks=False):
                folders.append(entry.name)
            elif entry.is_file(follow_symlinks=False):
                files.append(entry.name)
    return Level(_sorted(folders), _sorted(files), _sorted(links))


def subfolders(folder: Path, roots: Roots) -> tuple[str, ...]:
    """The folders directly in a folder, and the links to permitted ones. Blocks.

    Raises:
        FileMissing: there is no such folder.
        FileUnreadable: the share does not let us look.
    """
    level = look_into(folder)
    linked = (name for name in level.links if leads_to(folder / name, roots) == "folder")
    return _sorted((*level.folders, *linked))


def leads_to(link: Path, roots: Roots) -> str | None:
    """`folder` or `file` if a link leads to a permitted one; None if it leads elsewhere. Blocks."""
    try:
        if not roots.permits(link):
            return None
        if link.is_dir():
            return "folder"
        return "file" if link.is_file() else None
    except OSError:
        return None  # nobody could open it


def is_text(name: str) -> bool:
    """Whether a name is valid Unicode, and so can be sent as JSON."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _sorted(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(names, key=natural_key))
