"""What a message says, its signature, and how views show deliveries."""

from __future__ import annotations

import hashlib
import hmac

from events.stamp import moment, stamp
from orchestrator.webhooks.message import deliveries, delivery_id, headers_of, signature
from projections.jobs import Job, Queued
from projections.webhooks import Notified, Told
from tests.webhooks.desk import order

URL, OTHER = "https://hooks.example/T0001/s3cret", "https://other.example"
AT = stamp(1 << 16, "0" * 16)


class TestSignature:
    def test_it_covers_time_and_body(self) -> None:
        """So an old message cannot be sent again as a new one."""
        expected = hmac.new(b"geheim-\xc3\xbc", b"1700000000.{}", hashlib.sha256).hexdigest()

        assert signature("geheim-ü", "1700000000", b"{}") == f"sha256={expected}"
        assert signature("geheim-ü", "1700000001", b"{}") != f"sha256={expected}"

    def test_without_a_secret_there_is_none(self) -> None:
        """An empty signature would look like one."""
        headers = headers_of(b"{}", event="job.failed", delivery="d", at=1.9, secret=None)

        assert "X-Orchestrator-Signature" not in headers
        assert headers["X-Orchestrator-Timestamp"] == "1"


class TestDeliveryId:
    def test_it_is_the_same_at_every_try(self) -> None:
        """And after a restart: it is made from the job and the address. A promise, like codes."""
        assert delivery_id("job-1", URL) == "ee60f9a0-5a1b-576d-af4d-9e515a1f55c3"

    def test_another_job_or_address_has_another(self) -> None:
        """Each delivery can be told apart."""
        ids = {delivery_id(job, url) for job in ("job-1", "job-2") for url in (URL, OTHER)}

        assert len(ids) == 4


class TestDeliveries:
    def test_how_each_address_stands(self) -> None:
        """Without what may be as good as a password."""
        job = Job(queued=Queued(AT, "mara", "host", order("job-1", URL, OTHER)))
        notified = Notified(((OTHER, Told(AT, False, 8, "it answered 503")),))

        pending, given_up = deliveries("job-1", job, notified)

        assert (pending.url, pending.state) == ("https://hooks.example/...", "pending")
        assert (pending.tries, pending.error, pending.settled_at) == (0, None, None)
        assert (given_up.state, given_up.tries) == ("given_up", 8)
        assert (given_up.error, given_up.settled_at) == ("it answered 503", moment(AT))

    def test_one_that_was_taken(self) -> None:
        """Has no error."""
        job = Job(queued=Queued(AT, "mara", "host", order("job-1", OTHER)))

        (found,) = deliveries("job-1", job, Notified(((OTHER, Told(AT, True, 1, None)),)))

        assert (found.state, found.url, found.error) == ("delivered", OTHER, None)
