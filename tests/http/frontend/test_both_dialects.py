"""Every endpoint of the gallery in both dialects: the same question, result and log."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from attrs import field, frozen

from orchestrator.app import ENDPOINTS
from orchestrator.paths.mappings import PathMapping
from orchestrator.services import FINDER, INDEXES
from tests.http.frontend.page import FIRST, SECOND, THIRD
from tests.http.studio import Answer, Service, Studio, events_of, picture

Names = dict[str, str]
#: Somebody deletes the one, and makes the other.
LOST, FOUND = "Panel_10/Eliot_Panel_10_v001.png", "Panel_10/again.png"
_CAMEL = re.compile(r"[a-z0-9][A-Z]")


def seconds(iso: str) -> float:
    """A time of the document, as the frontend has it."""
    return datetime.fromisoformat(iso).timestamp()


@frozen
class Case:
    """One question in both dialects; `$P` and the like are filled in."""

    endpoint: str
    documented: dict[str, Any]
    frontend: dict[str, Any]
    #: What of the two answers must be equal.
    of_document: Callable[[Any], Any] = field(default=lambda _: None)
    of_frontend: Callable[[Any], Any] = field(default=lambda _: None)
    method: str = "POST"

    @property
    def key(self) -> str:
        """Method and path."""
        return f"{self.method} /api/gallery/{self.endpoint}"


def rows(plain: Any) -> list[Any]:
    """Files of a listing in either dialect."""
    found = []
    for file in plain["files"]:
        times = [file["modified"], file["created"]]
        known = [seconds(time) if isinstance(time, str) else time for time in times]
        found.append(
            (file["name"], file["path"], file.get("relPath") or file["rel_path"], file["size"],
             known, file["type"], file["extension"], file["rating"],
             file["tags"], file["note"])
        )  # fmt: skip
    return found


def nested(nodes: list[Any]) -> list[Any]:
    """A tree, flattened as the frontend has it."""
    return [
        each
        for node in nodes
        for each in ((node["path"], node["fileCount"]), *nested(node["children"]))
    ]


P, FILE = {"projectPath": "$P"}, {"project_path": "$P"}
QUESTIONS = [
    Case("scan-tree", P, {"folder_path": "$P"},
         lambda d: [("$P", d["fileCount"]), *nested(d["tree"])],
         lambda f: [(each["path"], each["file_count"]) for each in f["folders"]]),
    Case("scan-folder", {**P, "folderPath": "Panel_01"}, {**FILE, "folder_path": "$P/Panel_01"},
         rows, rows),
    Case("scan-recursive", P, {"folder_path": "$P"}, rows,
         lambda f: rows({"files": [file for each in f["folders"] for file in each["files"]]})),
    Case("file-info", {**P, "filePath": FIRST}, {**FILE, "file_path": f"$P/{FIRST}"},
         lambda d: (d["pngMetadata"], rows({"files": [d["file"]]}), d["recipe"]["seed"],
                    d["file"]["assetId"]),
         lambda f: (f["png_metadata"], rows({"files": [f["file"]]}), f["recipe"]["seed"],
                    f["file"]["asset_id"])),
    Case("folder-stats", P, {"folder_path": "$P"},
         lambda d: (d["fileCount"], d["totalSize"], d["imageCount"], d["byExtension"]),
         lambda f: (f["total_files"], f["total_size"], f["image_count"], f["by_extension"])),
    Case("ratings", P, FILE, lambda d: d["ratings"], lambda f: f["ratings"], method="GET"),
    Case("notes", P, FILE, lambda d: d["notes"], lambda f: f["notes"], method="GET"),
    Case("tags", P, FILE,
         lambda d: [{"id": key, "name": t["name"], "color": t["color"],
                     "file_count": t["fileCount"]} for key, t in d["tags"].items()],
         lambda f: f["tags"], method="GET"),
    Case("views", P, FILE,
         lambda d: (d["view"]["viewMode"], d["view"]["filters"], list(d["views"])),
         lambda f: (f["view"]["view_mode"], json.loads(f["view"]["filters_json"]),
                    list(f["views"])), method="GET"),
    Case("trash", P, FILE,
         lambda d: [(t["trashId"], t["path"], t["originalPath"], t["trashedAt"])
                    for t in d["files"]],
         lambda f: [(t["id"], t["path"], t["original_path"], t["trashed_at"])
                    for t in f["files"]], method="GET"),
    Case("search", {**P, "query": "v002"}, {**FILE, "query": "v002"},
         lambda d: [(h["path"], h["relPath"], h["matchField"]) for h in d["results"]],
         lambda f: [(h["file_path"], h["rel_path"], h["match_field"]) for h in f["results"]]),
    Case("find-duplicates", P, {"folder_path": "$P"},
         lambda d: (d["wastedSpace"], [[(t["path"], seconds(t["modified"]))
                                        for t in g["files"]] for g in d["groups"]]),
         lambda f: (f["wasted_space"], [[(t["path"], t["modified"])
                                         for t in g["files"]] for g in f["groups"]])),
    Case("index", P, FILE, lambda d: (d["phase"], d["files"], d["missingCount"]),
         lambda f: (f["phase"], f["files"], f["missing_count"]), method="GET"),
    Case("index", P, FILE, lambda d: (d["phase"], d["files"]), lambda f: (f["phase"], f["files"])),
    Case("history", P, FILE,
         lambda d: [(e["text"], seconds(e["at"])) for e in d["edits"]],
         lambda f: [(e["text"], e["at"]) for e in f["edits"]], method="GET"),
    Case("relink", P, FILE, lambda d: [(each["assetId"], each["path"]) for each in d["missing"]],
         lambda f: [(each["asset_id"], each["path"]) for each in f["missing"]], method="GET"),
    Case("diff", {**P, "from": "2020-01-01T00:00:00Z"}, {**FILE, "from": "2020-01-01T00:00:00Z"},
         lambda d: [(each["kind"], each["path"], each["assetId"]) for each in d["differences"]],
         lambda f: [(each["kind"], each["path"], each["asset_id"]) for each in f["differences"]],
         method="GET"),
]  # fmt: skip
CHANGES = [
    Case("ratings", {**P, "filePath": SECOND, "rating": 2}, {**FILE, "ratings": {SECOND: 2}},
         lambda d: d["ratings"], lambda f: f["ratings"]),
    Case("notes", {**P, "filePath": SECOND, "note": "hm"},
         {**FILE, "file_path": SECOND, "note": "hm"}),
    Case("tags", {**P, "name": "New", "color": "#000000"},
         {**FILE, "name": "New", "color": "#000000"}),
    Case("tags", {**P, "tagId": "$TAG"}, {**FILE, "tag_id": "$TAG"}, method="DELETE"),
    Case("file-tags", {**P, "filePath": SECOND, "addTags": ["$TAG"]},
         {**FILE, "file_path": f"$P/{SECOND}", "tag_ids": ["$TAG"], "action": "add"}),
    Case("views", {**P, "viewMode": "list", "sortField": "name", "sortDirection": "asc",
                   "thumbnailSize": 200, "currentPath": "", "filters": {"a": [1]},
                   "folderTreeState": {}},
         {**FILE, "view_mode": "list", "filters_json": '{"a":[1]}'}),
    Case("views", {**P, "name": "default"}, {**FILE, "name": "default"}, method="DELETE"),
    Case("move-files", {**P, "files": [FIRST], "destination": "Panel_02"},
         {**FILE, "file_paths": [f"$P/{FIRST}"], "target_folder": "$P/Panel_02"},
         lambda d: [f"$P/{m['newPath']}" for m in d["moved"]],
         lambda f: [m["new_path"] for m in f["moved"]]),
    Case("rename-file", {**P, "filePath": FIRST, "newName": "hero.png"},
         {**FILE, "file_path": f"$P/{FIRST}", "new_name": "hero.png"},
         lambda d: f"$P/{d['newPath']}", lambda f: f["new_path"]),
    Case("batch-rename",
         {**P, "files": [FIRST, SECOND], "mode": "template", "template": "x_{index}"},
         {**FILE, "file_paths": [f"$P/{FIRST}", f"$P/{SECOND}"], "pattern": "x_{index}",
          "dry_run": False},
         lambda d: [(f"$P/{m['oldPath']}", m["newName"]) for m in d["plan"]],
         lambda f: [(m["old_path"], m["new_name"]) for m in f["previews"]]),
    Case("auto-rename", {**P, "folderPath": "Panel_01", "template": "{folder}_{index:03d}"},
         {**FILE, "folder_path": "$P/Panel_01", "dry_run": False},
         lambda d: len(d["renamed"]), lambda f: f["renamed"]),
    Case("trash", {**P, "files": [FIRST, "no.png"]},
         {**FILE, "file_paths": [f"$P/{FIRST}", "no.png"]},
         lambda d: ([f"$P/{t['path']}" for t in d["trashed"]], len(d["errors"])),
         lambda f: (f["trashed"], len(f["errors"]))),
    Case("restore", {**P, "trashIds": ["$TRASH"]}, {**FILE, "file_paths": ["$BINNED"]},
         lambda d: [f"$P/{t['path']}" for t in d["restored"]], lambda f: f["restored"]),
    Case("empty-trash", P, FILE, lambda d: d["count"], lambda f: len(f["trashed"])),
    Case("keep-duplicate", {**P, "keep": FIRST, "trash": [SECOND]},
         {**FILE, "keep": FIRST, "trash": [SECOND]},
         lambda d: (d["path"], d["rating"]), lambda f: (f["path"], f["rating"])),
    Case("undo", {**P, "batch": "$BATCH"}, {**FILE, "batch": "$BATCH"}),
    Case("relink", {**P, "assetId": "$LOST", "filePath": FOUND},
         {**FILE, "asset_id": "$LOST", "file_path": f"$P/{FOUND}"}),
]  # fmt: skip


def filled(value: Any, names: Names) -> Any:
    """A request with real names."""
    text = json.dumps(value)
    for name, known in names.items():
        text = text.replace(name, known)
    return json.loads(text)


def within_microseconds(value: Any) -> Any:
    """The same, its times compared as far as ISO 8601 with six digits tells them."""
    if isinstance(value, float):
        return pytest.approx(value, rel=0, abs=2e-6)
    if isinstance(value, list):
        return [within_microseconds(each) for each in value]
    if isinstance(value, dict):
        return {key: within_microseconds(each) for key, each in value.items()}
    return value


async def lead_in(service: Service) -> Names:
    """A project in which there is some of everything; the names of it."""
    tag = await service.make_tag("Hero")
    await service.gallery("file-tags", filePath=FIRST, addTags=[tag])
    await service.gallery("notes", filePath=FIRST, note="best")
    await service.gallery("views", viewMode="grid", filters={"minRating": 3})
    trashed = (await service.gallery("trash", files=[THIRD])).plain
    many = (await service.gallery("ratings", ratings={FIRST: 4, SECOND: 3})).plain
    (binned,) = (await service.ask("trash"))["files"]
    picture(service.project / LOST, colour="green")  # no other file has its bytes
    await service.rate(LOST, 1)
    index = service.app[INDEXES].of(await service.app[FINDER].project(str(service.project)))
    await index.rescan()  # nothing is missed that was never seen
    (service.project / LOST).unlink()
    picture(service.project / FOUND, colour="red")
    await index.rescan()
    (lost,) = (await service.ask("relink"))["missing"]
    return {
        "$P": str(service.project),
        "$TAG": tag,
        "$TRASH": trashed["trashed"][0]["trashId"],
        "$BINNED": binned["path"],
        "$BATCH": many["batch"],
        "$LOST": lost["assetId"],
    }


async def send(service: Service, case: Case, fields: dict[str, Any]) -> Answer:
    """A question as its dialect has it."""
    path = f"/api/gallery/{case.endpoint}"
    if case.method == "POST":
        return await service.post(path, fields)
    answer = await service.client.request(case.method, path, params=fields)
    return Answer(answer.status, answer.headers, await answer.read())


def spelled(plain: Any) -> set[str]:
    """The names of an answer's fields, and of those in its lists."""
    if isinstance(plain, list):
        return {name for each in plain for name in spelled(each)}
    return set(plain) if isinstance(plain, dict) else set()


