"""Repair: lost lines come back as new files, and every reader comes to the same records."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from attrs import define

from events.log import segments
from events.log.disk_io import Chunk, DiskIO
from events.log.folder import FolderLog
from events.log.mirror import Mirror
from events.log.port import HARMLESS, Tail
from events.log.reader import LogReader
from events.log.repair import Diverged, plan, restore
from events.log.segments import FIRST_REPAIR, SegmentName
from events.record import Record
from tests.log.builders import (
    PROJECT,
    Builder,
    by_writer,
    drafts,
    flat,
    make_gallery,
    merged,
    open_log,
)
from tests.log.disks import ForgetfulDisk


@define
class Scene:
    """A log folder, and a host that has read all of it into its mirror."""

    folder: Path
    mirror: Mirror
    #: A reader that has read everything, and goes on.
    follower: LogReader

    @classmethod
    def of(cls, tmp_path: Path, *logs: Builder) -> Scene:
        """Put the files of some writers there, and read them."""
        folder, mirror = tmp_path / "log", Mirror(tmp_path / "mirror", PROJECT)
        folder.mkdir(parents=True)
        for name, data in merged(*logs).items():
            (folder / name).write_bytes(data)
        follower = LogReader(folder, PROJECT, disk=DiskIO())
        follower.sink = mirror.take
        flat(follower.read())
        return cls(folder, mirror, follower)

    def repair(self, disk: DiskIO | None = None) -> list[str]:
        """Put back what can be; the new files."""
        disk = disk or DiskIO()
        found = plan(self.folder, PROJECT, self.mirror, disk)
        made = []
        for lost in found.restore:
            made += restore(self.folder, PROJECT, self.mirror, lost, disk)
        return made

    def fresh(self) -> tuple[list[Record], list[Tail]]:
        """What somebody reads who begins now, and what is wrong then."""
        reader = LogReader(self.folder, PROJECT, disk=DiskIO())
        records = flat(reader.read())
        return records, [f.kind for f in reader.findings() if f.kind not in HARMLESS]

    def files(self) -> dict[str, bytes]:
        """All files as they are."""
        return {path.name: path.read_bytes() for path in self.folder.iterdir()}

    def follows(self) -> tuple[list[Record], list[Tail]]:
        """What the one who has read all before reads on, and what is wrong for it."""
        records = flat(self.follower.read())
        return records, [f.kind for f in self.follower.findings() if f.kind not in HARMLESS]


@pytest.fixture
def log() -> Builder:
    """Three segments of five lines each, the last one open."""
    made = Builder()
    for _ in range(2):
        made.add(*drafts(5))
        made.roll()
    made.add(*drafts(5))
    return made


@pytest.fixture
def scene(tmp_path: Path, log: Builder) -> Scene:
    """It, and another writer, read by this host."""
    other = Builder(2, "host-b")
    other.add(*drafts(3))
    return Scene.of(tmp_path, log, other)


def flip(path: Path, at: int) -> None:
    """Change a byte."""
    data = bytearray(path.read_bytes())
    data[at] ^= 4
    path.write_bytes(data)


class TestNothingLost:
    def test_a_healthy_log_is_left_alone(self, scene: Scene) -> None:
        """Nothing is missing, so nothing is written (FORMAT.md H2)."""
        before = scene.files()

        assert scene.repair() == []
        assert scene.files() == before


class TestEveryLoss:
    @pytest.mark.parametrize("segment", [1, 2, 3])
    def test_a_segment_that_is_gone(self, scene: Scene, log: Builder, segment: int) -> None:
        """All its lines come back, whichever it was (FORMAT.md H2, H3)."""
        (scene.folder / log.name(segment)).unlink()

        assert len(scene.repair()) == 1

        records, alarms = scene.fresh()
        assert by_writer(records)[log.who] == log.records
        assert alarms == []

    def test_all_segments_gone(self, scene: Scene, log: Builder) -> None:
        """A log of which nothing is left is put back from its first line on (FORMAT.md H2)."""
        for segment in (1, 2, 3):
            (scene.folder / log.name(segment)).unlink()
        scene.repair()

        records, alarms = scene.fresh()
        assert by_writer(records)[log.who] == log.records
        assert alarms == []

    def test_a_flipped_bit_anywhere(self, tmp_path: Path, log: Builder) -> None:
        """Damage at any place of any segment is mended, and the file stays as it is (H2, H3)."""
        other = Builder(2, "host-b")
        other.add(*drafts(1))
        for case, segment in enumerate((1, 2, 3) * 12):
            scene = Scene.of(tmp_path / str(case), log, other)
            path = scene.folder / log.name(segment)
            flip(path, (case * 97) % path.stat().st_size)
            before = scene.files()

            scene.repair()

            records, alarms = scene.fresh()
            assert by_writer(records)[log.who] == log.records
            assert alarms == []
            assert before.items() <= scene.files().items()
            assert scene.follows() == ([], [])

    def test_cut_off_anywhere(self, tmp_path: Path, log: Builder) -> None:
        """A rolled back tail comes back; who had read it goes on without an alarm (H2, H3)."""
        whole = len(log.files[log.name(3)])
        ends = [i + 1 for i, byte in enumerate(log.files[log.name(3)]) if byte == ord("\n")]
        for case, end in enumerate([*range(0, whole, 61), *ends]):
            scene = Scene.of(tmp_path / str(case), log)
            os.truncate(scene.folder / log.name(3), end)

            scene.repair()

            records, alarms = scene.fresh()
            assert (records, alarms) == (log.records, [])
            assert scene.follows() == ([], [])

    def test_two_losses_in_one_log(self, scene: Scene, log: Builder) -> None:
        """A gap and a torn end are mended at once (FORMAT.md H2)."""
        (scene.folder / log.name(1)).unlink()
        os.truncate(scene.folder / log.name(3), 500)
        scene.repair()

        records, alarms = scene.fresh()
        assert by_writer(records)[log.who] == log.records
        assert alarms == []

    def test_it_is_lost_once_more(self, scene: Scene, log: Builder) -> None:
        """What was put back can be lost and put back again; numbers are not used twice (H2)."""
        (scene.folder / log.name(2)).unlink()
        (first,) = scene.repair()
        flip(scene.folder / first, 900)

        (second,) = scene.repair()

        assert second > first
        records, alarms = scene.fresh()
        assert by_writer(records)[log.who] == log.records
        assert alarms == []

    def test_large_losses_take_several_segments(
        self, scene: Scene, log: Builder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """None of them is larger than a writer's own (FORMAT.md W7)."""
        monkeypatch.setattr("events.log.repair.ROLL_BYTES", 600)
        for segment in (1, 2, 3):
            (scene.folder / log.name(segment)).unlink()

        made = scene.repair()

        assert len(made) > 3
        records, alarms = scene.fresh()
        assert by_writer(records)[log.who] == log.records
        assert alarms == []


