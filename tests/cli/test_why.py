"""`log why`: what happened to a job, in sentences."""

from __future__ import annotations

import orjson
import pytest
from attrs import evolve

from events.assets import AssetMoved
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
from events.stamp import Stamp, moment
from events.trash import FilePurged, FileTrashed, TrashId
from events.webhooks import WebhookSettled
from tests.cli.conftest import Run
from tests.cli.stories import JOB, MARA, RENDER, TOM, WORKFLOW, Story

X = JobId("x-1")
ORDER = JobQueued(job=X, workflow=WORKFLOW, workflow_id="flux_dev", naming_template="{y}")
SENT = JobSubmitted(job=X, attempt=1, backend="node1", prompt_id="p")
RUNS = JobStarted(job=X, attempt=1)
DONE = JobRendered(job=X, attempt=1, outputs=2)


@pytest.fixture(autouse=True)
def greenwich(monkeypatch: pytest.MonkeyPatch) -> None:
    """Times are told as they are read here, and these tests are read in Greenwich."""
    monkeypatch.setattr("tools.cli.telling.local", _utc)


def _utc(stamp: Stamp) -> str:
    return moment(stamp).strftime("%H:%M:%S")


def told(run: Run, story: Story, job: str = X, *options: object) -> list[str]:
    """The story, line by line."""
    result = run("log", "why", story.root, job, *options)
    assert result.exit_code == 0, result.output
    return result.stdout.splitlines()


def tell(story: Story, *events: object) -> None:
    """A host's service tells events one by one, ten seconds apart, from 13:00 on."""
    for number, event in enumerate(events):
        story.clock.at(60, 10 * number)
        story.tell(TOM, "tom", event)


def stored(attempt: int, *, extra: bool = False) -> JobOutputStored:
    """A picture that an attempt made."""
    return JobOutputStored(
        job=X,
        attempt=attempt,
        node="9",
        index=0,
        kind="images",
        asset=f"made-by-{attempt}",
        path=f"p/{attempt}.png",
        size=1,
        sha256="0",
        extra=extra,
    )


class TestEnded:
    def test_a_job_that_went_well(self, run: Run, story: Story) -> None:
        """Who, when, where, how long, and what came of it."""
        assert told(run, story, JOB) == [
            f"Job {JOB} succeeded.",
            f"tom submitted it at 12:30:00 on host {TOM}: workflow portrait.",
            "Attempt 1 was sent to backend node1 at 12:30:00, after 0.0 s in our queue.",
            "Attempt 1 was seen to run at 12:30:00, after 0.0 s there.",
            "Attempt 1 was rendered at 12:30:00, after 0.0 s.",
            "Attempt 1 ended at 12:30:00: 1 file brought into the project, in 0.0 s.",
            "It succeeded.",
            "It ended at 12:30:00, 0.0 s after its order: 0.0 s of waiting, 0.0 s of rendering.",
            "Its files:",
            f"  {RENDER}",
        ]

    def test_one_that_failed(self, run: Run, story: Story) -> None:
        """Each attempt with its reason; a reason of many lines stays one line."""
        tell(
            story,
            evolve(ORDER, backend="node1", capabilities=("flux", "24gb")),
            SENT,
            JobRequeued(job=X, attempt=1, reason="node1 did not take it.", sent=False),
            JobSubmitted(job=X, attempt=2, backend="node1", prompt_id="q"),
            JobStarted(job=X, attempt=2),
            JobFailed(
                job=X,
                attempt=2,
                reason="OutOfMemoryError:\nno room\n",
                kind="execution",
                node="3",
                node_type="KSampler",
            ),
        )
        lines = told(run, story)

        assert lines[0] == f"Job {X} failed."
        assert lines[1].endswith(
            ": workflow flux_dev, for backend node1 only, for a backend with flux, 24gb."
        )
        assert lines[2:4] == [
            "Attempt 1 was sent to backend node1 at 13:00:10, after 10.0 s in our queue.",
            (
                "Attempt 1 ended at 13:00:20: lost, node1 did not take it. "
                "It does not count as a try."
            ),
        ]
        assert lines[-3:] == [
            "Attempt 2 ended at 13:00:50, and the job with it.",
            r"It failed in node 3 (KSampler): OutOfMemoryError:\nno room.",
            "It ended at 13:00:50, 50.0 s after its order: 40.0 s of waiting, 10.0 s of rendering.",
        ]

    def test_one_that_came_late(self, run: Run, story: Story) -> None:
        """What a given up attempt made is told apart from the outputs."""
        tell(
            story,
            ORDER,
            SENT,
            JobRequeued(job=X, attempt=1, reason="node1 is silent", adrift=True),
            JobSubmitted(job=X, attempt=2, backend="node2", prompt_id="q"),
            JobRendered(job=X, attempt=2, outputs=1),
            stored(2),
            JobSucceeded(job=X, attempt=2),
        )
        before = told(run, story)
        story.clock.at(90)
        story.tell(TOM, "s", stored(1, extra=True))
        after = told(run, story)

        unknown = "Backend node1 may have rendered attempt 1 all the same."
        assert (unknown in before, unknown in after) == (True, False)
        assert "A file of attempt 1 came late, at 13:30:00: p/1.png" in after
        assert after[-3:] == ["Its files:", "  p/1.png (late, from attempt 1)", "  p/2.png"]

    def test_one_that_was_cancelled(self, run: Run, story: Story) -> None:
        """By whom."""
        tell(story, ORDER, SENT, RUNS, JobCancelRequested(job=X), JobCancelled(job=X))
        lines = told(run, story)

        assert lines[-4:-1] == [
            "Attempt 1 ended at 13:00:40: cancelled.",
            "tom asked to cancel it at 13:00:30.",
            "It was cancelled.",
        ]

    def test_who_was_told(self, run: Run, story: Story) -> None:
        """Without what may be a password."""
        url = "https://hooks.example/secret"
        tell(
            story,
            ORDER,
            JobFailed(job=X, reason="no", kind="inputs"),
            WebhookSettled(job=X, url=url, delivered=False, tries=8, error="HTTP 500"),
        )
        assert told(run, story)[-1] == (
            "At 13:00:20 its end could not be told to hooks.example, after 8 tries: HTTP 500."
        )


