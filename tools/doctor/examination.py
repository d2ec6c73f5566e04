"""One examination of a project's share: check after check, each within a limit. Blocks.

All that is written lies in one folder, which is removed in the end, whatever happened.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

from attrs import define, field, frozen

from tools.doctor.calling import called_elsewhere, waiting_assistants
from tools.doctor.checks import Check, Verdict, skipped
from tools.doctor.failures import failed, unanswered
from tools.doctor.judge.company import deaf_assistant, judge_second, nobody_assists
from tools.doctor.judge.mounts import judge_mount
from tools.doctor.judge.naming import judge_clock, judge_file_times, judge_names, judge_renames
from tools.doctor.judge.project import judge_leftovers, judge_log, judge_no_log, judge_space
from tools.doctor.judge.writing import Between, judge_appends, judge_race, judge_visibility
from tools.doctor.letters import SilentError
from tools.doctor.limits import OverranError, within
from tools.doctor.measure.appends import measure_appends
from tools.doctor.measure.names import measure_names
from tools.doctor.measure.own_log import LogSeen, NoLogError, leftovers, look_at_log
from tools.doctor.measure.racing import measure_race
from tools.doctor.measure.renames import measure_renames
from tools.doctor.measure.times import measure_clock, measure_file_times
from tools.doctor.measure.visibility import measure_visibility
from tools.doctor.mountinfo import Mount, mount_of, parse
from tools.doctor.peering import examine_peer
from tools.doctor.scratch import Scratch
from tools.doctor.second import FailedError, Second, Starter, started_here
from tools.doctor.share import Share

#: Of the time that people give, so much goes to appends, and to what others see of them.
_APPENDS, _VISIBILITY = 0.3, 0.7
#: Names that are raced for, in ten seconds or more, and in none.
_NAMES, _LEAST_NAMES = 150, 20
#: Limits, beside the time that a check itself is given (seconds).
_QUICK, _SLOW, _LOG = 15.0, 60.0, 180.0
_MOUNTS = Path("/proc/self/mountinfo")

#: Told before each step: what comes, its number, and how many there are.
Telling = Callable[[str, int, int], None]


@frozen
class Step:
    """One part of an examination."""

    #: For people who wait.
    label: str
    #: Name of the check if the part as a whole fails.
    name: str
    #: Seconds after which nobody waits any more.
    limit: float
    work: Callable[[threading.Event], Iterable[Check]]
    #: Whether it needs a folder to write into; and somebody who watches.
    writes: bool = False
    watched: bool = False


def mounts_here() -> list[Mount]:
    """All mounts; none where the system does not tell."""
    try:
        return parse(_MOUNTS.read_text("utf-8", "surrogateescape"))
    except FileNotFoundError:
        return []


@define
class Examination:
    """What is examined, and what is known of it so far."""

    root: Path
    gallery: Path
    #: For appending and watching; all the rest takes what it takes.
    seconds: float = 10.0
    #: Addresses of other hosts' services.
    peers: tuple[str, ...] = ()
    share: Share = field(factory=Share)
    start: Starter = started_here
    mounts: Callable[[], list[Mount]] = mounts_here
    #: Other limits than usual, by the name of the step (seconds).
    limits: Mapping[str, float] = field(factory=dict)
    _mount: Mount | None = None
    _log: LogSeen | None = None
    _scratch: Scratch | None = None
    _second: Second | None = None
    _assisted: ExitStack = field(factory=ExitStack)
    #: Whether the share has stopped to answer at all.
    _silent: bool = False
    #: What could not be removed.
    left_behind: Path | None = None

    def run(self, telling: Telling = lambda _label, _at, _of: None) -> list[Check]:
        """Examine everything. What was written is gone afterwards, also after Ctrl-C."""
        checks: list[Check] = []
        steps = self._steps()
        try:
            for at, step in enumerate(steps):
                telling(step.label, at, len(steps))
                checks += self._do(step)
        finally:
            checks += self._clear_up()
        return checks

    def _steps(self) -> list[Step]:
        appends, watching = self.seconds * _APPENDS, self.seconds * _VISIBILITY
        return [
            Step("how it is mounted", "mount", _QUICK, self._look_at_mount),
            Step("room", "space", _QUICK, self._look_at_space),
            Step("the project's log", "log", _LOG, self._look_at_log),
            *(self._peer(url) for url in self.peers),
            Step("writing", "write", _QUICK, self._begin_to_write),
            Step("appends", "fsync", appends + _QUICK, self._appends, writes=True),
            Step("clock", "clock", _QUICK, self._clock, writes=True),
            Step("times of files", "file_times", _QUICK, self._file_times, writes=True),
            Step("names", "names", _SLOW, self._names, writes=True),
            Step("renaming", "rename", _SLOW, self._renames, writes=True),
            Step("a second process", "second_host", _SLOW, self._call_second, writes=True),
            Step(
                "what others see",
                "visibility",
                4 * watching + _SLOW,
                self._visibility,
                watched=True,
            ),
            Step("exclusive creation", "exclusive", _SLOW, self._race, watched=True),
        ]

    def _peer(self, url: str) -> Step:
        def ask(stop: threading.Event) -> Iterator[Check]:
            return examine_peer(url, str(self.root), self._log, stop)

        return Step(f"service at {url}", f"peer.{url}", _SLOW, ask)

    def _do(self, step: Step) -> list[Check]:
        if self._silent:
            return [skipped(step.name, "the share has stopped to answer")]
        if step.writes and self._scratch is None:
            return [skipped(step.name, "nothing can be written here")]
        if step.watched and self._second is None:
            return [skipped(step.name, "there is no second process")]
        stop = threading.Event()
        try:
            return within(self._limit(step.name, step.limit), lambda: list(step.work(stop)), stop)
        except OverranError as exc:
            self._silent = not self._answers()
            return [unanswered(step.name, str(exc))]
        except (SilentError, FailedError) as exc:
            return [unanswered(step.name, str(exc))]
        except OSError as exc:
            return [failed(step.name, exc)]

    def _limit(self, name: str, usual: float) -> float:
        return self.limits.get(name, usual)

    def _answers(self) -> bool:
        """Whether the share answers at all, after something in it hung."""
        try:
            limit = self._limit("answers", _QUICK)
            within(limit, lambda: self.share.names(self.root), threading.Event())
        except (OverranError, OSError):
            return False
        return True

    def _clear_up(self) -> list[Check]:
        """Send the assistant home, and remove what was written."""
        scratch, self._scratch = self._scratch, None
        if scratch is None:
            return []

        def clear() -> None:
            self._assisted.close()
            scratch.remove()

        try:
            within(self._limit("cleared_up", _QUICK), clear, threading.Event())
        except (OverranError, OSError) as exc:
            self.left_behind = scratch.folder
            return [
                Check(
                    name="cleared_up",
                    verdict=Verdict.WARN,
                    measured=f"{scratch.folder} is left behind: {exc}",
                    expected="nothing left behind",
                    remedy=f"Delete {scratch.folder} when the share answers.",
                )
            ]
        return []

    def _look_at_mount(self, _stop: threading.Event) -> Iterator[Check]:
        self._mount = mount_of(str(self.root.resolve()), self.mounts())
        yield from judge_mount(self._mount)

    def _look_at_space(self, _stop: threading.Event) -> Iterator[Check]:
        yield judge_space(*self.share.space(self.root))

    def _look_at_log(self, _stop: threading.Event) -> Iterator[Check]:
        try:
            self._log = look_at_log(self.gallery)
        except NoLogError as exc:
            yield judge_no_log(exc)
            return
        yield from judge_log(self._log, time.time_ns() // 1_000_000)

    def _begin_to_write(self, stop: threading.Event) -> Iterator[Check]:
        waiting = waiting_assistants(self.gallery, self.share)
        others = leftovers(self.gallery, {folder.name for folder in waiting}, self.share)
        found = judge_leftovers(others)
        if found is not None:
            yield found
        scratch = Scratch.make(self.gallery)
        if stop.is_set():  # it hung, and nobody would remove it any more
            scratch.remove()
            return
        self._scratch = scratch
        yield Check(
            name="write", verdict=Verdict.OK, measured="this user may write here", expected="yes"
        )

    def _folder(self) -> Path:
        assert self._scratch is not None  # steps that write are left out without it
        return self._scratch.folder

    def _appends(self, stop: threading.Event) -> Iterator[Check]:
        took = measure_appends(self._folder(), self.share, self.seconds * _APPENDS, stop)
        yield judge_appends(took, None if self._mount is None else self._mount.kind)

    def _clock(self, _stop: threading.Event) -> Iterator[Check]:
        yield judge_clock(measure_clock(self._folder() / "clock", self.share))

    def _file_times(self, _stop: threading.Event) -> Iterator[Check]:
        yield judge_file_times(measure_file_times(self._folder(), self.share))

    def _names(self, _stop: threading.Event) -> Iterator[Check]:
        yield from judge_names(measure_names(self._folder() / "names", self.share))

    def _renames(self, _stop: threading.Event) -> Iterator[Check]:
        yield from judge_renames(measure_renames(self._folder() / "renames", self.share))

    def _call_second(self, stop: threading.Event) -> Iterator[Check]:
        """An assistant on another host if one waits there, else a process of our own."""
        waiting = waiting_assistants(self.gallery, self.share)
        if not waiting:
            yield nobody_assists()
        for folder in waiting:
            try:
                second = self._begin(called_elsewhere(folder, self._folder(), self.share), stop)
            except SilentError as exc:
                yield deaf_assistant(folder.name, str(exc))
            else:
                yield from judge_second(second)
                return
        self._begin(self.start(self._folder(), self.share), stop)

    def _begin(self, assistant: AbstractContextManager[Second], stop: threading.Event) -> Second:
        second = self._assisted.enter_context(assistant)
        second.begin(stop)
        self._assisted.callback(second.end)
        self._second = second
        return second

    def _visibility(self, stop: threading.Event) -> Iterator[Check]:
        assert self._second is not None  # steps that are watched are left out without it
        seconds = self.seconds * _VISIBILITY
        seen = measure_visibility(self._second, self._second.folder, self.share, seconds, stop)
        yield from judge_visibility(seen, _between(self._second))

    def _race(self, stop: threading.Event) -> Iterator[Check]:
        assert self._second is not None  # as above
        names = min(_NAMES, max(_LEAST_NAMES, int(self.seconds * _NAMES / 10)))
        raced = measure_race(self._second, self._second.folder, self.share, stop, names)
        yield judge_race(raced, _between(self._second))


def _between(second: Second) -> Between:
    return Between(None if second.here else second.host)
