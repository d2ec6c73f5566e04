"""What happens to an asset: a picture, video or sound whose identity outlives its path."""

from __future__ import annotations

from typing import NewType

from attrs import frozen

from events.registry import event

AssetId = NewType("AssetId", str)


@event("asset.seen")
@frozen(kw_only=True)
class AssetSeen:
    """A file was noticed as an asset: at its first edit, as we stored it, or in another's place.

    The id follows from path, size and head, so every host that sees the same file gives it the
    same id without asking anybody.
    """

    asset: AssetId
    #: Relative to the project, with `/`.
    path: str
    #: Bytes.
    size: int
    #: Nanoseconds since 1970.
    mtime: int
    #: sha256 of the first and last 64 KiB.
    head: str
    #: Part of the id from 2 on: the same bytes came to a path that had been theirs before, and the
    #: asset of then lies elsewhere, in the trash or was deleted. None is 1.
    nth: int | None = None


@event("asset.changed")
@frozen(kw_only=True)
class AssetChanged:
    """The bytes at the asset's path are others than before: it was edited in place.

    It is still the same asset, and keeps its rating and tags.
    """

    asset: AssetId
    path: str
    size: int
    mtime: int
    head: str


@event("asset.moved")
@frozen(kw_only=True)
class AssetMoved:
    """The service moved or renamed the asset's file: it lies at `path` now."""

    asset: AssetId
    #: Where it lay, and where it lies; relative to the project, with `/`.
    source: str
    path: str
    #: The operation that did it.
    op: str


@event("asset.relinked")
@frozen(kw_only=True)
class AssetRelinked:
    """The asset's file was renamed or moved outside of the service, and was found again.

    The file at `path` is the asset from now on. Relinking it to `source` again takes it back.
    """

    asset: AssetId
    source: str
    path: str
    #: The file as it was found.
    size: int
    mtime: int
    head: str
    #: How it was known: `fingerprint`, `lineage` (the job that made it), `person`, `undo`.
    reason: str