@pytest.mark.parametrize("case", QUESTIONS, ids=lambda case: case.key)
async def test_the_same_question(service: Service, case: Case) -> None:
    """Both answers say the same, each in its own words only."""
    names = await lead_in(service)
    documented = await send(service, case, filled(case.documented, names))
    frontend = await send(service, case, filled(case.frontend, names))
    assert (documented.status, frontend.status) == (200, 200), (documented.body, frontend.body)
    assert "success" not in documented.plain
    assert (frontend.plain["success"], type(frontend.plain["message"])) == (True, str)
    told = filled(case.of_document(documented.plain), names)
    assert told == within_microseconds(filled(case.of_frontend(frontend.plain), names))
    assert told not in ([], {}, None), "of nothing, nobody can say that it is the same"
    assert not any("_" in name for name in spelled(documented.plain))
    assert not any(_CAMEL.search(name) for name in spelled(frontend.plain))


@pytest.fixture
async def twins(tmp_path: Path) -> AsyncIterator[tuple[Service, Service]]:
    """Two services, each with a project of its own, both alike."""
    studios = [Studio(tmp_path / name) for name in ("one", "other")]
    for studio in studios:
        studio.folder.mkdir()
        studio.furnish()
    yield await studios[0].host(), await studios[1].host()
    for studio in studios:
        await studio.close()


