"""Claims on a share: who gets them, when they end, and what a crash at any step leaves."""

from __future__ import annotations

import errno
import os
import threading
import time
from pathlib import Path

import orjson
import pytest
from attrs import define, field

from events.log.claims import (
    KEEP_SECONDS,
    LEASE_MS,
    Claims,
    Holder,
    Seen,
    decide,
    name_of,
)
from events.log.disk_io import DiskIO
from events.log.port import DEAD_SECONDS
from events.stamp import MAX_AHEAD_MS

NOW = 1_800_000_000_000
BOB = Holder("bob", "w-bob", NOW - 1000, NOW - 1000 + LEASE_MS)


def taken(*seen: Seen, now: int = NOW, dead: tuple[str, ...] = ()) -> int | Seen:
    """What Ada's second incarnation may do."""
    return decide(seen, "ada", "w-ada-2", now, lambda host: host in dead)


class TestDecide:
    def test_what_nobody_claimed_is_free(self) -> None:
        """The first epoch is 1."""
        assert taken() == 1

    def test_what_is_over_is_free(self) -> None:
        """The next epoch follows, in whatever order the listing came."""
        assert taken(Seen(2, BOB, done=True), Seen(1, BOB, done=True)) == 3

    def test_what_another_has_is_not(self) -> None:
        """Not even if an older epoch is over."""
        theirs = Seen(2, BOB)
        assert taken(Seen(1, BOB, done=True), theirs) == theirs

    def test_a_dead_host_has_nothing(self) -> None:
        """Its heart has stopped, and it said nothing for minutes (FORMAT.md O3)."""
        old = Seen(1, BOB, age=DEAD_SECONDS + 1)
        assert taken(old, dead=("bob",)) == 2
        assert taken(old) == old

    def test_who_has_just_claimed_lives(self) -> None:
        """Even if it has no heartbeat and never wrote."""
        fresh = Seen(1, BOB, age=DEAD_SECONDS - 1)
        assert taken(fresh, dead=("bob",)) == fresh

    def test_our_earlier_incarnation_is_dead(self) -> None:
        """At once; but what this very one has it does not get twice (FORMAT.md O3)."""
        earlier = Holder("ada", "w-ada-1", NOW, NOW + LEASE_MS)
        now = Holder("ada", "w-ada-2", NOW, NOW + LEASE_MS)
        assert taken(Seen(4, earlier)) == 5
        assert taken(Seen(4, now)) == Seen(4, now)

    def test_a_claim_ends_by_itself(self) -> None:
        """Even of a host that lives; a minute more for clocks that differ (FORMAT.md O2)."""
        theirs = Seen(1, BOB)
        assert taken(theirs, now=BOB.until_ms + MAX_AHEAD_MS) == theirs
        assert taken(theirs, now=BOB.until_ms + MAX_AHEAD_MS + 1) == 2

    def test_a_half_written_claim_counts_for_a_while(self) -> None:
        """Its claimant may be writing it now; or it died then."""
        young, old = Seen(1, None, age=1.0), Seen(1, None, age=DEAD_SECONDS + 1)
        assert taken(young) == young
        assert taken(old) == 2


class TestNames:
    def test_a_plain_key_can_be_read(self) -> None:
        """So that people can see in the folder what was claimed."""
        assert name_of("settle", "abc-9") == "settle.abc-9"

    @pytest.mark.parametrize("key", ["", "Upper", "a/b", "a.b", "ä", "x" * 65, "\udc80"])
    def test_any_other_key_is_hashed(self, key: str) -> None:
        """No key leads out of the folder, or is mangled by the share."""
        kind, _, rest = name_of("import", key).partition(".")
        assert kind == "import"
        assert len(rest) == 32
        assert rest.isalnum()

    def test_a_kind_is_a_word(self) -> None:
        """It is ours to choose."""
        with pytest.raises(ValueError, match="no kind"):
            name_of("a.b", "key")


@define(eq=False)
class Desk:
    """A project's claims, as several hosts make them."""

    folder: Path
    now: int = NOW
    dead: set[str] = field(factory=set)

    def host(self, name: str, disk: DiskIO | None = None) -> Claims:
        return Claims(
            self.folder, name, disk or _Dated(self), lambda: self.now, lambda: 0.0,
            lambda host: host in self.dead,
        )  # fmt: skip

    def names(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())


