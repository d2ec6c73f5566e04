"""A small service on the toolkit: one endpoint of each kind, with handlers of three lines."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Literal

from aiohttp import web
from attrs import define, field, frozen

from orchestrator.errors import (
    BackendRefused,
    BackendUnreachable,
    FileMissing,
    JobEnded,
    OrchestratorError,
    PathInvalid,
    PathNotPermitted,
)
from orchestrator.http import docs, middleware, serving
from orchestrator.http.endpoint import Endpoint, Reads, endpoint
from orchestrator.http.fields import about
from orchestrator.http.middleware import ACTOR, REQUEST_ID
from orchestrator.http.openapi import Info
from orchestrator.http.replies import Reply

MODIFIED = datetime(2026, 2, 22, 10, 30, tzinfo=UTC)


class Kind(enum.Enum):
    """What a file shows."""

    IMAGE = "image"
    VIDEO = "video"


@frozen(kw_only=True)
class Tag:
    """A word on an asset."""

    tag_id: str
    display_name: str


@frozen(kw_only=True)
class FileEntry:
    """One file of a folder."""

    name: str
    rel_path: str
    size: int
    modified: datetime
    type: Kind
    width: int | None = None
    tags: tuple[Tag, ...] = ()


@frozen(kw_only=True)
class ScanFolder:
    """Which folder to list."""

    project_path: str = field(metadata=about("Root of the project.", example="/mnt/P/Eliot"))
    folder_path: str = field(default="", metadata=about("Folder beneath it; empty for the root."))
    kinds: tuple[Kind, ...] = field(default=(), metadata=about("Only these kinds; all if empty."))


@frozen(kw_only=True)
class FolderListing:
    """The files of one folder."""

    folder_path: str
    files: tuple[FileEntry, ...]
    ratings_by_path: dict[str, int]


@frozen(kw_only=True)
class TreeNode:
    """A folder with the folders in it."""

    name: str
    children: list[TreeNode] = field(factory=list)


@frozen(kw_only=True)
class Everything:
    """One field of each kind that can be read from JSON."""

    text: str | None = field(default=None, metadata=about("Text.", min_length=1, max_length=8))
    code: str = field(default="a1", metadata=about("A code.", pattern="[a-z][0-9]"))
    flag: bool = False
    count: int = field(default=1, metadata=about("A count.", ge=0, le=10))
    ratio: float = field(default=1.0, metadata=about("A ratio.", gt=0, lt=2))
    file_names: tuple[str, ...] = field(default=(), metadata=about("Names.", max_length=3))
    seen_at: datetime | None = None
    kind: Kind = Kind.IMAGE
    mode: Literal["template", "regex", 3] = "template"
    star_counts: dict[str, int] = field(factory=dict)
    tag: Tag | None = None
    child_tags: list[Tag] = field(factory=list)
    seed: int | str | None = None
    graph: dict[str, Any] = field(factory=dict)
    anything: Any = None


@frozen(kw_only=True)
class SubmitJob:
    """A job: core spelling, with other names for the project."""

    workflow_id: str
    project_path: str = field(default="", metadata=about("Project.", aliases=("projectPath",)))
    parameters: dict[str, Any] = field(factory=dict)


@frozen(kw_only=True)
class JobAccepted:
    """What became of a submitted job."""

    job_id: str
    submitted_at: datetime
    project_path: str


@frozen(kw_only=True)
class JobList:
    """Filter of the list of jobs."""

    limit: int = field(default=50, metadata=about("Most jobs to list.", ge=1, le=500))
    newest_first: bool = True
    since: datetime | None = None
    min_progress: float = 0.0
    status: tuple[Literal["queued", "running"], ...] = ()
    kind: Kind | None = None


@frozen(kw_only=True)
class JobListing:
    """What was asked for, repeated."""

    limit: int
    newest_first: bool
    since: datetime | None
    min_progress: float
    status: tuple[str, ...]
    kind: Kind | None


@frozen(kw_only=True)
class JobById:
    """Which job."""

    job_id: str = field(metadata=about("Id of the job.", min_length=1))


@frozen(kw_only=True)
class UpdateMapping:
    """A new prefix for a mapping."""

    mapping_id: int
    linux: str

    def __attrs_post_init__(self) -> None:
        if self.linux.endswith("//"):
            msg = "linux must not end with two slashes"
            raise ValueError(msg)


@frozen(kw_only=True)
class Mapping:
    """A mapping."""

    mapping_id: int
    linux: str


@frozen(kw_only=True)
class DeleteTag:
    """Which tag to delete."""

    project_path: str
    tag_id: str


@frozen(kw_only=True)
class ImagePath:
    """Which picture."""

    path: str


@frozen(kw_only=True)
class Restart:
    """How to restart."""

    free_memory: bool = True


@frozen(kw_only=True)
class Who:
    """Whom the service took the request to come from."""

    actor: str
    request_id: str


@define
class Gallery:
    """The service that the handlers send to."""

    files: int = 2
    released: asyncio.Event = field(factory=asyncio.Event)
    ended: asyncio.Event = field(factory=asyncio.Event)

    async def scan(self, asked: ScanFolder) -> FolderListing:
        """List made-up files."""
        entry = FileEntry(
            name="x.png", rel_path="Panel_01/x.png", size=3, modified=MODIFIED, type=Kind.IMAGE,
            tags=(Tag(tag_id="t1", display_name="Hero"),),
        )  # fmt: skip
        files = (entry,) * self.files
        return FolderListing(
            folder_path=asked.folder_path, files=files, ratings_by_path={"Panel_01/my_x.png": 4}
        )


GALLERY = web.AppKey("gallery", Gallery)


@endpoint(
    "POST",
    "/api/gallery/scan-folder",
    request=ScanFolder,
    response=FolderListing,
    dialect=True,
    summary="List one folder.",
    tags=("gallery",),
    errors=(FileMissing, PathNotPermitted),
    example={"projectPath": "/mnt/P/Eliot", "folderPath": "Panel_01"},
)
async def scan_folder(request: web.Request, asked: ScanFolder) -> FolderListing:
    """Files of one folder, without those beneath."""
    return await request.app[GALLERY].scan(asked)


@endpoint("GET", "/api/gallery/tree", response=TreeNode, dialect=True, tags=("gallery",))
async def tree(request: web.Request) -> TreeNode:
    """The folders."""
    return TreeNode(name="a", children=[TreeNode(name="b", children=[TreeNode(name="c")])])


@endpoint("POST", "/api/everything", request=Everything, response=Everything, dialect=True)
async def everything(request: web.Request, asked: Everything) -> Everything:
    """Answers with what it read."""
    return asked


@endpoint(
    "POST",
    "/api/job",
    request=SubmitJob,
    response=JobAccepted,
    status=202,
    extra="ignore",
    tags=("jobs",),
    errors=(BackendUnreachable,),
    body_limit=2000,
)
async def submit_job(request: web.Request, asked: SubmitJob) -> Reply[JobAccepted]:
    """Submit a job."""
    accepted = JobAccepted(job_id="j1", submitted_at=MODIFIED, project_path=asked.project_path)
    return Reply(value=accepted, headers={"Location": "/api/jobs/j1"})


@endpoint("GET", "/api/jobs", request=JobList, response=JobListing, tags=("jobs",))
async def list_jobs(request: web.Request, asked: JobList) -> JobListing:
    """List jobs."""
    return JobListing(
        limit=asked.limit,
        newest_first=asked.newest_first,
        since=asked.since,
        min_progress=asked.min_progress,
        status=asked.status,
        kind=asked.kind,
    )


@endpoint("POST", "/api/jobs/{job_id}/cancel", request=JobById, tags=("jobs",), errors=(JobEnded,))
async def cancel_job(request: web.Request, asked: JobById) -> None:
    """Cancel a job; this one has always ended."""
    raise JobEnded(asked.job_id, "succeeded")


@endpoint("PUT", "/api/path-mappings/{mapping_id}", request=UpdateMapping, response=Mapping)
async def update_mapping(request: web.Request, asked: UpdateMapping) -> Mapping:
    """Change a mapping."""
    return Mapping(mapping_id=asked.mapping_id, linux=asked.linux)


@endpoint(
    "DELETE", "/api/gallery/tags", request=DeleteTag, dialect=True, reads=Reads.EITHER,
    tags=("gallery",),
)  # fmt: skip
async def delete_tag(request: web.Request, asked: DeleteTag) -> None:
    """Delete a tag."""


@endpoint(
    "POST", "/api/backends/restart", request=Restart, response=Restart, reads=Reads.OPTIONAL_BODY
)
async def restart(request: web.Request, asked: Restart) -> Restart:
    """Restart, with a body or without."""
    return asked


@endpoint(
    "GET", "/api/serve-image", request=ImagePath, media=("image/png", "video/mp4"), extra="ignore"
)
async def serve_image(request: web.Request, asked: ImagePath) -> web.StreamResponse:
    """The bytes of a picture."""
    return web.Response(body=b"\x89PNG" + asked.path.encode(), content_type="image/png")


@endpoint("GET", "/ws/jobs/{job_id}", request=JobById, websocket=True, tags=("jobs",))
async def watch_job(request: web.Request, asked: JobById) -> web.StreamResponse:
    """Sends `{"type": "hello", "job_id": ...}` and closes."""
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await socket.send_json({"type": "hello", "job_id": asked.job_id})
    await socket.close()
    return socket


@endpoint("GET", "/api/who", response=Who)
async def who(request: web.Request) -> Who:
    """Whom the service took the request to come from."""
    return Who(actor=request[ACTOR], request_id=request[REQUEST_ID])


@frozen(kw_only=True)
class Failure:
    """Which error to raise."""

    name: str


FAILURES: dict[str, Exception] = {
    "not_permitted": PathNotPermitted("/etc", ("/mnt",)),
    "missing": FileMissing("x.png"),
    "conflict": JobEnded("j1", "failed"),
    "invalid": PathInvalid("..", "climbs"),
    "unreachable": BackendUnreachable("node1", "refused"),
    "refused": BackendRefused("node1", 400, "bad graph", {"error": "x"}),
    "other": OrchestratorError("of no kind"),
    "timeout": TimeoutError(),
    "redirect": web.HTTPFound("/elsewhere"),
    "range": web.HTTPRequestRangeNotSatisfiable(headers={"Content-Range": "bytes */10"}),
    "reset_by_backend": ConnectionResetError("by a backend"),
    "bug": KeyError("secret value"),
}


@endpoint("GET", "/api/fail/{name}", request=Failure)
async def fail(request: web.Request, asked: Failure) -> None:
    """Raise an error of the given name."""
    raise FAILURES[asked.name]


@endpoint("GET", "/api/half", media=("text/plain",))
async def half(request: web.Request) -> web.StreamResponse:
    """Break off in the middle of an answer."""
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"half")
    raise FAILURES["bug"]


@endpoint("GET", "/api/slow", media=("text/plain",))
async def slow(request: web.Request) -> web.StreamResponse:
    """Start to answer, wait, and go on writing for ever."""
    response = web.StreamResponse()
    await response.prepare(request)
    await response.write(b"start")
    await request.app[GALLERY].released.wait()
    try:
        while True:
            await response.write(b"x" * 65536)
            await asyncio.sleep(0)
    finally:
        request.app[GALLERY].ended.set()


ENDPOINTS: tuple[Endpoint, ...] = (
    scan_folder, tree, everything, submit_job, list_jobs, cancel_job, update_mapping, delete_tag,
    restart, serve_image, watch_job, who, fail, half, slow,
)  # fmt: skip
INFO = Info(
    title="Example <service>",
    version="1.0",
    description="For the tests of the toolkit.",
    tags={"gallery": "Files.", "jobs": "Runs of a workflow."},
)


def build(
    *,
    cors_origins: Sequence[str] = ("*",),
    endpoints: Sequence[Endpoint] = ENDPOINTS,
    body_limit: int = 8 * 1024 * 1024,
) -> web.Application:
    """The example service."""
    app = web.Application()
    app[GALLERY] = Gallery()
    middleware.install(app, cors_origins=cors_origins)
    serving.routes(app, endpoints, body_limit=body_limit)
    docs.serve(app, endpoints, INFO)
    return app
