"""From wished places to renames in a safe order, and to what cannot be had and why.

Pure. No step goes to a name that is taken at that moment, so nothing can be replaced, and a crash
between two steps leaves every file where the one or the other put it. What is taken is judged as
the strictest share would: by the `path_key`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import chain
from typing import Literal

from attrs import define, field, frozen

from orchestrator.gallery.fileops.names import check_name, path_key, path_keys

#: `taken`: by `other`, which stays there. `twice`: two moves want one place, or take one file.
#: `invalid`: no file can go there. `unchanged`: it is there already.
#: `together`: `other`, which belongs to it, cannot go.
CollisionKind = Literal["taken", "twice", "invalid", "unchanged", "together"]


@define  # not frozen: a request makes thousands, and freezing costs
class Move:
    """A file or folder and where it shall go; both relative to the project, spelled as on disk."""

    source: str
    to: str
    #: Moves with the same number go all or none; the first is the one that the others follow,
    #: as sidecars follow a picture.
    group: int | None = None


@define  # not frozen: a request makes thousands, and freezing costs
class Step:
    """One rename; the target is free when its turn comes."""

    source: str
    to: str
    #: Index of the move that it completes; None if it only steps aside.
    move: int | None


@frozen
class Collision:
    """A move that is left out; its file stays where it is."""

    #: Index of the move.
    index: int
    source: str
    to: str
    kind: CollisionKind
    #: For people, as part of a sentence.
    reason: str
    #: The path that is in the way; "" if there is none.
    other: str = ""


@frozen
class Arranged:
    """What to do, in this order, and what not to do. Each move is in exactly one of the two."""

    steps: tuple[Step, ...]
    collisions: tuple[Collision, ...]


def arrange(
    moves: Sequence[Move], existing: Iterable[str], temp: Callable[[str, int], str]
) -> Arranged:
    """Find an order in which all moves can be done that can be done at all.

    A move whose place is taken is left out, and so are those that wait for the place that it does
    not leave. Swaps, cycles and changes of case step aside once each, through a name from `temp`.
    Steps of a group come after the step of its first move. The time is linear.

    When steps are taken up again after a crash, begin with the first that is not known as done:
    only that one may have been done without being known, and then its source is gone.

    Args:
        moves: What is wished. A folder goes with everything in it; what lies in it, or shall go
            into it, cannot be moved by the same batch.
        existing: Every path, hidden ones and folders too, in the folders that something goes to.
        temp: Makes a name to step aside to, in the same folder, from the source and a number that
            is used once. It must be free.
    """
    batch = _Batch(moves)
    existing = tuple(existing)
    if batch.is_plain(existing):
        order = batch.in_turn(range(len(moves)))
        return Arranged(tuple(Step(moves[n].source, moves[n].to, n) for n in order), ())
    batch.refuse_single()
    batch.refuse_repeated()
    batch.refuse_nested()
    needs = batch.refuse_taken(existing)
    steps, collisions = tuple(batch.ordered(needs, temp)), batch.collisions
    return Arranged(steps, tuple(collisions[index] for index in sorted(collisions)))


@define
class _Batch:
    """The moves of one batch, and what was found to be wrong with them so far."""

    moves: Sequence[Move]
    #: By index of the move; each has at most one, the first that was found.
    collisions: dict[int, Collision] = field(factory=dict, init=False)
    #: The `path_key` of each source.
    sources: list[str] = field(init=False)
    targets: list[str] = field(init=False)

    @sources.default
    def _source_keys(self) -> list[str]:
        return path_keys([move.source for move in self.moves])

    @targets.default
    def _target_keys(self) -> list[str]:
        return path_keys([move.to for move in self.moves])

    def is_plain(self, existing: Sequence[str]) -> bool:
        """Whether all places are free, and no move has to do with another: as nearly always.

        Then all that follows would find nothing; it takes three times as long.
        """
        targets, sources = set(self.targets), set(self.sources)
        return (
            len(targets) == len(sources) == len(self.moves)
            and targets.isdisjoint(sources)
            and targets.isdisjoint(path_keys(existing))
            and not _are_nested(sources, targets)
            and all(check_name(move.to.rpartition("/")[2]) is None for move in self.moves)
        )

    def live(self) -> list[int]:
        """The moves that nothing speaks against so far."""
        return [index for index in range(len(self.moves)) if index not in self.collisions]

    def refuse(self, index: int, kind: CollisionKind, reason: str, other: str = "") -> None:
        """Leave a move out, unless it is already."""
        if index not in self.collisions:
            move = self.moves[index]
            found = Collision(index, move.source, move.to, kind, reason, other)
            self.collisions[index] = found

    def refuse_single(self) -> None:
        """Moves that lead nowhere, whatever the others do."""
        for index, move in enumerate(self.moves):
            if move.source == move.to:
                self.refuse(index, "unchanged", "it is there already")
                continue
            name = move.to.rpartition("/")[2]
            if name != move.source.rpartition("/")[2]:  # a name that it has already may stay
                fault = check_name(name)
                if fault is not None:
                    self.refuse(index, "invalid", fault)

    def refuse_repeated(self) -> None:
        """Moves of which several want one place or take one file: which is meant, nobody knows."""
        often = Counter(move.source for move in self.moves)
        wishes: dict[str, list[int]] = {}
        for index in self.live():
            wishes.setdefault(self.targets[index], []).append(index)
        for index in self.live():
            source = self.moves[index].source
            rivals = wishes[self.targets[index]]
            if often[source] > 1:
                self.refuse(index, "twice", "it is to be moved more than once", source)
            elif len(rivals) > 1:
                rival = self.moves[rivals[1] if rivals[0] == index else rivals[0]].source
                self.refuse(index, "twice", f"{rival!r} is to go there too", rival)

    def refuse_nested(self) -> None:
        """Moves out of or into folders that are themselves moved by this batch."""
        live = self.live()
        leaving = {self.sources[index]: self.moves[index].source for index in live}
        coming = {self.targets[index]: self.moves[index].to for index in live}
        if not _are_nested(leaving, coming):
            return
        for index in live:
            for folder in _folders(self.sources[index]):
                if folder in leaving:
                    other = leaving[folder]
                    self.refuse(index, "invalid", f"its folder {other!r} is moved too", other)
            for folder in _folders(self.targets[index]):
                if folder == self.sources[index]:
                    self.refuse(index, "invalid", "it would go into itself", leaving[folder])
                elif folder in leaving or folder in coming:
                    other = leaving.get(folder) or coming[folder]
                    self.refuse(index, "invalid", f"the folder {other!r} is moved too", other)

    def refuse_taken(self, existing: Iterable[str]) -> dict[int, list[int]]:
        """Moves whose place does not become free, and those that wait for theirs.

        Returns:
            For each move that remains, those that must be done before it: what leaves its place.
        """
        live = self.live()
        wanting = {self.targets[index]: index for index in live}
        leaving = {self.moves[index].source: index for index in live}
        holders: dict[str, set[str]] = {}
        for path in chain(existing, (move.source for move in self.moves)):
            key = path_key(path)
            if key in wanting:
                holders.setdefault(key, set()).add(path)
        needs: dict[int, list[int]] = {}
        for index in live:
            places = holders.get(self.targets[index])
            if places is None:
                needs[index] = []
                continue
            staying = [path for path in places if path not in leaving]
            if staying:
                self._taken(index, min(staying))
            needs[index] = sorted(leaving[path] for path in places if path in leaving)
        self._spread(wanting)
        return {index: needs[index] for index in self.live()}

    def _taken(self, index: int, other: str) -> None:
        self.refuse(index, "taken", f"{other!r} is there", other)

    def _spread(self, wanting: dict[str, int]) -> None:
        """Leave out what waits for a file that stays, or belongs to it."""
        groups: dict[int, list[int]] = {}
        for index, move in enumerate(self.moves):
            if move.group is not None:
                groups.setdefault(move.group, []).append(index)
        left_out = list(self.collisions)
        while left_out:
            index = left_out.pop()
            move, waiting = self.moves[index], wanting.get(self.sources[index])
            if waiting is not None and waiting not in self.collisions:
                self._taken(waiting, move.source)
                left_out.append(waiting)
            if move.group is None or self.collisions[index].kind == "unchanged":
                continue
            for mate in groups.pop(move.group, []):
                if mate not in self.collisions:
                    self.refuse(mate, "together", f"{move.source!r} cannot go", move.source)
                    left_out.append(mate)

    def ordered(
        self, needs: dict[int, list[int]], temp: Callable[[str, int], str]
    ) -> Iterator[Step]:
        """The steps: before each move those that it needs, depth first.

        At most one move waits for each, so a way that meets itself has gone round a whole cycle
        and is back at its first move: that one steps aside, and completes the cycle at its end.
        """
        parked: dict[int, str] = {}
        done: set[int] = set()
        cycles = 0
        for first in self.in_turn(needs):
            way = [] if first in done else [first]
            while way:
                index = way[-1]
                if not needs[index]:
                    move = self.moves[way.pop()]
                    done.add(index)
                    yield Step(parked.get(index, move.source), move.to, index)
                    continue
                before = needs[index].pop(0)
                if before == first:
                    source = self.moves[first].source
                    parked[first] = temp(source, cycles)
                    cycles += 1
                    yield Step(source, parked[first], None)
                elif before not in done:
                    way.append(before)

    def in_turn(self, indexes: Iterable[int]) -> list[int]:
        """Moves in their order, but the first of each group before all others of any."""
        seen: set[int] = set()
        leading: list[int] = []
        following: list[int] = []
        for index in indexes:
            group = self.moves[index].group
            (following if group in seen else leading).append(index)
            if group is not None:
                seen.add(group)
        return leading + following


def _are_nested(leaving: Collection[str], coming: Collection[str]) -> bool:
    """Whether a path of either lies in another one; there are far fewer folders than files."""
    folders = {key.rpartition("/")[0] for key in chain(leaving, coming)}
    return any(each in leaving or each in coming for key in folders for each in _upwards(key))


def _upwards(folder: str) -> Iterator[str]:
    """A folder and all above it, the nearest first."""
    yield folder
    yield from _folders(folder)


def _folders(key: str) -> Iterator[str]:
    """All folders above a path, the nearest first."""
    while "/" in key:
        key = key.rpartition("/")[0]
        yield key
