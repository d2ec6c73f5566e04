"""Endpoints of backends: looked at, and changed while the service runs."""

from __future__ import annotations

from aiohttp import web
from attrs import field, frozen

from orchestrator import config_rules as rules
from orchestrator import errors
from orchestrator.commands.farm import Changes
from orchestrator.http.backend_views import (
    BackendChanged,
    BackendView,
    OneBackend,
    backend_view,
    changed,
)
from orchestrator.http.endpoint import Reads, endpoint
from orchestrator.http.fields import about
from orchestrator.http.middleware import ACTOR
from orchestrator.services import FARM, FLEET

_TAGS = ("backends",)


@frozen(kw_only=True, repr=False)
class BackendList:
    """All configured backends."""

    backends: list[BackendView]
    total: int
    online: int
    offline: int


@endpoint("GET", "/api/backends", response=BackendList, tags=_TAGS)
async def list_backends(request: web.Request) -> BackendList:
    """List the ComfyUI backends with their status."""
    views = [backend_view(backend) for backend in request.app[FLEET].all()]
    online = sum(view.online for view in views)
    return BackendList(backends=views, total=len(views), online=online, offline=len(views) - online)


@endpoint(
    "GET",
    "/api/backends/{backend_id}",
    request=OneBackend,
    response=BackendView,
    tags=_TAGS,
    errors=(errors.BackendUnknown,),
)
async def get_backend(request: web.Request, asked: OneBackend) -> BackendView:
    """A backend's details."""
    return backend_view(request.app[FLEET].get(asked.backend_id))


@endpoint(
    "GET",
    "/api/backends/{backend_id}/status",
    request=OneBackend,
    response=BackendView,
    tags=_TAGS,
    errors=(errors.BackendUnknown,),
)
async def get_backend_status(request: web.Request, asked: OneBackend) -> BackendView:
    """A backend's status, looked up now."""
    backend = request.app[FLEET].get(asked.backend_id)
    await backend.poll(with_stats=True)
    return backend_view(backend)


@frozen(kw_only=True, repr=False)
class NewBackend:
    """A backend to be used from now on."""

    id: str | None = field(
        default=None,
        metadata=about(f"{rules.ID.expected}; made from the name if left out.", example="node3"),
    )
    name: str = field(metadata=about("What people call it.", example="Beast"))
    host: str = field(metadata=about(rules.HOST.expected, example="192.168.1.20"))
    port: int = field(default=8188, metadata=about("Where ComfyUI listens.", ge=1, le=65535))
    enabled: bool = field(default=True, metadata=about("Whether it is watched and gets jobs."))
    capabilities: tuple[str, ...] = field(
        default=(), metadata=about("What it can render.", example=["flux"], max_length=200)
    )
    max_concurrent_jobs: int = field(
        default=1, metadata=about("Jobs of ours that may be there at a time.", ge=1, le=64)
    )
    draining: bool = field(default=False, metadata=about("Whether it takes nothing new for now."))


@endpoint(
    "POST",
    "/api/backends",
    request=NewBackend,
    response=BackendChanged,
    status=201,
    tags=_TAGS,
    errors=(errors.BackendExists, errors.BackendAddressTaken, errors.ProjectReadOnly),
)
async def add_backend(request: web.Request, asked: NewBackend) -> BackendChanged:
    """Add a backend.

    It is kept in the log of this host, not in config.yaml, and is there again after a restart.
    """
    settings = Changes(
        name=asked.name,
        host=asked.host,
        port=asked.port,
        enabled=asked.enabled,
        capabilities=asked.capabilities,
        max_concurrent_jobs=asked.max_concurrent_jobs,
        draining=asked.draining,
    )
    backend = await request.app[FARM].add(asked.id, settings, request[ACTOR])
    return changed(backend, f"Backend {backend.config.id} added")


@frozen(kw_only=True, repr=False)
class EditBackend:
    """What shall be otherwise; what is not sent, or null, stays as it is."""

    backend_id: str
    name: str | None = None
    host: str | None = None
    port: int | None = field(default=None, metadata=about("", ge=1, le=65535))
    enabled: bool | None = None
    capabilities: tuple[str, ...] | None = field(
        default=None, metadata=about("Replaces all that it had.", max_length=200)
    )
    max_concurrent_jobs: int | None = field(default=None, metadata=about("", ge=1, le=64))
    draining: bool | None = None


_EDIT_ERRORS = (
    errors.BackendUnknown,
    errors.BackendAddressTaken,
    errors.BackendInUse,
    errors.ProjectReadOnly,
)


