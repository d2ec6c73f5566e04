"""All that happened to a job: told from the log's tables, and answered over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from attrs import evolve, frozen

from events.groups import GroupCancelRequested, GroupCreated, GroupId
from events.jobs import (
    JobCancelled,
    JobCancelRequested,
    JobFailed,
    JobHeld,
    JobId,
    JobOrdered,
    JobOutputStored,
    JobQueued,
    JobReleased,
    JobRendered,
    JobRequeued,
    JobStarted,
    JobSubmitted,
    JobSucceeded,
)
from events.record import Record
from events.stamp import moment, stamp
from events.webhooks import WebhookSettled
from orchestrator.config import BackendConfig
from orchestrator.http.job_history import history_view
from orchestrator.http.job_views import job_view
from orchestrator.job_history import AttemptHistory, JobHistory, job_history
from projections.catalogue import empty_tables
from projections.jobs import Job
from projections.project import ProjectView
from projections.webhooks import Notified
from tests.http.studio import Service, Studio, refused
from tools.simulator import Behaviour, Simulator

NOON = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
A, B = JobId("a"), JobId("b")
QUEUED = JobQueued(job=A, workflow={}, workflow_id="portrait", naming_template="{panel}")
SENT = JobSubmitted(job=A, attempt=1, backend="node1", prompt_id="p1")
RUNS = JobStarted(job=A, attempt=1)
DONE = JobRendered(job=A, attempt=1, outputs=1)


@frozen
class At:
    """An event so many seconds after noon."""

    seconds: float
    event: object
    actor: str = "service"


def stored(attempt: int, *, extra: bool = False) -> JobOutputStored:
    """A picture that an attempt made."""
    return JobOutputStored(
        job=A,
        attempt=attempt,
        node="9",
        index=0,
        kind="images",
        asset=f"asset{attempt}",
        path=f"p/{attempt}.png",
        size=800,
        sha256="0",
        extra=extra,
    )


def view_of(*told: At) -> ProjectView:
    """A project after these events."""
    tables, noon = empty_tables(), int(NOON.timestamp() * 1000)
    for number, each in enumerate(told, 1):
        at = stamp((noon + int(each.seconds * 1000)) << 16, "0" * 16, number)
        tables.apply((Record(at, each.event, each.actor, "host1", "0" * 16, number),))
    return ProjectView(tables)


def known(*told: At) -> Job:
    """Job `a` after these events."""
    job = view_of(*told).job(A)
    assert job is not None
    return job


def life(*told: At, now: float = 100.0) -> JobHistory:
    """The history of job `a` after these events, so many seconds after noon."""
    view, job = view_of(*told), known(*told)
    return job_history(
        job,
        group=view.group_of(job),
        notified=view.notified(A),
        now=NOON + timedelta(seconds=now),
    )


def spans(attempt: AttemptHistory) -> tuple[float | None, float | None, float | None]:
    """Waiting, rendering, collecting."""
    return (attempt.waiting_seconds, attempt.rendering_seconds, attempt.collecting_seconds)


class TestEvents:
    def test_in_the_order_of_time(self) -> None:
        """Each with its name in the log, a sentence, and who is known to have asked for it."""
        told = life(
            At(0, QUEUED, "mara"),
            At(2, SENT),
            At(3, RUNS),
            At(8, DONE),
            At(9, stored(1)),
            At(9, JobSucceeded(job=A, attempt=1)),
        )
        assert [(each.kind, each.what) for each in told.events] == [
            ("job.queued", "queued (portrait)"),
            ("job.submitted", "sent to node1, attempt 1"),
            ("job.started", "running on node1, attempt 1"),
            ("job.rendered", "rendered 1 file, attempt 1"),
            ("job.output_stored", "output of node 9 stored, 800 bytes: p/1.png"),
            ("job.succeeded", "succeeded"),
        ]
        assert [each.actor for each in told.events] == ["mara"] + [None] * 5
        assert {each.host for each in told.events} == {"host1"}
        assert moment(told.events[1].at) == NOON + timedelta(seconds=2)

    def test_what_people_asked_for(self) -> None:
        """Holds, places and cancels, also of the group."""
        order = evolve(
            QUEUED, group="jg", held=True, not_before="2026-05-01T22:00:00+00:00", after=("x", "y")
        )
        told = life(
            At(0, order, "mara"),
            At(0, GroupCreated(group=GroupId("jg"), jobs=(B, A)), "mara"),
            At(1, JobHeld(job=A), "tom"),
            At(2, JobReleased(job=A), "tom"),
            At(3, JobOrdered(job=A, priority=7), "tom"),
            At(4, GroupCancelRequested(group=GroupId("jg")), "mara"),
            At(5, JobCancelRequested(job=A), "mara"),
            At(6, JobCancelled(job=A)),
        )
        assert [each.what for each in told.events] == [
            (
                "queued (portrait), as job 2 of 2 of group jg, held back, not to begin before "
                "2026-05-01T22:00:00+00:00, to begin after 2 jobs: x, y"
            ),
            "released",
            "moved in the queue, priority 7",
            "its group was to be cancelled",
            "to be cancelled",
            "cancelled",
        ]
        assert told.events[4].actor == "mara"

    def test_a_group_that_never_came_to_be(self) -> None:
        """Its number there is not known."""
        told = life(At(0, evolve(QUEUED, group="jg", workflow_id=None)))
        assert told.events[0].what == "queued (inline workflow), as job of group jg"

    @pytest.mark.parametrize(
        ("url", "host"),
        [("https://user:word@hooks.example/x?key=secret", "hooks.example"), ("http://[::", "?")],
    )
    def test_who_was_told(self, url: str, host: str) -> None:
        """By the host alone: the rest of an address may be as good as a password."""
        told = life(
            At(0, QUEUED),
            At(1, JobFailed(job=A, reason="no model", kind="validation", node="4")),
            At(2, WebhookSettled(job=A, url=url, delivered=False, tries=8, error="gone")),
            At(3, WebhookSettled(job=A, url=f"{url}2", delivered=True, tries=1)),
        )
        assert [each.what for each in told.events[1:]] == [
            "failed in node 4: no model",
            f"its end could not be told to {host}, after 8 tries: gone",
            f"its end was told to {host}, after 1 try",
        ]


class TestAttempts:
    def test_one_that_went_well(self) -> None:
        """Its spans add up to the time from its submission to its end."""
        told = life(
            At(0, QUEUED),
            At(2, SENT),
            At(3.5, RUNS),
            At(8, DONE),
            At(9, stored(1)),
            At(10, JobSucceeded(job=A, attempt=1)),
        )
        (attempt,) = told.attempts
        assert (attempt.outcome, attempt.reason, attempt.backend) == ("succeeded", None, "node1")
        assert spans(attempt) == (1.5, 4.5, 2.0)
        assert [each.path for each in attempt.outputs] == ["p/1.png"]
        assert (told.waited_seconds, told.rendered_seconds, told.total_seconds) == (3.5, 4.5, 10.0)

    def test_one_that_was_lost_and_came_late(self) -> None:
        """Its file is kept apart from the outputs, and the next attempt's are its own."""
        told = life(
            At(0, QUEUED),
            At(1, SENT),
            At(2, RUNS),
            At(5, JobRequeued(job=A, attempt=1, reason="node1 is silent", adrift=True)),
            At(9, JobSubmitted(job=A, attempt=2, backend="node2", prompt_id="p2")),
            At(9, JobStarted(job=A, attempt=2)),
            At(12, JobRendered(job=A, attempt=2, outputs=1)),
            At(12, stored(2)),
            At(12, JobSucceeded(job=A, attempt=2)),
            At(20, stored(1, extra=True)),
        )
        first, second = told.attempts
        assert (first.outcome, first.reason, first.adrift) == ("lost", "node1 is silent", True)
        assert spans(first) == (1.0, 3.0, None)
        assert ([o.path for o in first.extra_outputs], first.outputs) == (["p/1.png"], ())
        assert ([o.path for o in second.outputs], second.extra_outputs) == (["p/2.png"], ())
        assert (told.waited_seconds, told.rendered_seconds, told.total_seconds) == (6.0, 6.0, 12.0)
        assert told.events[-1].what == (
            "output of node 9 stored late, from attempt 1, beside the outputs, 800 bytes: p/1.png"
        )

    def test_one_that_failed(self) -> None:
        """It ended with the job, and why."""
        reason = "OutOfMemoryError: 24 GB are not enough"
        failed = JobFailed(
            job=A, reason=reason, kind="execution", attempt=1, node="3", node_type="KSampler"
        )
        told = life(At(0, QUEUED), At(1, SENT), At(2, RUNS), At(4, failed))
        (attempt,) = told.attempts
        assert (attempt.outcome, attempt.reason) == ("execution", reason)
        assert spans(attempt) == (1.0, 2.0, None)
        assert told.events[-1].what == f"failed in node 3 (KSampler): {reason}"

    def test_one_that_no_backend_took(self) -> None:
        """It does not count; that the job failed later is not its end."""
        declined = JobRequeued(job=A, attempt=1, reason="node1 refused it", sent=False)
        told = life(
            At(0, QUEUED),
            At(1, SENT),
            At(2, declined),
            At(9, JobFailed(job=A, reason="job x failed", kind="dependency")),
        )
        (attempt,) = told.attempts
        assert (attempt.outcome, attempt.counts) == ("lost", False)
        assert attempt.reason == "node1 refused it"
        assert spans(attempt) == (1.0, None, None)
        assert (told.waited_seconds, told.rendered_seconds) == (9.0, 0.0)

    def test_one_that_was_cancelled(self) -> None:
        """What it had rendered until then counts as rendering."""
        told = life(
            At(0, QUEUED),
            At(1, SENT),
            At(2, RUNS),
            At(5, JobCancelRequested(job=A), "mara"),
            At(6, JobCancelled(job=A)),
        )
        assert told.attempts[0].outcome == "cancelled"
        assert spans(told.attempts[0]) == (1.0, 4.0, None)

    def test_one_that_nobody_saw_run(self) -> None:
        """Waiting and rendering cannot be told apart then: all of it is taken for rendering."""
        told = life(At(0, QUEUED), At(1, SENT), At(4, DONE), At(6, JobSucceeded(job=A, attempt=1)))
        assert spans(told.attempts[0]) == (None, 3.0, 2.0)

    @pytest.mark.parametrize(
        ("steps", "expected"),
        [
            ([At(1, SENT)], (99.0, None, None)),
            ([At(1, SENT), At(3, RUNS)], (2.0, 97.0, None)),
            ([At(1, SENT), At(3, RUNS), At(9, DONE)], (2.0, 6.0, 91.0)),
        ],
    )
    def test_one_that_is_open(
        self, steps: list[At], expected: tuple[float | None, float | None, float | None]
    ) -> None:
        """Its last span runs until now."""
        told = life(At(0, QUEUED), *steps)
        assert (told.attempts[0].outcome, told.attempts[0].ended) == (None, None)
        assert spans(told.attempts[0]) == expected
        assert told.total_seconds == 100.0

    def test_one_whose_end_the_log_has_lost(self) -> None:
        """No span is made up for it."""
        again = JobSubmitted(job=A, attempt=2, backend="node2", prompt_id="p2")
        told = life(At(0, QUEUED), At(1, SENT), At(2, RUNS), At(50, again))
        assert spans(told.attempts[0]) == (1.0, None, None)
        assert told.attempts[0].outcome is None

    def test_clocks_that_jumped_back(self) -> None:
        """No span is negative."""
        told = life(At(5, QUEUED), At(4, SENT), At(3, RUNS), now=2.0)
        assert spans(told.attempts[0]) == (0.0, 0.0, None)
        assert (told.waited_seconds, told.total_seconds) == (0.0, 0.0)


