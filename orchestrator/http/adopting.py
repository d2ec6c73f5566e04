"""The endpoint that takes over the jobs of a host that is gone."""

from __future__ import annotations

from aiohttp import web
from attrs import field, frozen

from orchestrator import errors
from orchestrator.http.endpoint import endpoint
from orchestrator.http.fields import about
from orchestrator.http.middleware import ACTOR
from orchestrator.services import CARETAKER, FINDER
from orchestrator.wording import number

TAGS = ("hosts",)


@frozen(kw_only=True, repr=False)
class AdoptHost:
    """Whose jobs, and in which project."""

    host: str = field(metadata=about("Id of the host that is gone.", min_length=1, max_length=40))
    project_path: str = field(
        metadata=about(
            "Absolute path of the project's folder.",
            example="/mnt/Projects/Eliot",
            aliases=("projectPath",),
        )
    )
    force: bool = field(
        default=False,
        metadata=about("Also if the host was heard of in the last five minutes."),
    )


@frozen(kw_only=True, repr=False)
class HostAdopted:
    """What was taken over."""

    success: bool
    message: str
    host: str
    by: str = field(metadata=about("Id of this host, which runs them from now on."))
    jobs: list[str] = field(metadata=about("Ids of the jobs; none if it had no open ones."))
    silent_seconds: float | None = field(
        metadata=about("How long nothing was heard of the host; null if it never was.")
    )


@endpoint(
    "POST",
    "/api/hosts/{host}/adopt",
    request=AdoptHost,
    response=HostAdopted,
    tags=TAGS,
    errors=(
        errors.HostAlive,
        errors.HostIsOurs,
        errors.HostUnknown,
        errors.ClaimHeld,
        errors.PathInvalid,
        errors.PathNotPermitted,
        errors.FileMissing,
        errors.ProjectReadOnly,
        errors.ProjectUnreadable,
        errors.ShareMissing,
    ),
)
async def adopt_host(request: web.Request, asked: AdoptHost) -> HostAdopted:
    """Take over the open jobs of a host that is gone: this host goes on with them.

    What is rendered already on a backend that this host has, too, is not rendered again. A host
    that comes back sees what became of its jobs, and leaves them alone.
    """
    project = await request.app[FINDER].project(asked.project_path)
    caretaker = request.app[CARETAKER]
    found = await caretaker.adopt(project, asked.host, request[ACTOR], force=asked.force)
    return HostAdopted(
        success=True,
        message=f"{number(len(found.jobs), 'job')} of host {found.host} taken over.",
        host=found.host,
        by=found.by,
        jobs=list(found.jobs),
        silent_seconds=None if found.silent is None else round(found.silent, 1),
    )
