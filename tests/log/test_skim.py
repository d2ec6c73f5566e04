"""Skimming: it takes what scanning takes, whatever the bytes, and makes less of it."""

from __future__ import annotations

import random

import pytest

from events.codec import draft
from events.log.port import Tail
from events.log.scan import Stretch, scan
from events.log.skim import skimming
from events.record import Position
from events.witness import LogMarked
from tests.log.builders import Builder, drafts, rated

SKIM = skimming("log.marked")
MARK = LogMarked(host="host-b", heads={"x": [1, "k"]})


def both(log: Builder, data: bytes) -> tuple[Stretch, Stretch]:
    """A segment's body, scanned and skimmed."""
    at = Position(0, Builder().head.chain.decode(), 1, 200)
    writer, host = log.head.writer, log.host
    return scan(data, at, writer, host), SKIM(data, at, writer, host)


def body(log: Builder) -> bytes:
    """What follows the header."""
    return log.files[log.name()].split(b"\n", 1)[1]


@pytest.fixture
def log() -> Builder:
    """Lines of every form: with and without correlation, lifted, a transaction, a mark."""
    made = Builder()
    made.add(*drafts(120))
    made.add(draft([rated(1)], "mara", "c-1"), draft([rated(1), rated(2)], "mara"))
    made.add(draft([MARK], "orchestrator"))
    made.add(*drafts(5))
    return made


class TestSameLines:
    def test_all_good_lines(self, log: Builder) -> None:
        """The same position; records of marks and transactions only."""
        scanned, skimmed = both(log, body(log))

        assert skimmed.position == scanned.position
        assert skimmed.stop is None
        assert MARK in [record.event for record in skimmed.records]
        assert len(skimmed.records) <= 3 < len(scanned.records)

    def test_a_seal_and_what_stands_behind_it(self, log: Builder) -> None:
        """Met as always."""
        log.seal(2)
        log.raw(b"behind\n")
        scanned, skimmed = both(log, body(log))

        assert (skimmed.position, skimmed.behind) == (scanned.position, scanned.behind)

    def test_any_damage(self, log: Builder) -> None:
        """Flipped bits, cuts, doubled and missing lines: both stop at the same place."""
        whole, choice = body(log), random.Random(5)
        for _ in range(150):
            data, at = bytearray(whole), choice.randrange(len(whole))
            match choice.randrange(4):
                case 0:
                    data[at] ^= 1 << choice.randrange(8)
                case 1:
                    del data[at:]
                case 2:
                    data[at : at + 30] = bytes(30)
                case _:
                    del data[at : at + choice.randrange(1, 400)]
            scanned, skimmed = both(log, bytes(data))
            assert (skimmed.position, skimmed.stop) == (scanned.position, scanned.stop)

    @pytest.mark.parametrize(
        "line",
        [
            b'{"s":1,"h":"0000000000000001","t":"a.b","v":1,"a":"m","d":[]',
            b'{"s":true,"h":"0000000000000001","t":"a.b","v":1,"a":"m","d":{}',
            b'{"s":1,"h":"000000000000000g","t":"a.b","v":1,"a":"m","d":{}',
            b'{"s":1,"h":"0001","t":"a.b","v":1,"a":"m","d":{}',
            b'{"s":2,"h":"0000000000000001","t":"a.b","v":1,"a":"m","d":{}',
            b'{"s":1,"h":"0000000000000001","t":"tx","v":1,"a":"m","d":{"events":[]}',
            b'{"s":1,"h":"0000000000000001","t":"a.b","v":1,"a":"m","d":{},"x":"5"',
            b'{"s":1,"h":"0000000000000001","t":"a.b","v":1,"a":"m","d":{},"c":5',
            b'{"s":1,"h":"0000000000000001","t":"a.b","v":1,"a":null,"d":{}',
            b'{"h":"0000000000000001","t":"a.b","v":1,"a":"m","d":{}',
            b'["s",1,"h"',
            b'"text',
        ],
    )
    def test_a_line_whose_hash_holds_and_whose_fields_do_not(self, line: bytes) -> None:
        """No line is good because its chain is (FORMAT.md R1)."""
        log = Builder()
        log.forge(line)
        scanned, skimmed = both(log, body(log))

        assert scanned.stop is not None
        assert scanned.stop.kind is Tail.CORRUPT
        assert (skimmed.position, skimmed.stop) == (scanned.position, scanned.stop)

    def test_other_fields_do_not_matter(self) -> None:
        """A field that we do not know is ignored, also here (FORMAT.md R5)."""
        log = Builder()
        log.forge(b'{"s":1,"new":1,"h":"0000000000000001","t":"a.b","v":1,"a":"m","d":{}')
        scanned, skimmed = both(log, body(log))

        assert scanned.position.sequence == 1
        assert skimmed.position == scanned.position
