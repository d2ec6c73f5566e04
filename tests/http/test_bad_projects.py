"""Folders that are no project, or none that we may use: told, with a remedy, and left untouched."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.http.studio import Answer, Service, Studio, graph, refused

FIRST = "Panel_01/Eliot_Panel_01_v001.png"

#: Where to look for help that a message may offer.
UPGRADE = "Upgrade this program"
RESTORE = "Restore it from a backup"


def all_of(root: Path) -> dict[str, bytes | None]:
    """Everything in a project's folder, by path: files with their bytes, folders without."""
    return {
        str(path.relative_to(root)): path.read_bytes() if path.is_file() else None
        for path in root.rglob("*")
    }


async def every_change(service: Service) -> list[Answer]:
    """One change of each kind."""
    job = {"workflow": graph(), "project_path": str(service.project)}
    return [
        await service.rate(FIRST, 5),
        await service.gallery("tags", name="Hero"),
        await service.gallery("views", viewMode="list"),
        await service.gallery("notes", filePath=FIRST, note="x"),
        await service.gallery("rename-file", filePath=FIRST, newName="new.png"),
        await service.gallery("trash", files=[FIRST]),
        await service.post("/api/job", job),
    ]


async def every_look(service: Service) -> list[Answer]:
    """Look at the project in several ways."""
    about = {"projectPath": str(service.project)}
    return [
        *[await service.get(f"/api/gallery/{name}", **about) for name in ("ratings", "tags")],
        await service.gallery("scan-tree"),
        await service.get("/api/jobs", project=str(service.project)),
    ]


def amended(**fields: Any) -> Callable[[bytes], bytes]:
    """FORMAT with other fields."""
    return lambda data: orjson.dumps({**orjson.loads(data), **fields}) + b"\n"


UNREADABLE = [
    pytest.param(amended(fmt=2), "has format 2", UPGRADE, id="a newer version"),
    pytest.param(amended(read=["sealed-box"]), "sealed-box", UPGRADE, id="a feature to read"),
    pytest.param(amended(format="x"), "damaged", RESTORE, id="another format"),
    pytest.param(amended(project="../x"), "no project id", RESTORE, id="a forged id"),
    pytest.param(lambda data: data[:30], "damaged", RESTORE, id="cut off"),
    pytest.param(lambda data: bytes(len(data)), "damaged", RESTORE, id="zeros"),
    pytest.param(lambda data: data.replace(b'"fmt"', b'"fmu"'), "damaged", RESTORE, id="one bit"),
    pytest.param(lambda data: data * 1_000, "damaged", RESTORE, id="many"),
]


