"""Everything that can be refused: a stable code for machines, a remedy for people.

The kind of an error (its base class here) says what sort of refusal it is; only the HTTP
middleware knows which status that makes. `str(error)` says what happened, with the values;
`remedy` is one imperative sentence. Codes are promises: they are never renamed.

Errors have neither slots nor a repr of their own: exceptions have a dict and a repr anyway, and
making both for each class took half of the time that importing this takes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Self

from attrs import define, field


class OrchestratorError(Exception):
    """Base of all errors that we raise on purpose."""

    code: ClassVar[str] = "internal"
    remedy: str = "Look into the service's log and report what you find there."

    def detail(self) -> Any:
        """Machine-readable particulars, or None."""
        return None


class Malformed(OrchestratorError):
    """The request cannot be read at all (HTTP 400)."""


class NotPermitted(OrchestratorError):
    """The request asks for something that nobody may have (HTTP 403)."""


class NotFound(OrchestratorError):
    """The thing asked for does not exist (HTTP 404)."""


class Conflict(OrchestratorError):
    """The request does not fit the state that things are in (HTTP 409)."""


class TooLarge(OrchestratorError):
    """The request is larger than we take (HTTP 413)."""


class Invalid(OrchestratorError):
    """The request can be read, but says something impossible (HTTP 422)."""


class Unavailable(OrchestratorError):
    """It cannot be done now, but may be later (HTTP 503 with Retry-After)."""

    #: Seconds after which a client should try again.
    retry_after: float = 5.0


@define(frozen=True)
class Fault:
    """One faulty field of a request: where it stands, what is wrong, and what came."""

    #: Dotted path of the field, such as `parameters.steps` or `files[2]`; "" is the body itself.
    path: str
    message: str
    #: What was sent there, shortened if long.
    value: Any = None


def _faults(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    return tuple(faults)


@define(eq=False, slots=False, repr=False)
class InvalidFields(Invalid):
    """A body or query in which fields are missing, unknown, or of the wrong kind."""

    code: ClassVar[str] = "request.invalid"
    remedy = "Correct the fields named in `detail`; /docs shows what each endpoint takes."
    faults: tuple[Fault, ...] = field(converter=_faults)

    def __str__(self) -> str:
        said = "; ".join(f"{f.path or 'body'}: {f.message}" for f in self.faults[:5])
        more = len(self.faults) - 5
        return f"The request has faults: {said}" + (f"; and {more} more" if more > 0 else "")

    def detail(self) -> Any:
        """Every faulty field with its path."""
        return [{"path": f.path, "message": f.message, "value": f.value} for f in self.faults]


@define(eq=False, slots=False, repr=False)
class MalformedBody(Malformed):
    """The body is not the JSON object that was expected."""

    code: ClassVar[str] = "request.malformed"
    remedy = "Send a JSON object, in UTF-8, nested at most 200 levels deep."
    reason: str

    def __str__(self) -> str:
        return f"The body cannot be read: {self.reason}"


@define(eq=False, slots=False, repr=False)
class BodyTooLarge(TooLarge):
    """The body is larger than the service takes."""

    code: ClassVar[str] = "request.too_large"
    remedy = "Send less at once; name files by path instead of sending them."
    limit: int

    def __str__(self) -> str:
        return f"The body is larger than {self.limit} bytes."


@define(eq=False, slots=False, repr=False)
class PathNotPermitted(NotPermitted):
    """A path outside the folders that may be touched."""

    code: ClassVar[str] = "path.not_permitted"
    remedy = "Use a path inside one of the permitted folders, or add its folder to `roots`."
    path: str
    roots: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"The path {self.path!r} lies outside the permitted folders."

    def detail(self) -> Any:
        """The path, and the folders that are permitted."""
        return {"path": self.path, "roots": list(self.roots)}


@define(eq=False, slots=False, repr=False)
class PathInvalid(Invalid):
    """A path or name that no file can have, or that tries to climb out of its folder."""

    code: ClassVar[str] = "path.invalid"
    remedy = "Send a plain path without NUL, `..` or reserved names."
    path: str
    reason: str

    def __str__(self) -> str:
        return f"The path {self.path[:200]!r} is not usable: {self.reason}"

    def detail(self) -> Any:
        """The path and the reason."""
        return {"path": self.path[:1000], "reason": self.reason}


@define(eq=False, slots=False, repr=False)
class FileMissing(NotFound):
    """A file or folder that is not there."""

    code: ClassVar[str] = "file.missing"
    remedy = "Check the path, and that the share is mounted."
    path: str

    def __str__(self) -> str:
        return f"There is no {self.path!r}."

    def detail(self) -> Any:
        """The path."""
        return {"path": self.path}


@define(eq=False, slots=False, repr=False)
class ConfigInvalid(OrchestratorError):
    """A configuration that cannot be used: file, key, and what was expected there."""

    code: ClassVar[str] = "config.invalid"
    remedy = "Correct the file; config.yaml in the project shows every key."
    source: str
    faults: tuple[Fault, ...] = field(converter=_faults)

    def __str__(self) -> str:
        lines = [f"{self.source}: {f.path or '(whole file)'}: {f.message}" for f in self.faults]
        return "The configuration cannot be used:\n  " + "\n  ".join(lines)


@define(eq=False, slots=False, repr=False)
class WorkflowUnknown(NotFound):
    """A `workflow_id` that names no file in `workflows_dir`."""

    code: ClassVar[str] = "workflow.unknown"
    remedy = "Use one of the workflows named in `detail`, or put its JSON into `workflows_dir`."
    workflow_id: str
    known: tuple[str, ...]

    def __str__(self) -> str:
        names = ", ".join(self.known) or "none"
        return f"There is no workflow {self.workflow_id!r}; those that exist: {names}."

    def detail(self) -> Any:
        """The unknown id and the known ones."""
        return {"workflow_id": self.workflow_id, "known": list(self.known)}


@define(eq=False, slots=False, repr=False)
class WorkflowInvalid(Invalid):
    """A workflow that ComfyUI could not run: empty, not API format, links to nowhere."""

    code: ClassVar[str] = "workflow.invalid"
    remedy = "Export the workflow from ComfyUI with `Export (API)` and send that."
    reason: str
    node: str | None = None

    def __str__(self) -> str:
        where = f" (node {self.node})" if self.node is not None else ""
        return f"The workflow cannot be used: {self.reason}{where}"

    def detail(self) -> Any:
        """The reason and the node."""
        return {"reason": self.reason, "node": self.node}


@define(eq=False, slots=False, repr=False)
class ParametersInvalid(Invalid):
    """Parameters that the workflow does not have, or values that they do not take."""

    code: ClassVar[str] = "parameters.invalid"
    remedy = "Use the names in `detail.known`, or `node:input` with a node of the workflow."
    faults: tuple[Fault, ...] = field(converter=_faults)
    known: tuple[str, ...] = ()

    def __str__(self) -> str:
        said = "; ".join(f"{f.path}: {f.message}" for f in self.faults[:5])
        more = len(self.faults) - 5
        return said + (f"; and {more} more" if more > 0 else "")

    def detail(self) -> Any:
        """Every faulty parameter, and the names that are known."""
        faults = [{"path": f.path, "message": f.message, "value": f.value} for f in self.faults]
        return {"faults": faults, "known": list(self.known)}


@define(eq=False, slots=False, repr=False)
class BackendUnknown(NotFound):
    """A backend id that is not configured."""

    code: ClassVar[str] = "backend.unknown"
    remedy = "Use one of the ids named in `detail`, or add the backend with POST /api/backends."
    backend_id: str
    known: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"There is no backend {self.backend_id!r}; known: {', '.join(self.known) or 'none'}."

    def detail(self) -> Any:
        """The unknown id and the known ones."""
        return {"backend_id": self.backend_id, "known": list(self.known)}


@define(eq=False, slots=False, repr=False)
class CapabilityUnknown(Invalid):
    """A capability that no configured backend has, so the job could never run."""

    code: ClassVar[str] = "backend.no_capability"
    remedy = "Ask for capabilities that one enabled backend has together, or add them to one."
    capabilities: tuple[str, ...]
    known: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"No enabled backend has all of: {', '.join(self.capabilities)}."

    def detail(self) -> Any:
        """What was asked for, and what there is."""
        return {"capabilities": list(self.capabilities), "known": list(self.known)}


@define(eq=False, slots=False, repr=False)
class BackendUnreachable(Unavailable):
    """A backend that does not answer: refused, timed out, or cut off in the middle."""

    code: ClassVar[str] = "backend.unreachable"
    remedy = "Start ComfyUI there, or disable or remove the backend."
    backend: str
    reason: str
    #: Whether nobody listened there: then the process is gone, and its queue with it.
    refused: bool = False

    def __str__(self) -> str:
        return f"Backend {self.backend} did not answer: {self.reason}"


@define(eq=False, slots=False, repr=False)
class BackendRefused(OrchestratorError):
    """A backend answered, and refused for good: invalid graph, too large, forbidden."""

    code: ClassVar[str] = "backend.refused"
    remedy = "Read ComfyUI's reason in `detail` and correct the workflow or the backend."
    backend: str
    status: int
    reason: str
    #: ComfyUI's answer: `error` and `node_errors` of protocol section 2.
    answer: Any = None

    def __str__(self) -> str:
        return f"Backend {self.backend} refused ({self.status}): {self.reason}"

    def detail(self) -> Any:
        """ComfyUI's own answer."""
        return {"backend": self.backend, "status": self.status, "answer": self.answer}


