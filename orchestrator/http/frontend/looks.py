"""How the frontend saves the look of its gallery: settings that it writes as JSON in strings."""

from __future__ import annotations

from typing import Any, Final

import orjson
from aiohttp import web
from attrs import field, frozen

from orchestrator.errors import Fault, InvalidFields
from orchestrator.http import views
from orchestrator.http.fields import about
from orchestrator.http.frontend.speaking import speaks
from orchestrator.http.frontend.wording import PROJECT_PATH

#: Under this name stands what the frontend saved if that is no object: a list, for example.
_BARE: Final = "value"
_LEAST, _MOST = 16, 4096


@frozen(kw_only=True, repr=False)
class AskView:
    """Which view of which project."""

    project_path: str = field(metadata=PROJECT_PATH)
    name: str = "default"


@frozen(kw_only=True, repr=False)
class Look:
    """How the gallery looks."""

    name: str
    view_mode: str
    sort_field: str
    sort_direction: str
    thumbnail_size: int = field(metadata=about("Pixels."))
    current_path: str
    filters_json: str = field(metadata=about("JSON."))
    folder_tree_state: str = field(metadata=about("JSON."))


@frozen(kw_only=True, repr=False)
class Looks:
    """The view that was asked for, and all that are saved."""

    view: Look | None
    views: dict[str, Look]


@speaks(views.get_views, request=AskView, response=Looks)
async def get_looks(request: web.Request, asked: AskView) -> Looks:
    """A saved view of a project, and all others."""
    found: views.Views = await views.get_views.handler(
        request, views.GetViews(project_path=asked.project_path, name=asked.name)
    )
    looks = {name: _look(view) for name, view in found.views.items()}
    return Looks(view=looks.get(asked.name), views=looks)


@frozen(kw_only=True, repr=False)
class SaveLook:
    """A view to save."""

    project_path: str = field(metadata=PROJECT_PATH)
    name: str = field(default="default", metadata=about("", min_length=1, max_length=100))
    view_mode: str = "grid"
    sort_field: str = "name"
    sort_direction: str = "asc"
    thumbnail_size: float = field(default=200, metadata=about("Pixels."))
    current_path: str = ""
    filters_json: str = field(default="{}", metadata=about("JSON."))
    folder_tree_state: str = field(default="{}", metadata=about("JSON."))


@frozen(kw_only=True, repr=False)
class SavedLook:
    """The view as it was saved."""

    view: Look


@speaks(
    views.save_view,
    request=SaveLook,
    response=SavedLook,
    example={"project_path": "/mnt/Projects/Eliot", "view_mode": "grid", "filters_json": "{}"},
)
async def save_look(request: web.Request, asked: SaveLook) -> SavedLook:
    """Save how the gallery looks, under a name."""
    saved: views.SavedView = await views.save_view.handler(
        request,
        views.SaveView(
            project_path=asked.project_path,
            name=asked.name,
            view_mode=asked.view_mode,
            sort_field=asked.sort_field,
            sort_direction=asked.sort_direction,
            thumbnail_size=round(min(max(asked.thumbnail_size, _LEAST), _MOST)),
            current_path=asked.current_path,
            filters=_opened("filters_json", asked.filters_json),
            folder_tree_state=_opened("folder_tree_state", asked.folder_tree_state),
        ),
    )
    return SavedLook(view=_look(saved.view))


def _look(view: views.ViewSettings) -> Look:
    """What is not set looks as the frontend begins."""
    return Look(
        name=view.name,
        view_mode=view.view_mode or "grid",
        sort_field=view.sort_field or "name",
        sort_direction=view.sort_direction or "asc",
        thumbnail_size=view.thumbnail_size or 200,
        current_path=view.current_path or "",
        filters_json=_closed(view.filters),
        folder_tree_state=_closed(view.folder_tree_state),
    )


def _opened(name: str, text: str) -> dict[str, Any]:
    """What a string of JSON says, as an object. Pure.

    Raises:
        InvalidFields: it is no JSON.
    """
    if not text.strip():
        return {}
    try:
        found: Any = orjson.loads(text)
    except orjson.JSONDecodeError as exc:
        raise InvalidFields((Fault(name, f"is no JSON: {exc}", text[:100]),)) from exc
    return found if isinstance(found, dict) else {_BARE: found}


def _closed(found: dict[str, Any] | None) -> str:
    """An object as `_opened` read it, as a string again. Pure."""
    found = found or {}
    return orjson.dumps(found[_BARE] if set(found) == {_BARE} else found).decode()