class TestOverHttp:
    async def test_a_job_that_waits(self, service: Service) -> None:
        """With what it waits for, and who gave the order."""
        answer = await service.post(
            "/api/job",
            {"workflow_id": "flux_dev", "project_path": str(service.project)},
            **{"X-Actor": "mara"},
        )
        job_id = answer.plain["job_id"]
        job, told, after = {"waiting_for": 1}, {}, {"waiting_for": 2}
        while job["waiting_for"] != after["waiting_for"]:  # its backend is still being found out
            job = await service.job(job_id)
            told = (await service.get(f"/api/jobs/{job_id}/history")).plain
            after = await service.job(job_id)

        assert (told["job_id"], told["status"], told["actor"]) == (job_id, "queued", "mara")
        assert told["waiting_for"] == job["waiting_for"] is not None
        assert (told["attempts"], told["group"], told["webhooks"]) == ([], None, [])
        assert told["project_path"] == str(service.project)
        assert told["total_seconds"] == told["waited_seconds"] >= 0
        assert told["events"] == [
            {
                "at": job["created_at"],
                "what": "queued (flux_dev)",
                "kind": "job.queued",
                "actor": "mara",
                "host": job["host"],
            }
        ]

    async def test_all_of_a_life(self, studio: Studio, tmp_path: Path) -> None:
        """What a backend made of it, as it is answered for ever."""
        async with Simulator(Behaviour(), folder=tmp_path / "comfyui") as simulator:
            node1 = BackendConfig(id="node1", name="n", host="127.0.0.1", port=simulator.port)
            service = await studio.host(backends=(node1,))
            job_id = await service.submit(project_path=str(service.project))
            job = await service.ended(job_id)
            told = (await service.get(f"/api/jobs/{job_id}/history")).plain

        (attempt,), (seen,) = told["attempts"], job["attempts"]
        for name in ("number", "backend_id", "prompt_id", "submitted_at", "rendered_at"):
            assert attempt[name] == seen[name]
        assert (attempt["outcome"], attempt["ended_at"]) == ("succeeded", job["completed_at"])
        assert (attempt["outputs"], attempt["extra_outputs"]) == (job["outputs"], [])
        kinds = [each["kind"] for each in told["events"] if each["kind"] != "job.started"]
        assert kinds == [
            "job.queued",
            "job.submitted",
            "job.rendered",
            "job.output_stored",
            "job.succeeded",
        ]
        spent = told["waited_seconds"] + told["rendered_seconds"] + attempt["collecting_seconds"]
        assert spent == pytest.approx(told["total_seconds"], abs=0.002)

    def test_files_that_came_late(self) -> None:
        """They are shown with the attempt that made them, apart from the outputs."""
        job = known(
            At(0, QUEUED),
            At(1, SENT),
            At(2, JobRequeued(job=A, attempt=1, reason="node1 is silent", adrift=True)),
            At(3, JobSubmitted(job=A, attempt=2, backend="node2", prompt_id="p2")),
            At(4, JobRendered(job=A, attempt=2, outputs=1)),
            At(5, stored(1, extra=True)),
            At(6, stored(2)),
        )
        history = job_history(job, group=None, notified=Notified(), now=NOON)
        shown = history_view(job_view(Path("/p"), A, job, None, None), job, None, history)
        files = [(each.outputs, each.extra_outputs) for each in shown.attempts]

        assert [[[f.rel_path for f in kind] for kind in each] for each in files] == [
            [[], ["p/1.png"]],
            [["p/2.png"], []],
        ]

    async def test_a_job_of_a_group(self, service: Service) -> None:
        """Its place there, and when the group was stopped."""
        body = {"jobs": [{"workflow_id": "flux_dev"}, {"workflow_id": "flux_dev"}]}
        group = (await service.post("/api/job-groups", body)).plain
        second = group["jobs"][1]["job_id"]
        before = (await service.get(f"/api/jobs/{second}/history")).plain["group"]
        await service.post(f"/api/job-groups/{group['job_group_id']}/cancel")
        after = (await service.get(f"/api/jobs/{second}/history")).plain["group"]

        assert before == {
            "group_id": group["job_group_id"],
            "number": 2,
            "total_count": 2,
            "cancelled_at": None,
        }
        assert after["cancelled_at"] is not None

    async def test_an_unknown_job(self, service: Service) -> None:
        """404 as everywhere."""
        refused(await service.get("/api/jobs/none/history"), 404, "job.unknown")
