"""Saved views as the predecessor kept them: JSON inside texts, unchecked. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from attrs import frozen

from orchestrator.gallery.legacy.paths import is_text

MAX_VIEWS = 10_000
#: Bytes of one view as JSON.
MAX_VIEW = 256 * 1024
MAX_NAME = 100
#: Pixels; what the gallery can show.
_THUMBNAILS = range(16, 4097)
_TEXTS = ("view_mode", "sort_field", "sort_direction", "current_path")
#: Setting of a view to its name here: JSON inside a text in the old store.
_NESTED = {"filters_json": "filters", "folder_tree_state": "folder_tree_state"}

#: Takes what is left out, and why.
Leave = Callable[[str, str], None]


@frozen
class OldView:
    """A saved view."""

    name: str
    #: As this service would have saved it.
    settings: dict[str, Any]


def read_views(part: dict[str, Any], leave: Leave) -> list[OldView]:
    """All views that can be shown, by name. A setting that makes no sense is left out alone."""
    found: list[OldView] = []
    for name, record in sorted(part.items()):
        if not isinstance(record, dict):
            leave(name, "the view is no JSON object")
        elif not 1 <= len(name) <= MAX_NAME or not is_text(name):
            leave(name, f"the view's name has not 1 to {MAX_NAME} characters")
        elif len(found) >= MAX_VIEWS:
            leave(name, f"more than {MAX_VIEWS:,} views")
        else:
            view = OldView(name, _settings(name, record, leave))
            if _fits(view):
                found.append(view)
            else:
                leave(name, f"the view has more than {MAX_VIEW:,} bytes, or no Unicode")
    return found


def _settings(name: str, record: dict[str, Any], leave: Leave) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    for key in _TEXTS:
        value = record.get(key)
        if isinstance(value, str):
            settings[key] = value
        elif value is not None:
            leave(name, f"{key} of the view is no text")
    size = record.get("thumbnail_size")
    if type(size) is int and size in _THUMBNAILS:
        settings["thumbnail_size"] = size
    elif size is not None:
        leave(name, "thumbnail_size of the view is no number of pixels")
    for old, new in _NESTED.items():
        nested = _nested(record.get(old))
        if nested is None:
            leave(name, f"{old} of the view is no JSON object")
        elif nested:
            settings[new] = nested
    return settings


def _nested(value: object) -> dict[str, Any] | None:
    """The JSON object in a text, or the object itself; empty if there is nothing, None if other."""
    if isinstance(value, str):
        if not value.strip():
            return {}
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return None
    if value is None:
        return {}
    return value if isinstance(value, dict) else None


def _fits(view: OldView) -> bool:
    try:
        return len(orjson.dumps(view.settings)) <= MAX_VIEW
    except orjson.JSONEncodeError:
        return False
