"""kill -9 while files are moved, renamed, trashed and restored: none is lost, none is mixed up."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from attrs import define, field

from tests.fileops.desk import agree, bytes_of, intact
from tests.stories.service import Service
from tests.stories.test_kill import state_on_disk

PEOPLE, EACH = 6, 8
PANELS = ("Panel_01", "Panel_02", "Selects/Best")


class Killed(Exception):  # noqa: N818  # it is the story, not an error
    """The service is gone; what became of the last request, nobody was told."""


@define
class Person:
    """Moves some files of their own about, and knows them by their bytes."""

    number: int
    project: Path
    chance: random.Random
    session: aiohttp.ClientSession
    url: str
    #: Where each of the files is: a path, or an id in the trash.
    here: dict[bytes, str] = field(factory=dict)
    trashed: dict[bytes, str] = field(factory=dict)
    answers: int = 0

    async def work(self) -> int:
        """Do this and that until the service is gone; how often it answered."""
        deeds = (self.rename, self.move, self.swap, self.trash, self.restore)
        try:
            while True:
                await self.chance.choice(deeds)()
        except Killed:
            return self.answers

    async def ask(self, endpoint: str, **fields: Any) -> Any:
        """A request; its answer, which must be good."""
        body = {"projectPath": str(self.project), **fields}
        url = f"{self.url}/api/gallery/{endpoint}"
        try:
            async with self.session.post(url, json=body) as response:
                plain = await response.json()
                assert response.status == 200, plain
        except (aiohttp.ClientError, ConnectionError) as exc:
            raise Killed from exc
        self.answers += 1
        assert plain.get("errors", []) == []
        return plain

    def some(self, most: int) -> list[bytes]:
        """Some of the files that are in no trash."""
        return self.chance.sample(sorted(self.here), min(most, len(self.here)))

    def arrived(self, moved: list[dict[str, str]]) -> None:
        """Remember where files are now."""
        by_path = {path: data for data, path in self.here.items()}
        for each in moved:
            self.here[by_path[each["oldPath"]]] = each["newPath"]

    async def rename(self) -> None:
        """One file; its sidecar goes along."""
        for data in self.some(1):
            name = f"{self.number}_{self.chance.randrange(10**6)}.png"
            answer = await self.ask("rename-file", filePath=self.here[data], newName=name)
            self.arrived([answer])

    async def move(self) -> None:
        """Some files into a folder."""
        if files := [self.here[data] for data in self.some(5)]:
            panel = self.chance.choice(PANELS)
            self.arrived((await self.ask("move-files", files=files, destination=panel))["moved"])

    async def swap(self) -> None:
        """Files of one folder change their names in a circle."""
        by_folder: dict[str, list[str]] = {}
        for path in self.here.values():
            by_folder.setdefault(path.rpartition("/")[0], []).append(path)
        circle = max(by_folder.values(), key=len, default=[])
        if len(circle) > 1:
            start = self.chance.randrange(10**6)
            names = {"mode": "sequential", "prefix": f"{self.number}_c", "startNumber": start}
            answer = await self.ask("batch-rename", files=circle, **names)
            self.arrived(answer["renamed"])
            turned = [*circle[1:], circle[0]]
            by_old = {each["oldPath"]: each["newPath"] for each in answer["renamed"]}
            files = [by_old.get(path, path) for path in turned]
            self.arrived((await self.ask("batch-rename", files=files, **names))["renamed"])

    async def trash(self) -> None:
        """Some files."""
        if some := self.some(3):
            answer = await self.ask("trash", files=[self.here[data] for data in some])
            ids = {each["path"]: each["trashId"] for each in answer["trashed"]}
            for data in some:
                self.trashed[data] = ids[self.here.pop(data)]

    async def restore(self) -> None:
        """All that is in the trash."""
        if self.trashed:
            answer = await self.ask("restore", trashIds=list(self.trashed.values()))
            paths = {each["trashId"]: each["path"] for each in answer["restored"]}
            self.here |= {data: paths[trash] for data, trash in self.trashed.items()}
            self.trashed.clear()


def find(project: Path) -> tuple[dict[bytes, str], dict[bytes, str]]:
    """Where each picture is: by bytes its path, or its id in the trash."""
    view = state_on_disk(project)
    agree(project, view)
    here = {
        path.read_bytes(): path.relative_to(project).as_posix()
        for path in project.rglob("*.png")
        if ".gallery" not in path.parts
    }
    trashed = {}
    for trash, found in view.trash():
        place = found.place or f".gallery/.trash/{trash}/{found.name}"
        trashed[(project / place).read_bytes()] = trash
    return here, trashed


def stars_by_bytes(project: Path) -> dict[bytes, int]:
    """What each picture was rated, wherever it is."""
    view = state_on_disk(project)
    here, trashed = find(project)
    found = {data: view.stars_at(path) for data, path in here.items()}
    for data, trash in trashed.items():
        known = view.trashed(trash)
        assert known is not None
        found[data] = view.stars_of(known.asset)
    return found


async def ask_plainly(service: Service, endpoint: str, **fields: Any) -> None:
    """One request of its own."""
    async with aiohttp.ClientSession() as session:
        assert await service.post(session, f"/api/gallery/{endpoint}", fields) == 200


async def kill_often(tmp_path: Path, times: int, seed: int) -> int:
    """Kill the service in the middle of moves, again and again. Returns the answers received."""
    chance = random.Random(seed)
    project = tmp_path / "Eliot"
    names = [f"{person}_{each}" for person in range(PEOPLE) for each in range(EACH)]
    for name in names:
        path = project / "Panel_01" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f"{name} ".encode().ljust(30, b"."))
        path.with_suffix(".txt").write_text(f"about {name}")
    before, answers = bytes_of(project), 0
    service = Service(tmp_path / "host", tmp_path)
    await service.start()
    stars = {f"Panel_01/{name}.png": 1 + index % 5 for index, name in enumerate(names)}
    await ask_plainly(service, "ratings", projectPath=str(project), ratings=stars)
    expected = {(project / path).read_bytes(): given for path, given in stars.items()}
    for _ in range(times):
        here, trashed = find(project)
        async with aiohttp.ClientSession() as session:
            people = [
                Person(number, project, random.Random(chance.random()), session, service.url)
                for number in range(PEOPLE)
            ]
            for person in people:
                mine = f"{person.number}_".encode()
                person.here = {data: at for data, at in here.items() if data.startswith(mine)}
                person.trashed = {data: at for data, at in trashed.items() if data.startswith(mine)}
            working = asyncio.gather(*(person.work() for person in people))
            await asyncio.sleep(chance.uniform(0.02, 0.4))
            await service.kill()
            answers += sum(await working)
        await service.start()
        # Whoever asks for anything to be done to files waits until all is settled.
        nothing = {"projectPath": str(project), "files": ["nothing.png"]}
        await ask_plainly(service, "trash", **nothing)
        intact(project, before)
        assert stars_by_bytes(project) == expected
    assert await service.stop() == 0
    return answers


@pytest.mark.campaign
@pytest.mark.timeout(900)
async def test_sixty_kills_lose_nothing(tmp_path: Path) -> None:
    """Each file exactly once with its bytes, its stars and its sidecar; log and disk agree."""
    assert await kill_often(tmp_path, 60, seed=3) > 300


async def test_a_kill_loses_nothing(tmp_path: Path) -> None:
    """A sample of the campaign above, for every run."""
    await kill_often(tmp_path, 1, seed=4)
