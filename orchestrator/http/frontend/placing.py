"""Finding the project of a request of the frontend, which often sends none."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

from orchestrator.errors import FileInNoProject
from orchestrator.http.frontend.wording import above, folder_of
from orchestrator.services import DELETER, FINDER


async def root_of(request: web.Request, project_path: str) -> Path:
    """The folder of a project, with all links followed.

    Raises:
        PathInvalid, PathNotPermitted, FileMissing, ShareMissing, ProjectUnreadable.
    """
    return (await request.app[FINDER].project(project_path)).root


async def project_to_read(request: web.Request, project_path: str, folder_path: str) -> str:
    """The project whose folder is looked at; that folder itself if it lies in none.

    Raises:
        PathInvalid: the folder's path is empty.
        PathNotPermitted, FileMissing, FileUnreadable, ShareSilent.
    """
    folder = folder_of(folder_path)
    if project_path:
        return project_path
    found = await request.app[DELETER].project_of(folder)
    return folder if found is None else str(found)


async def project_to_change(request: web.Request, project_path: str, file_path: str) -> str:
    """The project in which a file lies that is to be moved or renamed.

    Raises:
        FileInNoProject: it lies in none: no log could tell of it, and nobody could undo it.
        PathInvalid, PathNotPermitted, FileMissing, FileUnreadable, ShareSilent.
    """
    if project_path:
        return project_path
    found = await request.app[DELETER].project_of(above(file_path))
    if found is None:
        raise FileInNoProject(file_path)
    return str(found)
