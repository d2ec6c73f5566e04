"""Small parts of the scheduler by themselves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from events.jobs import JobCancelRequested, JobId, JobQueued, JobRequeued, JobSubmitted
from events.record import Record
from events.stamp import stamp
from orchestrator.comfyui.answers import HistoryEntry, QueueItem, QueueView
from orchestrator.errors import FileMissing, TemplateInvalid
from orchestrator.scheduling.attempt import _silent_savers
from orchestrator.scheduling.mark import job_of, marked
from orchestrator.scheduling.strays import strays
from orchestrator.scheduling.teller import REASON_LENGTH, as_reason, pauses, persist
from orchestrator.scheduling.timing import Timing
from orchestrator.scheduling.works import Works
from projections.catalogue import empty_tables
from projections.jobs import Job
from projections.project import ProjectView
from tests.scheduling.rig import until

QUICK = Timing(retry_first=0.001, retry_most=0.004)


class TestPersist:
    async def test_what_passes_is_tried_again(self) -> None:
        """Until it works."""
        faults: list[Exception] = [FileMissing("x"), OSError(5, "io")]

        async def work() -> str:
            if faults:
                raise faults.pop()
            return "done"

        assert await persist(work, QUICK, "test", OSError) == "done"

    async def test_what_does_not_pass_rises(self) -> None:
        """A wrong template stays wrong."""

        async def work() -> None:
            raise TemplateInvalid("x", "is wrong", ())

        with pytest.raises(TemplateInvalid):
            await persist(work, QUICK, "test")

    def test_pauses_grow_up_to_a_limit(self) -> None:
        """Doubling."""
        pause = pauses(QUICK)
        assert [pause() for _ in range(5)] == [0.001, 0.002, 0.004, 0.004, 0.004]


class TestReason:
    def test_it_is_cut_and_made_whole(self) -> None:
        """So that the log can hold it."""
        assert as_reason("short") == "short"
        assert len(as_reason("x" * 10_000)) < REASON_LENGTH + 10
        assert as_reason("odd \udcff name") == "odd ? name"


class TestWorks:
    async def test_each_end_is_told_and_nothing_is_lost(self) -> None:
        """A failed work frees its name as well."""
        ends: list[str] = []
        works = Works(ends.append)

        async def fine() -> None:
            await asyncio.sleep(0)

        async def broken() -> None:
            raise RuntimeError("a fault of ours")

        works.start("a", fine())
        works.start("b", broken())
        assert "a" in works
        assert "b" in works
        await until(lambda: sorted(ends) == ["a", "b"])
        assert "a" not in works
        assert "b" not in works

    async def test_closing_cancels_and_waits(self) -> None:
        """What tidies up on the way is waited for."""
        works = Works(lambda _: None)
        tidied: list[int] = []

        async def work() -> None:
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0.01)
                tidied.append(1)

        works.start("a", work())
        await asyncio.sleep(0)
        await works.close()
        assert tidied == [1]
        assert "a" not in works

    async def test_work_that_never_began_can_be_cancelled(self) -> None:
        """Closing at once after starting."""
        works = Works(lambda _: None)
        works.start("a", asyncio.sleep(1))
        await works.close()
        assert "a" not in works


def item(prompt_id: str, extra: dict[str, Any]) -> QueueItem:
    """A prompt in a queue."""
    return QueueItem(0.0, prompt_id, {}, extra, ())


def jobs(*events: object) -> Callable[[str], Job | None]:
    """Finds jobs after some events."""
    tables = empty_tables()
    writer = "0000000000000001"
    for number, event in enumerate(events, 1):
        record = Record(stamp(number << 16, writer), event, "m", "host", writer, number)
        tables.apply([record])
    return ProjectView(tables).job


JOB = JobId("j")
ORDER = JobQueued(job=JOB, workflow={"1": {}}, naming_template="x")
SENT = JobSubmitted(job=JOB, attempt=1, backend="a", prompt_id="p1")


class TestStrays:
    @pytest.mark.parametrize(
        ("told", "found"),
        [
            ((ORDER, SENT), []),
            ((ORDER, SENT, JobCancelRequested(job=JOB)), []),
            ((ORDER, SENT, JobRequeued(job=JOB, attempt=1, reason="x")), ["p1"]),
            ((), []),
        ],
    )
    def test_only_what_nobody_waits_for_is_one(
        self, told: tuple[object, ...], found: list[str]
    ) -> None:
        """An open attempt is followed; an unknown job may be in a project that is away."""
        queue = QueueView((), (item("p1", marked(JOB, 1, "host")),))
        assert list(strays(queue, "host", jobs(*told))) == found

    def test_a_newer_attempt_makes_the_older_one_a_stray(self) -> None:
        """The prompt id tells them apart."""
        again = JobSubmitted(job=JOB, attempt=2, backend="a", prompt_id="p2")
        told = (ORDER, SENT, JobRequeued(job=JOB, attempt=1, reason="x"), again)
        mine = marked(JOB, 1, "host")
        queue = QueueView((item("p1", mine),), (item("p2", mine),))
        assert list(strays(queue, "host", jobs(*told))) == ["p1"]

    @pytest.mark.parametrize(
        "extra",
        [
            {},
            {"orchestrator": "j"},
            {"orchestrator": {"job": 5, "host": "host"}},
            {"orchestrator": {"job": "j"}},
            marked(JOB, 1, "another host"),
        ],
    )
    def test_what_others_send_is_never_touched(self, extra: dict[str, Any]) -> None:
        """Whatever it looks like."""
        assert job_of(item("p", extra), "host") is None


class TestSilentSavers:
    def test_a_saver_without_outputs_is_noticed(self) -> None:
        """A success that saved nothing is none."""
        graph = {
            "1": {"class_type": "SaveImage", "inputs": {"filename_prefix": "x"}},
            "2": {"class_type": "SaveImage", "inputs": {"filename_prefix": "y"}},
            "3": {"class_type": "PreviewAny", "inputs": {}},
        }
        outputs: dict[str, Any] = {"1": {"images": []}}
        entry = HistoryEntry("p", graph, {}, ("1", "2", "3"), outputs, "success", ())
        assert _silent_savers(entry) == ["2"]
