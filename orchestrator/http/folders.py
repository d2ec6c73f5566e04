"""Endpoints of folders: browsing, making one, saved projects in one, deleting a file of one."""

from __future__ import annotations

from datetime import datetime

from aiohttp import web
from attrs import field, frozen

from orchestrator import errors
from orchestrator.folders.browsing import MAX_PLACES, Browsed
from orchestrator.folders.saved import MAX_SAVED
from orchestrator.http.endpoint import Reads, endpoint
from orchestrator.http.fields import about
from orchestrator.http.middleware import ACTOR
from orchestrator.http.moving import MOVE
from orchestrator.services import DELETER, FOLDERS

TAGS = ("folders",)
#: What any request about a folder may be refused with.
FOLDER = (
    errors.PathInvalid,
    errors.PathNotPermitted,
    errors.FileMissing,
    errors.FileUnreadable,
    errors.ShareSilent,
)

FOLDER_PATH = about("Absolute path of a folder.", aliases=("path",), example="/mnt/Projects/Eliot")
SUCCESS = about("Always true; what fails is refused.")
MESSAGE = about("For people: what was found, and what was left out.")


@frozen(kw_only=True, repr=False)
class BrowseFolders:
    """Where to look."""

    path: str = field(
        default="",
        metadata=about(
            "Absolute path of a folder; empty for the places where one may begin.",
            aliases=("folder_path",),
            example="/mnt/Projects",
        ),
    )
    show_files: str = field(
        default="",
        metadata=about(
            "Endings of files to show, with commas between; none if empty.",
            example=".json,.txt",
            max_length=1000,
        ),
    )


@frozen(kw_only=True, repr=False)
class PlaceView:
    """Something to choose."""

    name: str
    path: str
    type: str = field(metadata=about("drive, folder or file.", example="folder"))


@frozen(kw_only=True, repr=False)
class FolderView:
    """What lies in a folder: folders first, in natural order."""

    success: bool = field(metadata=SUCCESS)
    message: str = field(metadata=MESSAGE)
    error: str | None = field(metadata=about("Always null."))
    current: str = field(metadata=about("The folder; empty where one begins."))
    path: str = field(metadata=about("The same."))
    parent: str | None = field(metadata=about("Null where there is no permitted way up."))
    items: list[PlaceView]
    folders: list[PlaceView] = field(metadata=about("The same as `items`."))
    truncated: bool = field(metadata=about(f"Whether there are more than {MAX_PLACES:,}."))


@endpoint(
    "GET",
    "/api/browse-folders",
    request=BrowseFolders,
    response=FolderView,
    extra="ignore",
    tags=TAGS,
    errors=FOLDER,
)
async def browse_folders(request: web.Request, asked: BrowseFolders) -> FolderView:
    """The folders in a permitted folder, or the places where one may begin.

    Hidden folders are not shown. A share that does not answer within 10 s is a refusal, and keeps
    nobody from browsing the others. A link is shown as what it leads to, if that is permitted.
    """
    found = await request.app[FOLDERS].browse(asked.path, _suffixes(asked.show_files))
    items = [PlaceView(name=p.name, path=p.path, type=p.kind) for p in found.places]
    return FolderView(
        success=True,
        message=_told(found),
        error=None,
        current=found.current,
        path=found.current,
        parent=found.parent,
        items=items,
        folders=items,
        truncated=found.left_out > 0,
    )


def _suffixes(text: str) -> frozenset[str]:
    words = (word.strip().lower().lstrip("*.") for word in text.split(","))
    return frozenset(f".{word}" for word in words if word)


def _told(found: Browsed) -> str:
    if found.left_out:
        return f"The first {len(found.places):,}; {found.left_out:,} more are not shown."
    return f"{len(found.places):,} found." if found.places else "There is nothing here."


@frozen(kw_only=True, repr=False)
class CreateFolder:
    """Where, and how it is called."""

    parent_path: str = field(metadata=about("A folder that is there.", example="/mnt/Projects"))
    folder_name: str = field(metadata=about("A name, not a path.", example="Panel_04"))


@frozen(kw_only=True, repr=False)
class CreatedFolder:
    """The folder is there."""

    success: bool = field(metadata=SUCCESS)
    message: str
    created_path: str
    folder_path: str = field(metadata=about("The same."))
    path: str = field(metadata=about("The same."))


