"""Hashes of 64 bits that differ in few bits, found without comparing each with each. Pure.

Grouping does not chain: each group has a centre, the first of its hashes, from which no other is
farther than the threshold. So no two of a group differ in more than twice the threshold, and a
slow pan of a thousand frames becomes several groups instead of one.

How: bits are dealt to four bands of 16. Two hashes that differ in at most `t` bits differ in at
most `t // 4` bits of some band, so whoever is near shows up under one of few keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import combinations
from typing import Final

from attrs import define, field, frozen

BITS: Final = 64
_BANDS: Final = 4
_WIDTH: Final = BITS // _BANDS
_BAND_MASK: Final = (1 << _WIDTH) - 1
#: The largest threshold: two pictures that share nothing differ in 32, and some of those in 12.
MAX_THRESHOLD: Final = 11
#: Hashes by which is judged how much each bit tells.
_SAMPLE: Final = 2_000


@define
class Cluster:
    """Hashes near a centre."""

    centre: int
    #: Hash and distance of the others.
    others: list[tuple[int, int]] = field(factory=list)


def clusters(
    hashes: Iterable[int], threshold: int, stopped: Callable[[], bool] = lambda: False
) -> list[Cluster]:
    """Sort hashes to centres, each to the nearest that is not farther than the threshold.

    Args:
        hashes: Of 64 bits; whichever comes first becomes a centre. Repeated ones count once.
        threshold: In bits, 0 to 11.
        stopped: Asked now and then; once it is true, the rest is left out.

    Raises:
        ValueError: The threshold is out of range.
    """
    if not 0 <= threshold <= MAX_THRESHOLD:
        raise ValueError(f"a threshold is 0 to {MAX_THRESHOLD} bits, not {threshold}")
    distinct = list(dict.fromkeys(hashes))
    shuffle = _Shuffle.dealt(_by_worth(distinct[:: max(1, len(distinct) // _SAMPLE)]))
    centres = _Centres(threshold, _flips(threshold // _BANDS))
    found: list[Cluster] = []
    for count, value in enumerate(distinct):
        if count % 1024 == 0 and stopped():
            break
        shuffled = shuffle(value)
        nearest = centres.nearest(shuffled)
        if nearest is None:
            centres.add(shuffled)
            found.append(Cluster(value))
        else:
            distance, index = nearest
            found[index].others.append((value, distance))
    return found


class _Centres:
    """Hashes by each of their bands."""

    def __init__(self, threshold: int, flips: Sequence[int]) -> None:
        self._threshold = threshold
        self._flips = flips
        self._index: dict[int, int] = {}
        self._bands: list[dict[int, list[int]]] = [{} for _ in range(_BANDS)]

    def add(self, value: int) -> None:
        """Add a hash; its index is how many came before."""
        self._index[value] = len(self._index)
        for number, band in enumerate(self._bands):
            band.setdefault(value >> number * _WIDTH & _BAND_MASK, []).append(value)

    def nearest(self, value: int) -> tuple[int, int] | None:
        """Distance and index of the nearest hash within the threshold; of equals, the first."""
        limit = self._threshold
        near: list[tuple[int, int]] = []
        for number, band in enumerate(self._bands):
            key = value >> number * _WIDTH & _BAND_MASK
            for flip in self._flips:
                for other in band.get(key ^ flip, ()):
                    if (distance := (other ^ value).bit_count()) <= limit:
                        limit = distance
                        near.append((distance, self._index[other]))
        return min(near, default=None)


def _flips(most: int) -> list[int]:
    """All ways to change up to `most` bits of a band."""
    return [
        sum(1 << bit for bit in bits)
        for count in range(most + 1)
        for bits in combinations(range(_WIDTH), count)
    ]


def _by_worth(sample: Sequence[int]) -> list[int]:
    """Bit numbers, those first that are ones as often as zeros.

    Film has black bars above and below: there bits say nothing, and a band of such bits alone
    would be the same in all pictures.
    """
    ones = [sum(value >> bit & 1 for value in sample) for bit in range(BITS)]
    return sorted(range(BITS), key=lambda bit: abs(2 * ones[bit] - len(sample)))


@frozen
class _Shuffle:
    """Moves bits to other places, so distances stay; a byte at a time, by table."""

    tables: tuple[tuple[int, ...], ...]

    @classmethod
    def dealt(cls, bits: Sequence[int]) -> _Shuffle:
        """Deal bits to the bands in turn, so that each gets its share of good ones."""
        place = {
            bit: number % _BANDS * _WIDTH + number // _BANDS for number, bit in enumerate(bits)
        }
        return cls(
            tuple(
                tuple(
                    sum(1 << place[first + bit] for bit in range(8) if byte >> bit & 1)
                    for byte in range(256)
                )
                for first in range(0, BITS, 8)
            )
        )

    def __call__(self, value: int) -> int:
        found = 0
        for table in self.tables:
            found |= table[value & 255]
            value >>= 8
        return found
