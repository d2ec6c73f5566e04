"""Which job goes where: the choice alone, without a farm."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.scheduling.choose import MAX_WAITING_INSIDE, Candidate, Wanted, choose


def box(name: str = "a", **changes: Any) -> Candidate:
    """A backend that could take a job."""
    usual: dict[str, Any] = {
        "enabled": True,
        "online": True,
        "capabilities": frozenset({"flux"}),
        "limit": 1,
    }
    return Candidate(id=name, **{**usual, **changes})


def job(name: str = "j", *capabilities: str, backend: str | None = None, **more: Any) -> Wanted:
    """A waiting job."""
    return Wanted(name, frozenset(capabilities), backend, **more)


class TestFitting:
    def test_a_job_goes_where_its_capabilities_are(self) -> None:
        """All of them, on one backend."""
        fleet = [box("a"), box("b", capabilities=frozenset({"flux", "video"}))]
        choice = choose([job("j", "video", "flux")], fleet)
        assert choice.starts == (("j", "b"),)
        assert choice.waits == {}

    def test_a_job_without_wishes_goes_anywhere(self) -> None:
        """No capability asked for is none needed."""
        assert choose([job()], [box(capabilities=frozenset())]).starts == (("j", "a"),)

    @pytest.mark.parametrize(
        ("wish", "fleet", "said"),
        [
            (job("j", "video"), [box()], "no backend has: video"),
            (job("j"), [], "no backend is configured"),
            (job("j", backend="x"), [box()], "backend x is not configured"),
            (job("j", "video", backend="a"), [box()], "backend a is not configured, or lacks: vid"),
            (job("j"), [box(enabled=False)], "a is disabled"),
            (job("j"), [box(online=False)], "a does not answer"),
            (job("j"), [box(trouble="executes nothing")], "a executes nothing"),
            (job("j"), [box(ours=1)], "all slots are taken on: a"),
        ],
    )
    def test_a_job_that_waits_says_why(
        self, wish: Wanted, fleet: list[Candidate], said: str
    ) -> None:
        """Every refusal to dispatch has a reason for people."""
        choice = choose([wish], fleet)
        assert choice.starts == ()
        assert said in choice.waits["j"]

    def test_the_reason_names_every_backend_that_could(self) -> None:
        """So that one knows which machine to look after."""
        fleet = [
            box("a", online=False),
            box("b", enabled=False),
            box("c", capabilities=frozenset()),
        ]
        said = choose([job("j", "flux")], fleet).waits["j"]
        assert "a does not answer" in said
        assert "b is disabled" in said
        assert "c" not in said.split(": ")[1].split()

    def test_a_job_bound_to_a_backend_waits_for_it(self) -> None:
        """Although another one is free."""
        choice = choose([job("j", backend="a")], [box("a", ours=1), box("b")])
        assert choice.waits["j"] == "all slots are taken on: a"

    def test_a_job_that_must_wait_holds_up_nobody(self) -> None:
        """Those behind it that can run do."""
        choice = choose([job("one", "video"), job("two", "flux")], [box()])
        assert choice.starts == (("two", "a"),)
        assert set(choice.waits) == {"one"}

    def test_equal_jobs_get_equal_reasons(self) -> None:
        """Of a thousand that wait for the same, each says so."""
        jobs = [job(str(n), "flux") for n in range(1_000)]
        choice = choose(jobs, [box()])
        assert choice.starts == (("0", "a"),)
        assert set(choice.waits.values()) == {"all slots are taken on: a"}
        assert len(choice.waits) == 999


class TestBusy:
    def test_the_least_busy_gets_it(self) -> None:
        """Prompts of anybody count."""
        fleet = [box("a", depth=3), box("b", depth=1), box("c", depth=2)]
        assert choose([job()], fleet).starts == (("j", "b"),)

    def test_ours_count_before_the_queue_shows_them(self) -> None:
        """What was sent a moment ago is not in the last look yet."""
        fleet = [box("a", limit=4, ours=2, depth=0), box("b", limit=4, depth=1)]
        assert choose([job()], fleet).starts == (("j", "b"),)

    def test_ties_are_settled_by_ours_then_by_the_id(self) -> None:
        """The same farm gives the same choice."""
        fleet = [box("c"), box("b"), box("a", limit=4, ours=1, depth=1), box("d", depth=1)]
        jobs = [job(str(n)) for n in range(4)]
        starts = choose(jobs, fleet).starts
        assert starts == (("0", "b"), ("1", "c"), ("2", "d"), ("3", "a"))

    def test_jobs_of_one_pass_spread(self) -> None:
        """Each start is counted before the next is chosen."""
        fleet = [box("a", limit=2), box("b", limit=2)]
        starts = choose([job(str(n)) for n in range(5)], fleet).starts
        assert [backend for _, backend in starts] == ["a", "b", "a", "b"]

    def test_a_backend_that_lost_the_job_is_the_last_choice(self) -> None:
        """However idle it is."""
        wish = job("j", avoid=frozenset({"a"}))
        assert choose([wish], [box("a"), box("b", depth=9)]).starts == (("j", "b"),)

    def test_and_still_a_choice(self) -> None:
        """Better there than nowhere."""
        wish = job("j", avoid=frozenset({"a"}))
        assert choose([wish], [box("a"), box("b", online=False)]).starts == (("j", "a"),)


class TestSlots:
    @pytest.mark.parametrize(
        ("limit", "running", "slots"),
        [(1, False, 1), (1, True, 1), (2, True, 2), (8, False, 2), (8, True, 3)],
    )
    def test_what_waits_inside_a_backend_is_limited(
        self, limit: int, running: bool, slots: int
    ) -> None:
        """What is queued there dies with it, and cannot be reordered."""
        assert box(limit=limit, running_ours=running).slots == slots

    @given(
        jobs=st.integers(0, 40),
        fleet=st.lists(
            st.builds(
                Candidate,
                id=st.just("x"),
                enabled=st.booleans(),
                online=st.booleans(),
                capabilities=st.just(frozenset[str]()),
                limit=st.integers(1, 5),
                ours=st.integers(0, 5),
                running_ours=st.booleans(),
                depth=st.integers(0, 9),
            ),
            max_size=4,
        ),
    )
    def test_no_pass_ever_fills_more_than_the_slots(
        self, jobs: int, fleet: list[Candidate]
    ) -> None:
        """And every job either starts or has a reason."""
        fleet = [evolve(each, id=str(n)) for n, each in enumerate(fleet)]
        choice = choose([job(str(n)) for n in range(jobs)], fleet)
        for each in fleet:
            started = [j for j, backend in choice.starts if backend == each.id]
            assert not started or (each.enabled and each.online)
            assert not started or each.ours + len(started) <= each.slots
            assert each.slots <= MAX_WAITING_INSIDE + 1
        named = [j for j, _ in choice.starts]
        assert sorted([*named, *choice.waits], key=int) == [str(n) for n in range(jobs)]
