"""Which lost asset is which unknown file, where that is certain. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence

from attrs import define, field, frozen

from events.assets import AssetId

#: What says that a file is a lost asset.
FINGERPRINT, LINEAGE = "fingerprint", "lineage"


@frozen
class Lost:
    """An asset whose file is not where it was."""

    asset: AssetId
    path: str
    size: int
    head: str
    #: A person has taken it back here before: it is not relinked by itself again.
    held: bool = False


@frozen
class Pair:
    """A lost asset and the file that it is."""

    lost: Lost
    path: str
    #: `fingerprint` or `lineage`.
    reason: str


@frozen
class Undecided:
    """A lost asset, and the files that it may be; perhaps none."""

    lost: Lost
    candidates: tuple[str, ...]
    reason: str | None


@frozen
class Matched:
    """What is certain, and what a person has to decide."""

    pairs: tuple[Pair, ...]
    undecided: tuple[Undecided, ...]


def match(
    lost: Sequence[Lost],
    prints: Mapping[AssetId, Sequence[str]],
    lineages: Mapping[AssetId, Sequence[str]],
    older: Mapping[AssetId, Collection[str]] | None = None,
) -> Matched:
    """Pair lost assets with files.

    Certain is a file that only one lost asset can be, and that is the only one it can be; or, of
    several, the one that has kept more of its path than any other, counted from its name. What
    that makes certain may decide what is left.

    Args:
        lost: The lost assets.
        prints: Files of the same size and fingerprint, by asset.
        lineages: Files that the same run of a workflow made, by asset; asked where no fingerprint
            fits.
        older: Of those files, the ones that were there beside it before it was lost: copies. They
            may be told to a person, and are never certain.
    """
    sorting = _Sorting()
    reasons: dict[AssetId, str] = {}
    everything: dict[AssetId, Sequence[str]] = {}
    for each in lost:
        found, reason = prints.get(each.asset, ()), FINGERPRINT
        if not found:
            found, reason = lineages.get(each.asset, ()), LINEAGE
        everything[each.asset], reasons[each.asset] = found, reason
        copies = (older or {}).get(each.asset, ())
        sorting.add(each, [path for path in found if path not in copies])
    sorting.run()
    pairs, undecided = [], []
    for each in lost:
        path, reason = sorting.found.get(each.asset), reasons[each.asset]
        if path is not None and not each.held and path != each.path:
            pairs.append(Pair(each, path, reason))
        else:
            candidates = tuple(everything[each.asset])
            undecided.append(Undecided(each, candidates, reason if candidates else None))
    return Matched(tuple(pairs), tuple(undecided))


@define
class _Sorting:
    """Finds out, step by step, which file is whose."""

    lost: dict[AssetId, Lost] = field(factory=dict)
    candidates: dict[AssetId, Sequence[str]] = field(factory=dict)
    #: What is certain.
    found: dict[AssetId, str] = field(factory=dict)
    _taken: set[str] = field(factory=set)

    def add(self, lost: Lost, candidates: Sequence[str]) -> None:
        """One more lost asset."""
        self.lost[lost.asset] = lost
        self.candidates[lost.asset] = candidates

    def run(self) -> None:
        """Go on as long as anything becomes certain."""
        while sure := [*self._alone()] or [*self._alike()]:
            for asset, path in sure:
                self.found[asset] = path
                self._taken.add(path)

    def _open(self) -> Iterator[tuple[AssetId, list[str]]]:
        """Assets without a file, each with those that are left for it."""
        for asset, candidates in self.candidates.items():
            if asset not in self.found:
                left = [path for path in candidates if path not in self._taken]
                if left:
                    yield asset, left

    def _alone(self) -> Iterator[tuple[AssetId, str]]:
        """One file for one asset."""
        waiting = list(self._open())
        claims = Counter(path for _, left in waiting for path in left)
        for asset, left in waiting:
            if len(left) == 1 and claims[left[0]] == 1:
                yield asset, left[0]

    def _alike(self) -> Iterator[tuple[AssetId, str]]:
        """Of several, the file and the asset whose paths are more alike than any other two."""
        best: dict[AssetId, tuple[int, str]] = {}
        claims: dict[str, list[int]] = {}
        for asset, left in self._open():
            kept = [(_kept(self.lost[asset].path, path), path) for path in left]
            most = max(kept)
            for alike, path in kept:
                claims.setdefault(path, []).append(alike)
            if most[0] and [alike for alike, _ in kept].count(most[0]) == 1:
                best[asset] = most
        for asset, (alike, path) in best.items():
            if max(claims[path]) == alike and claims[path].count(alike) == 1:
                yield asset, path


def _kept(old: str, new: str) -> int:
    """How many names at the end of two paths are the same."""
    count = 0
    for mine, other in zip(reversed(old.split("/")), reversed(new.split("/")), strict=False):
        if mine != other:
            break
        count += 1
    return count
