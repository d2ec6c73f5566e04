"""The endpoints: history, undo, diff, as clients see them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from orchestrator.http import middleware, past, serving
from orchestrator.http.endpoint import declared
from orchestrator.services import PAST
from tests.past.conftest import Desk

Client = TestClient[Any, Any]


@pytest.fixture
async def client(desk: Desk) -> AsyncIterator[Client]:
    """A client of a service that has these endpoints only."""
    app = web.Application()
    app[PAST] = desk.past
    middleware.install(app, cors_origins=())
    serving.routes(app, declared(past))
    async with TestClient(TestServer(app)) as made:
        yield made


async def get(client: Client, desk: Desk, endpoint: str, **query: Any) -> Any:
    """A good answer to a GET."""
    params = {"projectPath": str(desk.root), **query}
    response = await client.get(f"/api/gallery/{endpoint}", params=params)
    assert response.status == 200, await response.text()
    return await response.json()


async def undo(client: Client, desk: Desk, **body: Any) -> tuple[int, Any]:
    """Status and answer of an undo by Tom."""
    sent = {"projectPath": str(desk.root), **body}
    response = await client.post("/api/gallery/undo", json=sent, headers={"X-Actor": "tom"})
    return response.status, await response.json()


class TestHistory:
    async def test_an_edit(self, client: Client, desk: Desk) -> None:
        """Everything about it, spelled as the documented dialect spells it."""
        await desk.rate("P/a.png", 3)
        edit = await desk.rate("P/a.png", 5, who="mara", batch="b-1")
        answer = await get(client, desk, "history", limit=1)
        (shown,) = answer["edits"]
        project = await desk.open()
        assert shown.pop("at").endswith("Z")
        assert shown == {
            "id": edit,
            "actor": "mara",
            "host": project.host.id,
            "batch": "b-1",
            "path": "P/a.png",
            "currentPath": "P/a.png",
            "assetId": project.view.asset_at("P/a.png"),
            "what": "asset.rated",
            "text": "rated 3 -> 5",
            "old": 3,
            "new": 5,
            "undoneBy": None,
        }
        rest = await get(client, desk, "history", cursor=answer["nextCursor"])
        assert [e["text"] for e in rest["edits"]] == ["rated none -> 3", "first noted, 100 bytes"]
        assert rest["nextCursor"] is None

    async def test_a_file_by_either_path(self, client: Client, desk: Desk) -> None:
        """Relative to the project, or absolute inside it."""
        await desk.rate("P/a.png", 3)
        await desk.rate("P/b.png", 3)
        for path in ("P/a.png", str(desk.root / "P/a.png")):
            assert len((await get(client, desk, "history", filePath=path))["edits"]) == 2

    @pytest.mark.parametrize(
        ("query", "status"),
        [
            ({"filePath": "../x.png"}, 422),
            ({"filePath": "/etc/passwd"}, 403),
            ({"since": "yesterday"}, 422),
            ({"limit": "0"}, 422),
            ({"cursor": "x" * 200}, 422),
            ({"nonsense": "1"}, 422),
        ],
    )
    async def test_what_makes_no_sense(
        self, client: Client, desk: Desk, query: dict[str, str], status: int
    ) -> None:
        """Is refused, and never a fault of the service."""
        params = {"projectPath": str(desk.root), **query}
        response = await client.get("/api/gallery/history", params=params)
        assert response.status == status

    async def test_a_cursor_of_nothing(self, client: Client, desk: Desk) -> None:
        """A cursor is a place in the order of stamps, whatever stands there."""
        await desk.rate("P/a.png", 3)
        assert (await get(client, desk, "history", cursor="0"))["edits"] == []


class TestUndo:
    async def test_a_batch(self, client: Client, desk: Desk) -> None:
        """Dry first, then for real, then back."""
        batch = await desk.rename({"P/a.png": "x.png", "P/b.png": "y.png"})
        status, dry = await undo(client, desk, batch=batch, dryRun=True)
        assert (status, dry["undo"], len(dry["done"])) == (200, None, 2)
        assert "P/x.png" in desk.names()
        status, real = await undo(client, desk, batch=batch)
        assert status == 200
        assert desk.names() == ["P/a.png", "P/b.png", "P/c.png"]
        assert {edit["undoneBy"] for edit in real["done"]} == {real["undo"]}
        status, _ = await undo(client, desk, batch=real["undo"])
        assert desk.names() == ["P/c.png", "P/x.png", "P/y.png"]

    async def test_conflicts(self, client: Client, desk: Desk) -> None:
        """The edit, and the later one; with force it is undone all the same."""
        edit = await desk.rate("P/a.png", 3)
        later = await desk.rate("P/a.png", 5, who="ann")
        _, answer = await undo(client, desk, id=edit)
        assert answer["done"] == []
        assert [(c["edit"]["id"], c["later"]["id"]) for c in answer["conflicts"]] == [(edit, later)]
        _, answer = await undo(client, desk, id=edit, force=True)
        assert [e["id"] for e in answer["done"]] == [edit]
        assert await desk.stars("P/a.png") == 0

    async def test_by_somebody(self, client: Client, desk: Desk) -> None:
        """In a span of time."""
        await desk.rate("P/a.png", 3)
        await desk.trash("P/b.png", who="ann")
        span = {"from": "2020-01-01T00:00:00Z", "to": datetime(2100, 1, 1, tzinfo=UTC).isoformat()}
        _, answer = await undo(client, desk, by={"actor": "ann", **span})
        assert [e["what"] for e in answer["done"]] == ["file.trashed"]
        assert desk.names() == ["P/a.png", "P/b.png", "P/c.png"]
        assert await desk.stars("P/a.png") == 3

    async def test_what_cannot_be_undone(self, client: Client, desk: Desk) -> None:
        """With the reason."""
        batch = await desk.rename({"P/a.png": "x.png"})
        desk.picture("P/a.png", b"another")
        _, answer = await undo(client, desk, batch=batch)
        assert [each["edit"]["path"] for each in answer["impossible"]] == ["P/a.png"]
        assert answer["impossible"][0]["why"].endswith(".")

    @pytest.mark.parametrize(
        ("body", "status", "path"),
        [
            ({}, 422, "id"),
            ({"id": "a", "batch": "b"}, 422, "id"),
            ({"by": {"from": "2020-01-01T00:00:00Z", "to": "2021-01-01T00:00:00Z"}}, 422, None),
            ({"by": {"actor": "ann"}}, 422, None),
            ({"id": "a", "dryRun": "yes"}, 422, "dryRun"),
            ({"id": "nobody"}, 404, None),
            ({"batch": "nobody"}, 404, None),
        ],
    )
    async def test_what_makes_no_sense(
        self, client: Client, desk: Desk, body: dict[str, Any], status: int, path: str | None
    ) -> None:
        """Is refused before anything is touched."""
        got, answer = await undo(client, desk, **body)
        assert got == status, answer
        if path is not None:
            assert answer["detail"][0]["path"] == path
        assert not (desk.root / ".gallery").exists()


class TestDiff:
    async def test_between_two_moments(self, client: Client, desk: Desk) -> None:
        """Each thing once; by pages."""
        await desk.rate("P/a.png", 3)
        history = await get(client, desk, "history", limit=1)
        since = history["edits"][0]["at"]
        await asyncio.sleep(0.005)  # the clock's grain is a millisecond
        await desk.rate("P/a.png", 5)
        await desk.rename({"P/b.png": "x.png"})
        answer = await get(client, desk, "diff", **{"from": since})
        assert answer["counts"] == {"rated": 1, "moved": 1}
        rated, moved = answer["differences"]
        assert (rated["path"], rated["old"], rated["new"]) == ("P/a.png", 3, 5)
        assert (moved["path"], moved["old"]) == ("P/x.png", "P/b.png")
        page = await get(client, desk, "diff", **{"from": since, "limit": 1, "offset": 1})
        assert page["differences"] == [moved]
        assert page["total"] == 2
        assert (await get(client, desk, "diff", **{"from": since, "to": since}))["total"] == 0
