"""Which addresses need not be told of a job's end any more."""

from __future__ import annotations

from typing import Any

from attrs import asdict, frozen

from events.record import Record
from events.stamp import Stamp
from events.webhooks import WebhookSettled
from projections.fold import Projection


@frozen
class Told:
    """How telling an address ended."""

    as_of: Stamp
    delivered: bool
    tries: int
    error: str | None


@frozen
class Notified:
    """What became of each address of a job."""

    urls: tuple[tuple[str, Told], ...] = ()

    def told(self, url: str) -> Told | None:
        """How telling this address ended; None if it has not."""
        return dict(self.urls).get(url)


def _key(event: WebhookSettled) -> tuple[str, ...]:
    return (event.job,)


def _apply(state: Notified | None, record: Record, key: str) -> Notified | None:
    event, at = record.event, record.stamp
    assert isinstance(event, WebhookSettled)  # the only class that is handled
    known = dict(() if state is None else state.urls)
    told = known.get(event.url)
    if told is not None and told.as_of <= at:
        return state
    known[event.url] = Told(at, event.delivered, event.tries, event.error)
    return Notified(tuple(sorted(known.items(), key=lambda item: item[0])))


def _pack(state: Notified) -> Any:
    return [[url, asdict(told)] for url, told in state.urls]


def _unpack(packed: Any) -> Notified:
    return Notified(tuple((url, Told(**told)) for url, told in packed))


NOTIFIED = Projection("webhooks", (WebhookSettled,), _key, _apply, _pack, _unpack)
