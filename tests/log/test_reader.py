"""Reading: what counts as a line, what stops it, and what is said about it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import orjson
import pytest

from events import codec
from events.codec import MAX_LINE, draft
from events.log.disk_io import Chunk, DiskIO
from events.log.followed import HOLE_SECONDS, REST_SECONDS, TIRED_SECONDS
from events.log.frame import Header, Seal
from events.log.port import HARMLESS, Tail
from events.log.reader import LogReader
from events.record import Position, Record
from events.registry import Unknown
from tests.log.builders import (
    PROJECT,
    Builder,
    by_writer,
    drafts,
    flat,
    make_gallery,
    merged,
    open_log,
    rated,
    read_all,
    reader,
    writer_name,
)
from tests.log.disks import DictDisk


def kinds(files: dict[str, bytes]) -> list[Tail]:
    """Kinds of what a new reader leaves out."""
    return [finding.kind for finding in read_all(files)[1]]


@pytest.fixture
def two_segments() -> Builder:
    """Five lines and a seal, then three lines."""
    log = Builder()
    log.add(*drafts(5))
    log.roll()
    log.add(*drafts(3))
    return log


@pytest.fixture
def other() -> Builder:
    """Another writer, which is in good order."""
    log = Builder(2, "host-b")
    log.add(*drafts(4))
    return log


class TestGoodLogs:
    def test_all_writers_are_read(self, two_segments: Builder, other: Builder) -> None:
        """A log is the lines of all its writers."""
        read, findings = read_all(merged(two_segments, other))

        assert by_writer(read) == {
            two_segments.who: two_segments.records,
            other.who: other.records,
        }
        assert findings == ()

    def test_an_empty_folder_is_an_empty_log(self, tmp_path: Path) -> None:
        """No folder, or nothing in it: no records, no findings, and nothing is made."""
        log = LogReader(tmp_path / "log", PROJECT, disk=DiskIO())

        assert flat(log.read()) == []
        assert log.findings() == ()
        assert list(tmp_path.iterdir()) == []

    def test_reading_in_pieces_is_reading_at_once(self, two_segments: Builder) -> None:
        """However the bytes come, the same records come out (FORMAT.md R8)."""
        whole = dict(two_segments.files)
        growing: dict[str, bytes] = {}
        following = reader(growing)
        read: list[Record] = []
        for name, data in whole.items():
            for end in range(0, len(data) + 1, 7):
                growing[name] = data[:end]
                read += flat(following.read())
            growing[name] = data
            read += flat(following.read())

        assert read == two_segments.records
        assert following.findings() == ()

    def test_a_segment_larger_than_a_chunk(self) -> None:
        """Chunks may end anywhere within a line (FORMAT.md R8)."""
        log = Builder()
        big = draft([rated(1)] * 900, "mara")
        log.add(*[big] * 60)

        read, findings = read_all(log.files)

        assert len(log.files[log.name()]) > 4 << 20
        assert read == log.records
        assert findings == ()

    def test_reading_goes_on_anywhere(self, two_segments: Builder) -> None:
        """From the positions after any line, the rest comes (FORMAT.md R8)."""
        for count in range(len(two_segments.records) + 1):
            part = Builder()
            part.add(*drafts(min(count, 5)))
            if count > 5:
                part.roll()
                part.add(*drafts(count - 5))
            early = reader(part.files)
            known = flat(early.read())
            late = reader(two_segments.files, start=early.positions())

            assert known + flat(late.read()) == two_segments.records
            assert late.findings() == ()

    def test_a_sealed_log_is_not_opened_again(self) -> None:
        """A writer that closed its log costs nothing any more."""
        log = Builder()
        log.add(*drafts(2))
        log.seal(None)
        disk = DictDisk(log.files)
        following = LogReader(Path("log"), PROJECT, disk=disk)
        flat(following.read())
        opened = len(disk.opened)

        assert flat(following.read()) == []
        assert len(disk.opened) == opened


class TestNotYet:
    def test_half_a_line_is_read_when_it_is_whole(self, two_segments: Builder) -> None:
        """What has not arrived is in flight, and comes later (FORMAT.md R3)."""
        name = two_segments.name()
        whole = two_segments.files[name]
        two_segments.files[name] = whole[:-20]
        following = reader(two_segments.files)
        early = flat(following.read())
        (finding,) = following.findings()

        two_segments.files[name] = whole
        late = flat(following.read())

        assert (finding.kind, finding.file) == (Tail.IN_FLIGHT, name)
        assert early + late == two_segments.records
        assert following.findings() == ()

    def test_nuls_are_read_when_they_are_filled(self, two_segments: Builder) -> None:
        """Zeros stand where bytes of other pages have not arrived yet (FORMAT.md R3)."""
        name = two_segments.name()
        whole = two_segments.files[name]
        for begin, end in ((30, 60), (len(whole) - 300, len(whole) - 200), (len(whole) - 9, None)):
            stretch = len(whole[begin:end])
            holed = whole[:begin] + bytes(stretch) + (whole[end:] if end else b"")
            files = {**two_segments.files, name: holed}
            following = reader(files)
            early = flat(following.read())
            (finding,) = following.findings()
            files[name] = whole
            late = flat(following.read())

            assert finding.kind is Tail.IN_FLIGHT
            assert early + late == two_segments.records
            assert following.findings() == ()

    def test_a_hole_that_stays_is_damage(self, two_segments: Builder) -> None:
        """Zeros with good lines behind them are no tail; a minute is enough (FORMAT.md R3)."""
        name = two_segments.name()
        data = two_segments.files[name]
        now = [0.0]
        files = {**two_segments.files, name: data[:-300] + bytes(20) + data[-280:]}
        following = reader(files, monotonic=lambda: now[0])
        flat(following.read())
        assert following.findings()[0].kind is Tail.IN_FLIGHT

        now[0] = HOLE_SECONDS + 1
        flat(following.read())

        assert following.findings()[0].kind is Tail.CORRUPT

    def test_half_a_line_of_a_dead_writer_is_torn(self, two_segments: Builder) -> None:
        """Its host has begun anew, so nobody will complete it; no alarm either (FORMAT.md R3)."""
        two_segments.files[two_segments.name()] += b'{"s":9,"h":"0'
        newer = Builder(2, "host-a")
        newer.add(*drafts(1))

        assert kinds(two_segments.files) == [Tail.IN_FLIGHT]
        assert kinds(merged(two_segments, newer)) == [Tail.TORN]
        assert Tail.TORN in HARMLESS

    def test_our_own_next_incarnation_tells_too(self, tmp_path: Path) -> None:
        """A host knows that its own former process is dead (FORMAT.md R3)."""
        gallery = make_gallery(tmp_path)
        old = Builder(1, "host-a")
        old.add(*drafts(1))
        path = gallery / "log" / old.name()
        path.write_bytes(old.files[old.name()] + b'{"s":2')
        log = open_log(gallery, "host-a", number=5)
        log.append(drafts(1)[0]).result(timeout=10)
        flat(log.read())

        assert [finding.kind for finding in log.findings()] == [Tail.TORN]
        log.close()

    def test_a_hole_of_a_dead_writer_is_damage(self, two_segments: Builder) -> None:
        """Lines behind the zeros were durable once: that is a loss (FORMAT.md R3)."""
        name = two_segments.name()
        data = two_segments.files[name]
        two_segments.files[name] = data[:-300] + bytes(20) + data[-280:]
        newer = Builder(2, "host-a")
        newer.add(*drafts(1))

        assert kinds(merged(two_segments, newer)) == [Tail.CORRUPT]

    def test_a_segment_without_a_header_yet(self, two_segments: Builder) -> None:
        """The next segment is being made (FORMAT.md R3)."""
        for started in (b"", b'{"seg":3,"wri', bytes(100)):
            files = {**two_segments.files, two_segments.name(3): started}
            read, (finding,) = read_all(files)

            assert read == two_segments.records
            assert finding.kind is Tail.IN_FLIGHT

    def test_a_segment_sealed_while_we_listed(self, two_segments: Builder) -> None:
        """The successor came after the listing, the seal before the read (FORMAT.md R3)."""
        one, two = two_segments.name(1), two_segments.name(2)

        class Racing(DictDisk):
            """The second segment appears, and the first is sealed, after the first listing."""

            def names(self, folder: Path) -> list[str]:
                listed = super().names(folder)
                self.files.update(two_segments.files)
                return listed

        racing = LogReader(Path("log"), PROJECT, disk=Racing({one: two_segments.files[one]}))

        assert flat(racing.read()) == two_segments.records
        assert racing.findings() == ()
        assert two in two_segments.files


class TestAbandoned:
    @pytest.mark.parametrize(
        "left",
        [
            pytest.param(b"", id="nothing"),
            pytest.param(b'{"s":6,"h":"018', id="half a line"),
            pytest.param(bytes(200), id="NULs"),
            pytest.param(bytes(200) + b"\n", id="NULs and a line end"),
            pytest.param(b"\xff\xfegarbage\nmore\n", id="garbage"),
        ],
    )
    def test_a_valid_continuation_settles_everything(self, left: bytes) -> None:
        """What an error left is passed by, if the next segment goes on there (FORMAT.md R4)."""
        log = Builder()
        log.add(*drafts(5))
        log.raw(left)
        log.open()
        log.add(*drafts(3))

        read, findings = read_all(log.files)

        assert read == log.records
        assert findings == ()

    def test_lines_found_twice_count_once(self) -> None:
        """Segment 1 held lines 4 and 5 after all, segment 2 repeats them (FORMAT.md R4)."""
        log = Builder()
        log.add(*drafts(3))
        head = log.head
        log.add(*drafts(2))
        again = log.lines[3:]
        after, log.head = log.head, head
        log.open()
        log.head = after
        log.raw(b"".join(again))
        log.add(*drafts(2))

        read, findings = read_all(log.files)

        assert [record.sequence for record in read] == [1, 2, 3, 4, 5, 6, 7]
        assert findings == ()

    def test_repeated_lines_that_are_not_all_there_yet(self) -> None:
        """We know record 5, the next segment has only begun to repeat it (FORMAT.md R3)."""
        log = Builder()
        log.add(*drafts(3))
        head = log.head
        log.add(*drafts(2))
        after, log.head = log.head, head
        log.open()
        log.head = after
        log.raw(log.lines[3])

        read, (finding,) = read_all(log.files)

        assert len(read) == 5
        assert finding.kind is Tail.IN_FLIGHT

    def test_a_segment_that_never_got_a_header_is_passed_by(self) -> None:
        """Creating failed, the number was used up (FORMAT.md R4)."""
        log = Builder()
        log.add(*drafts(2))
        log.open(b"")
        log.open()
        log.add(*drafts(2))

        read, findings = read_all(log.files)

        assert read == log.records
        assert findings == ()

    def test_another_record_under_a_known_number_is_a_fork(self) -> None:
        """A repeated line must be the very same; else nobody may choose (FORMAT.md R6)."""
        one, two = Builder(), Builder()
        one.add(*drafts(3))
        two.add(*drafts(2))
        two.add(draft([rated(5)], "mallory"))
        two._segment, two._count = 1, 0
        head, two.head = two.head, Builder().head
        two.open()
        two.head = head
        two.raw(b"".join(two.lines))
        two.add(*drafts(1))

        read, (finding,) = read_all({**one.files, two.name(2): two.files[two.name(2)]})

        assert read == one.records
        assert (finding.kind, "another record 3" in finding.message) == (Tail.CORRUPT, True)

    def test_a_segment_that_continues_another_record_is_a_fork(self) -> None:
        """The numbers fit, the chain does not: two histories, nobody may join (FORMAT.md R7)."""
        one, two = Builder(), Builder()
        one.add(*drafts(3))
        two.add(*drafts(2), draft([rated(5)], "mallory"))
        two.open()
        two.add(*drafts(2))

        read, (finding,) = read_all({**one.files, two.name(2): two.files[two.name(2)]})

        assert read == one.records
        assert (finding.kind, "chain of record 3" in finding.message) == (Tail.CORRUPT, True)


class TestDamage:
    def _last(self, log: Builder, line: bytes) -> list[Tail]:
        log.raw(line)
        read, findings = read_all(log.files)
        assert read == log.records
        return [finding.kind for finding in findings]

    def test_lines_swapped(self, two_segments: Builder) -> None:
        """A line is bound to its place (FORMAT.md R1)."""
        a, b = two_segments.lines[1:3]
        name = two_segments.name(1)
        swapped = two_segments.files[name].replace(a + b, b + a)

        read, findings = read_all({**two_segments.files, name: swapped})

        assert read == two_segments.records[:1]
        assert [finding.kind for finding in findings] == [Tail.CORRUPT]

    def test_a_line_deleted(self, two_segments: Builder) -> None:
        """A missing line stops this writer there (FORMAT.md R1)."""
        name = two_segments.name(1)
        cut = two_segments.files[name].replace(two_segments.lines[2], b"")

        read, findings = read_all({**two_segments.files, name: cut})

        assert read == two_segments.records[:2]
        assert [finding.kind for finding in findings] == [Tail.CORRUPT]

    def test_the_last_line_and_the_seal_deleted(self, two_segments: Builder) -> None:
        """Cut off at a line's end: the next segment tells what is missing (FORMAT.md R7)."""
        name = two_segments.name(1)
        data = two_segments.files[name]
        cut = data[: data.index(two_segments.lines[4])]

        read, (finding,) = read_all({**two_segments.files, name: cut})

        assert read == two_segments.records[:4]
        assert (finding.kind, "records 5 to 5" in finding.message) == (Tail.GAP, True)

    def test_a_line_duplicated(self, two_segments: Builder) -> None:
        """The same line once more within a segment is no continuation (FORMAT.md R1)."""
        assert self._last(two_segments, two_segments.lines[-1]) == [Tail.CORRUPT]

    def test_a_line_of_another_writer(self, two_segments: Builder, other: Builder) -> None:
        """A line belongs to one writer (FORMAT.md R1)."""
        assert self._last(two_segments, other.lines[0]) == [Tail.CORRUPT]

    def test_a_line_of_another_project(self) -> None:
        """The seed binds a chain to its project (FORMAT.md L4)."""
        log, foreign = Builder(), Builder(project="01hzother00000000000000000")
        foreign.add(*drafts(1))

        assert self._last(log, foreign.lines[0]) == [Tail.CORRUPT]

    def test_a_forged_line(self, two_segments: Builder) -> None:
        """Whoever does not know the chain cannot add to it (FORMAT.md R1)."""
        forged = two_segments.lines[-1].replace(b'"stars":2', b'"stars":5')
        assert forged != two_segments.lines[-1]
        two_segments.files[two_segments.name()] = two_segments.files[two_segments.name()].replace(
            two_segments.lines[-1], forged
        )

        read, findings = read_all(two_segments.files)

        assert read == two_segments.records[:-1]
        assert [finding.kind for finding in findings] == [Tail.CORRUPT]

    def test_other_line_ends(self, two_segments: Builder) -> None:
        """A tool that turned LF into CRLF damaged the log (FORMAT.md L3)."""
        name = two_segments.name(1)
        data = two_segments.files[name].replace(b"\n", b"\r\n")

        read, findings = read_all({**two_segments.files, name: data})

        assert read == []
        assert findings[0].kind is Tail.CORRUPT

    @pytest.mark.parametrize(
        "text",
        [
            pytest.param(b"", id="nothing"),
            pytest.param(b"[1,2", id="a list"),
            pytest.param(b"{" + b'"a":{' * 100_000, id="deep"),
            pytest.param(b'{"s":9', id="only a number"),
            pytest.param(b'{"s":8,"h":"018bcfe568000000","t":"a.b","v":1,"a":"m","d":{}', id="8"),
            pytest.param(b'{"s":9.0,"h":"018bcfe568000000","t":"a.b","v":1,"a":"m","d":{}', id="f"),
            pytest.param(
                b'{"s":true,"h":"018bcfe568000000","t":"a.b","v":1,"a":"m","d":{}', id="b"
            ),
            pytest.param(b'{"s":9,"h":18,"t":"a.b","v":1,"a":"m","d":{}', id="h number"),
            pytest.param(b'{"s":9,"h":"18","t":"a.b","v":1,"a":"m","d":{}', id="h short"),
            pytest.param(b'{"s":9,"h":"018BCFE568000000","t":"a.b","v":1,"a":"m","d":{}', id="H"),
            pytest.param(b'{"s":9,"h":"0x8bcfe568000000","t":"a.b","v":1,"a":"m","d":{}', id="0x"),
            pytest.param(b'{"s":9,"h":"018bcfe568000000","t":5,"v":1,"a":"m","d":{}', id="t"),
            pytest.param(b'{"s":9,"h":"018bcfe568000000","t":[],"v":1,"a":"m","d":{}', id="t list"),
            pytest.param(b'{"s":9,"h":"018bcfe568000000","t":"a.b","v":"1","a":"m","d":{}', id="v"),
            pytest.param(b'{"s":9,"h":"018bcfe568000000","t":"a.b","v":1,"a":null,"d":{}', id="a"),
            pytest.param(b'{"s":9,"h":"018bcfe568000000","t":"a.b","v":1,"a":"m","d":[]', id="d"),
            pytest.param(
                b'{"s":9,"h":"018bcfe568000000","t":"a.b","v":1,"a":"m","d":{},"c":5', id="c"
            ),
            pytest.param(
                b'{"s":9,"h":"018bcfe568000000","t":"a.b","v":1,"a":"m","d":{},"x":""', id="x"
            ),
            pytest.param(
                b'{"s":9,"h":"018bcfe568000000","t":"a.b","v":1,"a":"\xff","d":{}', id="8"
            ),
            pytest.param(b'{"s":9,"h":"018bcfe568000000","t":"tx","v":1,"a":"m","d":{}', id="tx"),
            pytest.param(
                b'{"s":9,"h":"018bcfe568000000","t":"tx","v":1,"a":"m","d":{"events":[]}', id="tx0"
            ),
            pytest.param(
                b'{"s":9,"h":"018bcfe568000000","t":"tx","v":1,"a":"m","d":{"events":[1]}', id="tx1"
            ),
            pytest.param(
                b'{"s":9,"h":"018bcfe568000000","t":"tx","v":1,"a":"m","d":{"events":"ab"}', id="ab"
            ),
            pytest.param(
                b'{"s":9,"h":"018bcfe568000000","t":"tx","v":1,"a":"m","d":{"events":'
                b'[{"t":"asset.rated","v":1,"d":{"asset":"a","stars":1}},{"t":"a.b","v":1}]}',
                id="half a transaction",
            ),
        ],
    )
    def test_an_envelope_that_is_broken(self, two_segments: Builder, text: bytes) -> None:
        """The chain holds, yet it is no line of ours: it stops the writer (FORMAT.md R1)."""
        two_segments.forge(text)

        read, (finding,) = read_all(two_segments.files)

        assert read == two_segments.records
        assert finding.kind is Tail.CORRUPT

    @pytest.mark.parametrize(
        "payload",
        [
            {},
            {"asset": "a"},
            {"asset": "a", "stars": "5"},
            {"asset": "a", "stars": 5.0},
            {"asset": "a", "stars": True},
            {"asset": None, "stars": 5},
            {"asset": ["a"], "stars": 5},
            {"stars": {}, "asset": {}},
        ],
    )
    def test_a_payload_of_the_wrong_shape_stays_unknown(
        self, two_segments: Builder, payload: dict[str, object]
    ) -> None:
        """It is kept and counted, never applied; reading goes on (FORMAT.md R5)."""
        envelope = {"s": 9, "h": "018bcfe568000000", "t": "asset.rated", "v": 1, "a": "m"}
        two_segments.forge(orjson.dumps({**envelope, "d": payload})[:-1])
        two_segments.add(*drafts(1))

        read, findings = read_all(two_segments.files)

        assert findings == ()
        assert read[8].event == Unknown("asset.rated", 1, payload)
        assert read[9:] == two_segments.records[8:]

    def test_a_transaction_of_a_later_version_stays_unknown(self, two_segments: Builder) -> None:
        """What we cannot take apart is kept whole (FORMAT.md R5)."""
        two_segments.forge(b'{"s":9,"h":"018bcfe568000000","t":"tx","v":2,"a":"m","d":{"e":1}')

        read, findings = read_all(two_segments.files)

        assert findings == ()
        assert read[8].event == Unknown("tx", 2, {"e": 1})

    def test_fields_that_we_do_not_know_are_ignored(self, two_segments: Builder) -> None:
        """In the line, in the payload (FORMAT.md R5)."""
        two_segments.forge(
            b'{"new":1,"s":9,"h":"018bcfe568000000","t":"asset.rated","v":1,"a":"m",'
            b'"d":{"stars":4,"mood":"x","asset":"a"},"newer":[2]'
        )

        read, findings = read_all(two_segments.files)

        assert findings == ()
        assert read[8].event == rated(4, "a")

    def test_a_line_over_a_mebibyte(self, two_segments: Builder) -> None:
        """Nobody may write it, so nobody reads it (FORMAT.md L3)."""
        for length in (MAX_LINE - 1, MAX_LINE):
            log = Builder()
            line = b'{"s":1,"h":"018bcfe568000000","t":"a.b","v":1,"a":"%b","d":{}'
            log.forge(line % (b"m" * (length - len(line % b"") - 40)))

            read, findings = read_all(log.files)

            assert len(log.files[log.name()].split(b"\n")[1]) == length
            assert (len(read), len(findings)) == ((1, 0) if length < MAX_LINE else (0, 1))

    def test_twenty_megabytes_of_garbage(self, two_segments: Builder, other: Builder) -> None:
        """Garbage without a line end stops its writer, and costs little (FORMAT.md R6)."""
        garbage = {writer_name(3) + ".host-c.000001.jsonl": b"x" * 20_000_000}
        name = two_segments.name()
        files = merged(two_segments, other) | garbage
        files[name] += b"y" * 20_000_000
        disk = DictDisk(files)
        following = LogReader(Path("log"), PROJECT, disk=disk)

        read = by_writer(flat(following.read()))
        assert read == {two_segments.who: two_segments.records, other.who: other.records}
        assert {finding.kind for finding in following.findings()} == {Tail.CORRUPT}

        disk.bytes_read = 0
        assert flat(following.read()) == []
        assert disk.bytes_read < 2 * MAX_LINE

    def test_bytes_behind_a_seal(self, two_segments: Builder, other: Builder) -> None:
        """A sealed segment is finished: more is not read, and is told (FORMAT.md L6)."""
        two_segments.seal(None)
        for number in (1, 2):
            files = merged(two_segments, other)
            files[two_segments.name(number)] += other.lines[0]
            following = reader(files)
            read = by_writer(flat(following.read()))

            for _ in range(2):
                assert read == {two_segments.who: two_segments.records, other.who: other.records}
                (finding,) = following.findings()
                assert finding.file == two_segments.name(number)
                assert finding.kind is Tail.CORRUPT
                assert flat(following.read()) == []

    def test_a_seal_in_the_wrong_place(self, two_segments: Builder) -> None:
        """A seal must tell of the very place where it stands (FORMAT.md L6)."""
        for seal in (
            Seal(1, 8, 3, 700, "0" * 64, None),
            Seal(2, 7, 3, len(two_segments.files[two_segments.name()]), "0" * 64, None),
            Seal(2, 8, 3, 1, "0" * 64, None),
        ):
            name = two_segments.name()
            files = {**two_segments.files, name: two_segments.files[name] + seal.encode()}

            assert kinds(files) == [Tail.CORRUPT]


