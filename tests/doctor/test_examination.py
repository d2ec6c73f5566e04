"""tools/doctor/examination.py: everything in its order, whatever the share does, and cleared up."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.doctor.shares import FailingShare, HangingShare, QuickShare, in_a_thread
from tools.doctor import calling
from tools.doctor.calling import NobodyCalledError, assist
from tools.doctor.checks import Check, Verdict, worst
from tools.doctor.examination import Examination
from tools.doctor.mountinfo import Mount
from tools.doctor.scratch import Scratch
from tools.doctor.second import Second, Starter
from tools.doctor.share import Share

DISK = [Mount("/", "ext4", "/dev/sda1", {"rw": ""})]


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A folder that is no project yet."""
    folder = tmp_path / "film"
    folder.mkdir()
    return folder


def nobody(_folder: Path, _share: Share) -> AbstractContextManager[Second]:
    """No second process can be started: what it would watch is skipped, and takes no time."""
    raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))


def examiner(film: Path, share: Share | None = None, start: Starter | None = None) -> Examination:
    """A short examination."""
    return Examination(
        film,
        film / ".gallery",
        seconds=0.1,
        share=share or QuickShare(),
        start=start or in_a_thread(),
        mounts=lambda: DISK,
    )


def by_name(checks: list[Check]) -> dict[str, Check]:
    """Checks by their names."""
    return {check.name: check for check in checks}


class TestWhole:
    def test_local_folder(self, film: Path) -> None:
        """Each thing is looked at, all holds, and nothing stays; what was not measured is said."""
        steps: list[str] = []
        checks = examiner(film).run(lambda label, _at, _of: steps.append(label))
        found = by_name(checks)

        assert worst(checks) in {Verdict.OK, Verdict.WARN}  # the disk here may be nearly full
        assert {"mount", "space", "log", "write", "fsync", "clock", "file_times"} <= set(found)
        assert {"names.case", "rename.no_replace", "exclusive", "visibility.reopen"} <= set(found)
        assert len(found) == len(checks)
        assert len(steps) == 12
        assert list(film.iterdir()) == []
        assert found["second_host"].verdict is Verdict.SKIPPED
        assert "--assist" in found["second_host"].remedy


