"""The simulated share does what shares were measured to do."""

from __future__ import annotations

import errno
from pathlib import Path
from random import Random

import pytest

from events.log.disk_io import DiskIO
from tests.simulation.ledger import BrokenPromise
from tests.simulation.mount import Mount, calls
from tests.simulation.profiles import PROFILES
from tests.simulation.server import Server

LOCAL, CIFS, NFS, HOSTILE = PROFILES
FOLDER = Path("/share/log")
OURS = FOLDER / "w.host-a.000001.jsonl"


class Quiet:
    """A world in which nothing happens but what a test wants."""

    def __init__(self) -> None:
        self.now = 0
        self.dice = Random(1)
        self.fails: list[str] = []

    def enter(self, mount: Mount, call: str, path: str) -> str | None:
        return self.fails.pop() if self.fails else None

    def pause(self, mount: Mount) -> None:
        """Nobody else is there."""

    def say(self, who: str, text: str) -> None:
        """Nobody listens."""

    def accuse(self, promise: str, text: str) -> None:
        raise BrokenPromise(promise, text)


@pytest.fixture
def world() -> Quiet:
    """Nothing happens."""
    return Quiet()


@pytest.fixture
def server() -> Server:
    """An empty share."""
    return Server()


def test_the_model_knows_every_call() -> None:
    """All I/O of the log goes through `DiskIO`; a call that is new there must be modelled here."""
    public = {name for name in vars(DiskIO) if not name.startswith("_")}
    assert set(calls()) == public


class TestPowerCuts:
    def test_only_fsync_makes_durable(self, world: Quiet, server: Server) -> None:
        """What was synced survives, and what was not may be lost, torn or NULs (2, 14)."""
        kinds = set()
        for seed in range(40):
            server = Server()
            mount = Mount("host-a", server, LOCAL, world)
            descriptor = mount.create(OURS)
            mount.write(descriptor, b"one\n", 0)
            mount.sync(descriptor)
            mount.sync_folder(FOLDER)
            mount.write(descriptor, b"another\n", 4)
            server.power_cut(Random(seed))
            kinds.add(server.names[str(OURS)].data)

        assert all(data.startswith(b"one\n") for data in kinds)
        assert {b"one\n", b"one\nanother\n", b"one\n" + bytes(8)} < kinds

    def test_a_name_may_be_lost_until_its_folder_is_synced(self, server: Server) -> None:
        """A file that was created, and not more, is there or not."""
        there = set()
        for seed in range(20):
            server = Server()
            Mount("host-a", server, LOCAL, Quiet()).create(OURS)
            server.power_cut(Random(seed))
            there.add(str(OURS) in server.names)
        assert there == {True, False}

    @pytest.mark.parametrize("profile", [NFS, CIFS], ids=lambda each: each.name)
    def test_descriptors_after_a_restart_of_the_server(
        self, world: Quiet, server: Server, profile: object
    ) -> None:
        """NFS sends again what was not synced; a handle on SMB is stale (13, 15)."""
        mount = Mount("host-a", server, profile, world)  # type: ignore[arg-type]
        descriptor = mount.create(OURS)
        mount.sync_folder(FOLDER)
        mount.write(descriptor, b"line\n", 0)
        server.power_cut(Random(0))
        if profile is NFS:
            mount.sync(descriptor)
            assert server.names[str(OURS)].stable == b"line\n"
        else:
            with pytest.raises(OSError) as refused:
                mount.sync(descriptor)
            assert refused.value.errno == errno.ESTALE


class TestErrors:
    def test_after_a_failed_fsync_the_next_is_happy(self, world: Quiet, server: Server) -> None:
        """The kernel drops what it could not write: the bytes may never arrive (2, 3)."""
        lost = 0
        for seed in range(40):
            world.dice = Random(seed)
            server = Server()
            mount = Mount("host-a", server, NFS, world)
            descriptor = mount.create(OURS)
            mount.write(descriptor, b"line\n", 0)
            world.fails = ["not done"]
            with pytest.raises(OSError):
                mount.sync(descriptor)
            mount.sync(descriptor)
            lost += server.names[str(OURS)].stable != b"line\n"
        assert lost > 10

    def test_nobody_touches_the_log_of_another(self, world: Quiet, server: Server) -> None:
        """Creating a segment of another host is a broken promise, P2."""
        mount = Mount("host-b", server, LOCAL, world)
        with pytest.raises(BrokenPromise, match="P2"):
            mount.create(OURS)


class TestCaches:
    def test_a_name_that_was_looked_for_stays_absent(self, world: Quiet, server: Server) -> None:
        """For 12 s on NFS, 0.8 s on CIFS; a listing shows it within 0.2 s (7)."""
        mine = Mount("host-a", server, NFS, world)
        other = Mount("host-b", server, NFS, world)
        with pytest.raises(FileNotFoundError):
            other.read(OURS, 0, 10)
        mine.create(OURS)

        world.now += 11_000
        assert other.names(FOLDER) == [OURS.name]
        with pytest.raises(FileNotFoundError):
            other.read(OURS, 0, 10)
        world.now += 2_000
        assert other.read(OURS, 0, 10).data == b""

    def test_opening_anew_shows_what_is_old_for_a_while(self, world: Quiet, server: Server) -> None:
        """Old bytes, an old size, or the new size with NULs for bytes; then all (6)."""
        mine = Mount("host-a", server, HOSTILE, world)
        descriptor = mine.create(OURS)
        mine.write(descriptor, b"one\n", 0)
        mine.sync(descriptor)
        others = [Mount("host-b", server, HOSTILE, world) for _ in range(60)]
        for other in others:
            assert other.read(OURS, 0, 100).data == b"one\n"
        mine.write(descriptor, b"two\n", 4)
        mine.sync(descriptor)

        seen = {(chunk.data, chunk.size) for o in others for chunk in [o.read(OURS, 0, 100)]}
        assert (b"one\n", 4) in seen
        assert (b"one\n", 8) in seen
        assert (b"one\n" + bytes(4), 8) in seen
        assert (b"one\ntwo\n", 8) in seen

        world.now += HOSTILE.reopened
        assert {other.read(OURS, 0, 100).data for other in others} == {b"one\ntwo\n"}
