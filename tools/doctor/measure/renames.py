"""How renaming works here, and whether anything can be replaced by it unwantedly. Blocks."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from attrs import frozen

from tools.doctor.share import Share

_ONE, _OTHER = b"one", b"other"
#: A time in the past (ns since 1970), for a file that is renamed.
_THEN = 1_500_000_000_000_000_000


class Means(StrEnum):
    """How a name is taken without replacing what has it."""

    #: The kernel's own call (`renameat2`).
    KERNEL = "kernel"
    #: A second name, and then the first is taken away.
    LINK = "link"
    #: The name is kept by a small file first.
    KEEPING = "keeping"


@frozen
class Renames:
    """What was seen."""

    means: Means
    #: Moving onto a file, or a folder, that is there was refused, and left both as they were.
    spares_files: bool
    spares_folders: bool
    #: Moving to a free name worked.
    moves: bool
    #: `a` could be renamed to `A`.
    case_only: bool
    #: A plain rename replaces, and the new content is seen at once.
    replaces: bool
    #: A file that is open here can be replaced.
    replaces_open: bool
    #: A renamed file keeps its time and its number.
    keeps_time: bool
    keeps_inode: bool


def measure_renames(folder: Path, share: Share) -> Renames:
    """Rename files in every way that the gallery does.

    Raises:
        OSError: the share fails altogether.
    """
    share.make_folder(folder)
    means = _means(folder, share)
    keeps_time, keeps_inode, moves = _moved(folder, share)
    return Renames(
        means=means,
        spares_files=_spares_files(folder, share),
        spares_folders=_spares_folders(folder, share),
        moves=moves,
        case_only=_case_only(folder, share),
        replaces=_replaces(folder / "replaced", share, hold=False),
        replaces_open=_replaces(folder / "replaced-open", share, hold=True),
        keeps_time=keeps_time,
        keeps_inode=keeps_inode,
    )


def _means(folder: Path, share: Share) -> Means:
    source = folder / "means"
    share.write_file(source, _ONE)
    if share.can_rename_exclusively(source, folder / "means-renamed"):
        return Means.KERNEL
    try:
        share.link(source, folder / "means-linked")
    except OSError:
        return Means.KEEPING
    return Means.LINK


def _moved(folder: Path, share: Share) -> tuple[bool, bool, bool]:
    """Whether a moved file keeps time and number, and whether it was moved at all."""
    source, target = folder / "moved", folder / "moved-on"
    share.write_file(source, _ONE)
    share.set_time(source, _THEN)
    before = share.look(source)
    try:
        share.move(source, target)
    except OSError:
        return False, False, False
    after = share.look(target)
    gone = source.name not in share.names(folder)
    return after.mtime_ns == before.mtime_ns, after.inode == before.inode, gone


def _spares_files(folder: Path, share: Share) -> bool:
    source, target = folder / "spared-1", folder / "spared-2"
    share.write_file(source, _ONE)
    share.write_file(target, _OTHER)
    try:
        share.move(source, target)
    except FileExistsError:
        return _content(source, share) == _ONE and _content(target, share) == _OTHER
    except OSError:
        return _content(target, share) == _OTHER
    return False


def _spares_folders(folder: Path, share: Share) -> bool:
    """An empty folder could be replaced by a plain rename."""
    source, target = folder / "folder-1", folder / "folder-2"
    share.make_folder(source)
    share.write_file(source / "in-it", _ONE)
    share.make_folder(target)
    try:
        share.move(source, target, folder=True)
    except OSError:
        return share.names(source) == ["in-it"] and share.names(target) == []
    return False


def _case_only(folder: Path, share: Share) -> bool:
    place = folder / "case"
    share.make_folder(place)
    share.write_file(place / "name.png", _ONE)
    try:
        share.replace(place / "name.png", place / "Name.png")
    except OSError:
        return False
    return share.names(place) == ["Name.png"]


def _replaces(place: Path, share: Share, *, hold: bool) -> bool:
    share.make_folder(place)
    source, target = place / "new", place / "old"
    share.write_file(source, _ONE)
    share.write_file(target, _OTHER)
    descriptor = share.open_to_read(target) if hold else None
    try:
        share.replace(source, target)
        return _content(target, share) == _ONE
    except OSError:
        return False
    finally:
        if descriptor is not None:
            share.close(descriptor)


def _content(path: Path, share: Share) -> bytes:
    return share.read(path, 0, 1 << 16).data
