"""Cold files: the same bytes elsewhere, and no moment at which a record is missing or doubled."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import orjson
import pytest
from attrs import define, evolve, field

from events.codec import LineError, close, parse
from events.log import cold
from events.log.cold import ColdName, Index, Part, Shelf
from events.log.consolidate import Consolidator, NotVerifiedError
from events.log.disk_io import Chunk, DiskIO
from events.log.folder import proves
from events.log.port import Finding, Tail, Tidied, Tidying
from events.log.reader import LogReader
from events.log.segments import SegmentName
from events.log.sources import Sources
from events.record import Position, Record
from tests.log.builders import (
    PROJECT,
    Builder,
    by_writer,
    drafts,
    flat,
    make_gallery,
    merged,
    writer_name,
)
from tests.log.disks import RecordingDisk

RUNNING = writer_name(900)
DAY = 24 * 3600.0
BEGIN = 1_700_000_000.0


class Quick(DiskIO):
    """The real file system without fsync."""

    def sync(self, descriptor: int) -> None:
        """Nothing needs to outlive a test."""

    def sync_folder(self, folder: Path) -> None:
        """The same for names."""


@define
class Studio:
    """A project in a folder, a host that consolidates, and a clock that is put on by hand."""

    gallery: Path
    disk: DiskIO = field(factory=Quick)
    now: float = BEGIN
    builders: list[Builder] = field(factory=list)
    worker: Consolidator = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.restart()

    def restart(self, disk: DiskIO | None = None) -> None:
        """A new process of the host that consolidates."""
        self.disk = disk or self.disk
        self.worker = Consolidator(self.gallery, PROJECT, "host-a", self.disk, lambda: self.now)

    @property
    def log(self) -> Path:
        """The log folder."""
        return self.gallery / "log"

    @property
    def cold(self) -> Path:
        """The folder of cold files."""
        return self.gallery / cold.FOLDER

    def write(self, *builders: Builder) -> None:
        """Put logs into the folder."""
        self.builders += builders
        for name, data in merged(*builders).items():
            (self.log / name).write_bytes(data)

    def step(self, *, live: Iterable[str] = (), told: int = 10**9) -> Tidied | None:
        """One step; all other hosts have told that they read `told` lines of each log."""
        seen = {builder.who: dict.fromkeys(live, told) for builder in self.builders}
        return self.worker.step(RUNNING, seen, frozenset(live))

    def work(self) -> list[Tidying]:
        """Steps until there is nothing to do."""
        done = []
        while (step := self.step()) is not None:
            done.append(step.work)
        return done

    def reader(self, start: dict[str, Position] | None = None) -> LogReader:
        """A reader of another host."""
        return LogReader(self.log, PROJECT, disk=Quick(), start=start, monotonic=lambda: 0.0)

    def read(self) -> tuple[dict[str, list[Record]], tuple[Finding, ...]]:
        """What a fresh reader reads, and what it leaves out."""
        reader = self.reader()
        return by_writer(flat(reader.read())), reader.findings()

    def wanted(self) -> dict[str, list[Record]]:
        """What it should."""
        return {builder.who: builder.records for builder in self.builders if builder.records}

    def segments(self) -> list[str]:
        """Names in the log folder."""
        return sorted(path.name for path in self.log.iterdir())

    def files(self) -> list[str]:
        """Names of cold files."""
        return sorted(path.name for path in self.cold.iterdir()) if self.cold.exists() else []


def ended(number: int, host: str = "host-a", lines: int = 3) -> Builder:
    """The log of an incarnation that ended in good order."""
    log = Builder(number, host)
    log.add(*drafts(lines))
    log.seal(None)
    return log


def cold_name(name: str) -> ColdName:
    """A name that is one of a cold file."""
    parsed = ColdName.parse(name)
    assert parsed is not None
    return parsed


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three segments are worth a file, two files are merged."""
    monkeypatch.setattr(cold, "ENOUGH", 3)
    monkeypatch.setattr(cold, "FANOUT", 2)


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    """Three ended incarnations of host-a and one of host-b."""
    made = Studio(make_gallery(tmp_path))
    made.write(ended(1), ended(2), ended(3), ended(4, "host-b"))
    return made


