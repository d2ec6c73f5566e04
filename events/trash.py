"""What happens to files in the trash: moved aside, brought back, or deleted for good."""

from __future__ import annotations

from typing import NewType

from attrs import frozen

from events.assets import AssetId
from events.registry import event

TrashId = NewType("TrashId", str)


@event("file.trashed")
@frozen(kw_only=True)
class FileTrashed:
    """A file was moved to the trash: to `.gallery/.trash/{trash}/{name}`, or to `place`."""

    trash: TrashId
    #: Where it lay, relative to the project.
    path: str
    #: Its name in the trash.
    name: str
    #: Bytes.
    size: int
    #: Nanoseconds since 1970.
    mtime: int
    #: None if nobody had ever said anything of it.
    asset: AssetId | None = None
    #: Names of the files that went with it, and lie in the same folder of the trash.
    sidecars: tuple[str, ...] = ()
    op: str
    #: Where it lies, relative to the project, if that is not the usual place: files of one folder
    #: that were trashed together lie together, in the folder of the first; and what the
    #: predecessor of this service had trashed stays where it put it.
    place: str | None = None


@event("file.restored")
@frozen(kw_only=True)
class FileRestored:
    """A file came back from the trash, with everything that was said of it."""

    trash: TrashId
    #: Where it lies now; another name than before if that was taken.
    path: str
    asset: AssetId | None = None
    op: str


@event("file.purged")
@frozen(kw_only=True)
class FilePurged:
    """A file in the trash was deleted for good: this is what it was."""

    trash: TrashId
    path: str
    name: str
    size: int
    #: sha256 of its first and last 64 KiB.
    head: str
    asset: AssetId | None = None
    op: str
