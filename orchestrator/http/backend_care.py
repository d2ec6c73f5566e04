"""Endpoints for a backend that is in trouble: tried again, looked into, freed, started afresh."""

from __future__ import annotations

from aiohttp import web
from attrs import field, frozen

from orchestrator import errors
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
from orchestrator.scheduling import care
from orchestrator.services import FARM, FLEET
from orchestrator.wording import number

_TAGS = ("backends",)
_NO_RESTART = "ComfyUI's process itself was not restarted: it has no call for that."


@endpoint(
    "POST",
    "/api/backends/{backend_id}/resume",
    request=OneBackend,
    response=BackendChanged,
    tags=_TAGS,
    errors=(errors.BackendUnknown, errors.ProjectReadOnly),
)
async def resume_backend(request: web.Request, asked: OneBackend) -> BackendChanged:
    """Give a backend jobs again that is paused because three of them failed there in a row.

    It is tried out with a tiny picture from time to time, and resumed by itself if it makes it.
    """
    backend = await request.app[FARM].resume(asked.backend_id, request[ACTOR])
    return changed(backend, f"Backend {asked.backend_id} is not paused")


@endpoint(
    "POST",
    "/api/backends/{backend_id}/refresh",
    request=OneBackend,
    response=BackendChanged,
    tags=_TAGS,
    errors=(errors.BackendUnknown, errors.BackendUnreachable),
)
async def refresh_backend(request: web.Request, asked: OneBackend) -> BackendChanged:
    """Look up now which node classes and models are installed on a backend.

    The service does so when the backend comes online, and every ten minutes.
    """
    backend = request.app[FLEET].get(asked.backend_id)
    found = await backend.look_inside()
    return changed(backend, f"{number(len(found.classes), 'kind')} of nodes found")


@frozen(kw_only=True, repr=False)
class RestartBackend:
    """What to do to a backend."""

    backend_id: str
    interrupt_jobs: bool = field(
        default=True, metadata=about("Take our jobs off it; they go back to the queue.")
    )
    free_memory: bool = field(
        default=True, metadata=about("Have models unloaded, unless others have prompts there.")
    )


@frozen(kw_only=True, repr=False)
class BackendRestarted:
    """What was done, and what was not."""

    success: bool = field(metadata=about("Whether it is well, and has let go of our jobs."))
    message: str
    backend_id: str
    process_restarted: bool = field(metadata=about("Always false: ComfyUI has no call for that."))
    interrupted: list[str] = field(metadata=about("Jobs that were taken off it."))
    still_stopping: list[str] = field(metadata=about("Jobs that it has not let go of yet."))
    freed: bool
    healthy: bool
    foreign_prompts: int = field(metadata=about("Prompts of others there; they were not touched."))
    backend: BackendView


@endpoint(
    "POST",
    "/api/backends/{backend_id}/restart",
    request=RestartBackend,
    response=BackendRestarted,
    reads=Reads.OPTIONAL_BODY,
    tags=_TAGS,
    errors=(errors.BackendUnknown,),
)
async def restart_backend(request: web.Request, asked: RestartBackend) -> BackendRestarted:
    """Take our jobs off a backend, free its memory, and see whether it is well.

    ComfyUI's process goes on: nobody can restart it over HTTP. Our jobs go back to the queue at no
    cost of a try. Others' prompts are not touched; while there are any, memory is not freed either,
    because they would have to load their models anew.
    """
    found = await request.app[FARM].restart(
        asked.backend_id, interrupt=asked.interrupt_jobs, free_memory=asked.free_memory
    )
    return BackendRestarted(
        success=found.healthy and not found.taken_off.left,
        message=restart_message(found),
        backend_id=asked.backend_id,
        process_restarted=False,
        interrupted=list(found.taken_off.gone),
        still_stopping=list(found.taken_off.left),
        freed=found.freed,
        healthy=found.healthy,
        foreign_prompts=found.foreign,
        backend=backend_view(found.backend),
    )


def restart_message(found: care.Restarted) -> str:
    """What a restart did, in sentences."""
    said = []
    if gone := len(found.taken_off.gone):
        said.append(f"{number(gone, 'job')} of ours went back to the queue.")
    if left := len(found.taken_off.left):
        said.append(f"{number(left, 'job')} of ours cannot be stopped at once, and will be.")
    if found.freed:
        said.append("Its memory is freed as soon as nothing runs there.")
    elif found.not_freed is not None:
        said.append(f"Its memory was not freed: {found.not_freed}.")
    said.append("It is well." if found.healthy else f"It is not well: {found.fault}.")
    return " ".join((*said, _NO_RESTART))


@frozen(kw_only=True, repr=False)
class FreeBackend:
    """What to drop."""

    backend_id: str
    unload_models: bool = field(default=True, metadata=about("Unload models."))
    free_memory: bool = field(default=True, metadata=about("Drop cached results of nodes, too."))


@frozen(kw_only=True, repr=False)
class BackendFreed:
    """It was asked to, and will as soon as nothing runs there."""

    success: bool
    message: str
    backend_id: str
    foreign_prompts: int = field(
        metadata=about("Prompts of others there; the next of them has to load its models anew.")
    )


@endpoint(
    "POST",
    "/api/backends/{backend_id}/free",
    request=FreeBackend,
    response=BackendFreed,
    reads=Reads.OPTIONAL_BODY,
    tags=_TAGS,
    errors=(errors.BackendUnknown, errors.BackendUnreachable),
)
async def free_backend(request: web.Request, asked: FreeBackend) -> BackendFreed:
    """Have a backend unload its models, and drop what it keeps of earlier runs.

    It does so between two prompts, whoever's they are; none is interrupted.
    """
    backend = request.app[FLEET].get(asked.backend_id)
    await care.free(backend, unload_models=asked.unload_models, free_memory=asked.free_memory)
    foreign = backend.foreign()
    said = f"Backend {asked.backend_id} frees its memory as soon as nothing runs there"
    if foreign:
        said += f"; {number(foreign, 'prompt')} of others there may take longer for it"
    return BackendFreed(
        success=True, message=said, backend_id=asked.backend_id, foreign_prompts=foreign
    )
