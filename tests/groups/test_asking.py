"""What is asked for: the forms, what holds for all, and jobs that call each other by keys."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import GroupCycle, GroupInvalid
from orchestrator.groups.asking import GroupSubmission, ListedJob, in_turn, merged, with_ids
from orchestrator.groups.seeds import SeedStrategy
from orchestrator.jobs import Submission
from tests.http.studio import graph


def job(key: str | None, *after: str, **parameters: Any) -> ListedJob:
    """A job in a list."""
    asked = Submission(workflow_id=None, graph=graph(), after=after, parameters=parameters)
    return ListedJob(asked=asked, key=key)


NOTHING = Submission(workflow_id=None, graph=None)
FLUX = Submission(workflow_id="flux", graph=None)


class TestForms:
    @pytest.mark.parametrize(
        "asked",
        [
            GroupSubmission(common=NOTHING, jobs=(job("a"), job(None))),
            GroupSubmission(common=FLUX, backend_ids=("b", "b"), base_seed=4),
            GroupSubmission(common=FLUX, count=3, seed_strategy=SeedStrategy.FIBONACCI),
        ],
    )
    def test_each_of_them(self, asked: GroupSubmission) -> None:
        """A list, some backends, or a number."""
        asked.check()

    @pytest.mark.parametrize(
        ("asked", "said"),
        [
            (GroupSubmission(common=FLUX), "none of"),
            (GroupSubmission(common=FLUX, count=1, backend_ids=("b",)), "backend_ids and count"),
            (GroupSubmission(common=FLUX, jobs=(job("a"),)), "of its own"),
            (GroupSubmission(common=NOTHING, jobs=(job("a"),), base_seed=1), "seeds"),
            (GroupSubmission(common=NOTHING, jobs=(job("a"), job("b"), job("a"))), "'a'"),
        ],
    )
    def test_neither_one_nor_the_other(self, asked: GroupSubmission, said: str) -> None:
        """Refused, and told why."""
        with pytest.raises(GroupInvalid, match=said):
            asked.check()

    @pytest.mark.parametrize(
        ("base", "parameters", "first"),
        [
            (7, {"seed": 8}, 7),
            (None, {"seed": 8}, 8),
            (None, {}, None),
            (None, {"seed": True}, None),
        ],
    )
    def test_the_base_seed(
        self, base: int | None, parameters: dict[str, Any], first: int | None
    ) -> None:
        """Is the parameter `seed`, if none is given as such."""
        common = Submission(workflow_id="flux", graph=None, parameters=parameters)
        assert GroupSubmission(common=common, count=1, base_seed=base).first_seed == first


class TestCommon:
    def test_what_a_job_does_not_say_itself(self) -> None:
        """It takes from what holds for all; lists are joined, and its own word wins."""
        when = datetime(2026, 11, 25, tzinfo=UTC)
        common = Submission(
            workflow_id=None,
            graph=None,
            parameters={"prompt": "a", "steps": 4},
            metadata={"panel_id": "P1"},
            capabilities=("flux",),
            naming_template="x/{version}",
            priority=5,
            held=True,
            not_before=when,
            timeout_seconds=60.0,
            after=("j1",),
            webhook="https://example.com/a",
        )
        own = Submission(
            workflow_id="flux",
            graph=None,
            parameters={"prompt": "b"},
            capabilities=("flux", "video"),
            priority=2,
            after=("j2",),
        )
        made = merged(common, own)
        assert (made.workflow_id, made.parameters) == ("flux", {"prompt": "b", "steps": 4})
        assert (made.metadata, made.capabilities) == ({"panel_id": "P1"}, ("flux", "video"))
        assert (made.priority, made.held, made.not_before) == (2, True, when)
        assert (made.naming_template, made.timeout_seconds) == ("x/{version}", 60.0)
        assert (made.after, made.webhook) == (("j1", "j2"), "https://example.com/a")


class TestOrder:
    def test_those_that_others_wait_for_come_first(self) -> None:
        """By `after`, and by the output that a parameter names in either way."""
        jobs = [
            job("last", "middle", "job-of-before"),
            job("middle", image={"job": "first", "output": 0}),
            job("first"),
            job(None, **{"9:image": "job:last:1"}),
        ]
        assert in_turn(jobs) == [2, 1, 0, 3]

    @pytest.mark.parametrize(
        ("jobs", "circle"),
        [
            ([job("a", "a")], ("a",)),
            ([job("a", "b"), job("b", "a")], ("a", "b")),
            ([job("x", "b"), job("b", "c"), job("c", "d"), job("d", "b")], ("b", "c", "d")),
            ([job("a", image="job:b:0"), job("b", "a")], ("a", "b")),
        ],
    )
    def test_a_circle(self, jobs: list[ListedJob], circle: tuple[str, ...]) -> None:
        """Is refused by its name: none of them could ever begin."""
        with pytest.raises(GroupCycle) as caught:
            in_turn(jobs)
        assert caught.value.keys == circle
        assert " -> ".join((*circle, circle[0])) in str(caught.value)

    def test_a_long_chain(self) -> None:
        """Five hundred jobs, each after the next in the list."""
        jobs = [job(f"j{place}", f"j{place + 1}") for place in range(500)]
        assert in_turn(jobs) == list(range(499, -1, -1))

    @given(st.data())
    def test_any_list_without_a_circle(self, data: st.DataObject) -> None:
        """Each job comes once, after all that it names."""
        count = data.draw(st.integers(1, 8))
        names = data.draw(st.permutations([f"j{place}" for place in range(count)]))
        jobs = [
            job(name, *data.draw(st.lists(st.sampled_from([*names[:place], "other"]))))
            for place, name in enumerate(names)
        ]
        shuffled = data.draw(st.permutations(jobs))
        told: list[str | None] = []
        for place in in_turn(shuffled):
            asked = shuffled[place].asked
            assert {name for name in asked.after if name != "other"} <= set(told)
            told.append(shuffled[place].key)
        assert sorted(map(str, told)) == sorted(names)


class TestIds:
    def test_keys_become_ids(self) -> None:
        """In `after` and in parameters; all else stays as it came."""
        asked = job(
            "b",
            "a",
            "other",
            image="job:a:2",
            mask={"job": "a", "output": 1},
            prompt="job: a:2",
            pose="job:other:0",
            size={"width": 4},
        ).asked
        made = with_ids(asked, {"a": "0190-a"})
        assert made.after == ("0190-a", "other")
        assert made.parameters == {
            "image": "job:0190-a:2",
            "mask": {"job": "0190-a", "output": 1},
            "prompt": "job: a:2",
            "pose": "job:other:0",
            "size": {"width": 4},
        }