async def outcome(service: Service) -> dict[str, Any]:
    """All that a change could have changed, without what is random."""
    tags = (await service.ask("tags"))["tags"]
    files = sorted(path.name for path in service.project.rglob("*.png"))
    said = rows((await service.gallery("scan-recursive")).plain)
    return {
        "files": files,
        "said": [(row[2], row[7], [tag["name"] for tag in row[8]], row[9]) for row in said],
        "tags": [(tag["name"], tag["color"], tag["fileCount"]) for tag in tags.values()],
        "views": (await service.ask("views"))["views"],
        "trash": [each["originalPath"] for each in (await service.ask("trash"))["files"]],
        "log": [each["t"] for each in events_of(service.project)],
    }


@pytest.mark.parametrize("case", CHANGES, ids=lambda case: case.key)
async def test_the_same_change(case: Case, twins: tuple[Service, Service]) -> None:
    """Afterwards both projects are alike, and so are their logs."""
    one, other = twins
    names, others = await lead_in(one), await lead_in(other)
    before = await outcome(one)
    documented = await send(one, case, filled(case.documented, names))
    frontend = await send(other, case, filled(case.frontend, others))
    assert (documented.status, frontend.status) == (200, 200), (documented.body, frontend.body)
    assert frontend.plain["success"] is True
    told = filled(case.of_document(documented.plain), names)
    there = {**others, str(other.project): str(one.project)}
    assert told == filled(case.of_frontend(frontend.plain), there)
    after = await outcome(one)
    assert after == await outcome(other)
    assert after != before


