"""What was taken over from the predecessor of this service, and what still waits for its file."""

from __future__ import annotations

from typing import Any

from attrs import frozen

from events.assets import AssetId
from events.curation import TagId
from events.registry import event


@event("project.imported")
@frozen(kw_only=True)
class ProjectImported:
    """An old store of the project was taken over, whole; it was left as it was.

    What it said became events of the usual kinds, which came before this one.
    """

    #: The old file, relative to the project, with `/`.
    source: str
    #: Bytes.
    size: int
    #: sha256 of its first and last 64 KiB: a store that was written to since is another one.
    head: str
    #: How many things of each kind were taken over, such as `ratings`.
    counts: dict[str, Any]
    #: How many things could not be made sense of.
    left_out: int


@event("file.awaited")
@frozen(kw_only=True)
class FileAwaited:
    """Something was said of a file that is not there: it is kept until the file turns up."""

    #: Where it should lie, relative to the project, with `/`.
    path: str
    #: 0 is none.
    stars: int
    tags: tuple[TagId, ...]
    #: "" is none.
    note: str


@event("file.arrived")
@frozen(kw_only=True)
class FileArrived:
    """The awaited file turned up, as this asset, and got what had been said of it."""

    #: Where it was awaited; it may have turned up elsewhere.
    path: str
    asset: AssetId
