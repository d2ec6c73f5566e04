"""When a backend is paused, and for how long."""

from __future__ import annotations

from orchestrator.scheduling.breaker import Breaker
from orchestrator.scheduling.timing import Timing
from orchestrator.scheduling.watching import pace


def after(*jobs: str, breaker: Breaker | None = None) -> Breaker:
    """A breaker after these jobs failed."""
    breaker = breaker or Breaker()
    for job in jobs:
        breaker = breaker.failed(job, "out of memory")
    return breaker


class TestFailures:
    def test_three_different_jobs_in_a_row(self) -> None:
        """With the last reason, and the jobs."""
        assert after("1", "2").paused is None
        broken = after("1", "2", "3")
        assert broken.paused is not None
        assert "out of memory" in broken.paused
        assert broken.jobs == ("1", "2", "3")

    def test_one_job_however_often(self) -> None:
        """It may be the job's own fault."""
        assert after("1", "2", "1", "2", "1").paused is None

    def test_more_failures_do_not_change_why(self) -> None:
        """Those that ran there when it was paused."""
        broken = after("1", "2", "3")
        more = broken.failed("4", "something else")
        assert more.paused == broken.paused
        assert more.jobs == ("1", "2", "3", "4")


class TestProbation:
    def test_one_more_failure_pauses_again(self) -> None:
        """And is tried out later than the first time."""
        once = after("1", "2", "3")
        again = after("4", breaker=once.tried().on_probation())
        assert again.paused is not None
        assert again.pause(30, 600) == 60
        assert once.pause(30, 600) == 30

    def test_a_job_that_failed_before_is_no_news(self) -> None:
        """It failed there already."""
        assert after("3", breaker=after("1", "2", "3").on_probation()).paused is None

    def test_the_pause_doubles_up_to_a_limit(self) -> None:
        """However often it was tried out."""
        breaker, pauses = after("1", "2", "3"), []
        for _ in range(7):
            pauses.append(breaker.pause(30, 600))
            breaker = breaker.tried()
        assert pauses == [30, 60, 120, 240, 480, 600, 600]
        for _ in range(5000):
            breaker = breaker.tried()
        assert breaker.pause(30, 600) == 600


class TestPace:
    """How often a backend is looked at."""

    def test_while_something_of_ours_is_there(self) -> None:
        """Often, whether it answers or not."""
        assert pace(Timing(), 0, active=True, chance=0.5) == 1
        assert pace(Timing(), 9, active=True, chance=0.5) == 1

    def test_while_it_answers(self) -> None:
        """Always the same."""
        assert pace(Timing(), 0, active=False, chance=0.5) == 5

    def test_while_it_does_not(self) -> None:
        """Less and less often, and never less than once in half a minute."""
        pauses = [pace(Timing(), n, active=False, chance=0.0) for n in (1, 2, 3, 4, 5, 10_000)]
        assert pauses == [5, 10, 20, 30, 30, 30]
        assert pace(Timing(), 9, active=False, chance=1.0) == 22.5