class TestMissing:
    @pytest.mark.parametrize("missing", [1, 2, 3])
    def test_a_segment_is_missing(self, other: Builder, missing: int) -> None:
        """First, middle or last: what comes before is read, the gap is told (FORMAT.md R7)."""
        log = Builder()
        for _ in range(3):
            log.add(*drafts(3))
            log.roll()
        log.files.pop(log.name(4))
        files = merged(log, other)
        del files[log.name(missing)]

        read, (finding,) = read_all(files)

        assert by_writer(read)[other.who] == other.records
        assert by_writer(read).get(log.who, []) == log.records[: 3 * (missing - 1)]
        assert finding.kind is Tail.GAP

    def test_a_missing_segment_that_comes_back(self) -> None:
        """A restored file is read on from the same place (FORMAT.md R3)."""
        log = Builder()
        for _ in range(3):
            log.add(*drafts(3))
            log.roll()
        files = dict(log.files)
        gone = files.pop(log.name(2))
        following = reader(files)
        early = flat(following.read())
        files[log.name(2)] = gone

        assert early + flat(following.read()) == log.records
        assert following.findings() == ()

    def test_a_file_shorter_than_what_was_read(self, two_segments: Builder) -> None:
        """An old backup was put back: told, and nothing is taken back (FORMAT.md R3)."""
        following = reader(two_segments.files)
        flat(following.read())
        name = two_segments.name()
        whole = two_segments.files[name]
        two_segments.files[name] = whole[: -len(two_segments.lines[-1])]

        assert flat(following.read()) == []
        (finding,) = following.findings()
        assert (finding.kind, finding.file) == (Tail.ROLLED_BACK, name)

        two_segments.files[name] = whole
        two_segments.add(*drafts(1))
        assert flat(following.read()) == two_segments.records[-1:]
        assert following.findings() == ()

    @pytest.mark.parametrize("number", [1, 2])
    def test_a_file_that_vanishes_after_it_was_read(
        self, two_segments: Builder, number: int
    ) -> None:
        """Deleting what others have read does not pass unseen (FORMAT.md R3)."""
        following = reader(two_segments.files)
        flat(following.read())
        del two_segments.files[two_segments.name(number)]

        assert flat(following.read()) == []
        (finding,) = following.findings()
        assert (finding.kind, finding.file) == (Tail.ROLLED_BACK, two_segments.name(number))

    @pytest.mark.parametrize("sealed", [True, False])
    def test_a_whole_writer_that_vanishes(self, two_segments: Builder, sealed: bool) -> None:
        """The same if all its files are gone, and it had closed its log (FORMAT.md R3)."""
        if sealed:
            two_segments.seal(None)
        following = reader(two_segments.files)
        flat(following.read())
        known = following.positions()
        two_segments.files.clear()

        assert flat(following.read()) == []
        assert {finding.kind for finding in following.findings()} == {Tail.ROLLED_BACK}
        later = reader({}, start=known)
        assert flat(later.read()) == []
        assert {finding.kind for finding in later.findings()} == {Tail.ROLLED_BACK}
        assert later.positions() == known


