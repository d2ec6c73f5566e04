"""What each host sees of the server's files: what it holds back itself, and what it sees late."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from time import monotonic

from attrs import define, field, frozen

from tests.hostile.weather import Dice


@frozen
class Piece:
    """Bytes at their place in a file."""

    offset: int
    data: bytes

    @property
    def end(self) -> int:
        """Where it ends."""
        return self.offset + len(self.data)


@frozen
class Young:
    """Bytes that have reached the server, and that other hosts do not see yet."""

    host: str
    offset: int
    end: int
    #: When they do, by the monotonic clock.
    seen_at: float


@define(eq=False)
class Caches:
    """The page caches of all hosts, by host and inode, and what is young on the server.

    Not safe for threads: whoever uses it holds the file system's lock.
    """

    dice: Dice
    now: Callable[[], float] = monotonic
    _held: dict[tuple[str, int], list[Piece]] = field(factory=lambda: defaultdict(list))
    _young: dict[int, list[Young]] = field(factory=lambda: defaultdict(list))
    #: Who made a name, and when others see it.
    _born: dict[str, tuple[str, float]] = field(factory=dict)

    # Names.

    def made(self, host: str, path: str) -> None:
        """A name came to be."""
        self._born[path] = (host, self.now() + self.dice.lag())

    def sees(self, host: str, path: str) -> bool:
        """Whether a host knows by now of a name, and of all above it."""
        while path:
            maker, seen_at = self._born.get(path, (host, 0.0))
            if maker != host and self.now() < seen_at:
                return False
            path = path.rpartition("/")[0]
        return True

    # Bytes that a host holds back until it syncs or closes.

    def hold(self, host: str, inode: int, piece: Piece) -> None:
        """A host wrote; nobody else knows."""
        self._held[host, inode].append(piece)

    def let_go(self, host: str, inode: int) -> list[Piece]:
        """What a host held back of a file; it holds it no longer."""
        return self._held.pop((host, inode), [])

    def drop(self, host: str) -> None:
        """A host lost its power, and with it all that it held back."""
        for key in [key for key in self._held if key[0] == host]:
            del self._held[key]

    # Bytes on the server.

    def arrived(self, host: str, inode: int, piece: Piece) -> None:
        """Bytes reached the server; others see them late."""
        lag = self.dice.lag()
        if lag:
            self._young[inode].append(Young(host, piece.offset, piece.end, self.now() + lag))

    def forget(self, inode: int) -> None:
        """A file is new or gone: its inode means nothing of what it meant."""
        self._young.pop(inode, None)
        for key in [key for key in self._held if key[1] == inode]:
            del self._held[key]

    def _unseen(self, host: str, inode: int) -> list[Young]:
        if inode not in self._young:
            return []
        self._young[inode] = [y for y in self._young[inode] if y.seen_at > self.now()]
        if not self._young[inode]:
            del self._young[inode]
            return []
        return [young for young in self._young[inode] if young.host != host]

    def size(self, host: str, inode: int, real: int) -> int:
        """The size of a file as a host sees it; `real` is what the server has."""
        if not self.dice.weather.nuls:
            real = min([real, *(young.offset for young in self._unseen(host, inode))])
        return max([real, *(piece.end for piece in self._held.get((host, inode), ()))])

    def read(self, host: str, inode: int, begin: int, data: bytes, limit: int) -> bytes:
        """What a host reads where the server has `data`, of which it asked for `limit` bytes."""
        size = self.size(host, inode, begin + len(data))
        seen = bytearray(data[: max(0, size - begin)])
        for young in self._unseen(host, inode):
            _lay(seen, begin, Piece(young.offset, bytes(young.end - young.offset)), len(seen))
        for piece in self._held.get((host, inode), ()):
            _lay(seen, begin, piece, limit)
        return bytes(seen)


def _lay(seen: bytearray, begin: int, piece: Piece, limit: int) -> None:
    """Lay a piece over bytes that begin somewhere; they grow up to `limit`."""
    first, last = max(piece.offset - begin, 0), min(piece.end - begin, limit)
    if first < last:
        seen.extend(bytes(max(0, last - len(seen))))
        seen[first:last] = piece.data[first + begin - piece.offset : last + begin - piece.offset]
