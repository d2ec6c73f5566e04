"""FORMAT and the names in the log folder: which project it is, and whose the segments are."""

from __future__ import annotations

from collections import Counter, defaultdict
from pathlib import Path

import orjson

from events.codec import FORMAT_VERSION, LineError
from events.log.format_file import KNOWN_FEATURES, NAME, FormatError, load
from events.log.frame import Header
from events.log.segments import SegmentName, sort_out
from orchestrator.errors import ProjectUnreadable
from tools.audit.findings import Check
from tools.audit.scene import Scene
from tools.audit.snapshot import Snapshot


def project_of(root: Path, gallery: Path, disk: Snapshot) -> tuple[str, str | None]:
    """The project's id, and what is wrong with FORMAT, if it is.

    Without FORMAT the id is the one that most headers tell.

    Raises:
        ProjectUnreadable: there is no log, or it needs another version of this program.
    """
    try:
        found = load(gallery)
        fault = None if found is not None else f"{NAME} is missing"
    except FormatError as exc:
        if _is_of_another_version(gallery / NAME):
            raise ProjectUnreadable(str(root), str(exc)) from exc
        found, fault = None, str(exc)
    if found is not None:
        return found.project, None
    told = Counter(filter(None, (_project_in_header(disk, name) for name in disk.sizes)))
    if not told:
        reason = f"nothing was ever recorded there ({fault}, and no segment has a header)"
        raise ProjectUnreadable(str(root), reason)
    return told.most_common(1)[0][0], fault


def _is_of_another_version(path: Path) -> bool:
    """Whether FORMAT is whole, but of a version or with features that we do not know."""
    try:
        document = orjson.loads(path.read_bytes())
        needs = set(document.get("read", []))
        return document["fmt"] != FORMAT_VERSION or bool(needs - KNOWN_FEATURES)
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError):
        return False


def _project_in_header(disk: Snapshot, name: str) -> str | None:
    first = next(disk.lines(name, len), None)
    if first is None:
        return None
    try:
        return Header.decode(first.data).project
    except LineError:
        return None


def judge_format(scene: Scene, fault: str | None) -> None:
    """FORMAT is there and whole."""
    scene.looked(Check.FORMAT_FILE)
    if fault is not None:
        remedy = (
            f"Restore {NAME} from a backup of the share. Until then no service opens the project."
        )
        scene.broken(Check.FORMAT_FILE, NAME, None, fault, remedy=remedy)


def judge_names(scene: Scene) -> None:
    """Names in the log folder, and ids of writers."""
    listing = sort_out(scene.disk.listing)
    scene.findings.looked[Check.NAMES] += len(scene.disk.listing)
    for name in listing.foreign:
        shown = name.encode("utf-8", "replace").decode()
        remedy = "Delete it if it is of no use; no reader looks at it."
        scene.note(Check.NAMES, shown, None, "no segment of a log; ignored", remedy=remedy)
    hosts = defaultdict(list)
    for writer, host in listing.segments:
        scene.looked(Check.WRITER_ID)
        hosts[writer].append(host)
    for writer, several in hosts.items():
        if len(several) > 1:
            file = str(SegmentName(writer, several[0], listing.segments[writer, several[0]][0]))
            what = f"the hosts {', '.join(several)} have a writer of the same id"
            remedy = "See whether files were copied and renamed; remove the copies."
            scene.broken(Check.WRITER_ID, file, None, what, remedy=remedy)
