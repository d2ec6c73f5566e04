"""Webhooks as clients of the service see them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.config import WebhookConfig
from tests.http.studio import Service, Studio, events_of, graph, refused
from tests.webhooks.receiver import Receiver


@pytest.fixture
async def studio(tmp_path: Path) -> AsyncIterator[Studio]:
    """A share with a project; no service runs yet."""
    made = Studio(tmp_path)
    made.furnish()
    yield made
    await made.close()


@pytest.fixture
async def service(studio: Studio, receiver: Receiver) -> Service:
    """The service, which tells one address of every end."""
    return await studio.host(webhooks=(WebhookConfig(receiver.url()),))


async def submit(service: Service, **fields: Any) -> str:
    """A job of the project."""
    return await service.submit(project_path=str(service.project), **fields)


async def delivered(service: Service, job_id: str) -> list[dict[str, Any]]:
    """The deliveries of a job, once none is pending."""
    async with asyncio.timeout(20):
        while True:
            found: list[dict[str, Any]] = (await service.job(job_id))["webhooks"]
            if all(each["state"] != "pending" for each in found):
                return found
            await asyncio.sleep(0.005)


async def test_the_end_of_a_job_is_told(service: Service, receiver: Receiver) -> None:
    """And the job says that it was."""
    job_id = await submit(service)
    (before,) = (await service.job(job_id))["webhooks"]
    await service.post(f"/api/jobs/{job_id}/cancel")
    (message,) = await receiver.has(1)
    (after,) = await delivered(service, job_id)

    assert (before["state"], before["settled_at"]) == ("pending", None)
    assert (after["state"], after["tries"], after["error"]) == ("delivered", 1, None)
    assert after["delivery_id"] == message.headers["X-Orchestrator-Delivery"]
    assert (message.job, message.plain["event"]) == (job_id, "job.cancelled")
    assert message.plain["project_path"] == str(service.project)


async def test_a_private_address_is_refused(service: Service, receiver: Receiver) -> None:
    """Nothing is recorded: the job does not exist."""
    body = {
        "workflow_json": graph(),
        "project_path": str(service.project),
        "webhook": receiver.url("/elsewhere"),
    }
    plain = refused(await service.post("/api/job", body), 403, "webhook.not_permitted")

    assert plain["detail"]["reason"] == "127.0.0.1 leads to an address that is not public"
    assert [e for e in events_of(service.project) if e["t"] == "job.queued"] == []


async def test_a_configured_address_may_be_named(service: Service, receiver: Receiver) -> None:
    """It is told once."""
    job_id = await submit(service, webhook=receiver.url())
    await service.post(f"/api/jobs/{job_id}/cancel")
    await delivered(service, job_id)

    assert len(receiver.got) == 1
