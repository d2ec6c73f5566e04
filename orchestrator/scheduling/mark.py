"""The mark that our prompts carry, so that we know them again in a backend's queue. Pure."""

from __future__ import annotations

from typing import Any

from orchestrator.comfyui.answers import QueueItem

_KEY = "orchestrator"


def marked(job: str, attempt: int, host: str) -> dict[str, Any]:
    """The `extra_data` of a prompt."""
    mark = {"job": job, "attempt": attempt, "host": host}
    return {
        # Comes back in the queue and the history.
        _KEY: mark,
        # Written into the picture, so that it can tell where it comes from without a log.
        "extra_pnginfo": {_KEY: mark},
    }


def job_of(item: QueueItem, host: str) -> str | None:
    """Our job's id, if it was this host that sent the prompt; others may send anything."""
    mark = item.extra_data.get(_KEY)
    if not isinstance(mark, dict) or mark.get("host") != host:
        return None
    job = mark.get("job")
    return job if isinstance(job, str) else None
