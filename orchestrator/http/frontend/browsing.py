"""What the frontend asks of folders and files: tree, listing, details, counts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

from aiohttp import web
from attrs import field, frozen

from orchestrator.errors import FileMissing
from orchestrator.http import gallery
from orchestrator.http.entries import FileEntry
from orchestrator.http.fields import about
from orchestrator.http.frontend.placing import project_to_read, root_of
from orchestrator.http.frontend.speaking import speaks
from orchestrator.http.frontend.wording import (
    ANY_PROJECT,
    FILE_PATH,
    FOLDER_PATH,
    above,
)
from orchestrator.http.gallery import FileDetails, FolderNode, Metadata, RecipeView
from orchestrator.http.replies import Written
from orchestrator.paths.roots import relative
from orchestrator.services import ROOTS


@frozen(kw_only=True, repr=False)
class ScanTree:
    """Below which folder to look; usually the project's."""

    folder_path: str = field(metadata=FOLDER_PATH)
    project_path: str = field(default="", metadata=ANY_PROJECT)


@frozen(kw_only=True, repr=False)
class TreeFolder:
    """One folder."""

    name: str
    path: str
    rel_path: str = field(metadata=about("To the folder asked for, which is `.` itself."))
    subfolders: list[str] = field(metadata=about("Names of the folders in it."))
    file_count: int = field(metadata=about("Pictures, videos and sounds directly in it."))


@frozen(kw_only=True, repr=False)
class FlatTree:
    """All folders in one list, each before those in it; the first is the one asked for."""

    folders: list[TreeFolder]


@speaks(
    gallery.scan_tree,
    request=ScanTree,
    response=FlatTree,
    example={"folder_path": "/mnt/Projects/Eliot"},
)
async def scan_tree(request: web.Request, asked: ScanTree) -> FlatTree:
    """A folder and all below it, in one list."""
    project = await project_to_read(request, asked.project_path, asked.folder_path)
    found: gallery.FolderTree = await gallery.scan_tree.handler(
        request, gallery.OneProject(project_path=project)
    )
    root = await root_of(request, project)
    whole = FolderNode(
        name=root.name,
        path=str(root),
        rel_path=".",
        file_count=found.file_count,
        children=found.tree,
    )
    # The project's own path is the usual question, and asks nothing of the disk.
    if asked.folder_path in (project, str(root)):
        return FlatTree(folders=list(_flat(whole, "")))
    below = await _relative(request, project, asked.folder_path)
    top = next((node for node in _all(whole) if node.rel_path == below), None)
    if top is None:
        raise FileMissing(asked.folder_path)
    cut = "" if below == "." else f"{below}/"
    return FlatTree(folders=list(_flat(top, cut)))


async def _relative(request: web.Request, project: str, folder: str) -> str:
    root = await root_of(request, project)
    path = await asyncio.to_thread(request.app[ROOTS].inside, root, folder)
    return relative(root, path)


def _all(node: FolderNode) -> Iterator[FolderNode]:
    yield node
    for child in node.children:
        yield from _all(child)


def _flat(top: FolderNode, cut: str) -> Iterator[TreeFolder]:
    """A folder and all below it; `cut` is what their paths in the project begin with."""
    for node in _all(top):
        yield TreeFolder(
            name=node.name,
            path=node.path,
            rel_path="." if node is top else node.rel_path.removeprefix(cut),
            subfolders=[child.name for child in node.children],
            file_count=node.file_count,
        )


@frozen(kw_only=True, repr=False)
class ScanFolder:
    """Which folder to list."""

    folder_path: str = field(metadata=FOLDER_PATH)
    project_path: str = field(default="", metadata=ANY_PROJECT)


@frozen(kw_only=True, repr=False)
class FolderFiles:
    """The files of one folder, in natural order."""

    folder_path: str
    files: list[FileEntry]


@speaks(
    gallery.scan_folder,
    request=ScanFolder,
    response=FolderFiles,
    example={
        "project_path": "/mnt/Projects/Eliot",
        "folder_path": "/mnt/Projects/Eliot/Panel_01",
    },
)
async def scan_folder(request: web.Request, asked: ScanFolder) -> Written:
    """The files of one folder."""
    project = await project_to_read(request, asked.project_path, asked.folder_path)
    found: Written = await gallery.scan_folder.handler(
        request, gallery.ScanFolder(project_path=project, folder_path=asked.folder_path)
    )
    return Written({"folder_path": asked.folder_path, **found.plain})


@frozen(kw_only=True, repr=False)
class FileInfo:
    """Which file to describe."""

    file_path: str = field(metadata=FILE_PATH)
    project_path: str = field(default="", metadata=ANY_PROJECT)


@frozen(kw_only=True, repr=False)
class FileFacts:
    """A file, how it was made, and what stands in it: together, and each by itself."""

    file: FileDetails
    recipe: RecipeView | None
    png_metadata: Metadata | None
    prompt: dict[str, Any] | None
    workflow: dict[str, Any] | None
    parameters: str | None


@speaks(
    gallery.file_info,
    request=FileInfo,
    response=FileFacts,
    example={
        "project_path": "/mnt/Projects/Eliot",
        "file_path": "/mnt/Projects/Eliot/Panel_01/a.png",
    },
)
async def file_info(request: web.Request, asked: FileInfo) -> FileFacts:
    """Everything about one file, with what stands in it."""
    project = asked.project_path or await project_to_read(request, "", above(asked.file_path))
    found: gallery.FileInfoAnswer = await gallery.file_info.handler(
        request, gallery.FileInfo(project_path=project, file_path=asked.file_path)
    )
    made = found.png_metadata
    return FileFacts(
        file=found.file,
        recipe=found.recipe,
        png_metadata=made,
        prompt=None if made is None else made.prompt,
        workflow=None if made is None else made.workflow,
        parameters=None if made is None else made.parameters,
    )


@frozen(kw_only=True, repr=False)
class FolderStats:
    """Which folder to count."""

    folder_path: str = field(metadata=FOLDER_PATH)
    project_path: str = field(default="", metadata=ANY_PROJECT)


@frozen(kw_only=True, repr=False)
class FolderTotals:
    """How much lies in a folder and all below it."""

    path: str
    total_files: int
    total_size: int = field(metadata=about("Bytes."))
    image_count: int
    video_count: int
    audio_count: int
    subfolder_count: int
    by_extension: dict[str, int]


@speaks(
    gallery.folder_stats,
    request=FolderStats,
    response=FolderTotals,
    example={"folder_path": "/mnt/Projects/Eliot/Panel_01"},
)
async def folder_stats(request: web.Request, asked: FolderStats) -> FolderTotals:
    """How many files lie in a folder and below it, and how much they take."""
    project = await project_to_read(request, asked.project_path, asked.folder_path)
    found: gallery.FolderCounts = await gallery.folder_stats.handler(
        request, gallery.FolderStats(project_path=project, folder_path=asked.folder_path)
    )
    return FolderTotals(
        path=asked.folder_path,
        total_files=found.file_count,
        total_size=found.total_size,
        image_count=found.image_count,
        video_count=found.video_count,
        audio_count=found.audio_count,
        subfolder_count=found.folder_count,
        by_extension=found.by_extension,
    )
