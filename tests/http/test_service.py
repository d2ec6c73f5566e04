"""What belongs to no endpoint in particular: health, documents, CORS, request ids, errors."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from orchestrator.app import ENDPOINTS
from orchestrator.services import DISPATCHER, FLEET
from tests.http.studio import Answer, Service, Studio, read, refused

#: Routes that are no part of the API: they show it.
SHOWING = {"/openapi.json", "/docs", "/redoc"}


class TestHealth:
    async def test_it_answers_as_documented(self, service: Service) -> None:
        """`status`, `timestamp`, `backends_online` and `version` are the document's."""
        answer = await service.get("/health")
        assert answer.status == 200
        assert answer.plain["status"] == "ok"
        assert answer.plain["backends_online"] == 0
        assert re.fullmatch(r"\d+\.\d+\.\d+", answer.plain["version"])
        assert answer.plain["timestamp"].endswith("Z")

    async def test_it_counts_open_projects(self, service: Service) -> None:
        """A project is opened when it is first asked for."""
        assert (await service.get("/health")).plain["projects_open"] == 1  # the host's own
        await service.ratings()
        assert (await service.get("/health")).plain["projects_open"] == 2

    async def test_it_names_what_cannot_be_written_or_read(self, service: Service) -> None:
        """A project that is read-only stands there with its reason; so do lines left out."""
        await service.rate("Panel_01/Eliot_Panel_01_v001.png", 3)
        await service.close()
        (segment,) = (service.project / ".gallery" / "log").iterdir()
        data = segment.read_bytes()
        segment.write_bytes(data.replace(b'"stars":3', b'"stars":5'))
        form = service.project / ".gallery" / "FORMAT"
        form.write_bytes(form.read_bytes().replace(b'"write":[]', b'"write":["shards"]'))
        studio = Studio(service.project.parent.parent)
        try:
            again = await studio.host("bela")
            assert await again.ratings() == {}, "nothing false is applied"
            health = (await again.get("/health")).plain
        finally:
            await studio.close()
        assert health["log_left_out"] == 1
        (told,) = health["projects_read_only"]
        assert told.startswith(f"{service.project}: ")
        assert "shards" in told

    async def test_head_is_get_without_a_body(self, service: Service) -> None:
        """Load balancers ask so."""
        answer = await service.send("HEAD", "/health")
        assert (answer.status, answer.body) == (200, b"")


class TestDocuments:
    async def test_openapi_is_valid(self, service: Service) -> None:
        """By the validator of the standard's own authors."""
        document = (await service.get("/openapi.json")).plain
        assert document["openapi"].startswith("3.1")
        assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []

    async def test_openapi_has_every_route(self, service: Service) -> None:
        """No route is served that the document does not tell of, and none is promised in vain."""
        document = (await service.get("/openapi.json")).plain
        told = {
            (method.upper(), path)
            for path, methods in document["paths"].items()
            for method in methods
        }
        assets = "/docs/assets/"
        served = {
            (route.method, route.resource.canonical)
            for route in service.app.router.routes()
            if route.resource is not None and route.method != "HEAD"
        }
        served = {
            (method, path)
            for method, path in served
            if path not in SHOWING and not path.startswith(assets)
        }
        assert told == served
        assert told == {(one.method, one.documented_path) for one in ENDPOINTS}

    @pytest.mark.parametrize("page", ["/docs", "/redoc"])
    async def test_pages_need_no_other_host(self, service: Service, page: str) -> None:
        """Render nodes have no internet: all that a page loads comes from here."""
        answer = await service.get(page)
        text = answer.body.decode()
        assert answer.status == 200
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert not re.search(r"(?:src|href)=\"(?:https?:)?//", text)
        addresses = re.findall(r'(?:src|href|spec-url)="([^"]+)"', text)
        assert addresses
        for address in addresses:
            assert (await service.get(f"/{address}")).status == 200