class _Dated(DiskIO):
    """Files get the time that the test says."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def create(self, path: Path) -> int:
        descriptor = super().create(path)
        os.utime(path, ns=(self._desk.now * 1_000_000,) * 2)
        return descriptor

    def write(self, descriptor: int, data: bytes, offset: int) -> None:
        super().write(descriptor, data, offset)
        os.utime(descriptor, ns=(self._desk.now * 1_000_000,) * 2)


class _Failing(_Dated):
    """One call fails."""

    def __init__(self, desk: Desk, call: str, number: int) -> None:
        super().__init__(desk)
        self._left = {call: number}

    def _count(self, call: str) -> None:
        if call in self._left:
            self._left[call] -= 1
            if self._left[call] == 0:
                raise OSError(errno.EIO, "the cable is out")

    def create(self, path: Path) -> int:
        self._count("create")
        return super().create(path)

    def write(self, descriptor: int, data: bytes, offset: int) -> None:
        self._count("write")
        super().write(descriptor, data, offset)

    def sync(self, descriptor: int) -> None:
        self._count("sync")
        super().sync(descriptor)

    def sync_folder(self, folder: Path) -> None:
        self._count("sync_folder")
        super().sync_folder(folder)


class _Stale(_Dated):
    """Listings are as old as the test wants: what it names is not in them yet."""

    def __init__(self, desk: Desk, unseen: set[str]) -> None:
        super().__init__(desk)
        self.unseen = unseen

    def names(self, folder: Path) -> list[str]:
        found = [name for name in super().names(folder) if name not in self.unseen]
        self.unseen = set()
        return found


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A project in which nothing was claimed."""
    return Desk(tmp_path / "claim")