@define(eq=False, slots=False, repr=False)
class JobUnknown(NotFound):
    """A job id that no open project knows."""

    code: ClassVar[str] = "job.unknown"
    remedy = "Look the id up with GET /api/jobs."
    job_id: str

    def __str__(self) -> str:
        return f"There is no job {self.job_id!r}."


@define(eq=False, slots=False, repr=False)
class JobEnded(Conflict):
    """A change of a job that has already ended."""

    code: ClassVar[str] = "job.ended"
    remedy = "Submit the workflow again if you want another run."
    job_id: str
    status: str

    def __str__(self) -> str:
        return f"Job {self.job_id} has already ended: {self.status}."


@define(eq=False, slots=False, repr=False)
class JobBegun(Conflict):
    """A change of the queue that is about a job which does not wait any more."""

    code: ClassVar[str] = "job.begun"
    remedy = "Cancel it, if it shall stop."
    job_id: str
    status: str

    def __str__(self) -> str:
        return f"Job {self.job_id} waits no longer: it is {self.status}."


@define(eq=False, slots=False, repr=False)
class JobElsewhere(Conflict):
    """A job that does not stand in the same lane of the queue."""

    code: ClassVar[str] = "job.elsewhere"
    remedy = "Move jobs only among those of the same person that wait on the same host."
    job_id: str
    other_id: str

    def __str__(self) -> str:
        return f"Job {self.job_id} does not wait in the same lane as job {self.other_id}."


