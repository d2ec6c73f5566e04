"""What config.yaml says of mappings, and what people said since: which of them counts."""

from __future__ import annotations

from events.mappings import MappingRemoved, MappingSet
from events.record import Record
from events.stamp import stamp
from orchestrator.paths.mappings import PathMapping
from orchestrator.paths.merging import Merged, as_said, live, merged
from projections.catalogue import empty_tables
from projections.mappings import ToldMapping
from projections.project import ProjectView

SHARE = PathMapping("share", "Share", "W:\\", "/mnt/share", "/Volumes/Share")
FAST = PathMapping("fast", linux="/mnt/fast")
WRITER = "0000000000000001"


def said(mapping: PathMapping, file: PathMapping | None = None) -> MappingSet:
    """Somebody set a mapping while config.yaml said this of it."""
    return MappingSet(
        mapping=mapping.id,
        name=mapping.name,
        windows=mapping.windows,
        linux=mapping.linux,
        macos=mapping.macos,
        enabled=mapping.enabled,
        file=as_said(file),
    )


def told(*events: object) -> dict[str, ToldMapping]:
    """What the log says after these."""
    tables = empty_tables()
    for number, event in enumerate(events, 1):
        at = stamp(number << 16, WRITER)
        tables.apply([Record(at, event, "mara", "host-a", WRITER, number)])
    return dict(ProjectView(tables).mappings())


def test_the_file_is_the_start_set() -> None:
    """Nobody said anything yet."""
    assert merged((SHARE, FAST), {}) == Merged((SHARE, FAST), ())


def test_what_is_added_comes_behind_in_the_order_in_which_it_came() -> None:
    """Also after it was changed: a list whose rows change places cannot be typed into."""
    z, a = PathMapping("z", linux="/mnt/z"), PathMapping("a", linux="/mnt/a")
    changed = PathMapping("z", linux="/mnt/zz")
    found = merged((SHARE,), told(said(z), said(a), said(changed)))

    assert found == Merged((SHARE, changed, a), ())


def test_a_change_of_a_mapping_of_the_file_counts_while_the_file_is_the_same() -> None:
    """In its place."""
    changed = PathMapping("share", "Share", "W:\\", "/mnt/other", "")

    assert merged((SHARE, FAST), told(said(changed, SHARE))) == Merged((changed, FAST), ())


def test_a_removed_mapping_of_the_file_stays_away() -> None:
    """Although the file still has it."""
    removed = MappingRemoved(mapping="share", file=as_said(SHARE))

    assert merged((SHARE, FAST), told(removed)) == Merged((FAST,), ())


def test_a_file_that_was_changed_since_is_newer() -> None:
    """Whoever edited it saw what they wrote, and means it."""
    edited = PathMapping("share", "Share", "V:\\", "/mnt/share", "")
    changed = PathMapping("share", "Share", "W:\\", "/mnt/other", "")
    removed = MappingRemoved(mapping="share", file=as_said(SHARE))

    assert merged((edited,), told(said(changed, SHARE))) == Merged((edited,), ("share",))
    assert merged((edited,), told(removed)) == Merged((edited,), ("share",))


def test_a_mapping_that_was_taken_out_of_the_file_is_gone() -> None:
    """Though it was changed at runtime once."""
    changed = PathMapping("share", "Share", "W:\\", "/mnt/other", "")

    assert merged((), told(said(changed, SHARE))) == Merged((), ("share",))


def test_an_added_mapping_that_was_put_into_the_file_is_the_files() -> None:
    """As the export invites to; nothing is overruled if it says the same."""
    edited = PathMapping("fast", linux="/mnt/faster")

    assert merged((FAST,), told(said(FAST))) == Merged((FAST,), ())
    assert merged((edited,), told(said(FAST))) == Merged((edited,), ("fast",))


def test_a_removed_mapping_that_was_taken_out_of_the_file_is_no_news() -> None:
    """Both say that it is gone."""
    removed = MappingRemoved(mapping="share", file=as_said(SHARE))

    assert merged((), told(removed)) == Merged((), ())


def test_a_change_after_the_file_was_edited_counts_again() -> None:
    """It was made with the new file in sight."""
    edited = PathMapping("share", linux="/mnt/edited")
    first, second = PathMapping("share", linux="/mnt/1"), PathMapping("share", linux="/mnt/2")
    log = told(said(first, SHARE), said(second, edited))

    assert merged((edited,), log) == Merged((second,), ())


def test_a_slash_alone_is_no_side_yet() -> None:
    """It is the first letter of every prefix, and would take in all paths; the file may mean it."""
    typed, meant = PathMapping("t", linux="/", macos="/"), PathMapping("m", linux="/")

    assert live((meant,), (meant, typed)) == (meant, PathMapping("t"))
