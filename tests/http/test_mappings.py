"""Path mappings over HTTP: kept as typed, used at once, and for every path that comes in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import orjson
import pytest
from structlog.testing import capture_logs

from orchestrator.app import ENDPOINTS
from orchestrator.config import BackendConfig, load_config
from orchestrator.http import dialects
from orchestrator.http.endpoint import Endpoint, Reads
from orchestrator.paths.mappings import PathMapping
from orchestrator.paths.roots import Roots
from orchestrator.services import PROJECTS, ROOTS
from tests.http.studio import Answer, Service, Studio, events_of, faults, picture, refused

BLANK = {"name": "", "windows": "", "linux": "", "macos": "", "enabled": True}
FIRST = "Panel_01/Eliot_Panel_01_v001.png"


async def add(service: Service, **fields: Any) -> Any:
    """Add a mapping; the answer, which must be good."""
    answer = await service.post("/api/path-mappings", fields)
    assert answer.status == 200, answer.body
    return answer.plain


async def put(service: Service, mapping: str, **fields: Any) -> Answer:
    """Change a mapping."""
    return await service.send("PUT", f"/api/path-mappings/{mapping}", orjson.dumps(fields))


async def mappings(service: Service) -> list[dict[str, Any]]:
    """All mappings."""
    answer = await service.get("/api/path-mappings")
    assert answer.status == 200, answer.body
    assert answer.plain["success"] is True
    found: list[dict[str, Any]] = answer.plain["mappings"]
    return found


async def translated(service: Service, path: str, **more: Any) -> Any:
    """What a path is called."""
    answer = await service.post("/api/translate-path", {"path": path, **more})
    assert answer.status == 200, answer.body
    return answer.plain


def sides(folder: Path, windows: str = "W:\\") -> dict[str, Any]:
    """A mapping whose local side is a folder, on whichever system the tests run."""
    return {"windows": windows, "linux": str(folder), "macos": str(folder)}


class TestEditing:
    async def test_the_documents_mapping_has_no_name(
        self, service: Service, studio: Studio
    ) -> None:
        """Everything comes back, once as a whole and once field by field."""
        sent = {**sides(studio.share), "enabled": True}
        made = await add(service, **sent)
        assert made["success"] is True
        assert made["message"] == "Path mapping saved."
        assert made["mapping"] == {"id": made["id"], "name": "", **sent}
        assert {key: made[key] for key in made["mapping"]} == made["mapping"]
        assert await mappings(service) == [made["mapping"]]

    async def test_typing_letter_by_letter(self, service: Service, studio: Studio) -> None:
        """The frontend adds a blank row, and sends it whole at every key."""
        made = await add(service, **BLANK)
        row = dict(BLANK)
        for name, whole in sides(studio.share).items():
            for end in range(1, len(whole) + 1):
                row[name] = whole[:end]
                answer = await put(service, made["id"], **row)
                assert answer.status == 200, answer.body
                assert answer.plain["mapping"] == {"id": made["id"], **row}
                assert (await service.ask("ratings")) is not None, "all others go on working"
        assert await mappings(service) == [{"id": made["id"], **row}]
        assert (await translated(service, "w:/Eliot"))["translated"] == str(service.project)

    async def test_half_of_a_prefix_is_ignored_and_said_to_be(self, service: Service) -> None:
        """Neither a blank, nor a letter, nor a lone slash is the beginning of a path."""
        for linux in ("", "/", "m", " "):
            made = await add(service, name="x", windows="W", linux=linux, macos="/")
            assert "'W' is no whole windows folder yet" in made["message"]
            for path in ("/etc", "/", "W:\\x", "relative", "W"):
                assert (await translated(service, path))["translated"] == path
        assert await service.ratings() == {}

    async def test_fields_left_out_stay(self, service: Service, studio: Studio) -> None:
        """Also null says nothing; unknown fields are passed over."""
        made = await add(service, name="Share", **sides(studio.share))
        answer = await put(service, made["id"], name=None, enabled=False, id="x", color="red")
        assert answer.plain["mapping"] == {**made["mapping"], "enabled": False}
        assert (await translated(service, "W:\\x"))["matched"] is False

    async def test_remove(self, service: Service, studio: Studio) -> None:
        """It is gone at once."""
        made = await add(service, **sides(studio.share))
        answer = await service.send("DELETE", f"/api/path-mappings/{made['id']}")
        assert (answer.status, answer.plain["success"]) == (200, True)
        assert answer.plain["message"]
        assert await mappings(service) == []
        assert (await translated(service, "W:\\x"))["translated"] == "W:\\x"

    async def test_unknown_ids(self, service: Service) -> None:
        """404, and nothing is made."""
        refused(await put(service, "nobody", name="x"), 404, "mapping.unknown")
        refused(await put(service, "export", name="x"), 404, "mapping.unknown")
        gone = await service.send("DELETE", "/api/path-mappings/nobody")
        refused(gone, 404, "mapping.unknown")
        assert await mappings(service) == []

    async def test_what_no_side_can_be(self, service: Service) -> None:
        """Wrong kinds, control characters, and texts without end; nothing half done."""
        wrong = {"windows": 7, "linux": "/a\nb", "macos": "/" + "x" * 5000, "enabled": "yes"}
        answer = await service.post("/api/path-mappings", wrong)
        assert set(faults(answer)) == set(wrong)
        assert await mappings(service) == []

    async def test_a_circle_is_refused(self, service: Service) -> None:
        """What one calls A the other calls B, and the other way round."""
        one = await add(service, linux="/mnt/a", macos="/mnt/b")
        answer = await service.post("/api/path-mappings", {"linux": "/mnt/b", "macos": "/mnt/a"})
        plain = refused(answer, 409, "mapping.loops")
        assert plain["detail"]["folders"] in (["/mnt/a", "/mnt/b"], ["/mnt/b", "/mnt/a"])
        assert await mappings(service) == [one["mapping"]]

    async def test_who_did_it_stands_in_the_hosts_log(self, service: Service) -> None:
        """And not in that of any project on a share."""
        sent = {"Content-Type": "application/json", "X-Actor": "mara"}
        await service.client.post("/api/path-mappings", json=BLANK, headers=sent)
        (event,) = events_of(service.app[PROJECTS].default_root)
        assert (event["t"], event["a"]) == ("mapping.set", "mara")
        assert not (service.project / ".gallery").exists()


class TestRestart:
    async def test_mappings_are_there_before_the_first_request(self, studio: Studio) -> None:
        """They are read from the log before anybody is served."""
        service = await studio.host()
        made = await add(service, **sides(studio.share))
        await service.stop()
        again = await studio.host()
        assert again.app[ROOTS].mappings == (PathMapping(**made["mapping"]),)
        assert (await translated(again, "W:\\Eliot"))["translated"] == str(studio.project)

    async def test_config_yaml_is_the_start_set(self, studio: Studio) -> None:
        """What was changed holds until the file says something else."""
        start = PathMapping("share", "Share", **sides(studio.share))
        service = await studio.host(path_mappings=(start,))
        assert await mappings(service) == [attrs.asdict(start)]
        await put(service, "share", windows="V:\\")
        await service.stop()

        service = await studio.host(path_mappings=(start,))
        assert [m["windows"] for m in await mappings(service)] == ["V:\\"]
        await service.stop()

        edited = attrs.evolve(start, windows="U:\\")
        with capture_logs() as logs:
            service = await studio.host(path_mappings=(edited,))
        assert [m["windows"] for m in await mappings(service)] == ["U:\\"]
        told = [entry["mapping"] for entry in logs if entry["event"] == "mapping.overruled"]
        assert told == ["share"], "said once, so that nobody wonders where the change went"

    async def test_a_log_that_cannot_be_read_stops_nothing(self, studio: Studio) -> None:
        """The service then goes by config.yaml."""
        start = PathMapping("share", "Share", **sides(studio.share))
        own = studio.folder / "hosts" / "ada" / "projects" / "default" / ".gallery"
        own.mkdir(parents=True)
        (own / "FORMAT").write_text("no format that we know")
        service = await studio.host(path_mappings=(start,))
        assert await mappings(service) == [attrs.asdict(start)]
        assert (await translated(service, "W:\\Eliot"))["matched"] is True
        answer = await service.post("/api/path-mappings", BLANK)
        assert answer.status == 503, "it cannot be kept, so it is not made"

    async def test_a_log_that_can_be_read_again_counts_from_then_on(self, studio: Studio) -> None:
        """The share was late, or somebody mended the file."""
        service = await studio.host()
        made = await add(service, **sides(studio.share))
        await service.stop()
        file = studio.folder / "hosts" / "ada" / "projects" / "default" / ".gallery" / "FORMAT"
        good = file.read_bytes()
        file.write_text("no format that we know")
        service = await studio.host()
        assert await mappings(service) == []
        file.write_bytes(good)
        await service.app[PROJECTS].default()
        assert await mappings(service) == [made["mapping"]]
        assert (await translated(service, "W:\\Eliot"))["matched"] is True


class TestPermission:
    async def test_a_mapping_widens_nothing(self, service: Service, tmp_path: Path) -> None:
        """Or anybody could read any folder by mapping it; the answer says so."""
        secret = picture(tmp_path / "private" / "a.png")
        made = await add(service, **sides(secret.parent, "S:\\"))
        assert "outside the permitted folders" in made["message"]
        assert (await translated(service, "S:\\a.png"))["translated"] == str(secret)
        refused(await service.get("/api/serve-image", path="S:\\a.png"), 403, "path.not_permitted")

    async def test_nor_does_changing_one_of_config_yaml(
        self, studio: Studio, tmp_path: Path
    ) -> None:
        """Its own folder was permitted by whoever wrote the file; another was not."""
        mapped, secret = tmp_path / "mapped", tmp_path / "private"
        picture(mapped / "a.png")
        picture(secret / "a.png")
        start = PathMapping("m", **sides(mapped, "M:\\"))
        service = await studio.host(path_mappings=(start,))
        image = "/api/serve-image"
        assert (await service.get(image, path="M:\\a.png")).status == 200
        await put(service, "m", **sides(secret, "M:\\"))
        refused(await service.get(image, path="M:\\a.png"), 403, "path.not_permitted")
        refused(await service.get(image, path=f"{mapped}/a.png"), 403, "path.not_permitted")


class TestTranslating:
    async def test_the_documents_example(self, service: Service) -> None:
        """And the fields that the frontend reads."""
        await add(service, windows="W:\\", linux="/mnt/Mandalore", macos="/Volumes/Mandalore")
        path = "W:\\VFX\\Eliot\\renders"
        answer = await translated(service, path, target_os="linux")
        assert answer["translated"] == "/mnt/Mandalore/VFX/Eliot/renders"
        assert (answer["original"], answer["matched"], answer["success"]) == (path, True, True)
        assert answer["current_os"] in ("windows", "linux", "macos")

    @pytest.mark.parametrize(
        ("path", "target", "expected", "matched"),
        [
            ("/mnt/Mandalore/a", "Windows", "W:\\a", True),
            ("/mnt/Mandalore2/a", "windows", "/mnt/Mandalore2/a", False),
            ("w:/A\\b", "macos", "/Volumes/Mandalore/A/b", True),
            ("w:/a", "beos", "w:/a", False),
            ("", "linux", "", False),
        ],
    )
    async def test_targets(
        self, service: Service, path: str, target: str, expected: str, matched: bool
    ) -> None:
        """What nobody knows stays as it is, with 200."""
        await add(service, windows="W:\\", linux="/mnt/Mandalore", macos="/Volumes/Mandalore")
        answer = await translated(service, path, target_os=target)
        assert (answer["translated"], answer["matched"]) == (expected, matched)


async def test_the_export_is_a_config(service: Service, studio: Studio, tmp_path: Path) -> None:
    """Our own loader reads it."""
    made = await add(service, name="Share: 'ours'", **sides(studio.share))
    answer = await service.get("/api/path-mappings/export")
    assert answer.headers["Content-Type"].startswith("application/yaml")
    file = tmp_path / "config.yaml"
    file.write_bytes(answer.body)
    assert load_config(file, {}).path_mappings == (PathMapping(**made["mapping"]),)


#: Fields that speak of files and folders, and which of the project each names in the walk below.
PATH_FIELDS = {
    "project_path": "",
    "folder_path": "\\Panel_01",
    "destination": "\\Panel_02",
    "folder": "\\Panel_01",
    "parent": "\\Panel_01",
    **dict.fromkeys(("path", "file_path", "image_path", "files", "file_paths", "keep"), "\\{file}"),
    "trash": "\\Panel_01\\Eliot_Panel_01_v002.png",
}
#: Fields of such names that are none: how a gallery looked is kept as it was sent, `keep` of
#: `find-duplicates` is a rule, and translating is what `translate-path` is for.
NO_PATHS = {
    ("/api/gallery/views", "current_path"),
    ("/api/gallery/find-duplicates", "keep"),
    ("/api/translate-path", "path"),
}
#: What some fields need, so that a request comes so far as to look at its paths.
FILLING: dict[str, Any] = {
    "count": 1,
    "from_": "2026-01-01T00:00:00Z",
    "mode": "sequential",
    "name": "x",
    "prefix": "x_",
    "rating": 3,
    "workflow_json": {"9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "x"}}},
}
#: What some fields are filled with if they must be there, and all others by their type.
REQUIRED: dict[str, Any] = {
    "data_url": "data:image/png;base64,iVBORw0KGgo=",
    "filename": "x.png",
    "image_url": "http://127.0.0.1:1/view?filename=x.png",
    "state": {"project_settings": {}, "panels": []},
}
BY_TYPE: dict[str, Any] = {"list": ["x"], "tuple": ["x"], "dict": {}, "int": 1, "bool": False}
#: Where one of several fields must be sent.
BESIDES = {
    "/api/gallery/ratings": "file_path",
    "/api/gallery/notes": "file_path",
    "/api/gallery/file-tags": "file_path",
    "/api/gallery/undo": "id",
}


def is_path(one: Endpoint, name: str) -> bool:
    """Whether a field of a request names a file or folder, going by its name."""
    named = name in PATH_FIELDS or name.endswith(("_path", "_paths", "_folder"))
    return named and one.elsewhere(name) and (one.path, name) not in NO_PATHS


def path_fields() -> Iterator[tuple[Endpoint, str]]:
    """Every field of every endpoint that names a file or folder."""
    for one in ENDPOINTS:
        if one.request is not None and not one.websocket:
            for attribute in attrs.fields(one.request):
                if is_path(one, attribute.name):
                    yield one, attribute.name


def request_with(one: Endpoint, asked: str, folder: str, file: str) -> tuple[dict[str, Any], str]:
    """A request in which all paths are those of a Windows computer, and the path asked about."""
    assert one.request is not None
    spell = dialects.spoken(dialect=one.dialect)[-1].spell
    sent: dict[str, Any] = {}
    value = ""
    for attribute in attrs.fields(attrs.resolve_types(one.request)):
        name, kind = attribute.name, str(attribute.type)
        if one.in_path(name):
            continue
        required = attribute.default is attrs.NOTHING or name == "project_path"
        besides = name == BESIDES.get(one.path) and asked not in ("file_path", "files")
        if is_path(one, name) and (name == asked or required or besides):
            below = PATH_FIELDS.get(name, "").format(file=file.replace("/", "\\"))
            many = "list" in kind or "tuple" in kind
            sent[spell(name)] = [folder + below] if many else folder + below
            value = folder + below if name == asked else value
        elif name in FILLING:
            sent[spell(name)] = FILLING[name]
        elif required or besides:
            by_type = next((value for word, value in BY_TYPE.items() if word in kind), "x")
            sent[spell(name)] = REQUIRED.get(name, by_type)
    return sent, value


async def lost_asset(service: Service) -> str:
    """The id of an asset whose file somebody deleted."""
    await service.rate(FIRST, 3)
    info = await service.gallery("file-info", filePath=FIRST)
    (service.project / FIRST).unlink()
    return str(info.plain["file"]["assetId"])


async def test_every_path_that_comes_in_is_translated(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever endpoint they come to.

    They come to `Roots` as they were sent, or they are translated on the way there: then the
    request is served, or the refusal speaks of the local name.
    """
    asked: list[str] = []
    permit, inside = Roots.permit, Roots.inside

    def watched_permit(self: Roots, path: str | Path) -> Path:
        asked.append(str(path))
        return permit(self, path)

    def watched_inside(self: Roots, project: Path, relative: str) -> Path:
        asked.append(relative)
        return inside(self, project, relative)

    monkeypatch.setattr(Roots, "permit", watched_permit)
    monkeypatch.setattr(Roots, "inside", watched_inside)
    service = await studio.host(backends=(BackendConfig("off", "Off", "127.0.0.1", 1),))
    await add(service, **sides(studio.share))
    monkeypatch.setitem(REQUIRED, "asset_id", await lost_asset(service))
    missed = []
    for number, (one, name) in enumerate(path_fields()):
        file = f"Panel_01/walk_{number}.png"
        picture(studio.project / file)
        # No two are spelled the same: that a project was asked for before proves nothing.
        folder = "w:" + "\\" * (number + 1) + "Eliot"
        sent, value = request_with(one, name, folder, file)
        path = one.documented_path.format_map(dict.fromkeys(one.parameters, "x"))
        if one.reads is Reads.QUERY:
            answer = await service.get(path, **sent)
        else:
            answer = await service.send(one.method, path, orjson.dumps(sent))
        local = answer.status < 400 or orjson.dumps(str(studio.project))[1:-1] in answer.body
        if value not in asked and not local:
            missed.append(f"{one.method} {one.path} {name}: {answer.status} {answer.body!r:.300}")
    assert not missed, "\n".join(missed)