@define(eq=False, slots=False, repr=False)
class MoveUnclear(Invalid):
    """A move in the queue that says nowhere, or two places."""

    code: ClassVar[str] = "job.move_unclear"
    remedy = "Send either `direction` or `before`."

    def __str__(self) -> str:
        return "The move names no place, or both a direction and a job."


@define(eq=False, slots=False, repr=False)
class TagUnknown(NotFound):
    """A tag id that the project does not have."""

    code: ClassVar[str] = "tag.unknown"
    remedy = "Look the ids up with GET /api/gallery/tags."
    tag_ids: tuple[str, ...]

    def __str__(self) -> str:
        return f"There is no tag with the id {', '.join(self.tag_ids)}."

    def detail(self) -> Any:
        """The unknown ids."""
        return {"tag_ids": list(self.tag_ids)}


@define(eq=False, slots=False, repr=False)
class TagNameTaken(Conflict):
    """A second tag of the same name (compared without case)."""

    code: ClassVar[str] = "tag.name_taken"
    remedy = "Choose another name, or use the tag that has it."
    name: str
    tag_id: str

    def __str__(self) -> str:
        return f"There is already a tag named {self.name!r} ({self.tag_id})."

    def detail(self) -> Any:
        """The name and the id of the tag that has it."""
        return {"name": self.name, "tag_id": self.tag_id}


@define(eq=False, slots=False, repr=False)
class ShareMissing(Unavailable):
    """A project known to this host whose `.gallery/FORMAT` is gone: the share is not mounted."""

    code: ClassVar[str] = "project.share_missing"
    remedy = "Mount the share, then try again; nothing was written."
    retry_after = 15.0
    project: str

    def __str__(self) -> str:
        return (
            f"The project {self.project!r} was here before, but its .gallery/FORMAT is gone; "
            "the share is probably not mounted."
        )


@define(eq=False, slots=False, repr=False)
class ProjectReadOnly(Unavailable):
    """The log of a project cannot be written, or must not be."""

    code: ClassVar[str] = "project.read_only"
    remedy = "Free the share or upgrade this program as the reason says; the service tries again."
    retry_after = 30.0
    project: str
    reason: str

    def __str__(self) -> str:
        return f"The project {self.project!r} can only be read: {self.reason}"


@define(eq=False, slots=False, repr=False)
class LogBusy(Unavailable):
    """More changes wait for the disk than we hold."""

    code: ClassVar[str] = "log.busy"
    remedy = "Send the request again after the time in Retry-After."
    retry_after = 2.0
    waiting: int

    def __str__(self) -> str:
        return f"{self.waiting} changes are waiting to be written; the share is slow."


@define(eq=False, slots=False, repr=False)
class PngUnreadable(Invalid):
    """A file that is no PNG, or whose first chunk is broken."""

    code: ClassVar[str] = "png.unreadable"
    remedy = "Open the file in a viewer; if it is damaged there too, render it again."
    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path!r} cannot be read as PNG: {self.reason}"

    def detail(self) -> Any:
        """The path and the reason."""
        return {"path": self.path, "reason": self.reason}


@define(eq=False, slots=False, repr=False)
class TemplateInvalid(Invalid):
    """A naming template that could not make a file name inside the project."""

    code: ClassVar[str] = "naming.template_invalid"
    remedy = "Use a relative path with the tokens named in `detail.known`."
    template: str
    reason: str
    known: tuple[str, ...]

    def __str__(self) -> str:
        tokens = ", ".join(f"{{{name}}}" for name in self.known)
        return f"The template {self.template[:200]!r} {self.reason}; known tokens: {tokens}."

    def detail(self) -> Any:
        """The template, the reason, and the known tokens."""
        return {
            "template": self.template[:1000],
            "reason": self.reason,
            "known": list(self.known),
        }


@define(eq=False, slots=False, repr=False)
class FileChanging(Unavailable):
    """A file whose size changed while we read it: somebody is still writing it."""

    code: ClassVar[str] = "file.changing"
    remedy = "Try again when the program that writes the file has finished."
    path: str

    def __str__(self) -> str:
        return f"{self.path!r} changed while it was read."


@define(eq=False, slots=False, repr=False)
class SubmitUnknown(Unavailable):
    """A backend may or may not have taken a prompt: look into its queue and history first."""

    code: ClassVar[str] = "backend.submit_unknown"
    remedy = "Look for the prompt_id in the backend's queue and history before sending it again."
    backend: str
    prompt_id: str
    reason: str

    def __str__(self) -> str:
        return f"Backend {self.backend} may have taken prompt {self.prompt_id}: {self.reason}"

    def detail(self) -> Any:
        """The backend and the prompt."""
        return {"backend": self.backend, "prompt_id": self.prompt_id}


@define(eq=False, slots=False, repr=False)
class OutputMissing(NotFound):
    """A file that ComfyUI's history names, but that its server no longer has, or has empty."""

    code: ClassVar[str] = "backend.output_missing"
    remedy = "Run the workflow again; keep other programs from clearing ComfyUI's output folder."
    backend: str
    filename: str
    reason: str

    def __str__(self) -> str:
        return f"Backend {self.backend} has no output {self.filename!r}: {self.reason}"

    def detail(self) -> Any:
        """The backend and the file."""
        return {"backend": self.backend, "filename": self.filename}


@define(eq=False, slots=False, repr=False)
class WorkflowUnreadable(Unavailable):
    """A file in `workflows_dir` that exists but cannot be read now."""

    code: ClassVar[str] = "workflow.unreadable"
    remedy = "Check that `workflows_dir` is mounted and that the service may read it."
    path: str
    reason: str

    def __str__(self) -> str:
        return f"The workflow file {self.path!r} cannot be read: {self.reason}"


