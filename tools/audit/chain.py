"""The `k` of each line of one writer, by its number: what repeated and later lines must fit to."""

from __future__ import annotations

from attrs import define, field

#: Bytes of a `k`.
_SIZE = 16


@define
class Chain:
    """Keys of one writer's good lines, packed: a million take 16 MB.

    Lines may be missing; then the keys are kept in several runs, each without gaps.
    """

    seed: bytes
    _runs: list[tuple[int, bytearray]] = field(factory=list)
    #: The number that would go on with the last run.
    _next: int = 0

    def key(self, sequence: int) -> bytes | None:
        """The `k` of a line, as it stands in the line; None if the line is not known."""
        if sequence == 0:
            return self.seed
        for first, keys in reversed(self._runs):
            begin = (sequence - first) * _SIZE
            if 0 <= begin < len(keys):
                return keys[begin : begin + _SIZE].hex().encode()
        return None

    def add(self, sequence: int, key: bytes) -> None:
        """Take note of a good line that was not known."""
        if not self._runs or sequence != self._next:
            self._runs.append((sequence, bytearray()))
        self._runs[-1][1].extend(bytes.fromhex(key.decode()))
        self._next = sequence + 1
