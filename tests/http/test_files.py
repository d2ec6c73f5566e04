"""Files as they are (`serve-image`), what stands in them (`png-metadata`), the current project."""

from __future__ import annotations

import os
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from tests.http.studio import PROMPT, WORKFLOW, Answer, Service, Studio, faults, read, refused

FIRST = "Panel_01/Eliot_Panel_01_v001.png"


async def fetch(service: Service, path: Path, method: str = "GET", **headers: str) -> Answer:
    """Ask for a file; `If_None_Match` becomes `If-None-Match`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    query = {"path": str(path)}
    return await read(
        await service.client.request(method, "/api/serve-image", params=query, headers=named)
    )


class TestServeImage:
    async def test_the_very_bytes(self, service: Service) -> None:
        """As they lie on the share."""
        path = service.project / FIRST
        answer = await fetch(service, path)
        assert (answer.status, answer.body) == (200, path.read_bytes())
        assert answer.headers["Content-Type"] == "image/png"
        assert answer.headers["Accept-Ranges"] == "bytes"

    @pytest.mark.parametrize(
        ("suffix", "kind"),
        [
            ("png", "image/png"),
            ("JPG", "image/jpeg"),
            ("webp", "image/webp"),
            ("gif", "image/gif"),
            ("mp4", "video/mp4"),
            ("mov", "video/quicktime"),
            ("avi", "video/x-msvideo"),
            ("webm", "video/webm"),
            ("mkv", "video/matroska"),
        ],
    )
    async def test_the_documented_kinds(self, service: Service, suffix: str, kind: str) -> None:
        """Each with its type, and never guessed by the browser."""
        path = service.project / f"a.{suffix}"
        path.write_bytes(b"<script>alert(1)</script>")
        answer = await fetch(service, path)
        assert answer.headers["Content-Type"] == kind
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "Content-Disposition" not in answer.headers

    async def test_a_part(self, service: Service) -> None:
        """Players jump about in videos."""
        path = service.project / FIRST
        size = path.stat().st_size
        answer = await fetch(service, path, Range="bytes=10-19")
        assert (answer.status, answer.body) == (206, path.read_bytes()[10:20])
        assert answer.headers["Content-Range"] == f"bytes 10-19/{size}"

    async def test_the_end(self, service: Service) -> None:
        """From somewhere to the end, and the last bytes."""
        path = service.project / FIRST
        assert (await fetch(service, path, Range="bytes=10-")).body == path.read_bytes()[10:]
        assert (await fetch(service, path, Range="bytes=-5")).body == path.read_bytes()[-5:]

    @pytest.mark.parametrize("span", ["bytes=999999-", "bytes=999999-9999999", "bytes=-0"])
    async def test_a_part_that_there_is_not(self, service: Service, span: str) -> None:
        """416, with the size; as a refusal like any other."""
        path = service.project / FIRST
        answer = await fetch(service, path, Range=span)
        refused(answer, 416, "http.range_not_satisfiable")
        assert answer.headers["Content-Range"] == f"bytes */{path.stat().st_size}"

    @pytest.mark.parametrize(
        "span", ["bytes=5-2", "bytes=a-b", "lines=1-2", "bytes=-", "bytes=0-1,4-5", "x"]
    )
    async def test_what_is_not_understood_is_passed_over(self, service: Service, span: str) -> None:
        """The whole file then, as the RFC wants it."""
        answer = await fetch(service, service.project / FIRST, Range=span)
        assert (answer.status, answer.body) == (200, (service.project / FIRST).read_bytes())

    async def test_a_large_file(self, service: Service) -> None:
        """It goes out in many pieces, and arrives whole."""
        path = service.project / "film.mp4"
        data = bytes(range(256)) * 5_000
        path.write_bytes(data)
        assert (await fetch(service, path)).body == data
        answer = await fetch(service, path, Range="bytes=1000-1100000")
        assert (answer.status, answer.body) == (206, data[1000:1_100_001])

    async def test_another_version_than_insisted_on(self, service: Service) -> None:
        """If-Match: 412, as a refusal like any other."""
        path = service.project / FIRST
        answer = await fetch(service, path, If_Match='"old"')
        refused(answer, 412, "http.precondition_failed")
        tag = (await fetch(service, path)).headers["ETag"]
        assert (await fetch(service, path, If_Match=tag)).status == 200

    async def test_known_already(self, service: Service) -> None:
        """A mere 304 for who has it, by ETag or by time."""
        path = service.project / FIRST
        first = await fetch(service, path)
        for headers in (
            {"If_None_Match": first.headers["ETag"]},
            {"If_Modified_Since": first.headers["Last-Modified"]},
        ):
            answer = await fetch(service, path, **headers)
            assert (answer.status, answer.body) == (304, b"")
            assert answer.headers["ETag"] == first.headers["ETag"]

    async def test_changed_since(self, service: Service) -> None:
        """Another ETag, and the new bytes."""
        path = service.project / FIRST
        first = await fetch(service, path)
        path.write_bytes(path.read_bytes() + b"more")
        answer = await fetch(service, path, If_None_Match=first.headers["ETag"])
        assert (answer.status, answer.body) == (200, path.read_bytes())
        since = formatdate(path.stat().st_mtime - 60, usegmt=True)
        assert (await fetch(service, path, If_Modified_Since=since)).status == 200

    async def test_a_part_of_what_has_changed(self, service: Service) -> None:
        """If-Range with another version: the whole file, lest old and new be patched together."""
        path = service.project / FIRST
        first = await fetch(service, path)
        since = formatdate(path.stat().st_mtime - 60, usegmt=True)
        for old in (since, '"old"', 'W/"old"', "x"):
            answer = await fetch(service, path, Range="bytes=10-19", If_Range=old)
            assert (answer.status, answer.body) == (200, path.read_bytes())
        for current in (first.headers["ETag"], first.headers["Last-Modified"]):
            answer = await fetch(service, path, Range="bytes=10-19", If_Range=current)
            assert (answer.status, len(answer.body)) == (206, 10)

    async def test_it_must_be_asked_for_again(self, service: Service) -> None:
        """A file may be rendered anew at any time: nobody may show an old one unasked."""
        answer = await fetch(service, service.project / FIRST)
        assert answer.headers["Cache-Control"] == "no-cache"

    async def test_head(self, service: Service) -> None:
        """Size and type without the bytes."""
        path = service.project / FIRST
        answer = await fetch(service, path, "HEAD")
        assert (answer.status, answer.body) == (200, b"")
        assert answer.headers["Content-Length"] == str(path.stat().st_size)

    async def test_an_empty_file(self, service: Service) -> None:
        """No bytes, no error."""
        (service.project / "empty.png").touch()
        answer = await fetch(service, service.project / "empty.png")
        assert (answer.status, answer.body) == (200, b"")

    async def test_a_gz_beside_it_is_not_sent(self, service: Service) -> None:
        """What somebody packed there is another file."""
        (service.project / f"{FIRST}.gz").write_bytes(b"other")
        answer = await fetch(service, service.project / FIRST, Accept_Encoding="gzip")
        assert answer.body == (service.project / FIRST).read_bytes()

    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    async def test_a_missing_file(self, service: Service, method: str) -> None:
        """404."""
        answer = await fetch(service, service.project / "none.png", method)
        assert answer.status == 404
        if method == "GET":
            refused(answer, 404, "file.missing")

    async def test_a_folder_that_is_called_like_a_picture(self, service: Service) -> None:
        """It is no file."""
        (service.project / "folder.png").mkdir()
        refused(await fetch(service, service.project / "folder.png"), 404, "file.missing")

    @pytest.mark.skipif(os.name == "nt", reason="Windows has no named pipes among files")
    async def test_a_pipe_that_is_called_like_a_picture(self, service: Service) -> None:
        """Reading it would hang for ever."""
        os.mkfifo(service.project / "pipe.png")
        refused(await fetch(service, service.project / "pipe.png"), 404, "file.missing")

    @pytest.mark.parametrize("name", ["notes.txt", ".gallery/FORMAT", "page.html", "a.svg", "png"])
    async def test_no_media(self, service: Service, name: str) -> None:
        """Only pictures, videos and sounds: no page, no script, no log."""
        path = service.project / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
        refused(await fetch(service, path), 422, "path.invalid")

    async def test_outside_of_the_roots(self, service: Service, tmp_path: Path) -> None:
        """403, even for a picture."""
        (tmp_path / "private.png").write_bytes(b"x")
        refused(await fetch(service, tmp_path / "private.png"), 403, "path.not_permitted")

    async def test_a_link_out_of_the_roots(self, service: Service, tmp_path: Path) -> None:
        """What counts is where it leads; its name's suffix must not open other files either."""
        (tmp_path / "private.png").write_bytes(b"x")
        (service.project / "link.png").symlink_to(tmp_path / "private.png")
        refused(await fetch(service, service.project / "link.png"), 403, "path.not_permitted")
        (service.project / "notes.txt").write_text("x")
        (service.project / "notes.png").symlink_to(service.project / "notes.txt")
        refused(await fetch(service, service.project / "notes.png"), 422, "path.invalid")

    async def test_without_a_path(self, service: Service) -> None:
        """422 with the field."""
        answer = await service.get("/api/serve-image")
        assert faults(answer) == {"path": "is required"}

    async def test_an_output_of_the_hosts_own_project(self, service: Service) -> None:
        """It lies below `data_dir`, and can be looked at like any other."""
        root = (await service.job(await service.submit()))["project_path"]
        path = Path(root) / "a.png"
        path.write_bytes(b"x")
        assert (await fetch(service, path)).body == b"x"


