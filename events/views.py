"""Saved ways to look at the gallery."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from events.registry import event


@event("view.saved")
@frozen(kw_only=True)
class ViewSaved:
    """A person saved how the gallery looks, under a name; it replaces the view of that name."""

    name: str
    #: Sort order, filters, layout: as the client sent them.
    settings: dict[str, Any]


@event("view.deleted")
@frozen(kw_only=True)
class ViewDeleted:
    """A saved view was deleted. Saving it again brings it back."""

    name: str
