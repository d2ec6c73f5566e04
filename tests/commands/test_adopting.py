"""Taking over the jobs of a host that is gone."""

from __future__ import annotations

import pytest

from events.hosts import HostAdopted
from events.jobs import JobCancelRequested, JobFailed, JobId, JobQueued, JobSubmitted
from events.record import Record
from events.stamp import stamp
from orchestrator.commands import adopting
from orchestrator.commands.adopting import AdoptHost, adopt_host
from projections.catalogue import empty_tables
from projections.project import ProjectView

GONE, BEN, EVE = "gone", "ben", "eve"


def view_of(*told: tuple[str, object], backwards: bool = False) -> ProjectView:
    """What hosts told, one after the other; or as read in the opposite order."""
    tables = empty_tables()
    records = [
        Record(stamp(number << 16, f"{host:0>16}"), event, "mara", host, f"{host:0>16}", number)
        for number, (host, event) in enumerate(told, 1)
    ]
    tables.apply(reversed(records) if backwards else records)
    return ProjectView(tables)


def queued(job: str) -> JobQueued:
    """An order."""
    return JobQueued(job=JobId(job), workflow={}, naming_template="x")


def adopted(host: str, by: str, *jobs: str) -> HostAdopted:
    """A taking over."""
    return HostAdopted(host=host, by=by, jobs=jobs)


class TestAdoptHost:
    def test_its_open_jobs_go_over(self) -> None:
        """Whatever they wait for, also those that are to be cancelled; none that have ended."""
        view = view_of(
            (GONE, queued("waits")),
            (GONE, queued("runs")),
            (GONE, JobSubmitted(job=JobId("runs"), attempt=1, backend="a", prompt_id="p")),
            (GONE, queued("stops")),
            (BEN, JobCancelRequested(job=JobId("stops"))),
            (GONE, queued("over")),
            (GONE, JobFailed(job=JobId("over"), reason="x", kind="execution")),
            (EVE, queued("hers")),
        )

        (event,) = adopt_host(view, AdoptHost(host=GONE, by=BEN))

        assert event == adopted(GONE, BEN, "waits", "runs", "stops")

    def test_nothing_is_said_of_nothing(self) -> None:
        """No open jobs, or one's own."""
        view = view_of((BEN, queued("mine")))

        assert adopt_host(view, AdoptHost(host=GONE, by=BEN)) == []
        assert adopt_host(view, AdoptHost(host=BEN, by=BEN)) == []

    def test_very_many_go_over_in_several_steps(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """One line of the log holds only so much."""
        monkeypatch.setattr(adopting, "MOST_AT_ONCE", 2)
        told: list[tuple[str, object]] = [(GONE, queued(f"j{number}")) for number in range(3)]

        (first,) = adopt_host(view_of(*told), AdoptHost(host=GONE, by=BEN))
        (second,) = adopt_host(view_of(*told, (BEN, first)), AdoptHost(host=GONE, by=BEN))

        assert first == adopted(GONE, BEN, "j0", "j1")
        assert second == adopted(GONE, BEN, "j2")

    def test_what_was_taken_over_can_be_taken_over_again(self) -> None:
        """Ben dies, too: what he had of the first one is his, and goes to Eve."""
        view = view_of((GONE, queued("j")), (BEN, adopted(GONE, BEN, "j")))

        assert adopt_host(view, AdoptHost(host=GONE, by=EVE)) == []
        assert adopt_host(view, AdoptHost(host=BEN, by=EVE)) == [adopted(BEN, EVE, "j")]


class TestOwner:
    @pytest.mark.parametrize("backwards", [False, True])
    def test_the_last_taking_over_counts(self, backwards: bool) -> None:
        """By its stamp, in whatever order it is read (FORMAT.md O6)."""
        view = view_of(
            (GONE, queued("j")),
            (BEN, adopted(GONE, BEN, "j")),
            (EVE, adopted(GONE, EVE, "j")),
            backwards=backwards,
        )
        job = view.job("j")

        assert job is not None
        assert job.owner == EVE

    def test_until_then_it_is_who_took_the_order(self) -> None:
        """On whichever host others have asked for something since."""
        view = view_of((GONE, queued("j")), (BEN, JobCancelRequested(job=JobId("j"))))
        job = view.job("j")

        assert job is not None
        assert job.owner == GONE
