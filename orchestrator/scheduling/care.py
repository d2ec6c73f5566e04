"""What people ask of one backend: give up our jobs, free memory. Others' prompts stay untouched."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from orchestrator.errors import BackendUnreachable
from orchestrator.scheduling.backend import Backend
from orchestrator.wording import number

#: Why, to whom jobs are told, and to those that wait meanwhile.
_RESTARTING = "is being restarted"


@frozen
class TakenOff:
    """What became of our attempts on a backend."""

    #: Jobs that are back in our queue, or have ended meanwhile.
    gone: tuple[str, ...] = ()
    #: Jobs that were told to stop, and that the backend has not let go of yet.
    left: tuple[str, ...] = ()


@frozen(kw_only=True)
class Restarted:
    """What a restart did. ComfyUI has no call that would restart its process."""

    backend: Backend
    taken_off: TakenOff
    #: Whether models and cached results are, or will be, dropped.
    freed: bool
    #: Why not, if that was wanted.
    not_freed: str | None
    #: Prompts of others that run or wait there.
    foreign: int
    #: Whether it answers, and its worker is not known to be dead.
    healthy: bool
    #: Why not.
    fault: str | None


async def take_off(backend: Backend, jobs: Mapping[str, str], reason: str) -> TakenOff:
    """Have our prompts there withdrawn, so that their jobs go elsewhere; waits a little for it.

    Args:
        backend: Should be held, or the jobs come straight back.
        jobs: Job by prompt id.
        reason: What the jobs are told.
    """
    stopped = tuple(backend.watches)
    for watch in tuple(backend.watches.values()):
        watch.request_stop(reason)
    await backend.let_go(stopped, backend.timing.let_go)
    left = [prompt_id for prompt_id in stopped if prompt_id in backend.watches]
    gone = [prompt_id for prompt_id in stopped if prompt_id not in left]
    return TakenOff(
        tuple(jobs.get(prompt_id, prompt_id) for prompt_id in gone),
        tuple(jobs.get(prompt_id, prompt_id) for prompt_id in left),
    )


async def restart(
    backend: Backend, jobs: Mapping[str, str], *, interrupt: bool, free_memory: bool
) -> Restarted:
    """Start afresh as far as ComfyUI lets us: our jobs off, memory freed, a look at its health.

    Memory is not freed while others have prompts there: what they loaded would be dropped
    between their prompts.
    """
    name, taken_off = backend.config.id, TakenOff()
    with backend.holding(_RESTARTING):
        if interrupt:
            taken_off = await take_off(backend, jobs, f"backend {name} {_RESTARTING}")
        await backend.poll(with_stats=True)
        foreign, not_freed = backend.foreign(), None
        if free_memory and not backend.online:
            not_freed = f"it does not answer: {backend.fault}"
        elif free_memory and foreign:
            not_freed = f"others have {number(foreign, 'prompt')} there, and use what is in memory"
        elif free_memory:
            try:
                await free(backend)
            except BackendUnreachable as exc:
                not_freed = f"it does not answer: {exc.reason}"
        await backend.poll(with_stats=True)
    healthy = backend.online and not backend.worker_dead
    fault = backend.fault
    if backend.worker_dead:
        fault = "it executes nothing; only a restart of ComfyUI's process helps"
    return Restarted(
        backend=backend,
        taken_off=taken_off,
        freed=free_memory and not_freed is None,
        not_freed=not_freed,
        foreign=foreign,
        healthy=healthy,
        fault=fault,
    )


async def free(backend: Backend, *, unload_models: bool = True, free_memory: bool = True) -> None:
    """Have models unloaded and cached results dropped, as soon as nothing runs there.

    Raises:
        BackendUnreachable: it does not answer.
    """
    await backend.client.free(unload_models=unload_models, free_memory=free_memory)
    if unload_models:
        backend.warm = frozenset()
