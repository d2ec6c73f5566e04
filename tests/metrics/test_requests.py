"""The middleware that counts: every kind of answer, whatever the handler does."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from attrs import define
from prometheus_client import CollectorRegistry

from orchestrator.http import middleware
from orchestrator.http.metrics import BUCKETS, RequestMeter, _Counted

Client = TestClient[web.Request, web.Application]


@define(eq=False)
class Counting:
    """A small application, and its figures."""

    client: Client
    registry: CollectorRegistry

    def count(self, endpoint: str, status: str, method: str = "GET") -> float | None:
        """How many requests were answered so."""
        labels = {"endpoint": endpoint, "method": method, "status": status}
        return self.registry.get_sample_value("orchestrator_http_requests_total", labels)


@pytest.fixture
async def counting() -> AsyncIterator[Counting]:
    """An application that answers, redirects, and fails."""

    async def answer(request: web.Request) -> web.StreamResponse:
        return web.Response(status=int(request.match_info["status"]))

    async def redirect(_: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("/status/200")

    app = web.Application()
    meter, registry = RequestMeter(()), CollectorRegistry()
    registry.register(meter)
    middleware.install(app, meter=meter.begin)
    app.router.add_get("/status/{status:[0-9]+}", answer)
    app.router.add_post("/status/{status:[0-9]+}", answer)
    app.router.add_get("/moved", redirect)
    async with TestClient(TestServer(app)) as client:
        yield Counting(client, registry)


class TestCounting:
    async def test_each_status(self, counting: Counting) -> None:
        """By itself, under the path as it is declared, without patterns."""
        for status in ("200", "200", "404"):
            await counting.client.get(f"/status/{status}")
        await counting.client.post("/status/200")

        assert counting.count("/status/{status}", "200") == 2
        assert counting.count("/status/{status}", "404") == 1
        assert counting.count("/status/{status}", "200", "POST") == 1

    async def test_a_redirect(self, counting: Counting) -> None:
        """It is raised, and an answer like any other."""
        await counting.client.get("/moved", allow_redirects=False)

        assert counting.count("/moved", "302") == 1

    async def test_head(self, counting: Counting) -> None:
        """Has figures of its own."""
        await counting.client.head("/status/200")

        assert counting.count("/status/{status}", "200", "HEAD") == 1

    async def test_a_method_that_is_not_served(self, counting: Counting) -> None:
        """Belongs to no endpoint."""
        await counting.client.delete("/status/200")

        assert counting.count("none", "405", "DELETE") == 1

    async def test_thousands_of_paths(self, counting: Counting) -> None:
        """Make no more figures than one."""
        for number in range(100):
            await counting.client.get(f"/status/200?x={number}")
            await counting.client.get(f"/{number}")
        samples = [
            sample.labels
            for metric in counting.registry.collect()
            for sample in metric.samples
            if sample.name == "orchestrator_http_requests_total"
        ]

        assert len(samples) == 2


class TestDurations:
    def test_in_which_bucket(self) -> None:
        """A limit belongs to its bucket; what is longer than all is in the last."""
        counted = _Counted("/a", "GET", is_socket=False)
        for seconds in (0.0, BUCKETS[0], BUCKETS[0] * 1.01, BUCKETS[-1] * 2):
            counted.ended(200, seconds)
        found = dict(counted.cumulated())

        assert found[str(BUCKETS[0])] == 2
        assert found[str(BUCKETS[1])] == found[str(BUCKETS[-1])] == 3
        assert found["+Inf"] == 4

    def test_who_went_away_unanswered(self) -> None:
        """Counts as no answer, and took no time that says anything."""
        counted = _Counted("/a", "GET", is_socket=False)
        counted.ended(middleware.UNANSWERED, 5.0)

        assert counted.by_status == {}
        assert dict(counted.cumulated())["+Inf"] == 0
