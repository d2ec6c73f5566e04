"""The mirror: a proven copy of all lines, which never harms who reads or writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from events.log.disk_io import DiskIO
from events.log.folder import FolderLog
from events.log.mirror import GATHER_BYTES, REST_SECONDS, Mirror
from events.log.reader import LogReader
from events.log.upkeep import Upkeep
from events.record import Position
from tests.log.builders import PROJECT, Builder, drafts, flat, make_gallery, merged, open_log
from tests.log.disks import DictDisk


def following(mirror: Mirror, files: dict[str, bytes]) -> LogReader:
    """A reader that feeds a mirror."""
    reader = LogReader(Path("log"), PROJECT, disk=DictDisk(files))
    reader.sink = mirror.take
    return reader


def kept(mirror: Mirror, who: str) -> list[bytes]:
    """The proven lines of a copy."""
    return [line for _, line in mirror.lines(who)]


@pytest.fixture
def mirror(tmp_path: Path) -> Mirror:
    """A mirror whose folder does not exist yet."""
    return Mirror(tmp_path / "mirror", PROJECT)


@pytest.fixture
def two() -> tuple[Builder, Builder]:
    """Two writers; the first has two segments."""
    one, other = Builder(1), Builder(2, "host-b")
    one.add(*drafts(5))
    one.roll()
    one.add(*drafts(3))
    other.add(*drafts(4))
    return one, other


class TestKeeping:
    def test_it_holds_every_line_that_was_read(
        self, mirror: Mirror, two: tuple[Builder, Builder]
    ) -> None:
        """All lines of all writers, byte for byte, without headers and seals (FORMAT.md H1)."""
        flat(following(mirror, merged(*two)).read())

        assert [kept(mirror, log.who) for log in two] == [log.lines for log in two]

    def test_our_own_lines_too(self, tmp_path: Path) -> None:
        """What we append is kept once it is durable."""
        gallery = make_gallery(tmp_path)
        log = open_log(gallery, mirror=tmp_path / "mirror")
        log.append(*drafts(3)).result(timeout=10)
        log.append(*drafts(2)).result(timeout=10)
        log.close()

        (who,) = log.positions()

        (segment,) = (gallery / "log").iterdir()
        assert (
            kept(Mirror(tmp_path / "mirror", PROJECT), who)
            == segment.read_bytes().splitlines(keepends=True)[1:-1]
        )

    def test_only_what_a_reader_accepted(self, mirror: Mirror) -> None:
        """Damage ends the copy, as it ends reading (FORMAT.md H1)."""
        log = Builder()
        log.add(*drafts(3))
        log.raw(b'{"s":4,"no":"line"}\n')

        flat(following(mirror, log.files).read())

        assert kept(mirror, log.who) == log.lines

    def test_a_log_that_is_rolled_back_keeps_its_copy(self, mirror: Mirror) -> None:
        """What was read once is kept, whatever becomes of the share (FORMAT.md H1)."""
        log = Builder()
        log.add(*drafts(6))
        files = dict(log.files)
        reader = following(mirror, files)
        flat(reader.read())
        files[log.name()] = files[log.name()][:-400]
        flat(reader.read())
        flat(following(mirror, files).read())

        assert kept(mirror, log.who) == log.lines

    def test_another_line_at_a_known_place_is_not_taken(self, mirror: Mirror) -> None:
        """A rewritten log never replaces what was read before."""
        log, forged = Builder(), Builder()
        log.add(*drafts(4))
        forged.add(*drafts(3, "eve"))
        forged.add(*drafts(3))
        flat(following(mirror, log.files).read())
        mirror.flush()

        flat(following(mirror, forged.files).read())

        assert kept(mirror, log.who) == log.lines

    def test_lines_are_gathered(self, mirror: Mirror, tmp_path: Path) -> None:
        """A few lines cost no file until somebody flushes; many are written as they come."""
        log = Builder()
        log.add(*drafts(3))
        flat(following(mirror, log.files).read())
        assert not (tmp_path / "mirror").exists()

        end = mirror.end(log.who)
        mirror.take(
            log.who,
            Position(end.sequence, end.chain, 1, 0),
            Position(end.sequence + 1, "k", 1, 0),
            bytes(GATHER_BYTES),
        )

        assert mirror.size() > GATHER_BYTES


class TestGoingOn:
    def test_a_new_process_goes_on_where_the_old_one_ended(
        self, tmp_path: Path, two: tuple[Builder, Builder]
    ) -> None:
        """Lines that are there already are passed over, those behind them are added."""
        early = Builder(1)
        early.add(*drafts(3))
        first = Mirror(tmp_path / "mirror", PROJECT)
        flat(following(first, early.files).read())
        first.flush()

        second = Mirror(tmp_path / "mirror", PROJECT)
        flat(following(second, merged(*two)).read())

        assert [kept(second, log.who) for log in two] == [log.lines for log in two]

    def test_at_every_byte_it_may_be_cut_off(self, tmp_path: Path) -> None:
        """A crash leaves half a line, or zeros: only whole lines count, the rest comes again."""
        log = Builder()
        log.add(*drafts(3))
        path = tmp_path / f"{log.who}.jsonl"
        whole = b"".join(log.lines)
        for end in range(0, len(whole) + 1, 5):
            for rest in (b"", bytes(40), b"\n", b"{}\n"):
                path.write_bytes(whole[:end] + rest)
                mirror = Mirror(tmp_path, PROJECT)
                assert mirror.end(log.who).sequence <= whole[:end].count(b"\n")
                flat(following(mirror, log.files).read())
                assert kept(mirror, log.who) == log.lines

    def test_damage_in_the_middle_is_noticed_when_it_is_used(self, tmp_path: Path) -> None:
        """Nothing is given out behind it, and that part is read again."""
        log = Builder()
        log.add(*drafts(6))
        data = bytearray(b"".join(log.lines))
        data[300] ^= 1
        (tmp_path / f"{log.who}.jsonl").write_bytes(data)
        mirror = Mirror(tmp_path, PROJECT)
        assert mirror.end(log.who).sequence == 6

        assert kept(mirror, log.who) == log.lines[:1]
        flat(following(mirror, log.files).read())

        assert kept(mirror, log.who) == log.lines

    def test_names_that_are_no_copies_are_passed_by(self, tmp_path: Path, mirror: Mirror) -> None:
        """Whatever else lies in the folder."""
        (tmp_path / "mirror").mkdir()
        for name in ("notes.jsonl", "x.y.jsonl", ".jsonl", f"{'0' * 16}..jsonl"):
            (tmp_path / "mirror" / name).write_bytes(b"?")

        assert mirror.ends() == {}


class TestTwoProcesses:
    def test_two_programs_of_a_host_keep_one_copy(self, tmp_path: Path) -> None:
        """The command line beside the service: whoever comes second looks anew."""
        log = Builder()
        files = log.files
        one, two = (Mirror(tmp_path / "m", PROJECT) for _ in range(2))
        readers = [following(mirror, files) for mirror in (one, two)]
        for turn in range(6):
            log.add(*drafts(2))
            for reader, mirror in zip(readers, (one, two), strict=True):
                flat(reader.read())
                if turn % 3:
                    mirror.flush()
        for reader, mirror in zip(readers, (one, two), strict=True):
            Upkeep(mirror, Path("log"), PROJECT, DictDisk(files)).tend(reader.positions())

        assert kept(Mirror(tmp_path / "m", PROJECT), log.who) == log.lines


class TestLocalDisk:
    def test_one_that_fails_harms_nobody(self, tmp_path: Path) -> None:
        """Reading goes on; what could not be kept is told, and caught up on (FORMAT.md H1)."""
        now = [0.0]
        (tmp_path / "mirror").write_bytes(b"a file where the folder should be")
        mirror = Mirror(tmp_path / "mirror", PROJECT, monotonic=lambda: now[0])
        log = Builder()
        log.add(*drafts(4))
        disk = DictDisk(log.files)
        reader = following(mirror, log.files)
        upkeep = Upkeep(mirror, Path("log"), PROJECT, disk)

        assert flat(reader.read()) == log.records
        copy = upkeep.tend(reader.positions())
        assert copy.fault is not None
        assert copy.behind == 4

        (tmp_path / "mirror").unlink()
        now[0] = REST_SECONDS + 1
        copy = upkeep.tend(reader.positions())

        assert (copy.fault, copy.behind, copy.size) == (None, 0, mirror.size())
        assert kept(mirror, log.who) == log.lines

    def test_a_copy_that_was_deleted_is_made_again(self, tmp_path: Path) -> None:
        """It is disposable: from the positions of a checkpoint on, the rest is fetched, too."""
        log, other = Builder(1), Builder(2, "host-b")
        for _ in range(3):
            log.add(*drafts(4))
            log.roll()
        other.add(*drafts(3))
        files = merged(log, other)
        whole = LogReader(Path("log"), PROJECT, disk=DictDisk(files))
        flat(whole.read())
        mirror = Mirror(tmp_path / "mirror", PROJECT)
        upkeep = Upkeep(mirror, Path("log"), PROJECT, DictDisk(files))

        copy = upkeep.tend(whole.positions())

        assert copy.behind == 0
        assert [kept(mirror, each.who) for each in (log, other)] == [log.lines, other.lines]


class TestOpenLog:
    def test_it_is_tended_through_the_port(self, tmp_path: Path) -> None:
        """Two hosts keep the same lines; without a folder none is kept."""
        gallery = make_gallery(tmp_path)
        mine = open_log(gallery, "host-a", mirror=tmp_path / "a")
        other = open_log(gallery, "host-b", mirror=tmp_path / "b")
        plain = open_log(gallery, "host-c")
        mine.append(*drafts(3)).result(timeout=10)
        other.append(*drafts(2)).result(timeout=10)
        for log in (mine, other):
            flat(log.read())
            copy = log.tend()
            assert copy is not None
            assert (copy.behind, copy.fault) == (0, None)
            log.close()

        assert {p.name: p.read_bytes() for p in (tmp_path / "a").iterdir()} == {
            p.name: p.read_bytes() for p in (tmp_path / "b").iterdir()
        }
        assert plain.tend() is None

    def test_a_checkpoint_does_not_leave_it_short(self, tmp_path: Path) -> None:
        """Reading that begins late still comes to a whole copy."""
        gallery = make_gallery(tmp_path)
        old = open_log(gallery, "host-b")
        old.append(*drafts(5)).result(timeout=10)
        early: FolderLog = open_log(gallery, "host-a")
        flat(early.read())

        late = open_log(gallery, "host-a", start=early.positions(), mirror=tmp_path / "m")
        assert flat(late.read()) == []
        copy = late.tend()
        old.close()

        assert copy is not None
        assert copy.behind == 0
        assert len(kept(Mirror(tmp_path / "m", PROJECT), next(iter(early.positions())))) == 5


def test_the_disk_is_only_read(tmp_path: Path) -> None:
    """Catching up never writes to the share."""
    gallery = make_gallery(tmp_path)
    log = open_log(gallery, "host-a")
    log.append(*drafts(3)).result(timeout=10)
    log.close()
    before = sorted((p.name, p.read_bytes()) for p in (gallery / "log").iterdir())

    mirror = Mirror(tmp_path / "m", PROJECT)
    Upkeep(mirror, gallery / "log", PROJECT, DiskIO()).tend(log.positions())

    assert sorted((p.name, p.read_bytes()) for p in (gallery / "log").iterdir()) == before
    assert mirror.end(next(iter(log.positions()))).sequence == 3
