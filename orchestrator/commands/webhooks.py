"""What is recorded of telling others of the end of a job. Pure."""

from __future__ import annotations

from attrs import frozen

from events.webhooks import WebhookSettled
from orchestrator.errors import JobUnknown
from projections.project import ProjectView


@frozen(kw_only=True)
class SettleWebhook:
    """An address was told of a job's end, or will not be."""

    settled: WebhookSettled

    def keys(self) -> tuple[str, ...]:
        """What it changes."""
        return (f"job:{self.settled.job}",)


def settle_webhook(view: ProjectView, command: SettleWebhook) -> list[object]:
    """Refuses jobs that are unknown; an address is settled once."""
    settled = command.settled
    if view.job(settled.job) is None:
        raise JobUnknown(settled.job)
    known = view.notified(settled.job).told(settled.url)
    return [settled] if known is None else []
