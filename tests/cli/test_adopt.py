"""`orchestrator jobs adopt`: the jobs of a host that is gone are taken over by this one."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from events.jobs import JobId, JobQueued
from orchestrator.host import load_host
from tests.cli.conftest import Run
from tests.cli.stories import Story, shoot

GONE = "hostgone0009"


@pytest.fixture
def film(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with an open job of a host that is gone, and this computer's configuration."""
    (tmp_path / "config.yaml").write_text(f"data_dir: {tmp_path / 'data'}\nbackends: []\n")
    monkeypatch.chdir(tmp_path)
    story: Story = shoot(tmp_path / "film")
    story.tell(GONE, "tom", JobQueued(job=JobId("open-1"), workflow={}, naming_template="x"))
    story.stop()
    silent(story.root)
    return story.root


def silent(root: Path, seconds: float = 900.0) -> None:
    """Nothing was written for so long."""
    then = time.time() - seconds
    for file in (root / ".gallery" / "log").iterdir():
        os.utime(file, (then, then))


class TestAdopt:
    def test_it_names_the_jobs(self, run: Run, film: Path, tmp_path: Path) -> None:
        """And who has them now."""
        result = run("jobs", "adopt", GONE, film)

        ours = load_host(tmp_path / "data").id
        assert result.exit_code == 0, result.stderr
        assert result.stdout.splitlines() == [
            "taken over: open-1",
            f"1 job of host {GONE} taken over by this host, {ours}.",
        ]
        shown = run("log", "jobs", film, "--status", "queued", "--json").stdout
        assert json.loads(shown)["host"] == ours

    def test_as_json(self, run: Run, film: Path) -> None:
        """For programs."""
        told = json.loads(run("jobs", "adopt", GONE, film, "--json").stdout)

        assert (told["host"], told["jobs"]) == (GONE, ["open-1"])
        assert 890 < told["silent_seconds"] < 1500

    def test_a_host_that_is_there_keeps_its_jobs(self, run: Run, film: Path) -> None:
        """Exit code 2, and what to do; with --force they are taken all the same."""
        silent(film, 10.0)

        refused = run("jobs", "adopt", GONE, film)
        assert refused.exit_code == 2
        assert "may be at work" in refused.stderr
        assert "wait five minutes" in refused.stderr

        assert run("jobs", "adopt", GONE, film, "--force").exit_code == 0

    def test_a_second_time_finds_nothing(self, run: Run, film: Path) -> None:
        """That is no fault."""
        run("jobs", "adopt", GONE, film)
        result = run("jobs", "adopt", GONE, film)

        assert result.exit_code == 0
        assert result.stdout.startswith(f"0 jobs of host {GONE}")

    def test_a_host_of_which_nobody_has_heard(self, run: Run, film: Path) -> None:
        """Most likely its id is mistyped."""
        result = run("jobs", "adopt", "nobody", film)

        assert result.exit_code == 2
        assert "No host 'nobody'" in result.stderr

    def test_no_project(self, run: Run, tmp_path: Path, film: Path) -> None:
        """A folder without a log."""
        (tmp_path / "empty").mkdir()
        assert run("jobs", "adopt", GONE, tmp_path / "empty").exit_code == 2
