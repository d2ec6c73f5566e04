"""What lies in the predecessor's trash, and where each file came from. Blocks."""

from __future__ import annotations

import os
import stat
import unicodedata
from collections import Counter
from pathlib import Path, PurePosixPath
from typing import Any

from attrs import define, field, frozen

from events.trash import FileTrashed
from orchestrator.commands.importing import trash_id
from orchestrator.errors import FileChanging
from orchestrator.gallery.fingerprint import head
from orchestrator.gallery.legacy.left_out import LeftOuts
from orchestrator.gallery.legacy.paths import NoPath, clean_path, is_text
from orchestrator.gallery.legacy.sources import MANIFEST, SHARED_TRASH
from orchestrator.gallery.media import is_foreign, is_media

#: What `file.trashed` names as the operation: no plan was made for it here.
OPERATION = "import"


@frozen
class InTrash:
    """A file in the old trash."""

    #: Where it lies, and where it lay before; relative to the project, with `/`.
    place: str
    path: str
    #: Names of files that came with it, beside it.
    sidecars: tuple[str, ...]


def list_trash(
    root: Path, trash: str, manifest: dict[str, Any], source: str, left: LeftOuts
) -> list[InTrash]:
    """The files in one folder of old trash, in the order of their places.

    The manifest tells where a file came from; one that it does not name came, as for the
    predecessor, from the same place in the project. Where this service keeps its own trash too,
    only what the manifest names is meant.

    Args:
        root: The project.
        trash: The folder of the trash, relative to the project.
        manifest: Original path by path in the trash.
        source: Name of the manifest, for `left`.
        left: Takes what makes no sense.

    Raises:
        OSError: a folder of the trash cannot be listed.
    """
    scan = _Scan(trash, source, left, unnamed=trash != SHARED_TRASH)
    scan.take(manifest)
    for folder, folders, names in os.walk(root / trash, onerror=_raise):
        folders.sort()
        inside = Path(folder).relative_to(root / trash).as_posix()
        scan.folder("" if inside == "." else inside, sorted(names))
    scan.finish()
    return sorted(scan.found, key=lambda file: file.place)


def _raise(exc: OSError) -> None:
    raise exc


@define
class _Scan:
    trash: str
    source: str
    left: LeftOuts
    #: Whether files that the manifest does not name count.
    unnamed: bool
    found: list[InTrash] = field(factory=list)
    #: Original path, not yet checked, by path in the trash in NFC.
    _origins: dict[str, str] = field(factory=dict)
    #: Entries of the manifest that were met.
    _met: set[str] = field(factory=set)

    def take(self, manifest: dict[str, Any]) -> None:
        for key, value in manifest.items():
            place = clean_path(key)
            if isinstance(place, NoPath):
                self.left.add(self.source, key, place.reason)
            elif not isinstance(value, str):
                self.left.add(self.source, key, "its original path is no text")
            else:
                self._origins[_composed(place)] = value

    def folder(self, inside: str, names: list[str]) -> None:
        media = Counter(PurePosixPath(name).stem for name in names if is_media(name))
        for name in names:
            path = f"{inside}/{name}" if inside else name
            origin = None if name == MANIFEST or is_foreign(name) else self._origin(path)
            if origin is None:
                continue
            if not is_text(path):
                self.left.add(self.source, path, "its path is not Unicode")
                continue
            sidecar = f"{PurePosixPath(name).stem}.json"
            alone = media[PurePosixPath(name).stem] == 1 and is_media(name)
            goes_along = alone and sidecar in names and not self._is_named(inside, sidecar)
            sidecars = (sidecar,) if goes_along else ()
            self.found.append(
                InTrash(f"{self.trash}/{path}", self._checked(path, origin), sidecars)
            )

    def _origin(self, path: str) -> str | None:
        """Where a file came from; also if a folder above it was trashed as a whole."""
        above, rest = _composed(path), ""
        while above:
            if above in self._origins:
                self._met.add(above)
                return self._origins[above] + rest
            above, _, name = above.rpartition("/")
            rest = f"/{name}{rest}"
        return path if self.unnamed and is_media(path.rpartition("/")[2]) else None

    def _is_named(self, inside: str, name: str) -> bool:
        return _composed(f"{inside}/{name}" if inside else name) in self._origins

    def _checked(self, path: str, origin: str) -> str:
        clean = clean_path(origin)
        if isinstance(clean, NoPath):
            reason = f"where it came from: {clean.reason}; it will go to its place in the trash"
            self.left.add(self.source, path, reason)
            return path
        return clean

    def finish(self) -> None:
        for missing in sorted(self._origins.keys() - self._met):
            self.left.add(self.source, missing, "it does not lie in the old trash any more")


def look_into_trash(root: Path, file: InTrash) -> FileTrashed | str:
    """The event of a file in the old trash; why there is none if it cannot be read."""
    path = root / file.place
    try:
        info = path.lstat()
        if not stat.S_ISREG(info.st_mode):
            return "it is a link, or no file"
        fingerprint = head(path, info.st_size)
    except FileChanging:
        return "it is being written"
    except OSError as exc:
        return exc.strerror or str(exc)
    return FileTrashed(
        trash=trash_id(file.place, info.st_size, fingerprint),
        path=file.path,
        name=path.name,
        size=info.st_size,
        mtime=info.st_mtime_ns,
        sidecars=file.sidecars,
        op=OPERATION,
        place=file.place,
    )


def _composed(path: str) -> str:
    return path if path.isascii() else unicodedata.normalize("NFC", path)
