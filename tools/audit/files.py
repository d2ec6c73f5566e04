"""The files of a project, held against what the log says of them. Blocks."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path, PurePosixPath
from unicodedata import normalize

from events.assets import AssetId
from projections.fold import Tables
from projections.jobs import Output
from projections.project import ProjectView
from projections.trash import trash_place
from tools.audit.findings import Check
from tools.audit.scene import Scene

_BLOCK = 1 << 20


def look_for_files(scene: Scene, root: Path, tables: Tables) -> None:
    """Note which known files are not where the log says. Each folder is listed once.

    A missing file breaks no promise: people move and delete files on a share as they like.
    """
    for folder, names in sorted(_known(tables).items()):
        scene.findings.looked[Check.FILES] += len(names)
        there = _names_in(root, folder)
        remedy = "If nobody moved or deleted it, look into the trash of the share, or a backup."
        if there is None:
            what = f"the folder is missing, with {len(names)} known files"
            scene.note(Check.FILES, folder or ".", None, what, remedy=remedy)
            continue
        for name in sorted(names):
            if normalize("NFC", name) not in there:
                scene.note(Check.FILES, folder or ".", None, f"{name!r} is missing", remedy=remedy)


def _known(tables: Tables) -> dict[str, list[str]]:
    """Names of known files by their folder, those in the trash too; `.` is the project's own."""
    view, known = ProjectView(tables), defaultdict(list)
    lying = [state.path for _, state in view.present()]
    trashed = [trash_place(trash, found) for trash, found in view.trash()]
    for path in map(PurePosixPath, (*lying, *trashed)):
        known[str(path.parent)].append(path.name)
    return known


def _names_in(root: Path, folder: str) -> set[str] | None:
    """Names in a folder in NFC; None if it is not there, or not inside the project."""
    if not is_inside(folder):
        return None
    try:
        names = os.listdir(root / folder)  # noqa: PTH208  # names only; projects are large
    except (FileNotFoundError, NotADirectoryError):
        return None
    return {normalize("NFC", name) for name in names}


def is_inside(path: str) -> bool:
    """Whether a relative path stays in the project: whatever stands in a log is only read there."""
    parts = PurePosixPath(path)
    return not parts.is_absolute() and ".." not in parts.parts and "\0" not in path


def stored_outputs(tables: Tables) -> Iterator[tuple[Output, str]]:
    """Outputs of jobs that are still in the project, with the path where each lies now."""
    view = ProjectView(tables)
    for job in tables.table("jobs").values():
        for output in job.outputs:
            asset = view.asset(AssetId(output.asset))
            if asset is None or view.asset_at(asset.path) != output.asset:
                continue
            if is_inside(asset.path):
                yield output, asset.path


def look_into_outputs(
    scene: Scene, root: Path, tables: Tables, advance: Callable[[int], None]
) -> None:
    """Read all outputs of jobs, and compare their bytes with what was stored.

    A file that people have edited since is noted. It is broken if its size and time are still
    those of when it was stored, but its bytes are not: then the disk has changed them.
    """
    view = ProjectView(tables)
    for output, lies in stored_outputs(tables):
        path = root / lies
        try:
            stat = path.stat()
            digest = _digest(path, advance)
        except (FileNotFoundError, NotADirectoryError):
            continue  # noted with all missing files
        scene.looked(Check.OUTPUTS)
        if (stat.st_size, digest) == (output.size, output.sha256):
            continue
        asset = view.asset(AssetId(output.asset))
        # Stored and noted in one transaction: their stamps differ in their last digits only.
        untold = asset is not None and asset.bytes_as_of[:-3] == output.as_of[:-3]
        if untold and asset is not None and (asset.size, asset.mtime) == _seen(stat):
            what = f"its bytes are not those that were stored (sha256 {output.sha256})"
            remedy = "Restore the file from a backup, or run its job again; check the disk."
            scene.broken(Check.OUTPUTS, lies, None, what, remedy=remedy)
        else:
            remedy = "Nothing needs to be done if somebody edited it."
            scene.note(Check.OUTPUTS, lies, None, "edited since it was stored", remedy=remedy)


def _seen(stat: os.stat_result) -> tuple[int, int]:
    return stat.st_size, stat.st_mtime_ns


def _digest(path: Path, advance: Callable[[int], None]) -> str:
    digest = sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            advance(len(block))
    return digest.hexdigest()
