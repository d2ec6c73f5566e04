"""The mark that our prompts carry, so that we know them again in a backend's queue. Pure."""

from __future__ import annotations

from typing import Any

from orchestrator.comfyui.answers import QueueItem

_KEY = "orchestrator"


def marked(job: str | None, attempt: int, host: str) -> dict[str, Any]:
    """The `extra_data` of a prompt; one that only tries a backend out belongs to no job."""
    mark = {"job": job, "attempt": attempt, "host": host}
    return {
        # Comes back in the queue and the history.
        _KEY: mark,
        # Written into the picture, so that it can tell where it comes from without a log.
        "extra_pnginfo": {_KEY: mark},
    }


def is_ours(item: QueueItem, host: str) -> bool:
    """Whether this host sent a prompt, for a job or only to try the backend out."""
    return _mark(item, host) is not None


def job_of(item: QueueItem, host: str) -> str | None:
    """Our job's id, if it was this host that sent the prompt; others may send anything."""
    job = (_mark(item, host) or {}).get("job")
    return job if isinstance(job, str) else None


def _mark(item: QueueItem, host: str) -> dict[str, Any] | None:
    mark = item.extra_data.get(_KEY)
    return mark if isinstance(mark, dict) and mark.get("host") == host else None
