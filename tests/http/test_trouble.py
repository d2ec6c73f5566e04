"""A share that is full, gone, slow or forbidden: 503 with the reason, never a false OK."""

from __future__ import annotations

import asyncio
import errno
import os
import shutil
from pathlib import Path
from typing import Any

import orjson
import pytest

from events.log import writer
from orchestrator import project as project_module
from orchestrator import projects as projects_module
from orchestrator.gallery import listing, picture
from tests.http.disks import on_disk
from tests.http.studio import Service, Studio, events_of, graph, log_of, refused

FIRST = "Panel_01/Eliot_Panel_01_v001.png"
SECOND = "Panel_01/Eliot_Panel_01_v002.png"
OTHERS = (SECOND, "Panel_01/Eliot_Panel_01_v003.png", "Panel_02/Eliot_Panel_02_v001.png")


async def every_change(service: Service, status: int, code: str) -> None:
    """Assert that every kind of change is refused in the same words."""
    job = {"workflow": graph(), "project_path": str(service.project)}
    for answer in (
        await service.rate(FIRST, 5),
        await service.gallery("tags", name="Hero"),
        await service.gallery("views", viewMode="list"),
        await service.post("/api/job", job),
    ):
        refused(answer, status, code)


class TestFullDisk:
    async def test_nothing_is_acknowledged(self, service: Service) -> None:
        """Every change is a 503 with the reason; what is read stays as it was."""
        disk = await on_disk(service)
        assert (await service.rate(FIRST, 3)).status == 200
        disk.full = True
        plain = refused(await service.rate(FIRST, 5), 503, "project.read_only")
        assert "No space left on device" in plain["message"]
        await every_change(service, 503, "project.read_only")
        assert await service.ratings() == {FIRST: 3}
        health = (await service.get("/health")).plain
        assert "No space left" in health["projects_read_only"][0]

    async def test_it_heals_when_there_is_room(
        self, studio: Studio, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Without a restart; and what was refused has not happened, here or on another host."""
        disk = await on_disk(service)
        disk.full = True
        refused(await service.rate(FIRST, 5), 503, "project.read_only")
        disk.full = False
        monkeypatch.setattr(projects_module, "REOPEN_SECONDS", 0.0)
        assert (await service.rate(SECOND, 2)).status == 200
        assert await service.ratings() == {SECOND: 2}
        other = await studio.host("bela")
        assert await other.ratings() == {SECOND: 2}
        assert (await service.get("/health")).plain["projects_read_only"] == []

    async def test_many_at_once(self, service: Service) -> None:
        """All who wait are told, and none that all is well."""
        disk = await on_disk(service)
        disk.full = True
        answers = await asyncio.gather(
            *(service.gallery("tags", name=f"tag {n}") for n in range(20))
        )
        for answer in answers:
            refused(answer, 503, "project.read_only")
        assert [tag["name"] for tag in (await service.ask("tags"))["tags"].values()] == ["first"]


class TestSlowDisk:
    async def test_a_full_queue(self, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
        """503 at once for those who come too late; those who wait are served in the end."""
        disk = await on_disk(service)
        monkeypatch.setattr(writer, "MAX_WAITING_EVENTS", 2)
        disk.release.clear()
        disk.syncing.clear()
        first = asyncio.create_task(service.rate(FIRST, 1))
        await asyncio.to_thread(disk.syncing.wait, 30)
        second = asyncio.create_task(service.rate(SECOND, 2))
        log = (await service.opened()).log
        assert log is not None
        while not log.waiting:  # noqa: ASYNC110  # the writer's queue has no event of its own
            await asyncio.sleep(0.005)
        late = await asyncio.gather(*(service.rate(file, 2) for file in OTHERS[1:]))
        for answer in late:
            assert "Retry-After" in refused(answer, 503, "log.busy")["remedy"]
        disk.release.set()
        assert [(await first).status, (await second).status] == [200, 200]
        assert await service.ratings() == {FIRST: 1, SECOND: 2}

    async def test_too_slow_to_tell(
        self, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """After a long wait a client is told that nothing is certain; the change still comes."""
        disk = await on_disk(service)
        monkeypatch.setattr(project_module, "SETTLE_SECONDS", 0.05)
        disk.release.clear()
        plain = refused(await service.rate(FIRST, 1), 503, "log.unsettled")
        assert "may still be written" in plain["message"]
        monkeypatch.undo()
        disk.release.set()
        # Changes of one file take turns, so the second comes after the first.
        assert (await service.rate(FIRST, 2)).status == 200
        stars = [e["d"]["stars"] for e in events_of(service.project) if e["t"] == "asset.rated"]
        assert stars == [1, 2]


class TestForbiddenWriting:
    async def test_the_log_needs_a_newer_program_to_write(
        self, studio: Studio, service: Service
    ) -> None:
        """It can still be read."""
        await service.rate(FIRST, 3)
        await service.close()
        amend(studio.project, write=["shards"])
        before = log_of(studio.project)
        again = await studio.host()
        await every_change(again, 503, "project.read_only")
        assert await again.ratings() == {FIRST: 3}
        assert log_of(studio.project) == before

    @pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="root may write anywhere")
    async def test_a_folder_that_may_not_be_written(self, service: Service) -> None:
        """No log can be made there."""
        service.project.chmod(0o555)
        try:
            await every_change(service, 503, "project.read_only")
        finally:
            service.project.chmod(0o755)
        assert log_of(service.project) == {}

    async def test_something_else_is_called_gallery(self, service: Service) -> None:
        """A file stands where the log's folder should be: it is left alone."""
        (service.project / ".gallery").write_text("mine")
        await every_change(service, 503, "project.read_only")
        assert await service.ratings() == {}
        assert (service.project / ".gallery").read_text() == "mine"

    @pytest.mark.skipif(shutil.which("mount") is None, reason="needs mount")
    @pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root may mount")
    async def test_a_disk_that_is_really_full(self, studio: Studio, service: Service) -> None:
        """A file system of 64 KiB: what was answered is there, what was refused is not."""
        small = studio.share / "Small"
        small.mkdir()
        if os.spawnlp(os.P_WAIT, "mount", "mount", "-t", "tmpfs", "-o", "size=64k", "t", small):  # noqa: ASYNC221
            pytest.skip("mounting is not allowed here")
        try:
            service.project = small
            kept: list[str] = []
            status = 200
            while status == 200:
                answer = await service.gallery("tags", name=f"{len(kept)} " + "x" * 90)
                status = answer.status
                if status == 200:
                    kept.append(answer.plain["tag"]["id"])
            refused(answer, 503, "project.read_only")
            assert kept
            assert set((await service.ask("tags"))["tags"]) == set(kept)
            await service.close()
            again = await studio.host("bela")
            again.project = small
            assert set(kept) <= set((await again.ask("tags"))["tags"])
        finally:
            await studio.close()
            os.spawnlp(os.P_WAIT, "umount", "umount", "-l", small)  # noqa: ASYNC221


def amend(root: Path, /, **fields: Any) -> None:
    """Change the project's FORMAT file."""
    path = root / ".gallery" / "FORMAT"
    path.write_bytes(orjson.dumps({**orjson.loads(path.read_bytes()), **fields}) + b"\n")


class TestForbiddenReading:
    @pytest.mark.parametrize(
        ("fields", "says"),
        [
            ({"fmt": 2}, "has format 2"),
            ({"read": ["cipher"]}, "cipher"),
            ({"format": "other"}, "damaged"),
            ({"project": "x"}, "no project id"),
        ],
    )
    async def test_a_format_that_we_do_not_read(
        self, studio: Studio, service: Service, fields: dict[str, Any], says: str
    ) -> None:
        """Neither read nor written: 503 with the reason, for every endpoint."""
        await service.rate(FIRST, 3)
        await service.close()
        amend(studio.project, **fields)
        before = log_of(studio.project)
        again = await studio.host()
        plain = refused(await again.rate(FIRST, 1), 503, "project.unreadable")
        assert says in plain["message"]
        await every_change(again, 503, "project.unreadable")
        for name in ("ratings", "tags", "views"):
            answer = await again.get(f"/api/gallery/{name}", projectPath=str(studio.project))
            refused(answer, 503, "project.unreadable")
        refused(await again.gallery("scan-tree"), 503, "project.unreadable")
        refused(
            await again.get("/api/jobs", project=str(studio.project)), 503, "project.unreadable"
        )
        assert log_of(studio.project) == before

    @pytest.mark.parametrize("data", [b"", b"{", b"\0" * 100, b"[]", b"null"])
    async def test_a_broken_format(self, studio: Studio, service: Service, data: bytes) -> None:
        """It is not made anew: that would be another project."""
        await service.rate(FIRST, 3)
        await service.close()
        (studio.project / ".gallery" / "FORMAT").write_bytes(data)
        again = await studio.host()
        refused(await again.rate(FIRST, 1), 503, "project.unreadable")
        assert (studio.project / ".gallery" / "FORMAT").read_bytes() == data

    @pytest.mark.parametrize(
        "number", [errno.EIO, errno.ESTALE, errno.EACCES, errno.EHOSTDOWN, errno.ETIMEDOUT]
    )
    async def test_a_share_that_answers_with_errors(
        self, service: Service, monkeypatch: pytest.MonkeyPatch, number: int
    ) -> None:
        """503 that says what the share said."""
        await service.rate(FIRST, 1)

        def fail(*_: object, **__: object) -> Any:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(os, "scandir", fail)
        monkeypatch.setattr(listing, "looking_into", fail)
        for answer in (
            await service.gallery("scan-folder", folderPath="Panel_01"),
            await service.gallery("scan-tree"),
            await service.gallery("scan-recursive"),
            await service.gallery("folder-stats"),
        ):
            plain = refused(answer, 503, "file.unreadable")
            assert plain["detail"]["reason"] == os.strerror(number)
        monkeypatch.undo()
        monkeypatch.setattr(os, "open", fail)
        path = service.project / FIRST
        refused(await service.get("/api/serve-image", path=str(path)), 503, "file.unreadable")
        monkeypatch.undo()
        monkeypatch.setattr(Path, "open", fail)
        monkeypatch.setattr(picture, "read_head", fail)
        for answer in (
            await service.rate(SECOND, 3),
            await service.gallery("file-info", filePath=SECOND),
            await service.get("/api/png-metadata", path=str(path)),
        ):
            refused(answer, 503, "file.unreadable")
        monkeypatch.undo()
        assert await service.ratings() == {FIRST: 1}


class TestMissingShare:
    async def test_a_known_project_without_its_log(self, studio: Studio, service: Service) -> None:
        """The folder is there, its `.gallery` is not: an empty mount point. Nothing is created."""
        await service.rate(FIRST, 3)
        await service.close()
        (studio.project / ".gallery").rename(studio.folder / "away")
        again = await studio.host()
        plain = refused(await again.rate(FIRST, 5), 503, "project.share_missing")
        assert "Mount the share" in plain["remedy"]
        await every_change(again, 503, "project.share_missing")
        for name in ("ratings", "tags", "views"):
            answer = await again.get(f"/api/gallery/{name}", projectPath=str(studio.project))
            refused(answer, 503, "project.share_missing")
        assert not (studio.project / ".gallery").exists()

    async def test_a_known_project_without_its_folder(
        self, studio: Studio, service: Service
    ) -> None:
        """The usual case: nothing at all is mounted. Not 404, as if it had never been."""
        await service.rate(FIRST, 3)
        await service.close()
        studio.project.rename(studio.folder / "away")
        again = await studio.host()
        await every_change(again, 503, "project.share_missing")
        assert not studio.project.exists()
        (studio.folder / "away").rename(studio.project)
        assert await again.ratings() == {FIRST: 3}

    async def test_a_folder_that_answers_with_an_error(
        self, studio: Studio, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A stale handle, say: 503 with what the share said."""
        service = await studio.host()

        def fail(_: Path) -> Any:
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))

        monkeypatch.setattr(Path, "is_dir", fail)
        plain = refused(await service.rate(FIRST, 1), 503, "project.unreadable")
        assert os.strerror(errno.ESTALE) in plain["message"]

    async def test_it_comes_back(self, studio: Studio, service: Service) -> None:
        """Without a restart."""
        await service.rate(FIRST, 3)
        await service.close()
        (studio.project / ".gallery").rename(studio.folder / "away")
        again = await studio.host()
        refused(await again.rate(FIRST, 5), 503, "project.share_missing")
        (studio.folder / "away").rename(studio.project / ".gallery")
        assert (await again.rate(FIRST, 5)).status == 200
        assert await again.ratings() == {FIRST: 5}

    async def test_it_goes_while_the_project_is_open(
        self, studio: Studio, service: Service
    ) -> None:
        """Opened and read, then gone: the first change finds no folder, and makes none."""
        await service.rate(FIRST, 3)
        await service.close()
        again = await studio.host()
        assert await again.ratings() == {FIRST: 3}
        (studio.project / ".gallery").rename(studio.folder / "away")
        refused(await again.rate(FIRST, 5), 503, "project.read_only")
        assert not (studio.project / ".gallery").exists()
        (studio.folder / "away").rename(studio.project / ".gallery")
        assert await (await studio.host("bela")).ratings() == {FIRST: 3}

    async def test_others_go_on(self, studio: Studio, service: Service) -> None:
        """One share's trouble is not the others'."""
        await service.rate(FIRST, 3)
        await service.close()
        (studio.project / ".gallery").rename(studio.folder / "away")
        again = await studio.host()
        refused(await again.rate(FIRST, 5), 503, "project.share_missing")
        await again.submit()
        (studio.share / "Other").mkdir()
        again.project = studio.share / "Other"
        assert (await again.gallery("tags", name="Hero")).status == 200
