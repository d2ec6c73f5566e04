"""Cutting an import into transactions that fit into lines of the log. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import orjson

from events.codec import MAX_EVENTS, MAX_LINE
from orchestrator.commands.importing import Said

#: With room to spare: what is counted here is an estimate from above.
GROUP_EVENTS = MAX_EVENTS * 9 // 10
GROUP_BYTES = MAX_LINE * 8 // 10
#: Bytes of one event without its path or note.
_EVENT = 260


def groups(everything: Iterable[Said]) -> Iterator[tuple[Said, ...]]:
    """What is said, in order, in groups of which each fits into one line and has a path once."""
    group: dict[str, Said] = {}
    events = size = 0
    for said in everything:
        own_events, own_size = _weight(said)
        full = events + own_events > GROUP_EVENTS or size + own_size > GROUP_BYTES
        if group and (full or said.path in group):
            yield tuple(group.values())
            group, events, size = {}, 0, 0
        group[said.path] = said
        events, size = events + own_events, size + own_size
    if group:
        yield tuple(group.values())


def _weight(said: Said) -> tuple[int, int]:
    """Events and bytes that it makes at the most."""
    events = 3 + len(said.tags)
    texts = len(orjson.dumps(said.path)) + len(orjson.dumps(said.note))
    return events, events * _EVENT + texts
