"""GET /metrics of the whole service, as Prometheus sees it."""

from __future__ import annotations

import re

import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client.parser import text_string_to_metric_families

from orchestrator import __version__
from orchestrator.config import BackendConfig
from tests.http.studio import Service, Studio

NODE = BackendConfig(id="node1", name="n", host="127.0.0.1", port=1, enabled=False)


@pytest.fixture
async def service(studio: Studio) -> Service:
    """The service, with a backend that is disabled."""
    return await studio.host(backends=(NODE,))


async def scrape(service: Service) -> dict[str, Metric]:
    """All figures, by name."""
    answer = await service.get("/metrics")
    assert answer.status == 200
    text = answer.body.decode()
    families = text_string_to_metric_families(text)
    return {metric.name: metric for metric in families}


def value(found: dict[str, Metric], name: str, /, **labels: str) -> float | None:
    """One figure."""
    family = found.get(re.sub(r"_(total|count|sum|bucket)$", "", name)) or found.get(name)
    for sample in family.samples if family else ():
        if sample.name == name and sample.labels == labels:
            return float(sample.value)
    return None


class TestFormats:
    async def test_plain_text(self, service: Service) -> None:
        """What a browser or curl gets."""
        answer = await service.get("/metrics")

        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert b"# HELP orchestrator_jobs_open Jobs of this host" in answer.body
        assert b"_created" not in answer.body

    async def test_openmetrics(self, service: Service) -> None:
        """What a Prometheus asks for."""
        accept = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"
        async with service.client.get("/metrics", headers={"Accept": accept}) as answer:
            assert answer.headers["Content-Type"].startswith("application/openmetrics-text")
            text = await answer.text()

        families = openmetrics.text_string_to_metric_families(text)  # type: ignore[no-untyped-call]  # the library's
        assert list(families)

    async def test_two_services_in_one_process(self, studio: Studio, service: Service) -> None:
        """Each has its own figures."""
        other = await studio.host("bert")
        await service.submit()

        assert value(await scrape(service), "orchestrator_jobs_open", state="queued") == 1
        assert value(await scrape(other), "orchestrator_jobs_open", state="queued") == 0


class TestFigures:
    async def test_jobs(self, service: Service) -> None:
        """One waits for a backend, one was cancelled."""
        await service.submit()
        gone = await service.submit()
        await service.post(f"/api/jobs/{gone}/cancel")
        await service.ended(gone)
        found = await scrape(service)

        assert value(found, "orchestrator_jobs_open", state="queued") == 1
        assert value(found, "orchestrator_jobs_waiting", reason="backend") == 1
        ended = {"outcome": "cancelled", "kind": ""}
        assert value(found, "orchestrator_jobs_ended_total", **ended) == 1

    async def test_appends(self, service: Service) -> None:
        """Each change that was asked for, and how long the log took."""
        before = await scrape(service)
        await service.rate("Panel_01/Eliot_Panel_01_v001.png", 4)
        found = await scrape(service)

        name = "orchestrator_changes_total"
        counts = [value(each, name, outcome="durable") for each in (before, found)]
        assert counts == [0, 1]
        assert value(found, "orchestrator_append_seconds_count") == 1
        assert (value(found, "orchestrator_append_seconds_sum") or 0) > 0

    async def test_backends(self, service: Service) -> None:
        """One state is 1; memory is told only of those that answer."""
        found = await scrape(service)
        states = {
            sample.labels["state"]: sample.value
            for sample in found["orchestrator_backend_state"].samples
        }

        assert {state for state, is_it in states.items() if is_it} == {"disabled"}
        assert {"online", "busy", "paused", "draining", "unreachable", "dead_worker"} < set(states)
        assert value(found, "orchestrator_backend_queue_depth", backend="node1") == 0
        assert "orchestrator_backend_vram_total_bytes" in found
        assert found["orchestrator_backend_vram_total_bytes"].samples == []

    async def test_projects(self, service: Service) -> None:
        """How many are open, and how many of these cannot be changed."""
        project = await service.opened()
        before = await scrape(service)
        project.away = True
        found = await scrape(service)

        name = "orchestrator_projects_read_only"
        assert [value(each, name) for each in (before, found)] == [0, 1]
        assert value(found, "orchestrator_projects_open") == value(
            before, "orchestrator_projects_open"
        )

    async def test_the_process(self, service: Service) -> None:
        """Memory, time, open files; and the version."""
        found = await scrape(service)

        assert value(found, "orchestrator_build_info", version=__version__) == 1
        assert "python_gc_objects_collected" in found

    async def test_no_labels_from_strangers(self, service: Service) -> None:
        """Neither ids of jobs nor paths nor people, whatever is asked."""
        job = await service.submit()
        await service.get(f"/api/jobs/{job}")
        await service.get("/no/such/path")
        await service.send("PROPFIND", "/api/jobs")
        text = (await service.get("/metrics")).body.decode()

        assert job not in text
        assert "no/such" not in text
        assert "PROPFIND" not in text
        assert str(service.project) not in text


class TestRequests:
    async def test_by_endpoint_method_and_status(self, service: Service) -> None:
        """The endpoint is told as it is declared."""
        await service.get("/api/jobs/one")
        await service.get("/api/jobs/two")
        found = await scrape(service)
        labels = {"endpoint": "/api/jobs/{job_id}", "method": "GET"}

        assert value(found, "orchestrator_http_requests_total", status="404", **labels) == 2
        assert value(found, "orchestrator_http_request_seconds_count", **labels) == 2
        top = value(found, "orchestrator_http_request_seconds_bucket", le="+Inf", **labels)
        assert top == 2

    async def test_what_no_endpoint_serves(self, service: Service) -> None:
        """Is counted as one, by the methods that there are."""
        await service.get("/a")
        await service.get("/b")
        await service.send("PROPFIND", "/c")
        found = await scrape(service)

        name = "orchestrator_http_requests_total"
        assert value(found, name, endpoint="none", method="GET", status="404") == 2
        assert value(found, name, endpoint="none", method="other", status="404") == 1

    async def test_watchers(self, service: Service) -> None:
        """As long as they watch; how long that is, is no duration of a request."""
        name = "orchestrator_websocket_watchers"
        async with service.client.ws_connect("/ws/jobs") as socket:
            await socket.receive_json()
            during = await scrape(service)
            await socket.close()
        after = await scrape(service)

        assert value(during, name, endpoint="/ws/jobs") == 1
        assert value(after, name, endpoint="/ws/jobs") == 0
        assert value(after, name, endpoint="/ws/gallery") == 0
        labels = {"endpoint": "/ws/jobs", "method": "GET"}
        assert value(after, "orchestrator_http_requests_total", status="101", **labels) == 1
        assert value(after, "orchestrator_http_request_seconds_count", **labels) is None
