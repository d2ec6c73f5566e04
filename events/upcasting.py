"""Lifting old shapes of events to today's: one pure function per (type, old version).

The log is never rewritten, so each shape that was ever shipped has a way up from here. A
function takes the payload of version v and returns that of version v + 1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from events.registry import BY_NAME, Unknown, decode

Upcaster = Callable[[Mapping[str, Any]], Mapping[str, Any]]

#: (type name, version) to the function that lifts it by one version. All types are at version 1.
UPCASTERS: dict[tuple[str, int], Upcaster] = {}


def lift(
    name: str,
    version: int,
    payload: Mapping[str, Any],
    upcasters: Mapping[tuple[str, int], Upcaster] = UPCASTERS,
) -> object:
    """Today's event for a line of any version; versions from the future stay `Unknown`.

    A payload that an upcaster cannot make sense of (it raises one of `LookupError`, `TypeError`,
    `ValueError`) stays `Unknown` too, as it came.
    """
    row = BY_NAME.get(name)
    if row is None or version >= row.version:
        return decode(row, name, version, payload)
    lifted, reached = payload, version
    try:
        while reached < row.version and (name, reached) in upcasters:
            lifted = upcasters[name, reached](lifted)
            reached += 1
    except (LookupError, TypeError, ValueError):
        return Unknown(name, version, payload)
    event = decode(row, name, reached, lifted)
    return Unknown(name, version, payload) if isinstance(event, Unknown) else event