class TestFormat:
    @pytest.mark.parametrize(("change", "says", "remedy"), UNREADABLE)
    async def test_one_that_forbids_reading(
        self,
        studio: Studio,
        service: Service,
        change: Callable[[bytes], bytes],
        says: str,
        remedy: str,
    ) -> None:
        """For a host that knows the project and for one that does not (FORMAT.md F2)."""
        await service.rate(FIRST, 3)
        await service.close()
        path = studio.project / ".gallery" / "FORMAT"
        good = path.read_bytes()
        path.write_bytes(change(good))
        before = all_of(studio.project)

        for host in (await studio.host("ada"), await studio.host("bela")):
            for answer in (*await every_change(host), *await every_look(host)):
                plain = refused(answer, 503, "project.unreadable")
                assert says in plain["message"]
                assert remedy in plain["message"]
                assert str(path) in plain["message"]
            assert all_of(studio.project) == before

            path.write_bytes(good)
            assert await host.ratings() == {FIRST: 3}, "mended, it is there without a restart"
            await host.close()
            path.write_bytes(change(good))

    async def test_a_feature_to_write(self, studio: Studio, service: Service) -> None:
        """Everything can be seen, nothing changed (FORMAT.md F3)."""
        await service.rate(FIRST, 3)
        await service.close()
        path = studio.project / ".gallery" / "FORMAT"
        path.write_bytes(amended(write=["counter-signed"])(path.read_bytes()))
        before = all_of(studio.project)

        for host in (await studio.host("ada"), await studio.host("bela")):
            assert await host.ratings() == {FIRST: 3}
            for answer in await every_look(host):
                assert answer.status == 200, answer.body
            for answer in await every_change(host):
                plain = refused(answer, 503, "project.read_only")
                assert "counter-signed" in plain["message"]
                assert "upgrade this program" in plain["remedy"]
            health = (await host.get("/health")).plain
            assert "counter-signed" in health["projects_read_only"][0]
            await host.close()
        assert all_of(studio.project) == before

    @pytest.mark.parametrize("kind", ["pipe", "folder", "link to nowhere"])
    async def test_something_else_of_that_name(
        self, studio: Studio, service: Service, kind: str
    ) -> None:
        """It is no FORMAT; nobody waits for it, nobody puts one in its place (FORMAT.md F1, F2)."""
        await service.rate(FIRST, 3)
        await service.close()
        path = studio.project / ".gallery" / "FORMAT"
        path.unlink()
        match kind:
            case "pipe":
                os.mkfifo(path)
            case "folder":
                path.mkdir()
            case _:
                path.symlink_to(studio.folder / "nowhere")
        before = all_of(studio.project)
        host = await studio.host("bela")

        for answer in (*await every_change(host), *await every_look(host)):
            refused(answer, 503, "project.unreadable")
        assert all_of(studio.project) == before

    async def test_none_although_there_is_a_log(self, studio: Studio, service: Service) -> None:
        """Another would make the log nobody's; the message says where its id is (FORMAT.md F1)."""
        await service.rate(FIRST, 3)
        await service.close()
        path = studio.project / ".gallery" / "FORMAT"
        good = path.read_bytes()
        path.unlink()
        before = all_of(studio.project)

        ada, bela = await studio.host("ada"), await studio.host("bela")
        for answer in (*await every_change(ada), *await every_look(ada)):
            # This host has seen it: it may be that the share is not there.
            refused(answer, 503, "project.share_missing")
        for answer in (*await every_change(bela), *await every_look(bela)):
            plain = refused(answer, 503, "project.unreadable")
            assert f"{path} is missing" in plain["message"]
            assert RESTORE in plain["message"]
        assert all_of(studio.project) == before
        path.write_bytes(good)
        for host in (ada, bela):
            assert await host.ratings() == {FIRST: 3}


class TestFolders:
    async def test_one_that_nobody_edited_is_left_as_it_is(self, service: Service) -> None:
        """Looking creates nothing; it is no error either (FORMAT.md W10)."""
        before = all_of(service.project)

        for answer in await every_look(service):
            assert answer.status == 200, answer.body
        await service.stop()
        assert all_of(service.project) == before

    async def test_one_that_is_not_there(self, service: Service) -> None:
        """Nothing is made in its place."""
        service.project = service.project.parent / "nowhere"

        for answer in (*await every_change(service), *await every_look(service)):
            plain = refused(answer, 404, "file.missing")
            assert "nowhere" in plain["message"]
        assert not service.project.exists()

    async def test_one_that_is_a_file(self, service: Service) -> None:
        """A file is no project."""
        file = service.project / FIRST
        before = all_of(service.project)
        service.project = file

        for answer in (*await every_change(service), *await every_look(service)):
            assert answer.status in {404, 422}, answer.body
            assert answer.plain["remedy"].endswith(".")
        assert all_of(file.parents[1]) == before

    @pytest.mark.parametrize("name", [".gallery", ".gallery/log"])
    async def test_a_file_in_the_place_of_our_folder(self, service: Service, name: str) -> None:
        """Told, and left alone."""
        path = service.project / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"something else")
        before = all_of(service.project)

        for answer in await every_change(service):
            assert answer.status == 503, answer.body
            assert str(path) in answer.plain["message"]
        assert all_of(service.project) == before