async def _edit(request: web.Request, asked: EditBackend) -> BackendChanged:
    settings = Changes(
        name=asked.name,
        host=asked.host,
        port=asked.port,
        enabled=asked.enabled,
        capabilities=asked.capabilities,
        max_concurrent_jobs=asked.max_concurrent_jobs,
        draining=asked.draining,
    )
    return await _set(request, asked.backend_id, settings, "changed")


async def _set(request: web.Request, backend: str, settings: Changes, done: str) -> BackendChanged:
    edited = await request.app[FARM].edit(backend, settings, request[ACTOR])
    return changed(edited, f"Backend {backend} {done}")


@endpoint(
    "PATCH",
    "/api/backends/{backend_id}",
    request=EditBackend,
    response=BackendChanged,
    tags=_TAGS,
    errors=_EDIT_ERRORS,
)
async def edit_backend(request: web.Request, asked: EditBackend) -> BackendChanged:
    """Change a backend.

    Also one of config.yaml; the file stays as it is, and counts again once somebody edits what it
    says of this backend. The address can be changed only while no job of ours is there.
    """
    return await _edit(request, asked)


@endpoint(
    "PUT",
    "/api/backends/{backend_id}",
    request=EditBackend,
    response=BackendChanged,
    tags=_TAGS,
    errors=_EDIT_ERRORS,
)
async def put_backend(request: web.Request, asked: EditBackend) -> BackendChanged:
    """The same as PATCH, for clients that know only PUT."""
    return await _edit(request, asked)


_SET_ERRORS = (errors.BackendUnknown, errors.ProjectReadOnly)


@endpoint(
    "POST",
    "/api/backends/{backend_id}/enable",
    request=OneBackend,
    response=BackendChanged,
    tags=_TAGS,
    errors=_SET_ERRORS,
)
async def enable_backend(request: web.Request, asked: OneBackend) -> BackendChanged:
    """Watch a backend, and give it jobs."""
    return await _set(request, asked.backend_id, Changes(enabled=True), "enabled")


@endpoint(
    "POST",
    "/api/backends/{backend_id}/disable",
    request=OneBackend,
    response=BackendChanged,
    tags=_TAGS,
    errors=_SET_ERRORS,
)
async def disable_backend(request: web.Request, asked: OneBackend) -> BackendChanged:
    """Give a backend no jobs any more. It is not watched either, once it has finished its own."""
    return await _set(request, asked.backend_id, Changes(enabled=False), "disabled")


@endpoint(
    "POST",
    "/api/backends/{backend_id}/drain",
    request=OneBackend,
    response=BackendChanged,
    tags=_TAGS,
    errors=_SET_ERRORS,
)
async def drain_backend(request: web.Request, asked: OneBackend) -> BackendChanged:
    """Let a backend finish what it has, and give it nothing new. It goes on being watched."""
    return await _set(request, asked.backend_id, Changes(draining=True), "is draining")


@endpoint(
    "POST",
    "/api/backends/{backend_id}/undrain",
    request=OneBackend,
    response=BackendChanged,
    tags=_TAGS,
    errors=_SET_ERRORS,
)
async def undrain_backend(request: web.Request, asked: OneBackend) -> BackendChanged:
    """Give a backend jobs again that was draining."""
    return await _set(request, asked.backend_id, Changes(draining=False), "takes jobs again")


@frozen(kw_only=True, repr=False)
class RemoveBackend:
    """Which backend, and what if it has jobs."""

    backend_id: str
    force: bool = field(
        default=False,
        metadata=about("Whether to withdraw our prompts there and send their jobs elsewhere."),
    )


@frozen(kw_only=True, repr=False)
class BackendRemoved:
    """The backend is not used any more."""

    success: bool
    message: str
    backend_id: str
    interrupted: list[str] = field(metadata=about("Jobs that were taken off it."))
    still_stopping: list[str] = field(
        metadata=about("Jobs that it has not let go of yet; they go elsewhere once it has.")
    )


@endpoint(
    "DELETE",
    "/api/backends/{backend_id}",
    request=RemoveBackend,
    response=BackendRemoved,
    reads=Reads.EITHER,
    tags=_TAGS,
    errors=(errors.BackendUnknown, errors.BackendInUse, errors.ProjectReadOnly),
)
async def remove_backend(request: web.Request, asked: RemoveBackend) -> BackendRemoved:
    """Use a backend no more.

    Also one of config.yaml: it comes back only once somebody edits what the file says of it.
    Others' prompts on it are never touched.
    """
    found = await request.app[FARM].remove(asked.backend_id, request[ACTOR], force=asked.force)
    return BackendRemoved(
        success=True,
        message=f"Backend {asked.backend_id} removed",
        backend_id=asked.backend_id,
        interrupted=list(found.gone),
        still_stopping=list(found.left),
    )
