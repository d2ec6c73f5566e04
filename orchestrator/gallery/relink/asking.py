"""What a look for lost files is told by the log, and by the index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from events.assets import AssetId
from orchestrator.gallery.fileops.steps import Role
from orchestrator.gallery.index.model import Search
from orchestrator.gallery.index.store import Index
from orchestrator.gallery.relink.looking import Known
from orchestrator.project import Project
from projections.assets import Lineage

#: Files that the index is asked about at once.
_AT_ONCE = 500


def known_of(project: Project) -> Known:
    """What the log says of assets, as it goes on. Copying all of it would hold up the loop."""
    tables = project.tables
    assets, places, lineage = map(tables.table, ("assets", "places", "lineage"))
    return Known(assets, places, lineage, tuple(assets), *_moving(project))


def _moving(project: Project) -> tuple[frozenset[str], tuple[str, ...]]:
    """Files and folders that operations under way are about to change, on whichever host."""
    files: set[str] = set()
    folders: set[str] = set()
    for plan in project.tables.table("plans").values():
        for step in () if plan.planned is None else plan.planned.steps:
            kind = folders if step.get("role") == Role.FOLDER else files
            kind.update(str(step[name]) for name in ("from", "to", "path") if step.get(name))
    return frozenset(files), tuple(folders)


def all_files(index: Index) -> dict[str, tuple[int, int]]:
    """Size and time of each file that is there."""
    return {path: (size, mtime) for path, size, mtime in index.all_files()}


def portions(paths: Iterable[str]) -> Iterator[list[str]]:
    """Paths in portions, so that one question to the index does not hold up others."""
    left = list(paths)
    for begin in range(0, len(left), _AT_ONCE):
        yield left[begin : begin + _AT_ONCE]


def first_seen_of(paths: Iterable[str], index: Index) -> dict[str, int]:
    """When the index first met files, in nanoseconds."""
    found = ((path, index.file(path)) for path in paths)
    return {path: file.first_seen_ns for path, file in found if file is not None}


def naming_of(
    index: Index, made: Mapping[AssetId, Lineage], lost: Mapping[AssetId, str]
) -> dict[AssetId, list[str]]:
    """Files whose graphs name the job that made an asset, and that are made as it was.

    Who draws a new picture with the graph of an old one takes its prefix along. How an asset was
    made whose place another picture took, nothing says any more.
    """
    found: dict[AssetId, list[str]] = {}
    for asset, lineage in made.items():
        words = Search(text=f'"job-{lineage.job}"', fields=frozenset({"workflow"}), limit=50)
        old = index.file(lost[asset])
        found[asset] = []
        if old is not None and old.missing_ns is None:
            continue
        for hit in index.search(words).hits:
            new = index.file(hit.path)
            if new is not None and (old is None or old.recipe == new.recipe):
                found[asset].append(hit.path)
    return found