def part(number: int, size: int = 100) -> Part:
    """A part of a cold file."""
    segment = SegmentName(writer_name(number), "host-a", 1)
    return Part(segment, 0, size, "0" * 64, 3, "a" * 32, size, int(BEGIN), True)


def index(number: int, *parts: Part) -> Index:
    """An index of such."""
    return cold.laid_out(number, "host-a", PROJECT, int(BEGIN), parts)


def file(number: int, *parts: Part) -> cold.ColdFile:
    """A cold file with such an index."""
    made = index(number, *parts)
    return cold.ColdFile(made.name, made, len(made.encode()))


class TestFormat:
    def test_an_index_comes_back(self) -> None:
        """What a cold file holds can be read from its first line (FORMAT.md G1)."""
        made = index(7, part(2), part(1))

        assert Index.decode(made.encode().rstrip(b"\n")) == made
        assert [p.offset for p in made.parts] == [0, 101]
        assert made.size == 202
        name = str(made.name)
        assert name == f"host-a.{writer_name(1)}-{writer_name(2)}.000007.jsonl"
        assert ColdName.parse(name) == made.name

    def test_the_longest_index_is_a_line(self) -> None:
        """No index is longer than any other line may be (FORMAT.md G1)."""
        biggest = Part(
            SegmentName("z" * 16, "h" * 40, 999_999),
            cold.MAX_BYTES,
            cold.MAX_BYTES,
            "f" * 64,
            10**9,
            "f" * 32,
            cold.MAX_BYTES,
            10**10,
            False,
        )
        line = Index(999_999, "h" * 40, PROJECT, int(BEGIN), 1, (biggest,) * cold.MAX_PARTS)

        assert len(line.encode()) < 1 << 20

    def test_any_change_of_an_index_is_noticed(self) -> None:
        """Cut off or changed at any byte: it is none, or not there yet (FORMAT.md G5)."""
        made = index(1, part(1))
        line = made.encode()
        for place in range(len(line) - 1):
            changed = line[:place] + bytes([line[place] ^ 1]) + line[place + 1 :]
            with pytest.raises(LineError):
                cold.found(made.name, changed, PROJECT)
            assert cold.found(made.name, line[:place], PROJECT) is None
        assert cold.found(made.name, line[:9] + bytes(99) + b"\n", PROJECT) is None

    @pytest.mark.parametrize(
        "field_",
        ['"bytes":"x"', '"parts":5', '"parts":[{"w":"1"}]', '"at":"soon"', '"fmt":2', '"bytes":1'],
    )
    def test_an_index_of_another_shape(self, field_: str) -> None:
        """Its hash holds, and it is still none of ours (FORMAT.md G5)."""
        told = parse(index(1, part(1)).encode().rstrip(b"\n"))
        del told["k"]
        told |= orjson.loads(f"{{{field_}}}")
        line = close(orjson.dumps(told)[:-1])

        with pytest.raises(LineError):
            Index.decode(line.rstrip(b"\n"))

    def test_an_index_of_another_file(self) -> None:
        """A renamed file, or one of another project, is left out (FORMAT.md G5)."""
        made = index(1, part(1))

        with pytest.raises(LineError):
            cold.found(evolve(made.name, number=2), made.encode(), PROJECT)
        with pytest.raises(LineError):
            cold.found(made.name, made.encode(), "another")


