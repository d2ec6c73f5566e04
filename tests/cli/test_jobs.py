"""`log jobs`: the jobs of a project, and what became of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import orjson
import pytest

from events.jobs import JobFailed, JobId, JobQueued, JobRequeued, JobStarted, JobSubmitted
from projections.jobs import Status
from tests.cli.conftest import Run
from tests.cli.stories import JOB, MARA, NOON, RENDER, TOM, WORKFLOW, Story
from tools.cli.log import STATUSES
from tools.cli.spans import TIME_OR_AGO

BAD, OPEN = JobId("bad-1"), JobId("open-1")
REASON = "OutOfMemoryError: 24 GB are not enough\nTraceback ..."


@pytest.fixture
def story(story: Story) -> Story:
    """Tom's job of 12:30, and two of Mara's: one failed at 13:00, one waits since 13:10."""
    story.clock.at(55)
    story.tell(MARA, "mara", JobQueued(job=BAD, workflow=WORKFLOW, naming_template="{y}"))
    story.tell(MARA, "s", JobSubmitted(job=BAD, attempt=1, backend="node1", prompt_id="p"))
    story.tell(MARA, "s", JobRequeued(job=BAD, attempt=1, reason="node1 is gone"))
    story.tell(MARA, "s", JobSubmitted(job=BAD, attempt=2, backend="node2", prompt_id="q"))
    story.tell(MARA, "s", JobStarted(job=BAD, attempt=2))
    story.clock.at(60)
    failed = JobFailed(job=BAD, attempt=2, reason=REASON, kind="execution", node="3")
    story.tell(MARA, "s", failed)
    story.clock.at(70)
    story.tell(MARA, "mara", JobQueued(job=OPEN, workflow=WORKFLOW, naming_template="{y}"))
    return story


def found(run: Run, root: Path, *options: object) -> list[str]:
    """Ids of the jobs that are shown."""
    return [line["job"] for line in lines(run, root, *options)]


def lines(run: Run, root: Path, *options: object) -> list[dict[str, Any]]:
    """What `--json` prints."""
    result = run("log", "jobs", root, "--json", *options)
    assert result.exit_code == 0, result.output
    return [orjson.loads(line) for line in result.stdout.splitlines()]


class TestTable:
    def test_newest_first(self, run: Run, story: Story) -> None:
        """Time, id, status, who, workflow, backends, tries, seconds, and the reason in one line."""
        result = run("log", "jobs", story.root)
        _, title, columns, *rows = result.stdout.splitlines()

        assert result.exit_code == 0
        assert title == "Jobs (3)"
        assert columns.split() == [
            *("time", "job", "status", "who", "workflow", "backend", "tries", "seconds", "reason")
        ]
        assert [row.split()[2:6] for row in rows] == [
            [OPEN, "queued", "mara", "(inline)"],
            [BAD, "failed", "mara", "(inline)"],
            [JOB, "succeeded", "tom", "portrait"],
        ]
        assert rows[1].split(maxsplit=10)[6:] == [
            *("node1,", "node2", "2", "300.0", "OutOfMemoryError: 24 GB are not enough ...")
        ]

    def test_a_reason_without_end(self, run: Run, story: Story) -> None:
        """Its begin is shown; `--json` has all of it."""
        job = JobId("long")
        story.tell(TOM, "tom", JobQueued(job=job, workflow=WORKFLOW, naming_template="{y}"))
        story.tell(TOM, "s", JobFailed(job=job, reason="x" * 4000, kind="execution"))
        shown = run("log", "jobs", story.root, "--rows", 1).stdout

        assert "x" * 160 + " ..." in shown
        assert "x" * 161 not in shown
        assert "and 3 more; --rows 0 shows all" in shown
        assert lines(run, story.root)[0]["reason"] == "x" * 4000

    def test_for_machines(self, run: Run, story: Story) -> None:
        """One line a job, with times in UTC and the files that it made."""
        _, bad, good = lines(run, story.root)

        assert (bad["queued_at"], bad["ended_at"]) == (
            "2026-05-01T12:55:00.000Z",
            "2026-05-01T13:00:00.000Z",
        )
        assert (bad["backends"], bad["attempts"], bad["seconds"]) == (["node1", "node2"], 2, 300.0)
        assert (bad["reason"], bad["kind"], bad["node"]) == (REASON, "execution", "3")
        assert (good["host"], good["outputs"], good["reason"]) == (TOM, [RENDER], None)

    def test_why_an_open_one_was_put_back(self, run: Run, story: Story) -> None:
        """While a job is open, the last reason stands there."""
        story.tell(MARA, "s", JobSubmitted(job=OPEN, attempt=1, backend="node1", prompt_id="r"))
        story.tell(MARA, "s", JobRequeued(job=OPEN, attempt=1, reason="node1 is restarted"))

        assert lines(run, story.root)[0]["reason"] == "node1 is restarted"


class TestWhich:
    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            (("--failed",), [BAD]),
            (("--status", "queued"), [OPEN]),
            (("--status", "queued", "--status", "succeeded"), [OPEN, JOB]),
            (("--failed", "--status", "queued"), [OPEN, BAD]),
            (("--actor", "tom"), [JOB]),
            (("--backend", "node1"), [BAD, JOB]),
            (("--backend", "node2"), [BAD]),
            (("--backend", "node1", "--failed"), [BAD]),
            (("--since", "2026-05-01T13:00Z"), [OPEN, BAD]),
            (("--since", "2026-05-01T13:00:00.001Z"), [OPEN]),
            (("--since", "2030-01-01"), [OPEN]),
            (("--until", "2026-05-01T13:00Z"), [BAD, JOB]),
            (("--until", "2026-05-01T12:59:59Z"), [JOB]),
            (("--since", "2026-05-01T12:50Z", "--until", "2026-05-01T13:05Z"), [BAD]),
            (("--failed", "--since", "1s"), []),
            (("--failed", "--since", "5000w"), [BAD]),
        ],
        ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
    )
    def test_only_some(
        self, run: Run, story: Story, options: tuple[str, ...], expected: list[str]
    ) -> None:
        """An ended job counts by its end, an open one from its order on."""
        assert found(run, story.root, *options) == expected

    def test_nothing(self, run: Run, story: Story) -> None:
        """Nothing on stdout, a note beside it, and no error."""
        result = run("log", "jobs", story.root, "--actor", "nobody")

        assert (result.exit_code, result.stdout) == (0, "")
        assert "no such job was ever recorded here" in result.stderr

    def test_the_working_directory(
        self, run: Run, story: Story, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Is the project if none is named."""
        monkeypatch.chdir(story.root)
        result = run("log", "jobs", "--failed", "--json")

        assert orjson.loads(result.stdout)["job"] == BAD

    def test_a_job_whose_order_is_lost(self, run: Run, story: Story) -> None:
        """It is counted, and said to be left out."""
        story.tell(TOM, "s", JobStarted(job=JobId("lost"), attempt=1))
        result = run("log", "jobs", story.root)

        assert result.exit_code == 0
        assert "Jobs (3)" in result.stdout
        assert "1 job left out, whose orders the log does not have" in result.stderr


