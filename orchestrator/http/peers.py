"""The endpoint by which other hosts say that there is news in a project."""

from __future__ import annotations

from aiohttp import web
from attrs import field, frozen

from orchestrator.http.endpoint import endpoint
from orchestrator.http.fields import about
from orchestrator.services import PROJECTS


@frozen(kw_only=True, repr=False)
class Nudge:
    """Somebody has written to a project's log."""

    project: str = field(metadata=about("Id of the project, from its FORMAT.", max_length=64))
    writer: str = field(metadata=about("Which writer.", max_length=64))
    head: int = field(metadata=about("Sequence of its last durable line.", ge=0))


@endpoint(
    "POST",
    "/api/peer/nudge",
    request=Nudge,
    tags=("service",),
    body_limit=4096,
    example={"project": "01hzprject0000000000000000", "writer": "01j9zq3v6k8m2n4p", "head": 12},
)
async def nudge_peer(request: web.Request, asked: Nudge) -> None:
    """Hosts tell each other to read a project's log at once. A hint: nothing of it is believed.

    The answer is always 204, also for a project that is not open here. However often this is
    called, a project is read at most 50 times a second, and less if that brings nothing.
    """
    request.app[PROJECTS].following.nudge(asked.project, asked.writer, asked.head)
