"""A file and a tag, as answers of the gallery have them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache

from attrs import field, frozen

from orchestrator.gallery.curating import Curation
from orchestrator.http.fields import about


@frozen(kw_only=True, repr=False)
class TagView:
    """A tag."""

    id: str
    name: str
    color: str = field(metadata=about("#rrggbb"))


@frozen(kw_only=True, repr=False)
class FileEntry:
    """A file of a folder, with what is said of it."""

    name: str
    path: str = field(metadata=about("Absolute, where it lies now."))
    rel_path: str = field(metadata=about("Relative to the project, at the moment asked for."))
    size: int = field(metadata=about("Bytes."))
    modified: datetime
    created: datetime
    type: str = field(metadata=about("image, video or audio.", example="image"))
    extension: str
    width: int | None = field(metadata=about("Pixels; null until the index has read the file."))
    height: int | None
    rating: int = field(metadata=about("0 to 5; 0 is none."))
    tags: tuple[TagView, ...]
    note: str


def tag_views(curation: Curation) -> tuple[TagView, ...]:
    """The tags of a file, in the order of their names."""
    return tuple(TagView(id=i, name=tag.name, color=tag.color) for i, tag in curation.tags)


#: Times that are remembered as what they are sent as: those of the folders looked at last.
TIMES = 1 << 14


@lru_cache(TIMES)
def time_of(nanoseconds: int) -> datetime:
    """A time of a file, which may be any number.

    Remembered, since a folder that is looked at again has the times that it had: making them was
    a tenth of a listing.
    """
    try:
        return datetime.fromtimestamp(nanoseconds / 1e9, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime.fromtimestamp(0, UTC)
