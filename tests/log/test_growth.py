"""A project over a year: its files, its openings and its following stay within bounds."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from attrs import define, field

from events.assets import AssetId
from events.codec import draft
from events.curation import AssetRated
from events.ids import writer_id
from events.log import cold
from events.log.consolidate import Consolidator
from events.log.disk_io import Chunk, DiskIO
from events.log.folder import FolderLog
from events.log.format_file import Format
from events.log.port import HARMLESS
from events.log.segments import SegmentName
from events.log.sources import Sources
from events.record import Position
from projections.catalogue import empty_tables
from projections.fold import Tables, state_hash
from tests.log.builders import PROJECT

HOSTS = ("host-a", "host-b", "host-c")
RESTARTS, EVENTS = 5, 500
DAY_MS = 24 * 3600 * 1000
BEGIN_MS = 1_700_000_000_000
GALLERY = Path("/share/.gallery")

#: What FORMAT.md and docs/log-growth.md promise for each host. In `log/`: the incarnations of the
#: thirty days for which an original stays, and of the while until enough wait for a copy, twice
#: (what is copied last is removed last). In `cold/`: three files in each of four tiers, and what
#: was merged within thirty days.
MOST_SEGMENTS = 31 * RESTARTS + 2 * cold.ENOUGH
MOST_COLD = 3 * 4 + 2 * (31 * RESTARTS // cold.ENOUGH + 1)


class MemoryDisk(DiskIO):
    """A share in memory; it counts what is asked of it."""

    def __init__(self) -> None:
        self.folders: dict[Path, dict[str, bytearray]] = {}
        self._open: dict[int, bytearray] = {}
        self.calls = 0
        self.bytes_read = 0

    def create(self, path: Path) -> int:
        folder = self.folders.setdefault(path.parent, {})
        if path.name in folder:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
        folder[path.name] = bytearray()
        descriptor = len(self._open)
        self._open[descriptor] = folder[path.name]
        return descriptor

    def write(self, descriptor: int, data: bytes, offset: int) -> None:
        self._open[descriptor][offset:] = data

    def size(self, descriptor: int) -> int:
        return len(self._open[descriptor])

    def sync(self, descriptor: int) -> None:
        """Memory is durable enough."""

    def close(self, descriptor: int) -> None:
        """Nothing is held."""

    def sync_folder(self, folder: Path) -> None:
        """Memory is durable enough."""

    def make_folder(self, folder: Path) -> None:
        self.folders.setdefault(folder, {})

    def remove(self, path: Path) -> None:
        self.folders.get(path.parent, {}).pop(path.name, None)

    def names(self, folder: Path) -> list[str]:
        self.calls += 1
        return list(self.folders.get(folder, {}))

    def read(self, path: Path, offset: int, limit: int) -> Chunk:
        self.calls += 1
        data = self.folders.get(path.parent, {}).get(path.name)
        if data is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(path))
        part = bytes(data[offset : offset + limit])
        self.bytes_read += len(part)
        return Chunk(part, len(data))


@define
class Service:
    """One host's service: its log, its state, and what it has kept of both since its last end."""

    disk: MemoryDisk
    host: str
    number: int
    clock: Clock
    tables: Tables = field(factory=empty_tables)
    known: dict[str, Position] = field(factory=dict)
    log: FolderLog = field(init=False)
    _started: int = 0

    def start(self) -> None:
        """A new incarnation, which goes on from what is known (as with a checkpoint)."""
        self._started += 1
        ids = partial(writer_id, self.clock.ms, self.number + self._started * len(HOSTS))
        self.log = FolderLog(
            GALLERY,
            Format(PROJECT, "2024"),
            self.host,
            start=self.known,
            disk=self.disk,
            wall_ms=self.clock.now_ms,
            monotonic=self.clock.monotonic,
            new_writer=ids,
            threaded=False,
        )

    def write(self, events: int) -> None:
        """Append so many events."""
        waiting = []
        for number in range(events):
            asset = AssetId(f"{number % 40:032x}")
            waiting.append(self.log.append(draft([AssetRated(asset=asset, stars=number % 6)], "x")))
        while self.log.write_some():
            pass
        for each in waiting:
            self.tables.apply(each.result(timeout=0))

    def follow(self) -> None:
        """Read what others have written."""
        for records in self.log.read():
            self.tables.apply(records)

    def stop(self, *, killed: bool) -> None:
        """End, in good order or not."""
        self.known = dict(self.log.positions())
        if not killed:
            self.log.close()


@define
class Clock:
    """One clock for all hosts."""

    ms: int = BEGIN_MS

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        return self.ms

    def monotonic(self) -> float:
        """Seconds."""
        return self.ms / 1000

    def seconds(self) -> float:
        """Seconds since 1970."""
        return self.ms / 1000