class TestHeaders:
    def _with_header(self, log: Builder, header: bytes) -> list[Tail]:
        data = log.files[log.name(1)]
        old = data[: data.index(b"\n") + 1]
        return kinds({log.name(1): data.replace(old, header)})

    @pytest.mark.parametrize(
        "change",
        [
            {"writer": writer_name(9)},
            {"host": "host-z"},
            {"project": "01hzother00000000000000000"},
            {"segment": 2},
            {"base": 2},
            {"base": 10**12},
            {"previous": b"0" * 32},
        ],
        ids=lambda change: next(iter(change)),
    )
    def test_a_header_of_another_file(self, change: dict[str, object]) -> None:
        """A file that says it is another one is not read (FORMAT.md R7)."""
        log = Builder()
        log.add(*drafts(2))
        usual: dict[str, object] = {
            "segment": 1,
            "writer": log.head.writer,
            "host": "host-a",
            "project": PROJECT,
            "base": 1,
            "previous": codec.seed(PROJECT, log.head.writer, "host-a"),
            "opened": "",
        }
        header = Header(**{**usual, **change}).encode()  # type: ignore[arg-type]  # wrong on purpose

        assert self._with_header(log, header)[0] in (Tail.CORRUPT, Tail.GAP)

    @pytest.mark.parametrize(
        "text",
        [
            b'{"seg":1}',
            b'{"seg":1,"writer":5}',
            b'{"seg":"1","writer":null,"host":{},"project":[],"fmt":1,"base":"1","prev":7}',
            b'{"seg":1,"writer":"w","host":"h","project":"p","fmt":1,"base":0,"prev":""}',
            b'{"seg":1,"writer":"w","host":"h","project":"p","fmt":2,"base":1,"prev":""}',
            b'{"seg":[' + b"[" * 3000 + b"]}",
        ],
    )
    def test_a_header_whose_own_hash_holds(self, text: bytes) -> None:
        """Forged headers raise nothing and open nothing (FORMAT.md R6)."""
        log = Builder()
        log.add(*drafts(2))

        assert self._with_header(log, codec.close(text[:-1])) == [Tail.CORRUPT]

    @pytest.mark.parametrize("text", [b'{"seal":2}', b'{"seal":2,"last":"8","n":[],"next":{}}'])
    def test_a_seal_whose_own_hash_holds(self, two_segments: Builder, text: bytes) -> None:
        """Forged seals neither (FORMAT.md R6)."""
        two_segments.raw(codec.close(text[:-1]))

        read, (finding,) = read_all(two_segments.files)

        assert read == two_segments.records
        assert finding.kind is Tail.CORRUPT

    def test_a_header_of_a_later_format_says_so(self) -> None:
        """The finding names the format (FORMAT.md R7)."""
        log = Builder()
        text = b'{"seg":1,"fmt":2,"all":"different"}'
        _, (finding,) = read_all({log.name(1): codec.close(text[:-1])})

        assert "format 2" in finding.message

    def test_a_header_that_never_ends(self) -> None:
        """Four kilobytes without a line end are no header (FORMAT.md R6)."""
        log = Builder()

        assert kinds({log.name(1): b'{"seg":1' + b" " * 5_000}) == [Tail.CORRUPT]


