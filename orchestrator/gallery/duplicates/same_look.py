"""Pictures that look the same."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.gallery.duplicates.alike import Alike
from orchestrator.gallery.duplicates.cache import Kind
from orchestrator.gallery.duplicates.looking import Looking
from orchestrator.gallery.duplicates.looks import Look, read_look
from orchestrator.gallery.duplicates.near import clusters
from orchestrator.gallery.duplicates.report import Candidate, oldest_first


def same_look(looking: Looking, pictures: Sequence[Candidate], threshold: int) -> list[Alike]:
    """Pictures that look the same as the oldest of them. Blocks.

    Args:
        looking: The search.
        pictures: Among which.
        threshold: In how many of 64 bits a look may differ from that of the group's oldest.

    Raises:
        ValueError: The threshold is out of range.
    """
    looks = looking.hashes(pictures, Kind.LOOK, read_look)
    by_look: dict[Look, list[Candidate]] = {}
    for file in oldest_first(file for file in pictures if file.path in looks):
        by_look.setdefault(Look.parsed(looks[file.path]), []).append(file)
    found: list[Alike] = []
    for plain in (False, True):
        bits = (look.bits for look in by_look if look.plain is plain)
        for cluster in clusters(bits, threshold, looking.stop.is_set):
            members = [cluster.centre, *(value for value, _ in cluster.others)]
            files = [file for value in members for file in by_look[Look(value, plain)]]
            distance = max((distance for _, distance in cluster.others), default=0)
            if len(files) > 1:
                found.append(Alike(str(Look(cluster.centre, plain)), tuple(files), distance))
    return found
