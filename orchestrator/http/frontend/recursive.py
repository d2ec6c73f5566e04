"""What the frontend asks of a folder and all below it: files by folder, sent as they are found."""

from __future__ import annotations

import asyncio
from typing import Any

from aiohttp import web
from attrs import field, frozen

from orchestrator.gallery.walking import Listed, Page
from orchestrator.http import gallery
from orchestrator.http.dialects import DIALECT
from orchestrator.http.entries import FileEntry
from orchestrator.http.fields import about
from orchestrator.http.frontend.placing import project_to_read
from orchestrator.http.frontend.speaking import speaks
from orchestrator.http.frontend.wording import ANY_PROJECT, FOLDER_PATH
from orchestrator.http.replies import dump
from orchestrator.http.rows import row_writer
from orchestrator.services import GALLERY


@frozen(kw_only=True, repr=False)
class ScanRecursive:
    """Below which folder to look."""

    folder_path: str = field(metadata=FOLDER_PATH)
    project_path: str = field(default="", metadata=ANY_PROJECT)


@frozen(kw_only=True, repr=False)
class FolderWithFiles:
    """A folder in which files lie."""

    name: str
    path: str
    rel_path: str = field(metadata=about("To the project."))
    files: list[FileEntry]
    file_count: int
    total_size: int = field(metadata=about("Bytes."))


@frozen(kw_only=True, repr=False)
class FoldersWithFiles:
    """The folders in which files lie, each before those in it."""

    folders: list[FolderWithFiles]
    total_files: int
    total_size: int = field(metadata=about("Bytes."))


@speaks(
    gallery.scan_recursive,
    request=ScanRecursive,
    response=FoldersWithFiles,
    example={"folder_path": "/mnt/Projects/Eliot"},
)
async def scan_recursive(request: web.Request, asked: ScanRecursive) -> web.StreamResponse:
    """All files in a folder and those below it, by folder.

    An answer that breaks off without its end is not whole: the share went away meanwhile.
    """
    project = await project_to_read(request, asked.project_path, asked.folder_path)
    walk = await request.app[GALLERY].walk(project, asked.folder_path, limit=None, cursor=None)
    pages, write = walk.pages(), row_writer(request[DIALECT])
    page = await asyncio.to_thread(next, pages, None)  # what cannot be read at all is refused
    response = web.StreamResponse(headers={"Content-Type": "application/json; charset=utf-8"})
    await response.prepare(request)
    await response.write(b'{"success":true,"message":"OK","folders":[')
    count = size = 0
    while page is not None:
        files = await walk.listed(page)
        folder = _folder(str(walk.root), page, files)
        written = dump({**folder, "files": write(files)})
        await response.write(b"," + written if count else written)
        count, size = count + len(files), size + folder["total_size"]
        page = await asyncio.to_thread(next, pages, None)
    await response.write(b"]," + dump({"total_files": count, "total_size": size})[1:])
    await response.write_eof()
    return response


def _folder(root: str, page: Page, files: list[Listed]) -> dict[str, Any]:
    """A folder without its files."""
    path = f"{root}/{page.folder}" if page.folder else root
    return {
        "name": path.rpartition("/")[2],
        "path": path,
        "rel_path": page.folder or ".",
        "file_count": len(files),
        "total_size": sum(listed.file.size for listed in files),
    }
