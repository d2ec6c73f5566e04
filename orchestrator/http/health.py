"""`/api/health`: whether the service is well, in the words that the frontend reads."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from aiohttp import web
from attrs import field, frozen

from orchestrator.http.endpoint import endpoint
from orchestrator.http.fields import about
from orchestrator.http.jobs import Health
from orchestrator.http.jobs import health as documented_health


@frozen(kw_only=True, repr=False)
class Wellness:
    """The service answers, and says how it is."""

    success: bool = True
    message: str = field(metadata=about("What is amiss, for people; else that nothing is."))
    status: Literal["healthy", "degraded"] = field(
        metadata=about("degraded if jobs or edits cannot go on as they should.")
    )
    service: str = "orchestrator-api"
    job_manager_connected: bool = field(
        default=True, metadata=about("Always true: jobs are taken, and wait for a backend.")
    )
    backend_manager_connected: bool = field(
        default=True, metadata=about("Always true: backends are looked after.")
    )
    timestamp: datetime
    backends_online: int
    version: str
    projects_open: int


@endpoint("GET", "/api/health", response=Wellness, tags=("service",))
async def api_health(request: web.Request) -> Wellness:
    """Whether the service is well: the same as `GET /health`, in other words.

    Backends that are off do not make it `degraded`: jobs wait for them.
    """
    found: Health = await documented_health.handler(request)
    amiss = complaints(found)
    return Wellness(
        message="; ".join(amiss) or "OK",
        status="degraded" if amiss else "healthy",
        timestamp=found.timestamp,
        backends_online=found.backends_online,
        version=found.version,
        projects_open=found.projects_open,
    )


def complaints(found: Health) -> list[str]:
    """What keeps the service from being well. Pure."""
    amiss = [f"cannot be changed: {project}" for project in found.projects_read_only]
    if found.log_left_out:
        amiss.append(f"{found.log_left_out:,} places in logs could not be read")
    amiss += [f"the share does not answer: {project}" for project in found.shares_silent]
    return amiss
