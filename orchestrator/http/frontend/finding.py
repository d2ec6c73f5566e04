"""How the frontend searches, and looks for duplicates."""

from __future__ import annotations

from datetime import datetime

from aiohttp import web
from attrs import field, frozen

from orchestrator.http import duplicates, search
from orchestrator.http.fields import about
from orchestrator.http.frontend.placing import project_to_read
from orchestrator.http.frontend.speaking import speaks
from orchestrator.http.frontend.wording import ANY_PROJECT, FOLDER_PATH, PROJECT_PATH

#: Most files of one answer; whoever asks for more gets so many.
MOST = 1000


@frozen(kw_only=True, repr=False)
class SearchFiles:
    """What to look for, and where."""

    project_path: str = field(metadata=PROJECT_PATH)
    query: str = field(
        metadata=about(
            'Words in any order, "quoted phrase", -word. Nothing finds all files.',
            example="golden hour",
            max_length=2000,
        )
    )
    folder_path: str = field(
        default="",
        metadata=about("Only in this folder and below it, unless it is empty.", example=""),
    )
    max_results: int = field(
        default=100, metadata=about(f"Never more than {MOST:,}.", aliases=("limit",), ge=1)
    )


@frozen(kw_only=True, repr=False)
class FoundFile:
    """A file that was found."""

    file_path: str = field(metadata=about("Absolute."))
    rel_path: str = field(metadata=about("Relative to the project."))
    match_field: str = field(metadata=about("Empty if nothing was asked for.", example="prompt"))
    match_context: str = field(metadata=about("Some text around the match."))
    rating: int


@frozen(kw_only=True, repr=False)
class FoundFiles:
    """What was found, the best first; each file once."""

    message: str
    results: list[FoundFile]
    total: int


@speaks(
    search.search_files,
    request=SearchFiles,
    response=FoundFiles,
    example={
        "project_path": "/mnt/Projects/Eliot",
        "query": "golden hour",
        "folder_path": "/mnt/Projects/Eliot/Panel_01",
        "max_results": 100,
    },
)
async def search_files(request: web.Request, asked: SearchFiles) -> FoundFiles:
    """Find files by how they were made, what they are called, and what is said of them."""
    found: search.SearchAnswer = await search.search_files.handler(
        request,
        search.SearchFiles(
            project_path=asked.project_path,
            query=asked.query,
            folder_path=asked.folder_path or None,
            limit=min(asked.max_results, MOST),
        ),
    )
    partly = "" if found.index_complete else "; some files have not been read yet"
    return FoundFiles(
        message=f"{found.total:,} found{partly}",
        results=[
            FoundFile(
                file_path=hit.path,
                rel_path=hit.rel_path,
                match_field=hit.match_field or "",
                match_context=hit.match_context,
                rating=hit.rating,
            )
            for hit in found.results
        ],
        total=found.total,
    )


@frozen(kw_only=True, repr=False)
class FindDuplicates:
    """Below which folder to look."""

    folder_path: str = field(metadata=FOLDER_PATH)
    project_path: str = field(default="", metadata=ANY_PROJECT)


@frozen(kw_only=True, repr=False)
class Twin:
    """A file of a group."""

    name: str
    path: str
    rel_path: str
    size: int = field(metadata=about("Bytes."))
    modified: datetime


@frozen(kw_only=True, repr=False)
class Twins:
    """Files with the same bytes, the oldest first."""

    hash: str
    size: int = field(metadata=about("Bytes of each."))
    count: int
    files: list[Twin]


@frozen(kw_only=True, repr=False)
class FoundTwins:
    """Groups of files that are the same, the largest waste first."""

    groups: list[Twins]
    total_duplicates: int = field(metadata=about("Files that could go."))
    wasted_space: int = field(metadata=about("Bytes."))


@speaks(
    duplicates.find_duplicates,
    request=FindDuplicates,
    response=FoundTwins,
    example={"folder_path": "/mnt/Projects/Eliot"},
)
async def find_duplicates(request: web.Request, asked: FindDuplicates) -> FoundTwins:
    """Find files with the same bytes."""
    project = await project_to_read(request, asked.project_path, asked.folder_path)
    found: duplicates.FoundDuplicates = await duplicates.find_duplicates.handler(
        request, duplicates.FindDuplicates(project_path=project, folder_path=asked.folder_path)
    )
    return FoundTwins(
        groups=[_twins(group) for group in found.groups],
        total_duplicates=found.total_duplicates,
        wasted_space=found.wasted_space,
    )


def _twins(group: duplicates.DuplicateGroup) -> Twins:
    return Twins(
        hash=group.hash,
        size=group.files[0].size,
        count=len(group.files),
        files=[
            Twin(
                name=file.name,
                path=file.path,
                rel_path=file.rel_path,
                size=file.size,
                modified=file.modified,
            )
            for file in group.files
        ],
    )
