"""Groups of jobs: submitted, watched and cancelled as one."""

from __future__ import annotations

from typing import Any, NewType

from attrs import field, frozen

from events.registry import event

GroupId = NewType("GroupId", str)


@event("group.created")
@frozen(kw_only=True)
class GroupCreated:
    """Jobs were submitted as one group. It is told after them: until then none of them begins.

    So a crash in the middle of a large submission leaves no half group at work.
    """

    group: GroupId
    #: Its jobs, in their order.
    jobs: tuple[str, ...]
    #: `random`, `sequential`, `fibonacci`, `golden_ratio`; None if each job was described.
    seed_strategy: str | None = None
    base_seed: int | None = None
    metadata: dict[str, Any] = field(factory=dict)
    timeout_seconds: float | None = None


@event("group.cancel_requested")
@frozen(kw_only=True)
class GroupCancelRequested:
    """Somebody asked to stop all jobs of the group that have not ended."""

    group: GroupId
