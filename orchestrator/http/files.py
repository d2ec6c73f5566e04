"""Endpoints that hand out files and what stands in them, and the current project."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any

from aiohttp import web
from attrs import asdict, field, frozen

from orchestrator import errors
from orchestrator.gallery import picture
from orchestrator.gallery.listing import stat_file
from orchestrator.gallery.media import is_media, mime_type
from orchestrator.gallery.metadata import Generation
from orchestrator.gallery.reading import reading
from orchestrator.http.endpoint import endpoint
from orchestrator.http.fields import about
from orchestrator.http.gallery import Metadata
from orchestrator.http.sending import send_file
from orchestrator.services import CURRENT, ROOTS

#: What any request about a file may be refused with.
FILE = (
    errors.PathInvalid,
    errors.PathNotPermitted,
    errors.FileMissing,
    errors.FileUnreadable,
)


@frozen(kw_only=True, repr=False)
class OneFile:
    """Which file."""

    path: str = field(
        metadata=about("Absolute path of a picture, video or sound.", example="/mnt/P/a.png")
    )


def _media_file(request: web.Request, path: str) -> Path:
    """A permitted path of a media file. Blocks.

    Raises:
        PathInvalid, PathNotPermitted, FileMissing.
    """
    real = request.app[ROOTS].permit(path)
    if not is_media(real.name):
        raise errors.PathInvalid(path, "it is no picture, video or sound that is served here")
    return real


@endpoint(
    "GET",
    "/api/serve-image",
    request=OneFile,
    media=("image/*", "video/*", "audio/*"),
    tags=("files",),
    errors=FILE,
)
async def serve_image(request: web.Request, asked: OneFile) -> web.StreamResponse:
    """A picture, video or sound, whole or in part (Range).

    It carries an ETag, and must be asked for again each time: a file may change, and an answer
    to an unchanged one is a mere 304.
    """
    real = await asyncio.to_thread(_media_file, request, asked.path)
    return await send_file(request, real, mime_type(real.name))


@frozen(kw_only=True, repr=False)
class FileMetadata(Metadata):
    """What stands in a picture; all null if nothing does."""

    success: bool = True
    message: str = "OK"
    error: str | None = field(default=None, metadata=about("Always null: what fails is refused."))


@endpoint(
    "GET",
    "/api/png-metadata",
    request=OneFile,
    response=FileMetadata,
    tags=("files",),
    errors=FILE,
)
async def png_metadata(request: web.Request, asked: OneFile) -> FileMetadata:
    """What ComfyUI wrote into a picture: graph, workflow, parameters."""
    made = await asyncio.to_thread(_generation, request, asked.path)
    return FileMetadata(
        prompt=made.prompt_graph, workflow=made.workflow, parameters=made.parameters
    )


def _generation(request: web.Request, path: str) -> Generation:
    real = _media_file(request, path)
    with reading(real):
        stat_file(real)  # a named pipe would hang whoever opens it
        return picture.facts(real).generation


@frozen(kw_only=True, repr=False)
class ProjectSettings:
    """The project that a person works on now."""

    name: str = field(metadata=about("May still be empty.", max_length=200))
    path: str = field(metadata=about("Absolute path of its folder; may still be empty."))
    naming_template: str = ""
    orchestrator_url: str = "http://localhost:9820"
    auto_save: bool = True
    description: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


@frozen(kw_only=True, repr=False)
class SetProject:
    """The project to make current."""

    project: ProjectSettings


@frozen(kw_only=True, repr=False)
class CurrentProjectAnswer:
    """The current project; none before one was set."""

    success: bool
    project: dict[str, Any] | None
    message: str


@endpoint("GET", "/api/project", response=CurrentProjectAnswer, tags=("projects",))
async def get_project(request: web.Request) -> CurrentProjectAnswer:
    """The current project: where jobs go that name none."""
    found = await asyncio.to_thread(request.app[CURRENT].load)
    message = "No project is set" if found is None else "OK"
    return CurrentProjectAnswer(success=found is not None, project=found, message=message)


@endpoint(
    "POST",
    "/api/project",
    request=SetProject,
    response=CurrentProjectAnswer,
    extra="ignore",
    tags=("projects",),
    errors=(errors.PathInvalid, errors.PathNotPermitted),
)
async def set_project(request: web.Request, asked: SetProject) -> CurrentProjectAnswer:
    """Make a project the current one. It stays so over restarts of the service."""
    saved = await asyncio.to_thread(_set_project, request, asked.project)
    return CurrentProjectAnswer(success=True, project=saved, message="OK")


def _set_project(request: web.Request, project: ProjectSettings) -> dict[str, Any]:
    settings = asdict(project)
    if project.path:
        settings["path"] = str(request.app[ROOTS].permit(project.path))
    request.app[CURRENT].save(settings)
    return settings
