"""Errors, ids, actors and CORS: what every request meets."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Any

import pytest
import structlog
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import LogCapture

from orchestrator import errors
from orchestrator.errors import OrchestratorError
from orchestrator.http.middleware import Origins, status_of
from tests.http_toolkit import example
from tests.http_toolkit.conftest import Client, Faults

PAGE = {"Origin": "http://studio:5173"}
OTHER = {"Origin": "http://evil.example"}
#: The last two are for the frontend, which spells the core as the document does.
SHAPE = {"code", "message", "remedy", "detail", "success", "error"}


@pytest.fixture
def lines() -> Any:
    """The log lines of the test, with their context."""
    capture = LogCapture()
    before = structlog.get_config()["processors"]
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, capture])
    yield capture.entries
    structlog.configure(processors=before)


@pytest.fixture
async def choosy() -> AsyncIterator[Client]:
    """A client of a service that only pages of one origin may use."""
    app = example.build(cors_origins=["http://Studio:5173/"])
    async with TestClient(TestServer(app)) as made:
        yield made


class TestErrors:
    @pytest.mark.parametrize(
        ("name", "status", "code"),
        [
            ("not_permitted", 403, "path.not_permitted"),
            ("missing", 404, "file.missing"),
            ("conflict", 409, "job.ended"),
            ("invalid", 422, "path.invalid"),
            ("unreachable", 503, "backend.unreachable"),
            ("timeout", 503, "service.timeout"),
            ("refused", 502, "backend.refused"),
            ("other", 502, "internal"),
            ("range", 416, "http.range_not_satisfiable"),
        ],
    )
    async def test_each_kind_has_its_status(
        self, client: Client, name: str, status: int, code: str
    ) -> None:
        """One shape for all: code, message, remedy, detail; and `error` for the frontend."""
        response = await client.get(f"/api/fail/{name}")
        assert response.status == status
        plain = await response.json()
        assert set(plain) == SHAPE
        assert plain["code"] == code

    async def test_message_remedy_and_detail_are_the_errors_own(self, client: Client) -> None:
        """The middleware adds nothing."""
        error = example.FAILURES["refused"]
        assert isinstance(error, errors.BackendRefused)
        assert await (await client.get("/api/fail/refused")).json() == {
            "code": "backend.refused",
            "message": str(error),
            "remedy": error.remedy,
            "detail": error.detail(),
            "success": False,
            "error": str(error),
        }

    def test_every_error_of_ours_has_a_status(self) -> None:
        """A new kind of error gets a status here, or is another's failure."""
        kinds = [k for k in vars(errors).values() if isinstance(k, type)]
        ours = [k for k in kinds if issubclass(k, OrchestratorError)]
        assert {status_of(kind) for kind in ours} == {400, 403, 404, 409, 413, 422, 502, 503}

    async def test_unavailable_says_when_to_come_again(self, client: Client) -> None:
        """Whole seconds, rounded up."""
        response = await client.get("/api/fail/unreachable")
        assert response.headers["Retry-After"] == "5"

    async def test_unknown_routes(self, client: Client) -> None:
        """In the same shape as everything else."""
        response = await client.get("/api/nope")
        assert response.status == 404
        assert (await response.json())["code"] == "http.not_found"

    async def test_unknown_methods_name_the_known_ones(self, client: Client) -> None:
        """405 keeps its Allow header."""
        response = await client.put("/api/jobs")
        assert response.status == 405
        assert response.headers["Allow"] == "GET,HEAD"
        plain = await response.json()
        assert (set(plain), plain["code"]) == (SHAPE, "http.method_not_allowed")

    async def test_headers_of_a_refusal_are_kept(self, client: Client) -> None:
        """A player needs Content-Range with its 416."""
        response = await client.get("/api/fail/range")
        assert response.headers["Content-Range"] == "bytes */10"

    async def test_a_redirect_is_no_error(self, client: Client) -> None:
        """The framework raises redirects; they pass."""
        response = await client.get("/api/fail/redirect", allow_redirects=False)
        assert (response.status, response.headers["Location"]) == (302, "/elsewhere")

    async def test_a_fault_of_ours_tells_the_log_all_and_the_client_nothing(
        self, client: Client, lines: list[Any]
    ) -> None:
        """500 with the id under which the log has the traceback."""
        response = await client.get("/api/fail/bug")
        assert response.status == 500
        text = await response.text()
        assert "secret" not in text
        assert "KeyError" not in text
        plain = await response.json()
        assert plain["code"] == "internal"
        assert plain["detail"] == {"request_id": response.headers["X-Request-Id"]}
        (line,) = lines
        assert (line["event"], line["log_level"]) == ("request.failed", "error")
        assert line["request_id"] == response.headers["X-Request-Id"]
        assert isinstance(line["exc_info"], KeyError)

    async def test_a_refusal_is_one_quiet_line(self, client: Client, lines: list[Any]) -> None:
        """Refusing is no fault: no traceback."""
        await client.get("/api/fail/missing")
        (line,) = lines
        assert (line["event"], line["log_level"]) == ("request.refused", "info")
        assert (line["status"], line["code"]) == (404, "file.missing")

    async def test_a_backends_reset_is_not_the_clients(self, client: Client) -> None:
        """A broken connection elsewhere, while our client still waits, is a fault."""
        assert (await client.get("/api/fail/reset_by_backend")).status == 500

    async def test_half_an_answer_ends_in_a_broken_connection(
        self, client: Client, lines: list[Any]
    ) -> None:
        """The client must not take half a picture for the whole."""
        reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
        writer.write(b"GET /api/half HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = await reader.read()
        assert b"half" in answer
        assert b"500" not in answer
        assert not answer.endswith(b"0\r\n\r\n")
        writer.close()
        await writer.wait_closed()
        assert [line["event"] for line in lines] == ["request.broken_off"]

    async def test_a_client_that_hangs_up_is_no_error(self, lines: list[Any]) -> None:
        """Artists close tabs while pictures load."""
        app = example.build()
        # The test server cancels handlers of lost connections, a real one lets them find out.
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        reader, writer = await asyncio.open_connection(*runner.addresses[0])
        writer.write(b"GET /api/slow HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"start")
        writer.transport.abort()
        app[example.GALLERY].released.set()
        await app[example.GALLERY].ended.wait()
        await runner.cleanup()
        assert [(line["event"], line["log_level"]) for line in lines] == [
            ("request.client_gone", "debug")
        ]


class TestWhoAsks:
    async def test_an_actor_is_known(self, client: Client) -> None:
        """To the handler and to the log."""
        response = await client.get("/api/who", headers={"X-Actor": " Jürgen K. "})
        assert (await response.json())["actor"] == "Jürgen K."

    async def test_nobody_is_anonymous(self, client: Client, lines: list[Any]) -> None:
        """No header, no name; the log says so too."""
        assert (await (await client.get("/api/who")).json())["actor"] == "anonymous"
        await client.get("/api/fail/missing", headers={"X-Actor": "ann"})
        await client.get("/api/fail/missing")
        assert [line["actor"] for line in lines] == ["ann", "anonymous"]

    @pytest.mark.parametrize("actor", ["", " ", "x" * 65, "tab\there", "bell\u200b"])
    async def test_an_unusable_actor_is_refused(
        self, client: Client, faults: Faults, actor: str
    ) -> None:
        """It would stand in the log for ever."""
        response = await client.get("/api/who", headers={"X-Actor": actor})
        assert await faults(response) == {"X-Actor": "expected 1 to 64 printable characters"}

    async def test_a_request_has_an_id(self, client: Client) -> None:
        """The client's own if it is usable, else a new one; the same inside and out."""
        given = await client.get("/api/who", headers={"X-Request-Id": "shot-12.a:b"})
        assert given.headers["X-Request-Id"] == "shot-12.a:b"
        assert (await given.json())["request_id"] == "shot-12.a:b"
        for bad in ("", "a b", "x" * 65, "é"):
            made = await client.get("/api/who", headers={"X-Request-Id": bad})
            assert re.fullmatch(r"[0-9a-f-]{36}", made.headers["X-Request-Id"])


class TestCors:
    @pytest.mark.parametrize(
        "url", ["/api/jobs", "/api/nope", "/api/fail/bug", "/api/jobs?limit=x", "/api/half",
                "/api/serve-image?path=a", "/api/fail/missing"],
    )  # fmt: skip
    async def test_every_answer_is_open_to_pages(self, client: Client, url: str) -> None:
        """Also errors, pictures and streams: else a page cannot read why it failed."""
        response = await client.get(url, headers=PAGE)
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert "X-Request-Id" in response.headers["Access-Control-Expose-Headers"]
        response.close()

    async def test_a_preflight(self, client: Client) -> None:
        """204 with what was asked for, whatever the route."""
        asked = {
            "Access-Control-Request-Method": "PUT",
            "Access-Control-Request-Headers": "content-type,x-actor",
        }
        for url in ("/api/path-mappings/1", "/api/nope"):
            response = await client.options(url, headers=PAGE | asked)
            assert response.status == 204
            assert response.headers["Access-Control-Allow-Origin"] == "*"
            assert response.headers["Access-Control-Allow-Methods"] == (
                "GET, POST, PUT, PATCH, DELETE, OPTIONS"
            )
            assert response.headers["Access-Control-Allow-Headers"] == "content-type,x-actor"

    async def test_named_origins(self, choosy: Client) -> None:
        """Only they are let in; caches are told that the answer depends on it."""
        for url in ("/api/jobs", "/api/nope"):
            let_in = await choosy.get(url, headers=PAGE)
            assert let_in.headers["Access-Control-Allow-Origin"] == PAGE["Origin"]
            assert let_in.headers["Vary"] == "Origin"
            kept_out = await choosy.get(url, headers=OTHER)
            assert "Access-Control-Allow-Origin" not in kept_out.headers
            assert kept_out.headers["Vary"] == "Origin"

    async def test_other_pages_change_nothing(self, choosy: Client) -> None:
        """A browser sends simple POSTs, and opens WebSockets, without asking first."""
        for origin in (OTHER, {"Origin": "null"}):
            response = await choosy.post("/api/everything", data=b"{}", headers=origin)
            assert response.status == 403
            assert (await response.json())["code"] == "request.origin_not_permitted"
        socket = OTHER | {"Upgrade": "websocket", "Connection": "Upgrade"}
        assert (await choosy.get("/ws/jobs/j1", headers=socket)).status == 403
        assert (await choosy.get("/api/jobs", headers=OTHER)).status == 200

    async def test_pages_of_ours_and_programs_may(self, choosy: Client) -> None:
        """The allowed origin, the service's own pages, and clients that are no browsers."""
        own = {"Origin": str(choosy.make_url("")).rstrip("/")}
        for headers in (PAGE, own, {}):
            response = await choosy.post("/api/everything", data=b"{}", headers=headers)
            assert response.status == 200

    def test_no_origins_at_all(self) -> None:
        """An empty list lets nobody in."""
        assert not Origins.parse(["", " "]).allow("http://a")
        assert Origins.parse(["http://a", "*"]).allow("http://b")
