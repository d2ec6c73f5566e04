"""Whose turn it is among waiting jobs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.scheduling.choose import Kind
from orchestrator.scheduling.lanes import Lanes

ANY = Kind()
FLUX = Kind(capabilities=frozenset({"flux"}))


def lanes(*jobs: tuple[str, str, int]) -> Lanes:
    """Jobs as (id, person, priority), ranked in this order."""
    made = Lanes()
    for rank, (job_id, actor, priority) in enumerate(jobs):
        made.put(job_id, actor, ANY, priority=priority, rank=float(rank))
    return made


def served(made: Lanes) -> list[str]:
    """All jobs as they would be started, one after the other."""
    order = []
    while (taken := made.take(lambda _: True)) is not None:
        order.append(taken[0])
    return order


class TestTurns:
    def test_people_take_turns(self) -> None:
        """Who submits a hundred jobs does not keep the others waiting."""
        made = lanes(("a1", "ann", 0), ("a2", "ann", 0), ("a3", "ann", 0), ("b1", "bob", 0))
        assert served(made) == ["a1", "b1", "a2", "a3"]

    def test_priority_counts_within_a_lane(self) -> None:
        """It does not push others back."""
        made = lanes(("a1", "ann", 0), ("a2", "ann", 90), ("b1", "bob", 0), ("b2", "bob", 5))
        assert served(made) == ["a2", "b2", "a1", "b1"]

    def test_who_was_served_longest_ago_comes_next(self) -> None:
        """Also if somebody new has come meanwhile."""
        made = lanes(("a1", "ann", 0), ("a2", "ann", 0), ("b1", "bob", 0))
        assert made.take(lambda _: True) == ("a1", True)
        made.put("c1", "cem", ANY, priority=0, rank=9.0)
        assert served(made) == ["b1", "c1", "a2"]

    def test_a_job_without_a_place_lets_others_pass(self) -> None:
        """Those of another kind behind it, and other people's."""
        made = Lanes()
        made.put("a1", "ann", FLUX, priority=0, rank=1.0)
        made.put("a2", "ann", ANY, priority=0, rank=2.0)
        assert made.take(lambda kind: True if kind == ANY else None) == ("a2", True)
        assert made.take(lambda kind: True if kind == ANY else None) is None
        assert "a1" in made

    def test_a_job_that_is_put_anew_changes_its_place(self) -> None:
        """It stands there once."""
        made = lanes(("a1", "ann", 0), ("a2", "ann", 0))
        made.put("a2", "ann", FLUX, priority=1, rank=0.0)
        assert len(made) == 2
        assert served(made) == ["a2", "a1"]

    def test_a_job_that_is_taken_out_is_not_served(self) -> None:
        """Taking out what is not there does nothing."""
        made = lanes(("a1", "ann", 0), ("a2", "ann", 0))
        made.discard("a1")
        made.discard("a1")
        assert served(made) == ["a2"]

    def test_a_lane_tells_its_order(self) -> None:
        """Of all kinds together."""
        made = lanes(("a1", "ann", 0), ("a2", "ann", 3), ("b1", "bob", 0))
        made.put("a3", "ann", FLUX, priority=0, rank=0.5)
        assert made.lane_of("a1") == ["a2", "a1", "a3"]
        assert made.lane_of("nobody") == []


@given(
    jobs=st.lists(
        st.tuples(
            st.sampled_from(["ann", "bob", "cem"]),
            st.integers(-2, 2),
            st.integers(0, 5),
            st.sampled_from([ANY, FLUX]),
        ),
        max_size=30,
    ),
    begun=st.integers(0, 10),
)
def test_the_order_that_is_shown_is_the_order_that_comes(
    jobs: list[tuple[str, int, int, Kind]], begun: int
) -> None:
    """Whatever was served before."""
    made = Lanes()
    for number, (actor, priority, rank, kind) in enumerate(jobs):
        made.put(f"{number:02}", actor, kind, priority=priority, rank=float(rank))
    for _ in range(begun):
        made.take(lambda _: True)
    shown = [turn.job_id for turn in made.in_order()]
    assert shown == served(made)
