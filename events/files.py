"""What we do to files: told before it is done, and told again when it is done or has failed."""

from __future__ import annotations

from typing import Any

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


@event("files.planned")
@frozen(kw_only=True)
class FilesPlanned:
    """Files are about to be moved, renamed, trashed, restored or deleted, in this order.

    Until the operation is settled, look at the disk: no step ever replaces a file, so each file
    is where it was or where it was to go.
    """

    #: Id of this operation.
    op: str
    #: What was asked for: `move`, `rename`, `trash`, `restore`, `purge`.
    action: str
    #: What is done, one after the other. Each step has `from` and `to` (relative to the project),
    #: `size` and `mtime` of the file, and may have: `ino`; `role` (`folder`, `sidecar`, `purge`,
    #: `park` for a file that steps aside for a moment); `asset`; `path` (where a parked file lay
    #: first); `trash` (id of its place in the trash); `head`; `of` (where the file lay that a
    #: sidecar follows). A step that deletes goes to "".
    steps: tuple[dict[str, Any], ...]


@event("files.settled")
@frozen(kw_only=True)
class FilesSettled:
    """A planned operation is over: all of its steps were done but those that failed."""

    op: str
    #: Each with `step` (its place in the plan, from 0) and `error`, the name of an errno.
    failed: tuple[dict[str, Any], ...] = ()
    #: Files that came to lie elsewhere than planned: `step` and `path`.
    landed: tuple[dict[str, Any], ...] = ()
