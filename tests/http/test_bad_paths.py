"""Names and paths that nobody may use, sent to every endpoint that takes one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import orjson
import pytest

from tests.http.studio import Answer, Service, graph, log_of, picture, refused

FIRST = "Panel_01/Eliot_Panel_01_v001.png"

#: Paths that are wrong by themselves, wherever they would lead.
CLIMBING = ["../Eliot/a.png", "Panel_01/../../x.png", "..\\a.png", "a/..", ".."]
CONTROL = ["a\nb.png", "a\x7f.png", "\x1b[31m.png", "a\x85.png"]
LONG = ["a" * 256 + ".png", "ä" * 130 + ".png", "/".join(["abc"] * 1500)]
EMPTY = ["", " ", "\u3000"]

Ask = Callable[[Service, str], Awaitable[Answer]]

#: Everything that takes a path inside the project.
FILES: dict[str, Ask] = {
    "rate": lambda s, p: s.rate(p, 3),
    "tag": lambda s, p: s.gallery("file-tags", filePath=p),
    "info": lambda s, p: s.gallery("file-info", filePath=p),
    "note": lambda s, p: s.gallery("notes", filePath=p, note="x"),
    "folder": lambda s, p: s.gallery("scan-folder", folderPath=p),
    "folder then": lambda s, p: s.gallery("scan-folder", folderPath=p, at="2026-01-01T00:00:00Z"),
    "recursive": lambda s, p: s.gallery("scan-recursive", folderPath=p),
    "stats": lambda s, p: s.gallery("folder-stats", folderPath=p),
    "rename": lambda s, p: s.gallery("rename-file", filePath=p, newName="new.png"),
    "duplicates": lambda s, p: s.gallery("find-duplicates", folderPath=p),
    "keep": lambda s, p: s.gallery("keep-duplicate", keep=p, trash=[FIRST]),
    "history": lambda s, p: s.get("/api/gallery/history", projectPath=str(s.project), filePath=p),
}
#: Everything that takes a path of its own.
PLACES: dict[str, Ask] = {
    "tree": lambda s, p: s.post("/api/gallery/scan-tree", {"projectPath": p}),
    "ratings": lambda s, p: s.get("/api/gallery/ratings", projectPath=p),
    "rate": lambda s, p: s.post(
        "/api/gallery/ratings", {"projectPath": p, "filePath": FIRST, "rating": 1}
    ),
    "make tag": lambda s, p: s.post("/api/gallery/tags", {"projectPath": p, "name": "x"}),
    "drop tag": lambda s, p: s.send("DELETE", "/api/gallery/tags", _tag(p)),
    "save view": lambda s, p: s.post("/api/gallery/views", {"projectPath": p}),
    "drop view": lambda s, p: s.send("DELETE", "/api/gallery/views", _view(p)),
    "notes": lambda s, p: s.get("/api/gallery/notes", projectPath=p),
    "trash": lambda s, p: s.get("/api/gallery/trash", projectPath=p),
    "history": lambda s, p: s.get("/api/gallery/history", projectPath=p),
    "relink": lambda s, p: s.get("/api/gallery/relink", projectPath=p),
    "index": lambda s, p: s.post("/api/gallery/index", {"projectPath": p}),
    "search": lambda s, p: s.post("/api/gallery/search", {"projectPath": p}),
    "empty trash": lambda s, p: s.post("/api/gallery/empty-trash", {"projectPath": p}),
    "thumbnail": lambda s, p: s.get("/api/thumbnail", path=p),
    "image": lambda s, p: s.get("/api/serve-image", path=p),
    "metadata": lambda s, p: s.get("/api/png-metadata", path=p),
    "job": lambda s, p: s.post("/api/job", {"workflow": graph(), "project_path": p}),
    "jobs": lambda s, p: s.get("/api/jobs", project_path=p),
    "project": lambda s, p: s.post("/api/project", {"project": {"name": "x", "path": p}}),
}


def _tag(path: str) -> bytes:
    return orjson.dumps({"projectPath": path, "tagId": "x"})


def _view(path: str) -> bytes:
    return orjson.dumps({"projectPath": path, "name": "x"})


@pytest.mark.parametrize("ask", FILES.values(), ids=FILES)
class TestInsideOfAProject:
    async def test_what_is_no_path(self, service: Service, ask: Ask) -> None:
        """422 with the reason, and nothing happens."""
        for path in (*CLIMBING, *CONTROL, *LONG, *EMPTY):
            plain = refused(await ask(service, path), 422, "path.invalid")
            assert plain["detail"]["reason"]
        assert log_of(service.project) == {}

    async def test_nul(self, service: Service, ask: Ask) -> None:
        """Refused as a field: no name of anything has it."""
        answer = await ask(service, "Panel_01/a\0.png")
        refused(answer, 422, "request.invalid")

    async def test_absolute_paths_elsewhere(self, service: Service, ask: Ask) -> None:
        """403, be they of this system or of another."""
        for path in ("/etc/passwd", "/etc", "C:\\x.png", "\\\\nas\\x\\a.png"):
            refused(await ask(service, path), 403, "path.not_permitted")

    async def test_a_neighbouring_project(self, service: Service, ask: Ask) -> None:
        """Permitted by itself, but not as a part of this project."""
        other = picture(service.project.parent / "Eliot2" / "a.png")
        refused(await ask(service, str(other)), 403, "path.not_permitted")
        assert log_of(service.project) == {}

    async def test_the_services_own_folder(self, service: Service, ask: Ask) -> None:
        """Nobody lists or edits the log through the gallery."""
        await service.make_tag("so that it exists")
        for path in (".gallery", ".gallery/log", ".GALLERY/x.png", ".gallery./x"):
            refused(await ask(service, path), 403, "path.not_permitted")

    async def test_a_link_out_of_the_roots(
        self, service: Service, ask: Ask, tmp_path: Path
    ) -> None:
        """What counts is where it leads."""
        picture(tmp_path / "private" / "a.png")
        (service.project / "way_out").symlink_to(tmp_path / "private")
        (service.project / "out.png").symlink_to(tmp_path / "private" / "a.png")
        for path in ("way_out", "way_out/a.png", "out.png", "way_out/none.png"):
            refused(await ask(service, path), 403, "path.not_permitted")
        assert log_of(service.project) == {}

    async def test_a_folder_that_becomes_a_link_out(
        self, service: Service, ask: Ask, tmp_path: Path
    ) -> None:
        """It was good when it was first asked for; a file that is a link now is looked at anew."""
        picture(tmp_path / "private" / "a.png")
        await service.rate(FIRST, 2)
        (service.project / "Panel_01" / "new.png").symlink_to(tmp_path / "private" / "a.png")
        refused(await ask(service, "Panel_01/new.png"), 403, "path.not_permitted")

    async def test_links_in_a_circle(self, service: Service, ask: Ask) -> None:
        """They lead nowhere."""
        (service.project / "a.png").symlink_to(service.project / "b.png")
        (service.project / "b.png").symlink_to(service.project / "a.png")
        refused(await ask(service, "a.png"), 422, "path.invalid")


@pytest.mark.parametrize("ask", PLACES.values(), ids=PLACES)
class TestAbsolutePaths:
    async def test_relative_ones(self, service: Service, ask: Ask) -> None:
        """Relative to what?"""
        for path in ("relative/Eliot", "Eliot", ".", "~", "~/x"):
            refused(await ask(service, path), 422, "path.invalid")

    async def test_what_is_no_path(self, service: Service, ask: Ask) -> None:
        """422 with the reason."""
        for path in (*CONTROL, *EMPTY[1:], "/mnt/../etc", "/x/" + "a" * 5000):
            refused(await ask(service, path), 422, "path.invalid")

    async def test_outside_of_the_roots(self, service: Service, ask: Ask) -> None:
        """403; whether it exists is not told."""
        for path in ("/", "/etc", "/etc/passwd.png", "/proc/self/environ", "/root"):
            refused(await ask(service, path), 403, "path.not_permitted")

    async def test_nul(self, service: Service, ask: Ask) -> None:
        """Refused as a field."""
        refused(await ask(service, "/mnt/a\0b"), 422, "request.invalid")

    async def test_the_data_of_the_host_itself(self, service: Service, ask: Ask) -> None:
        """Only its own projects may be looked at, not its identity and caches."""
        data = service.project.parent.parent / "hosts" / "ada"
        for path in (data, data / "host.json", data / "cache"):
            refused(await ask(service, str(path)), 403, "path.not_permitted")
