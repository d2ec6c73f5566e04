"""Every call to the system fails once, with every error: of two hosts that work, restart and save.

The story makes a project, writes from two hosts, follows, rolls, seals, restarts one host from a
checkpoint, tells the time and where it is, claims, and ends. Each of its calls fails with each
error that shares give: nothing that was acknowledged is lost, nothing false or twice is read, no
more than the step at hand is refused, and whoever was refused is told why.
"""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from attrs import define, field

from events.codec import Draft, draft
from events.log import segments
from events.log.checkpoint import CheckpointStore
from events.log.disk_io import DiskIO
from events.log.folder import FolderLog, proves
from events.log.format_file import Format, FormatError, create, load
from events.log.port import HARMLESS, LogReadOnlyError, ShareSilentError
from events.record import Record
from events.stamp import Stamp
from tests.log.builders import MS, flat, rated, steady, writer_name
from tests.log.calls import Call, Calls
from tests.log.disks import ERRNOS, FAILURES

#: During these, a call that fails leaves something undone, and whoever asked for it is told so.
#: During the others the log bears it: what was asked for is done all the same.
TOLD = frozenset({"beat", "claim", "clock", "create", "open", "read", "save"})


@define
class Host:
    """One host: its log, and the stamps of what it knows to have happened."""

    name: str
    log: FolderLog
    known: list[Stamp] = field(factory=list)


@define
class Story:
    """What happens, what was promised to whom, and what was said of faults."""

    folder: Path
    calls: Calls
    acknowledged: list[Record] = field(factory=list)
    refused: int = 0
    said: list[str] = field(factory=list)
    _asked: int = 0
    _writers: int = 0

    @property
    def gallery(self) -> Path:
        """The project's `.gallery`."""
        return self.folder / "project" / ".gallery"

    @contextmanager
    def _during(self, what: str) -> Iterator[None]:
        self.calls.during = what
        yield
        self.calls.during = ""

    def run(self) -> None:
        """All of it; the calls count from the first to the last."""
        self.gallery.parent.mkdir(parents=True)
        with self.calls.counted():
            format_ = self._create()
            ada, bela = self._host("ada", format_), self._host("bela", format_)
            for round_ in range(3):
                self._append(ada, *self._drafts(1))
                self._append(bela, *self._drafts(round_ + 1))
                self._follow(ada, bela)
            self._append(ada, draft([rated(1, "t-1"), rated(2, "t-2")], "mara", "c-1"))
            self._save(bela)
            self._follow(bela)
            self._close(ada)
            self._append(bela, *self._drafts(2))
            self._close(bela)
            ada, bela = self._host("ada", format_), self._restarted("bela", format_)
            self._append(ada, *self._drafts(2))
            self._append(bela, *self._drafts(1))
            self._be_seen(ada)
            self._follow(ada, bela)
            self._claim_in_turn(ada, bela)
            self._close(ada)
            self._follow(bela)
            self._close(bela)
            # A fault in the last look is made up for by the next.
            self._follow(ada, bela)
            self._follow(ada, bela)
        self._judge(ada, bela)

    def _create(self) -> Format:
        """Make the project; who is refused tries once more."""
        with self._during("create"):
            try:
                create(self.gallery, DiskIO(), patience=0.0)
            except (OSError, FormatError) as exc:
                self.said.append(str(exc))
                create(self.gallery, DiskIO(), patience=0.0)
        with self._during("open"):
            try:
                found = load(self.gallery)
            except OSError as exc:
                self.said.append(str(exc))
                found = load(self.gallery)
        assert found is not None
        return found

    def _host(self, name: str, format_: Format, **start: object) -> Host:
        self._writers += 1
        writer = writer_name(self._writers)
        log = FolderLog(
            self.gallery,
            format_,
            name,
            wall_ms=steady(MS + self._writers),
            new_writer=lambda: writer,
            **start,  # type: ignore[arg-type]  # `start` of FolderLog, or nothing
        )
        host = Host(name, log)
        if not start:
            self._follow(host)
        return host

    def _restarted(self, name: str, format_: Format) -> Host:
        """A host that goes on from its checkpoint, if the log still proves it."""
        with self._during("restore"):
            for found in CheckpointStore(self.folder / "cache", "code").load():
                if proves(self.gallery, found.positions):
                    host = self._host(name, format_, start=found.positions)
                    host.known = list(found.state)
                    self._follow(host)
                    return host
        return self._host(name, format_)

    def _drafts(self, count: int) -> list[Draft]:
        begin, self._asked = self._asked, self._asked + count
        return [draft([rated(n % 6, f"{n:032x}")], "mara") for n in range(begin, begin + count)]

    def _append(self, host: Host, *items: Draft) -> None:
        with self._during("append"):
            try:
                records = host.log.append(*items).result(timeout=30)
            except LogReadOnlyError as exc:
                self.said.append(str(exc))
                self.refused += 1
                return
        self.acknowledged += records
        host.known += [record.stamp for record in records]

    def _follow(self, *hosts: Host) -> None:
        for host in hosts:
            with self._during("read"):
                host.known += [record.stamp for record in flat(host.log.read())]
            self.said += [found.message for found in host.log.findings()]

    def _save(self, host: Host) -> None:
        with self._during("save"):
            store = CheckpointStore(self.folder / "cache", "code")
            try:
                store.save(host.log.positions(), host.known, "hash")
            except OSError as exc:
                self.said.append(str(exc))

    def _be_seen(self, host: Host) -> None:
        """Compare the clock with the share's, and tell the others where we are."""
        with self._during("clock"):
            try:
                host.log.measure_clock()
            except ShareSilentError as exc:
                self.said.append(str(exc))
        with self._during("beat"):
            try:
                host.log.beat(host.name, None, "1")
            except OSError as exc:
                self.said.append(str(exc))

    def _claim_in_turn(self, *hosts: Host) -> None:
        """All want what only one may have."""
        claims = []
        for host in hosts:
            with self._during("claim"):
                try:
                    claims.append(host.log.claim("trash", "all"))
                except ShareSilentError as exc:
                    self.said.append(str(exc))
        got = [claim for claim in claims if claim is not None]
        assert len(got) <= 1
        with self._during("release"):
            for claim in got:
                claim.release()

    def _close(self, host: Host) -> None:
        with self._during("close"):
            host.log.close()

    def _judge(self, *hosts: Host) -> None:
        """By a host that comes late and meets no fault: all is there, and nothing else."""
        late = FolderLog(self.gallery, self._format(), "late")
        read = flat(late.read())
        stamps = sorted(record.stamp for record in read)

        assert sorted(self.acknowledged, key=_stamp) == sorted(read, key=_stamp)
        assert self.refused == 0, "one fault is borne"
        assert [f for f in late.findings() if f.kind not in HARMLESS] == []
        for host in hosts:
            assert sorted(host.known) == stamps, f"{host.name} knows all, and once"
            assert host.log.read_only in (None, "the log is closed")
        assert self.calls.touched_again == []
        self._judge_what_was_said()

    def _judge_what_was_said(self) -> None:
        call = self.calls.failed
        if call is None or call.during not in TOLD or _is_borne(call, self.calls):
            return
        why = os.strerror(self.calls.number)
        assert any(why in said for said in self.said), f"nobody was told of {call}"

    def _format(self) -> Format:
        found = load(self.gallery)
        assert found is not None
        return found


