"""What is looked for, among which files, and what was found. Pure values."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from attrs import field, frozen

from orchestrator.gallery.natural import natural_key


class Likeness(StrEnum):
    """In what way files are the same."""

    #: Every byte.
    CONTENT = "content"
    #: Every pixel, whatever the metadata and the encoding. Colour profile and orientation, which
    #: say how pixels are to be shown, count as metadata.
    PIXELS = "pixels"
    #: To the eye: the same picture at another size, quality, or with small changes.
    LOOKS = "looks"


@frozen
class Candidate:
    """A file as it was listed."""

    #: Below the root, with `/`.
    path: str
    #: In bytes.
    size: int
    #: Nanoseconds since 1970.
    mtime_ns: int


def oldest_first(files: Iterable[Candidate]) -> list[Candidate]:
    """Files by their last change; those of the same moment in natural order."""
    return sorted(files, key=lambda file: (file.mtime_ns, natural_key(file.path)))


def _ordered(files: Iterable[Candidate]) -> tuple[Candidate, ...]:
    return tuple(oldest_first(files))


@frozen
class Group:
    """Two or more files that are the same."""

    #: What they share. For pixels it is the hash of the compressed picture where that is the same
    #: too, so it tells groups of one report apart, and is nothing to keep.
    hash: str
    kind: Likeness
    #: Oldest first.
    files: tuple[Candidate, ...] = field(converter=_ordered)
    #: For looks, in how many of 64 bits a file differs from the group's centre at most; else 0.
    distance: int = 0

    @property
    def wasted(self) -> int:
        """Bytes that are free at least once all but one are gone."""
        sizes = [file.size for file in self.files]
        return sum(sizes) - max(sizes)


@frozen
class Link:
    """Another name of a file: removing it would free nothing, so it is no duplicate."""

    path: str
    #: The name under which the file was compared.
    of: str


def _largest_waste_first(groups: Iterable[Group]) -> tuple[Group, ...]:
    return tuple(sorted(groups, key=lambda g: (-g.wasted, natural_key(g.files[0].path))))


@frozen
class Report:
    """What was found."""

    #: Largest waste first.
    groups: tuple[Group, ...] = field(converter=_largest_waste_first)
    #: Path and reason of each file that could not be compared.
    unreadable: tuple[tuple[str, str], ...] = ()
    #: Hard and symbolic links that lead to a file which is also listed.
    links: tuple[Link, ...] = ()
    #: Whether the search came to its end. If not, groups may lack files, or be missing.
    complete: bool = True

    @property
    def wasted(self) -> int:
        """Bytes that are free at least once each group has one file left."""
        return sum(group.wasted for group in self.groups)
