"""Heartbeats: who writes them and how, what a torn one is worth, and when a host is gone."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from attrs import define, evolve

from events.log.disk_io import DiskIO
from events.log.live import LOOK_SECONDS, SIZE, STALE_SECONDS, Peers, decode, encode
from events.log.port import Heartbeat
from tests.log.builders import MS, drafts, flat, make_gallery, open_log, writer_name
from tests.log.disks import FAILURES, FaultyDisk

BEAT = Heartbeat(writer_name(1), "host-a", "ws-07", "http://ws-07:9820", "0.3.0", 12, MS)
WHO = (BEAT.writer, BEAT.host)


def beats(gallery: Path) -> list[Path]:
    """The heartbeat files that are there."""
    return sorted((gallery / "live").glob("*.json"))


@define
class Clock:
    """A clock that never jumps, and a wall clock."""

    now: float = 0.0

    def monotonic(self) -> float:
        return self.now

    def wall_ms(self) -> int:
        return MS + int(self.now * 1000)


class TestTheFile:
    def test_it_comes_back_as_it_was(self) -> None:
        """One line and blanks, always of one size (FORMAT.md V2)."""
        data = encode(BEAT)
        assert decode(data) == BEAT
        assert len(data) == SIZE
        assert data.endswith(b"\n")
        assert data.count(b"\n") == 1

    @pytest.mark.parametrize(
        "beat",
        [
            evolve(BEAT, name="W" * 5000, version="9" * 5000),
            evolve(
                BEAT, name="\U0001f3ac" * 60, version="\u00e9" * 20, url="http://a/" + "x" * 391
            ),
            evolve(BEAT, name="a\nb\x00c\x1b"),
            evolve(BEAT, url="http://a/" + "x" * 2000),
            evolve(BEAT, url=None, head=1 << 62, at=1 << 62),
        ],
    )
    def test_whatever_it_says_it_has_one_size(self, beat: Heartbeat) -> None:
        """Long names are cut, an address that is too long is left out (FORMAT.md V2)."""
        data = encode(beat)
        found = decode(data)
        assert len(data) == SIZE
        assert found is not None
        assert (found.writer, found.host, found.head) == (beat.writer, beat.host, beat.head)

    def test_a_torn_one_is_none(self) -> None:
        """Cut anywhere, or half new and half old: nobody believes it (FORMAT.md V3)."""
        old, new = encode(BEAT), encode(evolve(BEAT, head=99, at=MS + 30_000))
        line = len(new.rstrip())
        assert all(decode(new[:end]) is None for end in range(line))
        halves = {decode(new[:cut] + old[cut:]) for cut in range(SIZE + 1)}
        assert halves <= {None, BEAT, decode(new)}

    def test_nothing_else_is_one(self) -> None:
        """Empty, NULs, other JSON (FORMAT.md V3)."""
        for data in (b"", b"\0" * SIZE, b"{}", b"[]", b'{"writer":1}', os.urandom(SIZE)):
            assert decode(data) is None


class TestWhoIsThere:
    def test_a_heartbeat_that_changes_is_alive(self) -> None:
        """Whatever its own clock says (FORMAT.md V3)."""
        peers = Peers()
        peers.note({WHO: evolve(BEAT, at=5)}, now=1000.0, wall=MS)
        (first,) = peers.all(1000.0)
        peers.note({WHO: evolve(BEAT, at=6)}, now=1010.0, wall=MS)
        (second,) = peers.all(1010.0)
        assert not first.alive, "seen for the first time, and very old"
        assert second.alive
        assert second.silent == 0.0

    def test_one_that_stands_still_goes_stale(self) -> None:
        """After 90 s by our own clock (FORMAT.md V3)."""
        peers = Peers()
        for now in (0.0, 30.0, 60.0, 90.0):
            peers.note({WHO: BEAT}, now=now, wall=MS)
        assert peers.all(STALE_SECONDS)[0].alive
        assert not peers.all(STALE_SECONDS + 1)[0].alive

    def test_a_torn_one_is_as_if_it_had_not_changed(self) -> None:
        """It does not vanish, and does not look alive either (FORMAT.md V3)."""
        peers = Peers()
        peers.note({WHO: BEAT}, now=0.0, wall=MS)
        peers.note({WHO: None}, now=80.0, wall=MS)
        assert peers.all(80.0)[0].alive
        assert not peers.all(100.0)[0].alive

    def test_one_that_is_removed_has_gone(self) -> None:
        """Its host has closed the project."""
        peers = Peers()
        peers.note({WHO: BEAT}, now=0.0, wall=MS)
        peers.note({}, now=1.0, wall=MS)
        assert peers.all(1.0) == ()

    def test_clocks_may_differ_by_a_minute(self) -> None:
        """At the first sight, too."""
        peers = Peers()
        peers.note({WHO: evolve(BEAT, at=MS - 120_000)}, now=0.0, wall=MS)
        assert peers.all(0.0)[0].alive


class TestInTheFolder:
    def test_who_only_reads_leaves_no_trace(self, tmp_path: Path) -> None:
        """Also if the log has lines of others (FORMAT.md V1, W10)."""
        gallery = make_gallery(tmp_path)
        writer, reader = open_log(gallery, "host-a"), open_log(gallery, "host-b")
        writer.append(*drafts(2)).result()
        flat(reader.read())
        assert not reader.beat("b", None, "1")
        assert not (gallery / "live").exists()
        reader.close()
        writer.close()

    def test_a_host_that_wrote_is_seen(self, tmp_path: Path) -> None:
        """With its name, its address and how far it is."""
        gallery = make_gallery(tmp_path)
        one, two = open_log(gallery, "host-a"), open_log(gallery, "host-b")
        one.append(*drafts(3)).result()
        assert one.beat("ws-07", "http://ws-07:9820", "0.3.0")
        flat(two.read())
        (peer,) = two.peers()
        assert peer.alive
        told = peer.beat
        assert (told.writer, told.host, told.head) == (one.writer, "host-a", 3)
        assert (told.name, told.url, told.version) == ("ws-07", "http://ws-07:9820", "0.3.0")
        one.close()
        two.close()

    def test_a_host_that_comes_back_is_seen_before_it_writes(self, tmp_path: Path) -> None:
        """Something of it stands in the log already."""
        gallery = make_gallery(tmp_path)
        first = open_log(gallery, "host-a")
        first.append(*drafts(1)).result()
        first.close()
        again = open_log(gallery, "host-a")
        flat(again.read())
        assert again.beat("ws-07", None, "1")
        assert [path.name for path in beats(gallery)] == [f"{again.writer}.host-a.json"]
        again.close()

    def test_it_is_rewritten_in_place_and_removed_in_the_end(self, tmp_path: Path) -> None:
        """A file that is replaced stays hidden on some shares: same inode, same size (V2)."""
        gallery = make_gallery(tmp_path)
        log = open_log(gallery)
        log.append(*drafts(1)).result()
        log.beat("a", None, "1")
        (path,) = beats(gallery)
        before = path.stat()
        log.append(*drafts(4)).result()
        log.beat("a", None, "1")
        after = path.stat()
        assert (after.st_ino, after.st_size) == (before.st_ino, before.st_size)
        found = decode(path.read_bytes())
        assert found is not None
        assert found.head == 5
        log.close()
        assert beats(gallery) == []

    def test_one_that_somebody_removed_is_made_again(self, tmp_path: Path) -> None:
        """By a person who tidies up."""
        gallery = make_gallery(tmp_path)
        log = open_log(gallery)
        log.append(*drafts(1)).result()
        log.beat("a", None, "1")
        beats(gallery)[0].unlink()
        assert log.beat("a", None, "1")
        assert len(beats(gallery)) == 1
        log.close()

    def test_leftovers_of_a_crash_are_removed_by_their_own_host(self, tmp_path: Path) -> None:
        """Once stale; those of other hosts are left alone (FORMAT.md V2)."""
        gallery = make_gallery(tmp_path)
        (gallery / "live").mkdir()
        old = MS - 3_600_000
        for host in ("host-a", "host-b"):
            left = evolve(BEAT, host=host, at=old)
            (gallery / "live" / f"{left.writer}.{host}.json").write_bytes(encode(left))
        log = open_log(gallery, "host-a", wall_ms=lambda: MS)
        flat(log.read())
        assert [path.name for path in beats(gallery)] == [f"{BEAT.writer}.host-b.json"]
        assert [peer.alive for peer in log.peers()] == [False, False]
        log.close()

    def test_they_are_not_read_at_every_look(self, tmp_path: Path) -> None:
        """Nothing in them changes in less than half a minute."""
        gallery, clock = make_gallery(tmp_path), Clock()
        log = open_log(gallery, "host-b", wall_ms=clock.wall_ms, monotonic=clock.monotonic)
        flat(log.read())
        (gallery / "live").mkdir()
        (gallery / "live" / f"{BEAT.writer}.host-a.json").write_bytes(encode(BEAT))
        flat(log.read())
        assert log.peers() == ()
        clock.now += LOOK_SECONDS
        flat(log.read(look_around=False))
        assert log.peers() == ()
        flat(log.read())
        assert len(log.peers()) == 1
        log.close()

    def test_nobody_speaks_for_another(self, tmp_path: Path) -> None:
        """A file that tells of another host than its name does is not believed."""
        gallery = make_gallery(tmp_path)
        (gallery / "live").mkdir()
        (gallery / "live" / f"{BEAT.writer}.host-x.json").write_bytes(encode(BEAT))
        log = open_log(gallery, "host-b", wall_ms=lambda: MS)
        flat(log.read())
        assert log.peers() == ()
        log.close()

    @pytest.mark.parametrize("failure", FAILURES)
    @pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.ESTALE])
    def test_a_share_that_refuses_costs_nothing(
        self, tmp_path: Path, number: int, failure: str
    ) -> None:
        """Each call of a heartbeat fails once: it is told, the next one works, the log goes on."""
        for call in range(1, 7):
            gallery = make_gallery(tmp_path / str(call))
            begin: list[int] = []
            disk = FaultyDisk(_at(begin, call), number, failure)
            log = open_log(gallery, disk=disk)
            log.append(*drafts(1)).result()
            begin.append(len(disk.calls))
            told = []
            for _ in range(4):
                try:
                    log.beat("a", None, "1")
                except OSError as exc:
                    told.append(exc.errno)
            assert set(told) <= {number}
            assert len(told) <= 1
            (path,) = beats(gallery)
            assert decode(path.read_bytes()) is not None
            begin.clear()
            assert len(log.append(*drafts(1)).result()) == 1
            log.close()

    def test_a_folder_that_cannot_be_read_is_told(self, tmp_path: Path) -> None:
        """And the log is read all the same."""

        class Deaf(DiskIO):
            def names(self, folder: Path) -> list[str]:
                if folder.name == "live":
                    raise OSError(errno.EIO, "no answer")
                return super().names(folder)

        gallery = make_gallery(tmp_path)
        writer = open_log(gallery, "host-a")
        written = writer.append(*drafts(2)).result()
        log = open_log(gallery, "host-b", disk=Deaf())
        assert flat(log.read()) == written
        (finding,) = log.findings()
        assert "heartbeats" in finding.message
        log.close()
        writer.close()


def _at(begin: list[int], call: int) -> Callable[[int], bool]:
    """Fails the call with this number, counted from what `begin` holds."""
    return lambda count: bool(begin) and count - begin[0] == call
