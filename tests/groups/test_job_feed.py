"""The feed of jobs: news of a moment in one batch, prepared once for all who follow."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from events.jobs import JobId, JobQueued
from events.stamp import Stamp
from orchestrator import job_feed
from orchestrator.comfyui.progress import ProgressTracker
from orchestrator.job_feed import Batch, JobAt, JobFeed
from orchestrator.live import FeedEndedError, Watcher
from orchestrator.scheduling.dispatcher import JobNews
from projections.jobs import Job, Queued

ROOT = Path("/share/Eliot")


def job(job_id: str, group: str | None = None) -> Job:
    """A job that waits."""
    order = JobQueued(job=JobId(job_id), workflow={}, naming_template="x", group=group)
    return Job(Queued(Stamp("1"), "mara", "host", order))


def state(job_id: str, group: str | None = None) -> JobNews:
    """News of a change."""
    return JobNews(ROOT, job_id, job(job_id, group), None, state_changed=True)


def progress(job_id: str, percent: float) -> JobNews:
    """News of progress."""
    tracker = ProgressTracker(prompt_id="p", node_count=3, percent=percent)
    return JobNews(ROOT, job_id, job(job_id), tracker, state_changed=False)


def said(batch: Batch) -> list[tuple[str, int | None, float | None]]:
    """Job, number and percentage of each piece of news."""
    return [
        (told.news.job_id, told.number, told.news.progress.percent if told.news.progress else None)
        for told in batch.news
    ]


async def only(watcher: Watcher[Batch]) -> Batch:
    """The one batch that waits, or comes next."""
    async with asyncio.timeout(10):
        (batch,) = await watcher.next()
    return batch


@pytest.fixture
def feed() -> JobFeed:
    """Nothing has happened."""
    return JobFeed()


class TestBatches:
    async def test_the_news_of_a_moment(self, feed: JobFeed) -> None:
        """All changes of state, and of the progress of each job only the last."""
        with feed.follow(lambda _: True) as watcher:
            for news in (
                state("a"),
                progress("a", 10),
                progress("b", 10),
                progress("a", 20),
                state("a"),
                progress("b", 30),
                state("c", "g"),
            ):
                feed.publish(news)
            batch = await only(watcher)
        assert said(batch) == [("a", 1, None), ("a", 2, None), ("c", 3, None), ("b", None, 30)]
        assert (sorted(batch.jobs), sorted(batch.groups)) == (["a", "b", "c"], ["g"])
        assert batch.cursor == feed.replay.cursor(3)

    async def test_after_a_quiet_time_there_is_no_waiting(
        self, feed: JobFeed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The first news are told at once, the next ones after the pause."""
        monkeypatch.setattr(job_feed, "GATHER", 3600.0)
        with feed.follow(lambda _: True) as watcher:
            feed.publish(state("a"))
            assert said(await only(watcher)) == [("a", 1, None)]
            feed.publish(state("b"))
            await asyncio.sleep(0.01)
            feed.publish(state("c"))
            feed.flush()
            assert said(await only(watcher)) == [("b", 2, None), ("c", 3, None)]

    async def test_made_once_for_all(self, feed: JobFeed) -> None:
        """Whoever asks second gets what was made for the first."""
        made: list[str] = []

        def make() -> str:
            made.append("x")
            return "frames"

        with feed.follow(lambda _: True) as one, feed.follow(lambda _: True) as other:
            feed.publish(state("a"))
            batches = [await only(one), await only(other)]
        assert [batch.once("jobs", make) for batch in batches] == ["frames", "frames"]
        assert made == ["x"]
        assert batches[0].once("others", lambda: 4) == 4

    async def test_who_comes_late(self, feed: JobFeed) -> None:
        """Hears nothing that was published before, even if it is only told now."""
        with feed.follow(lambda _: True) as early:
            feed.publish(state("a"))
            with feed.follow(lambda _: True) as late:
                feed.publish(state("b"))
                feed.flush()
                assert said(await only(late)) == [("b", 2, None)]
            assert [said(batch) for batch in await early.next()] == [
                [("a", 1, None)],
                [("b", 2, None)],
            ]

    async def test_nobody_follows(self, feed: JobFeed) -> None:
        """Changes are remembered, nothing is gathered, and others hear at once."""
        with feed.watch(lambda _: True) as watcher:
            feed.publish(state("a"))
            feed.publish(progress("a", 10))
            assert [news.job_id for news in await watcher.next()] == ["a", "a"]
        assert feed.replay.since(feed.replay.cursor(0)) == [(1, JobAt(ROOT, "a"))]
        with feed.follow(lambda _: True) as follower:
            feed.publish(state("b"))
            assert said(await only(follower)) == [("b", 2, None)]

    async def test_the_end(self, feed: JobFeed) -> None:
        """All are told, and those who come later."""
        with feed.follow(lambda _: True) as follower:
            feed.close()
            with pytest.raises(FeedEndedError):
                await follower.next()
