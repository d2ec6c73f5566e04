"""What an examination says of one thing: its verdict, what was measured, and what to do. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

from attrs import field, frozen

#: A measured value, for machines.
Figure = float | int | str | bool | None


class Verdict(StrEnum):
    """What a check came to."""

    OK = "ok"
    #: It works, but worse than it should, or only with care.
    WARN = "warn"
    #: Something that the log or the gallery relies on does not hold.
    BAD = "bad"
    #: It could not be looked at; `measured` says why.
    SKIPPED = "skipped"


@frozen(kw_only=True)
class Check:
    """One thing that was looked at."""

    #: Stable, for machines: `fsync`, `mount.cache`.
    name: str
    verdict: Verdict
    #: What was found, and what ought to be, for people.
    measured: str
    expected: str = ""
    #: One imperative sentence; empty if nothing needs to be done.
    remedy: str = ""
    #: The bare values.
    figures: Mapping[str, Figure] = field(factory=dict)


def skipped(name: str, why: str, remedy: str = "") -> Check:
    """A check that could not be made."""
    return Check(name=name, verdict=Verdict.SKIPPED, measured=why, remedy=remedy)


def worst(checks: Iterable[Check]) -> Verdict:
    """The verdict on all: bad before warn before ok. What was skipped counts as ok."""
    found = {check.verdict for check in checks}
    return next((v for v in (Verdict.BAD, Verdict.WARN) if v in found), Verdict.OK)
