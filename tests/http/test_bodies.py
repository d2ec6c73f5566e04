"""Bodies and queries that nobody should send: too large, too deep, broken, or no JSON at all."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator

import aiohttp
import orjson
import pytest
from yarl import URL

from tests.http.studio import Service, faults, graph, log_of, node, read, refused

FIRST = "Panel_01/Eliot_Panel_01_v001.png"
#: Every endpoint that reads a body.
BODIES = [
    ("POST", "/api/job"),
    ("POST", "/api/project"),
    ("POST", "/api/gallery/scan-tree"),
    ("POST", "/api/gallery/scan-folder"),
    ("POST", "/api/gallery/file-info"),
    ("POST", "/api/gallery/ratings"),
    ("POST", "/api/gallery/tags"),
    ("DELETE", "/api/gallery/tags"),
    ("POST", "/api/gallery/file-tags"),
    ("POST", "/api/gallery/views"),
]
MEGABYTE = 1 << 20


@pytest.mark.parametrize(("method", "path"), BODIES, ids=[f"{m} {p}" for m, p in BODIES])
class TestEveryBody:
    async def test_what_is_no_json_object(self, service: Service, method: str, path: str) -> None:
        """400 with the reason."""
        for data in (b"{", b"nope", b"[]", b"7", b"null", b'"x"', b"\xff\xfe{}", b"{} {}", b"\0",
                     b'{"a":NaN}', b"{'a':1}", b'{"a":"\\ud800"}', b"\xef\xbb\xbf{}"):  # fmt: skip
            refused(await service.send(method, path, data), 400, "request.malformed")

    async def test_deep_json(self, service: Service, method: str, path: str) -> None:
        """A bomb of brackets is malformed, not a crash."""
        for depth in (201, 2_000, 200_000):
            data = b'{"filters":' * depth + b"1" + b"}" * depth
            plain = refused(await service.send(method, path, data), 400, "request.malformed")
            assert "200 levels" in plain["message"] + plain["remedy"]

    async def test_nul_anywhere(self, service: Service, method: str, path: str) -> None:
        """In values and in names, however deep: each place is named."""
        data = rb'{"projectPath":"/a\u0000","filters":{"x":[1,"\u0000"]},"n\u0000":1}'
        found = faults(await service.send(method, path, data))
        assert {"projectPath", "filters.x[1]"} <= set(found)
        assert log_of(service.project) == {}

    async def test_a_large_body_is_not_read(self, service: Service, method: str, path: str) -> None:
        """Whoever announces 100 MB is refused before sending a single byte of them."""
        reader, writer = await asyncio.open_connection(service.client.host, service.client.port)
        head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {100 * MEGABYTE}\r\n\r\n"
        writer.write(head.encode())
        status = await asyncio.wait_for(reader.readline(), 30)
        assert status.split()[1] == b"413"
        writer.close()
        await writer.wait_closed()


class TestLargeBodies:
    async def test_sent_without_an_announcement(self, service: Service) -> None:
        """In chunks, so that the size is not known before: reading ends at the limit."""
        sent = 0

        async def chunks() -> AsyncIterator[bytes]:
            nonlocal sent
            yield b'{"a":"'
            for _ in range(100):
                sent += MEGABYTE
                yield b"x" * MEGABYTE

        try:
            response = await service.client.post("/api/gallery/ratings", data=chunks())
            answer = await read(response)
            response.close()
        except aiohttp.ClientConnectionError:
            pass  # it hung up on us in the middle, which is an answer too
        else:
            refused(answer, 413, "request.too_large")
        assert sent < 100 * MEGABYTE
        assert (await service.get("/health")).status == 200

    async def test_packed(self, service: Service) -> None:
        """A small body that unpacks to 100 MB is as large as it unpacks."""
        bomb = gzip.compress(b'{"a":"' + b"x" * (100 * MEGABYTE) + b'"}')
        response = await service.client.post(
            "/api/gallery/ratings", data=bomb, headers={"Content-Encoding": "gzip"}
        )
        assert response.status in (400, 413)
        assert (await response.json())["code"] in ("request.malformed", "request.too_large")

    async def test_packed_and_broken(self, service: Service) -> None:
        """400."""
        response = await service.client.post(
            "/api/gallery/ratings", data=b"no gzip", headers={"Content-Encoding": "gzip"}
        )
        refused(await read(response), 400, "request.malformed")

    async def test_packed_and_good(self, service: Service) -> None:
        """Taken like any other."""
        body = {"projectPath": str(service.project), "filePath": FIRST, "rating": 2}
        response = await service.client.post(
            "/api/gallery/ratings",
            data=gzip.compress(orjson.dumps(body)),
            headers={"Content-Encoding": "gzip"},
        )
        assert response.status == 200

    async def test_a_workflow_that_no_line_can_hold(self, service: Service) -> None:
        """A line of the log has 1 MiB: the job is refused whole, before any of it is written."""
        large = graph() | {"n": node("Note", text="x" * MEGABYTE)}
        answer = await service.post(
            "/api/job", {"workflow": large, "project_path": str(service.project)}
        )
        refused(answer, 413, "log.too_large")
        assert log_of(service.project) == {}
        assert (await service.get("/api/jobs")).plain["total"] == 0

    async def test_a_view_that_no_line_can_hold(self, service: Service) -> None:
        """Just so."""
        answer = await service.gallery("views", filters={"text": "x" * MEGABYTE})
        refused(answer, 413, "log.too_large")
        assert await service.ask("views") == {"view": None, "views": {}}

    async def test_many_faults(self, service: Service) -> None:
        """The answer does not grow with the request."""
        answer = await service.gallery("file-tags", filePath=FIRST, addTags=[None] * 100_000)
        assert len(faults(answer)) <= 200
        answer = await service.post("/api/gallery/tags", {f"x{n}": n for n in range(20_000)})
        assert len(faults(answer)) <= 200


class TestQueries:
    async def test_a_required_name_is_missing(self, service: Service) -> None:
        """Named as the client would have to write it."""
        for name in ("ratings", "tags", "views"):
            answer = await service.get(f"/api/gallery/{name}")
            assert faults(answer) == {"projectPath": "is required"}

    async def test_given_twice(self, service: Service) -> None:
        """Which one counts? 422."""
        response = await service.client.get("/api/gallery/ratings?projectPath=/a&projectPath=/b")
        assert list(faults(await read(response))) == ["projectPath"]

    async def test_no_utf8(self, service: Service) -> None:
        """400."""
        address = URL("/api/gallery/ratings?projectPath=%FF%FE", encoded=True)
        refused(await read(await service.client.get(address)), 400, "request.malformed_query")

    async def test_too_many_names(self, service: Service) -> None:
        """400."""
        address = URL("/api/jobs?" + "&".join(["status=queued"] * 1001), encoded=True)
        refused(await read(await service.client.get(address)), 400, "request.malformed_query")

    async def test_long_names_in_other_scripts(self, service: Service) -> None:
        """Percent-encoded, a path of Japanese folders has three times its bytes."""
        path = service.project / "/".join(["猫" * 80] * 15)
        refused(await service.get("/api/serve-image", path=f"{path}.png"), 404, "file.missing")

    async def test_nul(self, service: Service) -> None:
        """422 with the name."""
        address = URL("/api/gallery/ratings?projectPath=/a%00b", encoded=True)
        assert list(faults(await read(await service.client.get(address)))) == ["projectPath"]

    async def test_neither_body_nor_query(self, service: Service) -> None:
        """DELETE reads the query if there is no body."""
        answer = await service.send("DELETE", "/api/gallery/tags")
        assert set(faults(answer)) == {"projectPath", "tagId"}
