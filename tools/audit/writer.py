"""One writer's log, segment by segment: everything that can be told from its bytes.

It is a second reading of the format, beside that of `events.log.reader`: where the two take
different lines, one of them is wrong, and the audit says so.
"""

from __future__ import annotations

from hashlib import sha256

from attrs import define, field, frozen

from events import codec
from events.codec import LineError
from events.log.frame import Header, Seal, is_seal
from events.log.segments import SegmentName, is_repair
from tools.audit.chain import Chain
from tools.audit.ends import Ends
from tools.audit.examine import Examined, examine
from tools.audit.findings import Affected, Check
from tools.audit.heads import Met, Owner, seal_faults
from tools.audit.record_checks import RecordChecks
from tools.audit.scene import Scene
from tools.audit.snapshot import RawLine

_MISSING = "Restore the missing files from a backup of the share; readers then read on."
_AGAIN = (
    "Audit again in a minute: on network shares bytes may arrive late. If it stays, restore this "
    "file from a backup of the share."
)
_TRANSACTION = b'"t":"tx"'
#: What every complete line is looked at for.
_OF_EACH_LINE = (
    Check.BYTES,
    Check.SIZE,
    Check.CHAIN,
    Check.JSON,
    Check.SEQUENCE,
    Check.FIELDS,
)


@frozen
class Summary:
    """What one writer's log comes to."""

    writer: str
    host: str
    segments: tuple[int, ...]
    #: Lines that readers can take, the `k` of the last of them, and the highest number seen.
    good: int
    chain: str
    top: int

    @property
    def who(self) -> str:
        """As positions name it."""
        return f"{self.writer}.{self.host}"


@define(kw_only=True)
class _Segment:
    """The segment being looked at."""

    number: int = field(kw_only=False)
    file: str = field(kw_only=False)
    #: Whether its header says that it is of this writer.
    ours: bool
    #: Whether readers can be here at all, and have met nothing wrong yet.
    readable: bool
    #: Whether lines here are missed if readers do not take them: not if a later segment goes on.
    counts: bool
    #: The next number and the `k` before it; None where damage hides them.
    due: int | None = None
    previous: bytes | None = None
    count: int = 0
    #: A stretch that may have been cut off: fine at the end, damage before more lines.
    unfinished: RawLine | None = None
    sealed: bool = False


