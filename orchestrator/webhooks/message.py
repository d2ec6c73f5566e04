"""What a webhook says, and how its receiver can know that it is from us. Pure."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal
from uuid import UUID, uuid5

import orjson
from attrs import frozen

from events.stamp import moment
from orchestrator.webhooks.receivers import shown
from projections.jobs import Job, Output
from projections.webhooks import Notified, Told

#: Makes the ids of deliveries; changing it would make every delivery look new.
_DELIVERIES = UUID("6f1c6f0e-8c0b-4c55-9f0a-6a5d7c9f2b11")


def delivery_id(job_id: str, url: str) -> str:
    """The id of telling one address of one job: the same at every try, also after a restart."""
    return str(uuid5(_DELIVERIES, f"{job_id} {url}"))


def body_of(root: Path, job_id: str, job: Job, delivery: str) -> bytes:
    """The message about a job that has ended, as JSON."""
    end, queued, last = job.end, job.queued, job.last
    assert end is not None  # only ends are told
    assert queued is not None  # only jobs that were queued here
    error = {"message": end.reason, "kind": end.kind, "node": end.node}
    return orjson.dumps(
        {
            "event": f"job.{end.status}",
            "delivery": delivery,
            "job_id": job_id,
            "status": end.status,
            "project_path": str(root),
            "group_id": queued.order.group,
            "backend_id": None if last is None else last.backend,
            "attempts": len(job.attempts),
            "outputs": [_output(root, each) for each in job.outputs],
            "error": None if end.reason is None else error,
            "metadata": queued.order.metadata,
            "queued_at": moment(queued.as_of),
            "ended_at": moment(end.as_of),
        },
        option=orjson.OPT_UTC_Z,
    )


def _output(root: Path, output: Output) -> dict[str, Any]:
    return {
        "path": str(root / output.path),
        "rel_path": output.path,
        "asset_id": output.asset,
        "node": output.node,
        "kind": output.kind,
        "size": output.size,
        "sha256": output.sha256,
        "attempt": output.attempt,
        "extra": output.extra,
    }


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """What `X-Orchestrator-Signature` says: HMAC-SHA256 over timestamp, a dot, and the body."""
    signed = f"{timestamp}.".encode() + body
    return "sha256=" + hmac.new(secret.encode(), signed, sha256).hexdigest()


def headers_of(
    body: bytes, *, event: str, delivery: str, at: float, secret: str | None
) -> Mapping[str, str]:
    """The headers of one try; `at` is its time, in seconds since 1970."""
    timestamp = str(int(at))
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "directors-orchestrator",
        "X-Orchestrator-Event": event,
        "X-Orchestrator-Delivery": delivery,
        "X-Orchestrator-Timestamp": timestamp,
    }
    if secret is not None:
        headers["X-Orchestrator-Signature"] = signature(secret, timestamp, body)
    return headers


@frozen(kw_only=True)
class Delivery:
    """How telling one address of a job's end stands."""

    #: Without its path and query, which may be as good as a password.
    url: str
    #: `X-Orchestrator-Delivery` of its messages.
    delivery_id: str
    state: Literal["pending", "delivered", "given_up"]
    #: How often it was sent; 0 while it is pending.
    tries: int
    #: Why it was given up.
    error: str | None
    settled_at: datetime | None


def deliveries(job_id: str, job: Job, notified: Notified) -> tuple[Delivery, ...]:
    """All addresses that are told of a job's end, for views of the job."""
    urls = () if job.queued is None else job.queued.order.webhooks
    return tuple(_delivery(job_id, url, notified.told(url)) for url in urls)


def _delivery(job_id: str, url: str, told: Told | None) -> Delivery:
    where, id_ = shown(url), delivery_id(job_id, url)
    if told is None:
        return Delivery(
            url=where, delivery_id=id_, state="pending", tries=0, error=None, settled_at=None
        )
    return Delivery(
        url=where,
        delivery_id=id_,
        state="delivered" if told.delivered else "given_up",
        tries=told.tries,
        error=told.error,
        settled_at=moment(told.as_of),
    )
