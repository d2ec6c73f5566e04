"""Finding files that are the same, among files that were listed."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from attrs import frozen

from orchestrator.gallery.duplicates.alike import Alike
from orchestrator.gallery.duplicates.cache import HashCache
from orchestrator.gallery.duplicates.content import same_content
from orchestrator.gallery.duplicates.looking import Looking, Progress
from orchestrator.gallery.duplicates.opening import as_listed
from orchestrator.gallery.duplicates.pictures import is_closed, is_picture
from orchestrator.gallery.duplicates.report import Candidate, Group, Likeness, Link, Report
from orchestrator.gallery.duplicates.same_look import same_look
from orchestrator.gallery.duplicates.same_pixels import same_pixels
from orchestrator.gallery.natural import natural_key
from orchestrator.gallery.reading import reading

#: Of 64 bits. Rescaled and recompressed pictures differ in 0 to 4.
THRESHOLD: Final = 6


def find(
    root: Path,
    files: Iterable[Candidate],
    kind: Likeness,
    cache: HashCache,
    *,
    threshold: int = THRESHOLD,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> Report:
    """Find the files that are the same. Blocks, for minutes if there is much to read.

    A file that cannot be compared (damaged, empty, locked, gone, changed since it was listed) is
    named in the report, and the others go on. Names that lead to one file are one file.

    Args:
        root: The folder that paths are relative to, and that the cache is about.
        files: As they were listed. For pixels and looks, what is no picture is passed over.
        kind: In what way the same.
        cache: What is known of unchanged files, which are not read again.
        threshold: For looks, in how many of 64 bits files may differ from their group's oldest;
            0 to 11.
        progress: Told after each file that was read, in this thread.
        stop: Once set, the search ends soon, and its report is not complete. What was read by
            then is in the cache: the next search goes on from there.

    Raises:
        FileMissing: There is no such folder: the share is gone, not the files.
        FileUnreadable: The folder cannot be read.
        ValueError: The threshold is out of range.
    """
    with reading(root):
        root.stat()
    looking = Looking(root, cache, stop or threading.Event(), progress)
    alike = _alike(looking, _comparable(looking, files, kind), kind, threshold)
    groups, links = _confirmed(looking, alike, kind)
    if looking.unreadable:
        # A share that went away meanwhile is told as such, rather than file by file.
        with reading(root):
            root.stat()
    return Report(
        groups,
        unreadable=tuple(sorted(looking.unreadable.items(), key=lambda it: natural_key(it[0]))),
        links=tuple(links),
        complete=not looking.stop.is_set(),
    )


def _comparable(looking: Looking, files: Iterable[Candidate], kind: Likeness) -> list[Candidate]:
    """Each file once, without those of which is known beforehand that they cannot be compared."""
    found = []
    for file in {file.path: file for file in files}.values():
        if kind is not Likeness.CONTENT and not is_picture(file.path):
            continue
        if file.size == 0:
            looking.unreadable[file.path] = "it is empty"
        elif kind is not Likeness.CONTENT and is_closed(file.path):
            looking.unreadable[file.path] = "pictures of its kind cannot be decoded here"
        else:
            found.append(file)
    return found


def _alike(
    looking: Looking, files: Sequence[Candidate], kind: Likeness, threshold: int
) -> list[Alike]:
    match kind:
        case Likeness.CONTENT:
            return same_content(looking, files)
        case Likeness.PIXELS:
            return same_pixels(looking, files)
        case Likeness.LOOKS:
            return same_look(looking, files, threshold)


@frozen
class _Sight:
    """A file as it now is."""

    #: Device and number on it; the path, where there are no numbers.
    identity: tuple[int, int] | str
    is_link: bool
    #: Why it is no longer what was compared.
    fault: str | None = None


def _confirmed(
    looking: Looking, found: Sequence[Alike], kind: Likeness
) -> tuple[list[Group], list[Link]]:
    """Groups of those files that still are what they were, several names of one file as one.

    Much may have been learned from the cache, and a search takes its time.
    """
    suspects = [file for alike in found for file in alike.files]
    sights: dict[str, _Sight] = {}
    for file, sight in looking.spread(lambda file: _look_again(looking.root, file), suspects):
        if sight.fault is None:
            sights[file.path] = sight
        else:
            looking.unreadable[file.path] = sight.fault
    groups: list[Group] = []
    links: list[Link] = []
    for alike in found:
        names: dict[tuple[int, int] | str, list[Candidate]] = {}
        for file in alike.files:
            if file.path in sights:
                names.setdefault(sights[file.path].identity, []).append(file)
        kept: list[Candidate] = []
        for same in names.values():
            # The file itself before links to it: they would lead nowhere if it were trashed.
            same.sort(key=lambda file: (sights[file.path].is_link, natural_key(file.path)))
            kept.append(same[0])
            links += (Link(file.path, same[0].path) for file in same[1:])
        if len(kept) > 1:
            groups.append(Group(alike.hash, kind, kept, alike.distance))
    return groups, links


def _look_again(root: Path, file: Candidate) -> _Sight:
    path = root / file.path
    try:
        info, is_link = path.stat(), path.is_symlink()
    except OSError as exc:
        return _Sight(file.path, is_link=False, fault=exc.strerror or str(exc))
    fault = None if as_listed(info, file) else "it changed since it was listed"
    identity = (info.st_dev, info.st_ino) if info.st_ino else file.path
    return _Sight(identity, is_link, fault)
