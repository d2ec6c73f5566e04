"""Pictures and videos of one folder, or of the panels in it. Blocks.

Hidden files, sounds and what other programs leave behind are not among them.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from attrs import frozen

from orchestrator.errors import FileMissing, FileUnreadable, PatternInvalid
from orchestrator.folders.lookouts import Asker
from orchestrator.folders.matching import matcher
from orchestrator.folders.places import existing_folder, subfolders
from orchestrator.gallery.listing import FileStat, list_folder
from orchestrator.gallery.media import KINDS, suffix
from orchestrator.gallery.natural import natural_key
from orchestrator.gallery.reading import reading
from orchestrator.paths.roots import Roots
from orchestrator.scheduling.placing import DEFAULT_TEMPLATE

#: Most pictures in one answer.
MAX_IMAGES = 100_000
#: Most panels in one answer.
MAX_PANELS = 10_000


class Picture(NamedTuple):
    """One picture or video."""

    name: str
    path: str
    #: Bytes.
    size: int
    #: Seconds since 1970, by the file server's clock.
    modified: float
    #: `image` or `video`.
    kind: str


@frozen
class Pictures:
    """Pictures of one folder."""

    found: tuple[Picture, ...]
    #: How many more there are than an answer holds.
    left_out: int


@frozen
class Panel:
    """A folder in a project's folder."""

    name: str
    path: str
    #: The oldest first.
    pictures: tuple[Picture, ...]


@frozen
class Panels:
    """The folders of a project."""

    found: tuple[Panel, ...]
    #: Names of those that the share does not let us look into, with the reason.
    unreadable: dict[str, str]
    #: Panels, and pictures in those that were found, that an answer does not hold.
    panels_left_out: int
    images_left_out: int


def is_picture(name: str) -> bool:
    """Whether a name promises a picture or a video."""
    return KINDS.get(suffix(name)) in ("image", "video")


def latest_first(path: str, roots: Roots) -> Pictures:
    """The pictures of one folder, the latest first.

    Raises:
        PathInvalid, PathNotPermitted, FileMissing, FileUnreadable.
    """
    found = _pictures(existing_folder(path, roots))[::-1]
    return Pictures(tuple(found[:MAX_IMAGES]), max(0, len(found) - MAX_IMAGES))


def panels(path: str, roots: Roots, asker: Asker) -> Panels:
    """The folders in a folder with their pictures; an empty one is a panel, too.

    Raises:
        PathInvalid, PathNotPermitted, FileMissing, FileUnreadable.
    """
    folder = existing_folder(path, roots)
    names = subfolders(folder, roots)
    found: list[Panel] = []
    unreadable: dict[str, str] = {}
    room, left_out = MAX_IMAGES, 0
    for name in names[:MAX_PANELS]:
        asker.check()
        try:
            pictures = _pictures(folder / name)
        except FileMissing:
            continue  # it went while we looked
        except FileUnreadable as exc:
            unreadable[name] = exc.reason
            continue
        found.append(Panel(name, str(folder / name), tuple(pictures[:room])))
        left_out += max(0, len(pictures) - room)
        room -= len(found[-1].pictures)
    return Panels(tuple(found), unreadable, max(0, len(names) - MAX_PANELS), left_out)


def latest_versions(path: str, pattern: str, roots: Roots, asker: Asker) -> dict[str, str]:
    """The highest version in each folder of a folder, by its name, as files there spell it.

    Only the last name of the pattern counts. `{panel}` is the name of the folder, or its number;
    `{project}` is any: a version that was used under an earlier name is used all the same.

    Args:
        path: The project's folder.
        pattern: As `matching.matcher` takes it; the service's own naming template if empty.
        roots: Who permits.
        asker: Who waits for the answer.

    Raises:
        PatternInvalid: it cannot be read, or has no version.
        PathInvalid, PathNotPermitted, FileMissing, FileUnreadable.
    """
    pattern = pattern or DEFAULT_TEMPLATE
    if not matcher(pattern, name_only=True).has_version:
        raise PatternInvalid(pattern, "has no {version} in the name of a file")
    folder = existing_folder(path, roots)
    found: dict[str, str] = {}
    for panel in subfolders(folder, roots)[:MAX_PANELS]:
        asker.check()
        fits = matcher(pattern, panel=panel, name_only=True)
        reads = [fits.read([file.name]) for file in _media(folder / panel)]
        versions = [(read.version, read.version_digits) for read in reads if read is not None]
        digits = max(versions, key=_by_number, default=(None, None))[1]
        if digits is not None:
            found[panel] = digits
    return found


def _by_number(version: tuple[int | None, str | None]) -> int:
    return version[0] or 0


def _media(folder: Path) -> list[FileStat]:
    """All media of a folder; none if it went while we looked.

    Raises:
        FileUnreadable: a version that we cannot see would be given twice.
    """
    try:
        with reading(folder):
            return list_folder(folder)
    except FileMissing:
        return []


def _pictures(folder: Path) -> list[Picture]:
    """The pictures of a folder, the oldest first."""
    with reading(folder):
        files = [file for file in list_folder(folder) if is_picture(file.name)]
    files.sort(key=lambda file: (file.mtime_ns, natural_key(file.name)))
    return [picture(folder, file) for file in files]


def picture(folder: Path, file: FileStat) -> Picture:
    """A listed picture or video. Pure."""
    kind = KINDS[suffix(file.name)]
    return Picture(file.name, f"{folder}/{file.name}", file.size, file.mtime_ns / 1e9, kind)
