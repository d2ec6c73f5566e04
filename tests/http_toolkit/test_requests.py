"""Where a request's fields come from, and the limits of reading them."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from attrs import frozen

from orchestrator.http import serving
from orchestrator.http.endpoint import declared, endpoint
from tests.http_toolkit import example
from tests.http_toolkit.conftest import Client, Faults


class TestBody:
    @pytest.mark.parametrize("data", [b"", b"[]", b"{", b"\xff"])
    async def test_an_unreadable_body_is_400(self, client: Client, data: bytes) -> None:
        """Unreadable is 400, readable but wrong is 422."""
        response = await client.post("/api/everything", data=data)
        assert response.status == 400
        assert (await response.json())["code"] == "request.malformed"

    async def test_a_deep_body_is_400(self, client: Client) -> None:
        """Depth would cost the stack of whoever walks the data."""
        data = b'{"anything":' + b"[" * 300 + b"]" * 300 + b"}"
        response = await client.post("/api/everything", data=data)
        assert response.status == 400
        assert "deeper than 200" in (await response.json())["message"]

    @pytest.mark.parametrize("media", ["application/json; charset=utf-8", "text/plain", ""])
    async def test_the_content_type_does_not_matter(self, client: Client, media: str) -> None:
        """There is one thing a body can be."""
        response = await client.post(
            "/api/everything", data=b'{"count":3}', headers={"Content-Type": media}
        )
        assert (await response.json())["count"] == 3

    async def test_a_huge_body_is_refused_unread(self, client: Client) -> None:
        """100 MB announced: refused at the headers, before the first byte has come."""
        reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
        head = f"POST /api/everything HTTP/1.1\r\nHost: x\r\nContent-Length: {100 * 2**20}\r\n\r\n"
        writer.write(head.encode())
        answer = await reader.readuntil(b"}")
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert b'"request.too_large"' in answer
        writer.close()
        await writer.wait_closed()

    async def test_a_body_of_unknown_size_is_read_up_to_the_limit(self, client: Client) -> None:
        """Chunks without an announced length are counted as they come."""
        taken = 0

        async def endless() -> AsyncIterator[bytes]:
            nonlocal taken
            yield b'{"text":"'
            while taken < 10_000:
                taken += 1
                yield b"x" * 65536

        response = await client.post("/api/everything", data=endless())
        assert response.status == 413
        assert (await response.json())["message"] == f"The body is larger than {8 * 2**20} bytes."
        assert taken < 10_000

    async def test_an_endpoint_may_have_its_own_limit(self, client: Client) -> None:
        """/api/job takes 2000 bytes in the example."""
        response = await client.post("/api/job", data=b" " * 2001)
        assert response.status == 413

    async def test_the_services_limit_is_configured(self) -> None:
        """`routes` takes the limit for endpoints that set none."""
        async with TestClient(TestServer(example.build(body_limit=20))) as client:
            assert (await client.post("/api/everything", data=b"{}")).status == 200
            assert (
                await client.post("/api/everything", data=b'{"text": "long"     }')
            ).status == 413

    async def test_a_compressed_body_is_counted_unpacked(self, client: Client) -> None:
        """A small body may hold a large one."""
        bomb = gzip.compress(b'{"text":"' + b"x" * (64 * 2**20) + b'"}')
        response = await client.post(
            "/api/everything", data=bomb, headers={"Content-Encoding": "gzip"}
        )
        assert response.status == 413

    async def test_a_body_that_does_not_unpack_is_400(self, client: Client) -> None:
        """It claims to be compressed, and is not."""
        response = await client.post(
            "/api/everything", data=b"no gzip at all", headers={"Content-Encoding": "gzip"}
        )
        assert response.status == 400
        assert (await response.json())["code"] in ("request.malformed", "http.bad_request")

    async def test_an_optional_body(self, client: Client, faults: Faults) -> None:
        """Without a body every field has its default; with one, it is read as strictly as any."""
        url = "/api/backends/restart"
        assert await (await client.post(url)).json() == {"free_memory": True}
        sent = await client.post(url, json={"free_memory": False})
        assert await sent.json() == {"free_memory": False}
        assert "free_memory" in await faults(await client.post(url, json={"free_memory": 0}))

    async def test_body_or_query(self, client: Client, faults: Faults) -> None:
        """A DELETE reads its body, or its query from clients that send no body."""
        url = "/api/gallery/tags"
        sent = {"projectPath": "/p", "tagId": "t1"}
        assert (await client.delete(url, json=sent)).status == 204
        assert (await client.delete(url, params=sent)).status == 204
        assert await faults(await client.delete(url, params={"tagId": "t"})) == {
            "projectPath": "is required"
        }
        assert await faults(await client.delete(url)) == {
            "projectPath": "is required",
            "tagId": "is required",
        }


class TestQuery:
    async def test_what_fits_is_read(self, client: Client) -> None:
        """Numbers, booleans, times, choices, and a list by repeating its name."""
        response = await client.get(
            "/api/jobs?limit=7&newest_first=0&since=2026-02-22T10:30:00Z&min_progress=-1.5e1"
            "&status=queued&status=running&kind=image"
        )
        assert await response.json() == {
            "limit": 7, "newest_first": False, "since": "2026-02-22T10:30:00Z",
            "min_progress": -15.0, "status": ["queued", "running"], "kind": "image",
        }  # fmt: skip

    async def test_nothing_is_needed(self, client: Client) -> None:
        """Fields with defaults may be left out."""
        assert (await (await client.get("/api/jobs")).json())["limit"] == 50

    @pytest.mark.parametrize(
        ("query", "path", "message"),
        [
            ("limit=7.0", "limit", "expected a whole number"),
            ("limit=", "limit", "expected a whole number"),
            ("limit=%207", "limit", "expected a whole number"),
            ("limit=٧", "limit", "expected a whole number"),
            ("limit=1_0", "limit", "expected a whole number"),
            ("limit=9999999999999999999", "limit", "must fit into 64 bits"),
            ("limit=0", "limit", "must be at least 1"),
            ("limit=1&limit=2", "limit", "given 2 times, expected once"),
            ("newest_first=True", "newest_first", "expected true, false, 1 or 0"),
            ("newest_first=", "newest_first", "expected true, false, 1 or 0"),
            ("min_progress=nan", "min_progress", "expected a number"),
            ("min_progress=inf", "min_progress", "expected a number"),
            ("min_progress=1e999", "min_progress", "expected a number"),
            ("since=2026-02-22", "since", "needs a time zone; end it with Z for UTC"),
            ("status=done", "status[0]", "must be one of: queued, running"),
            ("status=queued&status=x", "status[1]", "must be one of: queued, running"),
            ("status=queued,running", "status[0]", "must be one of: queued, running"),
            ("kind=", "kind", "must be one of: image, video"),
            ("Limit=7", "Limit", "unknown field; did you mean limit?"),
        ],
    )
    async def test_what_does_not_fit_is_named(
        self, client: Client, faults: Faults, query: str, path: str, message: str
    ) -> None:
        """Query strings are as strict as bodies."""
        assert await faults(await client.get(f"/api/jobs?{query}")) == {path: message}

    async def test_a_nul_is_no_text(self, client: Client, faults: Faults) -> None:
        """No file name, id or tag has one."""
        found = await faults(await client.get("/api/serve-image?path=a%00b"))
        assert found == {"path": "must not contain NUL characters"}

    @pytest.mark.parametrize("query", ["kind=%ff", "&".join(["a=1"] * 1001)])
    async def test_what_cannot_be_taken_apart_is_400(self, client: Client, query: str) -> None:
        """Not UTF-8, or without end."""
        url = client.make_url("/api/jobs").with_query(None)
        raw = type(url)(f"{url}?{query}", encoded=True)
        response = await client.session.get(raw)
        assert response.status == 400
        assert (await response.json())["code"] == "request.malformed_query"

    async def test_text_of_any_language(self, client: Client) -> None:
        """A path with umlauts, blanks, plus and percent comes through."""
        name = "/mnt/Füße + 100%/東京.png"
        response = await client.get("/api/serve-image", params={"path": name})
        assert await response.read() == b"\x89PNG" + name.encode()


class TestPath:
    async def test_parameters_are_read_and_typed(self, client: Client, faults: Faults) -> None:
        """A parameter is a field of the request like any other."""
        response = await client.put("/api/path-mappings/12", json={"linux": "/a"})
        assert (await response.json())["mapping_id"] == 12
        wrong = await client.put("/api/path-mappings/twelve", json={"linux": 5})
        assert await faults(wrong) == {
            "mapping_id": "expected a whole number",
            "linux": "expected a string, got a whole number",
        }

    async def test_a_parameter_is_no_field_of_the_body(
        self, client: Client, faults: Faults
    ) -> None:
        """What the path says, the body cannot say otherwise."""
        response = await client.put("/api/path-mappings/1", json={"linux": "", "mapping_id": 2})
        assert await faults(response) == {"mapping_id": "unknown field"}

    async def test_without_other_fields_no_body_is_read(self, client: Client) -> None:
        """POST .../cancel says everything in its path: any body will do."""
        for data in (b"", b"{}", b"nonsense"):
            response = await client.post("/api/jobs/j1/cancel", data=data)
            assert response.status == 409

    async def test_a_nul_in_the_path(self, client: Client, faults: Faults) -> None:
        """As in bodies and queries."""
        url = client.make_url("/api/jobs/") / quote("a") / "cancel"
        raw = type(url)(str(url).replace("/a/", "/a%00/"), encoded=True)
        found = await faults(await client.session.post(raw))
        assert found == {"job_id": "must not contain NUL characters"}


class TestAnswers:
    async def test_a_folder(self, client: Client) -> None:
        """Names in camelCase, times with Z, free names of an object untouched."""
        response = await client.post("/api/gallery/scan-folder", json={"projectPath": "/p"})
        assert response.status == 200
        assert response.content_type == "application/json"
        plain = await response.json()
        assert plain["ratingsByPath"] == {"Panel_01/my_x.png": 4}
        assert plain["files"][0] == {
            "name": "x.png", "relPath": "Panel_01/x.png", "size": 3,
            "modified": "2026-02-22T10:30:00Z", "type": "image", "width": None,
            "tags": [{"tagId": "t1", "displayName": "Hero"}],
        }  # fmt: skip

    async def test_a_tree(self, client: Client) -> None:
        """A class may contain itself."""
        plain = await (await client.get("/api/gallery/tree")).json()
        assert plain == {
            "name": "a",
            "children": [{"name": "b", "children": [{"name": "c", "children": []}]}],
        }

    async def test_status_and_headers_of_its_own(self, client: Client) -> None:
        """The endpoint's status, and headers of a Reply."""
        response = await client.post("/api/job", json={"workflow_id": "a"})
        assert response.status == 202
        assert response.headers["Location"] == "/api/jobs/j1"

    async def test_nothing_to_answer(self, client: Client) -> None:
        """None is 204 without a body."""
        response = await client.delete("/api/gallery/tags?projectPath=a&tagId=b")
        assert (response.status, await response.read()) == (204, b"")

    @pytest.mark.parametrize("url", ["/api/jobs", "/api/serve-image?path=a", "/openapi.json"])
    async def test_head_answers_as_get_without_the_body(self, client: Client, url: str) -> None:
        """Players and proxies ask HEAD first."""
        got, head = await client.get(url), await client.head(url)
        assert head.status == got.status == 200
        assert head.headers["Content-Length"] == got.headers["Content-Length"]
        assert await head.read() == b""

    async def test_a_websocket(self, client: Client) -> None:
        """The handler prepares the answer itself; its parameters are read all the same."""
        async with client.ws_connect("/ws/jobs/j7") as socket:
            assert await socket.receive_json() == {"type": "hello", "job_id": "j7"}

    async def test_a_websocket_is_no_get(self, client: Client) -> None:
        """Without the upgrade it is refused in our shape."""
        response = await client.get("/ws/jobs/j7")
        assert response.status == 400
        assert (await response.json())["code"] == "http.bad_request"


