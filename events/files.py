"""What we do to files: told before it is done, and told again when it is done or has failed."""

from __future__ import annotations

from attrs import frozen

from events.registry import event


@event("files.intended")
@frozen(kw_only=True)
class FilesIntended:
    """A file is about to be put in place; until done or failed is told, look at the disk."""

    #: Id of this operation.
    op: str
    #: `store`: a fetched output is put into the project.
    action: str
    #: What it comes from: for `store` the staged file, relative to the project.
    source: str
    #: Where it goes, relative to the project. The name was free when this was written.
    to: str
    size: int
    sha256: str
    #: The job, attempt, node and place that a stored output belongs to.
    job: str
    attempt: int
    node: str
    index: int
    kind: str
    #: Its name on the backend.
    original: str


@event("files.done")
@frozen(kw_only=True)
class FilesDone:
    """The operation was carried out."""

    op: str


@event("files.failed")
@frozen(kw_only=True)
class FilesFailed:
    """The operation was not carried out, and will not be; nothing was changed."""

    op: str
    #: Name of the errno, such as `EEXIST`, or `cancelled`.
    error: str