class TestPathsWithinRequests:
    """Paths that do not stand in a field of their own."""

    @pytest.fixture(autouse=True)
    async def mapped(self, service: Service, studio: Studio) -> None:
        await add(service, **sides(studio.share))

    async def test_keys_of_ratings(self, service: Service) -> None:
        """Many at once, by path."""
        foreign = "W:\\Eliot\\" + FIRST.replace("/", "\\")
        answer = await service.gallery("ratings", ratings={foreign: 4})
        assert answer.status == 200, answer.body
        assert await service.ratings() == {FIRST: 4}

    async def test_the_project_of_a_job_in_its_metadata(self, service: Service) -> None:
        """The frontend sends it there."""
        job = await service.submit(metadata={"project_path": "w:/Eliot"})
        assert (await service.job(job))["project_path"] == str(service.project)

    async def test_the_current_project(self, service: Service) -> None:
        """Jobs that name none go there."""
        answer = await service.post("/api/project", {"project": {"name": "x", "path": "W:/Eliot"}})
        assert answer.status == 200, answer.body
        job = await service.submit()
        assert (await service.job(job))["project_path"] == str(service.project)

    async def test_the_gallery_that_is_watched(self, service: Service) -> None:
        """A WebSocket has a path in its query."""
        query = {"projectPath": "W:\\Eliot"}
        async with service.client.ws_connect("/ws/gallery", params=query) as socket:
            await service.rate(FIRST, 2)
            async with asyncio.timeout(10):
                while FIRST not in await socket.receive_str():
                    pass
