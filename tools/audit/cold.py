"""Cold files: does each hold the segments that its index tells of, byte for byte?"""

from __future__ import annotations

from hashlib import sha256

from events.log.cold import FOLDER, ColdFile, ColdName, Part
from events.log.disk_io import DiskIO
from events.log.port import Tail
from tools.audit.findings import Check
from tools.audit.scene import RESTORE, Scene

_UNFINISHED = "Nothing needs to be done: the host that made it makes a new one, and removes this."


def judge_cold(scene: Scene) -> None:
    """Look at all copies of all segments.

    Raises:
        OSError: a cold file cannot be read.
    """
    sources = scene.disk.sources
    scene.looked(Check.COLD)  # whether there are any
    for finding in sources.findings():
        scene.looked(Check.COLD)
        if finding.kind is Tail.IN_FLIGHT:
            what = f"not whole: {finding.message}"
            scene.note(Check.COLD, finding.file, finding.offset, what, remedy=_UNFINISHED)
        else:
            scene.broken(Check.COLD, finding.file, finding.offset, finding.message)
    for name in DiskIO().names(scene.disk.folder.parent / FOLDER):
        if ColdName.parse(name) is None:
            shown = f"{FOLDER}/{name.encode('utf-8', 'replace').decode()}"
            remedy = "Delete it if it is of no use; no reader looks at it."
            scene.note(Check.COLD, shown, None, "no cold file; ignored", remedy=remedy)
    for file in sources.shelf.files:
        for part in file.index.parts:
            scene.looked(Check.COLD)
            _judge_part(scene, file, part)


def _judge_part(scene: Scene, file: ColdFile, part: Part) -> None:
    shown, begin = f"{FOLDER}/{file.name}", file.base + part.offset
    path = scene.disk.folder.parent / FOLDER / str(file.name)
    data = DiskIO().read(path, begin, part.size).data
    if sha256(data).hexdigest() != part.sha256:
        has_own = str(part.segment) in scene.disk.sources.own
        remedy = (
            "Nothing needs to be done: readers read the segment's own file." if has_own else RESTORE
        )
        what = f"the copy of {part.segment} has other bytes than its index says"
        scene.broken(Check.COLD, shown, begin, what, remedy=remedy)
