"""An import in transactions that fit into lines of the log."""

from __future__ import annotations

from events.codec import MAX_EVENTS, MAX_LINE, draft
from events.curation import TagId
from orchestrator.commands.curation import Sighting
from orchestrator.commands.importing import ImportFiles, Said, import_files
from orchestrator.gallery.legacy.grouping import groups
from orchestrator.gallery.legacy.old_gallery import MAX_NOTE, MAX_TAGS_OF_FILE
from projections.catalogue import empty_tables
from projections.project import ProjectView

TAGS = tuple(TagId(f"{number:036}") for number in range(MAX_TAGS_OF_FILE))


def said(number: int, tags: tuple[TagId, ...] = (), note: str = "") -> Said:
    """What is said of some file."""
    path = f"Panel_{number:05}/{'é' * 80}.png"
    return Said(path, Sighting(path, 1 << 40, 1 << 62, "h" * 64), 5, tags, note)


def events_of(group: tuple[Said, ...]) -> list[object]:
    """What an import of a group tells."""
    return import_files(ProjectView(empty_tables()), ImportFiles(said=group))


def test_order_is_kept_and_nothing_is_lost() -> None:
    """A group ends where the next would not fit, nowhere else."""
    everything = [said(number) for number in range(1_000)]

    assert [one for group in groups(everything) for one in group] == everything


def test_each_group_is_one_line() -> None:
    """The worst that a store can say of files: all tags, and the longest note, all of codes."""
    everything = [said(number) for number in range(1_000)]
    everything += [said(n, TAGS, "\x01" * MAX_NOTE) for n in range(1_000, 1_003)]
    everything += [said(n, TAGS[:20]) for n in range(2_000, 2_200)]

    for group in groups(everything):
        told = events_of(group)
        assert len(told) <= MAX_EVENTS
        assert draft(told, "import", "c" * 36).size <= MAX_LINE


def test_a_path_stands_once_in_a_group() -> None:
    """What a command decides does not see what it decided just before."""
    assert [len(group) for group in groups([said(1), said(1), said(2)])] == [1, 2]
