"""What happens to an asset: a picture, video or sound whose identity outlives its path."""

from __future__ import annotations

from typing import NewType

from attrs import frozen

from events.registry import event

AssetId = NewType("AssetId", str)


@event("asset.seen")
@frozen(kw_only=True)
class AssetSeen:
    """A file was noticed as an asset: written with the first edit of it, or when we stored it.

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
