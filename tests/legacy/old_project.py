"""Projects as the predecessor left them: its stores, written as it wrote them."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from attrs import define


def record(rating: int = 0, notes: str = "", tag_ids: tuple[int, ...] = ()) -> dict[str, Any]:
    """What the predecessor kept of one file."""
    return {
        "rating": rating,
        "notes": notes,
        "tag_ids": list(tag_ids),
        "last_viewed": None,
        "created_at": 1767225600.25,
    }


def view(**settings: Any) -> dict[str, Any]:
    """A view as the predecessor kept it."""
    return {
        "view_mode": "grid",
        "sort_field": "name",
        "sort_direction": "asc",
        "thumbnail_size": 200,
        "filters_json": "{}",
        "current_path": "",
        "folder_tree_state": "{}",
        "is_default": True,
        "id": 1,
        **settings,
    }


def gallery(
    files: dict[str, Any] | None = None,
    tags: dict[str, Any] | None = None,
    views: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The content of a `gallery.json`."""
    return {
        "_schema_version": 2,
        "_next_tag_id": 9,
        "_next_view_id": 2,
        "files": files or {},
        "tags": tags or {},
        "views": views or {},
    }


@define
class OldProject:
    """A project folder that only the predecessor has worked on."""

    root: Path

    @property
    def store(self) -> Path:
        """Its `gallery.json`."""
        return self.root / ".gallery" / "gallery.json"

    def file(self, path: str, content: bytes = b"picture") -> Path:
        """A file of the project."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        return place

    def keep(self, **parts: dict[str, Any]) -> Path:
        """Write its `gallery.json`."""
        text = json.dumps(gallery(**parts), indent=2, ensure_ascii=False)
        return self.file(".gallery/gallery.json", text.encode())

    def trash(
        self,
        manifest: dict[str, Any],
        folder: str = ".trash",
        lying: dict[str, bytes] | None = None,
    ) -> None:
        """Put files into the old trash; each entry of the manifest, or other files."""
        for path, content in (lying or {path: path.encode() for path in manifest}).items():
            self.file(f"{folder}/{path}", content)
        self.file(f"{folder}/.manifest.json", json.dumps(manifest, indent=2).encode())

    def prints(self) -> dict[str, str]:
        """Content of every file that the predecessor left, by path."""
        ours = {self.root / ".gallery" / name for name in ("log", "claim", "live")}
        return {
            path.relative_to(self.root).as_posix(): sha256(path.read_bytes()).hexdigest()
            for path in sorted(self.root.rglob("*"))
            if path.is_file() and path.parent not in ours and path.name != "FORMAT"
        }