class TestNames:
    def test_names_that_are_not_ours_are_ignored(self, other: Builder) -> None:
        """They are no part of the log; those that no system leaves are told (FORMAT.md L1)."""
        data = other.files[other.name()]
        foreign = [
            other.name() + ".bak",
            other.name().replace(".jsonl", " (1).jsonl"),
            other.name().replace("host-b", "HOST-B"),
            other.name().replace("000001", "000000"),
            other.name().replace("000001", "1"),
            "notes.txt",
            "w\udcff.jsonl",
        ]
        litter = [".DS_Store", "._" + other.name(), ".nfs0001", "Thumbs.db", "@eaDir"]

        read, findings = read_all({**other.files, **dict.fromkeys([*foreign, *litter], data)})

        assert read == other.records
        assert {finding.kind for finding in findings} == {Tail.FOREIGN}
        assert len(findings) == len(foreign)
        assert all(orjson.dumps(finding.file) for finding in findings)

    def test_odd_things_under_names_of_segments(self, tmp_path: Path, other: Builder) -> None:
        """A folder, a pipe, a link to nowhere: others are read, nothing hangs (FORMAT.md R6)."""
        folder = make_gallery(tmp_path) / "log"
        (folder / other.name()).write_bytes(other.files[other.name()])
        (folder / f"{writer_name(5)}.host-c.000001.jsonl").mkdir()
        os.mkfifo(folder / f"{writer_name(6)}.host-d.000001.jsonl")
        (folder / f"{writer_name(7)}.host-e.000001.jsonl").symlink_to("nowhere")
        log = LogReader(folder, PROJECT, disk=DiskIO())

        assert flat(log.read()) == other.records
        assert {finding.kind for finding in log.findings()} <= {Tail.UNREADABLE, Tail.IN_FLIGHT}
        assert len(log.findings()) == 3


