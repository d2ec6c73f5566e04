"""What people say of assets: ratings and tags, and what tags there are."""

from __future__ import annotations

from typing import NewType

from attrs import frozen

from events.assets import AssetId
from events.registry import event

TagId = NewType("TagId", str)


@event("asset.rated")
@frozen(kw_only=True)
class AssetRated:
    """A person gave an asset one to five stars; zero clears the rating."""

    asset: AssetId
    stars: int


@event("asset.tagged")
@frozen(kw_only=True)
class AssetTagged:
    """A person put a tag on an asset."""

    asset: AssetId
    tag: TagId


@event("asset.untagged")
@frozen(kw_only=True)
class AssetUntagged:
    """A person took a tag off an asset."""

    asset: AssetId
    tag: TagId


@event("asset.noted")
@frozen(kw_only=True)
class AssetNoted:
    """A person wrote a note about an asset; an empty text removes it."""

    asset: AssetId
    note: str


@event("tag.defined")
@frozen(kw_only=True)
class TagDefined:
    """A tag was made, or its name or colour changed."""

    tag: TagId
    name: str
    #: `#rrggbb`, lower case.
    color: str


@event("tag.deleted")
@frozen(kw_only=True)
class TagDeleted:
    """A tag was deleted: no asset shows it any more. Defining it again brings it back."""

    tag: TagId
