"""Verifying a log from begin to end, as a whole or a part of its writers. Reads only; blocks.

What readers take is decided by `events.log.reader` alone, which proves every chain. Around it,
everything that tells of lines is held against what it took: seals, later segments, marks of other
hosts, and this host's own copy.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from hashlib import sha256
from pathlib import Path

from attrs import define, field, frozen

from events.log.disk_io import Chunk, DiskIO
from events.log.gaps import Gaps
from events.log.mirror import Mirror
from events.log.port import HARMLESS as HARMLESS_TAILS
from events.log.port import Finding, Tail
from events.log.reader import LogReader
from events.log.segments import SegmentName, is_repair, sort_out
from events.log.skim import skimming
from events.record import Position
from events.registry import BY_CLASS
from events.witness import LogMarked
from projections.witness import Head, heads_of
from tools.audit.snapshot import Snapshot
from tools.verify.findings import Found, Kind, LogReport, Report
from tools.verify.keys import Keys
from tools.verify.segments import look

#: Begins a piece of work: its name and its bytes.
Phase = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
#: The events that are looked into.
MARKED = BY_CLASS[LogMarked].name
#: No segment is nearly as large; what is larger is not looked into but by readers.
_LARGEST = 64 << 20


@frozen
class Subset:
    """Every `of`-th log, so that large projects can be verified in `of` parts."""

    part: int
    of: int

    def has(self, writer: str, host: str) -> bool:
        """Whether a log belongs to this part."""
        digest = sha256(f"{writer}.{host}".encode()).digest()
        return int.from_bytes(digest[:8]) % self.of == self.part - 1


ALL = Subset(1, 1)


def verify(
    gallery: Path,
    project: str,
    *,
    mirror: Mirror | None = None,
    gaps: Gaps | None = None,
    subset: Subset = ALL,
    phase: Phase,
) -> Report:
    """Verify the log in a project's `.gallery`.

    Args:
        gallery: the folder.
        project: the project's id, as FORMAT tells it.
        mirror: this host's copy, if it has one.
        gaps: what people have given up.
        subset: which logs.
        phase: told of each long piece of work, with its bytes; gives what is called with the
            bytes that were done.

    Raises:
        OSError: the log folder, or a segment, cannot be read.
    """
    disk = Snapshot(gallery / "log")
    work = _Work(disk, project, mirror, gaps or Gaps(), subset)
    with phase("verify", 2 * sum(disk.sizes[name] for name in work.files())) as disk.advance:
        work.read()
        work.read_again()
        work.look()
    work.hold_copies()
    work.hold_marks()
    work.finish()
    return work.report


@define
class _Work:
    """One verification."""

    disk: Snapshot
    project: str
    mirror: Mirror | None
    gaps: Gaps
    subset: Subset
    report: Report = field(init=False)
    logs: dict[str, LogReport] = field(factory=dict)
    taken: dict[str, Keys] = field(factory=dict)
    #: What hosts have told of each log.
    marks: dict[str, set[tuple[Head, str]]] = field(factory=lambda: defaultdict(set))
    findings: tuple[Finding, ...] = ()
    #: From where to where each segment was read, by log and number.
    read_from: dict[tuple[str, int], tuple[int, int]] = field(factory=dict)
    #: Logs that some of the lines that were put back belong to.
    mended: set[str] = field(factory=set)

    def __attrs_post_init__(self) -> None:
        self.report = Report(self.project)
        listing = sort_out(self.disk.listing)
        for (writer, host), numbers in listing.segments.items():
            if not self.subset.has(writer, host):
                continue
            names = [str(SegmentName(writer, host, number)) for number in numbers]
            log = LogReport(writer, host, len(names), sum(self.disk.sizes[n] for n in names))
            self.logs[log.who] = log
            self.taken[log.who] = Keys.of(self.project, log.who)
            if any(is_repair(number) for number in numbers):
                self.mended.add(log.who)
        self._judge_names(listing.foreign)

    def _judge_names(self, foreign: tuple[str, ...]) -> None:
        if self.subset.part == 1:
            for name in foreign:
                shown = name.encode("utf-8", "replace").decode()
                what = "no segment of a log; ignored"
                remedy = "Delete it if it is of no use; a sync tool may have left a copy."
                self._tell(Kind.FOREIGN, shown, None, what, remedy)
        hosts = defaultdict(list)
        for log in self.logs.values():
            hosts[log.writer].append(log.host)
        for writer, several in hosts.items():
            if len(several) > 1:
                what = f"the hosts {', '.join(several)} have a writer of the same id"
                remedy = "See whether files were copied and renamed; remove the copies."
                self._tell(Kind.FORK, writer, None, what, remedy)

    def files(self) -> Iterator[str]:
        """Names of the segments that are looked at."""
        for name in self.disk.sizes:
            parsed = SegmentName.parse(name)
            if parsed is not None and f"{parsed.writer}.{parsed.host}" in self.logs:
                yield name

    def read(self) -> None:
        """Read as every host reads, and collect the marks."""
        reader = LogReader(self.disk.folder, self.project, disk=_Part(self.disk, self.files()))
        taken = self.taken

        def take(who: str, begin: Position, end: Position, lines: bytes) -> None:
            taken[who].add(begin.sequence, lines)
            first, last = self.read_from.get((who, end.segment), (begin.offset, begin.offset))
            if last == begin.offset:
                self.read_from[who, end.segment] = (first, end.offset)

        reader.sink = take
        reader.gaps = self.gaps
        reader.scan = skimming(MARKED)
        for records in reader.read():
            for record in records:
                if record.event.__class__ is LogMarked:
                    assert isinstance(record.event, LogMarked)  # see above
                    for who, head in heads_of(record.event).items():
                        self.marks[who].add((head, record.host))
        self.findings = (*reader.findings(), *self.disk.sources.findings())
        for who, keys in taken.items():
            self.logs[who].lines = self.logs[who].known = keys.last

    def look(self) -> None:
        """Hold each segment against what was taken."""
        for name in self.files():
            parsed, size = SegmentName.parse(name), self.disk.sizes[name]
            assert parsed is not None  # see `files`
            who = f"{parsed.writer}.{parsed.host}"
            if size > _LARGEST:
                what = f"{size} bytes; no segment may be so large, and this one was not looked into"
                self._tell(Kind.CHAIN, name, None, what, "Find out what wrote there.")
                continue
            data = self.disk.read(self.disk.folder / name, 0, size).data
            looked = look(
                parsed,
                self.project,
                data,
                self.taken[who],
                self.read_from.get((who, parsed.number), (0, 0)),
            )
            self.logs[who].known = max(self.logs[who].known, looked.known)
            self.report.seals += looked.sealed
            self.report.found += looked.found

    def hold_copies(self) -> None:
        """Hold this host's own copy against the logs."""
        if self.mirror is None:
            return
        for who, end in self.mirror.ends().items():
            writer, _, host = who.partition(".")
            if end.sequence and self.subset.has(writer, host):
                self._hold_copy(self.mirror, who)

    def _hold_copy(self, mirror: Mirror, who: str) -> None:
        taken, last = self._keys(who), 0
        for sequence, line in mirror.lines(who):
            last = sequence
            known = taken.key(sequence)
            if known is not None and known != line[-35:-3]:
                what = f"line {sequence} is not the one that this host has read before"
                remedy = "Compare with another host's copy, and restore the log from a backup."
                self._tell(Kind.COPY, who, None, what, remedy)
                break
        self.logs[who].copied = last
        self.logs[who].known = max(self.logs[who].known, last)

    def hold_marks(self) -> None:
        """Hold what hosts have told of logs against the logs."""
        for who, marks in sorted(self.marks.items()):
            writer, _, host = who.partition(".")
            if not self.subset.has(writer, host) or _is_no_log(writer, host):
                self.report.marks_elsewhere += len(marks)
                continue
            for head, by in sorted(marks, key=lambda mark: mark[0]):
                self.report.marks += 1
                self._hold_mark(who, head, by)

    def _hold_mark(self, who: str, head: Head, by: str) -> None:
        if head.sequence > self._keys(who).last:
            self._read_on(who)
        log = self.logs[who]
        log.marked = max(log.marked, head.sequence)
        key = self._keys(who).key(head.sequence)
        if key is None:
            log.known = max(log.known, head.sequence)
        elif key != head.chain.encode():
            what = f"line {head.sequence} is not the one that host {by} has read"
            remedy = f"Look for the true lines on host {by}: `orchestrator log verify` there."
            self._tell(Kind.MARK, who, None, what, remedy)

    def read_again(self) -> None:
        """Look once more at what was alarming: a segment may have been begun in between."""
        for finding in self.findings:
            name = SegmentName.parse(finding.file)
            if finding.kind in HARMLESS_TAILS or name is None:
                continue
            others = [f for f in self.findings if f.file != finding.file]
            self.findings = (*others, *self._read_on(f"{name.writer}.{name.host}"))

    def _read_on(self, who: str) -> tuple[Finding, ...]:
        """Read a log as it is now: lines may have come after we looked."""
        reader = LogReader(self.disk.folder, self.project, disk=DiskIO())
        reader.skip = {log.writer for log in self.logs.values() if log.who != who}
        fresh = Keys.of(self.project, who)
        reader.scan = skimming(MARKED)

        def take(whose: str, begin: Position, _end: Position, lines: bytes) -> None:
            if whose == who:
                fresh.add(begin.sequence, lines)

        reader.sink = take
        reader.gaps = self.gaps
        for _records in reader.read():
            pass
        self.taken[who], log = fresh, self.logs[who]
        log.lines, log.known = fresh.last, max(log.known, fresh.last)
        return tuple(f for f in reader.findings() if f.kind is not Tail.FOREIGN)

    def _keys(self, who: str) -> Keys:
        """What was taken of a log; of one that is gone, nothing."""
        if who not in self.logs:
            writer, _, host = who.partition(".")
            self.logs[who] = LogReport(writer, host, 0, 0)
            self.taken[who] = Keys.of(self.project, who)
        return self.taken[who]

    def finish(self) -> None:
        """Say what is lost, and let go of what is mended."""
        for who, log in sorted(self.logs.items()):
            if log.lost is not None:
                self._tell(Kind.CHAIN, who, None, self._loss(log), self._remedy(log))
            self.report.logs.append(log)
        for finding in self.findings:
            if finding.kind in HARMLESS_TAILS:
                if finding.kind is not Tail.FOREIGN:
                    remedy = "Nothing needs to be done."
                    self._tell(Kind.TAIL, finding.file, finding.offset, finding.message, remedy)
            else:
                remedy = "Run `orchestrator log repair` on each host that has worked on it."
                self._tell(Kind.CHAIN, finding.file, finding.offset, finding.message, remedy)
        self.report.found = [self._as_mended(found) for found in self.report.found]
        self.report.found.sort(key=lambda found: (not found.broken, found.file, found.offset or 0))

    def _as_mended(self, found: Found) -> Found:
        """Damage whose lines were put back elsewhere is no loss any more."""
        name = SegmentName.parse(found.file)
        who = None if name is None else f"{name.writer}.{name.host}"
        settled = who in self.mended or (who is not None and self.gaps.has(who))
        if who is None or not settled or self.logs[who].lost or found.kind not in _MENDABLE:
            return found
        how = "mended: its lines stand in a repair segment" if who in self.mended else "given up"
        what = f"{found.what} ({how})"
        remedy = "Nothing needs to be done."
        return Found(kind=Kind.TAIL, file=found.file, offset=found.offset, what=what, remedy=remedy)

    def _loss(self, log: LogReport) -> str:
        assert log.lost is not None  # see the caller
        first, last = log.lost
        lines = f"line {first} is" if first == last else f"lines {first} to {last} are"
        return f"{lines} missing for all who read this log now"

    def _remedy(self, log: LogReport) -> str:
        if log.restorable is None:
            return "Run `orchestrator log repair` on each host that has worked on the project."
        first, last = log.restorable
        return f"Run `orchestrator log repair` here: this host has lines {first} to {last}."

    def _tell(self, kind: Kind, file: str, offset: int | None, what: str, remedy: str) -> None:
        found = Found(kind=kind, file=file, offset=offset, what=what, remedy=remedy)
        self.report.found.append(found)


#: What a repair makes good.
_MENDABLE = frozenset({Kind.SEAL, Kind.CHAIN})


class _Part(DiskIO):
    """A snapshot of which only some segments are shown."""

    def __init__(self, disk: Snapshot, names: Iterator[str]) -> None:
        self._disk = disk
        self._names = list(names)

    def names(self, folder: Path) -> list[str]:
        """See `DiskIO`."""
        return self._names

    def read(self, path: Path, offset: int, limit: int) -> Chunk:
        """See `DiskIO`."""
        return self._disk.read(path, offset, limit)


def _is_no_log(writer: str, host: str) -> bool:
    """Whether a mark names something that cannot be a log: history cannot be refused."""
    return SegmentName.parse(str(SegmentName(writer, host, 1))) is None
