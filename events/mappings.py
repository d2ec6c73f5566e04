"""One folder under the names that operating systems give it, as people changed it at runtime.

These stand in the host's own log. What `config.yaml` says is the start; see `file`.
"""

from __future__ import annotations

from typing import Any

from attrs import frozen

from events.registry import event


@event("mapping.set")
@frozen(kw_only=True)
class MappingSet:
    """Somebody added a path mapping, or changed one; it is all that the mapping says from now on.

    Sides are kept as they were typed, blank and half-typed ones too. Such a side names no folder,
    and translating paths passes it by.
    """

    mapping: str
    #: What people call it.
    name: str
    windows: str
    linux: str
    macos: str
    enabled: bool = True
    #: What `config.yaml` said of it at that time; None if it did not name it. As soon as the file
    #: says something else, the file is newer, and counts.
    file: dict[str, Any] | None = None


@event("mapping.removed")
@frozen(kw_only=True)
class MappingRemoved:
    """Somebody took a path mapping away."""

    mapping: str
    #: What `config.yaml` said of it at that time; None if it did not name it.
    file: dict[str, Any] | None = None
