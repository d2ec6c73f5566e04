"""Stamps and the hybrid clock: they rise, whatever the wall clock does."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from events.stamp import (
    COUNTER_BITS,
    LAST_TIME,
    MAX_AHEAD_MS,
    HybridClock,
    before,
    moment,
    stamp,
    time_of,
    wall_ms,
    writer_of,
)
from tests.log.builders import MS

WRITER = "0" * 16

#: Wall clocks that stand still, jump back and forth, or are simply wrong.
walls = st.lists(st.integers(-(10**6), 2**47), min_size=1, max_size=30)


class Wall:
    """A wall clock that shows the given times, then the last one for ever."""

    def __init__(self, times: list[int]) -> None:
        self._times = list(times)

    def __call__(self) -> int:
        return self._times.pop(0) if len(self._times) > 1 else self._times[0]


class TestClock:
    @given(walls, st.integers(1, 60))
    def test_times_rise(self, times: list[int], count: int) -> None:
        """Each tick is above the one before (FORMAT.md S2)."""
        clock = HybridClock(Wall(times))
        ticks = [clock.tick() for _ in range(count)]

        assert ticks == sorted(set(ticks))

    @given(walls, st.lists(st.integers(0, LAST_TIME), max_size=20))
    def test_times_rise_above_what_was_observed(self, times: list[int], seen: list[int]) -> None:
        """A tick is above every remote time that was believed (FORMAT.md S2)."""
        clock = HybridClock(Wall(times))
        highest = -1
        for remote in seen:
            if clock.observe(remote):
                highest = max(highest, remote)
            tick = clock.tick()
            assert tick > highest
            highest = tick

    @given(st.integers(0, 2**46), st.integers(-(10**6), 10**6))
    def test_what_is_believed(self, wall: int, ahead: int) -> None:
        """A remote time up to 60 s ahead is believed, more is not (FORMAT.md S3)."""
        remote = max(0, wall + ahead)
        clock = HybridClock(lambda: wall)

        believed = clock.observe(remote << COUNTER_BITS)

        assert believed == (remote - wall <= MAX_AHEAD_MS)

    @given(walls, st.lists(st.integers(0, LAST_TIME - 100), min_size=1, max_size=20))
    def test_no_time_is_given_twice(self, times: list[int], seen: list[int]) -> None:
        """Times pushed ahead to beat others never meet later ticks (FORMAT.md S1, S4)."""
        clock = HybridClock(Wall(times))
        given_out: list[int] = []
        for remote in seen:
            now = clock.tick()
            beat = clock.beat(remote, now)
            assert (beat is None) == (remote < now)
            assert beat is None or beat > remote
            given_out.append(now if beat is None else beat)

        assert len(set(given_out)) == len(given_out)

    def test_a_tick_passes_over_a_time_given_to_beat(self) -> None:
        """The clock arrives at a time that was given out ahead (FORMAT.md S1)."""
        wall = [MS]
        clock = HybridClock(lambda: wall[0])
        now = clock.tick()
        ahead = clock.beat(((MS + 5) << COUNTER_BITS) - 1, now)
        wall[0] = MS + 5

        assert ahead == (MS + 5) << COUNTER_BITS
        assert clock.tick() == ahead + 1

    def test_observing_from_another_thread_takes_nothing_back(self) -> None:
        """Readers and the writer use the clock at once (FORMAT.md S2)."""
        clock = HybridClock(lambda: MS)
        stop = threading.Event()

        def observe() -> None:
            while not stop.is_set():
                clock.observe((MS - 1) << COUNTER_BITS)

        thread = threading.Thread(target=observe)
        thread.start()
        ticks = [clock.tick() for _ in range(20_000)]
        stop.set()
        thread.join(timeout=10)

        assert ticks == sorted(set(ticks))


class TestStamp:
    @given(
        st.tuples(st.integers(0, LAST_TIME), st.sampled_from("abc"), st.integers(0, 999)),
        st.tuples(st.integers(0, LAST_TIME), st.sampled_from("abc"), st.integers(0, 999)),
    )
    def test_the_order_of_text_is_that_of_time_writer_and_place(
        self, one: tuple[int, str, int], two: tuple[int, str, int]
    ) -> None:
        """Stamps can be compared as they stand in JSON (FORMAT.md S1)."""
        stamps = [stamp(time, letter * 16, index) for time, letter, index in (one, two)]

        assert (stamps[0] < stamps[1]) == (one < two)
        assert (stamps[0] == stamps[1]) == (one == two)

    @given(st.integers(0, LAST_TIME), st.integers(0, 999))
    def test_its_parts_come_back(self, time: int, index: int) -> None:
        """Time and writer can be read from a stamp."""
        made = stamp(time, WRITER, index)

        assert (time_of(made), writer_of(made)) == (time, WRITER)
        assert wall_ms(made) == time >> COUNTER_BITS

    def test_a_moment_is_the_wall_time(self) -> None:
        """In UTC, with milliseconds."""
        made = stamp(MS << COUNTER_BITS, WRITER)

        assert moment(made) == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
        assert moment(stamp(((MS + 7) << COUNTER_BITS) + 3, WRITER)).microsecond == 7_000

    def test_a_moment_after_the_end_of_dates(self) -> None:
        """A mad clock makes no error, only a late date."""
        assert moment(stamp(LAST_TIME, WRITER)).year == 9999

    @given(st.integers(0, 200_000_000_000_000))
    def test_before_a_moment(self, ms: int) -> None:
        """Records of the moment's own millisecond count as past, the next do not."""
        at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)
        limit = before(at.astimezone(timezone(timedelta(hours=5))))

        assert stamp(((ms + 1) << COUNTER_BITS) - 1, "z" * 16, 999) < limit
        assert stamp((ms + 1) << COUNTER_BITS, WRITER) > limit
