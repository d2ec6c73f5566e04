"""Files of a slow share are waited for side by side."""

from __future__ import annotations

import threading

import pytest

from orchestrator.gallery.index.lanes import LANES, Lanes


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class TestLanes:
    def test_one_lane_until_files_are_slow(self) -> None:
        """And one again when the share is fast again."""
        clock = Clock()
        lanes = Lanes(threading.Event(), clock)

        def work(cost: float) -> float:
            clock.now += cost
            return cost

        assert lanes.run([0.0001] * 10, work) == [0.0001] * 10
        assert lanes.lanes == 1
        lanes.run([0.02] * 10, work)
        assert lanes.lanes == LANES
        lanes.run([0.0] * 10, work)
        assert lanes.lanes == 1

    def test_side_by_side_and_still_in_order(self) -> None:
        """All lanes are in use at once."""
        lanes = Lanes(threading.Event())
        lanes.lanes = LANES
        together = threading.Barrier(LANES, timeout=10)

        def work(number: int) -> int:
            together.wait()
            return number * 2

        numbers = list(range(LANES * 2))
        assert lanes.run(numbers, work) == [number * 2 for number in numbers]

    def test_what_goes_wrong_is_raised(self) -> None:
        """Where it is waited for, in whatever lane."""
        lanes = Lanes(threading.Event())
        lanes.lanes = LANES
        with pytest.raises(ZeroDivisionError):
            lanes.run([1, 0, 2], lambda number: 1 // number)

    def test_one_that_hangs_is_left_behind(self) -> None:
        """Who stops does not wait for a dead share; what was done counts."""
        stop, hang = threading.Event(), threading.Event()
        lanes = Lanes(stop)
        lanes.lanes = 2

        def work(number: int) -> int:
            if number == 1:
                stop.set()
                hang.wait(10)
            return number

        assert 1 not in lanes.run([0, 1], work)
        hang.set()
