"""Carrying out the steps of a plan, and finishing them after a crash. Blocks.

No step replaces anything, so at any moment each file lies under exactly one of the names that the
plan has for it (or, where the share knows no other way, for a moment under two).
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from pathlib import Path

from attrs import define, field, frozen

from events.log.disk_io import DiskIO
from orchestrator.gallery.fileops.effects import error_name, give_up_name, move
from orchestrator.gallery.fileops.names import free_variant, name_key
from orchestrator.gallery.fileops.steps import Role, Step
from orchestrator.gallery.fileops.times import Times
from orchestrator.gallery.fileops.tracing import Match, Trace, match_at, trace


@frozen
class Ends:
    """What became of the steps of a plan."""

    #: Where each file came to lie, by the place of its step; steps that were not done are missing.
    landed: dict[int, str]
    #: Errors by the place of the step: names of errnos.
    failed: dict[int, str]


def carry_out(
    root: Path,
    steps: Sequence[Step],
    disk: DiskIO,
    *,
    op: str,
    left: set[str] | None = None,
    again: bool = False,
) -> Ends:
    """Do the steps, one after the other; one that fails does not keep the others from being tried.

    Args:
        root: The project's folder.
        steps: What was planned, and is in the log.
        disk: How names are made durable; tests let it fail.
        op: The operation, as the log knows it.
        left: Where files lay that could not go, of this and of earlier plans of one request: what
            belongs to them stays, too. It grows.
        again: Whether some steps may have been done before: then look first how far each file is.

    Raises:
        OSError: the project is away, or the share does not say whether the names are durable, or
            how far the files are. Do it all `again`.
    """
    _check_mounted(root)
    work = _Work(root, disk, op, trace(root, steps) if again else None)
    left = set() if left is None else left
    for index, step in enumerate(steps):
        if step.of is not None and step.of in left:
            work.failed[index] = "ECANCELED"
            work.bring_back(index, step)
            continue
        try:
            work.do(index, step)
        except OSError as exc:
            work.failed[index] = error_name(exc)
            left.add(step.origin)
            work.bring_back(index, step)
    if work.failed:
        work.take_back_folders()
    work.sync()
    return Ends(work.landed, work.failed)


def _check_mounted(root: Path) -> None:
    """The plan is in the log: if that is away, what we see is not the share, and stays empty."""
    if not (root / ".gallery").is_dir():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(root))


def purged(root: Path, steps: Sequence[Step]) -> Ends:
    """What came of a plan to delete that was broken off: what is there still, stays.

    But what belongs to a file that is gone goes after it; nobody could bring it back.

    Raises:
        OSError: the share does not let us look, or delete.
    """
    _check_mounted(root)
    ends = Ends({}, {})
    for index, step in enumerate(steps):
        path = root / step.source
        if step.of is not None and not os.path.lexists(root / step.of):
            path.unlink(missing_ok=True)
        if os.path.lexists(path):
            ends.failed[index] = "EINTR"
        else:
            ends.landed[index] = step.to
    return ends


def _folder_of(path: str) -> str:
    return path[: path.rindex("/")]


@define
class _Work:
    root: Path
    disk: DiskIO
    op: str
    #: How far each file is, if any of this may have been done before.
    trace: Trace | None
    landed: dict[int, str] = field(factory=dict)
    failed: dict[int, str] = field(factory=dict)
    #: Folders that exist, those that we made, and those whose names changed.
    _there: set[str] = field(factory=set)
    _made: list[Path] = field(factory=list)
    _touched: set[str] = field(factory=set)
    _times: Times = field(factory=Times)
    _prefix: str = field(init=False)

    @_prefix.default
    def _prefix_of_root(self) -> str:
        return f"{self.root}/"

    def do(self, index: int, step: Step) -> None:
        """Do one step, unless it was done before.

        Raises:
            OSError: it cannot be done; the file is where it was.
        """
        source, target = self._prefix + step.source, self._prefix + step.to
        if step.role is Role.PURGE:
            if self.trace is None or self.trace.is_next(index):
                Path(source).unlink(missing_ok=True)  # gone is gone, whoever did it
        else:
            folder = _folder_of(target)
            if self.trace is not None:
                give_up_name(target, self.op)
            if self.trace is None or self.trace.is_next(index):
                if folder not in self._there:
                    self._make_folder(folder)
                self._move(source, target, step)
            self._touched.add(folder)
        self._touched.add(_folder_of(source))
        self.landed[index] = step.to

    def _move(self, source: str, target: str, step: Step) -> None:
        is_folder = step.role is Role.FOLDER
        try:
            move(source, target, folder=is_folder, op=self.op, disk=self.disk)
            self._times.keep(target, step.mtime, folder=is_folder)
        except OSError:
            # A share may lose the answer and not the request, or refuse what comes after it.
            if os.path.lexists(source) or match_at(Path(target), step) < Match.GOOD:
                raise

    def _make_folder(self, folder: str) -> None:
        missing = []
        at = Path(folder)
        while not at.is_dir():
            missing.append(at)
            at = at.parent
        if at != self.root and self.root not in at.parents:
            # The project itself is gone: an unmounted share must stay empty.
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self.root))
        for each in reversed(missing):
            each.mkdir(exist_ok=True)
            self._made.append(each)
            self._touched.add(str(each.parent))
        self._there.add(folder)

    def take_back_folders(self) -> None:
        """Remove the folders that were made for files that could not go; others stay."""
        for folder in reversed(self._made):
            try:
                folder.rmdir()
            except OSError:
                continue  # some file could go

    def bring_back(self, index: int, step: Step) -> None:
        """A file that had stepped aside and cannot go on goes back to where it lay, or beside it.

        If even that fails it stays aside, whole, and the log tells where.
        """
        aside = self._prefix + step.source
        if step.path is None or not os.path.lexists(aside):
            return
        folder, _, name = step.origin.rpartition("/")
        try:
            names = os.listdir(self._prefix + folder)  # noqa: PTH208  # names only
            taken = {name_key(each) for each in names}
            back = free_variant(name, taken) if name_key(name) in taken else name
            to = f"{folder}/{back}" if folder else back
            self._move(aside, self._prefix + to, step)
        except OSError:
            to = step.source
        else:
            self._touched |= {_folder_of(aside), _folder_of(self._prefix + to)}
        self.landed[index] = to

    def sync(self) -> None:
        """Make all names durable; a folder that is gone meanwhile has none."""
        for folder in sorted(self._touched):
            try:
                self.disk.sync_folder(Path(folder))
            except (FileNotFoundError, NotADirectoryError):
                continue
