"""What a check is that could not be finished: the share failed it, or did not answer. Pure."""

from __future__ import annotations

import errno

from tools.doctor.checks import Check, Verdict

_SERVER = "Check that the server is up, and the share mounted."
_REMEDIES = {
    errno.EROFS: "Mount the share with rw, if this host shall edit.",
    errno.EACCES: "Let this user write into .gallery of the project.",
    errno.EPERM: "Let this user write into .gallery of the project.",
    errno.ENOSPC: "Free space on the share.",
    errno.EDQUOT: "Free space on the share, or raise the quota.",
}


def failed(name: str, exc: OSError) -> Check:
    """The share refused a call that it must not refuse."""
    code = errno.errorcode.get(exc.errno or 0, "OSError")
    return Check(
        name=name,
        verdict=Verdict.BAD,
        measured=f"{code}: {exc}",
        expected="no error",
        remedy=_REMEDIES.get(exc.errno or 0, _SERVER),
        figures={"errno": code},
    )


def unanswered(name: str, reason: str) -> Check:
    """Something did not come in time."""
    return Check(
        name=name,
        verdict=Verdict.BAD,
        measured=reason,
        expected="an answer in time",
        remedy=_SERVER,
    )
