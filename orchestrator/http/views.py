"""Endpoints of the gallery: saved views."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
from aiohttp import web
from attrs import field, frozen

from orchestrator import errors
from orchestrator.http.endpoint import Reads, endpoint
from orchestrator.http.fields import about
from orchestrator.http.gallery import CHANGE, PROJECT, PROJECT_PATH, TAGS, view_of
from orchestrator.http.middleware import ACTOR
from orchestrator.services import CURATOR


@frozen(kw_only=True, repr=False)
class ViewSettings:
    """How the gallery looks."""

    name: str = field(default="default", metadata=about("", min_length=1, max_length=100))
    view_mode: str | None = field(default=None, metadata=about("", example="grid"))
    sort_field: str | None = field(default=None, metadata=about("", example="name"))
    sort_direction: str | None = field(default=None, metadata=about("", example="asc"))
    thumbnail_size: int | None = field(default=None, metadata=about("Pixels.", ge=16, le=4096))
    current_path: str | None = None
    filters: dict[str, Any] | None = None
    folder_tree_state: dict[str, Any] | None = None


@frozen(kw_only=True, repr=False)
class SaveView(ViewSettings):
    """A view to save."""

    project_path: str = field(metadata=PROJECT_PATH)


@frozen(kw_only=True, repr=False)
class GetViews:
    """Which project, and which view to single out."""

    project_path: str = field(metadata=PROJECT_PATH)
    name: str = "default"


@frozen(kw_only=True, repr=False)
class Views:
    """The view that was asked for, and all others."""

    view: ViewSettings | None
    views: dict[str, ViewSettings]


@endpoint(
    "GET",
    "/api/gallery/views",
    request=GetViews,
    response=Views,
    dialect=True,
    tags=TAGS,
    errors=PROJECT,
)
async def get_views(request: web.Request, asked: GetViews) -> Views:
    """The saved views of a project."""
    saved = (await view_of(request, asked.project_path, None)).views()
    views = {name: _view(name, view.settings) for name, view in saved.items()}
    return Views(view=views.get(asked.name), views=views)


@frozen(kw_only=True, repr=False)
class SavedView:
    """The view as it was saved."""

    view: ViewSettings


@endpoint(
    "POST",
    "/api/gallery/views",
    request=SaveView,
    response=SavedView,
    dialect=True,
    tags=TAGS,
    errors=CHANGE,
)
async def save_view(request: web.Request, asked: SaveView) -> SavedView:
    """Save how the gallery looks, under a name."""
    settings = {name: getattr(asked, name) for name in _SETTINGS}
    chosen = {name: value for name, value in settings.items() if value is not None}
    await request.app[CURATOR].save_view(asked.project_path, asked.name, chosen, request[ACTOR])
    # As it was recorded: another host may have deleted it by now.
    return SavedView(view=_view(asked.name, chosen))


_SETTINGS = tuple(a.name for a in attrs.fields(ViewSettings) if a.name != "name")


def _view(name: str, settings: Mapping[str, Any]) -> ViewSettings:
    known = {key: value for key, value in settings.items() if key in _SETTINGS}
    return ViewSettings(name=name, **known)


@frozen(kw_only=True, repr=False)
class DeleteView:
    """Which view to delete."""

    project_path: str = field(metadata=PROJECT_PATH)
    name: str = field(metadata=about("", min_length=1, max_length=100))


@frozen(kw_only=True, repr=False)
class DeletedView:
    """The view is gone."""

    name: str


@endpoint(
    "DELETE",
    "/api/gallery/views",
    request=DeleteView,
    response=DeletedView,
    dialect=True,
    reads=Reads.EITHER,
    tags=TAGS,
    errors=(*CHANGE, errors.ViewUnknown),
)
async def delete_view(request: web.Request, asked: DeleteView) -> DeletedView:
    """Forget a saved view."""
    await request.app[CURATOR].delete_view(asked.project_path, asked.name, request[ACTOR])
    return DeletedView(name=asked.name)