class TestFaults:
    def test_full_share(self, film: Path) -> None:
        """What can be looked at still is."""
        checks = examiner(film, FailingShare("sync", errno.ENOSPC), nobody).run()
        found = by_name(checks)

        assert found["fsync"].figures["errno"] == "ENOSPC"
        assert found["names.case"].verdict is Verdict.OK
        assert all(check.remedy for check in checks if check.verdict is Verdict.BAD)
        assert list(film.iterdir()) == []

    @pytest.mark.parametrize(
        ("number", "remedy"), [(errno.EROFS, "rw"), (errno.EACCES, "Let this user write")]
    )
    def test_nothing_can_be_written(
        self, film: Path, monkeypatch: pytest.MonkeyPatch, number: int, remedy: str
    ) -> None:
        """A share that is read-only, or not ours: what can be seen is told, the rest skipped."""

        def refuse(_gallery: Path) -> None:
            raise OSError(number, "no")

        monkeypatch.setattr(Scratch, "make", refuse)
        found = by_name(examiner(film).run())

        assert found["write"].verdict is Verdict.BAD
        assert remedy in found["write"].remedy
        assert found["mount"].verdict is Verdict.OK
        assert found["fsync"].verdict is Verdict.SKIPPED
        assert found["exclusive"].verdict is Verdict.SKIPPED

    def test_one_call_hangs(self, film: Path) -> None:
        """It is given up; the others are made."""
        share = HangingShare("set_time")
        patient = examiner(film, share, nobody)
        patient.limits = {"file_times": 0.05, "rename": 0.05}
        try:
            found = by_name(patient.run())
        finally:
            share.released.set()

        assert "no answer" in found["file_times"].measured
        assert found["fsync"].verdict is Verdict.OK
        assert found["names.case"].verdict is Verdict.OK

    def test_everything_hangs(self, film: Path) -> None:
        """The server is gone: that is noticed once, and nothing else is waited for."""
        share = HangingShare("names")
        patient = examiner(film, share)
        patient.limits = {"write": 0.05, "answers": 0.05}
        try:
            found = by_name(patient.run())
        finally:
            share.released.set()

        assert found["write"].verdict is Verdict.BAD
        assert found["exclusive"].measured == "the share has stopped to answer"

    def test_no_second_process(self, film: Path) -> None:
        """What nobody watches is skipped."""
        found = by_name(examiner(film, start=nobody).run())

        assert found["second_host"].figures["errno"] == "EAGAIN"
        assert found["visibility"].verdict is Verdict.SKIPPED
        assert found["exclusive"].verdict is Verdict.SKIPPED

    def test_second_process_that_fails(self, film: Path) -> None:
        """It is told, and the rest is measured."""
        failing = examiner(film)
        failing.start = in_a_thread(lambda: FailingShare("open_to_read", errno.ESTALE))
        found = by_name(failing.run())

        assert "Stale" in found["visibility"].measured
        assert found["exclusive"].verdict is Verdict.OK

    def test_interrupted(self, film: Path) -> None:
        """Ctrl-C in the middle: nothing stays."""

        def interrupt(label: str, _at: int, _of: int) -> None:
            if label == "renaming":
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            examiner(film).run(interrupt)
        assert list(film.iterdir()) == []

    def test_folder_that_cannot_be_removed(
        self, film: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is said where it is."""

        def refuse(_scratch: Scratch) -> None:
            raise OSError(errno.EIO, "no")

        monkeypatch.setattr(Scratch, "remove", refuse)
        checked = examiner(film, start=nobody)
        found = by_name(checked.run())

        assert found["cleared_up"].verdict is Verdict.WARN
        assert checked.left_behind is not None
        assert str(checked.left_behind) in found["cleared_up"].remedy


@pytest.fixture
def assistant(film: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Thread]:
    """Somebody who waits, as if on another host."""
    monkeypatch.setattr(calling, "_PACE", 0.01)
    stop = threading.Event()

    def work() -> None:
        assist(film / ".gallery", QuickShare(), stop, patience=30)

    thread = threading.Thread(target=work)
    thread.start()
    while not list(film.glob(".gallery/doctor-*/assistant")):
        assert thread.is_alive()
    yield thread
    stop.set()
    thread.join()


class TestSecondHost:
    def test_assists(self, film: Path, assistant: threading.Thread) -> None:
        """An examination finds it by the share alone, measures with it, and lets it go."""
        found = by_name(examiner(film).run())
        assistant.join(10)

        assert found["second_host"].verdict is Verdict.OK
        assert found["second_host.clock"].verdict is Verdict.OK
        assert "this host and" in found["exclusive"].measured
        assert "leftovers" not in found
        assert not assistant.is_alive()
        assert list(film.iterdir()) == []

    def test_deaf(self, film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """One that was cut off, or whose cache hides that it is called: measured without it."""
        monkeypatch.setattr("tools.doctor.second.Second.begin.__defaults__", (0.05,))
        place = film / ".gallery" / "doctor-0123456789abcdef"
        place.mkdir(parents=True)
        (place / "assistant").write_bytes(b"{}\n")
        found = by_name(examiner(film).run())

        assert found["second_host"].verdict is Verdict.BAD
        assert place.name in found["second_host"].remedy
        assert "two processes of this host" in found["exclusive"].measured

    def test_leftovers_are_told(self, film: Path) -> None:
        """Of a doctor that was killed; nothing that others made is deleted."""
        place = film / ".gallery" / "doctor-0123456789abcdef"
        place.mkdir(parents=True)
        found = by_name(examiner(film, start=nobody).run())

        assert place.name in found["leftovers"].measured
        assert place.exists()

    def test_nobody_calls(self, film: Path) -> None:
        with pytest.raises(NobodyCalledError):
            assist(film / ".gallery", QuickShare(), threading.Event(), patience=0)
        assert list(film.iterdir()) == []
