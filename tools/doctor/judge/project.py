"""What the project's own log, the room on the share, and other services mean. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from events.log.port import HARMLESS
from orchestrator.wording import number, size
from tools.doctor.checks import Check, Verdict, skipped
from tools.doctor.figures import told
from tools.doctor.judge.naming import CLOCK_LIMIT, judge_clock
from tools.doctor.measure.own_log import LogSeen, NoLogError
from tools.doctor.measure.peers import PeerSeen
from tools.doctor.measure.times import Clocks

#: With less room left pictures soon find none; with still less the log does not (bytes).
LITTLE_ROOM, NO_ROOM = 5 << 30, 64 << 20
#: A service that has not read everything after so long lags (seconds).
LAGGING = 15.0


def judge_space(free: int, total: int) -> Check:
    """Room on the share."""
    if total <= 0:
        return skipped("space", "the share does not tell how much room it has")
    verdict = Verdict.BAD if free < NO_ROOM else Verdict.WARN if free < LITTLE_ROOM else Verdict.OK
    return Check(
        name="space",
        verdict=verdict,
        measured=f"{size(free)} of {size(total)} free",
        expected=f"at least {size(LITTLE_ROOM)}",
        remedy=""
        if verdict is Verdict.OK
        else "Free space: empty the trash of projects, or delete what is not needed.",
        figures={"free": free, "total": total},
    )


def judge_log(seen: LogSeen, now_ms: int) -> Iterator[Check]:
    """The log: what was left out, who writes, whether we may, and whose clock is wrong."""
    left_out = [finding for finding in seen.findings if finding.kind not in HARMLESS]
    lines = sum(writer.lines for writer in seen.writers)
    first = f"; first: {left_out[0].file}, {left_out[0].message}" if left_out else ""
    yield Check(
        name="log",
        verdict=Verdict.BAD if left_out else Verdict.OK,
        measured=f"{number(len(seen.writers), 'writer')}, {number(lines, 'line')}, "
        f"{size(seen.bytes)}; {number(len(left_out), 'place')} left out{first}",
        expected="nothing left out",
        remedy="Run `orchestrator log audit` on the project." if left_out else "",
        figures={
            "project": seen.project,
            "writers": len(seen.writers),
            "lines": lines,
            "bytes": seen.bytes,
            "left_out": len(left_out),
        },
    )
    yield from _hosts(seen, now_ms)
    if seen.read_only is not None:
        yield Check(
            name="log.read_only",
            verdict=Verdict.BAD,
            measured=seen.read_only,
            expected="this host may write",
            remedy="Update this program, or let this user write into .gallery, as the reason says.",
        )


def _hosts(seen: LogSeen, now_ms: int) -> Iterator[Check]:
    """When each host was last heard: by its own clock, as records have no other."""
    newest: dict[str, int] = {}
    for writer in seen.writers:
        if writer.newest_ms is not None:
            newest[writer.host] = max(writer.newest_ms, newest.get(writer.host, 0))
    for host, at in sorted(newest.items()):
        ahead = (at - now_ms) / 1000
        future = ahead > CLOCK_LIMIT
        when = f"{_age(ahead)} ahead of this host's clock" if future else f"{_age(-ahead)} ago"
        yield Check(
            name=f"log.host.{host}",
            verdict=Verdict.WARN if future else Verdict.OK,
            measured=f"newest record {when}",
            expected=f"none more than {told(CLOCK_LIMIT)} in the future",
            remedy="Let that host set its clock by NTP." if future else "",
            figures={"newest_ms": at, "age_seconds": round(-ahead, 1)},
        )


def _age(seconds: float) -> str:
    """A span in the largest unit that fits; none below zero."""
    seconds = max(0.0, seconds)
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= 2 * length:
            return number(int(seconds // length), unit)
    return f"{seconds:.0f} s"


def judge_no_log(error: NoLogError) -> Check:
    """A log that cannot be read."""
    if not error.damaged:
        return skipped("log", str(error), "If it should have a log, see that the share is mounted.")
    return Check(
        name="log",
        verdict=Verdict.BAD,
        measured=str(error),
        expected="a log that this program reads",
        remedy="Do as the reason says, or update this program.",
    )


def judge_leftovers(names: Sequence[str]) -> Check | None:
    """Folders of other examinations; None if there are none."""
    if not names:
        return None
    return Check(
        name="leftovers",
        verdict=Verdict.WARN,
        measured=f"{', '.join(names)} in .gallery: a doctor at work, or one that was cut off",
        expected="no other doctor",
        remedy="Delete these folders if no doctor runs on any host.",
        figures={"folders": len(names)},
    )


def judge_peer(seen: PeerSeen, caught_up: float | None, behind: int) -> Iterator[Check]:
    """Another service: how it is, and whether it has read what we have.

    `caught_up` is after how many seconds it had; None if `behind` lines were still missing.
    """
    ill = bool(seen.read_only)
    yield Check(
        name=f"peer.{seen.url}",
        verdict=Verdict.WARN if ill else Verdict.OK,
        measured=f"version {seen.version}, answered in {told(seen.took)}"
        + "".join(f"; cannot write {reason}" for reason in seen.read_only),
        expected="it answers, and can write",
        remedy="Do on that host what the reason says." if ill else "",
        figures={"version": seen.version, "answered_ms": round(seen.took * 1000, 3)},
    )
    if seen.ahead is not None:
        clocks = Clocks(seen.ahead, seen.took / 2)
        yield judge_clock(clocks, f"peer.{seen.url}.clock", "its clock")
    name = f"peer.{seen.url}.lag"
    if seen.positions is None:
        yield skipped(name, f"it does not tell how far it has read: {seen.why}")
        return
    late = caught_up is None
    yield Check(
        name=name,
        verdict=Verdict.WARN if late else Verdict.OK,
        measured=f"{number(behind, 'line')} behind after {told(LAGGING)}"
        if caught_up is None
        else f"had read all that this host sees, after {told(caught_up)}",
        expected=f"all read within {told(LAGGING)}",
        remedy="Run the doctor on that host, and look at its log." if late else "",
        figures={
            "behind": behind,
            "caught_up_ms": None if caught_up is None else round(caught_up * 1000, 3),
        },
    )


def judge_silent_peer(url: str, reason: str) -> Check:
    """A service that does not answer."""
    return Check(
        name=f"peer.{url}",
        verdict=Verdict.BAD,
        measured=reason,
        expected="it answers",
        remedy="Start the service there, and open its port to this host.",
    )