@define
class World:
    """Three hosts on one share."""

    #: How often a host is restarted a day, and how many events all write together.
    restarts: int = RESTARTS
    events: int = EVENTS
    disk: MemoryDisk = field(factory=MemoryDisk)
    clock: Clock = field(factory=Clock)
    services: list[Service] = field(init=False)
    #: All segments that ever were, as they were last seen.
    ever: dict[str, bytes] = field(factory=dict)
    most: dict[str, int] = field(factory=lambda: {"log": 0, "cold": 0})

    @services.default
    def _make_services(self) -> list[Service]:
        return [Service(self.disk, h, n, self.clock) for n, h in enumerate(HOSTS, 1)]

    def files(self, folder: str) -> dict[str, bytearray]:
        """Files of `log` or `cold`."""
        return self.disk.folders.get(GALLERY / folder, {})

    def day(self, number: int, *, consolidate: bool) -> None:
        """Every host is restarted some times, writes, and reads; at its end it consolidates."""
        for restart in range(self.restarts):
            for service in self.services:
                service.start()
                service.write(self.events // self.restarts // len(HOSTS))
            for service in self.services:
                service.follow()
            for service in self.services:
                service.stop(killed=(number + restart) % 7 == 0)
            self.clock.ms += DAY_MS // self.restarts
        for name, data in self.files("log").items():
            self.ever[name] = bytes(data)
        for service in self.services if consolidate else ():
            self.consolidate(service)
        for folder in self.most:
            self.most[folder] = max(self.most[folder], len(self.files(folder)))

    def consolidate(self, service: Service) -> None:
        """All that there is to do; marks tell what each host has read."""
        heads = {each.host: each.known for each in self.services}
        seen = {
            who: {host: known[who].sequence for host, known in heads.items() if who in known}
            for who in service.known
        }
        others = [each.host for each in self.services if each is not service]
        worker = Consolidator(GALLERY, PROJECT, service.host, self.disk, self.clock.seconds)
        running = writer_id(self.clock.ms, 0)
        while worker.step(running, seen, others) is not None:
            pass

    def fresh(self, start: dict[str, Position] | None = None) -> tuple[Tables, FolderLog]:
        """A host that has never seen the project, or comes back with a checkpoint."""
        tables = empty_tables()
        log = FolderLog(
            GALLERY,
            Format(PROJECT, "2024"),
            "host-z",
            start=start,
            disk=self.disk,
            wall_ms=self.clock.now_ms,
            monotonic=self.clock.monotonic,
            threaded=False,
        )
        for records in log.read():
            tables.apply(records)
        return tables, log


def live(world: World, days: int) -> Iterator[tuple[int, World]]:
    """A project that lives for so many days; it is given out after each."""
    for number in range(days):
        world.day(number, consolidate=True)
        yield number, world


def check(world: World) -> None:
    """State, bytes and costs at some moment."""
    state = {state_hash(service.tables.pack()) for service in world.services}
    assert len(state) == 1
    disk = world.disk
    disk.calls = disk.bytes_read = 0
    tables, log = world.fresh()
    assert {state_hash(tables.pack())} == state
    assert [f for f in log.findings() if f.kind not in HARMLESS] == []
    # Opening without a checkpoint: a few looks at each file, and each block of a cold one.
    files = len(world.files("log")) + len(world.files("cold"))
    total = sum(map(len, (*world.files("log").values(), *world.files("cold").values())))
    assert disk.calls <= 5 * files + total // (1 << 20) + 10
    assert disk.bytes_read <= 3 * total
    # Reading on: nobody looks at what has ended.
    disk.calls = 0
    list(log.read())
    assert disk.calls <= 2 + len(world.files("log"))
    # With a checkpoint: its positions, and nothing of what lies in cold files.
    disk.calls = disk.bytes_read = 0
    tables, log = world.fresh(dict(log.positions()))
    assert tables.pack() == empty_tables().pack()
    assert disk.calls <= 2 * files + 10
    assert disk.bytes_read <= (1 << 20) * (len(world.files("cold")) + 1)


def check_bytes(world: World) -> None:
    """Every byte that was ever written can still be read as what it was."""
    sources = Sources(GALLERY / "log", PROJECT, world.disk)
    names = {name for name in sources.names(GALLERY / "log") if SegmentName.parse(name)}
    assert names == set(world.ever)
    for name, data in world.ever.items():
        assert sources.read(GALLERY / "log" / name, 0, len(data) + 1).data == data
    assert sources.findings() == ()


class TestGrowth:
    def test_some_weeks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A reduced year: originals stay for five days, four segments are worth a file (G3, G6)."""
        monkeypatch.setattr(cold, "ENOUGH", 4)
        monkeypatch.setattr(cold, "KEEP_SECONDS", 5 * 24 * 3600.0)
        most_segments, most_cold = 6 * 2 + 2 * 4, 3 * 4 + 2 * (6 * 2 // 4 + 1)
        for number, world in live(World(restarts=2, events=30), 30):
            assert len(world.files("log")) <= most_segments * len(HOSTS), number
            assert len(world.files("cold")) <= most_cold * len(HOSTS), number
            if number % 10 == 9:
                check(world)
        check_bytes(world)
        assert len(world.ever) == 30 * 2 * len(HOSTS)

    def test_consolidating_changes_no_state(self) -> None:
        """The same days without it end in the same state (FORMAT.md G4)."""
        worlds = World(events=60), World(events=60)
        for number in range(8):
            worlds[0].day(number, consolidate=True)
            worlds[1].day(number, consolidate=False)
        assert len(worlds[0].files("cold")) == len(HOSTS)
        assert not worlds[1].files("cold")
        hashes = {state_hash(s.tables.pack()) for world in worlds for s in world.services}

        assert len(hashes) == 1

    @pytest.mark.campaign
    @pytest.mark.timeout(1800)
    def test_a_year(self) -> None:
        """3 hosts, 5 restarts a day each, 500 events a day (FORMAT.md G3, G6)."""
        for number, world in live(World(), 365):
            assert len(world.files("log")) <= MOST_SEGMENTS * len(HOSTS), number
            assert len(world.files("cold")) <= MOST_COLD * len(HOSTS), number
            if number % 60 == 59:
                check(world)
        check(world)
        check_bytes(world)
        total = 365 * RESTARTS * len(HOSTS)
        assert len(world.ever) == total
        print(f"\nof {total} segments: at most {world.most['log']} in log/, "
              f"{world.most['cold']} files in cold/")  # fmt: skip