@define
class WriterAudit:
    """Walks through the segments of one writer in their order."""

    scene: Scene
    owner: Owner
    numbers: tuple[int, ...]
    #: Whether its host has begun anew, so that nothing will ever be added.
    outlived: bool
    _top: int = 0
    #: The last line met in a segment of ours, and its `k`.
    _met: tuple[int, bytes | None] = (0, None)
    _chain: Chain = field(init=False)
    _headers: dict[int, Header] = field(factory=dict)
    _records: RecordChecks = field(init=False)
    _ends: Ends = field(init=False)

    def __attrs_post_init__(self) -> None:
        owner = self.owner
        self._chain = Chain(codec.seed(owner.project, owner.writer, owner.host))
        self._records = RecordChecks(self.scene)
        self._ends = Ends(self.scene, self.numbers[-1], self.outlived)

    def run(self) -> Summary:
        """Look at everything.

        Raises:
            OSError: a segment cannot be read.
        """
        for number in self.numbers:
            first = next(self.scene.disk.lines(self._file(number), len), None)
            header = self.owner.own_header(number, first.data) if first is not None else None
            if header is not None:
                self._headers[number] = header
        for number in self.numbers:
            self._walk(number)
        good = self._chain.last
        chain = self._chain.key(good)
        assert chain is not None  # all good lines are in it
        writer, host = self.owner.writer, self.owner.host
        return Summary(writer, host, self.numbers, good, chain.decode(), self._top)

    def _file(self, number: int) -> str:
        return str(SegmentName(self.owner.writer, self.owner.host, number))

    def _from(self, sequence: int | None) -> Affected:
        return Affected(self.owner.who, self._chain.last + 1 if sequence is None else sequence)

    def _fits(self, header: Header) -> bool:
        """Whether readers that took the good lines so far can go on behind this header."""
        known = self._chain.key(header.base - 1)
        return header.base <= self._chain.last + 1 and known == header.previous

    def _is_settled(self, number: int) -> bool:
        """Whether a later segment continues at the place that was reached, whatever stands here."""
        return any(self._fits(h) for later, h in self._headers.items() if later > number)

    def _walk(self, number: int) -> None:
        digest = sha256()
        lines = self.scene.disk.lines(self._file(number), digest.update)
        at = self._begin(number, next(lines, None))
        if at is None:
            return
        for raw in lines:
            if at.sealed:
                self._ends.behind_seal(at.file, raw.offset)
                return
            if not raw.complete or b"\0" in raw.data:
                at.unfinished = at.unfinished or raw
            elif is_seal(raw.data):
                self._seal(at, raw, digest.hexdigest())
            elif not self._line(at, raw):
                self._ends.abandoned(at.file, raw.offset)
                return
        self._ends.size(at.file)
        if not at.sealed:
            settled = self._is_settled(number)
            self._ends.unsealed(at.file, number, at.unfinished, settled=settled)

    # The header.

    def _begin(self, number: int, first: RawLine | None) -> _Segment | None:
        """Judge the header; None if there is nothing behind it to look at."""
        file, scene = self._file(number), self.scene
        if first is None or not first.complete:
            self._ends.no_header(file, number)
            return None
        scene.looked(Check.HEADER)
        try:
            header = Header.decode(first.data)
        except LineError as exc:
            if self._is_settled(number):
                self._ends.abandoned(file, 0)
                return None
            what = f"its first line is no good header: {exc}"
            scene.broken(Check.HEADER, file, 0, what, affected=self._from(None))
            return _Segment(number, file, ours=False, readable=False, counts=True)
        scene.looked(Check.PLACE, Check.PROJECT, Check.CONTINUITY)
        misplaced = self.owner.misplaced(number, header)
        if misplaced is not None:
            check, what = misplaced
            remedy = "Move it back to where it belongs: it was copied or renamed."
            scene.broken(check, file, 0, what, remedy=remedy, affected=self._from(None))
        else:
            self._judge_continuity(file, header)
        ours = misplaced is None
        readable = ours and self._fits(header)
        counts = readable or not self._is_settled(number)
        if counts and ours:
            self._top = max(self._top, header.base - 1)
        return _Segment(
            number,
            file,
            ours=ours,
            readable=readable,
            counts=counts,
            due=header.base,
            previous=header.previous,
        )

    def _judge_continuity(self, file: str, header: Header) -> None:
        before = header.base - 1
        known = self._chain.key(before)
        if known is None and before == self._met[0]:
            known = self._met[1]
        if known is not None and known != header.previous:
            fork = f"it does not continue the chain of record {before}"
            affected = self._from(header.base)
            self.scene.broken(Check.CONTINUITY, file, 0, fork, affected=affected)
        elif before > self._top:
            missing = f"records {self._top + 1} to {before} are missing before it"
            affected = self._from(None)
            self.scene.broken(
                Check.CONTINUITY, file, 0, missing, remedy=_MISSING, affected=affected
            )
        # Else the record before it is damaged, and was found where it stands.

    # Lines.

    def _line(self, at: _Segment, raw: RawLine) -> bool:
        """Look at a line; False if the rest of the segment was abandoned by its writer."""
        hole, affected = at.unfinished, self._from(at.due)
        if hole is not None:
            at.due = at.previous = None
        found = examine(raw, at.previous, at.due, self.owner.writer, self.owner.host)
        broken = hole is not None or bool(found.faults)
        if broken and at.readable and self._is_settled(at.number):
            return False
        self.scene.looked(*_OF_EACH_LINE)
        if _TRANSACTION in raw.data:
            self.scene.looked(Check.TRANSACTION)
        if hole is not None:
            what = "a stretch of NULs, and lines behind it"
            self.scene.broken(
                Check.BYTES, at.file, hole.offset, what, remedy=_AGAIN, affected=affected
            )
        for fault in found.faults:
            self.scene.broken(fault.check, at.file, raw.offset, fault.what, affected=affected)
        at.readable = at.readable and not broken
        at.unfinished = None
        at.count += 1
        # A line without `k` is none of the writer's: it says nothing of what comes next.
        at.previous, at.due = found.key, None if found.key is None else found.sequence + 1
        if at.counts:
            self._top = max(self._top, found.sequence)
        if at.ours:
            self._met = found.sequence, found.key
        if at.readable:
            self._take(at, raw, found)
        return True

    def _take(self, at: _Segment, raw: RawLine, found: Examined) -> None:
        """A line that is good, where readers can be."""
        assert found.key is not None  # else it has a fault
        known = self._chain.key(found.sequence)
        if known is None:
            self._chain.add(found.key)
            self._records.look(found, at.file, raw.offset)
            self._ends.age(at.file, raw.offset, int(found.time[:12], 16))
            return
        self.scene.looked(Check.REPEATS)
        if known != found.key:
            what = f"record {found.sequence} stands here a second time, but otherwise"
            affected = self._from(found.sequence)
            self.scene.broken(Check.REPEATS, at.file, raw.offset, what, affected=affected)
            at.readable = False

    # The seal.

    def _seal(self, at: _Segment, raw: RawLine, digest: str) -> None:
        at.sealed = True
        self.scene.looked(Check.SEAL)
        try:
            seal = Seal.decode(raw.data)
        except LineError as exc:
            self._bad_seal(at, raw, str(exc))
            return
        last = None if at.due is None else at.due - 1
        met = Met(at.number, last, at.count, raw.offset, digest)
        for fault in seal_faults(seal, met):
            self._bad_seal(at, raw, fault)
        if seal.next is None:
            later = [n for n in self.numbers if n > at.number and not is_repair(n)]
            if later and not is_repair(at.number):
                self._bad_seal(at, raw, "it ends the log, but there are later segments")
            return
        self.scene.looked(Check.NEXT)
        if seal.next not in self.numbers:
            what = f"its seal names segment {seal.next}, which is missing"
            affected = Affected(self.owner.who, seal.last + 1)
            self.scene.broken(
                Check.NEXT, at.file, raw.offset, what, remedy=_MISSING, affected=affected
            )

    def _bad_seal(self, at: _Segment, raw: RawLine, what: str) -> None:
        told = f"the seal is wrong: {what}"
        affected = self._from(at.due)
        self.scene.broken(Check.SEAL, at.file, raw.offset, told, affected=affected)
