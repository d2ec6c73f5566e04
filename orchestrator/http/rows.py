"""Files as rows of a listing, written as fast as can be: a folder may hold thousands.

What a row has and means stands in `FileEntry`, which is also what the document says; a test holds
both together. Here the object in between is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from orchestrator.gallery.media import KINDS, suffix
from orchestrator.gallery.walking import Listed
from orchestrator.http.dialects import CORE, Dialect
from orchestrator.http.entries import TagView, tag_views, time_of

Row = dict[str, Any]
RowWriter = Callable[[Iterable[Listed]], list[Row]]


@cache
def row_writer(dialect: Dialect) -> RowWriter:
    """How a dialect writes files of a listing."""
    name_, path_, relative_, size_, modified_, created_, type_, extension_ = map(
        dialect.spell,
        ("name", "path", "rel_path", "size", "modified", "created", "type", "extension"),
    )
    width_, height_, rating_, tags_, note_ = map(
        dialect.spell, ("width", "height", "rating", "tags", "note")
    )
    write_tag = dialect.writer(TagView)
    write_time = time_of if dialect.times == "iso" else seconds_of

    def row(listed: Listed) -> Row:
        relative, path, (name, size, modified, created), said, width, height = listed
        extension = suffix(name)
        return {
            name_: name,
            path_: path,
            relative_: relative,
            size_: size,
            modified_: write_time(modified),
            created_: write_time(created),
            type_: KINDS.get(extension, "image"),
            extension_: extension,
            width_: width,
            height_: height,
            rating_: said.stars,
            tags_: [write_tag(tag) for tag in tag_views(said)] if said.tags else (),
            note_: said.note,
        }

    def write(files: Iterable[Listed]) -> list[Row]:
        return [row(listed) for listed in files]

    return write


def seconds_of(nanoseconds: int) -> float:
    """A time of a file in seconds since 1970, to the microsecond as `time_of` has it."""
    return (nanoseconds + 500) // 1000 / 1e6


def details_of(listed: Listed) -> dict[str, Any]:
    """The same values by the names of `FileEntry`'s attributes, tags as objects."""
    (row,) = row_writer(CORE)([listed])
    return {**row, "tags": tag_views(listed.curation)}
