"""Endpoints that save, list and load the states of a project."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from aiohttp import web
from attrs import field, frozen

from events.stamp import moment
from orchestrator import errors
from orchestrator.http.endpoint import endpoint
from orchestrator.http.fields import about
from orchestrator.http.middleware import ACTOR
from orchestrator.services import STATES
from orchestrator.states.loading import Loaded
from projections.states import Saving

TAGS = ("projects",)
#: Most bytes of a request that saves a state.
STATE_BYTES = 50 * 1024 * 1024

PLACE = (errors.PathInvalid, errors.PathNotPermitted, errors.FileMissing)
SHARE = (errors.ProjectUnreadable, errors.ShareMissing)
FILE_PATH = about(
    "Absolute path of the project's file.", example="/mnt/Projects/Eliot/project.json"
)


@frozen(kw_only=True, repr=False)
class SaveProject:
    """A state, and where it is saved."""

    folder_path: str = field(
        metadata=about("Absolute path of the project's folder.", example="/mnt/Projects/Eliot")
    )
    filename: str = field(
        default="project.json", metadata=about("A name, not a path; it ends in `.json`.")
    )
    state: dict[str, Any] = field(
        metadata=about(
            "Everything; it is kept as it is. `project_settings` (an object) and `panels` (a list "
            "of objects) must be there."
        )
    )


@frozen(kw_only=True, repr=False)
class SavedProject:
    """Where the state was saved."""

    success: bool
    saved_path: str
    path: str
    message: str
    sha256: str = field(metadata=about("Names the state in the file, for ever."))
    changed: bool = field(
        metadata=about("False if the file held this work already, and was left as it is.")
    )


@endpoint(
    "POST",
    "/api/save-project",
    request=SaveProject,
    response=SavedProject,
    extra="ignore",
    tags=TAGS,
    errors=(
        *PLACE,
        *SHARE,
        errors.ProjectReadOnly,
        errors.FileNotWritten,
        errors.FileChanging,
        errors.StateUnreadable,
        errors.LogBusy,
        errors.ChangeUnsettled,
    ),
    body_limit=STATE_BYTES,
    example={
        "folder_path": "/mnt/Projects/Eliot",
        "filename": "project.json",
        "state": {"project_settings": {"name": "Eliot"}, "panels": [{"id": 1}]},
    },
)
async def save_project(request: web.Request, asked: SaveProject) -> SavedProject:
    """Save the state of a project as a file in its folder.

    The file is replaced in one step, and the one before becomes `<name>.bak`. Every state is kept
    besides: `GET /api/project-states` lists them, `POST /api/load-project` loads any. A state that
    differs from the one in the file at most in its time (`saved_at`, `lastModified`) is not saved
    again.
    """
    saved = await request.app[STATES].save(
        asked.folder_path, asked.filename, asked.state, request[ACTOR]
    )
    path = str(saved.path)
    return SavedProject(
        success=True,
        saved_path=path,
        path=path,
        message=f"Saved {saved.path.name}" if saved.changed else "Nothing has changed",
        sha256=saved.sha256,
        changed=saved.changed,
    )


@frozen(kw_only=True, repr=False)
class LoadProject:
    """What to load: the file as it is, or an earlier state of it."""

    file_path: str = field(metadata=FILE_PATH)
    sha256: str | None = field(
        default=None,
        metadata=about("An earlier state, from `/api/project-states`.", pattern="[0-9a-f]{64}"),
    )
    at: datetime | None = field(
        default=None, metadata=about("The state of this moment instead; not with `sha256`.")
    )

    def __attrs_post_init__(self) -> None:
        if self.sha256 is not None and self.at is not None:
            raise ValueError("send sha256 or at, not both")


@frozen(kw_only=True, repr=False)
class LoadedProject:
    """A state, and where it comes from."""

    success: bool
    state: Any = field(metadata=about("As it was saved, an object."))
    project: Any = field(metadata=about("Its `project_settings`."))
    message: str = field(
        metadata=about("What was loaded; if that is not the file itself, also why.")
    )
    file_path: str
    source: Literal["file", "backup", "kept"]
    sha256: str


@endpoint(
    "POST",
    "/api/load-project",
    request=LoadProject,
    response=LoadedProject,
    extra="ignore",
    tags=TAGS,
    errors=(
        *PLACE,
        *SHARE,
        errors.FileUnreadable,
        errors.StateUnreadable,
        errors.StateUnknown,
    ),
    example={"file_path": "/mnt/Projects/Eliot/project.json"},
)
async def load_project(request: web.Request, asked: LoadProject) -> LoadedProject:
    """Load the state of a project.

    If the file is missing or broken, its backup is loaded, and if that is too, the newest state
    that was kept; `message` and `source` say so. Loading an earlier state changes nothing: save it
    to go back to it.
    """
    loaded = await _loaded(request, asked)
    state = loaded.document.plain
    return LoadedProject(
        success=True,
        state=state,
        project=state["project_settings"],
        message=loaded.message,
        file_path=asked.file_path,
        source=loaded.source,
        sha256=loaded.document.sha256,
    )


async def _loaded(request: web.Request, asked: LoadProject) -> Loaded:
    states = request.app[STATES]
    if asked.sha256 is not None:
        return await states.load_kept(asked.file_path, asked.sha256)
    if asked.at is not None:
        return await states.load_as_of(asked.file_path, asked.at)
    return await states.load(asked.file_path)


@frozen(kw_only=True, repr=False)
class ListStates:
    """Of which file, and which page."""

    file_path: str = field(metadata=FILE_PATH)
    limit: int = field(default=100, metadata=about("States on a page.", ge=1, le=1000))
    offset: int = field(default=0, metadata=about("States to pass over.", ge=0))


@frozen(kw_only=True, repr=False)
class StateView:
    """One time that a state was saved."""

    sha256: str = field(metadata=about("Loads it; the same for the same bytes."))
    saved_at: datetime
    actor: str | None = field(metadata=about("Who saved it; null if nobody knows."))
    host: str = field(metadata=about("The host that told of it."))
    size: int = field(metadata=about("Bytes of the file."))
    panels: int | None = field(metadata=about("Null if the file could not be read as a state."))
    origin: str = field(
        metadata=about("`saved`, or `found`: it lay there, and nobody had told of it.")
    )
    state_saved_at: str | None = field(metadata=about("`saved_at` of the state itself."))


@frozen(kw_only=True, repr=False)
class StateList:
    """A page of states, what was saved last first."""

    success: bool
    message: str
    states: list[StateView]
    total: int
    limit: int
    offset: int


@endpoint(
    "GET",
    "/api/project-states",
    request=ListStates,
    response=StateList,
    tags=TAGS,
    errors=(*PLACE, *SHARE),
)
async def list_project_states(request: web.Request, asked: ListStates) -> StateList:
    """List every state of a project that was ever saved, what was saved last first."""
    found = await request.app[STATES].states(asked.file_path)
    page = found[asked.offset : asked.offset + asked.limit]
    return StateList(
        success=True,
        message="OK",
        states=[_view(saving) for saving in page],
        total=len(found),
        limit=asked.limit,
        offset=asked.offset,
    )


def _view(saving: Saving) -> StateView:
    return StateView(
        sha256=saving.sha256,
        saved_at=moment(saving.as_of),
        actor=saving.actor if saving.origin == "saved" else None,
        host=saving.host,
        size=saving.size,
        panels=saving.panels,
        origin=saving.origin,
        state_saved_at=saving.saved_at,
    )
