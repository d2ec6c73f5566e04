"""Claims: files created with O_EXCL that say who does what only one host shall do at a time.

    claim/{kind}.{key}.{epoch}          who has it; never changed
    claim/{kind}.{key}.{epoch}.done     it is over

No locks: those of a dead host linger, and on SMB keep readers out. Whoever
finds that the newest epoch is over, or that its claimant is dead, takes the next one, and the
server lets only one host create it. A claimant that merely slept may wake and go on beside its
successor, so a claim keeps work from being done twice for nothing; it is no fence. What is done
under one must be harmless if it is done twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import orjson
from attrs import define, field, frozen

from events.log.disk_io import DiskIO
from events.log.port import DEAD_SECONDS
from events.stamp import MAX_AHEAD_MS

#: A claim ends after this time, even if its claimant lives (ms): it may have forgotten it.
LEASE_MS = 3_600_000
#: Claims that are over are removed by whoever made them once they are so old (seconds): by then
#: no listing, however stale, can lack their successor.
KEEP_SECONDS = 600.0
_KIND = re.compile(r"[a-z]{1,20}")
_KEY = re.compile(r"[0-9a-z-]{1,64}")
_NAME = re.compile(r"(?P<of>[a-z]{1,20}\.[0-9a-z-]{1,64})\.(?P<epoch>[0-9]{6,})(?P<done>\.done)?")
_LONGEST = 4096


@frozen
class Holder:
    """Who claimed something, and until when; by its own clock, in ms since 1970."""

    host: str
    writer: str
    at_ms: int
    until_ms: int


@frozen
class Seen:
    """One epoch of a claim as it was found."""

    epoch: int
    #: None: nobody knows, since the file is empty or damaged.
    holder: Holder | None
    done: bool = False
    #: Seconds since it was made, by the share's clock.
    age: float = 0.0


def decide(
    seen: Iterable[Seen], host: str, writer: str, now_ms: int, is_dead: Callable[[str], bool]
) -> int | Seen:
    """The epoch that may be taken now, or the claim that stands in the way. Pure.

    Args:
        seen: All epochs that were found, in any order.
        host: Our host.
        writer: Our incarnation.
        now_ms: Our clock.
        is_dead: Whether nothing was heard of a host for so long that it counts as dead.
    """
    newest = max(seen, key=lambda each: each.epoch, default=None)
    if newest is None:
        return 1
    return newest.epoch + 1 if _is_over(newest, host, writer, now_ms, is_dead) else newest


def _is_over(
    seen: Seen, host: str, writer: str, now_ms: int, is_dead: Callable[[str], bool]
) -> bool:
    holder = seen.holder
    if seen.done:
        return True
    if holder is None:  # its claimant died while it wrote, or writes now
        return seen.age > DEAD_SECONDS
    if now_ms > holder.until_ms + MAX_AHEAD_MS:
        return True
    if holder.host == host:
        return holder.writer != writer  # an earlier incarnation of ours is dead
    # Who claimed something a moment ago lives, whether or not it has a heartbeat.
    return seen.age > DEAD_SECONDS and is_dead(holder.host)


def name_of(kind: str, key: str) -> str:
    """The beginning of the names of a claim's files; keys of any letters are hashed.

    Raises:
        ValueError: `kind` cannot stand in a name.
    """
    if _KIND.fullmatch(kind) is None:
        raise ValueError(f"{kind!r} is no kind of claim")
    if _KEY.fullmatch(key) is None:
        key = sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return f"{kind}.{key}"


@define(eq=False)
class FileClaim:
    """A claim that this host has (the port's `Claim`)."""

    kind: str
    key: str
    epoch: int
    _release: Callable[[], None]
    _released: bool = False

    def release(self) -> None:
        """See the port."""
        if not self._released:
            self._released = True
            self._release()


@define(eq=False)
class Claims:
    """The claims of one project, as one host makes them. All methods block."""

    folder: Path
    host: str
    disk: DiskIO
    now_ms: Callable[[], int]
    #: Our clock minus the share's, as far as known (ms).
    ahead_ms: Callable[[], float]
    is_dead: Callable[[str], bool]
    #: Claims that are over, and could not be told to be.
    _unreleased: set[str] = field(factory=set)

    def claim(self, kind: str, key: str, writer: str) -> FileClaim | None:
        """Take it if nobody has it.

        Raises:
            OSError: the share refuses; then nobody knows whether we have it. It ends by itself.
        """
        name = name_of(kind, key)
        self._tell_released()
        self.disk.make_folder(self.folder)
        found = self._look(name)
        epoch = decide(found, self.host, writer, self.now_ms(), self.is_dead)
        if isinstance(epoch, Seen):
            return None
        mine = f"{name}.{epoch:06d}"
        now = self.now_ms()
        try:
            self._write(mine, _encode(Holder(self.host, writer, now, now + LEASE_MS)))
        except FileExistsError:
            return None  # somebody was faster
        claim = FileClaim(kind, key, epoch, lambda: self._release(mine))
        if any(each > epoch for each in self._epochs(name)):
            # We had looked at an old listing, and have dug up an epoch that was over.
            claim.release()
            return None
        self._clean(name, epoch, found)
        return claim

    def holder(self, kind: str, key: str) -> Holder | None:
        """Whose claim it was last, whether or not it is over.

        Raises:
            OSError: the share does not answer.
        """
        newest = max(self._look(name_of(kind, key)), key=lambda each: each.epoch, default=None)
        return None if newest is None else newest.holder

    def _epochs(self, name: str) -> dict[int, bool]:
        """Epochs that are there, and whether each is over."""
        found: dict[int, bool] = {}
        for listed in self.disk.names(self.folder):
            match = _NAME.fullmatch(listed)
            if match is not None and match["of"] == name:
                epoch = int(match["epoch"])
                found[epoch] = found.get(epoch, False) or match["done"] is not None
        return found

    def _look(self, name: str) -> list[Seen]:
        epochs = self._epochs(name)
        newest = max(epochs, default=0)
        return [
            # Of older ones it matters only whether they are ours and may be removed.
            self._read(f"{name}.{epoch:06d}", epoch, done=done or epoch < newest)
            for epoch, done in sorted(epochs.items())
        ]

    def _read(self, file: str, epoch: int, *, done: bool) -> Seen:
        try:
            holder = _decode(self.disk.read(self.folder / file, 0, _LONGEST).data)
            made_ns = self.disk.modified(self.folder / file)
        except FileNotFoundError:
            return Seen(epoch, None, done)
        share_ms = self.now_ms() - self.ahead_ms()
        return Seen(epoch, holder, done, share_ms / 1e3 - made_ns / 1e9)

    def _write(self, file: str, content: bytes) -> None:
        descriptor = self.disk.create(self.folder / file)
        try:
            try:
                if content:
                    self.disk.write(descriptor, content, 0)
                self.disk.sync(descriptor)
            finally:
                self.disk.close(descriptor)
            self.disk.sync_folder(self.folder)
        except OSError:
            if content:  # it is there, and ours: nobody shall wait for us to end
                self._unreleased.add(file)
            raise

    def _release(self, file: str) -> None:
        self._unreleased.add(file)
        with suppress(OSError):  # told with the next claim; else it ends by itself
            self._tell_released()

    def _tell_released(self) -> None:
        for file in sorted(self._unreleased):
            with suppress(FileExistsError):
                self._write(f"{file}.done", b"")
            self._unreleased.discard(file)

    def _clean(self, name: str, newest: int, found: Sequence[Seen]) -> None:
        """Remove our own old epochs; those of others are theirs, and of the newest we live."""
        for seen in found:
            mine = seen.holder is not None and seen.holder.host == self.host
            if mine and seen.epoch < newest and seen.age > KEEP_SECONDS:
                file = f"{name}.{seen.epoch:06d}"
                for each in (f"{file}.done", file):
                    with suppress(OSError):  # the next time then
                        self.disk.remove(self.folder / each)


def _encode(holder: Holder) -> bytes:
    plain = {
        "host": holder.host,
        "writer": holder.writer,
        "at": holder.at_ms,
        "until": holder.until_ms,
    }
    return orjson.dumps(plain, option=orjson.OPT_APPEND_NEWLINE)


def _decode(data: bytes) -> Holder | None:
    """Who made a claim; None if it cannot be told (yet)."""
    try:
        plain = orjson.loads(data)
        holder = Holder(plain["host"], plain["writer"], plain["at"], plain["until"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
    texts, numbers = (holder.host, holder.writer), (holder.at_ms, holder.until_ms)
    good = all(t.__class__ is str for t in texts) and all(n.__class__ is int for n in numbers)
    return holder if good else None
