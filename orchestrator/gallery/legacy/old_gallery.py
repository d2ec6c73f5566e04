"""What stands in the predecessor's `gallery.json`, as far as it makes sense. Pure."""

from __future__ import annotations

import re
from typing import Any

from attrs import define, field, frozen

from orchestrator.commands.curation import DEFAULT_COLOR, MAX_STARS
from orchestrator.commands.importing import same_name
from orchestrator.gallery.legacy.left_out import LeftOuts
from orchestrator.gallery.legacy.old_views import OldView, read_views
from orchestrator.gallery.legacy.paths import NoPath, clean_path, is_text
from orchestrator.gallery.media import is_media

#: Characters. A person may write less in a note; what stands in an old one is not cut.
MAX_NOTE = 100_000
MAX_NAME = 100
MAX_TAGS, MAX_TAGS_OF_FILE = 10_000, 500

_COLOR = re.compile(r"#?([0-9a-fA-F]{6}|[0-9a-fA-F]{3})")


@frozen
class OldTag:
    """A tag; the predecessor's tags of one name are one tag."""

    name: str
    #: `#rrggbb`.
    color: str


@frozen
class OldFile:
    """What is said of one file; something always is."""

    path: str
    #: 1 to 5; 0 is none.
    stars: int
    #: Names of tags.
    tags: tuple[str, ...]
    note: str


@frozen
class OldGallery:
    """A whole store."""

    tags: tuple[OldTag, ...]
    views: tuple[OldView, ...]
    files: tuple[OldFile, ...]
    #: Files that have a record in which nothing is said.
    silent: int


def read_gallery(document: dict[str, Any], source: str, left: LeftOuts) -> OldGallery:
    """The content of a store; what makes no sense is added to `left`. Never raises."""
    reading = _Reading(source, left)
    by_id = reading.tags(reading.part(document, "tags"))
    views = read_views(reading.part(document, "views"), reading.leave)
    files = reading.part(document, "files")
    said = [reading.file(path, record, by_id) for path, record in files.items()]
    tags = {same_name(tag.name): tag for tag in by_id.values()}
    return OldGallery(
        tags=tuple(tags.values()),
        views=tuple(views),
        files=tuple(sorted((file for file in said if file is not None), key=lambda f: f.path)),
        silent=reading.silent,
    )


@define
class _Reading:
    source: str
    left: LeftOuts
    silent: int = field(default=0)

    def leave(self, what: object, reason: str) -> None:
        self.left.add(self.source, what, reason)

    def part(self, document: dict[str, Any], name: str) -> dict[str, Any]:
        found = document.get(name)
        if isinstance(found, dict):
            return found
        if found:
            self.leave(name, "it is no JSON object")
        return {}

    def tags(self, part: dict[str, Any]) -> dict[str, OldTag]:
        """Tags by the predecessor's ids; those of one name are the one with the lowest id."""
        by_id: dict[str, OldTag] = {}
        by_name: dict[str, OldTag] = {}
        for old_id in sorted(part, key=lambda text: (len(text), text)):
            tag = self._tag(old_id, part[old_id])
            if tag is None:
                continue
            name = same_name(tag.name)
            if name not in by_name and len(by_name) >= MAX_TAGS:
                self.leave(tag.name, f"more than {MAX_TAGS:,} tags")
                continue
            by_id[old_id] = by_name.setdefault(name, tag)
        return by_id

    def _tag(self, old_id: str, record: object) -> OldTag | None:
        if not isinstance(record, dict) or not isinstance(record.get("name"), str):
            self.leave(f"tag {old_id}", "the tag has no name")
            return None
        name = " ".join(record["name"].split())
        if not name or not is_text(name):
            self.leave(f"tag {old_id}", "the tag has no name")
            return None
        if len(name) > MAX_NAME:
            self.leave(name, f"the end of the tag's name, after {MAX_NAME} characters")
            name = name[:MAX_NAME].strip()
        return OldTag(name, _color(record.get("color")))

    def file(self, text: str, record: object, tags: dict[str, OldTag]) -> OldFile | None:
        """What is said of one file; None if nothing is, or if it can be no file of a gallery."""
        path = clean_path(text)
        if isinstance(path, NoPath):
            self.leave(text, path.reason)
            return None
        if not isinstance(record, dict):
            self.leave(path, "its record is no JSON object")
            return None
        said = OldFile(
            path=path,
            stars=self._stars(path, record.get("rating")),
            tags=self._tags_of(path, record.get("tag_ids"), tags),
            note=self._note(path, record.get("notes")),
        )
        if not (said.stars or said.tags or said.note):
            self.silent += 1
            return None
        if not is_media(path.rpartition("/")[2]):
            self.leave(path, "it is no picture, video or sound")
            return None
        return said

    def _stars(self, path: str, value: object) -> int:
        """More than 5 are 5, as for the predecessor; below 1 is none."""
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool):
            return max(0, min(value, MAX_STARS))
        if value is not None:
            self.leave(path, "its rating is no whole number")
        return 0

    def _tags_of(self, path: str, value: object, tags: dict[str, OldTag]) -> tuple[str, ...]:
        if not isinstance(value, list):
            if value is not None:
                self.leave(path, "its tags are no list")
            return ()
        names: dict[str, str] = {}
        for old_id in value:
            tag = tags.get(str(old_id)) if type(old_id) in (int, str) else None
            if tag is None:
                self.leave(f"{path} (tag {str(old_id)[:20]})", "the tag is not defined")
            elif len(names) < MAX_TAGS_OF_FILE:
                names[same_name(tag.name)] = tag.name
            else:
                self.leave(path, f"it has more than {MAX_TAGS_OF_FILE} tags")
                break
        return tuple(names.values())

    def _note(self, path: str, value: object) -> str:
        if value is None:
            return ""
        if not isinstance(value, str):
            self.leave(path, "its note is no text")
            return ""
        if len(value) > MAX_NOTE or not is_text(value):
            self.leave(path, f"its note has more than {MAX_NOTE:,} characters, or no Unicode")
            return ""
        return value if value.strip() else ""


def _color(value: object) -> str:
    match = _COLOR.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        return DEFAULT_COLOR
    digits = match[1].lower()
    return f"#{digits if len(digits) == 6 else ''.join(digit * 2 for digit in digits)}"
