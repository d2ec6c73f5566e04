"""All pictures and videos of a project, with what their names and sidecars say. Blocks."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import orjson
from attrs import define, field, frozen

from orchestrator.folders.lookouts import Asker
from orchestrator.folders.matching import Matcher, Read, matcher
from orchestrator.folders.pictures import Picture, is_picture, picture
from orchestrator.folders.places import existing_folder
from orchestrator.gallery.listing import Skipped, walk_tree
from orchestrator.gallery.natural import natural_key
from orchestrator.gallery.reading import reading
from orchestrator.gallery.walking import Page, Walk
from orchestrator.paths.roots import Roots
from orchestrator.scheduling.placing import DEFAULT_TEMPLATE

#: Most files that are looked at for one answer.
MAX_FILES = 100_000
#: Most files that do not fit the pattern, in one answer.
MAX_SKIPPED = 1_000
#: Most sidecars that are read for one answer.
MAX_SIDECARS = 10_000
#: Bytes of a sidecar that is read; a longer one says nothing.
MAX_SIDECAR_BYTES = 4096

#: How names are read when nobody says how: as the service itself names outputs, then whatever
#: ends in a version, then any; the panel is the folder.
_USUAL = (DEFAULT_TEMPLATE, "{panel}/*_v{version}", "{panel}/*", "*_v{version}", "*")
_NO_LINK = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # not on Windows


@frozen
class Render:
    """A picture or video of a project."""

    picture: Picture
    read: Read
    #: What stands in its sidecar, `<stem>.json`; empty without one.
    metadata: dict[str, Any]


@frozen
class Renders:
    """What was found in a project."""

    #: By panel, then version; those without stand last.
    found: tuple[Render, ...]
    #: Files that do not fit the pattern, relative to the folder; the first ones.
    unfitting: tuple[str, ...]
    #: How many there are in all.
    unfitting_count: int
    #: Folders that were not looked into.
    skipped: tuple[Skipped, ...]
    #: Whether there are more files than are looked at.
    more: bool


def renders(path: str, pattern: str, project: str, roots: Roots, asker: Asker) -> Renders:
    """All pictures and videos in a folder and below it.

    Args:
        path: The project's folder.
        pattern: As `matching.matcher` takes it; files that do not fit are named, not shown.
            Without one all are shown, and read as far as they can be.
        project: The project's name, to read `{project}`; any if empty.
        roots: Who permits, and which links are followed.
        asker: Who waits for the answer.

    Raises:
        PatternInvalid: the pattern cannot be read.
        PathInvalid, PathNotPermitted, FileMissing, FileUnreadable.
    """
    forms = [matcher(text, project=project) for text in ([pattern] if pattern else _USUAL)]
    folder = existing_folder(path, roots)
    with reading(folder):
        tree = walk_tree(folder, follow=roots.permits)
    # A pattern may speak of folders above; the usual ones must not take these for panels.
    scan = _Scan(folder, forms, folder.parts[1:] if pattern else (), asker, MAX_SIDECARS)
    walk = Walk(folder, tree.root, limit=MAX_FILES)
    for page in walk.pages():
        scan.add(page)
    return Renders(
        found=tuple(sorted(scan.found, key=_order)),
        unfitting=tuple(scan.unfitting[:MAX_SKIPPED]),
        unfitting_count=len(scan.unfitting),
        skipped=tree.skipped,
        more=walk.cursor is not None,
    )


@define
class _Scan:
    """What was found so far."""

    root: Path
    forms: list[Matcher]
    #: The names of the folders above.
    above: tuple[str, ...]
    asker: Asker
    sidecars_left: int
    found: list[Render] = field(factory=list)
    unfitting: list[str] = field(factory=list)

    def add(self, page: Page) -> None:
        """Take in one folder."""
        folder = self.root / page.folder
        parts = [*self.above, *filter(None, page.folder.split("/"))]
        sidecars: dict[str, str] | None = None
        for file in page.files:
            if not is_picture(file.name):
                continue
            self.asker.check()
            names = [*parts, file.name]
            read = next((read for form in self.forms if (read := form.read(names))), None)
            if read is None:
                self.unfitting.append(f"{page.folder}/{file.name}".lstrip("/"))
                continue
            if sidecars is None:
                sidecars = _sidecars(folder)
            told = self._metadata(folder, sidecars.get(_stem(file.name)))
            self.found.append(Render(picture(folder, file), read, told))

    def _metadata(self, folder: Path, sidecar: str | None) -> dict[str, Any]:
        if sidecar is None or not self.sidecars_left:
            return {}
        self.sidecars_left -= 1
        return read_sidecar(folder / sidecar)


def _order(render: Render) -> tuple[bool, int, str, bool, int, str]:
    read = render.read
    return (
        read.panel_number is None,
        read.panel_number or 0,
        natural_key(read.panel or ""),
        read.version is None,
        read.version or 0,
        natural_key(render.picture.path),
    )


def _stem(name: str) -> str:
    return name.rpartition(".")[0].casefold()


def _sidecars(folder: Path) -> dict[str, str]:
    """The names of a folder's JSON files by the stem that they share with a picture."""
    try:
        names = os.listdir(folder)  # noqa: PTH208  # names only
    except OSError:
        return {}  # the pictures were listed a moment ago; they are what counts
    return {_stem(name): name for name in names if name.lower().endswith(".json")}


def read_sidecar(path: Path) -> dict[str, Any]:
    """The object in a small JSON file; empty if it holds none, is long, a link, or unreadable."""
    try:
        descriptor = os.open(path, os.O_RDONLY | _NO_LINK)
    except OSError:
        return {}
    try:
        # A pipe would keep whoever reads it waiting.
        regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
        data = os.read(descriptor, MAX_SIDECAR_BYTES + 1) if regular else b""
        found = orjson.loads(data) if len(data) <= MAX_SIDECAR_BYTES else None
        orjson.dumps(found)  # nested deeper than we could send?
    except (OSError, orjson.JSONDecodeError, orjson.JSONEncodeError):
        return {}
    finally:
        os.close(descriptor)
    return found if isinstance(found, dict) else {}
