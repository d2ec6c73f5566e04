"""What a file that does not belong into the log's folder probably is, for people. Pure."""

from __future__ import annotations

import re

from events.log.segments import SegmentName

#: How tools that copy folders to and fro name what two places wrote: Dropbox, Syncthing,
#: Nextcloud, OneDrive, Resilio, and file managers.
_CONFLICT = re.compile(
    r"conflict|sync-conflict|\.sync|kopie|copy|copie|\(\d+\)|case clash|_conf\(|~\d",
    re.IGNORECASE,
)


def explain(name: str) -> str:
    """Why a name is not read, and what to do about it."""
    if _CONFLICT.search(name):
        return (
            "a copy that a sync tool or a file manager made; ignored. Let no tool copy .gallery "
            "between two places: each host must mount the one share. If the log is well without "
            "it, this file can be removed"
        )
    if SegmentName.parse(name.lower()) is not None:
        return "a segment whose name has capital letters; ignored. Give it its old name"
    return "not a segment; ignored"