class TestRefused:
    def test_a_folder_without_a_log(self, run: Run, tmp_path: Path) -> None:
        """Code 2, as everywhere; nothing is created."""
        result = run("log", "jobs", tmp_path)

        assert result.exit_code == 2
        assert "nothing was ever recorded there" in result.stderr
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("since", ["yesterday", "2 h", "h", "-2h", "2y", "999999999w"])
    def test_a_time_that_is_none(self, run: Run, tmp_path: Path, since: str) -> None:
        """Code 2, before anything is read."""
        assert run("log", "jobs", tmp_path, "--since", since).exit_code == 2

    def test_a_status_that_is_none(self, run: Run, tmp_path: Path) -> None:
        """With those that there are."""
        result = run("log", "jobs", tmp_path, "--status", "done")

        assert result.exit_code == 2
        assert "'cancelling'" in result.stderr


def test_all_statuses_can_be_asked_for() -> None:
    """They are written down twice, so that `--help` needs no projection."""
    assert list(STATUSES) == [status.value for status in Status]


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("90s", timedelta(seconds=90)),
        ("5m", timedelta(minutes=5)),
        ("2h", timedelta(hours=2)),
        ("3d", timedelta(days=3)),
        ("1w", timedelta(weeks=1)),
    ],
)
def test_spans_before_now(text: str, span: timedelta) -> None:
    """A moment with its zone."""
    before = datetime.now(UTC)
    found = TIME_OR_AGO.convert(text, None, None)

    assert before - span <= found <= datetime.now(UTC) - span


def test_a_time_is_a_time_as_everywhere() -> None:
    """Also for who may give a span; what is neither is refused with a word."""
    assert TIME_OR_AGO.convert("2026-05-01T12:00Z", None, None) == NOON
    with pytest.raises(click.BadParameter, match="is no time"):
        TIME_OR_AGO.convert("2 hours", None, None)