@frozen
class Unreadable:
    """A request that cannot be read strictly."""

    data: bytes


@frozen
class NoContainer:
    """A request that no query can carry."""

    data: dict[str, Any]


@endpoint("POST", "/unreadable", request=Unreadable)
async def unreadable(request: web.Request, asked: Unreadable) -> None:
    """Is never served."""


@endpoint("GET", "/container", request=NoContainer)
async def container(request: web.Request, asked: NoContainer) -> None:
    """Is never served."""


class TestDeclaring:
    @pytest.mark.parametrize("one", [unreadable, container])
    def test_what_cannot_be_read_is_found_before_it_is_asked_for(self, one: Any) -> None:
        """A start compiles nothing; a test compiles everything, and fails."""
        serving.routes(web.Application(), [one])
        with pytest.raises(TypeError):
            serving.compile_all([one])

    def test_a_path_parameter_must_be_a_field(self) -> None:
        """Otherwise nobody would ever read it."""
        declare = endpoint("GET", "/api/jobs/{id}", request=example.JobById)
        with pytest.raises(TypeError, match="no field 'id'"):
            declare(lambda request, asked: asyncio.sleep(0))

    def test_a_module_lists_its_endpoints(self) -> None:
        """In the order of the module, each once."""
        assert declared(example, example) == example.ENDPOINTS
