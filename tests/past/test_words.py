"""Every event is told in words, also those that no gallery edit makes."""

from __future__ import annotations

from events import vocabulary
from events.record import Record
from events.registry import BY_CLASS
from events.stamp import stamp
from events.states import ProjectSaved
from events.webhooks import WebhookSettled
from orchestrator.gallery.past import words
from orchestrator.gallery.past.farm_words import FARM_WORDS
from projections.catalogue import empty_tables
from projections.jobs import BESIDE, MOVES
from projections.project import ProjectView

WRITER = "0000000000000001"


def told(event: object) -> str:
    """An event in words, in a project of which nothing is known."""
    record = Record(stamp(1 << 16, WRITER), event, "ann", "host", WRITER, 1)
    return words.describe(ProjectView(empty_tables()), record).what


def test_no_event_is_told_by_its_name_alone() -> None:
    """A person who reads the history need not know the vocabulary."""
    assert vocabulary.FAMILIES
    known = {*MOVES, *BESIDE, *FARM_WORDS, *words._TELLERS}
    assert not [row.name for cls, row in BY_CLASS.items() if cls not in known]


def test_a_saved_state_is_told_with_its_size() -> None:
    """And where it came from."""
    event = ProjectSaved(file="project.json", sha256="0" * 64, size=2048, origin="found")
    assert told(event) == "state of project.json found, 2.0 KiB"


def test_an_address_is_never_told() -> None:
    """Whoever knows the address of a webhook may be able to use it."""
    event = WebhookSettled(
        job="j", url="https://x.example/s3cret", delivered=False, tries=2, error="refused"
    )
    assert told(event) == "end of job j not told to a webhook: refused (2 attempts)"
