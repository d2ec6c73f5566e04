"""Heartbeats: `live/{writer}.{host}.json` says that a host has the project open, and where it is.

They are a hint. They make other hosts see an edit sooner, and tell whether a silent host is gone;
what the log says never depends on them.

A heartbeat is a file of fixed size that its owner alone rewrites in place: a replaced file may
stay hidden from another host for ever. A torn one does not pass its checksum, and is
as if it had not changed. Whether a host lives is judged by whether its heartbeat *changes*, by the
clock of whoever looks: clocks of different hosts need not agree.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import orjson
from attrs import define, field

from events.codec import LineError, check_record, close, parse
from events.ids import ALPHABET, WRITER_LENGTH
from events.log.disk_io import DiskIO
from events.log.port import BEAT_SECONDS, Heartbeat, Peer

#: A heartbeat that has not changed for so long (seconds) is stale: three beats were missed.
STALE_SECONDS = 3 * BEAT_SECONDS
#: How often the others' heartbeats are read, at most.
LOOK_SECONDS = 10.0
#: How far two hosts' clocks may lie apart when a heartbeat is seen for the first time.
SKEW_SECONDS = 60.0
#: Bytes of a heartbeat file.
SIZE = 1024
#: Heartbeats that are read: more hosts than that do not work on one project.
MOST = 64
#: Letters of a host's name and of our version, and bytes of an address, that fit in.
_NAME, _VERSION, _URL = 60, 20, 400
_FILE = re.compile(rf"([{ALPHABET}]{{{WRITER_LENGTH}}})\.([0-9a-z-]{{1,40}})\.json")


def encode(beat: Heartbeat) -> bytes:
    """The file of a heartbeat: one line, blanks, and a last newline; always of the same size."""
    fits = beat.url is not None and len(beat.url.encode()) <= _URL
    document = {
        "writer": beat.writer,
        "host": beat.host,
        # A name with control characters would grow when it is encoded.
        "name": "".join(letter for letter in beat.name if letter.isprintable())[:_NAME],
        "url": beat.url if fits else None,
        "version": beat.version[:_VERSION],
        "head": beat.head,
        "at": beat.at,
    }
    line = close(orjson.dumps(document)[:-1])
    return line.rstrip(b"\n").ljust(SIZE - 1) + b"\n"


def decode(data: bytes) -> Heartbeat | None:
    """A heartbeat; None if it is torn, not whole yet, or none at all."""
    line = data.rstrip()
    try:
        check_record(line, b"")
        told = parse(line)
    except LineError:
        return None
    url = told.get("url")
    texts = [told.get(name) for name in ("writer", "host", "name", "version")]
    numbers = [told.get(name) for name in ("head", "at")]
    good = (
        all(text.__class__ is str for text in texts)
        and all(number.__class__ is int for number in numbers)
        and (url is None or url.__class__ is str)
    )
    if not good:
        return None
    writer, host, name, version = map(str, texts)
    return Heartbeat(writer, host, name, url, version, told["head"], told["at"])


@define
class _Heard:
    """One heartbeat as it has been seen so far."""

    beat: Heartbeat
    #: When it changed last, by our clock that never jumps; for a new one, as its own time says.
    changed: float


@define
class Peers:
    """Whose heartbeats are seen, and which of them still beat. No I/O."""

    _heard: dict[tuple[str, str], _Heard] = field(factory=dict)

    def note(
        self, found: Mapping[tuple[str, str], Heartbeat | None], now: float, wall: int
    ) -> None:
        """What a look has found: a heartbeat by `(writer, host)`, or None if it was torn.

        `now` is in seconds by a clock that never jumps, `wall` in milliseconds since 1970.
        """
        for who in self._heard.keys() - found.keys():
            del self._heard[who]
        for who, beat in found.items():
            known = self._heard.get(who)
            if beat is None:
                continue
            if known is None:
                self._heard[who] = _Heard(beat, now - _age(beat, wall))
            elif known.beat != beat:
                known.beat, known.changed = beat, now

    def all(self, now: float) -> tuple[Peer, ...]:
        """All that are seen, the newest incarnations last."""
        return tuple(
            Peer(heard.beat, now - heard.changed, now - heard.changed <= STALE_SECONDS)
            for _, heard in sorted(self._heard.items())
        )


def _age(beat: Heartbeat, wall: int) -> float:
    """Seconds since a heartbeat that is seen for the first time was written, as far as is known."""
    age = abs(wall - beat.at) / 1000
    return 0.0 if age <= STALE_SECONDS + SKEW_SECONDS else age


class LiveFolder:
    """The folder `live/` of a project, as one host sees it. Methods block; one caller at a time."""

    def __init__(
        self,
        gallery: Path,
        host: str,
        disk: DiskIO,
        wall_ms: Callable[[], int],
        monotonic: Callable[[], float],
    ) -> None:
        """`gallery` is the project's `.gallery` folder, `host` this one; nothing is made yet."""
        self._folder = gallery / "live"
        self._host = host
        self._disk = disk
        self._wall_ms = wall_ms
        self._monotonic = monotonic
        self._mine: Path | None = None
        self._peers = Peers()
        self._looked = float("-inf")
        #: Why the last look has seen nothing; None if it did.
        self.trouble: str | None = None

    def peers(self) -> tuple[Peer, ...]:
        """Whose heartbeats the last look has seen. Does not block."""
        return self._peers.all(self._monotonic())

    def beat(self, mine: Heartbeat) -> None:
        """Write our heartbeat: a new file for a new incarnation, else in place.

        If power fails in between, the file is empty or torn: nobody believes it, and a later
        incarnation removes it. No other host ever writes here.

        Raises:
            OSError: the share refuses, or is gone.
        """
        path = self._folder / f"{mine.writer}.{mine.host}.json"
        if self._mine is not None and self._mine != path:
            self.withdraw()
        data = encode(mine)
        if self._mine is None:
            self._disk.make_folder(self._folder)
            self._mine = path  # also if it fails half-way: then it is ours to remove
            self._begin(path, data)
            return
        try:
            descriptor = self._disk.reopen(path)
        except FileNotFoundError:  # somebody has tidied up, or it was never made
            self._begin(path, data)
        else:
            self._put(descriptor, data)

    def _begin(self, path: Path, data: bytes) -> None:
        try:
            descriptor = self._disk.create(path)
        except FileExistsError:  # made before, by a call that failed all the same
            descriptor = self._disk.reopen(path)
        self._put(descriptor, data)

    def _put(self, descriptor: int, data: bytes) -> None:
        try:
            self._disk.write(descriptor, data, 0)
            self._disk.sync(descriptor)
        except OSError:
            with suppress(OSError):  # what went wrong is known already
                self._disk.close(descriptor)
            raise
        self._disk.close(descriptor)

    def withdraw(self) -> None:
        """Remove our heartbeat, if there is one: we close in good order."""
        mine, self._mine = self._mine, None
        if mine is not None:
            with suppress(OSError):  # it goes stale by itself
                self._disk.remove(mine)

    def look_around(self) -> None:
        """Read all heartbeats, unless that was done a moment ago; and remove our stale ones.

        A share that does not answer leaves things as they were seen last: they grow stale.
        """
        now = self._monotonic()
        if now - self._looked < LOOK_SECONDS:
            return
        self._looked = now
        self.trouble = None
        try:
            self._peers.note(self._read(), now, self._wall_ms())
        except OSError as exc:
            self.trouble = f"the heartbeats of other hosts cannot be read: {exc}"
        self._clean()

    def _read(self) -> dict[tuple[str, str], Heartbeat | None]:
        found: dict[tuple[str, str], Heartbeat | None] = {}
        names = self._disk.names(self._folder)
        beats = [match for name in names if (match := _FILE.fullmatch(name))]
        # The newest incarnations: the names of writers begin with the time.
        for match in sorted(beats, key=lambda match: match[0])[-MOST:]:
            who = (match[1], match[2])
            try:
                beat = decode(self._disk.read(self._folder / match[0], 0, SIZE).data)
            except FileNotFoundError:  # removed since it was listed
                continue
            # Nobody speaks for others.
            found[who] = beat if beat is not None and (beat.writer, beat.host) == who else None
        return found

    def _clean(self) -> None:
        """Remove heartbeats of our own earlier incarnations: they could not do it themselves."""
        for peer in self.peers():
            path = self._folder / f"{peer.beat.writer}.{peer.beat.host}.json"
            if peer.beat.host == self._host and not peer.alive and path != self._mine:
                with suppress(OSError):  # it does no harm
                    self._disk.remove(path)
