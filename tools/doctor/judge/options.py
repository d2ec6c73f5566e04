"""What the options of SMB and NFS mounts mean to the log. Pure tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from tools.doctor.checks import Verdict
from tools.doctor.mountinfo import Kind

#: Seconds for which a client may believe what it knows of files: a second is what SMB does by
#: itself, a minute what NFS does.
LONG_SMB, LONG_NFS = 5.0, 60.0


class Ruling(NamedTuple):
    """What an option means."""

    verdict: Verdict
    says: str
    remedy: str = ""


#: From the option's value to what it means; None if it is not worth a word.
Rule = Callable[[str], Ruling | None]


def _fine(says: str) -> Rule:
    return lambda _value: Ruling(Verdict.OK, says)


def _bad(says: str, remedy: str) -> Rule:
    return lambda _value: Ruling(Verdict.BAD, says, remedy)


def _warn(says: str, remedy: str) -> Rule:
    return lambda _value: Ruling(Verdict.WARN, says, remedy)


_NO_LOCKS = _fine(
    "locks stay on this host; the log uses none. Keep databases of other programs off this share"
)


def _cache(value: str) -> Ruling:
    match value:
        case "strict":
            return Ruling(Verdict.OK, "what is read is asked for anew unless the server vouches")
        case "none":
            return Ruling(Verdict.OK, "nothing is kept by the client: safe, and slower to read")
        case "loose":
            says = "the client believes what it has read before, so records of others stay unseen"
        case "singleclient":
            says = "the client assumes that nobody else writes here"
        case "ro":
            says = "the client assumes that nobody writes here at all"
        case _:
            return Ruling(Verdict.WARN, "not known to this program", "Use cache=strict.")
    return Ruling(Verdict.BAD, says, "Mount the share with cache=strict or cache=none.")


def _smb_version(value: str) -> Ruling:
    if value.startswith("3") or value == "default":
        return Ruling(Verdict.OK, "a current dialect")
    if value.startswith("2"):
        says = "an old dialect, without what keeps files open over an outage"
        return Ruling(Verdict.WARN, says, "Mount the share with vers=3.1.1, or leave vers out.")
    says = "SMB 1: slow, unsafe, and without a dependable flush"
    return Ruling(Verdict.BAD, says, "Mount the share with vers=3.1.1, or leave vers out.")


def _nfs_version(value: str) -> Ruling:
    if value.startswith("4"):
        return Ruling(Verdict.OK, "files are opened at the server, so each opening asks it")
    if value.startswith("3"):
        says = "older, and not among what was measured; what is measured here decides"
        return Ruling(Verdict.WARN, says, "Mount the share with vers=4.2 if the server has it.")
    says = "too old: creating a file exclusively is not safe"
    return Ruling(Verdict.BAD, says, "Mount the share with vers=4.2.")


def _charset(value: str) -> Ruling | None:
    if value in {"utf8", "utf-8"}:
        return None
    says = "names with other letters than it has cannot be seen"
    return Ruling(Verdict.WARN, says, "Mount the share with iocharset=utf8.")


def _believes(longest: float) -> Rule:
    def rule(value: str) -> Ruling:
        try:
            seconds = float(value)
        except ValueError:
            return Ruling(Verdict.WARN, "not a number of seconds", "Leave it out.")
        if seconds <= longest:
            return Ruling(
                Verdict.OK, "sizes and times may be so many seconds old; the log does not use them"
            )
        says = "new names and sizes of other hosts' files may stay unseen for so many seconds"
        return Ruling(Verdict.WARN, says, f"Leave it out, or set it to {longest:.0f} at the most.")

    return rule


_SMB: Mapping[str, Rule] = {
    "cache": _cache,
    "vers": _smb_version,
    "soft": _fine(
        "while the server is away, calls fail after some seconds (EHOSTDOWN) instead of waiting; "
        "the log then goes on in a new file"
    ),
    "hard": _fine("while the server is away, calls wait; the log has limits of its own"),
    "nobrl": _NO_LOCKS,
    "nolock": _NO_LOCKS,
    "actimeo": _believes(LONG_SMB),
    "acregmax": _believes(LONG_SMB),
    "acdirmax": _believes(LONG_SMB),
    "closetimeo": _fine(
        "files stay open at the server for so many seconds after closing; if this host dies, "
        "others may wait for them for a minute (0 avoids it)"
    ),
    "nostrictsync": _bad(
        "fsync does not reach the server, so a power cut takes what was acknowledged",
        "Mount the share without nostrictsync.",
    ),
    "noserverino": _warn(
        "files have numbers that the client makes up, so a file that was renamed elsewhere is "
        "found again only by its content",
        "Mount the share without noserverino, if its server can number its files.",
    ),
    "nocase": _fine("names are compared without regard to case"),
    "nolease": _fine("nothing is kept after closing; a host that dies blocks nobody"),
    "iocharset": _charset,
}

_NFS: Mapping[str, Rule] = {
    "vers": _nfs_version,
    "nocto": _bad(
        "opening a file does not ask the server, so records of others stay unseen",
        "Mount the share without nocto.",
    ),
    "soft": _warn(
        "while the server is away, calls fail; a file that is being copied may then end short. "
        "The log notices, and goes on in a new file",
        "Mount the share with hard, which is the default.",
    ),
    "softerr": _warn(
        "while the server is away, calls fail; a file that is being copied may then end short. "
        "The log notices, and goes on in a new file",
        "Mount the share with hard, which is the default.",
    ),
    "hard": _fine("while the server is away, calls wait; the log has limits of its own"),
    "nolock": _NO_LOCKS,
    "local_lock": lambda value: None if value == "none" else _NO_LOCKS(value),
    "noac": _fine("every look at a file asks the server: right, slower, and not needed"),
    "actimeo": _believes(LONG_NFS),
    "acregmax": _believes(LONG_NFS),
    "acdirmax": _believes(LONG_NFS),
    "lookupcache": lambda value: (
        None
        if value == "all"
        else Ruling(Verdict.OK, "names that are not there are asked for anew")
    ),
}

_BARRIER = _bad(
    "the disk may keep back what was flushed, so a power cut takes what was acknowledged",
    "Mount the disk with barriers, which is the default.",
)
_LOCAL: Mapping[str, Rule] = {
    "nobarrier": _BARRIER,
    "barrier": lambda value: _BARRIER(value) if value == "0" else None,
}

RULES: Mapping[Kind, Mapping[str, Rule]] = {Kind.SMB: _SMB, Kind.NFS: _NFS, Kind.LOCAL: _LOCAL}
