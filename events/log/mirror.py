"""A host's own copy of all writers' lines, on local disk, for when the share loses some.

One file per writer, `{writer}.{host}.jsonl`, with its lines from the first on, byte for byte:
headers and seals are left out, since they say where lines stood, not what was recorded. A line
is added only after it was accepted as following from the one before, so a copy is always a whole
and proven beginning of its log. It is disposable: what is missing is read again from the share.

Lines are taken in memory and written in larger pieces, so that following costs nothing more. A
local disk that is full or fails never harms it: what could not be kept is caught up on later.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from attrs import define, frozen

from events import codec
from events.codec import MAX_LINE, LineError
from events.ids import ALPHABET, WRITER_LENGTH
from events.log.disk_io import DiskIO
from events.log.segments import SegmentName
from events.record import Position

#: So many bytes are gathered in memory before they are written.
GATHER_BYTES = 4 << 20
#: After an error of the local disk nothing is written for so many seconds.
REST_SECONDS = 60.0
_SUFFIX = ".jsonl"
#: Made if it is not there, and never cut off by opening it.
_OPEN_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


@frozen
class End:
    """How far a copy goes: its last line, that line's `k`, and the bytes up to there."""

    sequence: int
    chain: str
    size: int


@define
class _Waiting:
    """Lines of one writer that are not in its file yet."""

    end: End
    parts: list[bytes]