@pytest.mark.parametrize("case", [*QUESTIONS, *CHANGES], ids=lambda case: case.key)
async def test_the_same_from_another_system(studio: Studio, case: Case) -> None:
    r"""The project is called `W:\Eliot` in every path that the frontend sends."""
    share = str(studio.share)
    mapping = PathMapping(id="w", windows="W:\\", linux=share, macos=share)
    service = await studio.host(path_mappings=(mapping,))
    names = {**await lead_in(service), "$P": "W:\\\\Eliot"}  # as it stands in JSON
    answer = await send(service, case, filled(case.frontend, names))
    assert (answer.status, answer.plain["success"]) == (200, True), answer.body
    assert "W:" not in str(case.of_frontend(answer.plain)), "answers name files as they lie here"


@pytest.mark.parametrize(
    ("endpoint", "fields"),
    [
        ("ratings", {"file_path": FIRST, "rating": 3}),
        ("file-tags", {"file_path": FIRST, "add_tags": ["$TAG"], "remove_tags": []}),
        ("trash", {"files": [FIRST]}),
        ("move-files", {"files": [FIRST], "destination": "Panel_02"}),
        ("batch-rename", {"files": [FIRST], "template": "x_{seq:3}", "start_number": 2}),
        ("restore", {"trash_ids": ["$TRASH"]}),
        ("search", {"query": "v001", "limit": 5}),
    ],
)
async def test_the_documents_words_in_snake_case(
    service: Service, endpoint: str, fields: dict[str, Any]
) -> None:
    """Whoever spells the document's request as the frontend does is understood, too."""
    names = await lead_in(service)
    sent = {"project_path": str(service.project), **filled(fields, names)}
    answer = await service.post(f"/api/gallery/{endpoint}", sent)
    assert (answer.status, answer.plain["success"]) == (200, True), answer.body


def test_every_endpoint_of_the_gallery_is_there() -> None:
    """A new one needs a case in both dialects."""
    known = {case.key for case in (*QUESTIONS, *CHANGES)}
    assert known == {
        f"{one.method} {one.path}" for one in ENDPOINTS if one.dialect and not one.websocket
    }


async def test_the_socket_speaks_as_it_is_asked(service: Service) -> None:
    """Messages are spelled as the question is."""
    for name, spelling in (("projectPath", "oldPath"), ("project_path", "old_path")):
        query = {name: str(service.project)}
        async with service.client.ws_connect("/ws/gallery", params=query) as socket:
            assert (await socket.receive_json(timeout=30))["type"] == "hello"
            await service.rate(FIRST, len(name) % 5)
            while (told := await socket.receive_json(timeout=30))["type"] != "changes":
                pass
            assert spelling in told["changes"][0]
