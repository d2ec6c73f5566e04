"""Two hosts that hold the same records have the same state, however these came."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from events.record import Record
from projections.catalogue import PROJECTIONS, empty_tables
from projections.fold import Tables, state_hash
from tests.strategies import interleavings, logs

A = logs("0000000000000001", "host-a")
B = logs("0000000000000002", "host-b")


def fold(*parts: Sequence[Record]) -> Tables:
    """State after several stretches of records."""
    tables = empty_tables()
    for part in parts:
        tables.apply(part)
    return tables


@given(a=A, b=B, data=st.data())
def test_any_interleaving_gives_the_same_state(
    a: list[Record], b: list[Record], data: st.DataObject
) -> None:
    """Mixed, late and repeated pieces of two logs: one state (FORMAT.md, Readers)."""
    one_way = fold(data.draw(interleavings(a, b)))
    other_way = fold(data.draw(interleavings(b, a)))

    assert one_way.pack() == other_way.pack()
    assert state_hash(one_way.pack()) == state_hash(other_way.pack())


@given(a=A, b=B, data=st.data())
def test_any_order_at_all_gives_the_same_state(
    a: list[Record], b: list[Record], data: st.DataObject
) -> None:
    """Even the records of one log may come in any order: state is a function of the set."""
    shuffled = data.draw(st.permutations(a + b))

    assert fold(shuffled).pack() == fold(a, b).pack()


@given(a=A, b=B)
def test_reading_a_log_twice_changes_nothing(a: list[Record], b: list[Record]) -> None:
    """A record that is read again is no news."""
    assert fold(a, b, a).pack() == fold(a, b).pack()


@given(a=A, b=B, cut=st.integers(0, 50))
def test_a_checkpoint_is_as_good_as_its_records(a: list[Record], b: list[Record], cut: int) -> None:
    """State packed, loaded and carried on equals state folded from nothing."""
    loaded = empty_tables()
    loaded.load(fold(a[:cut]).pack())
    loaded.apply(a[cut:])
    loaded.apply(b)

    assert loaded.pack() == fold(a, b).pack()


@given(a=A, b=B)
def test_a_checkpoint_may_hold_more_than_it_claims(a: list[Record], b: list[Record]) -> None:
    """Records applied between taking positions and copying tables are read again, harmlessly."""
    ahead = empty_tables()
    ahead.load(fold(a, b).pack())
    ahead.apply(b)

    assert ahead.pack() == fold(a, b).pack()


@given(a=A)
def test_a_copy_does_not_follow_its_original(a: list[Record]) -> None:
    """A snapshot for a checkpoint stays as it was."""
    tables = fold(a[:5])
    before = tables.pack()
    twin = tables.copy()
    tables.apply(a[5:])

    assert twin.pack() == before


@pytest.mark.parametrize("projection", PROJECTIONS, ids=lambda p: p.name)
def test_every_projection_is_met_by_the_histories(projection: object) -> None:
    """The histories above would prove nothing for a projection whose events they lack."""
    met: set[type] = set()

    @given(a=A)
    @settings(max_examples=300, database=None, derandomize=True)
    def meet(a: list[Record]) -> None:
        met.update(type(record.event) for record in a)

    meet()
    assert set(projection.handles) <= met  # type: ignore[attr-defined]  # a Projection, of any state
