"""The `k` of each good line of one writer: what repeated and later lines must fit to."""

from __future__ import annotations

from attrs import define, field

#: Bytes of a `k`.
_SIZE = 16


@define
class Chain:
    """Keys of one writer's good lines, packed: a million take 16 MB."""

    seed: bytes
    _keys: bytearray = field(factory=bytearray)

    @property
    def last(self) -> int:
        """Number of the last good line; 0 if there is none."""
        return len(self._keys) // _SIZE

    def key(self, sequence: int) -> bytes | None:
        """The `k` of a line, as it stands in the line; None if the line is not one of them."""
        if sequence == 0:
            return self.seed
        if not 0 < sequence <= self.last:
            return None
        end = sequence * _SIZE
        return self._keys[end - _SIZE : end].hex().encode()

    def add(self, key: bytes) -> None:
        """Take note of the next good line."""
        self._keys.extend(bytes.fromhex(key.decode()))
