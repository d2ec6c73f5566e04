"""Prompts of ours that run or wait somewhere although nobody waits for them: found, taken away.

A submission that we gave up may be carried out later (protocol section 4.7), and a backend that
was out of reach may have gone on with what it had. Both would keep it busy for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import structlog
from attrs import define, field

from orchestrator.comfyui.answers import QueueView
from orchestrator.errors import BackendUnreachable
from orchestrator.host import Host
from orchestrator.scheduling import mark
from orchestrator.scheduling.backend import Backend
from orchestrator.scheduling.works import Works
from projections.jobs import Job

_log = structlog.get_logger(__name__)


def strays(queue: QueueView, host: str, job_of: Callable[[str], Job | None]) -> Iterator[str]:
    """Prompt ids in a backend's queue that can be taken away. Pure.

    Args:
        queue: As the backend showed it.
        host: Our id; what other hosts sent is theirs to watch.
        job_of: Finds a job by its id. A job that is not found may belong to a project that is not
            open now, so its prompt is left alone.
    """
    for item in (*queue.running, *queue.pending):
        job_id = mark.job_of(item, host)
        job = None if job_id is None else job_of(job_id)
        if job is None:
            continue
        attempt = job.open_attempt
        if attempt is None or attempt.prompt_id != item.prompt_id:
            yield item.prompt_id


@define(eq=False)
class StrayHunt:
    """Looks through each new view of a queue once, and withdraws what it finds."""

    host: Host
    works: Works
    job_of: Callable[[str], Job | None]
    #: The view that was looked through last, by backend.
    _seen: dict[str, QueueView] = field(factory=dict)

    def search(self, backend: Backend) -> None:
        """Withdraw one round; what came of it shows in the next view of the queue."""
        queue = backend.queue
        if queue is None or queue is self._seen.get(backend.config.id):
            return
        self._seen[backend.config.id] = queue
        for prompt_id in strays(queue, self.host.id, self.job_of):
            name = f"stray {prompt_id}"
            if name not in self.works:
                self.works.start(name, _withdraw(backend, prompt_id))


async def _withdraw(backend: Backend, prompt_id: str) -> None:
    try:
        await backend.client.withdraw(prompt_id)
    except BackendUnreachable as exc:
        _log.info("stray.not_withdrawn", backend=exc.backend, reason=exc.reason)
    else:
        _log.info("stray.withdrawn", backend=backend.config.id, prompt_id=prompt_id)
