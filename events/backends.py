"""The ComfyUI servers that a host may use, as people changed them while it ran.

These stand in the host's own log. What `config.yaml` says is the start; see `file`.
"""

from __future__ import annotations

from typing import Any

from attrs import frozen

from events.registry import event


@event("backend.configured")
@frozen(kw_only=True)
class BackendConfigured:
    """Somebody added a backend, or changed one; it is all that is configured of it."""

    backend: str
    name: str
    host: str
    port: int
    enabled: bool = True
    capabilities: tuple[str, ...] = ()
    max_concurrent_jobs: int = 1
    #: Whether it finishes what it has and takes nothing new.
    draining: bool = False
    #: What `config.yaml` said of it at that time; None if it did not name it. As soon as the file
    #: says something else, the file is newer, and counts.
    file: dict[str, Any] | None = None


@event("backend.removed")
@frozen(kw_only=True)
class BackendRemoved:
    """Somebody took a backend away."""

    backend: str
    #: What `config.yaml` said of it at that time; None if it did not name it.
    file: dict[str, Any] | None = None


@event("backend.paused")
@frozen(kw_only=True)
class BackendPaused:
    """Jobs failed there one after the other: it gets none until it is found well again."""

    backend: str
    reason: str
    #: The jobs that failed there.
    jobs: tuple[str, ...] = ()


@event("backend.resumed")
@frozen(kw_only=True)
class BackendResumed:
    """It may take jobs again."""

    backend: str
    reason: str
