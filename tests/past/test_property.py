"""Undoing all that happened since a moment gives what there was at that moment."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.past.tales import CAT, Tale, rated, stamp_at


@given(data=st.data())
def test_everything_since_a_moment(data: st.DataObject) -> None:
    """Whatever people did before and after it: edits, undos, undos of undos, by force or not."""
    tale = Tale()
    tale.see(CAT, "P/cat.png")
    marks: list[tuple[int, int]] = []
    batches: list[str] = []
    for step in range(data.draw(st.integers(1, 8))):
        marks.append((tale.minute, tale.stars()))
        undoing, force = data.draw(st.booleans()), data.draw(st.booleans())
        if batches and undoing:
            batch = data.draw(st.sampled_from(batches))
            batches.append(tale.undo(batch=batch, force=force))
        else:
            batches.append(f"b-{step}")
            tale.tell(rated(data.draw(st.integers(1, 5))), batch=batches[-1])
    minute, stars = data.draw(st.sampled_from(marks))
    since = [edit.id for edit in tale.history.between(None, None) if edit.id > at(minute)]
    tale.undo(*since)
    assert tale.stars() == stars


def at(minute: int) -> str:
    """A text above all stamps of a minute, and below those of the next."""
    return f"{stamp_at(minute)[:16]}~"
