"""Gallery: how far the index is, what is missing, and a share that is away."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from tests.gallery_files.pngs import png, text
from tests.gallery_index.project import graph
from tests.http.studio import Service, Studio, log_of, picture, refused

FIRST = "Panel_01/Eliot_Panel_01_v001.png"


async def look(service: Service, **fields: Any) -> Any:
    """Look through the project now; what that found."""
    answer = await service.gallery("index", **fields)
    assert answer.status == 200, answer.body
    return answer.plain


def wall(project: Path, count: int, folder: str = "wall") -> list[str]:
    """Many pictures, each with a prompt of its own; their paths."""
    (project / folder).mkdir(parents=True)
    paths = [f"{folder}/w{number:03}.png" for number in range(count)]
    for number, path in enumerate(paths):
        (project / path).write_bytes(png(text("prompt", graph(f"castle {number}"))))
    return paths


class TestState:
    async def test_after_a_look(self, service: Service) -> None:
        """All files are counted, none is missing, and GET says the same as POST did."""
        answer = await look(service)
        assert answer == {
            "phase": "done",
            "done": 5,
            "total": 5,
            "files": 5,
            "offline": False,
            "missingCount": 0,
            "missing": [],
            "unreadable": [],
        }
        assert await service.ask("index") == answer

    async def test_asking_begins_the_first_look(self, service: Service) -> None:
        """Nobody need know that there is an index; and reading leaves nothing in the project."""
        answer = await service.ask("index")
        assert answer["phase"] in ("looking", "reading", "done")
        await look(service)
        assert log_of(service.project) == {}

    async def test_it_outlives_a_restart(self, studio: Studio, service: Service) -> None:
        """What was read is not read again."""
        await look(service)
        await service.close()
        again = await studio.host()
        picture(again.project / "Panel_02" / "new.png")
        await look(again)
        assert (await again.ask("index"))["files"] == 6

    async def test_broken_and_empty_files_count_too(self, service: Service) -> None:
        """They are listed all the same, and nothing else suffers."""
        (service.project / "cut.png").write_bytes(png()[:20])
        (service.project / "empty.exr").write_bytes(b"")
        assert (await look(service))["files"] == 7

    async def test_an_unknown_project(self, service: Service) -> None:
        """404, as everywhere."""
        answer = await service.gallery("index", projectPath=str(service.project / "none"))
        refused(answer, 404, "file.missing")


class TestMissing:
    async def test_a_file_that_was_deleted(self, service: Service) -> None:
        """It is missing, since when is said, and its stars are kept."""
        await service.rate(FIRST, 5)
        await look(service)
        (service.project / FIRST).unlink()
        answer = await look(service)
        assert (answer["offline"], answer["missingCount"], answer["files"]) == (False, 1, 4)
        (missing,) = answer["missing"]
        assert missing["path"] == FIRST
        assert missing["since"].endswith("Z")
        assert await service.ratings() == {FIRST: 5}

    async def test_it_comes_back(self, service: Service) -> None:
        """As it was: then nothing is missing, and nobody has lost anything."""
        await service.rate(FIRST, 5)
        away = service.project.parent / "away.png"
        await look(service)
        (service.project / FIRST).rename(away)
        await look(service)
        away.rename(service.project / FIRST)
        assert (await look(service))["missing"] == []
        assert await service.ratings() == {FIRST: 5}


class TestOffline:
    async def test_a_mass_miss_waits_for_a_person(self, service: Service) -> None:
        """The answer says so, nothing is recorded; then somebody confirms it."""
        wall(service.project, 30)
        await look(service)
        shutil.rmtree(service.project / "wall")

        answer = await look(service)
        assert (answer["offline"], answer["missingCount"]) == (True, 0)
        found = await service.gallery("search", query="castle")
        assert found.plain["total"] == 30

        answer = await look(service, acceptLoss=True)
        assert (answer["offline"], answer["missingCount"]) == (False, 30)
        assert (await service.gallery("search", query="castle")).plain["total"] == 0

    async def test_a_share_that_is_not_mounted(self, service: Service) -> None:
        """Its folder is empty; not even a confirmation makes that a loss."""
        await service.rate(FIRST, 5)
        await look(service)
        away = service.project.parent / "away"
        service.project.rename(away)
        service.project.mkdir()
        for confirmed in (False, True):
            answer = await look(service, acceptLoss=confirmed)
            assert (answer["offline"], answer["missingCount"]) == (True, 0)
        service.project.rmdir()
        away.rename(service.project)
        assert (await look(service))["offline"] is False
        assert await service.ratings() == {FIRST: 5}

    async def test_a_folder_that_was_renamed_is_not_offline(self, service: Service) -> None:
        """Its files are there, under other names."""
        wall(service.project, 30)
        await look(service)
        (service.project / "wall").rename(service.project / "room")
        answer = await look(service)
        assert (answer["offline"], answer["missingCount"]) == (False, 30)
        found = await service.gallery("search", query="castle", folderPath="room")
        assert found.plain["total"] == 30
