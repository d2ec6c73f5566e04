"""What readers make of the log: do they take just what is good, and tell what they leave out?"""

from __future__ import annotations

from attrs import frozen

from events.log.port import Finding
from events.log.reader import LogReader
from events.record import Position
from events.registry import Unknown
from projections.catalogue import empty_tables
from projections.fold import Tables, state_hash
from tools.audit.findings import Affected, Check
from tools.audit.scene import Scene
from tools.audit.writer import Summary

_REPORT = "Report this with a copy of the log: the program reads its own format wrongly."


@frozen
class Replay:
    """One reading of the whole log."""

    tables: Tables
    records: int
    unknown: int
    positions: dict[str, Position]
    findings: tuple[Finding, ...]


def replay(scene: Scene) -> Replay:
    """Read and fold everything, as a service does when it opens the project."""
    tables = empty_tables()
    reader = _reader(scene)
    count = unknown = 0
    for records in reader.read():
        tables.apply(records)
        count += len(records)
        unknown += sum(1 for record in records if record.event.__class__ is Unknown)
    return Replay(tables, count, unknown, reader.positions(), reader.findings())


def otherwise(scene: Scene, summaries: tuple[Summary, ...]) -> Tables:
    """Fold everything in another order: writers backwards, each one's lines backwards by pieces.

    Besides, reading begins anew behind each writer's first piece, as after a restart.
    """
    tables = empty_tables()
    everybody = {summary.writer for summary in summaries}
    for summary in reversed(summaries):
        others = everybody - {summary.writer}
        first = _reader(scene)
        first.skip = others
        begin = next(first.read(), [])
        second = _reader(scene, first.positions())
        second.skip = others
        for records in second.read():
            tables.apply(reversed(records))
        tables.apply(reversed(begin))
    return tables


def _reader(scene: Scene, start: dict[str, Position] | None = None) -> LogReader:
    disk = scene.disk
    return LogReader(disk.folder, scene.project, disk=disk, start=start)


def judge(scene: Scene, replayed: Replay, summaries: tuple[Summary, ...]) -> None:
    """Compare what readers took with what is good."""
    for summary in summaries:
        scene.looked(Check.READER, Check.TOLD)
        at = replayed.positions.get(summary.who)
        taken = (0, "") if at is None else (at.sequence, at.chain)
        if taken[0] != summary.good or (taken[0] and taken[1] != summary.chain):
            what = f"lines up to {summary.good} are good, but readers take those up to {taken[0]}"
            scene.broken(Check.READER, summary.who, None, what, remedy=_REPORT)
        told = any(finding.file.startswith(f"{summary.who}.") for finding in replayed.findings)
        if summary.good < summary.top and not told:
            what = f"readers stop at record {summary.good} and tell nobody"
            affected = Affected(summary.who, summary.good + 1)
            scene.broken(Check.TOLD, summary.who, None, what, remedy=_REPORT, affected=affected)
    scene.looked(Check.COUNTED)
    counted = sum(len(stamps) for stamps in replayed.tables.unknown.values())
    if counted != replayed.unknown:
        what = f"{replayed.unknown} events of unknown types were read, but {counted} counted"
        scene.broken(Check.COUNTED, "log", None, what, remedy=_REPORT)


def compare(scene: Scene, one_way: Tables, other_way: Tables) -> str:
    """Whether two orders gave the same state; its hash."""
    scene.looked(Check.AGAIN)
    first, second = state_hash(one_way.pack()), state_hash(other_way.pack())
    if first != second:
        what = f"the state is {first} in one order and {second} in another"
        scene.broken(Check.AGAIN, "log", None, what, remedy=_REPORT)
    return first