@define(eq=False, slots=False, repr=False)
class MalformedQuery(Malformed):
    """A query string that cannot be taken apart."""

    code: ClassVar[str] = "request.malformed_query"
    remedy = "Send each name once, percent-encoded in UTF-8."
    reason: str

    def __str__(self) -> str:
        return f"The query string cannot be read: {self.reason}"


@define(eq=False, slots=False, repr=False)
class OriginNotPermitted(NotPermitted):
    """A change, or a WebSocket, asked for by a web page of an origin that is not allowed."""

    code: ClassVar[str] = "request.origin_not_permitted"
    remedy = "Add the page's origin to the allowed CORS origins of the service."
    origin: str

    def __str__(self) -> str:
        return f"Pages of {self.origin!r} may not change anything here."

    def detail(self) -> Any:
        """The origin of the page."""
        return {"origin": self.origin}


@define(eq=False, slots=False, repr=False)
class TookTooLong(Unavailable):
    """Something that we waited for did not come in time."""

    code: ClassVar[str] = "service.timeout"
    remedy = "Send the request again after the time in Retry-After."

    def __str__(self) -> str:
        return "The request took too long and was given up."


@define(eq=False, slots=False, repr=False)
class ProjectUnreadable(Unavailable):
    """A folder whose log this program must not, or cannot, read."""

    code: ClassVar[str] = "project.unreadable"
    remedy = "Do what the reason says; nothing was written."
    retry_after = 60.0
    project: str
    reason: str

    def __str__(self) -> str:
        return f"The project {self.project!r} cannot be opened: {self.reason}"


@define(eq=False, slots=False, repr=False)
class ChangeUnsettled(Unavailable):
    """A change that is still being written after a long time: it may or may not come to be."""

    code: ClassVar[str] = "log.unsettled"
    remedy = "Look whether the change is there before you send it again; the share is very slow."
    retry_after = 30.0
    project: str
    seconds: float

    def __str__(self) -> str:
        return (
            f"A change to {self.project!r} has not reached the share within {self.seconds:g} s; "
            "it may still be written."
        )


@define(eq=False, slots=False, repr=False)
class ChangeTooLarge(TooLarge):
    """A change that no line of the log can hold."""

    code: ClassVar[str] = "log.too_large"
    remedy = "Change fewer things at once, or send a smaller workflow; a line holds 1 MiB."
    reason: str

    def __str__(self) -> str:
        return f"The change does not fit into the log: {self.reason}"


@define(eq=False, slots=False, repr=False)
class FileUnreadable(Unavailable):
    """A file or folder that is there, but that the share does not let us read now."""

    code: ClassVar[str] = "file.unreadable"
    remedy = "Check that the share answers and that the service may read the file; then try again."
    path: str
    reason: str

    @classmethod
    def because(cls, path: object, exc: OSError) -> Self:
        """The error for what the operating system said about a path."""
        return cls(str(path), exc.strerror or str(exc))

    def __str__(self) -> str:
        return f"{self.path!r} cannot be read: {self.reason}"

    def detail(self) -> Any:
        """The path and the reason."""
        return {"path": self.path, "reason": self.reason}


@define(eq=False, slots=False, repr=False)
class StillOpening(Unavailable):
    """The service has just started, and what is asked for may be in a project not yet opened."""

    code: ClassVar[str] = "service.starting"
    remedy = "Send the request again after the time in Retry-After."
    retry_after = 1.0

    def __str__(self) -> str:
        return "The service has just started and is still opening its projects."


@define(eq=False, slots=False, repr=False)
class ViewUnknown(NotFound):
    """There is no saved view of that name."""

    code: ClassVar[str] = "view.unknown"
    remedy = "Use one of the names in `detail`, or save the view first."
    name: str
    known: tuple[str, ...]

    def __str__(self) -> str:
        return f"There is no view {self.name!r}."

    def detail(self) -> Any:
        """The name, and those that exist."""
        return {"name": self.name, "known": list(self.known)}


@define(eq=False, slots=False, repr=False)
class TrashUnknown(NotFound):
    """Nothing lies in the trash under that id."""

    code: ClassVar[str] = "trash.unknown"
    remedy = "List the trash again: it may have been restored or deleted meanwhile."
    ids: tuple[str, ...]

    def __str__(self) -> str:
        return f"The trash has nothing under {', '.join(self.ids)}."

    def detail(self) -> Any:
        """The ids."""
        return {"trash_ids": list(self.ids)}


@define(eq=False, slots=False, repr=False)
class NameInvalid(Invalid):
    """A new file name that some system could not have, or that the gallery would not show."""

    code: ClassVar[str] = "name.invalid"
    remedy = "Choose a name without path separators that Windows, macOS and Linux can all have."
    name: str
    reason: str

    def __str__(self) -> str:
        return f"A file cannot be named {self.name[:300]!r}: {self.reason}."

    def detail(self) -> Any:
        """The name and the reason."""
        return {"name": self.name[:1000], "reason": self.reason}


@define(eq=False, slots=False, repr=False)
class PatternInvalid(Invalid):
    """A pattern of a batch rename that cannot be read, or that could take for ever."""

    code: ClassVar[str] = "rename.pattern_invalid"
    remedy = "Correct the pattern as the reason says; `dryRun` shows what it would do."
    pattern: str
    reason: str
    #: Where in the pattern the fault was found, from 0; None if it lies in no one place.
    position: int | None = None
    #: The tokens that a template may use; empty for other patterns.
    known: tuple[str, ...] = ()

    def __str__(self) -> str:
        place = "" if self.position is None else f" at position {self.position}"
        tokens = ", ".join(f"{{{name}}}" for name in self.known)
        known = f"; known tokens: {tokens}" if tokens else ""
        return f"The pattern {self.pattern[:200]!r} {self.reason}{place}{known}."

    def detail(self) -> Any:
        """The pattern, the reason, its position, and the known tokens."""
        return {
            "pattern": self.pattern[:1000],
            "reason": self.reason,
            "position": self.position,
            "known": list(self.known),
        }


