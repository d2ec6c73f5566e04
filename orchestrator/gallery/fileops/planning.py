"""From what is wished to the steps of a plan: where each file goes, and what goes with it.

Looks at the names in folders (through `Folders`), changes nothing. Blocks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from pathlib import Path

from attrs import define, evolve, field, frozen
from uuid_utils import uuid7

from events.assets import AssetId
from events.trash import TrashId
from orchestrator.errors import FileChanging, FileCollides, OrchestratorError
from orchestrator.gallery.fileops.arrange import Move, arrange
from orchestrator.gallery.fileops.looking import Companion, Folders, Item
from orchestrator.gallery.fileops.names import path_key, sidecar_name, split_name, variants
from orchestrator.gallery.fileops.steps import TRASH, Role, Step
from orchestrator.gallery.fingerprint import head
from projections.project import ProjectView


@define  # not frozen: a request makes thousands, and freezing costs
class Wish:
    """A file or folder, and where it shall lie."""

    item: Item
    to: str


@frozen
class Planned:
    """What is to be done, and what is not."""

    steps: tuple[Step, ...]
    #: Paths that stay where they are, each with its reason.
    refused: dict[str, OrchestratorError]


def joined(folder: str, name: str) -> str:
    """A path from a folder ("" is the project) and a name."""
    return f"{folder}/{name}" if folder else name


def step_of(view: ProjectView, item: Item, to: str, trash: TrashId | None = None) -> Step:
    """The step of a file or folder, with what the log knows of it."""
    path, size, mtime, ino = item.path, item.size, item.mtime, item.ino
    if item.is_folder:
        return Step(source=path, to=to, size=size, mtime=mtime, ino=ino, role=Role.FOLDER)
    asset = view.asset_at(path)
    if asset is None:
        return Step(source=path, to=to, size=size, mtime=mtime, ino=ino, trash=trash)
    seen = view.asset(asset)
    as_seen = seen is not None and (seen.size, seen.mtime) == (size, mtime)
    return Step(
        source=path,
        to=to,
        size=size,
        mtime=mtime,
        ino=ino,
        asset=asset,
        trash=trash,
        head=seen.head if seen is not None and as_seen else None,
    )


def _sidecar(item: Item, companion: Companion, to: str) -> Step:
    return Step(
        source=joined(item.folder, companion.name),
        to=to,
        size=companion.size,
        mtime=companion.mtime,
        ino=companion.ino,
        role=Role.SIDECAR,
        of=item.path,
    )


def plan_moves(view: ProjectView, folders: Folders, wishes: Sequence[Wish], op: str) -> Planned:
    """Bring files to where they are wished; what cannot go there stays.

    Sidecars go along, or the file stays. Swaps, cycles and changes of case are all right.
    """
    batch = _Batch(view, folders)
    going_to: dict[tuple[str, str, str], set[str]] = {}
    described = folders.with_sidecars(wish.item for wish in wishes)
    if described:
        for wish in wishes:
            if wish.item.folder in described:
                going_to.setdefault(_company(wish), set()).add(wish.item.name)
    for group, wish in enumerate(wishes):
        item = wish.item
        batch.add(item, item.path, wish.to, group)
        if item.folder in described:
            together = going_to[_company(wish)] - {item.name}
            batch.add_companions(wish, group, folders.companions(item, frozenset(together)))
    return batch.planned(op)


def _company(wish: Wish) -> tuple[str, str, str]:
    """What files must have in common to share a sidecar: folder, new folder and new stem."""
    folder, _, name = wish.to.rpartition("/")
    return wish.item.folder, folder, path_key(split_name(name)[0])


@define
class _Batch:
    view: ProjectView
    folders: Folders
    moves: list[Move] = field(factory=list)
    #: For each move: size and time of the file, and for sidecars where the main file lies.
    facts: list[tuple[Item, Companion | None]] = field(factory=list)

    def add(
        self, item: Item, source: str, to: str, group: int, companion: Companion | None = None
    ) -> None:
        self.moves.append(Move(source, to, group))
        self.facts.append((item, companion))

    def add_companions(self, wish: Wish, group: int, companions: Iterable[Companion]) -> None:
        item, (folder, _, name) = wish.item, wish.to.rpartition("/")
        for companion in companions:
            renamed = sidecar_name(item.name, name, companion.name)
            source = joined(item.folder, companion.name)
            self.add(item, source, joined(folder, renamed), group, companion)

    def planned(self, op: str) -> Planned:
        existing = (
            joined(folder, name)
            for folder in {move.to.rpartition("/")[0] for move in self.moves}
            for name in self.folders.names(folder)
        )
        arranged = arrange(self.moves, existing, lambda source, n: _aside(source, op, n))
        refused: dict[str, OrchestratorError] = {}
        for collision in arranged.collisions:
            item, companion = self.facts[collision.index]
            if companion is None or item.path not in refused:
                refused[item.path] = FileCollides(
                    path=item.path,
                    to=collision.to,
                    kind=collision.kind,
                    reason=collision.reason,
                    other=collision.other,
                )
        by_source: dict[str, int] = {}
        parked: dict[str, str] = {}
        steps = []
        for step in arranged.steps:
            if step.move is None:
                by_source = by_source or {each.source: n for n, each in enumerate(self.moves)}
                made = self._step(by_source[step.source])
                parked[step.to] = step.source
                made = evolve(made, to=step.to, role=Role.PARK, asset=None)
            else:
                made = self._step(step.move)
                if step.source in parked:
                    made = evolve(made, source=step.source, path=parked[step.source])
            steps.append(made)
        return Planned(tuple(steps), refused)

    def _step(self, index: int) -> Step:
        item, companion = self.facts[index]
        to = self.moves[index].to
        if companion is not None:
            return _sidecar(item, companion, to)
        return step_of(self.view, item, to)


def _aside(source: str, op: str, number: int) -> str:
    folder, _, name = source.rpartition("/")
    return joined(folder, f".moving-{op}-{number}{split_name(name)[1]}")


def free_place(
    folders: Folders, item: Item, folder: str, companions: Sequence[Companion], taken: set[str]
) -> str:
    """The item's place in a folder, under the first variant of its name that has room there.

    All that goes with it must have room, too. `taken` has the keys of paths that others of the
    request will take; what this one takes is added.
    """
    for name in chain((item.name,), variants(item.name)):
        beside = (sidecar_name(item.name, name, each.name) for each in companions)
        paths = [joined(folder, each) for each in (name, *beside)]
        keys = [path_key(path) for path in paths]
        if taken.isdisjoint(keys) and not any(map(folders.has, paths)):
            taken.update(keys)
            return paths[0]
    raise AssertionError  # variants never end


def introduce(view: ProjectView, root: Path, steps: Sequence[Step]) -> tuple[Step, ...]:
    """Look at the bytes of nameless files that come to where the log believes another one.

    That one went without a word; the newcomer must not inherit its stars. Blocks.
    """
    looked_at = list(steps)
    leaving: set[str] = set()
    for index, step in enumerate(steps):
        if step.asset is None and step.role is Role.FILE and view.asset_at(step.to) is not None:
            leaving = leaving or {each.origin for each in steps}
            if step.to not in leaving:
                looked_at[index] = evolve(step, head=_head(root / step.source, step.size))
    return tuple(looked_at)


def _head(path: Path, size: int) -> str | None:
    try:
        return head(path, size)
    except (OSError, FileChanging):
        return None  # it goes all the same, or its move fails for the same reason


def plan_trash(
    view: ProjectView, folders: Folders, items: Sequence[Item], shelves: dict[str, str]
) -> tuple[Step, ...]:
    """Put files into the trash, with what belongs to them.

    Args:
        view: The project's state.
        folders: Its folders.
        items: What goes.
        shelves: Folders in the trash by the folder that files come from. What one request trashes
            of one folder lies together: making and syncing a folder for each takes most of the
            time. It grows.
    """
    stems: dict[tuple[str, str], set[str]] = {}
    described = folders.with_sidecars(items)
    if described:
        for item in items:
            if item.folder in described:
                stems.setdefault(_stem(item), set()).add(item.name)
    steps: list[Step] = []
    for item in items:
        companions: Sequence[Companion] = ()
        if item.folder in described:
            same_stem = frozenset(stems[_stem(item)] - {item.name})
            companions = folders.companions(item, same_stem)
        steps += into_trash(view, item, companions, shelves)
    return tuple(steps)


def _stem(item: Item) -> tuple[str, str]:
    return item.folder, path_key(split_name(item.name)[0])


def into_trash(
    view: ProjectView, item: Item, companions: Iterable[Companion], shelves: dict[str, str]
) -> Iterator[Step]:
    """The steps that put one file into the trash, onto a shelf as in `plan_trash`."""
    trash = TrashId(str(uuid7()))
    place = f"{TRASH}/{shelves.setdefault(item.folder, trash)}"
    yield step_of(view, item, f"{place}/{item.name}", trash)
    for companion in companions:
        yield _sidecar(item, companion, f"{place}/{companion.name}")


def out_of_trash(
    folders: Folders, trash: TrashId, asset: str | None, stored: Sequence[Item], to: str
) -> list[Step]:
    """The steps that bring one file back to `to`, and what went with it beside it.

    Args:
        folders: The project's folders; `to` must be free there.
        trash: Its id in the trash.
        asset: What the log knows it as.
        stored: What lies in its folder in the trash: the file itself, then its sidecars. One whose
            name is taken beside `to` stays in the trash.
        to: Where it shall lie.
    """
    main, *sidecars = stored
    folder, _, name = to.rpartition("/")
    steps = [
        Step(
            source=main.path,
            to=to,
            size=main.size,
            mtime=main.mtime,
            ino=main.ino,
            trash=trash,
            asset=None if asset is None else AssetId(asset),
        )
    ]
    for sidecar in sidecars:
        there = joined(folder, sidecar_name(main.name, name, sidecar.name))
        if not folders.has(there):
            steps.append(
                Step(
                    source=sidecar.path,
                    to=there,
                    size=sidecar.size,
                    mtime=sidecar.mtime,
                    ino=sidecar.ino,
                    role=Role.SIDECAR,
                    of=main.path,
                )
            )
    return steps