def _stamp(record: Record) -> Stamp:
    return record.stamp


def _is_borne(call: Call, calls: Calls) -> bool:
    """Whether all is well although a call failed, so that there is nothing to tell."""
    match call.function:
        case "link":
            return True  # where links cannot be made, FORMAT is written in place
        case "mkdir":
            made = any(
                (before.function, before.path) == ("mkdir", call.path)
                for before in calls.made[: calls.failing]
            )
            return made or calls.failure != "not done"  # the folder is there
        case "fsync":
            # What file systems say that cannot sync folders.
            return calls.number == errno.EBADF and call.during in ("claim", "create")
        case "unlink":
            return "/.FORMAT." in call.path or "/.clock." in call.path  # a hidden draft stays
        case "scandir":
            return call.path == "cache"  # checkpoints of old stay
        case _:
            return False


@pytest.fixture(autouse=True)
def _small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments are full after two lines."""
    monkeypatch.setattr(segments, "ROLL_BYTES", 600)


@pytest.fixture
def total(tmp_path: Path) -> int:
    """How many calls the story takes when none fails."""
    healthy = Story(tmp_path / "healthy", Calls(tmp_path / "healthy"))
    healthy.run()
    assert healthy.said == []
    return len(healthy.calls.made)


def _fail(folder: Path, place: int, number: int, failure: str) -> None:
    calls = Calls(folder, place, number, failure)
    story = Story(folder, calls)
    try:
        story.run()
    except BaseException as exc:
        exc.add_note(f"call {place}, {errno.errorcode[number]}, {failure}: {calls.failed}")
        raise


def _cases(total: int) -> list[tuple[int, int, str]]:
    """Each call with each error; each call fails in each way."""
    return [
        (place, number, FAILURES[(place + index) % len(FAILURES)])
        for place in range(total)
        for index, number in enumerate(ERRNOS)
    ]


def test_it_is_a_story_of_some_hundred_calls(tmp_path: Path) -> None:
    """Of all kinds: it makes, names, lists, writes, syncs, looks, reads, closes (FORMAT.md W4)."""
    story = Story(tmp_path / "healthy", Calls(tmp_path / "healthy"))
    story.run()
    made = story.calls.made

    assert len(made) >= 300
    assert len(ERRNOS) == 9
    assert {call.during for call in made} == TOLD | {"append", "close", "release", "restore"}
    assert {call.function for call in made} >= {
        *("open", "close", "mkdir", "link", "unlink", "listdir", "replace"),
        *("fstat", "fsync", "lseek", "pwrite", "read"),
    }


def test_some_calls_fail(tmp_path: Path, total: int) -> None:
    """About a hundred of all cases, always the same ones (FORMAT.md W4, R2, R3, F1, K1)."""
    for case in random.Random(1).sample(_cases(total), 100):
        _fail(tmp_path / "-".join(map(str, case)), *case)


@pytest.mark.campaign
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("number", ERRNOS, ids=[errno.errorcode[n] for n in ERRNOS])
def test_any_call_fails(tmp_path: Path, total: int, number: int) -> None:
    """Each call of the story with each error (FORMAT.md W4, R2, R3, F1, K1)."""
    for case in _cases(total):
        if case[1] == number:
            _fail(tmp_path / "-".join(map(str, case)), *case)