@define(eq=False, slots=False, repr=False)
class ThumbnailsBusy(Unavailable):
    """More thumbnails are waiting to be made than we hold."""

    code: ClassVar[str] = "thumbnails.busy"
    remedy = "Ask again after the time in Retry-After, and only for what is on the screen."
    retry_after = 2.0
    waiting: int

    def __str__(self) -> str:
        return f"{self.waiting} thumbnails are waiting to be made."


@define(eq=False, slots=False, repr=False)
class IndexUnusable(Unavailable):
    """The index of a project cannot be read or written: the local disk is full, or worse."""

    code: ClassVar[str] = "index.unusable"
    remedy = "Free space in `data_dir` and see that the service may write there; then try again."
    retry_after = 10.0
    folder: str
    reason: str

    def __str__(self) -> str:
        return f"The index in {self.folder!r} cannot be used: {self.reason}"


@define(eq=False, slots=False, repr=False)
class IndexDamaged(Unavailable):
    """The index of a project is broken; it is deleted and made anew, and nothing is lost."""

    code: ClassVar[str] = "index.damaged"
    remedy = "Wait until the project has been scanned again; the index is only a copy."
    retry_after = 30.0
    folder: str
    reason: str

    def __str__(self) -> str:
        return f"The index in {self.folder!r} is damaged and will be made anew: {self.reason}"


@define(eq=False, slots=False, repr=False)
class FileCollides(Conflict):
    """A file cannot go where it was to go: the place is taken, or nothing can lie there."""

    code: ClassVar[str] = "file.collides"
    remedy = "Choose another name or folder, or say with `conflict` what is to be done."
    path: str
    to: str
    #: `taken`, `twice`, `invalid`, `unchanged` or `together`.
    kind: str
    #: Continues "cannot become ...:".
    reason: str
    #: What is in the way; "" if nothing is.
    other: str

    def __str__(self) -> str:
        return f"{self.path!r} cannot become {self.to!r}: {self.reason}."

    def detail(self) -> Any:
        """From where to where, what is wrong, and what is in the way."""
        return {"path": self.path, "to": self.to, "kind": self.kind, "other": self.other}


@define(eq=False, slots=False, repr=False)
class FileNotMoved(Conflict):
    """The share refused to move a file; it lies where it lay."""

    code: ClassVar[str] = "file.not_moved"
    remedy = "Find out what keeps it (a program that has it open, permissions), then try again."
    path: str
    to: str
    #: The name of an errno, such as `EACCES`.
    error: str

    def __str__(self) -> str:
        return f"{self.path!r} could not become {self.to!r}: {self.error}."

    def detail(self) -> Any:
        """From where to where, and the error."""
        return {"path": self.path, "to": self.to, "error": self.error}


@define(eq=False, slots=False, repr=False)
class FilesUnsettled(Unavailable):
    """The share stopped answering while files were moved: where they are, nobody can say yet."""

    code: ClassVar[str] = "files.unsettled"
    remedy = "Wait until the share answers; the service then looks and finishes by itself."
    op: str
    reason: str

    def __str__(self) -> str:
        return f"Operation {self.op} on files was announced, but is not over: {self.reason}."

    def detail(self) -> Any:
        """The operation and the reason."""
        return {"op": self.op, "reason": self.reason}


@define(eq=False, slots=False, repr=False)
class ImportUnfinished(Unavailable):
    """The project's old ratings, tags and trash are still being taken over."""

    code: ClassVar[str] = "project.importing"
    remedy = "Send the request again after the time in Retry-After; the import goes on meanwhile."
    project: str
    done: int
    total: int

    def __str__(self) -> str:
        return (
            f"What the predecessor of this service kept in {self.project!r} is being imported: "
            f"{self.done:,} of {self.total:,} files are done."
        )

    def detail(self) -> Any:
        """How far it is."""
        return {"project": self.project, "done": self.done, "total": self.total}


@define(eq=False, slots=False, repr=False)
class EditUnknown(NotFound):
    """There is no edit, or no batch of edits, of that id."""

    code: ClassVar[str] = "edit.unknown"
    remedy = "Take an `id` or `batch` from the project's history."
    edit: str

    def __str__(self) -> str:
        return f"The history has no edit or batch {self.edit!r}."

    def detail(self) -> Any:
        """The id."""
        return {"edit": self.edit}


@define(eq=False, slots=False, repr=False)
class UndoTooLarge(TooLarge):
    """More edits than are undone in one request."""

    code: ClassVar[str] = "undo.too_large"
    remedy = "Undo a shorter span of time; begin with the latest."
    edits: int
    limit: int

    def __str__(self) -> str:
        return f"{self.edits:,} edits were selected; at most {self.limit:,} are undone at once."

    def detail(self) -> Any:
        """How many there are, and how many may be."""
        return {"edits": self.edits, "limit": self.limit}


@define(eq=False, slots=False, repr=False)
class AssetUnknown(NotFound):
    """There is no asset of that id."""

    code: ClassVar[str] = "asset.unknown"
    remedy = "Use an id from `GET /api/gallery/relink` or `file-info`."
    asset: str

    def __str__(self) -> str:
        return f"There is no asset {self.asset!r}."

    def detail(self) -> Any:
        """The id."""
        return {"asset_id": self.asset}