class Unreadable(DictDisk):
    """Opening some files fails, or listing the folder does."""

    def __init__(self, files: dict[str, bytes], broken: set[str]) -> None:
        super().__init__(files)
        self.broken = broken

    def names(self, folder: Path) -> list[str]:
        if folder.name in self.broken:
            raise OSError(errno.EHOSTDOWN, "Host is down")
        return super().names(folder)

    def read(self, path: Path, offset: int, limit: int) -> Chunk:
        if path.name in self.broken:
            raise OSError(errno.ESTALE, "Stale file handle")
        return super().read(path, offset, limit)


class TestUnreadable:
    def test_a_folder_that_cannot_be_listed(self, two_segments: Builder) -> None:
        """The share is away: told, and read when it is back (FORMAT.md R6)."""
        disk = Unreadable(two_segments.files, {"log"})
        following = LogReader(Path("log"), PROJECT, disk=disk)
        assert flat(following.read()) == []
        (finding,) = following.findings()
        disk.broken.clear()

        assert finding.kind is Tail.UNREADABLE
        assert flat(following.read()) == two_segments.records
        assert following.findings() == ()

    @pytest.mark.parametrize("number", [1, 2])
    def test_a_file_that_cannot_be_opened(
        self, two_segments: Builder, other: Builder, number: int
    ) -> None:
        """Other writers go on, this one when it can be opened again (FORMAT.md R2)."""
        disk = Unreadable(merged(two_segments, other), {two_segments.name(number)})
        following = LogReader(Path("log"), PROJECT, disk=disk)
        early = by_writer(flat(following.read()))
        (finding,) = following.findings()
        disk.broken.clear()
        late = flat(following.read())

        assert early[other.who] == other.records
        assert early.get(two_segments.who, []) + late == two_segments.records
        assert (finding.kind, "Stale" in finding.message) == (Tail.UNREADABLE, True)
        assert following.findings() == ()


