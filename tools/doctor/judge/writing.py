"""Whether what is written is soon durable, soon seen by others, and exclusive. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from tools.doctor.checks import Check, Figure, Verdict
from tools.doctor.figures import Spread, told
from tools.doctor.measure.racing import Race
from tools.doctor.measure.visibility import Visibility
from tools.doctor.mountinfo import Kind
from tools.doctor.watching import Way

#: An append that is slower makes people wait (p50, p99), or makes the service refuse (seconds).
SLOW_P50, SLOW_P99, TOO_SLOW = 0.05, 1.0, 10.0
#: No server has flushed a disk, and answered, in less (seconds).
IMPLAUSIBLE = 0.00005
#: Others read every 250 ms and must have seen an edit after 1.5 s; they list every 5 s (seconds).
SEEN_LATE, SEEN_TOO_LATE, LISTED_LATE = 1.0, 5.0, 5.0

_WAYS = {
    Way.REOPEN: "opened anew, as the log is read",
    Way.HELD: "read through a held handle",
    Way.STAT: "size asked for",
    Way.LISTING: "new name in the listing",
    Way.LOOKUP: "new name asked for before it was there",
}


@frozen
class Between:
    """Who watched, and who raced: it says what a measurement is worth."""

    #: Name of the other host; None if it was another process of this one.
    host: str | None

    def __str__(self) -> str:
        where = "two processes of this host" if self.host is None else f"this host and {self.host}"
        return f"between {where}"


def judge_appends(took: list[float], kind: Kind | None) -> Check:
    """Appending a line, durably."""
    spread = Spread.of(took)
    expected = f"p50 below {told(SLOW_P50)}, p99 below {told(SLOW_P99)}"
    if spread is None:
        return Check(
            name="fsync",
            verdict=Verdict.BAD,
            measured="not one append was durable in the time it was given",
            expected=expected,
            remedy="Check the server and the network; then try again with more --seconds.",
        )
    verdict, note, remedy = Verdict.OK, "", ""
    if kind is not None and kind.crosses_hosts and spread.p50 < IMPLAUSIBLE:
        verdict = Verdict.WARN
        note = "; quicker than any server can be, so fsync seems to do nothing"
        remedy = "Mount the share so that fsync reaches the server, by the system's own client."
    elif spread.p99 > TOO_SLOW:
        verdict = Verdict.BAD
        remedy = "Check the disks and the load of the server, and the network to it."
    elif spread.p50 > SLOW_P50 or spread.p99 > SLOW_P99:
        verdict = Verdict.WARN
        remedy = "Check the disks and the load of the server; Wi-Fi is too slow for this."
    return Check(
        name="fsync",
        verdict=verdict,
        measured=f"{spread} of {spread.count:,} appends{note}",
        expected=expected,
        remedy=remedy,
        figures=spread.figures(),
    )


def judge_visibility(seen: Visibility, between: Between) -> Iterator[Check]:
    """Each way of looking."""
    for way in Way:
        yield _way(way, seen, between)
    if seen.wrong:
        yield Check(
            name="visibility.bytes",
            verdict=Verdict.BAD,
            measured=f"{seen.wrong:,} looks showed bytes that nobody had written",
            expected="what was written, or nothing yet",
            remedy="Do not use this share for projects; check its server's disks and its version.",
            figures={"wrong": seen.wrong, "nuls": seen.nuls},
        )
    elif seen.nuls:
        yield Check(
            name="visibility.bytes",
            verdict=Verdict.OK,
            measured=f"{seen.nuls:,} looks showed NULs for a moment; readers wait for the bytes",
            expected="what was written, or nothing yet",
            figures={"wrong": 0, "nuls": seen.nuls},
        )


def _way(way: Way, seen: Visibility, between: Between) -> Check:
    spread, unseen = Spread.of(seen.delays[way]), seen.unseen(way)
    figures: dict[str, Figure] = {"lines": seen.lines, "unseen": unseen}
    parts = [_WAYS[way]]
    if spread is not None:
        figures |= spread.figures()
        parts.append(str(spread))
    if unseen:
        parts.append(f"{unseen:,} of {seen.lines:,} not seen within {told(seen.patience)}")
    if seen.doubt:
        figures["doubt_ms"] = round(seen.doubt * 1000, 3)
        parts.append(f"give or take {told(seen.doubt)}")
    verdict, expected, remedy = _on(way, spread, unseen)
    return Check(
        name=f"visibility.{way.value}",
        verdict=verdict,
        measured=f"{'; '.join(parts)}; {between}",
        expected=expected,
        remedy=remedy,
        figures=figures,
    )


def _on(way: Way, spread: Spread | None, unseen: int) -> tuple[Verdict, str, str]:
    p99 = float("inf") if spread is None else spread.p99
    match way:
        case Way.REOPEN:
            expected = f"p99 below {told(SEEN_LATE)}"
            if unseen or p99 > SEEN_TOO_LATE:
                remedy = "Mount the share with cache=strict (SMB), or without nocto (NFS)."
                return Verdict.BAD, expected, remedy
            if p99 > SEEN_LATE:
                return Verdict.WARN, expected, "Check the load of the server, and the network."
            return Verdict.OK, expected, ""
        case Way.LISTING:
            expected = f"p99 below {told(LISTED_LATE)}"
            if unseen or p99 > LISTED_LATE:
                return Verdict.WARN, expected, "Lower acdirmax (or actimeo) of the mount."
            return Verdict.OK, expected, ""
        case _:
            return Verdict.OK, "any: nothing here looks in this way", ""


def judge_race(raced: Race, between: Between) -> Check:
    """Exclusive creation."""
    ours, theirs = len(raced.ours), len(raced.theirs)
    holds = not raced.both and not raced.nobody
    faults = f"{raced.both:,} won by both, {raced.nobody:,} by nobody"
    return Check(
        name="exclusive",
        verdict=Verdict.OK if holds else Verdict.BAD,
        measured=f"of {raced.names:,} names {ours:,} and {theirs:,} won; {faults}; {between}",
        expected="each name won by exactly one",
        remedy=""
        if holds
        else "Do not let two hosts use this mount; use the system's own SMB or NFS client.",
        figures={
            "names": raced.names,
            "ours": ours,
            "theirs": theirs,
            "both": raced.both,
            "nobody": raced.nobody,
        },
    )
