"""What is recorded of telling an address."""

from __future__ import annotations

from events.jobs import JobFailed, JobId
from events.webhooks import WebhookSettled
from orchestrator.commands.webhooks import SettleWebhook
from tests.scenario import Scenario
from tests.webhooks.desk import order

URL = "https://hooks.example/a"
DELIVERED = WebhookSettled(job="job-1", url=URL, delivered=True, tries=2)
FAILED = JobFailed(job=JobId("job-1"), reason="no such node", kind="validation")


class TestSettleWebhook:
    def test_an_address_is_settled(self, scenario: Scenario) -> None:
        """It was told."""
        scenario.given(order("job-1", URL), FAILED)
        scenario.when(SettleWebhook(settled=DELIVERED))
        scenario.then(DELIVERED)

    def test_only_once(self, scenario: Scenario) -> None:
        """What came of it first, counts."""
        scenario.given(order("job-1", URL), FAILED, DELIVERED)
        given_up = WebhookSettled(job="job-1", url=URL, delivered=False, tries=8, error="no")
        scenario.when(SettleWebhook(settled=given_up))
        scenario.then()

    def test_each_address_by_itself(self, scenario: Scenario) -> None:
        """A job may have several."""
        scenario.given(order("job-1", URL, URL + "b"), FAILED, DELIVERED)
        other = WebhookSettled(job="job-1", url=URL + "b", delivered=True, tries=1)
        scenario.when(SettleWebhook(settled=other))
        scenario.then(other)

    def test_an_unknown_job(self, scenario: Scenario) -> None:
        """Is refused."""
        scenario.when(SettleWebhook(settled=DELIVERED))
        scenario.then_refused("job.unknown")
