"""Who watches while we write: an assistant on another host, a deaf one, or none. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from tools.doctor.checks import Check, Verdict, skipped
from tools.doctor.judge.naming import judge_clock
from tools.doctor.measure.times import Clocks
from tools.doctor.second import Second

_NAME = "second_host"


def nobody_assists() -> Check:
    """Only a process of this host watches, which has the same caches."""
    return skipped(
        _NAME,
        "no other host assists, so caches between hosts are not measured",
        "Run `orchestrator doctor PROJECT --assist` on another host, then this again.",
    )


def deaf_assistant(folder: str, reason: str) -> Check:
    """An assistant's folder is there, but nobody answers from it."""
    return Check(
        name=_NAME,
        verdict=Verdict.BAD,
        measured=f"the assistant of {folder} was called: {reason}",
        expected="it begins",
        remedy="If it still runs on another host, compare how both have mounted the share: one "
        f"does not see what the other writes. If none runs, delete .gallery/{folder}.",
    )


def judge_second(second: Second) -> Iterator[Check]:
    """An assistant on another host, and its clock."""
    yield Check(
        name=_NAME,
        verdict=Verdict.OK,
        measured=f"{second.host} assists",
        expected="another host assists",
        figures={"host": second.host, "round_trip_ms": round(second.round_trip * 1000, 3)},
    )
    clocks = Clocks(second.ahead / 1e9, second.doubt / 1e9)
    yield judge_clock(clocks, f"{_NAME}.clock", f"the clock of {second.host}")