class TestOnAShare:
    def test_a_claim_says_whose_it_is(self, desk: Desk) -> None:
        """In a file that anybody can read (FORMAT.md O1)."""
        desk.host("ada").claim("trash", "all", "w-ada")

        assert desk.names() == ["trash.all.000001"]
        plain = orjson.loads((desk.folder / "trash.all.000001").read_bytes())
        assert plain == {"host": "ada", "writer": "w-ada", "at": NOW, "until": NOW + LEASE_MS}

    def test_of_many_at_once_one_gets_it(self, desk: Desk) -> None:
        """Whoever creates the file first (FORMAT.md O1)."""
        desk.now = time.time_ns() // 1_000_000
        hosts = [desk.host(f"h{number}", DiskIO()) for number in range(8)]
        got: list[object] = []
        gate = threading.Barrier(len(hosts))

        def grab(host: Claims) -> None:
            gate.wait()
            got.append(host.claim("trash", "all", "w"))

        threads = [threading.Thread(target=grab, args=(host,)) for host in hosts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sum(each is not None for each in got) == 1
        assert desk.names() == ["trash.all.000001"]

    def test_a_dead_claimant_is_followed_by_one(self, desk: Desk) -> None:
        """Its file stays as it is: nobody changes another's (FORMAT.md O2, O3)."""
        desk.host("ada").claim("trash", "all", "w-ada")
        before = (desk.folder / "trash.all.000001").read_bytes()
        desk.now += int(DEAD_SECONDS * 1000) + 1000
        desk.dead.add("ada")

        got = [desk.host(name).claim("trash", "all", "w") for name in ("bob", "eve")]

        assert [each and each.epoch for each in got] == [2, None]
        assert (desk.folder / "trash.all.000001").read_bytes() == before

    def test_a_sleeper_that_wakes_harms_no_successor(self, desk: Desk) -> None:
        """Its release is of its own epoch only."""
        sleeper = desk.host("ada").claim("trash", "all", "w-ada")
        desk.now += int(DEAD_SECONDS * 1000) + 1000
        desk.dead.add("ada")
        assert desk.host("bob").claim("trash", "all", "w-bob")

        assert sleeper is not None
        sleeper.release()

        assert desk.host("eve").claim("trash", "all", "w-eve") is None

    def test_a_stale_listing_digs_up_nothing(self, desk: Desk) -> None:
        """Who creates an epoch that was cleaned away notices the newer one, and steps back."""
        bob = desk.host("bob")
        for _ in range(2):
            claim = bob.claim("trash", "all", "w-bob")
            assert claim is not None
            claim.release()
        assert bob.claim("trash", "all", "w-bob")
        for name in ("trash.all.000002", "trash.all.000002.done"):
            (desk.folder / name).unlink()
        unseen = {"trash.all.000003"}

        assert desk.host("ada", _Stale(desk, unseen)).claim("trash", "all", "w-ada") is None

        # What it made is over, so it stands in nobody's way.
        assert "trash.all.000002.done" in desk.names()

    @pytest.mark.parametrize("call", ["write", "sync", "sync_folder"])
    def test_a_failed_claim_is_released_with_the_next(self, desk: Desk, call: str) -> None:
        """The share fails in the middle: we do not have it, and do not keep others from it."""
        ada = desk.host("ada", _Failing(desk, call, 1))
        with pytest.raises(OSError, match="cable"):
            ada.claim("trash", "all", "w-ada")
        assert desk.host("bob").claim("trash", "all", "w-bob") is None

        second = ada.claim("trash", "all", "w-ada")

        assert second is not None
        assert second.epoch == 2

    def test_what_could_not_be_created_is_nobodys(self, desk: Desk) -> None:
        """Nothing is told to be over that may be another's by now."""
        ada = desk.host("ada", _Failing(desk, "create", 1))
        with pytest.raises(OSError, match="cable"):
            ada.claim("trash", "all", "w-ada")
        theirs = desk.host("bob").claim("trash", "all", "w-bob")

        assert theirs is not None
        assert ada.claim("trash", "all", "w-ada") is None
        assert desk.names() == ["trash.all.000001"]

    def test_a_release_that_fails_is_told_later(self, desk: Desk) -> None:
        """With the next claim of whatever kind."""
        ada = desk.host("ada", _Failing(desk, "create", 2))
        claim = ada.claim("trash", "all", "w-ada")
        assert claim is not None
        claim.release()
        assert desk.host("bob").claim("trash", "all", "w-bob") is None

        assert ada.claim("import", "x", "w-ada") is not None

        assert desk.host("bob").claim("trash", "all", "w-bob") is not None

    @pytest.mark.parametrize("content", [b"", b"\0" * 90, b'{"host":"ada"', b"[]", b'{"host":1}'])
    def test_a_claim_cut_off_by_a_power_cut_ends(self, desk: Desk, content: bytes) -> None:
        """Whose it was nobody knows: it counts until its claimant must have written it."""
        desk.folder.mkdir()
        file = desk.folder / "trash.all.000001"
        file.write_bytes(content)
        os.utime(file, ns=(NOW * 1_000_000,) * 2)
        assert desk.host("bob").claim("trash", "all", "w-bob") is None

        desk.now += int(DEAD_SECONDS * 1000) + 1

        assert desk.host("bob").claim("trash", "all", "w-bob") is not None

    def test_old_claims_are_removed_by_their_owner(self, desk: Desk) -> None:
        """With its next claim, some time later; not the newest, not another's (FORMAT.md O4)."""
        ada, bob = desk.host("ada"), desk.host("bob")
        for host in (ada, ada, bob, ada):
            claim = host.claim("trash", "all", "w")
            assert claim is not None
            claim.release()
        desk.now += int(KEEP_SECONDS * 1000) + 1000

        assert ada.claim("trash", "all", "w") is not None

        left = {name.split(".")[2] for name in desk.names()}
        assert left == {"000003", "000005"}
        # Epochs go on from there.
        desk.now += LEASE_MS + MAX_AHEAD_MS + 1
        last = bob.claim("trash", "all", "w")
        assert last is not None
        assert last.epoch == 6

    def test_foreign_names_are_passed_by(self, desk: Desk) -> None:
        """Whatever sync tools and finders leave in the folder."""
        desk.folder.mkdir()
        for name in (".DS_Store", "trash.all.000001 (conflicted copy)", "trash.all", "x"):
            (desk.folder / name).write_bytes(b"?")

        claim = desk.host("ada").claim("trash", "all", "w")

        assert claim is not None
        assert claim.epoch == 1
