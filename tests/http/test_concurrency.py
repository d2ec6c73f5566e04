"""Many clients and several hosts at once: what was answered is kept, and all agree in the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import orjson
import pytest
from aiohttp.test_utils import TestClient, TestServer

from orchestrator.app import build
from orchestrator.config import Config
from tests.http.studio import Service, Studio, events_of, log_of, picture

FIRST = "Panel_01/Eliot_Panel_01_v001.png"


def wall(project: Path, count: int) -> list[str]:
    """Many pictures; their paths."""
    one = picture(project / "wall" / "p000.png").read_bytes()
    for number in range(1, count):
        (project / "wall" / f"p{number:03}.png").write_bytes(one + bytes([number]))
    return [f"wall/p{number:03}.png" for number in range(count)]


def rated(project: Path) -> list[tuple[str, int]]:
    """Asset and stars of every rating in the log, newest stamp last."""
    found = []
    for name, data in log_of(project).items():
        for line in map(orjson.loads, data.splitlines() if name.startswith("log/") else []):
            told = line["d"]["events"] if line.get("t") == "tx" else [line]
            stamp = (line.get("x", line.get("h", "")), name)
            found += [(stamp, e["d"]) for e in told if e.get("t") == "asset.rated"]
    return [(d["asset"], d["stars"]) for _, d in sorted(found, key=lambda pair: pair[0])]


async def agree(*services: Service) -> None:
    """Wait until all hosts hold the same state of the project."""
    async with asyncio.timeout(30):
        while len({await service.state() for service in services}) > 1:  # noqa: ASYNC110 # as read
            await asyncio.sleep(0.05)


class TestManyAtOnce:
    async def test_fifty_files(self, service: Service) -> None:
        """Every acknowledged rating is in the log, here and after a restart."""
        files = wall(service.project, 50)
        answers = await asyncio.gather(
            *(service.rate(file, 1 + n % 5) for n, file in enumerate(files))
        )
        assert [answer.status for answer in answers] == [200] * 50
        wanted = {file: 1 + n % 5 for n, file in enumerate(files)}
        assert await service.ratings() == wanted
        assert len(rated(service.project)) == 50

    async def test_fifty_times_the_same_file(self, service: Service) -> None:
        """They take turns; the newest stamp in the log is what everybody sees."""
        stars = [1 + n % 5 for n in range(50)]
        answers = await asyncio.gather(*(service.rate(FIRST, each) for each in stars))
        assert [answer.plain["ratings"][FIRST] for answer in answers] == stars
        told = rated(service.project)
        assert len({asset for asset, _ in told}) == 1
        assert await service.ratings() == {FIRST: told[-1][1]}
        seen = [e for e in events_of(service.project) if e["t"] == "asset.seen"]
        assert len(seen) == 1, "its identity is told once"

    async def test_fifty_tags_of_one_name(self, service: Service) -> None:
        """One is made; the others are told that the name is taken."""
        answers = await asyncio.gather(
            *(service.gallery("tags", name="Hero" if n % 2 else "HERO") for n in range(50))
        )
        assert sorted(answer.status for answer in answers) == [200] + [409] * 49
        assert len((await service.ask("tags"))["tags"]) == 1

    async def test_fifty_jobs(self, service: Service) -> None:
        """Each with an id of its own; the list tells all of them, newest first."""
        ids = await asyncio.gather(*(service.submit() for _ in range(50)))
        assert len(set(ids)) == 50
        listed = (await service.get("/api/jobs")).plain["jobs"]
        assert {job["job_id"] for job in listed} == set(ids)
        times = [datetime.fromisoformat(job["created_at"]) for job in listed]
        assert times == sorted(times, reverse=True)

    async def test_the_first_edits_of_an_untouched_project(self, service: Service) -> None:
        """They make one log, with one FORMAT."""
        files = wall(service.project, 20)
        await asyncio.gather(*(service.rate(file, 3) for file in files))
        names = list(log_of(service.project))
        assert names[0] == "FORMAT"
        assert len(names) == 2


class TestHangingUp:
    """A client that goes away in mid-request neither loses nor tears the change."""

    @pytest.fixture(params=["as served", "with handlers cancelled"])
    async def served(
        self, request: pytest.FixtureRequest, studio: Studio, service: Service
    ) -> AsyncIterator[Service]:
        """The service as it is served, and served by a runner that cancels handlers."""
        if request.param == "as served":
            yield service
            return
        await service.close()
        config = Config(data_dir=studio.folder / "hosts" / "ada", roots=(studio.share,))
        app = await build(config)
        async with TestClient(TestServer(app)) as client:
            yield Service(client, app, studio.project)

    async def test_after_sending_everything(self, studio: Studio, served: Service) -> None:
        """Wherever the request is just then: state and log agree, line by line."""
        for number, file in enumerate(wall(studio.project, 40)):
            body = {"projectPath": str(studio.project), "filePath": file, "rating": 4}
            sent = orjson.dumps(body)
            await hang_up(served, sent, len(sent), after=number * 0.000_2)
        assert (await served.rate(FIRST, 5)).status == 200
        # Another host knows the log alone: what it tells is what was written.
        fresh = await studio.host("bela")
        await fresh.ratings()
        await agree(served, fresh)
        told = await served.ratings()
        assert told == await fresh.ratings()
        assert told.pop(FIRST) == 5
        assert set(told.values()) <= {4}

    async def test_in_the_middle_of_the_body(self, studio: Studio, served: Service) -> None:
        """Half a request is no request."""
        for _ in range(10):
            await hang_up(served, b'{"projectPath":', 500)
        assert (await served.get("/health")).status == 200
        assert log_of(studio.project) == {}


async def hang_up(service: Service, body: bytes, announced: int, after: float = 0.0) -> None:
    """Send a rating, wait a moment, and cut the connection."""
    _, writer = await asyncio.open_connection(service.client.host, service.client.port)
    head = f"POST /api/gallery/ratings HTTP/1.1\r\nHost: x\r\nContent-Length: {announced}"
    writer.write(head.encode() + b"\r\n\r\n" + body)
    await writer.drain()
    await asyncio.sleep(after)
    writer.transport.abort()


class TestTwoHosts:
    async def test_they_see_each_others_ratings(self, studio: Studio) -> None:
        """Each writes its own file; both end with the same state."""
        ada, bela = await studio.host("ada"), await studio.host("bela")
        await bela.ratings()
        await ada.rate(FIRST, 2)
        await agree(ada, bela)
        assert await bela.ratings() == {FIRST: 2}
        await bela.rate(FIRST, 5)
        await agree(ada, bela)
        assert await ada.ratings() == {FIRST: 5}
        writers = [name for name in log_of(studio.project) if name.startswith("log/")]
        assert len(writers) == 2

    async def test_both_at_once(self, studio: Studio) -> None:
        """Ratings, tags and views of both, all mixed: in the end they agree to the last bit."""
        files = wall(studio.project, 20)
        ada, bela = await studio.host("ada"), await studio.host("bela")

        async def work(service: Service, shift: int) -> None:
            tag = await service.make_tag(f"tag {shift}")
            for number, file in enumerate(files):
                await service.rate(file, 1 + (number + shift) % 5)
                await service.gallery("file-tags", filePath=file, addTags=[tag])
            await service.gallery("views", viewMode=f"mode {shift}")

        await asyncio.gather(work(ada, 0), work(bela, 2))
        await agree(ada, bela)
        assert await ada.ratings() == await bela.ratings()
        assert await ada.ask("views") == await bela.ask("views")
        assert len((await ada.ask("tags"))["tags"]) == 2
        counts = [tag["fileCount"] for tag in (await bela.ask("tags"))["tags"].values()]
        assert counts == [20, 20]
        # A third host, which has only the log, comes to the same state.
        carl = await studio.host("carl")
        assert await carl.state() == await ada.state()

    async def test_tags_of_one_name_made_on_both(self, studio: Studio) -> None:
        """Neither could know of the other; both are kept, and can be told apart by id."""
        ada, bela = await studio.host("ada"), await studio.host("bela")
        await ada.make_tag("first")
        await bela.ask("tags")
        made = await asyncio.gather(ada.make_tag("Hero"), bela.make_tag("hero"))
        await agree(ada, bela)
        assert set(made) <= set((await ada.ask("tags"))["tags"])

    async def test_a_job_of_one_is_shown_by_the_other(self, studio: Studio) -> None:
        """And can be cancelled there: its own host does it."""
        ada, bela = await studio.host("ada"), await studio.host("bela")
        await bela.ratings()
        job_id = await ada.submit(project_path=str(studio.project))
        await agree(ada, bela)
        assert (await bela.job(job_id))["status"] == "queued"
        answer = await bela.post(f"/api/jobs/{job_id}/cancel")
        assert answer.plain["status"] == "cancelling"
        assert (await ada.ended(job_id))["status"] == "cancelled"
        await agree(ada, bela)
        assert (await bela.job(job_id))["status"] == "cancelled"
