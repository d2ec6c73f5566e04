"""Which file of a group to keep, and what it takes over from the others. Pure; suggestions only."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum

from attrs import frozen

from orchestrator.gallery.duplicates.report import Candidate, Group


class Keep(StrEnum):
    """What makes a file the one to keep."""

    NEWEST = "newest"
    OLDEST = "oldest"
    #: Most stars, then most tags, then a note.
    BEST_RATED = "best_rated"
    #: Most bytes: the better quality, or more metadata.
    LARGEST = "largest"


@frozen
class Facts:
    """What people have said of a file."""

    stars: int = 0
    tags: int = 0
    has_note: bool = False


_NOTHING = Facts()


def choose_keeper(group: Group, keep: Keep, facts: Mapping[str, Facts]) -> Candidate:
    """The file of a group to keep; of equals, the oldest.

    Args:
        group: Two or more files, oldest first.
        keep: What counts.
        facts: By path; files that nobody said anything of may be missing.
    """
    match keep:
        case Keep.OLDEST:
            return group.files[0]
        case Keep.NEWEST:
            return max(group.files, key=lambda file: file.mtime_ns)
        case Keep.LARGEST:
            return max(group.files, key=lambda file: file.size)
        case Keep.BEST_RATED:
            return max(group.files, key=lambda file: _esteem(facts.get(file.path, _NOTHING)))


def _esteem(facts: Facts) -> tuple[int, int, bool]:
    return facts.stars, facts.tags, facts.has_note


def merge(
    keep_stars: int,
    others_stars: Sequence[int],
    keep_tags: Collection[str],
    others_tags: Sequence[Collection[str]],
    keep_note: str,
    other_notes: Sequence[str],
) -> tuple[int, set[str], str]:
    """What a kept file has after the others went: stars, the tags to add to it, and its note.

    The most stars, all tags, and all notes, one below the other, none of them twice.
    """
    stars = max(keep_stars, *others_stars, 0)
    tags = {tag for others in others_tags for tag in others}.difference(keep_tags)
    notes = dict.fromkeys(note.strip() for note in (keep_note, *other_notes))
    if not any(note for note in notes if note != keep_note.strip()):
        return stars, tags, keep_note  # as it was written, to the last blank
    return stars, tags, "\n\n".join(note for note in notes if note)