class TestStrangeRequests:
    async def test_unknown_address(self, service: Service) -> None:
        """A refusal like any other, not a page."""
        refused(await service.get("/api/nothing"), 404, "http.not_found")

    async def test_wrong_method(self, service: Service) -> None:
        """With the methods that there are."""
        answer = await service.send("DELETE", "/api/jobs")
        refused(answer, 405, "http.method_not_allowed")
        assert "GET" in answer.headers["Allow"]

    async def test_a_websocket_without_upgrade(self, service: Service) -> None:
        """A browser's address line is no WebSocket."""
        refused(await service.get("/ws/jobs"), 400, "http.bad_request")

    async def test_an_expectation_that_nobody_meets(self, service: Service) -> None:
        """417 from aiohttp itself, and the connection is not just dropped."""
        headers = {"Expect": "200-ok"}
        answer = await read(await service.client.post("/api/job", data=b"{}", headers=headers))
        assert answer.status == 417
        assert answer.headers["X-Request-Id"]

    async def test_the_clients_request_id_comes_back(self, service: Service) -> None:
        """So that a client's log and the service's can be laid side by side."""
        answer = await service.post("/api/job", {}, **{"X-Request-Id": "abc-1"})
        assert answer.headers["X-Request-Id"] == "abc-1"

    async def test_an_unusable_request_id_is_replaced(self, service: Service) -> None:
        """It would be written into the service's log."""
        answer = await service.post("/api/job", {}, **{"X-Request-Id": "a b"})
        assert answer.headers["X-Request-Id"] not in ("", "a b")

    @pytest.mark.parametrize("actor", ["", " ", "a" * 65, "a\x01b"])
    async def test_an_unusable_actor_is_refused(self, service: Service, actor: str) -> None:
        """The log keeps the actor for ever."""
        reader, writer = await _connect(service)
        writer.write(f"GET /health HTTP/1.1\r\nHost: a\r\nX-Actor: {actor}\r\n\r\n".encode("latin"))
        status = await reader.readline()
        writer.close()
        await writer.wait_closed()
        # A control character is no HTTP at all; the parser refuses it before we see it.
        assert status.split()[1] == (b"400" if "\x01" in actor else b"422")


async def _connect(service: Service) -> Any:
    return await asyncio.open_connection(service.client.host, service.client.port)


class TestCors:
    """Pages of other origins: the frontend is served from another port."""

    async def preflight(self, service: Service, origin: str) -> Answer:
        """What a browser asks before it lets a page send JSON."""
        asked = {
            "Origin": origin,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "content-type",
        }
        return await read(await service.client.options("/api/job", headers=asked))

    async def test_everyone_may_by_default(self, service: Service) -> None:
        """`*` is the documented default."""
        answer = await self.preflight(service, "http://localhost:5173")
        assert answer.status == 204
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "POST" in answer.headers["Access-Control-Allow-Methods"]
        assert "content-type" in answer.headers["Access-Control-Allow-Headers"]

    async def test_refusals_can_be_read_too(self, service: Service) -> None:
        """Without the header on errors a page would only see that something failed."""
        answer = await service.post("/api/job", {}, Origin="http://localhost:5173")
        refused(answer, 422, "workflow.invalid")
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "Retry-After" in answer.headers["Access-Control-Expose-Headers"]

    async def test_named_origins_alone(self, studio: Studio) -> None:
        """A page of another origin can neither read nor change anything."""
        service = await studio.host(cors_origins=("http://wall:5173",))
        good = await self.preflight(service, "http://wall:5173")
        assert good.headers["Access-Control-Allow-Origin"] == "http://wall:5173"
        assert "Origin" in good.headers["Vary"]
        bad = await self.preflight(service, "http://evil:5173")
        assert "Access-Control-Allow-Origin" not in bad.headers
        answer = await service.post("/api/job", {}, Origin="http://evil:5173")
        refused(answer, 403, "request.origin_not_permitted")

    async def test_websockets_of_other_origins_are_refused(self, studio: Studio) -> None:
        """Browsers ask no preflight before they open one."""
        service = await studio.host(cors_origins=("http://wall:5173",))
        headers = {
            "Origin": "http://evil",
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
        }
        answer = await read(await service.client.get("/ws/jobs", headers=headers))
        refused(answer, 403, "request.origin_not_permitted")


class TestStopping:
    async def test_woken_in_the_same_moment(self, service: Service) -> None:
        """A stop is not lost because something happened just then."""
        await service.ratings()
        await asyncio.sleep(0.1)
        service.app[FLEET].on_change()
        async with asyncio.timeout(20):
            await service.app[DISPATCHER].close()

    async def test_with_work_under_way(self, studio: Studio, service: Service) -> None:
        """What was answered is on the disk, and the next start goes on from there."""
        job_id = await service.submit(project_path=str(studio.project))
        await service.rate("Panel_01/Eliot_Panel_01_v001.png", 3)
        async with asyncio.timeout(20):
            await service.stop()
        again = await studio.host()
        await again.opened()
        assert (await again.job(job_id))["status"] == "queued"
        assert await again.ratings() == {"Panel_01/Eliot_Panel_01_v001.png": 3}
