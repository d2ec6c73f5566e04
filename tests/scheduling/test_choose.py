"""Which job goes where: the choice alone, without a farm."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.comfyui.needs import Missing, Needs
from orchestrator.comfyui.object_info import Abilities
from orchestrator.scheduling.choose import (
    MAX_WAITING_INSIDE,
    Candidate,
    Kind,
    Wait,
    could_take,
    place,
)
from orchestrator.scheduling.filling import Pass, fill
from orchestrator.scheduling.lanes import Lanes


def box(name: str = "a", **changes: Any) -> Candidate:
    """A backend that could take a job."""
    usual: dict[str, Any] = {
        "enabled": True,
        "online": True,
        "capabilities": frozenset({"flux"}),
        "limit": 1,
    }
    return Candidate(id=name, **{**usual, **changes})


def wish(*capabilities: str, backend: str | None = None, **more: Any) -> Kind:
    """What a waiting job asks for."""
    return Kind(capabilities=frozenset(capabilities), backend=backend, **more)


def one_pass(kinds: list[Kind], fleet: list[Candidate]) -> Pass:
    """Jobs of one person, called 0, 1, 2 ..., in this order."""
    lanes = Lanes()
    for number, kind in enumerate(kinds):
        lanes.put(f"{number:04}", "ann", kind, priority=0, rank=float(number))
    return fill(lanes, fleet)


def chosen(kind: Kind, fleet: list[Candidate]) -> str:
    """The backend that a job of this kind is given."""
    found = place(kind, fleet)
    assert isinstance(found, Candidate), found
    return found.id


def waits(kind: Kind, fleet: list[Candidate]) -> Wait:
    """Why a job of this kind is given none."""
    found = place(kind, fleet)
    assert isinstance(found, Wait), found
    return found


class TestFitting:
    def test_a_job_goes_where_its_capabilities_are(self) -> None:
        """All of them, on one backend."""
        fleet = [box("a"), box("b", capabilities=frozenset({"flux", "video"}))]
        assert chosen(wish("video", "flux"), fleet) == "b"

    def test_a_job_without_wishes_goes_anywhere(self) -> None:
        """No capability asked for is none needed."""
        assert chosen(wish(), [box(capabilities=frozenset())]) == "a"

    @pytest.mark.parametrize(
        ("kind", "fleet", "said"),
        [
            (wish("video"), [box()], "no backend has: video"),
            (wish(), [], "no backend is configured"),
            (wish(backend="x"), [box()], "backend x is not configured"),
            (wish("video", backend="a"), [box()], "backend a is not configured, or lacks: vid"),
            (wish(), [box(enabled=False)], "a is disabled"),
            (wish(), [box(online=False)], "a does not answer"),
            (wish(), [box(trouble="executes nothing")], "a executes nothing"),
            (wish(), [box(ours=1)], "all slots are taken on: a"),
        ],
    )
    def test_a_job_that_waits_says_why(self, kind: Kind, fleet: list[Candidate], said: str) -> None:
        """Every refusal to dispatch has a reason for people."""
        assert said in waits(kind, fleet).reason

    def test_the_reason_names_every_backend_that_could(self) -> None:
        """So that one knows which machine to look after."""
        fleet = [
            box("a", online=False),
            box("b", enabled=False),
            box("c", capabilities=frozenset()),
        ]
        said = waits(wish("flux"), fleet).reason
        assert "a does not answer" in said
        assert "b is disabled" in said
        assert "c" not in said.split(": ")[1].split()

    def test_a_job_bound_to_a_backend_waits_for_it(self) -> None:
        """Although another one is free."""
        fleet = [box("a", ours=1), box("b")]
        assert waits(wish(backend="a"), fleet).reason == "all slots are taken on: a"

    def test_a_job_that_must_wait_holds_up_nobody(self) -> None:
        """Those behind it that can run do."""
        found = one_pass([wish("video"), wish("flux")], [box()])
        assert found.starts == (("0001", "a"),)
        assert waits(wish("video"), [box()]).reason == "no backend has: video"

    def test_a_busy_farm_starts_what_it_has_room_for(self) -> None:
        """The others wait, and it is not for something that nobody has."""
        found = one_pass([wish("flux")] * 1_000, [box()])
        assert found.starts == (("0000", "a"),)
        assert found.lacking == {}

    def test_a_pass_tells_what_no_backend_has(self) -> None:
        """So that these jobs can be refused; all others only wait."""
        needs = Needs(classes=frozenset({"NobodyHasThis"}))
        fleet = [box("a", ours=1, abilities=Abilities(frozenset({"KSampler"})))]
        found = one_pass([wish(needs=needs), wish()], fleet)
        assert found.starts == ()
        assert set(found.lacking) == {wish(needs=needs)}


class TestInstalled:
    SAMPLER = Needs(classes=frozenset({"KSampler"}))
    MODEL = Needs(
        classes=frozenset({"Loader"}), files=frozenset({("Loader", "name", "flux.safetensors")})
    )

    def test_a_job_goes_where_its_classes_are(self) -> None:
        """However busy the one that has them is."""
        fleet = [
            box("a", abilities=Abilities(frozenset({"Other"}))),
            box("b", limit=9, depth=5, abilities=Abilities(frozenset({"KSampler"}))),
        ]
        assert chosen(wish(needs=self.SAMPLER), fleet) == "b"

    def test_and_where_its_models_are(self) -> None:
        """The class is installed on both, the file is on one."""
        place = ("Loader", "name")
        fleet = [
            box("a", abilities=Abilities(frozenset({"Loader"}), {place: frozenset({"sdxl.pt"})})),
            box(
                "b",
                abilities=Abilities(
                    frozenset({"Loader"}), {place: frozenset({"flux.safetensors"})}
                ),
            ),
        ]
        assert chosen(wish(needs=self.MODEL), fleet) == "b"

    def test_a_backend_that_told_nothing_yet_may_have_it(self) -> None:
        """ComfyUI itself refuses what it does not have."""
        assert chosen(wish(needs=self.SAMPLER), [box("a")]) == "a"

    def test_what_no_backend_has_is_named(self) -> None:
        """And it is known for certain if all of them told what they have."""
        fleet = [box("a", abilities=Abilities(frozenset({"Other"})))]
        found = waits(wish(needs=self.SAMPLER), fleet)
        assert found.reason == "no backend that is known has node class KSampler"
        assert found.lacking == Missing(classes=("KSampler",))

    def test_it_is_not_certain_while_one_is_away(self) -> None:
        """That one may have been given it meanwhile."""
        lacks = Abilities(frozenset({"Other"}))
        fleet = [box("a", abilities=lacks), box("b", online=False, abilities=lacks)]
        assert waits(wish(needs=self.SAMPLER), fleet).lacking is None

    def test_a_disabled_backend_could_not_take_it(self) -> None:
        """Nor one that lacks something."""
        lacks = Abilities(frozenset({"Other"}))
        assert could_take(wish(needs=self.SAMPLER), box("a"))
        assert not could_take(wish(needs=self.SAMPLER), box("a", abilities=lacks))
        assert not could_take(wish(), box("a", enabled=False))
        assert could_take(wish(), box("a", ours=1))


class TestBusy:
    def test_the_least_busy_gets_it(self) -> None:
        """Prompts of anybody count."""
        fleet = [box("a", depth=3), box("b", depth=1), box("c", depth=2)]
        assert chosen(wish(), fleet) == "b"

    def test_ours_count_before_the_queue_shows_them(self) -> None:
        """What was sent a moment ago is not in the last look yet."""
        fleet = [box("a", limit=4, ours=2, depth=0), box("b", limit=4, depth=1)]
        assert chosen(wish(), fleet) == "b"

    def test_ties_are_settled_by_ours_then_by_the_id(self) -> None:
        """The same farm gives the same choice."""
        fleet = [box("c"), box("b"), box("a", limit=4, ours=1, depth=1), box("d", depth=1)]
        starts = one_pass([wish()] * 4, fleet).starts
        assert [backend for _, backend in starts] == ["b", "c", "d", "a"]

    def test_jobs_of_one_pass_spread(self) -> None:
        """Each start is counted before the next is chosen."""
        fleet = [box("a", limit=2), box("b", limit=2)]
        starts = one_pass([wish()] * 5, fleet).starts
        assert [backend for _, backend in starts] == ["a", "b", "a", "b"]

    def test_a_backend_that_lost_the_job_is_the_last_choice(self) -> None:
        """However idle it is."""
        kind = wish(avoid=frozenset({"a"}))
        assert chosen(kind, [box("a"), box("b", limit=9, depth=9)]) == "b"

    def test_and_still_a_choice(self) -> None:
        """Better there than nowhere."""
        kind = wish(avoid=frozenset({"a"}))
        assert chosen(kind, [box("a"), box("b", online=False)]) == "a"

    def test_where_it_failed_by_itself_it_is_not_tried_again(self) -> None:
        """It rather waits for another one; if no other takes jobs, it goes there."""
        kind = wish(failed_on=frozenset({"a"}))
        assert waits(kind, [box("a"), box("b", ours=1)]).reason == "all slots are taken on: b"
        assert chosen(kind, [box("a")]) == "a"
        assert chosen(kind, [box("a"), box("b", online=False)]) == "a"


class TestWarm:
    FLUX = wish(models=frozenset({"flux.safetensors"}))

    def test_a_job_goes_where_its_models_are_loaded(self) -> None:
        """Loading them anew can take minutes."""
        fleet = [box("a"), box("b", warm=frozenset({"flux.safetensors", "vae.pt"}))]
        assert chosen(self.FLUX, fleet) == "b"

    def test_but_not_behind_others(self) -> None:
        """An idle backend loads the models sooner than a render ends."""
        fleet = [box("a"), box("b", limit=2, ours=1, depth=1, warm=self.FLUX.models)]
        assert chosen(self.FLUX, fleet) == "a"


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
        found = one_pass([wish()] * jobs, fleet)
        for each in fleet:
            started = [j for j, backend in found.starts if backend == each.id]
            assert not started or (each.enabled and each.online)
            assert not started or each.ours + len(started) <= each.slots
            assert each.slots <= MAX_WAITING_INSIDE + 1
        full = [
            each.ours + sum(backend == each.id for _, backend in found.starts) >= each.slots
            for each in fleet
            if each.enabled and each.online
        ]
        assert len(found.starts) == jobs or all(full)