@define(eq=False, slots=False, repr=False)
class AssetTaken(Conflict):
    """A file is an asset already, so it cannot be another one."""

    code: ClassVar[str] = "asset.taken"
    remedy = "Choose another file, or undo what was said of this one first."
    path: str
    asset: str

    def __str__(self) -> str:
        return f"{self.path!r} is known already, as asset {self.asset}."

    def detail(self) -> Any:
        """The path and the asset that lies there."""
        return {"path": self.path, "asset_id": self.asset}


@define(eq=False, slots=False, repr=False)
class FileNotWritten(Unavailable):
    """A file that the share did not take: it is full, gone, or does not let us."""

    code: ClassVar[str] = "file.not_written"
    remedy = "Free space on the share or let the service write there; then send it again."
    retry_after = 15.0
    path: str
    reason: str

    @classmethod
    def because(cls, path: object, exc: OSError) -> Self:
        """The error for what the operating system said about a path."""
        return cls(str(path), exc.strerror or str(exc))

    def __str__(self) -> str:
        return f"{self.path!r} cannot be written: {self.reason}"

    def detail(self) -> Any:
        """The path and the reason."""
        return {"path": self.path, "reason": self.reason}


@define(eq=False, slots=False, repr=False)
class StateUnknown(NotFound):
    """A project has no such state."""

    code: ClassVar[str] = "state.unknown"
    remedy = "Use a `sha256` from GET /api/project-states, or a later moment."
    file: str
    #: Which one was asked for.
    asked: str

    def __str__(self) -> str:
        return f"There is no state of {self.file!r} {self.asked}."

    def detail(self) -> Any:
        """The file, and what was asked for."""
        return {"file": self.file, "asked": self.asked}


@define(eq=False, slots=False, repr=False)
class StateUnreadable(Invalid):
    """A project's file that holds no state, and no earlier one is to be had either."""

    code: ClassVar[str] = "state.unreadable"
    remedy = "Choose another file, or load an earlier state from GET /api/project-states."
    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path!r} holds no project that can be loaded: {self.reason}."

    def detail(self) -> Any:
        """The path and the reason."""
        return {"path": self.path, "reason": self.reason}


@define(eq=False, slots=False, repr=False)
class ImageSourceRefused(NotPermitted):
    """A picture that is to be fetched from where nothing may be fetched."""

    code: ClassVar[str] = "image.source_refused"
    remedy = "Send the URL of `/view` on one of the backends that `detail` names."
    url: str
    reason: str
    #: Addresses from which pictures may be fetched.
    known: tuple[str, ...]

    def __str__(self) -> str:
        return f"Nothing is fetched from {self.url[:200]!r}: {self.reason}."

    def detail(self) -> Any:
        """The URL, the reason, and the addresses that may be used."""
        return {"url": self.url[:1000], "reason": self.reason, "known": list(self.known)}


@define(eq=False, slots=False, repr=False)
class ImageTooLarge(TooLarge):
    """A picture or video that has more bytes than are saved."""

    code: ClassVar[str] = "image.too_large"
    remedy = "Copy the file onto the share by other means."
    name: str
    limit: int

    def __str__(self) -> str:
        return f"{self.name!r} has more than {self.limit:,} bytes."

    def detail(self) -> Any:
        """The name, and how many bytes it may have."""
        return {"name": self.name, "limit": self.limit}


@define(eq=False, slots=False, repr=False)
class ImageUnusable(Invalid):
    """A picture or video whose content is not what it claims to be."""

    code: ClassVar[str] = "image.unusable"
    remedy = "Send a file of the kind that its name says, whole."
    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name!r} is not saved: {self.reason}."

    def detail(self) -> Any:
        """The name and the reason."""
        return {"name": self.name, "reason": self.reason}


@define(eq=False, slots=False, repr=False)
class InputForbidden(NotPermitted):
    """A workflow that names a file which no job may read or write."""

    code: ClassVar[str] = "input.forbidden"
    remedy = "Name a file in a permitted folder, in an input that takes uploads such as LoadImage."
    node: str
    input: str
    value: str
    reason: str

    def __str__(self) -> str:
        return f"Input {self.input!r} of node {self.node} names {self.value[:200]!r}: {self.reason}"

    def detail(self) -> Any:
        """The node, its input, the value, and the reason."""
        return {
            "node": self.node,
            "input": self.input,
            "value": self.value[:1000],
            "reason": self.reason,
        }


@define(eq=False, slots=False, repr=False)
class InputMissing(NotFound):
    """A file that a workflow needs as an input, and that is not there."""

    code: ClassVar[str] = "input.missing"
    remedy = "Check the path, and that the job that should make the file has made it."
    node: str
    input: str
    value: str
    reason: str

    def __str__(self) -> str:
        return f"Input {self.input!r} of node {self.node} needs {self.value[:200]!r}: {self.reason}"

    def detail(self) -> Any:
        """The node, its input, the value, and the reason."""
        return {
            "node": self.node,
            "input": self.input,
            "value": self.value[:1000],
            "reason": self.reason,
        }