class TestFiles:
    def test_where_they_are_now(self, run: Run, story: Story) -> None:
        """People move files, put them into the trash, and delete them."""
        tables = orjson.loads(run("log", "replay", story.root, "--json").stdout)["tables"]
        asset = next(iter(tables["lineage"]))
        seen = [told(run, story, JOB)[-1]]
        path, trash = "best/dog.png", TrashId("t1")
        moved = AssetMoved(asset=asset, path=path, source=RENDER, op="op-2")
        trashed = FileTrashed(
            trash=trash, path=path, asset=asset, name="dog.png", size=1, mtime=1, op="op-3"
        )
        purged = FilePurged(
            trash=trash, path=path, asset=asset, name="dog.png", size=1, head="", op="op-4"
        )
        for minute, event in enumerate((moved, trashed, purged)):
            story.clock.at(60 + minute)
            story.tell(TOM, "tom", event)
            seen.append(told(run, story, JOB)[-1])

        assert seen == [
            f"  {RENDER}",
            f"  {RENDER}, now best/dog.png",
            f"  {RENDER}, now in the trash",
            f"  {RENDER}, deleted for good since",
        ]


class TestOpen:
    @pytest.mark.parametrize(
        ("events", "standing", "coming"),
        [
            (
                [ORDER],
                "waits in the queue",
                "it begins as soon as its turn comes and there is room on a backend for it",
            ),
            (
                [evolve(ORDER, held=True)],
                "waits in the queue",
                "it is held; release it to let it begin",
            ),
            (
                [evolve(ORDER, not_before="9000-01-01T00:00:00+00:00")],
                "waits in the queue",
                "it shall not begin before 9000-01-01T00:00:00+00:00",
            ),
            (
                [evolve(ORDER, after=(JOB, "far"))],
                "waits in the queue",
                "it waits for job far, of which only another log can tell",
            ),
            (
                [evolve(ORDER, group="jg")],
                "waits in the queue",
                "the submission of its group is not complete",
            ),
            (
                [ORDER, SENT],
                "was sent to backend node1, and was not seen to run yet",
                "backend node1 executes it, when those before it there are done",
            ),
            (
                [ORDER, SENT, RUNS],
                "runs on backend node1",
                "backend node1 ends it, and its files are fetched",
            ),
            (
                [ORDER, SENT, RUNS, DONE, stored(1)],
                "is rendered; its files are fetched from backend node1",
                "the rest of its files is fetched; 1 of 2 files are in the project",
            ),
            (
                [ORDER, SENT, JobCancelRequested(job=X)],
                "is to be stopped",
                "it ends as cancelled, once no backend works on it any more",
            ),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_what_comes_next(
        self, run: Run, story: Story, events: list[object], standing: str, coming: str
    ) -> None:
        """As far as the log knows, and who knows more."""
        tell(story, *events)
        lines = told(run, story)

        assert lines[0] == f"Job {X} {standing}."
        assert lines[-2:] == [
            f"Next: {coming}.",
            (
                f"Only the service on host {TOM} works on it. While it runs it knows more: "
                f"GET /api/queue, and GET /api/jobs/{X}/history."
            ),
        ]

    def test_what_it_waits_for(self, run: Run, story: Story) -> None:
        """Group, hold, time, other jobs and its place: everything that kept it back."""
        group = GroupId("jg")
        order = evolve(
            ORDER,
            workflow_id=None,
            group=group,
            held=True,
            not_before="2026-05-01T12:00:00+00:00",
            after=(JOB, "y-1", "far"),
        )
        tell(
            story,
            evolve(ORDER, job=JobId("y-1")),
            order,
            GroupCreated(group=group, jobs=("y-1", X)),
            JobReleased(job=X),
            JobHeld(job=X),
            JobOrdered(job=X, priority=7),
            GroupCancelRequested(group=group),
        )
        assert told(run, story)[1:-2] == [
            f"tom submitted it at 13:00:10 on host {TOM}: a workflow sent inline.",
            "It is job 2 of 2 in group jg.",
            "The group was to be cancelled at 13:01:00.",
            "It was submitted to wait until somebody releases it.",
            "It was held back at 13:00:40.",
            "It was not to begin before 2026-05-01T12:00:00+00:00.",
            f"It was to begin after job {JOB}, which succeeded at 12:30:00.",
            "It was to begin after job y-1, which waits in the queue.",
            "It was to begin after job far, which is none of this project.",
            "It was given another place in the queue at 13:00:50, with priority 7.",
        ]

    def test_one_that_cannot_succeed_any_more(self, run: Run, story: Story) -> None:
        """Its service has not told so yet."""
        other = JobId("y-1")
        tell(
            story,
            evolve(ORDER, job=other),
            JobFailed(job=other, reason="no model", kind="validation"),
            evolve(ORDER, after=(other,)),
        )
        assert told(run, story)[-2] == (
            "Next: it will fail, because job y-1, which it was to wait for, is failed: no model."
        )


class TestWhich:
    def test_the_begin_of_an_id(self, run: Run, story: Story) -> None:
        """Is enough if it is the begin of no other."""
        assert told(run, story, JOB[:4]) == told(run, story, JOB)

    def test_an_id_that_others_begin_with(self, run: Run, story: Story) -> None:
        """The whole id is always meant."""
        tell(story, ORDER, evolve(ORDER, job=JobId("x-10")))
        assert told(run, story, "x-1")[0] == "Job x-1 waits in the queue."

    def test_the_begin_of_several(self, run: Run, story: Story) -> None:
        """They are named, some of them, and nothing is guessed."""
        tell(story, *(evolve(ORDER, job=JobId(f"x-{n}")) for n in range(7)))
        result = run("log", "why", story.root, "x")

        assert (result.exit_code, result.stdout) == (2, "")
        assert result.stderr.splitlines() == [
            "Error: The ids of 7 jobs begin with 'x': x-0, x-1, x-2, x-3, x-4, ...",
            "Name more letters of it.",
        ]

    def test_an_unknown_job(self, run: Run, story: Story) -> None:
        """One line says what, one what to do."""
        result = run("log", "why", story.root, "none")

        assert (result.exit_code, result.stdout) == (2, "")
        assert "No job of this project has an id that begins with 'none'." in result.stderr
        assert "orchestrator log jobs" in result.stderr

    def test_a_job_whose_order_is_lost(self, run: Run, story: Story) -> None:
        """There is no story without its begin; the steps are in the history."""
        story.tell(MARA, "s", JobStarted(job=X, attempt=1))
        result = run("log", "why", story.root, X)

        assert result.exit_code == 2
        assert "does not have the order of job x-1" in result.stderr
        assert "log audit" in result.stderr


class TestForMachines:
    def test_everything(self, run: Run, story: Story) -> None:
        """Attempts, events, the three sums of seconds, and the sentences."""
        found = orjson.loads(run("log", "why", story.root, JOB, "--json").stdout)

        assert (found["job"], found["status"], found["actor"]) == (JOB, "succeeded", "tom")
        (attempt,) = found["attempts"]
        assert attempt["submitted_at"] == "2026-05-01T12:30:00.000Z"
        assert (attempt["outcome"], attempt["outputs"]) == ("succeeded", [RENDER])
        assert found["events"][0] == {
            "at": "2026-05-01T12:30:00.000Z",
            "kind": "job.queued",
            "what": "queued (portrait)",
            "actor": "tom",
            "host": TOM,
        }
        assert found["total_seconds"] == 0.0
        assert found["story"] == told(run, story, JOB)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.04, "0.0 s"), (59.9, "59.9 s"), (61.0, "1 min 1 s"), (7_300.0, "2 h 1 min")],
)
def test_spans_as_people_say_them(run: Run, story: Story, seconds: float, said: str) -> None:
    """Seconds, then minutes, then hours."""
    story.clock.at(60)
    story.tell(TOM, "tom", ORDER)
    story.clock.ms += int(seconds * 1000)
    story.tell(TOM, "s", SENT)

    assert told(run, story)[2].endswith(f", after {said} in our queue.")