class TestTheWriterLives:
    def test_it_goes_on_behind_damage_in_its_own_segment(self, scene: Scene, log: Builder) -> None:
        """Readers pass from the segment, into the repair, and back behind the damage (H3)."""
        path = scene.folder / log.name(3)
        flip(path, 450)
        scene.repair()
        late = LogReader(scene.folder, PROJECT, disk=DiskIO())
        assert by_writer(flat(late.read()))[log.who] == log.records

        known, size = len(log.records), path.stat().st_size
        log.add(*drafts(4))
        with path.open("ab") as file:
            file.write(log.files[log.name(3)][size:])

        assert flat(late.read()) == log.records[known:]
        assert scene.follows() == (log.records[known:], [])
        records, alarms = scene.fresh()
        assert by_writer(records)[log.who] == log.records
        assert alarms == []

    def test_it_goes_on_in_a_segment_of_its_own(self, scene: Scene, log: Builder) -> None:
        """A later segment of the writer continues what was put back (FORMAT.md H3)."""
        os.truncate(scene.folder / log.name(3), 500)
        scene.repair()
        known = len(log.records)
        assert scene.follows() == ([], [])

        log.open()
        log.add(*drafts(2))
        (scene.folder / log.name(4)).write_bytes(log.files[log.name(4)])

        assert scene.follows() == (log.records[known:], [])
        records, alarms = scene.fresh()
        assert by_writer(records)[log.who] == log.records
        assert alarms == []

    def test_a_real_writer_beside_it(self, tmp_path: Path) -> None:
        """The share is put back to an older state under a running service; nothing is lost (H2)."""
        gallery = make_gallery(tmp_path)
        mine = open_log(gallery, "host-a", number=1)
        other = open_log(gallery, "host-b", number=50, mirror=tmp_path / "m")
        written = mine.append(*drafts(6)).result(timeout=10)
        assert flat(other.read()) == written
        other.tend()
        (path,) = (gallery / "log").iterdir()
        os.truncate(path, path.stat().st_size // 2)

        written += mine.append(*drafts(3)).result(timeout=10)
        scene = Scene(gallery / "log", Mirror(tmp_path / "m", PROJECT), None)  # type: ignore[arg-type]  # nobody follows
        scene.repair()
        written += mine.append(*drafts(3)).result(timeout=10)
        mine.close()
        other.close()

        records, alarms = scene.fresh()
        assert sorted(r.stamp for r in records) == [r.stamp for r in written]
        assert alarms == []

    def test_numbers_of_repairs_are_never_a_writers(self, scene: Scene, log: Builder) -> None:
        """A writer counts from 1, repairs from 900001: they never meet (FORMAT.md H2)."""
        (scene.folder / log.name(2)).unlink()

        assert scene.repair() == [str(SegmentName(log.head.writer, log.host, FIRST_REPAIR))]
        assert not segments.is_repair(FIRST_REPAIR - 1)


class TestCost:
    def test_an_old_repair_is_not_read_again_and_again(self, scene: Scene, log: Builder) -> None:
        """While the writer goes on, what was put back once costs a look at its size."""
        os.truncate(scene.folder / log.name(3), 600)
        scene.repair()
        scene.follows()
        log.open()
        path = scene.folder / log.name(4)
        disk = _CountingDisk()
        late = LogReader(scene.folder, PROJECT, disk=disk)
        path.write_bytes(log.files[log.name(4)])
        flat(late.read())
        for _ in range(5):
            log.add(*drafts(1))
            path.write_bytes(log.files[log.name(4)])
            disk.repaired = 0
            assert len(flat(late.read())) == 1
            assert disk.repaired <= 200  # its seal


class TestTwoAtOnce:
    def test_two_hosts_repair_the_same(self, scene: Scene, log: Builder) -> None:
        """The same lines under two numbers count once (FORMAT.md H2, R4)."""
        (scene.folder / log.name(2)).unlink()
        found = plan(scene.folder, PROJECT, scene.mirror, DiskIO())
        again = plan(scene.folder, PROJECT, scene.mirror, DiskIO())
        for lost in (*found.restore, *again.restore):
            restore(scene.folder, PROJECT, scene.mirror, lost, DiskIO())

        records, alarms = scene.fresh()
        assert by_writer(records)[log.who] == log.records
        assert alarms == []

    def test_a_number_that_was_taken_meanwhile(self, scene: Scene, log: Builder) -> None:
        """O_EXCL says who has it; the other one takes the next (FORMAT.md H2)."""
        (scene.folder / log.name(2)).unlink()
        (lost,) = plan(scene.folder, PROJECT, scene.mirror, DiskIO()).restore
        stale = _StaleDisk([path.name for path in scene.folder.iterdir()])
        restore(scene.folder, PROJECT, scene.mirror, lost, DiskIO())

        made = restore(scene.folder, PROJECT, scene.mirror, lost, stale)

        assert made == [str(SegmentName(log.head.writer, log.host, FIRST_REPAIR + 1))]
        assert scene.fresh()[1] == []


class TestCutShort:
    def test_power_goes_after_any_call(self, tmp_path: Path, log: Builder) -> None:
        """Whatever is left of it does no harm, and the next repair ends it (FORMAT.md H4)."""
        step = 0
        while True:
            scene = Scene.of(tmp_path / str(step), log)
            (scene.folder / log.name(2)).unlink()
            disk = _DyingDisk(step)
            try:
                scene.repair(disk)
                break
            except OSError:
                left = disk.left_after_power_cut()
            for name in set(scene.files()) - set(log.files):
                (scene.folder / name).unlink()
                if name in left:
                    (scene.folder / name).write_bytes(left[name])
            early, _ = scene.fresh()
            assert early == log.records[: len(early)]

            scene.repair()

            assert scene.fresh() == (log.records, [])
            step += 1
        assert step > 6

    @pytest.mark.parametrize("keep", [0.0, 0.05, 0.2, 0.4])
    def test_a_torn_repair(self, scene: Scene, log: Builder, keep: float) -> None:
        """One that ends within a line is passed as far as it is good (FORMAT.md H4)."""
        (scene.folder / log.name(2)).unlink()
        (name,) = scene.repair()
        os.truncate(scene.folder / name, int(keep * (scene.folder / name).stat().st_size))
        assert scene.fresh()[1] != []

        scene.repair()

        records, alarms = scene.fresh()
        assert by_writer(records)[log.who] == log.records
        assert alarms == []


class TestNotOurs:
    def test_a_log_with_other_lines_is_left_alone(self, scene: Scene, log: Builder) -> None:
        """Lines of another history are never mixed with ours; people are told (FORMAT.md H2)."""
        forged = Builder()
        forged.add(*drafts(4, "eve"))
        for segment in (1, 2, 3):
            (scene.folder / log.name(segment)).unlink()
        (scene.folder / forged.name()).write_bytes(forged.files[forged.name()])
        before = scene.files()

        found = plan(scene.folder, PROJECT, scene.mirror, DiskIO())

        assert found.diverged == (Diverged(log.who, 4),)
        assert found.restore == ()
        assert scene.files() == before

    def test_what_no_mirror_holds_is_told(self, tmp_path: Path, log: Builder) -> None:
        """A host that never read the lines cannot put them back (FORMAT.md H2)."""
        scene = Scene.of(tmp_path, log)
        (scene.folder / log.name(2)).unlink()

        found = plan(scene.folder, PROJECT, Mirror(tmp_path / "empty", PROJECT), DiskIO())

        assert found.restore == ()
        assert [finding.kind for finding in found.beyond] == [Tail.GAP]

    def test_a_part_that_no_mirror_holds_stays_an_alarm(self, tmp_path: Path, log: Builder) -> None:
        """A repair that reaches less far than the damage does not hide it (FORMAT.md R2, H3)."""
        early = Builder()
        early.add(*drafts(5))
        early.roll()
        early.add(*drafts(2))
        scene = Scene.of(tmp_path / "early", early)
        for name, data in log.files.items():
            (scene.folder / name).write_bytes(data)
        (scene.folder / log.name(2)).unlink()

        scene.repair()

        records, alarms = scene.fresh()
        assert records == log.records[:7]
        assert alarms == [Tail.GAP]


class TestShare:
    def test_a_full_share_is_told(self, scene: Scene, log: Builder) -> None:
        """Nothing is called repaired that is not durable."""
        (scene.folder / log.name(2)).unlink()

        with pytest.raises(OSError, match="No space"):
            scene.repair(_FullDisk())

    def test_a_folder_that_cannot_be_listed_is_told(self, tmp_path: Path) -> None:
        """Else an empty folder would seem to have lost everything."""
        (tmp_path / "log").write_bytes(b"no folder")

        with pytest.raises(NotADirectoryError):
            plan(tmp_path / "log", PROJECT, Mirror(tmp_path / "m", PROJECT), DiskIO())


def test_a_log_reads_the_same_through_the_port(scene: Scene, log: Builder) -> None:
    """Positions taken in a repair segment are proved, and read on from (FORMAT.md K1, R8)."""
    gallery = scene.folder.parent / "g" / ".gallery"
    gallery.mkdir(parents=True)
    (scene.folder / log.name(3)).unlink()
    scene.repair()
    scene.folder.rename(gallery / "log")
    first: FolderLog = open_log(gallery, "host-c")
    known = flat(first.read())

    second = open_log(gallery, "host-c", start=first.positions())

    assert flat(second.read()) == []
    assert second.findings() == ()
    assert by_writer(known)[log.who] == log.records


class _StaleDisk(DiskIO):
    """A listing that is older than what another host has made."""

    def __init__(self, names: list[str]) -> None:
        self._names = names

    def names(self, folder: Path) -> list[str]:
        return self._names


class _CountingDisk(DiskIO):
    """Counts the bytes that are read of repair segments."""

    repaired = 0

    def read(self, path: Path, offset: int, limit: int) -> Chunk:
        chunk = super().read(path, offset, limit)
        if f".{FIRST_REPAIR}." in path.name:
            self.repaired += len(chunk.data)
        return chunk


class _FullDisk(DiskIO):
    def sync(self, descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class _DyingDisk(ForgetfulDisk):
    """Power goes after so many calls that change something."""

    def __init__(self, calls: int) -> None:
        super().__init__()
        self._left = calls

    def _note(self, call: str, name: str) -> None:
        super()._note(call, name)
        if self._left == 0:
            raise OSError(errno.EIO, "the power went")
        self._left -= 1
