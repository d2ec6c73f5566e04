"""Every call to the system that touches a folder, counted in order; the one whose turn it is fails.

It replaces functions of `os` and `io` themselves, so whatever code makes a call, by whichever way,
the call counts. Calls that touch other folders go through untouched. Files are not really synced.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field, frozen

from tests.log.disks import FAILURES

#: Functions that are given a path first. `stat` is left out: nothing is decided by it alone.
_OF_PATHS = (
    *("link", "listdir", "mkdir", "remove", "rename", "replace", "rmdir", "scandir", "truncate"),
    *("unlink", "utime"),
)
#: Functions that are given a descriptor first.
_OF_DESCRIPTORS = ("fstat", "fsync", "ftruncate", "lseek", "pread", "pwrite", "read", "write")
#: Those of them that change nothing; to fail "all the same" means nothing to them.
_LOOKING = frozenset({"listdir", "scandir", "fstat", "lseek", "pread", "read", "fsync"})


@frozen
class Call:
    """One call that was made."""

    function: str
    #: Path below the folder.
    path: str
    #: What the story was about when it was made.
    during: str
    #: Whether it was made to a file that had been created for writing.
    writes: bool


@define
class Calls:
    """The calls below a folder, and the one that fails."""

    folder: Path
    #: Place of the call that fails; none if it is -1.
    failing: int = -1
    number: int = 0
    #: How it fails; see `FAILURES`.
    failure: str = FAILURES[0]
    made: list[Call] = field(factory=list)
    #: What goes on; the story says.
    during: str = ""
    #: Descriptors of segments that a call failed on: nobody may use them again.
    broken: set[int] = field(factory=set)
    touched_again: list[str] = field(factory=list)
    #: Path and whether it was created, of each open descriptor.
    _open: dict[int, tuple[str, bool]] = field(factory=dict)
    _real: dict[str, Callable[..., Any]] = field(factory=dict)

    @property
    def failed(self) -> Call | None:
        """The call that failed, if its turn has come."""
        return self.made[self.failing] if 0 <= self.failing < len(self.made) else None

    @contextmanager
    def counted(self) -> Iterator[None]:
        """While this lasts, calls are counted, and one fails."""
        with pytest.MonkeyPatch.context() as patch:
            for name in (*_OF_PATHS, *_OF_DESCRIPTORS, "open", "close"):
                self._real[name] = getattr(os, name)
            self._real["io.open"] = io.open
            for name in _OF_PATHS:
                patch.setattr(os, name, self._of_path(name))
            for name in _OF_DESCRIPTORS:
                patch.setattr(os, name, self._of_descriptor(name))
            patch.setattr(os, "open", self._opening)
            patch.setattr(os, "close", self._closing)
            patch.setattr(io, "open", self._opening_a_file)
            yield
        for descriptor in self.broken:
            with suppress(OSError):
                os.close(descriptor)

    def _below(self, path: object) -> str | None:
        """The path below our folder; None if it is elsewhere."""
        if not isinstance(path, str | os.PathLike):
            return None
        text, begin = str(os.fspath(path)), f"{self.folder}{os.sep}"
        return text.removeprefix(begin) if text.startswith(begin) else None

    def _turn(self, function: str, path: str, writes: bool = False) -> bool:
        """Count a call; whether it is the one that fails."""
        self.made.append(Call(function, path, self.during, writes))
        return len(self.made) - 1 == self.failing

    def _error(self) -> OSError:
        return OSError(self.number, os.strerror(self.number))

    @property
    def _does_it(self) -> bool:
        return self.failure != "not done"

    def _of_path(self, name: str) -> Callable[..., Any]:
        real = self._real[name]

        def call(path: Any, *args: Any, **named: Any) -> Any:
            below = self._below(path)
            if below is None or not self._turn(name, below):
                return real(path, *args, **named)
            if self._does_it and name not in _LOOKING:
                real(path, *args, **named)
            raise self._error()

        return call

    def _of_descriptor(self, name: str) -> Callable[..., Any]:
        real = self._real[name]

        def call(descriptor: int, *args: Any) -> Any:
            path, created = self._file_behind(descriptor, name)
            if path is None:
                return real(descriptor, *args)
            self._judge(descriptor, path)
            if not self._turn(name, path, created):
                return None if name == "fsync" else real(descriptor, *args)
            self._break(descriptor, path, created)
            if name in ("pwrite", "write") and self._does_it:
                data, *place = args
                end = len(data) // 2 if self.failure == "half done" else len(data)
                real(descriptor, data[:end], *place)
            raise self._error()

        return call

    def _file_behind(self, descriptor: int, name: str) -> tuple[str | None, bool]:
        if descriptor in self._open:
            return self._open[descriptor]
        if name != "fsync":
            return None, False
        try:  # a file that was opened by `io.open`
            path = Path(f"/proc/self/fd/{descriptor}").readlink()
        except OSError:
            return None, False
        return self._below(path), False

    def _judge(self, descriptor: int, path: str) -> None:
        if descriptor in self.broken:
            self.touched_again.append(path)

    def _break(self, descriptor: int, path: str, created: bool) -> None:
        if created and path.endswith(".jsonl"):
            self.broken.add(descriptor)

    def _opening(self, path: Any, flags: int, *args: Any, **named: Any) -> int:
        below, creates = self._below(path), bool(flags & os.O_CREAT)
        fails = below is not None and self._turn("open", below, creates)
        if fails and not (self._does_it and creates):
            raise self._error()
        descriptor: int = self._real["open"](path, flags, *args, **named)
        if fails:
            self._real["close"](descriptor)
            raise self._error()
        if below is not None:
            self._open[descriptor] = (below, creates)
        return descriptor

    def _closing(self, descriptor: int) -> None:
        path, created = self._open.pop(descriptor, (None, False))
        if path is None:
            self._real["close"](descriptor)
            return
        self._judge(descriptor, path)
        fails = self._turn("close", path, created)
        self._real["close"](descriptor)  # so it does, even where it reports an error
        if fails:
            raise self._error()

    def _opening_a_file(self, file: Any, mode: str = "r", *args: Any, **named: Any) -> Any:
        below, writes = self._below(file), mode[0] in "wxa"
        if below is None or not self._turn("open", below, writes):
            return self._real["io.open"](file, mode, *args, **named)
        if self._does_it and writes:
            self._real["io.open"](file, mode, *args, **named).close()
        raise self._error()
