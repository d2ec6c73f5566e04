"""What happens to hosts as others see it."""

from __future__ import annotations

from attrs import frozen

from events.registry import event


@event("host.adopted")
@frozen(kw_only=True)
class HostAdopted:
    """Open jobs of a host that is gone were taken over: `by` runs them from now on."""

    host: str
    by: str
    #: Ids of the jobs.
    jobs: tuple[str, ...]
