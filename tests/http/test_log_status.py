"""`GET /api/log/status` and what of it stands in the health: how other hosts' edits arrive."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import orjson
import pytest

from events.log.disk_io import DiskIO
from events.log.folder import FolderLog
from tests.http.studio import Service, Studio, log_of, refused
from tests.http.test_peers import PICTURE, follower_of, meet, reachable


async def status(service: Service, project: Path | None = None) -> Any:
    """What a service says of a project's log."""
    answer = await service.get("/api/log/status", projectPath=str(project or service.project))
    assert answer.status == 200, answer.body
    return answer.plain


async def read_anew(service: Service) -> None:
    """Let it read, and look around."""
    follower = await follower_of(service)
    follower._list_due = 0.0
    await follower.once()


class TestOneHost:
    async def test_nobody_has_edited_anything(self, service: Service) -> None:
        """No log, no writers; and asking makes none."""
        told = await status(service)
        assert (told["project_id"], told["writers"], told["peers"]) == (None, [], [])
        assert told["read_only"] is None
        assert told["following"]["pace"] == "hot"
        assert not (service.project / ".gallery").exists()

    async def test_our_own_writer(self, service: Service) -> None:
        """Where it is, and that it is this very process."""
        await service.rate(PICTURE, 3)
        told = await status(service)
        (writer,) = told["writers"]
        form = orjson.loads((service.project / ".gallery" / "FORMAT").read_bytes())
        (segment,) = (service.project / ".gallery" / "log").iterdir()
        assert told["project_id"] == form["project"]
        assert segment.name == f"{writer['writer']}.{writer['host']}.000001.jsonl"
        assert (writer["ours"], writer["current"], writer["alive"]) == (True, True, True)
        assert writer["position"] == {
            "sequence": 1,
            "segment": 1,
            "offset": segment.stat().st_size,
        }
        assert (writer["state"], writer["message"]) == ("clean", "")
        assert writer["lag"] == {"records": 0, "seconds": 0.0}

    async def test_an_unknown_folder(self, service: Service) -> None:
        """As everywhere."""
        answer = await service.get("/api/log/status", projectPath=str(service.project / "nowhere"))
        refused(answer, 404, "file.missing")
        refused(await service.get("/api/log/status"), 422, "request.invalid")


class TestTwoHosts:
    async def test_each_sees_the_other(self, studio: Studio) -> None:
        """By name, with its address, when it was heard, and that nothing is outstanding."""
        one, two = await studio.host("ada"), await studio.host("ben")
        url = reachable(one)
        for stars_given, service in enumerate((one, two), 1):
            await service.rate(PICTURE, stars_given)
        await meet(one, two)
        told = await status(two)
        (peer,) = told["peers"]
        assert (peer["alive"], peer["url"]) == (True, url)
        (other,) = [writer for writer in told["writers"] if not writer["ours"]]
        assert other["host"] == peer["host"]
        assert other["host_name"] == peer["name"]
        assert (other["alive"], other["current"]) == (True, False)
        assert other["last_heard"] is not None
        assert other["lag"] == {"records": 0, "seconds": 0.0}
        assert told["following"]["announced"]
        health = (await two.get("/health")).plain
        assert (health["hosts_heard"], health["worst_lag_seconds"]) == (1, 0.0)

    async def test_one_that_was_stopped_is_gone(self, studio: Studio) -> None:
        """Its writer stays, and is not alive."""
        one, two = await studio.host("ada"), await studio.host("ben")
        for stars_given, service in enumerate((one, two), 1):
            await service.rate(PICTURE, stars_given)
        await meet(one, two)
        await one.stop()
        follower = await follower_of(two)
        log = follower.project.log
        assert isinstance(log, FolderLog)
        log._presence._looked = float("-inf")
        await read_anew(two)
        told = await status(two)
        assert told["peers"] == []
        assert [writer["alive"] for writer in told["writers"]] == [False, True]

    async def test_a_damaged_writer_stops_alone(self, studio: Studio) -> None:
        """Its class and the reason stand there, the health counts it, the others go on."""
        one, two, three = [await studio.host(name) for name in ("ada", "ben", "eva")]
        for stars_given, service in enumerate((one, two), 1):
            await service.rate(PICTURE, stars_given)
        await one.stop()
        host = (await one.opened()).host.id
        (segment,) = (two.project / ".gallery" / "log").glob(f"*.{host}.*")
        segment.write_bytes(segment.read_bytes().replace(b'"stars":1', b'"stars":4'))
        told = await status(three)
        states = {writer["host"] == host: writer["state"] for writer in told["writers"]}
        assert states == {True: "corrupt", False: "clean"}
        assert (await three.get("/health")).plain["writers_with_alarms"] == 1
        assert [finding["kind"] for finding in told["findings"]] == ["corrupt"]


class TestNotices:
    async def test_a_copied_project(self, studio: Studio) -> None:
        """Both places say so, edits are refused with the remedy, and the copy stays as it is."""
        service = await studio.host()
        await service.rate(PICTURE, 3)
        copy = Path(shutil.copytree(service.project, studio.share / "Eliot-copy"))
        before = log_of(copy)
        told = await status(service, copy)
        assert str(service.project) in told["read_only"]
        assert told["also_at"] == [str(service.project)]
        assert (await status(service))["also_at"] == [str(copy)]
        body = {"projectPath": str(copy), "filePath": PICTURE, "rating": 5}
        plain = refused(await service.post("/api/gallery/ratings", body), 503, "project.read_only")
        assert "copy of the project" in plain["message"]
        (line,) = (await service.get("/health")).plain["projects_read_only"]
        assert line.startswith(f"{copy}: ")
        assert log_of(copy) == before
        assert (await service.rate(PICTURE, 5)).status == 200

    async def test_a_share_that_is_mounted_read_only(
        self, studio: Studio, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The gallery can be looked at; an edit is refused before anything is tried."""
        service = await studio.host()
        await service.rate(PICTURE, 3)
        await service.stop()
        before = log_of(service.project)
        why = "the share is mounted read-only here; mount it for writing"
        monkeypatch.setattr(DiskIO, "unwritable", lambda *_: why)
        again = await studio.host("ben")
        assert await again.ratings() == {PICTURE: 3}
        assert (await status(again))["read_only"] == why
        plain = refused(await again.rate(PICTURE, 5), 503, "project.read_only")
        assert why in plain["message"]
        assert log_of(service.project) == before
        monkeypatch.undo()
        await read_anew(again)
        assert (await again.rate(PICTURE, 5)).status == 200

    async def test_copies_made_by_sync_tools(self, service: Service) -> None:
        """They are listed with what to do, and nothing of them counts."""
        await service.rate(PICTURE, 3)
        (segment,) = (service.project / ".gallery" / "log").iterdir()
        other = segment.with_name(segment.stem + " (conflicted copy).jsonl")
        shutil.copy(segment, other)
        await read_anew(service)
        told = await status(service)
        (finding,) = told["findings"]
        assert (finding["kind"], finding["file"]) == ("foreign", other.name)
        assert "sync tool" in finding["message"]
        assert len(told["writers"]) == 1
        assert (await service.rate(PICTURE, 4)).status == 200