class TestDecisions:
    def test_few_segments_wait(self) -> None:
        """A file for every two or three would be no gain."""
        names = [SegmentName(writer_name(n), "host-a", 1) for n in range(1, 9)]

        assert cold.gather([(name, 10) for name in names[:2]]) == []
        assert cold.gather([(name, 10) for name in names]) == names

    def test_large_segments_make_a_full_file(self) -> None:
        """A cold file has an end, so that nothing takes long."""
        names = [SegmentName(writer_name(n), "host-a", 1) for n in range(1, 5)]
        third = cold.MAX_BYTES // 3

        assert cold.gather([(name, third - 1) for name in names]) == names[:3]
        assert cold.gather([(name, third) for name in names]) == names[:2]
        assert cold.gather([(name, cold.MAX_BYTES) for name in names]) == names[:1]

    def test_the_longest_copy_counts(self) -> None:
        """Of several copies of a segment, and of equal ones the latest (FORMAT.md G4)."""
        short, long, again = file(3, part(1, 90)), file(1, part(1, 100)), file(2, part(1, 100))
        shelf = Shelf((short, long, again))

        assert shelf.best[part(1).segment] == (again, again.index.parts[0])
        assert shelf.current() == [again]
        assert shelf.superseded() == [long, short]

    def test_files_of_one_size_are_merged(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """As in a tree, so that their number grows with its logarithm (FORMAT.md G6)."""
        monkeypatch.setattr(cold, "FANOUT", 4)
        monkeypatch.setattr(cold, "ENOUGH", 32)
        files: list[cold.ColdFile] = []
        most = 0
        for number in range(1, 400):
            files.append(file(number, *(part(number * 40 + n) for n in range(32))))
            while taken := cold.to_merge(files):
                assert len(taken) >= 2
                merged_ = [p for each in taken for p in each.index.parts]
                files = [each for each in files if each not in taken]
                files.append(file(number, *merged_))
            full = sum(1 for each in files if len(each.index.parts) > cold.MAX_PARTS // 2)
            most = max(most, len(files) - full)
            assert full <= number * 32 / (cold.MAX_PARTS // 2)
        assert most <= 3 * 4

    def test_a_merged_file_is_not_larger_than_any(self) -> None:
        """Half full ones stay as they are."""
        half = cold.MAX_BYTES // 2
        small_, large = part(1, half - 2), part(2, half)

        assert len(cold.to_merge([file(1, small_), file(2, small_), file(3, small_)])) == 2
        assert cold.to_merge([file(1, large), file(2, large)]) == []

    @pytest.mark.parametrize(
        ("age", "told", "live", "goes"),
        [
            (31, {"host-b": 3}, {"host-b"}, True),
            (29, {"host-b": 3}, {"host-b"}, False),
            (31, {"host-b": 2}, {"host-b"}, False),
            (31, {"host-b": 3}, {"host-b", "host-c"}, False),
            (31, {}, set(), True),
        ],
    )
    def test_when_a_segment_may_go(
        self, age: int, told: dict[str, int], live: set[str], goes: bool
    ) -> None:
        """After thirty days, and when all live hosts have told of it (FORMAT.md G3)."""
        one = part(1)

        assert cold.may_go(one, BEGIN + age * DAY, {one.log: told}, live) is goes


class TestCopies:
    def test_a_copy_is_verbatim_and_plain_lines(self, studio: Studio) -> None:
        """The bytes of the segments, behind one line that says where (FORMAT.md G1)."""
        assert studio.work() == [Tidying.COPIED]

        (name,) = studio.files()
        data = (studio.cold / name).read_bytes()
        found = cold.found(cold_name(name), data, PROJECT)
        assert found is not None
        assert found.complete_size == len(data)
        for kept in found.index.parts:
            begin = found.base + kept.offset
            own = (studio.log / str(kept.segment)).read_bytes()
            assert data[begin : begin + kept.size] == own
        assert data.count(b'"t":"asset.rated"') == 9

    def test_only_ended_incarnations_of_its_own(self, studio: Studio) -> None:
        """Neither the running one, nor another host's (FORMAT.md G2)."""
        studio.write(ended(901), ended(902))

        studio.work()
        studio.now += 40 * DAY
        studio.work()

        left = {SegmentName.parse(name) for name in studio.segments()}
        assert {(s.writer, s.host) for s in left if s} == {
            (writer_name(4), "host-b"),
            (writer_name(901), "host-a"),
            (writer_name(902), "host-a"),
        }

    def test_originals_stay_for_thirty_days(self, studio: Studio) -> None:
        """And go when every live host has told that it has read them (FORMAT.md G3)."""
        studio.work()
        before = studio.segments()
        studio.now += 29 * DAY
        assert studio.step() is None
        assert studio.segments() == before

        studio.now += 2 * DAY
        assert studio.step(live=["host-b"], told=2) is None
        assert studio.segments() == before

        step = studio.step(live=["host-b"], told=3)
        assert step is not None
        assert (step.work, step.pieces) == (Tidying.REMOVED, 3)
        assert len(studio.segments()) == 1

    def test_readers_notice_nothing(self, studio: Studio) -> None:
        """Before, with both, and with the copies alone it is the same (FORMAT.md G4)."""
        for _ in range(3):
            assert studio.read() == (studio.wanted(), ())
            studio.work()
            studio.now += 31 * DAY
        assert len(studio.segments()) == 1
        assert studio.read() == (studio.wanted(), ())

    def test_one_who_stood_in_the_middle_goes_on(self, tmp_path: Path) -> None:
        """A position in a segment holds in its copy, wherever it is (FORMAT.md G4)."""
        one = Builder(1)
        one.add(*drafts(4))
        one.roll()
        one.add(*drafts(5))
        one.seal(None)
        for count in range(10):
            studio = Studio(make_gallery(tmp_path / str(count)))
            early = Builder(1)
            early.add(*drafts(min(count, 4)))
            if count >= 5:
                early.roll()
                early.add(*drafts(count - 4))
            studio.write(early)
            reader = studio.reader()
            known = flat(reader.read())
            studio.builders.clear()
            studio.write(one, ended(2))
            studio.work()
            studio.now += 31 * DAY
            studio.work()
            assert studio.segments() == []

            rest = flat(reader.read())

            assert known + rest == [*one.records, *studio.builders[1].records]
            assert reader.findings() == ()
            again = studio.reader(reader.positions())
            assert flat(again.read()) == []
            assert again.findings() == ()

    def test_it_vanishes_between_listing_and_reading(self, studio: Studio) -> None:
        """Whoever has a stale listing finds the copy (FORMAT.md G4)."""
        studio.work()
        studio.now += 31 * DAY
        sources = Sources(studio.log, PROJECT, Quick())
        names = sources.names(studio.log)
        data = {name: (studio.log / name).read_bytes() for name in names}
        studio.work()
        assert len(studio.segments()) == 1

        for name in names:
            chunk = sources.read(studio.log / name, 5, 10**6)
            assert chunk == Chunk(data[name][5:], len(data[name]))

    def test_a_merged_file_vanishes_between_listing_and_reading(self, studio: Studio) -> None:
        """The same, one step later (FORMAT.md G4)."""
        studio.work()
        studio.write(ended(5), ended(6), ended(7))
        studio.work()
        for path in studio.log.iterdir():
            path.unlink()
        names = studio.files()
        kept = {name: (studio.cold / name).read_bytes() for name in names}
        assert len(kept) == 3
        newest = max(kept, key=cold_name)
        (studio.cold / newest).unlink()
        sources = Sources(studio.log, PROJECT, Quick())
        segments = sources.names(studio.log)
        (studio.cold / newest).write_bytes(kept[newest])
        for name in names:
            if name != newest:
                (studio.cold / name).unlink()

        for segment in segments:
            assert sources.read(studio.log / segment, 0, 99).data.startswith(b'{"seg":1')

    def test_it_is_gone_for_good(self, studio: Studio) -> None:
        """No segment, no copy: it is an alarm, as ever (FORMAT.md R3)."""
        reader = studio.reader()
        flat(reader.read())
        studio.work()
        (studio.cold / studio.files()[0]).unlink()
        (studio.log / studio.builders[0].name()).unlink()

        assert flat(reader.read()) == []
        assert {finding.kind for finding in reader.findings()} == {Tail.ROLLED_BACK}
        sources = Sources(studio.log, PROJECT, Quick())
        with pytest.raises(FileNotFoundError):
            sources.read(studio.log / studio.builders[0].name(), 0, 9)

    def test_torn_ends_are_kept_as_they_are(self, studio: Studio) -> None:
        """Half a line at the end of a killed writer's segment reads the same (FORMAT.md G1)."""
        killed = Builder(5)
        killed.add(*drafts(2))
        killed.raw(b'{"s":3,"h":"00')
        nuls = Builder(6)
        nuls.add(*drafts(2))
        nuls.raw(bytes(40))
        studio.write(killed, nuls, ended(7))
        before = studio.read()
        studio.work()
        studio.now += 31 * DAY
        studio.work()

        assert len(studio.segments()) == 1
        assert studio.read() == before
        assert [finding.kind for finding in before[1]] == [Tail.TORN, Tail.TORN]

    @pytest.mark.parametrize("damage", [b"nonsense\n", b'{"seal":1}\n', b"\0\0\0\n"])
    def test_what_is_damaged_stays_where_it_is(self, studio: Studio, damage: bytes) -> None:
        """Somebody should see it, and may repair it (FORMAT.md G2)."""
        wrong = Builder(5)
        wrong.add(*drafts(2))
        wrong.raw(damage)
        behind = ended(6)
        behind.raw(b"x\n")
        elsewhere = Builder(7, project="01hzprojectxxxxxxxxxxxxxxx")
        headless = Builder(8)
        headless.files[headless.name()] = b'{"seg":'
        bad = Builder(9)
        bad.files[bad.name()] = b'{"seg":1}\n'
        studio.write(wrong, behind, elsewhere, headless, bad)
        studio.work()
        studio.now += 31 * DAY
        studio.work()

        for log in (wrong, behind, elsewhere, headless, bad):
            assert log.name() in studio.segments()
        assert len(studio.segments()) == 6

    def test_repaired_segments_stay(self, studio: Studio) -> None:
        """They belong to whoever put them back (FORMAT.md G2)."""
        put_back = SegmentName(writer_name(1), "host-a", 900_001)

        assert cold.ended([put_back], "host-a", RUNNING) == []


class TestMerging:
    def test_files_are_merged_and_go_later(self, studio: Studio) -> None:
        """Their number stays small; each record is read once all along (FORMAT.md G6, G4)."""
        for first in range(10, 50, 3):
            studio.write(*(ended(n) for n in range(first, first + 3)))
            studio.work()
            assert studio.read() == (studio.wanted(), ())
        assert len(studio.files()) > 14
        studio.now += 31 * DAY
        assert Tidying.CLEARED in studio.work()

        assert len(studio.segments()) == 1
        assert len(studio.files()) <= 4
        assert studio.read() == (studio.wanted(), ())

    def test_copies_that_were_merged_are_found_once(self, studio: Studio) -> None:
        """A merged file and those that it was made of stand side by side (FORMAT.md G4)."""
        studio.work()
        studio.write(*(ended(n) for n in range(5, 8)))
        assert studio.work() == [Tidying.COPIED, Tidying.MERGED]
        assert len(studio.files()) == 3
        for path in studio.log.iterdir():
            if ".host-a." in path.name:
                path.unlink()

        assert studio.read() == (studio.wanted(), ())
        studio.now += 31 * DAY
        assert studio.work() == [Tidying.CLEARED, Tidying.CLEARED]
        assert len(studio.files()) == 1
        assert studio.read() == (studio.wanted(), ())


class TestDamage:
    def test_a_damaged_copy_is_never_relied_on(self, studio: Studio) -> None:
        """Originals are compared with their copy right before they go (FORMAT.md G3)."""
        studio.work()
        (name,) = studio.files()
        path = studio.cold / name
        data = path.read_bytes()
        path.write_bytes(data[:-30] + b"#" + data[-29:])
        studio.now += 31 * DAY

        done = studio.work()

        # Two were sound, and went; the third was found damaged.
        assert studio.read() == (studio.wanted(), ())
        assert any(builder.name() in studio.segments() for builder in studio.builders[:3])
        assert path.exists()
        assert Tidying.CLEARED not in done

    def test_it_is_made_again_from_originals(self, studio: Studio) -> None:
        """And the damaged one goes when the new one has stood for long (FORMAT.md G3, G5)."""
        studio.work()
        (name,) = studio.files()
        path = studio.cold / name
        data = path.read_bytes()
        at = data.index(b'{"seg"')
        path.write_bytes(data[: at + 9] + b"#" + data[at + 10 :])
        studio.now += 31 * DAY
        assert studio.step() is None  # it is found damaged
        assert studio.work() == [Tidying.COPIED]
        studio.now += 31 * DAY
        assert studio.work() == [Tidying.REMOVED, Tidying.CLEARED]

        assert not path.exists()
        assert len(studio.segments()) == 1
        assert studio.read() == (studio.wanted(), ())

    def test_a_damaged_index_is_told_and_passed_by(self, studio: Studio) -> None:
        """All that has its own file is read; the rest is named (FORMAT.md G5)."""
        studio.work()
        (name,) = studio.files()
        (studio.cold / name).write_bytes(b'{"cold":1,"k":"0"}\n')
        read, findings = studio.read()

        assert read == studio.wanted()
        (found,) = findings
        assert (found.kind, found.file) == (Tail.CORRUPT, f"cold/{name}")

    def test_one_that_is_cut_off_counts_for_nobody(self, studio: Studio) -> None:
        """At every byte: not yet, and not in the way of a new one (FORMAT.md G5)."""
        studio.work()
        (name,) = studio.files()
        path = studio.cold / name
        data = path.read_bytes()
        for size in range(0, len(data), 41):
            path.write_bytes(data[:size])
            read, findings = studio.read()
            assert read == studio.wanted()
            assert [f.kind for f in findings] == [Tail.IN_FLIGHT]
        studio.restart()
        assert studio.work() == [Tidying.COPIED]
        assert len(studio.files()) == 2
        path.write_bytes(data[:-1])
        studio.now += 31 * DAY
        assert studio.work() == [Tidying.REMOVED, Tidying.CLEARED]
        assert len(studio.files()) == 1
        assert studio.read() == (studio.wanted(), ())

    def test_one_that_becomes_whole_counts(self, studio: Studio) -> None:
        """What was in flight is taken when it has arrived (FORMAT.md G5)."""
        studio.work()
        (name,) = studio.files()
        data = (studio.cold / name).read_bytes()
        reader = studio.reader()
        (studio.cold / name).write_bytes(data[:-9])
        flat(reader.read())
        (studio.cold / name).write_bytes(data)
        for builder in studio.builders[:3]:
            (studio.log / builder.name()).unlink()

        assert flat(reader.read()) == []
        assert reader.findings() == ()

    def test_one_without_a_readable_index_is_never_removed(self, studio: Studio) -> None:
        """Nobody can say what was in it (FORMAT.md G3)."""
        studio.work()
        (name,) = studio.files()
        (studio.cold / name).write_bytes(b"")
        studio.now += 99 * DAY
        studio.restart()
        studio.work()
        studio.now += 99 * DAY
        studio.work()

        assert name in studio.files()

    def test_an_original_that_grew_stays(self, studio: Studio) -> None:
        """A clone of the machine went on writing: what it wrote is not lost (FORMAT.md G3)."""
        alive = Builder(5)
        alive.add(*drafts(3))
        studio.write(alive)
        studio.work()
        alive.add(*drafts(2))
        (studio.log / alive.name()).write_bytes(alive.files[alive.name()])
        studio.now += 31 * DAY
        studio.work()

        assert alive.name() in studio.segments()
        assert studio.read() == (studio.wanted(), ())

    def test_a_cold_file_that_cannot_be_read(self, studio: Studio) -> None:
        """It is told of; the others are read (FORMAT.md G5, R2)."""
        studio.work()
        (name,) = studio.files()
        (studio.cold / name).unlink()
        (studio.cold / name).mkdir()
        read, findings = studio.read()

        assert read == studio.wanted()
        assert [f.kind for f in findings] == [Tail.UNREADABLE]

    def test_the_folder_cannot_be_listed(self, studio: Studio) -> None:
        """Then nothing is said to be gone; it is tried again (FORMAT.md R2)."""
        reader = studio.reader()
        flat(reader.read())
        studio.cold.write_bytes(b"a file where the folder should be")
        flat(reader.read())

        (finding,) = reader.findings()
        assert finding.kind is Tail.UNREADABLE
        studio.cold.unlink()
        assert flat(reader.read()) == []
        assert reader.findings() == ()


class Failing(Quick):
    """Raises at one call, after it was carried out in part."""

    def __init__(self, at: int, number: int = errno.EIO) -> None:
        self.at, self.number, self.calls = at, number, 0

    def _count(self) -> bool:
        self.calls += 1
        return self.calls == self.at

    def _fail(self) -> OSError:
        return OSError(self.number, os.strerror(self.number))

    def create(self, path: Path) -> int:
        fails = self._count()
        descriptor = super().create(path)
        if fails:
            self.close(descriptor)
            raise self._fail()
        return descriptor

    def write(self, descriptor: int, data: bytes, offset: int) -> None:
        if self._count():
            super().write(descriptor, data[: len(data) // 2], offset)
            raise self._fail()
        super().write(descriptor, data, offset)

    def sync(self, descriptor: int) -> None:
        if self._count():
            raise self._fail()

    def sync_folder(self, folder: Path) -> None:
        if self._count():
            raise self._fail()

    def read(self, path: Path, offset: int, limit: int) -> Chunk:
        if self._count():
            raise self._fail()
        return super().read(path, offset, limit)

    def names(self, folder: Path) -> list[str]:
        if self._count():
            raise self._fail()
        return super().names(folder)

    def remove(self, path: Path) -> None:
        if self._count():
            raise self._fail()
        super().remove(path)


class Dying(Failing):
    """From one call on the machine is off: nothing is cleaned up either."""

    def _count(self) -> bool:
        self.calls += 1
        return self.calls >= self.at


def every_call(tmp_path: Path, kind: type[Failing]) -> Iterator[tuple[int, Studio, Failing]]:
    """A studio's whole life with a failure at each call, as long as there is a call to fail."""
    for at in range(1, 500):
        studio = Studio(make_gallery(tmp_path / str(at)))
        studio.write(*(ended(n) for n in range(1, 7)), ended(8, "host-b"))
        disk = kind(at)
        studio.restart(disk)
        yield at, studio, disk
        if disk.calls < at:
            return
    pytest.fail("it never ends")


class TestFailures:
    @pytest.mark.parametrize("kind", [Failing, Dying])
    def test_each_call_fails_once(self, tmp_path: Path, kind: type[Failing]) -> None:
        """Whatever fails, every record is read once, and the next process finishes (G3, G5)."""
        count = 0
        for at, studio, _ in every_call(tmp_path, kind):
            for _ in range(2):
                try:
                    studio.work()
                except OSError:
                    count += 1
                read, findings = studio.read()
                assert read == studio.wanted(), at
                assert {f.kind for f in findings} <= {Tail.IN_FLIGHT}, at
                studio.now += 31 * DAY
            studio.restart(Quick())
            for _ in range(4):
                studio.work()
                assert studio.read()[0] == studio.wanted(), at
                studio.now += 31 * DAY
            assert len(studio.segments()) == 1, at
            assert len(studio.files()) <= 2, at  # one may have no index for ever
        assert count > 60

    def test_what_reads_back_otherwise_is_no_copy(self, studio: Studio) -> None:
        """A server that acknowledges and loses is found out at once (FORMAT.md G2)."""

        class Losing(Quick):
            """The last bytes of what is written never arrive."""

            def write(self, descriptor: int, data: bytes, offset: int) -> None:
                super().write(descriptor, data[:-9] + bytes(9), offset)

        studio.restart(Losing())
        with pytest.raises(NotVerifiedError):
            studio.step()

        assert studio.files() == []
        assert studio.read() == (studio.wanted(), ())

    def test_a_file_that_somebody_has_open_stays(self, studio: Studio) -> None:
        """The others go (some servers do not remove what is open)."""
        held = studio.builders[0].name()

        class Held(Quick):
            """One file cannot be removed."""

            def remove(self, path: Path) -> None:
                if path.name == held:
                    raise PermissionError(errno.EACCES, "in use")
                super().remove(path)

        studio.restart(Held())
        studio.work()
        studio.now += 31 * DAY
        with pytest.raises(PermissionError):
            studio.step()

        assert studio.work() == [Tidying.REMOVED]
        assert held in studio.segments()
        assert studio.read() == (studio.wanted(), ())

    def test_another_program_was_faster(self, studio: Studio) -> None:
        """A cold file is created once; who comes second leaves it alone (FORMAT.md G2)."""

        class Racing(Quick):
            """A clone of the machine makes the same file just before."""

            def create(self, path: Path) -> int:
                path.write_bytes(b"theirs")
                return super().create(path)

        studio.restart(Racing())
        with pytest.raises(FileExistsError):
            studio.step()

        assert [(studio.cold / name).read_bytes() for name in studio.files()] == [b"theirs"]

    def test_a_copy_is_durable_before_it_is_read_back(self, studio: Studio) -> None:
        """Bytes, then the name, then the proof (FORMAT.md G2)."""
        disk = RecordingDisk()
        studio.restart(disk)
        studio.step()
        calls = [call for call, _ in disk.calls]

        assert calls == ["create", *["write"] * 4, "sync", "close", "sync_folder"]


class TestProof:
    def test_positions_in_cold_segments_are_proved(self, studio: Studio) -> None:
        """By the index where it tells that place, else by the bytes (FORMAT.md K1)."""
        reader = studio.reader()
        flat(reader.read())
        positions = reader.positions()
        partly = dict(positions)
        half = Builder(1)
        half.add(*drafts(2))
        early = LogReader(studio.log, PROJECT, disk=_Only(half.files))
        flat(early.read())
        partly[half.who] = early.positions()[half.who]
        studio.work()
        studio.now += 31 * DAY
        studio.work()
        assert len(studio.segments()) == 1

        assert proves(studio.gallery, positions)
        assert proves(studio.gallery, partly)
        for change in ({"chain": "0" * 32}, {"offset": 7}, {"sequence": 2}, {"segment": 2}):
            wrong = evolve(positions[half.who], **change)
            proved = proves(studio.gallery, {**positions, half.who: wrong})
            assert proved is ("sequence" in change)  # bytes tell `k` and place, not the number

        for name in studio.files():
            (studio.cold / name).unlink()
        assert not proves(studio.gallery, positions)

    def test_thousands_of_positions_cost_one_look(self, studio: Studio) -> None:
        """A look at each old segment would take seconds on a share."""
        reader = studio.reader()
        flat(reader.read())
        studio.work()
        studio.now += 31 * DAY
        studio.work()
        opened = []

        class Counting(Quick):
            """Notes what is opened."""

            def read(self, path: Path, offset: int, limit: int) -> Chunk:
                opened.append(path.name)
                return super().read(path, offset, limit)

        assert proves(studio.gallery, reader.positions(), Counting())
        assert len(opened) == 2  # the cold file, and host-b's own segment


class _Only(DiskIO):
    """Some files, and nothing else."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self._files = files

    def names(self, folder: Path) -> list[str]:
        return list(self._files) if folder.name == "log" else []

    def read(self, path: Path, offset: int, limit: int) -> Chunk:
        data = self._files[path.name]
        return Chunk(data[offset : offset + limit], len(data))
