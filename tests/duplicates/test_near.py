"""Clusters of hashes, compared with what comparing each with each finds."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.gallery.duplicates.near import Cluster, clusters

BITS = st.integers(0, 63)


@st.composite
def hashes(draw: st.DrawFn) -> list[int]:
    """Hashes of which many are near to each other."""
    seeds = draw(st.lists(st.integers(0, 2**64 - 1), min_size=1, max_size=4))
    found: list[int] = []
    for _ in range(draw(st.integers(1, 30))):
        value = draw(st.sampled_from([*seeds, *found]))
        for bit in draw(st.lists(BITS, max_size=9)):
            value ^= 1 << bit
        found.append(value)
    return found


def by_hand(values: list[int], threshold: int) -> list[Cluster]:
    """The same, each compared with each."""
    found: list[Cluster] = []
    for value in dict.fromkeys(values):
        near = [((it.centre ^ value).bit_count(), at) for at, it in enumerate(found)]
        distance, index = min(near, default=(65, 0))
        if distance > threshold:
            found.append(Cluster(value))
        else:
            found[index].others.append((value, distance))
    return found


class TestClusters:
    @settings(max_examples=60)
    @given(hashes(), st.integers(0, 11))
    def test_nothing_near_is_overlooked(self, values: list[int], threshold: int) -> None:
        """Exactly what comparing each with each finds."""
        assert clusters(values, threshold) == by_hand(values, threshold)

    def test_many_with_black_bars(self) -> None:
        """Bits that are the same everywhere hide nothing."""
        random = Random(1)
        values = [random.getrandbits(64) & 0x00FF_FFFF_FFFF_FF00 for _ in range(300)]
        values += [value ^ 1 << random.randrange(64) for value in values]

        assert clusters(values, 6) == by_hand(values, 6)

    def test_they_do_not_chain(self) -> None:
        """A pan of 64 frames, each one bit from the one before, is not one group."""
        found = clusters([(1 << count) - 1 for count in range(65)], 6)

        assert len(found) > 4
        for cluster in found:
            members = [cluster.centre, *(value for value, _ in cluster.others)]
            assert all((a ^ b).bit_count() <= 12 for a in members for b in members)
            assert all(distance <= 6 for _, distance in cluster.others)

    @pytest.mark.parametrize("values", [[], [5], [5, 5, 5]])
    def test_few(self, values: list[int]) -> None:
        """Nothing, or nothing else."""
        assert clusters(values, 6) == [Cluster(value) for value in values[:1]]

    @pytest.mark.parametrize("threshold", [-1, 12])
    def test_a_threshold_that_means_nothing(self, threshold: int) -> None:
        """Beyond, unlike pictures would be alike."""
        with pytest.raises(ValueError, match="0 to 11"):
            clusters([1], threshold)

    def test_stops_when_told(self) -> None:
        """What comes later is left out."""
        assert clusters(range(10), 0, lambda: True) == []