@define(eq=False, slots=False, repr=False)
class InputTooLarge(TooLarge):
    """A file that is larger than the backend takes as an upload."""

    code: ClassVar[str] = "input.too_large"
    remedy = "Make the file smaller, or put it on a share that the backends can read themselves."
    node: str
    input: str
    value: str
    #: In bytes.
    size: int
    limit: int

    def __str__(self) -> str:
        return (
            f"Input {self.input!r} of node {self.node} needs {self.value[:200]!r}, which has "
            f"{self.size:,} bytes; ComfyUI takes uploads of up to {self.limit:,}."
        )

    def detail(self) -> Any:
        """The node, its input, the value, and the sizes in bytes."""
        return {
            "node": self.node,
            "input": self.input,
            "value": self.value[:1000],
            "size": self.size,
            "limit": self.limit,
        }


@define(eq=False, slots=False, repr=False)
class InputInvalid(Invalid):
    """An input that says neither a file nor an output of a job."""

    code: ClassVar[str] = "input.invalid"
    remedy = 'Send a path, "job:<job id>:<n>", or {"job": "<job id>", "output": <n>} with n from 0.'
    node: str
    input: str
    value: str
    reason: str

    def __str__(self) -> str:
        return (
            f"Input {self.input!r} of node {self.node} cannot be understood: {self.reason} "
            f"({self.value[:200]!r})"
        )

    def detail(self) -> Any:
        """The node, its input, the value, and the reason."""
        return {
            "node": self.node,
            "input": self.input,
            "value": self.value[:1000],
            "reason": self.reason,
        }


@define(eq=False, slots=False, repr=False)
class MappingUnknown(NotFound):
    """There is no path mapping of that id."""

    code: ClassVar[str] = "mapping.unknown"
    remedy = "Take an id from GET /api/path-mappings."
    mapping: str

    def __str__(self) -> str:
        return f"There is no path mapping {self.mapping!r}."

    def detail(self) -> Any:
        """The id."""
        return {"id": self.mapping}


@define(eq=False, slots=False, repr=False)
class MappingsLoop(Conflict):
    """Path mappings that lead in a circle: what one calls A and B, the others call B and A."""

    code: ClassVar[str] = "mapping.loops"
    remedy = "Correct or disable one of the mappings named in `detail`."
    mappings: tuple[str, ...]
    folders: tuple[str, ...]

    def __str__(self) -> str:
        circle = " -> ".join((*self.folders, self.folders[0]))
        return f"The path mappings lead in a circle, from Linux to macOS: {circle}."

    def detail(self) -> Any:
        """The mappings, and the folders through which they lead."""
        return {"mappings": list(self.mappings), "folders": list(self.folders)}


@define(eq=False, slots=False, repr=False)
class ShareSilent(Unavailable):
    """A share that did not answer in time, or that too many others wait for already."""

    code: ClassVar[str] = "share.silent"
    remedy = "Check that the share is mounted and its server is up; then try again."
    retry_after = 10.0
    path: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.path!r} could not be looked at within {self.seconds:g} s."

    def detail(self) -> Any:
        """The path, and how long we waited."""
        return {"path": self.path, "seconds": self.seconds}


@define(eq=False, slots=False, repr=False)
class FolderNotMade(Unavailable):
    """A folder that the share does not let us make."""

    code: ClassVar[str] = "folder.not_made"
    remedy = "Check that the share has room and that the service may write there; then try again."
    path: str
    reason: str

    @classmethod
    def because(cls, path: object, exc: OSError) -> Self:
        """The error for what the operating system said about a folder."""
        return cls(str(path), exc.strerror or str(exc))

    def __str__(self) -> str:
        return f"The folder {self.path!r} could not be made: {self.reason}."

    def detail(self) -> Any:
        """The path and the reason."""
        return {"path": self.path, "reason": self.reason}


@define(eq=False, slots=False, repr=False)
class FileInNoProject(Conflict):
    """A file that is to go to the trash, but lies in no project that has one."""

    code: ClassVar[str] = "file.in_no_project"
    remedy = "Use `POST /api/gallery/trash` with the project's folder, or make it current first."
    path: str

    def __str__(self) -> str:
        return f"{self.path!r} lies in no project that is known here, so no trash can take it."

    def detail(self) -> Any:
        """The path."""
        return {"path": self.path}


@define(eq=False, slots=False, repr=False)
class WebhookNotPermitted(NotPermitted):
    """An address that a job may not have told of its end."""

    code: ClassVar[str] = "webhook.not_permitted"
    remedy = "Name a public http(s) address, or add this one to `webhooks` in config.yaml."
    #: Without its path and query, which may be as good as a password.
    url: str
    reason: str

    def __str__(self) -> str:
        return f"The webhook {self.url} is not permitted: {self.reason}."

    def detail(self) -> Any:
        """The address and the reason."""
        return {"webhook": self.url, "reason": self.reason}


@define(eq=False, slots=False, repr=False)
class BackendExists(Conflict):
    """A backend that is to be added under an id that another one has."""

    code: ClassVar[str] = "backend.exists"
    remedy = "Choose another id, send none, or edit the backend that has it."
    backend_id: str

    def __str__(self) -> str:
        return f"There is a backend {self.backend_id!r} already."

    def detail(self) -> Any:
        """The id."""
        return {"backend_id": self.backend_id}


@define(eq=False, slots=False, repr=False)
class BackendAddressTaken(Conflict):
    """An address at which another backend is configured: its slots would be counted twice."""

    code: ClassVar[str] = "backend.address_taken"
    remedy = "Use the backend named in `detail`, or give another host or port."
    address: str
    #: The backend that has it.
    backend_id: str

    def __str__(self) -> str:
        return f"Backend {self.backend_id!r} is at {self.address} already."

    def detail(self) -> Any:
        """The address, and who has it."""
        return {"address": self.address, "backend_id": self.backend_id}


