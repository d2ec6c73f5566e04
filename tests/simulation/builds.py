"""The product as it is, and builds of it that are broken on purpose: each must be caught."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path

from attrs import frozen

from events import codec
from events.log import folder
from events.log.disk_io import Chunk
from events.log.lines import Line
from events.log.segment_file import SegmentFile
from events.log.segments import is_full
from events.log.writer import SegmentWriter, _Group
from events.stamp import COUNTER_BITS, HybridClock
from tests.simulation.mount import Mount
from tests.simulation.plan import Plan


@frozen
class Build:
    """A way to run the product."""

    name: str
    mount: type[Mount] = Mount
    #: What is replaced while it runs.
    patched: Callable[[], AbstractContextManager[None]] = nullcontext
    #: Among the first so many seeds that suit, one at least must break a promise. A seed suits if
    #: what it takes to show the fault can happen there.
    within: int = 0
    suits: Callable[[Plan], bool] = lambda _: True


@contextmanager
def _replaced(owner: object, name: str, value: object) -> Iterator[None]:
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


class _NoSync(Mount):
    """Nothing is ever synced."""

    def sync(self, descriptor: int) -> None:
        self.world.enter(self, "sync", "")

    def sync_folder(self, folder: Path) -> None:
        self.world.enter(self, "sync_folder", "")


class _HeldHandles(Mount):
    """Files stay open for reading: the client asks the server anew when its caches expire."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]  # the same as the base class
        self._held: dict[str, tuple[int, bytes]] = {}

    def read(self, path: Path, offset: int, limit: int) -> Chunk:
        where, now = str(path), self.world.now
        asked, data = self._held.get(where, (0, b""))
        if now - asked >= self.profile.held:
            super().read(path, offset, limit)
            data = self.server.names[where].data
            self._held[where] = (now, data)
        return Chunk(data[offset : offset + limit], len(data))


def _unchecked(line: bytes, previous: bytes) -> bytes:
    """`codec.check_record` without looking at the hash."""
    if len(line) < 40 or line[-40:-34] != b',"k":"':
        raise codec.LineError("it has no hash")
    return line[-34:-2]


class _WallClock(HybridClock):
    """Times as the wall clock says them."""

    def tick(self) -> int:
        return self._wall() << COUNTER_BITS


class _SealFirst(SegmentWriter):
    """A full segment is sealed before the next one is there."""

    def _put(self, lines: Sequence[Line]) -> None:
        segment = self._segment
        if segment is not None and is_full(segment.size, self._wall() - segment.opened):
            segment.seal(self._head.sequence, segment.number + 1)
            self._segment = None
        super()._put(lines)


class _AckFirst(SegmentWriter):
    """Who waits is told before anything is written."""

    def _write(self, batch: list[_Group]) -> None:
        for group in batch:
            group.future.set_result([record for line in group.lines for record in line.records])
        with suppress(OSError):
            self._put([line for group in batch for line in group.lines])


def _sync_again(self: SegmentFile, data: bytes, count: int) -> None:
    """`SegmentFile.put` that tries a failed fsync once more, which then says that all is well."""
    self._disk.write(self._descriptor, data, self.size)
    try:
        self._disk.sync(self._descriptor)
    except OSError:
        self._disk.sync(self._descriptor)
    self._note(data, count)


def _with(*kinds: str) -> Callable[[Plan], bool]:
    return lambda plan: not {step.kind for step in plan.steps}.isdisjoint(kinds)


def _with_errors(plan: Plan) -> bool:
    return plan.faults > 0.01


SOUND = Build("sound")
BROKEN = (
    Build("no fsync", mount=_NoSync, within=10),
    Build(
        "no chain check",
        patched=lambda: _replaced(codec, "check_record", _unchecked),
        within=80,
        suits=_with("rot"),
    ),
    Build("held handles", mount=_HeldHandles, within=10),
    Build("wall clock", patched=lambda: _replaced(folder, "HybridClock", _WallClock), within=5),
    Build(
        "sync again",
        patched=lambda: _replaced(SegmentFile, "put", _sync_again),
        within=80,
        suits=_with_errors,
    ),
    Build(
        "sealed too soon",
        patched=lambda: _replaced(folder, "SegmentWriter", _SealFirst),
        within=150,
        suits=_with_errors,
    ),
    Build(
        "told too soon", patched=lambda: _replaced(folder, "SegmentWriter", _AckFirst), within=10
    ),
)
BUILDS = {build.name: build for build in (SOUND, *BROKEN)}
