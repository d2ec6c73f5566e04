"""What is told in the log of the steps that were done. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from events.assets import AssetId, AssetMoved, AssetSeen
from events.files import FilesSettled
from events.trash import FilePurged, FileRestored, FileTrashed
from orchestrator.commands.curation import Sighting, fresh_asset
from orchestrator.commands.files import Outcome, TellFiles
from orchestrator.gallery.fileops.steps import TRASH, Role, Step
from projections.project import ProjectView

#: Events and bytes of one line of the log; it may have 1,000 and 1 MiB.
MOST_EVENTS = 900
MOST_BYTES = 500_000


def outcomes(
    view: ProjectView, op: str, steps: Sequence[Step], landed: Mapping[int, str]
) -> list[Outcome]:
    """What came of an operation.

    Args:
        view: The project's state.
        op: The operation.
        steps: What was planned.
        landed: Where each file came to lie, by the place of its step; steps that were not done
            are missing.
    """
    beside: dict[str, list[str]] = {}
    for index, step in enumerate(steps):
        if step.of is not None and step.role is Role.SIDECAR and index in landed:
            beside.setdefault(step.of, []).append(landed[index].rpartition("/")[2])
    found: list[Outcome] = []
    for index, to in landed.items():
        step = steps[index]
        role = step.role
        if role is Role.FILE:
            if to != step.origin:
                asset = step.asset or _met_meanwhile(view, step)
                if asset or step.trash or step.head:  # else nobody ever said anything of it
                    sidecars = tuple(beside.get(step.origin, ()))
                    found += _gone(view, op, step, to, asset, sidecars)
        elif role is Role.FOLDER:
            found += _moved_within(view, op, step.origin, to)
        elif role is Role.PURGE:
            found += _purged(view, op, step)
    return found


def _gone(
    view: ProjectView,
    op: str,
    step: Step,
    to: str,
    asset: AssetId | None,
    sidecars: tuple[str, ...],
) -> Iterator[Outcome]:
    """A file lies elsewhere now: in the project, or in the trash."""
    if step.trash is not None and to.startswith(f"{TRASH}/"):
        name = to.rpartition("/")[2]
        yield FileTrashed(
            trash=step.trash,
            path=step.origin,
            name=name,
            size=step.size,
            mtime=step.mtime,
            asset=asset,
            sidecars=sidecars,
            op=op,
            place=None if to == f"{TRASH}/{step.trash}/{name}" else to,
        )
        return
    if step.trash is not None:
        yield FileRestored(trash=step.trash, path=to, asset=asset, op=op)
    elif asset is not None:
        yield AssetMoved(asset=asset, source=step.origin, path=to, op=op)
    if asset is None and step.head is not None:
        yield from _newcomer(view, Sighting(to, step.size, step.mtime, step.head))


def _met_meanwhile(view: ProjectView, step: Step) -> AssetId | None:
    """The asset that a file became after its move was planned: somebody was quick to rate it."""
    asset = view.asset_at(step.origin)
    if asset is None:
        return None
    known = view.asset(asset)
    if known is None or (known.size, known.mtime) != (step.size, step.mtime):
        return None
    return asset


def _newcomer(view: ProjectView, sighting: Sighting) -> Iterator[AssetSeen]:
    """A file that nobody had said anything of came to where another asset is believed."""
    asset = view.asset_at(sighting.path)
    known = None if asset is None else view.asset(asset)
    if known is not None and (known.size, known.head) != (sighting.size, sighting.head):
        yield fresh_asset(view, sighting)


def _purged(view: ProjectView, op: str, step: Step) -> Iterator[FilePurged]:
    """A file was deleted for good; those that belonged to it are not told of one by one."""
    trashed = None if step.trash is None else view.trashed(step.trash)
    if step.trash is not None and trashed is not None:  # else it was told before
        yield FilePurged(
            trash=step.trash,
            path=trashed.path,
            name=trashed.name,
            size=step.size,
            head=step.head or "",
            asset=step.asset,
            op=op,
        )


def _moved_within(view: ProjectView, op: str, source: str, to: str) -> Iterator[AssetMoved]:
    """Everything that lay in a folder lies in its new place now."""
    prefix = f"{source}/"
    for asset, known in view.present():
        if known.path.startswith(prefix):
            path = f"{to}/{known.path[len(prefix) :]}"
            yield AssetMoved(asset=AssetId(asset), source=known.path, path=path, op=op)


def lines(op: str, told: Sequence[Outcome], settled: FilesSettled) -> Iterator[TellFiles]:
    """The outcomes as commands, each of which fits into one line; the last one settles."""
    part: list[Outcome] = []
    size = 0
    for outcome in told:
        weight = _weight(outcome)
        if part and (len(part) >= MOST_EVENTS or size + weight > MOST_BYTES):
            yield TellFiles(op=op, outcomes=tuple(part))
            part, size = [], 0
        part.append(outcome)
        size += weight
    yield TellFiles(op=op, outcomes=tuple(part), settled=settled)


def _weight(outcome: Outcome) -> int:
    """Bytes of an outcome in the log, rather too many."""
    texts = outcome.path
    match outcome:
        case AssetMoved():
            texts += outcome.source
        case FileTrashed():
            texts += outcome.name + (outcome.place or "")
            if outcome.sidecars:
                texts += "          ".join(outcome.sidecars)  # with room for the marks between
        case FilePurged():
            texts += outcome.name
        case FileRestored() | AssetSeen():
            pass
    return 440 + (len(texts) if texts.isascii() else len(texts.encode("utf-8", "replace")))
