"""kill -9 at any moment: nothing that was acknowledged is lost, nothing is false afterwards."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import aiohttp
import pytest
from attrs import define, field

from events.log.folder import FolderLog
from events.log.format_file import load
from events.log.port import HARMLESS
from projections.catalogue import empty_tables
from projections.project import ProjectView
from tests.stories.service import Service

CLIENTS = 8


@define
class Person:
    """Rates one file again and again, and remembers what was acknowledged."""

    file: str
    project: Path
    #: The last rating that a 200 was received for.
    acknowledged: int = 0
    #: The rating that was sent and not answered.
    in_flight: int | None = None
    answers: int = 0
    _next: int = field(default=0, init=False)

    async def work(self, service: Service, session: aiohttp.ClientSession) -> None:
        """Rate until the service is gone."""
        while True:
            self._next += 1
            self.in_flight = 1 + self._next % 5
            body = {
                "projectPath": str(self.project),
                "filePath": self.file,
                "rating": self.in_flight,
            }
            try:
                status = await service.post(session, "/api/gallery/ratings", body)
            except (aiohttp.ClientError, ConnectionError):
                return
            assert status == 200
            self.acknowledged, self.in_flight = self.in_flight, None
            self.answers += 1

    def expects(self, stars: int) -> bool:
        """What was acknowledged, or what was on its way when the service died."""
        return stars in {self.acknowledged, self.in_flight}


def state_on_disk(project: Path) -> ProjectView:
    """What the log alone says; damage in it is a failure."""
    found = load(project / ".gallery")
    assert found is not None
    log = FolderLog(project / ".gallery", found, "reader")
    tables = empty_tables()
    for records in log.read():
        tables.apply(records)
    assert not [finding for finding in log.findings() if finding.kind not in HARMLESS]
    return ProjectView(tables)


async def kill_often(tmp_path: Path, times: int, seed: int) -> int:
    """Kill the service in the middle of ratings, again and again. Returns the answers received."""
    chance = random.Random(seed)
    project = tmp_path / "Eliot"
    (project / "Panel_01").mkdir(parents=True)
    people = [Person(f"Panel_01/{n}.png", project) for n in range(CLIENTS)]
    for person in people:
        (project / person.file).write_bytes(b"\x89PNG" + person.file.encode())
    service = Service(tmp_path / "host", tmp_path)
    for _ in range(times):
        await service.start()
        async with aiohttp.ClientSession() as session:
            working = asyncio.gather(*(person.work(service, session) for person in people))
            await asyncio.sleep(chance.uniform(0.02, 0.4))
            await service.kill()
            await working
        view = state_on_disk(project)
        for person in people:
            stars = view.stars_at(person.file)
            assert person.expects(stars), (person, stars)
            # What became of the one on its way is known now.
            person.acknowledged, person.in_flight = stars, None
    return sum(person.answers for person in people)


async def test_five_kills_lose_nothing(tmp_path: Path) -> None:
    """A sample of the campaign below, for every run."""
    assert await kill_often(tmp_path, 5, seed=1) > 0


@pytest.mark.campaign
@pytest.mark.timeout(600)
async def test_fifty_kills_lose_nothing(tmp_path: Path) -> None:
    """The promise of a 2xx (P1), fifty times, under load."""
    assert await kill_often(tmp_path, 50, seed=2) > 500


async def test_a_clean_stop_seals_the_log(tmp_path: Path) -> None:
    """SIGTERM: what was begun is finished, the last segment is closed, the exit code is 0."""
    project = tmp_path / "Eliot"
    project.mkdir()
    (project / "a.png").write_bytes(b"\x89PNG")
    service = Service(tmp_path / "host", tmp_path)
    await service.start()
    async with aiohttp.ClientSession() as session:
        body = {"projectPath": str(project), "filePath": "a.png", "rating": 3}
        assert await service.post(session, "/api/gallery/ratings", body) == 200
    assert await service.stop() == 0
    (segment,) = (project / ".gallery" / "log").iterdir()
    assert segment.read_bytes().splitlines()[-1].startswith(b'{"seal":1')
    assert state_on_disk(project).stars_at("a.png") == 3