@endpoint(
    "POST",
    "/api/create-folder",
    request=CreateFolder,
    response=CreatedFolder,
    extra="ignore",
    tags=TAGS,
    errors=(*FOLDER, errors.FileCollides, errors.FolderNotMade),
    example={"parent_path": "/mnt/Projects/Eliot", "folder_name": "Panel_04"},
)
async def create_folder(request: web.Request, asked: CreateFolder) -> CreatedFolder:
    """Make a folder in one that is there. If it exists already, that is as good."""
    made, new = await request.app[FOLDERS].make(asked.parent_path, asked.folder_name)
    path, told = str(made), "was made" if new else "was there already"
    return CreatedFolder(
        success=True,
        message=f"{asked.folder_name!r} {told}.",
        created_path=path,
        folder_path=path,
        path=path,
    )


@frozen(kw_only=True, repr=False)
class ListProjects:
    """In which folder."""

    folder_path: str = field(metadata=FOLDER_PATH)


@frozen(kw_only=True, repr=False)
class SavedProjectView:
    """A file that holds a saved project."""

    path: str
    name: str
    saved_at: datetime
    panel_count: int | None = field(
        metadata=about("Null if the file is broken, or too large to be looked into.")
    )


@frozen(kw_only=True, repr=False)
class SavedProjectsView:
    """The saved projects of a folder, the latest first."""

    success: bool = field(metadata=SUCCESS)
    message: str = field(metadata=MESSAGE)
    projects: list[SavedProjectView]
    truncated: bool = field(metadata=about(f"Whether there are more than {MAX_SAVED}."))


@endpoint(
    "GET",
    "/api/list-projects",
    request=ListProjects,
    response=SavedProjectsView,
    extra="ignore",
    tags=TAGS,
    errors=FOLDER,
)
async def list_projects(request: web.Request, asked: ListProjects) -> SavedProjectsView:
    """The saved projects in a folder: its files `project*.json` and `*_project.json`."""
    saved = await request.app[FOLDERS].saved(asked.folder_path)
    more = f"; {saved.left_out:,} more were not looked at" if saved.left_out else ""
    return SavedProjectsView(
        success=True,
        message=f"{len(saved.found):,} saved projects{more}.",
        projects=[
            SavedProjectView(
                path=each.path,
                name=each.name,
                saved_at=each.saved_at,
                panel_count=each.panel_count,
            )
            for each in saved.found
        ],
        truncated=saved.left_out > 0,
    )


@frozen(kw_only=True, repr=False)
class DeleteImage:
    """Which file."""

    image_path: str = field(
        metadata=about(
            "Absolute path of a picture, video or sound.",
            aliases=("file_path", "path"),
            example="/mnt/Projects/Eliot/Panel_01/a.png",
        )
    )


@frozen(kw_only=True, repr=False)
class DeletedImage:
    """The file is in the trash."""

    success: bool = field(metadata=SUCCESS)
    message: str
    deleted_files: list[str] = field(metadata=about("The file, then its sidecars."))
    trash_id: str = field(metadata=about("To restore it."))
    project_path: str = field(metadata=about("The project whose trash it is in."))


@endpoint(
    "DELETE",
    "/api/delete-image",
    request=DeleteImage,
    response=DeletedImage,
    reads=Reads.EITHER,
    extra="ignore",
    tags=TAGS,
    errors=(*MOVE, errors.ShareSilent, errors.FileInNoProject, errors.FileNotMoved),
    example={"image_path": "/mnt/Projects/Eliot/Panel_01/a.png"},
)
async def delete_image(request: web.Request, asked: DeleteImage) -> DeletedImage:
    """Put a file into the trash of the project in which it lies, with its sidecars.

    Nothing is deleted: `POST /api/gallery/restore` brings it back. The project is an open one, else
    the nearest folder above that is a project, else the current one if the file lies in it.
    """
    done = await request.app[DELETER].delete(asked.image_path, request[ACTOR])
    return DeletedImage(
        success=True,
        message=f"Put into the trash of {done.project.name!r}.",
        deleted_files=list(done.files),
        trash_id=done.trash,
        project_path=str(done.project),
    )
