"""Moving a job among others: the pure part."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.scheduling.ranking import Standing, moved


def order(lane: list[Standing]) -> list[str]:
    """As the queue sorts them."""
    return [s.job_id for s in sorted(lane, key=lambda s: (-s.priority, s.rank, s.job_id))]


def after(lane: list[Standing], changes: list[Standing]) -> list[Standing]:
    """The lane once the changes are made."""
    fresh = {change.job_id: change for change in changes}
    return [fresh.get(each.job_id, each) for each in lane]


def test_a_job_is_put_between_two_others() -> None:
    """Only its own standing changes."""
    lane = [Standing("a", 0, 1.0), Standing("b", 0, 2.0), Standing("c", 0, 3.0)]
    assert moved(lane, "c", 1) == [Standing("c", 0, 1.5)]


def test_a_job_that_stays_changes_nothing() -> None:
    """Also at the ends."""
    lane = [Standing("a", 0, 1.0), Standing("b", 0, 2.0)]
    assert moved(lane, "a", -1) == []
    assert moved(lane, "b", 9) == []


def test_passing_another_priority_takes_it_over() -> None:
    """Else it could not pass."""
    lane = [Standing("a", 5, 1.0), Standing("b", 0, 0.0)]
    assert moved(lane, "b", 0) == [Standing("b", 5, 0.0)]
    assert order(after(lane, moved(lane, "b", 0))) == ["b", "a"]


def test_without_room_all_are_numbered_anew() -> None:
    """Jobs that were submitted in the same moment have equal ranks."""
    lane = [Standing("a", 0, 1.0), Standing("b", 0, 1.0), Standing("c", 0, 1.0)]
    changes = moved(lane, "c", 1)
    assert order(after(lane, changes)) == ["a", "c", "b"]


@given(
    standings=st.lists(
        st.tuples(st.integers(-1, 1), st.sampled_from([0.0, 1.0, 1.0 + 2**-52, 2.0])),
        min_size=1,
        max_size=8,
    ),
    which=st.integers(0, 7),
    target=st.integers(-2, 10),
)
def test_a_job_stands_where_it_was_put(
    standings: list[tuple[int, float]], which: int, target: int
) -> None:
    """Whatever the others' ranks are, and these keep their order."""
    lane = [Standing(f"{n}", p, rank) for n, (p, rank) in enumerate(standings)]
    lane.sort(key=lambda s: (-s.priority, s.rank, s.job_id))
    job_id = lane[which % len(lane)].job_id
    found = order(after(lane, moved(lane, job_id, target)))
    others = [s.job_id for s in lane if s.job_id != job_id]
    place = max(0, min(target, len(others)))
    assert found == [*others[:place], job_id, *others[place:]]
