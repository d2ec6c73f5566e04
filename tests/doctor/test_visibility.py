"""What another process sees, and when: measured on shares that do wrong, and judged."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from tests.doctor.shares import GarblingShare, LateShare, QuickShare, in_a_thread
from tools.doctor.checks import Check, Verdict
from tools.doctor.judge.writing import Between, judge_visibility
from tools.doctor.letters import Incoming, SilentError, StoppedError
from tools.doctor.measure.visibility import Visibility, measure_visibility
from tools.doctor.second import FailedError, Second, Starter
from tools.doctor.share import Appender
from tools.doctor.watching import Way

HERE = Between(None)
SHARE = QuickShare()


def watched(folder: Path, start: Starter, grace: float = 5.0) -> Visibility:
    """A short measurement with an assistant."""
    stop = threading.Event()
    with start(folder, SHARE) as second:
        second.begin(stop)
        return measure_visibility(second, folder, SHARE, 0.09, stop, grace)


def by_name(seen: Visibility) -> dict[str, Check]:
    """The checks that come of it, by name."""
    return {check.name: check for check in judge_visibility(seen, HERE)}


class TestMeasured:
    def test_local_folder(self, tmp_path: Path) -> None:
        """Everything is seen, in every way of looking."""
        seen = watched(tmp_path, in_a_thread())

        assert seen.lines == 3
        assert [seen.unseen(way) for way in Way] == [0] * len(Way)
        assert (seen.nuls, seen.wrong) == (0, 0)
        assert {check.verdict for check in by_name(seen).values()} == {Verdict.OK}

    def test_late_bytes(self, tmp_path: Path) -> None:
        """A client that believes its cache: others' lines come late, by just one way of looking."""
        late = in_a_thread(lambda: LateShare(0.12, ways=("watched-reopen",)))
        seen = watched(tmp_path, late)

        assert max(seen.delays[Way.REOPEN]) >= 0.1
        assert seen.unseen(Way.REOPEN) == 0

    def test_names_that_stay_absent(self, tmp_path: Path) -> None:
        """NFS remembers that a name is not there: told, and no fault, for nothing here asks so."""
        late = in_a_thread(lambda: LateShare(60, ways=("watched-lookup",)))
        seen = watched(tmp_path, late, grace=0.05)
        check = by_name(seen)["visibility.lookup"]

        assert seen.unseen(Way.LOOKUP) == 3
        assert "3 of 3 not seen" in check.measured
        assert check.verdict is Verdict.OK

    def test_nuls_before_bytes(self, tmp_path: Path) -> None:
        """A size that is there before its bytes: readers wait, and so does the doctor."""
        seen = watched(tmp_path, in_a_thread(lambda: GarblingShare(nuls=True)))

        assert seen.nuls == 1
        assert seen.unseen(Way.REOPEN) == 0
        assert by_name(seen)["visibility.bytes"].verdict is Verdict.OK

    def test_bytes_nobody_wrote(self, tmp_path: Path) -> None:
        seen = watched(tmp_path, in_a_thread(lambda: GarblingShare(nuls=False)), grace=0.05)

        assert seen.wrong > 0
        assert by_name(seen)["visibility.bytes"].verdict is Verdict.BAD

    def test_clock_of_another_host(self, tmp_path: Path) -> None:
        """Its clock is an hour ahead: that is found out, and taken out of all delays."""
        hour = 3600 * 10**9
        start = in_a_thread(here=False, wall_ns=lambda: time.time_ns() + hour)
        stop = threading.Event()
        with start(tmp_path, SHARE) as second:
            second.begin(stop)
            assert abs(second.ahead - hour) <= second.doubt + 10**6
            seen = measure_visibility(second, tmp_path, SHARE, 0.09, stop)

        assert max(seen.delays[Way.REOPEN]) < 60
        assert min(seen.delays[Way.REOPEN]) > -60
        assert seen.doubt > 0


class TestAssistant:
    def test_nobody_is_there(self, tmp_path: Path) -> None:
        with pytest.raises(SilentError):
            Second(tmp_path, SHARE, here=True).begin(threading.Event(), patience=0.01)

    def test_stopped_while_waiting(self, tmp_path: Path) -> None:
        """Ctrl-C must not wait for who does not come."""
        stop = threading.Event()
        stop.set()
        with pytest.raises(StoppedError):
            Second(tmp_path, SHARE, here=True).begin(stop)

    def test_fault_on_the_other_side(self, tmp_path: Path) -> None:
        """It is told in the answer: here the files to be watched are not there."""
        stop = threading.Event()
        with in_a_thread()(tmp_path, SHARE) as second:
            second.begin(stop)
            with pytest.raises(FailedError, match="No such file"):
                second.ask({"do": "watch", "lines": 1, "seconds": 1, "grace": 1}, stop)

    def test_half_a_letter_is_waited_for(self, tmp_path: Path) -> None:
        """As everywhere on shares: a line counts when it is whole."""
        file = Appender(tmp_path / "answer.jsonl", SHARE)
        inbox = Incoming(tmp_path / "answer.jsonl", SHARE)
        file.append(b'{"n":1}\n{"n"')
        assert inbox.next(1, threading.Event()) == {"n": 1}
        with pytest.raises(SilentError):
            inbox.next(0.01, threading.Event())
        file.append(b":2}\n")
        assert inbox.next(1, threading.Event()) == {"n": 2}
        file.close()


def seen_after(seconds: float, *, way: Way, lines: int = 3) -> Visibility:
    """A measurement in which one way takes so long, and all others no time."""
    delays = {each: [0.001] * 3 for each in Way}
    delays[way] = [seconds] * 3
    return Visibility(delays, lines, 5.0, 0, 0, 0.0)


class TestJudged:
    @pytest.mark.parametrize(
        ("way", "seconds", "verdict"),
        [
            (Way.REOPEN, 0.9, Verdict.OK),
            (Way.REOPEN, 1.1, Verdict.WARN),
            (Way.REOPEN, 5.1, Verdict.BAD),
            (Way.LISTING, 4.9, Verdict.OK),
            (Way.LISTING, 5.1, Verdict.WARN),
            (Way.HELD, 60.0, Verdict.OK),
            (Way.STAT, 60.0, Verdict.OK),
        ],
    )
    def test_by_what_the_log_does(self, way: Way, seconds: float, verdict: Verdict) -> None:
        """Only ways in which the log is read count; the others are told."""
        check = by_name(seen_after(seconds, way=way))[f"visibility.{way.value}"]

        assert check.verdict is verdict
        assert bool(check.remedy) == (verdict is not Verdict.OK)
        assert check.figures["p99_ms"] == seconds * 1000

    def test_what_was_never_seen(self) -> None:
        checks = by_name(seen_after(0.001, way=Way.REOPEN, lines=4))

        assert checks["visibility.reopen"].verdict is Verdict.BAD
        assert checks["visibility.listing"].verdict is Verdict.WARN
        assert checks["visibility.stat"].verdict is Verdict.OK

    def test_who_watched_is_said(self) -> None:
        """Two processes of one host have one cache: that is worth less."""
        seen = seen_after(0.001, way=Way.STAT)
        here, there = (list(judge_visibility(seen, Between(host))) for host in (None, "node-2"))

        assert "two processes of this host" in here[0].measured
        assert "this host and node-2" in there[0].measured