@define(eq=False, slots=False, repr=False)
class BackendInUse(Conflict):
    """A backend that has jobs of ours cannot be taken away or moved under their feet."""

    code: ClassVar[str] = "backend.in_use"
    remedy = "Drain the backend and wait, or remove it with force=true: its jobs go elsewhere."
    backend_id: str
    #: Ids of the jobs.
    jobs: tuple[str, ...]

    def __str__(self) -> str:
        shown = ", ".join(self.jobs[:5])
        more = f" and {len(self.jobs) - 5} more" if len(self.jobs) > 5 else ""
        return f"Backend {self.backend_id!r} still has jobs: {shown}{more}."

    def detail(self) -> Any:
        """The backend and its jobs."""
        return {"backend_id": self.backend_id, "jobs": list(self.jobs)}


@define(eq=False, slots=False, repr=False)
class GroupUnknown(NotFound):
    """There is no group of jobs of that id."""

    code: ClassVar[str] = "group.unknown"
    remedy = "Take an id from GET /api/job-groups."
    group: str

    def __str__(self) -> str:
        return f"There is no job group {self.group!r}."

    def detail(self) -> Any:
        """The id."""
        return {"job_group_id": self.group}


@define(eq=False, slots=False, repr=False)
class GroupInvalid(Invalid):
    """A group of jobs that is described in no way, in several, or in one that cannot be."""

    code: ClassVar[str] = "group.invalid"
    remedy = "Send `jobs`; or one workflow with `backend_ids`; or one workflow with `count`."
    reason: str

    def __str__(self) -> str:
        return f"This is no group of jobs: {self.reason}"


@define(eq=False, slots=False, repr=False)
class GroupCycle(Invalid):
    """Jobs of one group that wait for each other, so that none of them could ever begin."""

    code: ClassVar[str] = "group.cycle"
    remedy = "Take one of the keys in `detail` out of the `after` of the job before it."
    #: Each waits for the one behind it, and the last for the first.
    keys: tuple[str, ...]

    def __str__(self) -> str:
        circle = " -> ".join((*self.keys[:20], self.keys[0]))
        return f"These jobs of the group wait for each other: {circle}"

    def detail(self) -> Any:
        """The keys of the circle."""
        return {"keys": list(self.keys)}


@define(eq=False, slots=False, repr=False)
class GroupJobRefused(Invalid):
    """One job in the list of a group cannot be taken, and so the group is not."""

    code: ClassVar[str] = "group.job_refused"
    remedy = "Correct the job that `detail` names, and send the whole group again."
    #: What is wrong with it.
    cause: OrchestratorError
    #: Its place in `jobs`, from 0, and its key if it has one.
    index: int
    key: str | None = None

    def __attrs_post_init__(self) -> None:
        self.remedy = self.cause.remedy

    def __str__(self) -> str:
        named = "" if self.key is None else f" (key {self.key!r})"
        return f"jobs[{self.index}]{named}: {self.cause}"

    def detail(self) -> Any:
        """Which job it is, and the refusal that it would have got alone."""
        return {
            "index": self.index,
            "key": self.key,
            "code": self.cause.code,
            "detail": self.cause.detail(),
        }


@define(eq=False, slots=False, repr=False)
class BackendDisabled(Conflict):
    """A backend that was asked for by name, and that takes no jobs."""

    code: ClassVar[str] = "backend.disabled"
    remedy = "Enable the backend, or leave it out."
    backend_id: str

    def __str__(self) -> str:
        return f"Backend {self.backend_id!r} is disabled."

    def detail(self) -> Any:
        """The backend."""
        return {"backend_id": self.backend_id}


@define(eq=False, slots=False, repr=False)
class ClaimHeld(Conflict):
    """Another host does just now what only one host shall do at a time."""

    code: ClassVar[str] = "claim.held"
    remedy = "Wait until that host is done; if it is gone, this works five minutes after its end."
    #: What is being done, for people, such as "empties the trash".
    what: str
    #: Its id; None if nobody knows.
    host: str | None

    def __str__(self) -> str:
        return f"Host {self.host or '(unknown)'} {self.what} in this project now."

    def detail(self) -> Any:
        """The host."""
        return {"host": self.host}


@define(eq=False, slots=False, repr=False)
class HostAlive(Conflict):
    """The jobs of a host that is there are its own."""

    code: ClassVar[str] = "host.alive"
    remedy = "Stop the service there and wait five minutes, or send force=true if it is gone."
    host: str
    #: Seconds since it was heard of.
    silent: float

    def __str__(self) -> str:
        return f"Host {self.host!r} was heard of {self.silent:.0f} s ago, and may be at work."

    def detail(self) -> Any:
        """The host, and when it was heard of."""
        return {"host": self.host, "silent_seconds": round(self.silent, 1)}


@define(eq=False, slots=False, repr=False)
class HostIsOurs(Conflict):
    """A host does not take over its own jobs."""

    code: ClassVar[str] = "host.ours"
    remedy = "Name the host that is gone; the service of this one runs its own jobs anyway."
    host: str

    def __str__(self) -> str:
        return f"{self.host!r} is this very host."

    def detail(self) -> Any:
        """The host."""
        return {"host": self.host}


@define(eq=False, slots=False, repr=False)
class HostUnknown(NotFound):
    """Nothing was ever heard of a host in a project."""

    code: ClassVar[str] = "host.unknown"
    remedy = "Take the id from `host` of one of its jobs: GET /api/jobs."
    host: str

    def __str__(self) -> str:
        return f"No host {self.host!r} has ever worked in this project."

    def detail(self) -> Any:
        """The host."""
        return {"host": self.host}
