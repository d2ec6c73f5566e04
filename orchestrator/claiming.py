"""Work that only one host shall do at a time, guarded by a claim in the project's log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from events.log.port import Claim
from orchestrator.errors import ClaimHeld
from orchestrator.project import Project

_log = structlog.get_logger(__name__)

#: What claims are of, and how it is said of the host that has one.
SETTLE = "settle"
TRASH = "trash"
RELINK = "relink"
IMPORT = "import"
ADOPT = "adopt"
_DOING = {
    SETTLE: "finishes what a host that is gone left half done",
    TRASH: "empties the trash",
    RELINK: "looks for files that were renamed",
    IMPORT: "imports the project",
    ADOPT: "takes over jobs",
    "cold": "puts old files of its log together",
}
#: The key of what there is only once in a project.
ALL = "all"


@asynccontextmanager
async def claimed(project: Project, kind: str, key: str = ALL) -> AsyncIterator[Claim]:
    """Have a claim while something is done.

    A claim keeps two hosts from doing the same for nothing; it is no lock. A host that slept may
    go on beside its successor, so what is done here must be harmless if it is done twice.

    Raises:
        ClaimHeld: another host has it.
        OrchestratorError: the project cannot be changed now.
    """
    claim = await project.claim(kind, key)
    if claim is None:
        raise ClaimHeld(_DOING.get(kind, f"is at work ({kind})"), await project.claimant(kind, key))
    _log.debug("claim.taken", project=str(project.root), kind=kind, key=key, epoch=claim.epoch)
    try:
        yield claim
    finally:
        # Also if we are cancelled: the others should not have to wait for the claim's own end.
        await asyncio.shield(asyncio.to_thread(claim.release))
