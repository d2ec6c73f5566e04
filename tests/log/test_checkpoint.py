"""Checkpoints: used only when whole, of our code, and proved by the log."""

from __future__ import annotations

import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import pytest
from attrs import evolve

from events.log import segments
from events.log.checkpoint import KEEP, Checkpoint, CheckpointStore
from events.log.folder import FolderLog, proves
from events.log.format_file import Format
from events.record import Position
from tests.log.builders import (
    PROJECT,
    Builder,
    drafts,
    flat,
    make_gallery,
    open_log,
    reader,
    writer_name,
)
from tests.log.disks import RecordingDisk

AT = {f"{writer_name(1)}.host-a": Position(3, "a" * 32, 1, 700)}
STATE = {"ratings": [["a", 5]], "größe": None}


@pytest.fixture
def store(tmp_path: Path) -> CheckpointStore:
    """A store whose folder does not exist yet."""
    return CheckpointStore(tmp_path / "cache" / "p", "code-1")


class TestStore:
    def test_what_is_saved_is_loaded(self, store: CheckpointStore) -> None:
        """Positions, state and hash come back as they were (FORMAT.md K1)."""
        store.save(AT, STATE, "hash")

        assert list(store.load()) == [Checkpoint(AT, STATE, "hash")]

    def test_no_folder_is_no_checkpoint(self, store: CheckpointStore) -> None:
        """A fresh machine replays (FORMAT.md K1)."""
        assert list(store.load()) == []

    def test_the_newest_comes_first_and_the_oldest_go(self, store: CheckpointStore) -> None:
        """A few are kept, in case the newest is no good."""
        for number in range(5):
            store.save(AT, number, "hash")

        assert [found.state for found in store.load()] == [4, 3][:KEEP]

    def test_a_clock_that_was_put_back_does_no_harm(
        self, store: CheckpointStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The newest is the one that was saved last."""
        store.save(AT, "old", "hash")
        monkeypatch.setattr(time, "time_ns", lambda: 5)
        for number in range(3):
            store.save(AT, number, "hash")

        assert [found.state for found in store.load()] == [2, 1]

    def test_other_code_is_not_believed(self, store: CheckpointStore, tmp_path: Path) -> None:
        """A state folded by other code may mean something else (FORMAT.md K1)."""
        store.save(AT, STATE, "hash")

        assert list(CheckpointStore(tmp_path / "cache" / "p", "code-2").load()) == []

    def test_any_damage_is_noticed(self, store: CheckpointStore) -> None:
        """Cut off or changed at any byte it is passed by, the one before is used (FORMAT.md K1)."""
        store.save(AT, "older", "hash")
        path = store.save(AT, STATE, "hash")
        data = path.read_bytes()
        for place in range(len(data)):
            for wrong in (data[:place], data[:place] + b"#" + data[place + 1 :]):
                path.write_bytes(wrong)
                assert [found.state for found in store.load()] == ["older"], place

    @pytest.mark.parametrize(
        "body",
        [b"", b"[]", b"5", b'{"positions":[]}', b'{"positions":{"w":{"sequence":1}},"state":1}'],
    )
    def test_a_whole_file_of_another_shape(self, store: CheckpointStore, body: bytes) -> None:
        """The hash holds, the content is none of ours: passed by (FORMAT.md K1)."""
        path = store.save(AT, STATE, "hash")
        head = orjson.dumps({"code": "code-1", "sha256": sha256(body).hexdigest()})
        path.write_bytes(head + b"\n" + body)

        assert list(store.load()) == []

    def test_a_half_written_one_is_cleared_away(self, store: CheckpointStore) -> None:
        """A power cut while saving leaves nothing for ever."""
        path = store.save(AT, STATE, "hash")
        part = path.with_name("checkpoint-1.part")
        part.write_bytes(b"half")
        assert len(list(store.load())) == 1

        store.save(AT, STATE, "hash")

        assert not part.exists()

    def test_a_disk_that_refuses_says_so(self, store: CheckpointStore, tmp_path: Path) -> None:
        """Saving may fail, and the caller decides."""
        (tmp_path / "cache").write_bytes(b"a file where the folder should be")

        with pytest.raises(OSError, match="cache"):
            store.save(AT, STATE, "hash")


@pytest.fixture
def gallery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A log of two hosts and several segments."""
    monkeypatch.setattr(segments, "ROLL_BYTES", 700)
    gallery = make_gallery(tmp_path)
    for number, host in enumerate(("host-a", "host-b"), 1):
        log = open_log(gallery, host, disk=RecordingDisk(), number=number)
        for item in drafts(7):
            log.append(item).result(timeout=10)
        log.close()
    return gallery


def positions_of(gallery: Path) -> dict[str, Position]:
    """Where a reader that has read everything stands."""
    log = open_log(gallery, "host-z")
    flat(log.read())
    return log.positions()


class TestProof:
    def test_the_log_proves_where_it_was_read_to(self, gallery: Path) -> None:
        """Each position names a line that stands there (FORMAT.md K1)."""
        positions = positions_of(gallery)

        assert len(positions) == 2
        assert proves(gallery, positions)
        assert proves(gallery, {})

    def test_so_it_does_after_it_went_on(self, gallery: Path) -> None:
        """More lines change nothing about the earlier ones."""
        positions = positions_of(gallery)
        log = open_log(gallery, "host-a", number=9)
        log.append(drafts(1)[0]).result(timeout=10)
        log.close()

        assert proves(gallery, positions)

    @pytest.mark.parametrize(
        "change",
        [
            {"chain": "0" * 32},
            {"offset": 5},
            {"offset": 10**9},
            {"segment": 1},
            {"segment": 900},
            {"segment": 0},
        ],
        ids=str,
    )
    def test_a_position_that_is_not_so(self, gallery: Path, change: dict[str, Any]) -> None:
        """One wrong position is enough to doubt all (FORMAT.md K1)."""
        positions = positions_of(gallery)
        key = next(iter(positions))

        assert not proves(gallery, {**positions, key: evolve(positions[key], **change)})

    def test_a_log_that_was_replaced(self, gallery: Path) -> None:
        """A truncated, changed or vanished file proves nothing (FORMAT.md K1)."""
        positions = positions_of(gallery)
        key, at = next(iter(positions.items()))
        path = gallery / "log" / f"{key}.{at.segment:06d}.jsonl"
        data = path.read_bytes()

        path.write_bytes(data[: at.offset - 1])
        assert not proves(gallery, positions)
        path.write_bytes(data[: at.offset - 10] + b"#" * 10 + data[at.offset :])
        assert not proves(gallery, positions)
        path.unlink()
        assert not proves(gallery, positions)
        path.write_bytes(data)
        assert proves(gallery, positions)

    def test_a_position_right_behind_a_header(self, tmp_path: Path) -> None:
        """No line of this segment was read: its header tells the same (FORMAT.md K1)."""
        gallery = make_gallery(tmp_path)
        log = Builder()
        log.add(*drafts(3))
        log.roll()
        for name, data in log.files.items():
            (gallery / "log" / name).write_bytes(data)
        following = reader(log.files)
        flat(following.read())
        positions = following.positions()
        (at,) = positions.values()

        assert (at.segment, at.sequence) == (2, 3)
        assert proves(gallery, positions)
        assert not proves(gallery, {log.who: evolve(at, sequence=2)})
        assert not proves(gallery, {log.who: evolve(at, chain="0" * 32)})
        (gallery / "log" / log.name(2)).write_bytes(b"x" * (at.offset - 1) + b"\n")
        assert not proves(gallery, positions)

    def test_a_writer_of_which_nothing_was_read(self, tmp_path: Path) -> None:
        """Nothing is claimed, so nothing needs a proof; a read header does (FORMAT.md K1)."""
        gallery = make_gallery(tmp_path)
        log = Builder()
        following = reader(log.files)
        flat(following.read())
        (at,) = following.positions().values()

        assert proves(gallery, {log.who: evolve(at, segment=0, offset=0)})
        assert at.segment == 1
        assert not proves(gallery, {log.who: at})
        (gallery / "log" / log.name(1)).write_bytes(log.files[log.name(1)])
        assert proves(gallery, {log.who: at})

    def test_a_share_that_does_not_answer(self, gallery: Path) -> None:
        """What cannot be read proves nothing."""
        positions = positions_of(gallery)
        (gallery / "log").rename(gallery / "gone")

        assert not proves(gallery, positions)


def test_state_and_checkpoint_together(gallery: Path, tmp_path: Path) -> None:
    """A checkpoint and the rest of the log make the whole of it (FORMAT.md R8, K1)."""
    half = FolderLog(gallery, Format(PROJECT, "2024"), "host-z")
    batches = half.read()
    state = [record.stamp for record in next(batches)]
    store = CheckpointStore(tmp_path / "cache", "code")
    store.save(half.positions(), state, "hash")

    (found,) = store.load()
    assert proves(gallery, found.positions)
    rest = open_log(gallery, "host-z", start=found.positions)
    stamps = found.state + [record.stamp for record in flat(rest.read())]

    whole = open_log(gallery, "host-z")
    assert sorted(stamps) == sorted(record.stamp for record in flat(whole.read()))
