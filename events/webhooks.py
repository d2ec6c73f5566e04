"""Who was told of the end of a job."""

from __future__ import annotations

from attrs import frozen

from events.registry import event


@event("webhook.settled")
@frozen(kw_only=True)
class WebhookSettled:
    """An address was told of the end of a job, or nobody there took it however often we tried."""

    job: str
    url: str
    delivered: bool
    tries: int
    #: Why it was given up; None if it was delivered.
    error: str | None = None