#: What the frontend reads besides.
SUCCESS = {"success": True, "message": "OK", "error": None}


class TestPngMetadata:
    async def test_what_comfyui_wrote(self, service: Service) -> None:
        """The graph that ran, and the drawing."""
        answer = await service.get("/api/png-metadata", path=str(service.project / FIRST))
        assert (answer.status, answer.plain) == (
            200,
            {"prompt": PROMPT, "workflow": WORKFLOW, "parameters": None, **SUCCESS},
        )

    async def test_nothing_written(self, service: Service) -> None:
        """Three times null."""
        (service.project / "a.mp4").write_bytes(b"x")
        answer = await service.get("/api/png-metadata", path=str(service.project / "a.mp4"))
        assert answer.plain == {"prompt": None, "workflow": None, "parameters": None, **SUCCESS}

    async def test_a_missing_file(self, service: Service) -> None:
        """404."""
        answer = await service.get("/api/png-metadata", path=str(service.project / "no.png"))
        refused(answer, 404, "file.missing")


def settings(path: Path | str, **more: Any) -> dict[str, Any]:
    """A project as the existing frontend sends it."""
    return {"project": {"name": "Eliot", "path": str(path), "naming_template": "", **more}}


class TestCurrentProject:
    async def test_none_at_first(self, service: Service) -> None:
        """Not an error."""
        answer = await service.get("/api/project")
        assert answer.plain == {"success": False, "project": None, "message": "No project is set"}

    async def test_set_and_read_back(self, service: Service) -> None:
        """With everything that was sent."""
        sent = settings(service.project, description="short", created_at="2026-02-22T10:00:00Z")
        answer = await service.post("/api/project", sent)
        assert (answer.status, answer.plain["success"]) == (200, True)
        found = (await service.get("/api/project")).plain["project"]
        assert (found["name"], found["path"]) == ("Eliot", str(service.project))
        assert found["orchestrator_url"] == "http://localhost:9820"
        assert found["created_at"].startswith("2026-02-22T10:00:00")

    async def test_it_survives_a_restart(self, studio: Studio, service: Service) -> None:
        """It is kept on the host's own disk."""
        await service.post("/api/project", settings(service.project))
        await service.close()
        again = await studio.host()
        assert (await again.get("/api/project")).plain["project"]["path"] == str(service.project)

    async def test_without_a_folder_yet(self, service: Service) -> None:
        """A project may be begun before it has a place."""
        assert (await service.post("/api/project", settings(""))).status == 200

    async def test_outside_of_the_roots(self, service: Service, tmp_path: Path) -> None:
        """403, and the current project stays what it was."""
        refused(await service.post("/api/project", settings(tmp_path)), 403, "path.not_permitted")
        assert (await service.get("/api/project")).plain["project"] is None

    async def test_faulty_fields(self, service: Service) -> None:
        """Each with its path."""
        answer = await service.post("/api/project", {"project": {"path": 1, "auto_save": "yes"}})
        assert set(faults(answer)) == {"project.name", "project.path", "project.auto_save"}