class Mirror:
    """The copies of one project's logs. Thread-safe: readers and the writer's thread add lines."""

    def __init__(
        self, folder: Path, project: str, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        """`folder` is local, and is made when there is something to be kept."""
        self._folder = folder
        self._project = project
        self._monotonic = monotonic
        self._lock = threading.Lock()
        #: The end of each copy as it lies on disk, and what waits behind it.
        self._ends: dict[str, End] = {}
        #: The sizes of the files when they were last looked at or written.
        self._sizes: dict[str, int] = {}
        self._waiting: dict[str, _Waiting] = {}
        self._gathered = 0
        self._failed = float("-inf")
        #: Why the local disk took nothing the last time; None if it did.
        self.fault: str | None = None

    def take(self, who: str, begin: Position, end: Position, lines: bytes) -> None:
        """Add accepted lines of `who` (`writer.host`), which stand between two positions.

        Lines that the copy has already are passed over; what does not continue it is left out,
        and caught up on. Blocks now and then; never raises for what the local disk does.
        """
        with self._lock:
            known = self._end_with_waiting(who)
            if end.sequence <= known.sequence:
                return
            if begin.sequence < known.sequence:
                begin, lines = _behind(known, lines)
            if (begin.sequence, begin.chain) != (known.sequence, known.chain):
                return
            waiting = self._waiting.setdefault(who, _Waiting(known, []))
            waiting.parts.append(lines)
            waiting.end = End(end.sequence, end.chain, known.size + len(lines))
            self._gathered += len(lines)
            if self._gathered >= GATHER_BYTES:
                self._write()

    @property
    def resting(self) -> bool:
        """Whether the local disk failed a moment ago, so that nothing is written."""
        return self._monotonic() - self._failed < REST_SECONDS

    def flush(self) -> None:
        """Write what was gathered. Blocks; an error is told by `fault`, and caught up on."""
        with self._lock:
            self._write()

    def _write(self) -> None:
        waiting, self._waiting, self._gathered = self._waiting, {}, 0
        if not waiting or self.resting:
            return
        for who, lines in waiting.items():
            path = self._folder / f"{who}{_SUFFIX}"
            size = self._end(who).size
            try:
                self._folder.mkdir(parents=True, exist_ok=True)
                with os.fdopen(os.open(path, _OPEN_FLAGS, 0o644), "r+b") as file:
                    if file.seek(0, os.SEEK_END) != self._sizes[who]:
                        # Another program of this host works on the project, too, and has added
                        # to the copy. Ours comes again if it is still missing.
                        self._ends.pop(who, None)
                        continue
                    file.seek(size)
                    file.writelines(lines.parts)
                    # A copy that was longer, or torn, ends where the proven lines end.
                    file.truncate()
            except OSError as exc:
                self.fault, self._failed = f"{path}: {exc}", self._monotonic()
                self._ends.pop(who, None)  # looked up anew: part of it may be there
                return
            self._ends[who] = lines.end
            self._sizes[who] = lines.end.size
        self.fault = None

    def end(self, who: str) -> End:
        """How far the copy of a writer goes, with what is not written yet. Blocks."""
        with self._lock:
            return self._end_with_waiting(who)

    def ends(self) -> dict[str, End]:
        """How far each copy goes. Blocks."""
        with self._lock:
            names = {path.name.removesuffix(_SUFFIX) for path in self._paths()}
            return {who: self._end_with_waiting(who) for who in sorted({*names, *self._waiting})}

    def size(self) -> int:
        """Bytes on local disk. Blocks."""
        return sum(path.stat().st_size for path in self._paths())

    def behind(self, positions: Mapping[str, Position]) -> dict[str, Position]:
        """Those writers of whom more was read than is kept, and where to read on for them. Blocks.

        The segment is not known then; a reader finds the place by the number and the `k`.
        """
        ends = {who: self.end(who) for who, at in positions.items() if at.sequence}
        return {
            who: Position(end.sequence, end.chain, 0, 0)
            for who, end in ends.items()
            if end.sequence < positions[who].sequence
        }

    def lines(self, who: str) -> Iterator[tuple[int, bytes]]:
        """The copied lines of a writer that are proven from the first on, with their numbers.

        Each has its newline. It ends at the first line that is not good: a copy that a crash or
        the local disk has damaged is still good up to there. Blocks.
        """
        self.flush()
        writer, _, host = who.partition(".")
        good = End(0, codec.seed(self._project, writer, host).decode(), 0)
        try:
            file = (self._folder / f"{who}{_SUFFIX}").open("rb")
        except FileNotFoundError:
            return
        with file:
            while line := file.readline(MAX_LINE + 1):
                try:
                    chain = codec.check_record(line.removesuffix(b"\n"), good.chain.encode())
                except LineError:
                    break
                if not line.endswith(b"\n"):
                    break
                good = End(good.sequence + 1, chain.decode(), good.size + len(line))
                yield good.sequence, line
            else:
                return
        with self._lock:  # what stands behind the damage is read again from the share
            self._waiting.pop(who, None)
            self._ends[who] = good

    def _paths(self) -> Iterator[Path]:
        if self._folder.is_dir():
            yield from (p for p in self._folder.glob(f"*{_SUFFIX}") if _is_copy(p.name))

    def _end_with_waiting(self, who: str) -> End:
        waiting = self._waiting.get(who)
        return self._end(who) if waiting is None else waiting.end

    def _end(self, who: str) -> End:
        known = self._ends.get(who)
        if known is None:
            known = self._ends[who] = self._look(who)
        return known

    def _look(self, who: str) -> End:
        """The end of a copy as it lies on disk; a torn or damaged last line does not count."""
        writer, _, host = who.partition(".")
        nothing = End(0, codec.seed(self._project, writer, host).decode(), 0)
        self._sizes[who] = 0
        path = self._folder / f"{who}{_SUFFIX}"
        try:
            size = self._sizes[who] = path.stat().st_size
            # Two lines: the last one proves itself by the one before.
            begin = max(0, size - 2 * MAX_LINE)
            data = DiskIO().read(path, begin, size - begin).data
        except OSError:
            return nothing
        whole = data[: data.rfind(b"\n") + 1]
        lines = whole[-2 * MAX_LINE :].split(b"\n")[:-1]
        while lines:
            last = lines.pop()
            before = nothing.chain.encode() if not lines else codec.chain_of(lines[-1])
            if lines or begin == 0:
                try:
                    chain = codec.check_record(last, before)
                    sequence = int(codec.parse(last)["s"])
                    return End(sequence, chain.decode(), begin + len(whole))
                except (LineError, KeyError, TypeError, ValueError):
                    whole = whole[: len(whole) - len(last) - 1]
        return nothing


def _behind(known: End, lines: bytes) -> tuple[Position, bytes]:
    """Those of `lines` that stand behind the line `known`; nothing fits if that is not there."""
    mark = b',"k":"%b"}\n' % known.chain.encode()
    place = lines.find(mark)
    if place < 0:
        return Position(-1, "", 0, 0), b""
    return Position(known.sequence, known.chain, 0, 0), lines[place + len(mark) :]


def _is_copy(name: str) -> bool:
    writer, _, host = name.removesuffix(_SUFFIX).partition(".")
    if len(writer) != WRITER_LENGTH or not set(writer) <= set(ALPHABET):
        return False
    return SegmentName.parse(str(SegmentName(writer, host, 1))) is not None
