"""The `k` of every line of a log, packed: what marks, copies and segments are held against."""

from __future__ import annotations

import re

from attrs import define, field

from events import codec

#: The end of a line; a `k` in a payload is followed by no line end, since JSON escapes that.
LINE_END = re.compile(rb',"k":"([0-9a-f]{32})"}\n')
#: Bytes of a `k`.
_SIZE = 16
#: Stands for a line that people have given up.
_GIVEN_UP = bytes(_SIZE)


def keys_in(data: bytes) -> list[bytes]:
    """The `k` of each whole line in some bytes."""
    return LINE_END.findall(data)


@define
class Keys:
    """The lines that readers take of one log; a million take 16 MB."""

    seed: bytes
    _keys: bytearray = field(factory=bytearray)

    @classmethod
    def of(cls, project: str, who: str) -> Keys:
        """None yet, of `writer.host`."""
        writer, _, host = who.partition(".")
        return cls(codec.seed(project, writer, host))

    @property
    def last(self) -> int:
        """Number of the last line; 0 if there is none."""
        return len(self._keys) // _SIZE

    def add(self, after: int, lines: bytes) -> None:
        """Take note of good lines behind the line `after`; what is missing before was given up."""
        self._keys += _GIVEN_UP * (after - self.last)
        keys = [line[-34:-2] for line in lines.split(b"\n")]  # the last one is empty
        self._keys += bytes.fromhex(b"".join(keys).decode())

    def key(self, sequence: int) -> bytes | None:
        """The `k` of a line as it stands there; None if it is none of ours, or given up."""
        if sequence == 0:
            return self.seed
        if not 0 < sequence <= self.last:
            return None
        key = self._keys[(sequence - 1) * _SIZE : sequence * _SIZE]
        return None if key == _GIVEN_UP else key.hex().encode()

    def agrees(self, base: int, keys: list[bytes]) -> int:
        """How many of `keys`, which begin at line `base`, are those of our lines."""
        count = min(len(keys), max(0, self.last - base + 1))
        theirs = bytes.fromhex(b"".join(keys[:count]).decode())
        ours = self._keys[(base - 1) * _SIZE : (base - 1 + count) * _SIZE]
        if theirs == ours:
            return count
        pairs = zip(range(0, len(theirs), _SIZE), range(count), strict=True)
        return next(n for at, n in pairs if theirs[at : at + _SIZE] != ours[at : at + _SIZE])