class TestRests:
    """Old and damaged writers are looked at seldom, so that they cost nothing as years go by."""

    def _opened(self, disk: DictDisk, following: LogReader) -> int:
        before = len(disk.opened)
        flat(following.read())
        return len(disk.opened) - before

    def test_a_replaced_writer_that_left_no_seal(self, two_segments: Builder) -> None:
        """After a quiet minute it is opened every ten seconds; what comes is still read."""
        newer = Builder(2, "host-a")
        newer.add(*drafts(1))
        newer.seal(None)
        disk = DictDisk(merged(two_segments, newer))
        now = [0.0]
        following = LogReader(Path("log"), PROJECT, disk=disk, monotonic=lambda: now[0])
        assert self._opened(disk, following) > 0
        assert self._opened(disk, following) > 0

        now[0] = TIRED_SECONDS + 1
        assert self._opened(disk, following) > 0
        now[0] += REST_SECONDS / 2
        assert self._opened(disk, following) == 0
        two_segments.add(*drafts(1))
        disk.files.update(two_segments.files)
        now[0] += REST_SECONDS
        assert flat(following.read()) == two_segments.records[-1:]

    def test_a_damaged_writer(self, two_segments: Builder) -> None:
        """Its finding stays, and it is tried again every ten seconds (FORMAT.md R3)."""
        two_segments.raw(b"garbage\n")
        disk = DictDisk(two_segments.files)
        now = [0.0]
        following = LogReader(Path("log"), PROJECT, disk=disk, monotonic=lambda: now[0])
        assert self._opened(disk, following) > 0
        now[0] = TIRED_SECONDS + 1
        assert self._opened(disk, following) > 0
        now[0] += REST_SECONDS / 2
        assert self._opened(disk, following) == 0

        assert [finding.kind for finding in following.findings()] == [Tail.CORRUPT]

    def test_a_quiet_writer_in_good_order_is_always_looked_at(self, two_segments: Builder) -> None:
        """Nobody who may write soon is left to rest."""
        disk = DictDisk(two_segments.files)
        now = [0.0]
        following = LogReader(Path("log"), PROJECT, disk=disk, monotonic=lambda: now[0])
        flat(following.read())
        now[0] = 10 * TIRED_SECONDS
        assert self._opened(disk, following) > 0
        now[0] += 0.25
        assert self._opened(disk, following) > 0


def test_positions_are_those_of_lines(two_segments: Builder) -> None:
    """A position names the last line's chain, and the byte where the next begins."""
    following = reader(two_segments.files)
    flat(following.read())

    (position,) = following.positions().values()

    name = two_segments.name()
    assert position == Position(
        8, codec.chain_of(two_segments.lines[-1]).decode(), 2, len(two_segments.files[name])
    )
