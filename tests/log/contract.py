"""What every log keeps, in memory or in a folder: one suite for the port."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

import orjson
import pytest

from events import registry
from events.assets import AssetId
from events.codec import Draft, draft
from events.curation import AssetRated, AssetTagged, TagId
from events.log.port import Capability, Log, LogReadOnlyError
from events.record import Position, Record
from events.stamp import MAX_AHEAD_MS, stamp, time_of, wall_ms
from tests.log.builders import MS, by_writer, drafts, flat, rated, steady


class OpenLog(Protocol):
    """Opens a host's log on the share of the test."""

    def __call__(
        self,
        host: str = "host-a",
        *,
        wall_ms: Callable[[], int] = ...,
        start: Mapping[str, Position] | None = None,
    ) -> Log: ...


def append(log: Log, *items: Draft) -> list[Record]:
    """Append one by one, each waited for."""
    return [record for item in items for record in log.append(item).result(timeout=10)]


class LogContract:
    """Subclasses give the fixture `open_log`."""

    @pytest.fixture
    def open_log(self) -> OpenLog | Iterator[OpenLog]:
        raise NotImplementedError

    def test_an_append_returns_what_another_host_reads(self, open_log: OpenLog) -> None:
        """The records of an append equal, in all they hold, what others read (FORMAT.md W3)."""
        mine, other = open_log("host-a"), open_log("host-b")

        written = append(mine, *drafts(5))

        assert flat(other.read()) == written
        assert [record.event for record in written] == [item.events[0] for item in drafts(5)]

    def test_several_at_once_are_as_several(self, open_log: OpenLog) -> None:
        """In their order, each a line of its own."""
        mine, other = open_log("host-a"), open_log("host-b")

        written = mine.append(*drafts(5)).result(timeout=10)

        assert [record.sequence for record in written] == [1, 2, 3, 4, 5]
        assert flat(other.read()) == written

    def test_several_are_refused_together(self, open_log: OpenLog) -> None:
        """None of them was taken."""
        log, other = open_log("host-a"), open_log("host-b")
        log.close()

        with pytest.raises(LogReadOnlyError):
            log.append(*drafts(2))
        assert flat(other.read()) == []

    def test_what_was_taken_cannot_be_called_back(self, open_log: OpenLog) -> None:
        """It has its place in the log, and others may already follow it (FORMAT.md W9)."""
        log = open_log()

        appended = log.append(*drafts(1))

        assert not appended.cancel()
        assert len(appended.result(timeout=10)) == 1

    def test_sequences_are_gapless_and_begin_with_one(self, open_log: OpenLog) -> None:
        """Lines of one writer are numbered 1, 2, 3 (FORMAT.md W2)."""
        written = append(open_log(), *drafts(20))

        assert [record.sequence for record in written] == list(range(1, 21))

    @pytest.mark.parametrize(
        "clock",
        [
            pytest.param(lambda: lambda: MS, id="stands still"),
            pytest.param(lambda: steady(MS, -1000), id="runs backwards"),
            pytest.param(lambda: lambda: -5, id="before 1970"),
            pytest.param(
                lambda: itertools.cycle([MS, MS + 3_600_000, MS - 3_600_000]).__next__, id="jumps"
            ),
        ],
    )
    def test_stamps_rise_whatever_the_clock_does(
        self, open_log: OpenLog, clock: Callable[[], Callable[[], int]]
    ) -> None:
        """Stamps of one writer rise though its clock does not (FORMAT.md S2)."""
        stamps = [record.stamp for record in append(open_log(wall_ms=clock()), *drafts(50))]

        assert stamps == sorted(set(stamps))

    def test_stamps_tell_the_time_when_the_clock_is_right(self, open_log: OpenLog) -> None:
        """A stamp begins with the wall time of its event in milliseconds (FORMAT.md S1)."""
        (record,) = append(open_log(wall_ms=lambda: MS), *drafts(1))

        assert wall_ms(record.stamp) == MS

    def test_a_transaction_is_one_line_of_several_records(self, open_log: OpenLog) -> None:
        """Events of a transaction share a sequence and rise in their stamps (FORMAT.md T1)."""
        mine, other = open_log("host-a"), open_log("host-b")
        told = [rated(1), AssetTagged(asset=AssetId("b"), tag=TagId("t")), rated(2)]

        written = append(mine, *drafts(1), draft(told, "mara", "c-1"), *drafts(1))

        assert [record.sequence for record in written] == [1, 2, 2, 2, 3]
        assert [record.event for record in written[1:4]] == told
        assert {record.correlation for record in written[1:4]} == {"c-1"}
        assert len({record.stamp for record in written}) == 5
        assert flat(other.read()) == written

    def test_actor_and_correlation_come_along(self, open_log: OpenLog) -> None:
        """Who asked, and what belongs together, is in every record."""
        (record,) = append(open_log("host-a"), draft([rated(1)], "mära", "c-9"))

        assert (record.actor, record.correlation, record.host) == ("mära", "c-9", "host-a")

    def test_own_appends_are_not_read(self, open_log: OpenLog) -> None:
        """An append is applied by whoever appended; reading does not give it once more."""
        mine = open_log()
        append(mine, *drafts(3))

        assert flat(mine.read()) == []

    def test_nothing_is_read_twice(self, open_log: OpenLog) -> None:
        """Each read gives only what has come since the one before."""
        mine, other = open_log("host-a"), open_log("host-b")
        append(mine, *drafts(2))
        first = flat(other.read())
        later = append(mine, draft([rated(5)], "mara"))

        assert len(first) == 2
        assert flat(other.read()) == later
        assert flat(other.read()) == []

    def test_several_hosts_see_each_other(self, open_log: OpenLog) -> None:
        """Every host reads all that the others wrote, each writer's in its order."""
        hosts = [open_log(f"host-{name}") for name in "abc"]
        written: list[Record] = []
        for round_ in range(4):
            for host in hosts:
                written += append(host, draft([rated(round_)], "mara"))

        for host in hosts:
            mine = f"{host.writer}.{self._host_of(host, written)}"
            expected = {who: got for who, got in by_writer(written).items() if who != mine}
            assert by_writer(flat(host.read())) == expected

    @staticmethod
    def _host_of(log: Log, written: list[Record]) -> str:
        return next(r.host for r in written if r.writer == log.writer)

    def test_a_restarted_host_reads_what_it_wrote_before(self, open_log: OpenLog) -> None:
        """A new incarnation reads the log of the old one like that of anybody (FORMAT.md L2)."""
        old = open_log("host-a")
        written = append(old, *drafts(3))
        old.close()
        new = open_log("host-a")

        assert flat(new.read()) == written
        assert append(new, *drafts(1))[0].writer != written[0].writer

    def test_reading_goes_on_from_saved_positions(self, open_log: OpenLog) -> None:
        """Positions say what is known; a log opened with them gives the rest (FORMAT.md R8)."""
        mine, other = open_log("host-a"), open_log("host-b")
        append(mine, *drafts(4))
        assert len(flat(other.read())) == 4
        append(other, *drafts(2))
        known = other.positions()
        other.close()
        later = append(mine, *drafts(3))

        again = open_log("host-b", start=known)

        assert flat(again.read()) == later
        assert set(again.positions()) == set(known)

    def test_positions_count_own_appends(self, open_log: OpenLog) -> None:
        """A position of our own log stands at the last durable line."""
        mine = open_log("host-a")
        assert mine.positions() == {}

        (record,) = append(mine, *drafts(1))

        (position,) = mine.positions().values()
        assert list(mine.positions()) == [f"{record.writer}.host-a"]
        assert position.sequence == 1

    def test_a_deliberate_edit_beats_what_its_author_saw(self, open_log: OpenLog) -> None:
        """With `beats`, the new stamp lies after one from a clock that is ahead (FORMAT.md S4)."""
        ahead = stamp((MS + 7_200_000) << 16, "z" * 16)
        mine, other = open_log("host-a", wall_ms=lambda: MS), open_log("host-b")

        (beating,) = append(mine, draft([rated(5)], "mara", beats=ahead))
        (usual,) = append(mine, draft([rated(1)], "mara"))

        assert beating.stamp > ahead
        assert time_of(beating.stamp) == time_of(ahead) + 1
        assert wall_ms(usual.stamp) == MS
        assert flat(other.read()) == [beating, usual]

    def test_an_old_stamp_needs_no_beating(self, open_log: OpenLog) -> None:
        """With `beats` in the past, the stamp is just the time (FORMAT.md S4)."""
        past = stamp((MS - 5) << 16, "z" * 16)
        log = open_log("host-a", wall_ms=lambda: MS)

        (record,) = append(log, draft([rated(5)], "mara", beats=past))

        assert wall_ms(record.stamp) == MS

    def test_two_edits_that_beat_the_same_stamp_differ(self, open_log: OpenLog) -> None:
        """No two records of a writer have the same stamp, even when pushed ahead (FORMAT.md S1)."""
        ahead = stamp((MS + 7_200_000) << 16, "z" * 16)
        log = open_log("host-a", wall_ms=lambda: MS)

        written = append(log, *[draft([rated(n)], "mara", beats=ahead) for n in range(5)])

        assert len({record.stamp for record in written}) == 5
        assert all(record.stamp > ahead for record in written)

    def test_the_last_time_of_all_spoils_no_log(self, open_log: OpenLog) -> None:
        """A stamp at the end of time cannot be beaten, and our line stays readable."""
        end = stamp((1 << 64) - 1, "0" * 16)
        mine, other = open_log("host-a"), open_log("host-b")

        written = append(mine, draft([rated(5)], "mara", beats=end), *drafts(1))

        assert flat(other.read()) == written

    def test_what_we_write_comes_after_what_we_have_read(self, open_log: OpenLog) -> None:
        """Reading a host that is 30 s ahead moves our clock up to it (FORMAT.md S2)."""
        ahead, behind = (
            open_log("host-a", wall_ms=lambda: MS + 30_000),
            open_log("host-b", wall_ms=lambda: MS),
        )
        (seen,) = append(ahead, *drafts(1))
        flat(behind.read())

        (mine,) = append(behind, *drafts(1))

        assert mine.stamp > seen.stamp

    def test_a_clock_far_ahead_is_not_believed(self, open_log: OpenLog) -> None:
        """More than 60 s ahead, a remote time does not move ours; others do (FORMAT.md S3)."""
        mad, sane, mine = (
            open_log("host-a", wall_ms=lambda: MS + MAX_AHEAD_MS + 5_000),
            open_log("host-b", wall_ms=lambda: MS + 10_000),
            open_log("host-c", wall_ms=lambda: MS),
        )
        append(mad, *drafts(1))
        append(sane, *drafts(1))
        flat(mine.read())

        (record,) = append(mine, *drafts(1))

        assert wall_ms(record.stamp) == MS + 10_000

    def test_one_mad_stamp_does_not_hide_sane_ones(self, open_log: OpenLog) -> None:
        """The newest time that can be believed counts, even beside a mad one (FORMAT.md S3)."""
        jumping = iter([MS + 10_000, MS + 10_000, MS + 9_000_000])
        other, mine = (
            open_log("host-a", wall_ms=lambda: next(jumping, MS)),
            open_log("host-b", wall_ms=lambda: MS),
        )
        append(other, *drafts(2))
        mad = stamp((MS + 9_000_000) << 16, "z" * 16)
        append(other, draft([rated(1)], "mara", beats=mad))
        flat(mine.read())

        (record,) = append(mine, *drafts(1))

        assert wall_ms(record.stamp) == MS + 10_000

    def test_a_closed_log_takes_nothing(self, open_log: OpenLog) -> None:
        """After closing, an append is refused; closing twice does no harm."""
        log = open_log()
        append(log, *drafts(1))
        log.close()
        log.close()

        with pytest.raises(LogReadOnlyError, match="closed"):
            log.append(drafts(1)[0])

    def test_a_healthy_log_has_no_findings(self, open_log: OpenLog) -> None:
        """Nothing was left out, so nothing is told."""
        mine, other = open_log("host-a"), open_log("host-b")
        append(mine, *drafts(3))
        mine.close()
        flat(other.read())

        assert other.findings() == ()

    def test_an_unknown_type_that_must_be_known_ends_writing(
        self, open_log: OpenLog, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Who reads an event `!…` that it does not know must not write (FORMAT.md C3)."""
        mine, other = open_log("host-a"), open_log("host-b")
        item = draft([rated(1)], "mara")
        future = Draft(
            item.events,
            item.actor,
            None,
            orjson.dumps({"t": "!asset.split", "v": 1, "a": "m", "d": {}})[1:-1],
        )
        append(mine, future)
        append(other, *drafts(1))

        (record,) = flat(other.read())

        assert isinstance(record.event, registry.Unknown)
        with pytest.raises(LogReadOnlyError, match=r"!asset\.split"):
            other.append(drafts(1)[0])

    def test_an_unknown_type_is_kept_and_passed_by(self, open_log: OpenLog) -> None:
        """An event of a type we do not know is kept as it came (FORMAT.md R5)."""
        mine, other = open_log("host-a"), open_log("host-b")
        item = draft([rated(1)], "mara")
        body = b'"t":"asset.dreamt","v":3,"a":"m","d":{"x":[1]}'
        append(mine, Draft(item.events, item.actor, None, body), *drafts(1))

        unknown, known = flat(other.read())

        assert unknown.event == registry.Unknown("asset.dreamt", 3, {"x": [1]})
        assert isinstance(known.event, AssetRated)
        assert append(other, *drafts(1))

    def test_of_two_hosts_one_gets_what_both_claim(self, open_log: OpenLog) -> None:
        """Until it is released, nobody else gets it, nor the same host again (FORMAT.md O1)."""
        ada, bob = self._claiming(open_log)

        mine = ada.claim("trash", "all")

        assert mine is not None
        assert (mine.kind, mine.key, mine.epoch) == ("trash", "all", 1)
        assert bob.claim("trash", "all") is None
        assert ada.claim("trash", "all") is None
        assert bob.claimant("trash", "all") == "host-a"

    def test_what_is_released_can_be_claimed_again(self, open_log: OpenLog) -> None:
        """Each claim has a larger epoch than the one before (FORMAT.md O2)."""
        ada, bob = self._claiming(open_log)
        first = ada.claim("trash", "all")
        assert first is not None
        first.release()
        first.release()

        second = bob.claim("trash", "all")

        assert second is not None
        assert second.epoch == 2
        first.release()  # late, and of no consequence
        assert ada.claim("trash", "all") is None
        assert ada.claimant("trash", "all") == "host-b"

    def test_claims_of_other_things_do_not_matter(self, open_log: OpenLog) -> None:
        """A claim is of one kind and key, whatever letters the key has."""
        ada, bob = self._claiming(open_log)

        claims = [
            ada.claim("trash", "all"),
            bob.claim("trash", "one"),
            bob.claim("import", "all"),
            bob.claim("import", "Päth/with.dots"),
        ]

        assert all(claims)
        assert ada.claim("import", "Päth/with.dots") is None
        assert ada.claimant("import", "nothing") is None

    def test_a_host_gets_what_its_earlier_incarnation_had(self, open_log: OpenLog) -> None:
        """That one is dead, or this one would not be there (FORMAT.md O3)."""
        old, other = self._claiming(open_log)
        assert old.claim("trash", "all") is not None
        old.close()
        new = open_log("host-a", wall_ms=lambda: time.time_ns() // 1_000_000)

        taken = new.claim("trash", "all")

        assert taken is not None
        assert taken.epoch == 2
        assert other.claim("trash", "all") is None

    def test_a_closed_log_claims_nothing(self, open_log: OpenLog) -> None:
        """Who may not write does nothing that only one shall do."""
        log, _ = self._claiming(open_log)
        append(log, *drafts(1))
        log.close()

        with pytest.raises(LogReadOnlyError):
            log.claim("trash", "all")

    def test_a_right_clock_is_found_right(self, open_log: OpenLog) -> None:
        """Measured against the clock that all hosts have in common (FORMAT.md S5)."""
        log = open_log("host-a", wall_ms=lambda: time.time_ns() // 1_000_000)
        self._needs(log, Capability.CLOCK)

        measured = log.measure_clock()

        assert not measured.is_beyond
        assert abs(measured.ahead_ms) < 5_000 + measured.doubt_ms

    @pytest.mark.parametrize(("off", "words"), [(90_000, "ahead of"), (-90_000, "behind")])
    def test_a_wrong_clock_is_found_out(self, open_log: OpenLog, off: int, words: str) -> None:
        """By its measure, and by which side it is on (FORMAT.md S5)."""
        log = open_log("host-a", wall_ms=lambda: time.time_ns() // 1_000_000 + off)
        self._needs(log, Capability.CLOCK)

        measured = log.measure_clock()

        assert measured.is_beyond
        assert words in str(measured)

    def test_it_is_known_when_a_host_was_heard_of(self, open_log: OpenLog) -> None:
        """By what it has written; of a stranger nothing was ever heard."""

        def right() -> int:
            return time.time_ns() // 1_000_000

        ada, bob = open_log("host-a", wall_ms=right), open_log("host-b", wall_ms=right)
        self._needs(bob, Capability.PRESENCE)
        append(ada, *drafts(1))

        silent = bob.silence("host-a")

        assert silent is not None
        assert 0.0 <= silent < 60.0
        assert bob.silence("host-z") is None

    def _claiming(self, open_log: OpenLog) -> tuple[Log, Log]:
        """Two hosts whose clocks are right."""
        ada, bob = (
            open_log(host, wall_ms=lambda: time.time_ns() // 1_000_000)
            for host in ("host-a", "host-b")
        )
        self._needs(ada, Capability.CLAIM)
        return ada, bob

    @staticmethod
    def _needs(log: Log, capability: Capability) -> None:
        if capability not in log.capabilities:
            pytest.skip(f"this log has no {capability}")

    def test_what_is_given_up_is_left_out(self, open_log: OpenLog) -> None:
        """All readers leave out the same lines; who had them is told so (FORMAT.md H5)."""
        mine, before, after = open_log("host-a"), open_log("host-b"), open_log("host-c")
        written = append(mine, *drafts(5))
        flat(before.read())
        (who,) = before.positions()
        at = Position(3, "k", 1, 0)

        assert before.pass_over(who, 2, at)
        assert not before.pass_over(who, 2, at)
        assert not after.pass_over(who, 2, at)
        assert flat(after.read()) == [written[0], *written[3:]]
