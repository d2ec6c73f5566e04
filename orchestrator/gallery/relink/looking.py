"""Looks which assets have lost their files, and which files may be theirs.

What the log and the index say is given; only the share is asked here. Where a function says that
it blocks, it blocks on the share.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import structlog
from attrs import define, field, frozen

from events.assets import AssetId
from events.stamp import moment
from orchestrator.errors import FileChanging
from orchestrator.gallery.facts import read_facts
from orchestrator.gallery.fingerprint import head
from orchestrator.gallery.relink.matching import Lost, Matched, match
from projections.assets import Asset, Lineage, Place, State

_log = structlog.get_logger(__name__)

#: Lost assets of one look whose lineage is searched for: each takes a search.
MOST_LINEAGES = 200
#: Of more files with the same bytes than these, only those that are called alike come in question.
MOST_ALIKE = 100


@frozen
class Known:
    """What the log says of assets.

    Records come in while a thread looks. It only asks for single keys, of which it has a list; what
    is decided in the end looks once more.
    """

    assets: Mapping[str, Asset]
    places: Mapping[str, Place]
    lineage: Mapping[str, Lineage]
    #: All assets there were.
    keys: Sequence[str]
    #: Files and folders that an operation is about to change: it will tell itself where they went.
    moving: frozenset[str] = frozenset()
    moving_folders: tuple[str, ...] = ()

    def asset_at(self, path: str) -> str | None:
        """The asset at a path, as `ProjectView.asset_at` has it."""
        place = self.places.get(path)
        asset = None if place is None else self.assets.get(place.asset)
        if place is None or asset is None or not _is_at(asset, path):
            return None
        return place.asset

    def unburied(self) -> Iterator[tuple[AssetId, Asset]]:
        """Every asset that should lie in the project, also where another one took its place."""
        for asset in self.keys:
            known = self.assets[asset]  # none is ever forgotten
            if known.known and known.state is State.PRESENT and not self.is_moving(known.path):
                yield AssetId(asset), known

    def is_moving(self, path: str) -> bool:
        """Whether an operation is about to change a path."""
        return path in self.moving or any(path.startswith(f"{f}/") for f in self.moving_folders)


def _is_at(asset: Asset, path: str) -> bool:
    return asset.path == path and asset.state is State.PRESENT


@define
class Heads:
    """Fingerprints that were read, kept as long as their files stay as they were."""

    _known: dict[str, tuple[int, int, str | None]] = field(factory=dict)
    _used: dict[str, tuple[int, int, str | None]] = field(factory=dict)

    def of(self, root: Path, path: str, size: int, mtime: int) -> str | None:
        """The fingerprint of a file as it was listed; None if it cannot be had. Blocks."""
        known = self._used.get(path) or self._known.get(path)
        if known is None or known[:2] != (size, mtime):
            known = (size, mtime, _head(root / path, size))
        if known[2] is not None:  # what could not be read is tried again by the next look
            self._used[path] = known
        return known[2]

    def renew(self) -> None:
        """Forget what was not asked for since the last time."""
        self._known, self._used = self._used, {}


def _head(path: Path, size: int) -> str | None:
    try:
        return head(path, size)
    except (OSError, FileChanging) as exc:
        _log.info("relink.not_read", path=str(path), reason=str(exc))
        return None


@define
class Look:
    """One look at a project."""

    root: Path
    known: Known
    #: Size and time of each file that is there, as the index has it.
    files: Mapping[str, tuple[int, int]]
    heads: Heads = field(factory=Heads)
    #: Set to have it stop soon; what it then found is of no use.
    stop: threading.Event = field(factory=threading.Event)
    #: What is lost.
    lost: list[Lost] = field(factory=list, init=False)
    #: Files with the same bytes, by lost asset.
    _prints: dict[AssetId, Sequence[str]] = field(factory=dict, init=False)
    #: Files that the same run made, likewise, where no bytes fit.
    _lineages: dict[AssetId, Sequence[str]] = field(factory=dict, init=False)
    _alike: dict[tuple[int, str], list[str]] = field(factory=dict, init=False)

    def find(self) -> None:
        """Find what is lost, and the files that have its bytes. Blocks."""
        lost, taken = self._missing()
        by_size: dict[int, list[str]] = {}
        for path, (size, _) in self.files.items():
            if path not in taken and not self.known.is_moving(path):
                by_size.setdefault(size, []).append(path)
        for each in lost:
            if self.stop.is_set():
                return
            prints = self._same_bytes(each, by_size)
            # A file at its place with other bytes has been edited there, unless its old bytes turn
            # up elsewhere: then the name was given to another picture.
            edited = each.path in self.files and self.known.asset_at(each.path) == each.asset
            if prints or not edited:
                self.lost.append(each)
                self._prints[each.asset] = prints
        self.heads.renew()

    def _missing(self) -> tuple[list[Lost], set[str]]:
        """Assets that are not where they were, or have other bytes there; paths of all others."""
        lost: list[Lost] = []
        taken: set[str] = set()
        for asset, known in self.known.unburied():
            if self.stop.is_set():
                break
            found = self.files.get(known.path)
            if found is None:
                here = not _is_gone(self.root / known.path)  # what the index lacks is no loss
            elif self.known.asset_at(known.path) != asset:
                here = False
            else:
                here = self._is_as_known(known, found)
                if here:
                    taken.add(known.path)
            if not here:
                lost.append(Lost(asset, known.path, known.size, known.head, known.held))
        return lost, taken

    def _is_as_known(self, known: Asset, found: tuple[int, int]) -> bool:
        """Whether the file at an asset's path has the bytes that were told of it last."""
        size, mtime = found
        if size != known.size:
            return False
        return mtime == known.mtime or self._head(known.path) == known.head

    def _same_bytes(self, lost: Lost, by_size: Mapping[int, Sequence[str]]) -> Sequence[str]:
        found = self._alike.get((lost.size, lost.head))
        if found is None:
            alike = by_size.get(lost.size, ())
            found = [path for path in alike if self._head(path) == lost.head]
            self._alike[lost.size, lost.head] = found
        if len(found) <= MOST_ALIKE:
            return found
        name = _name(lost.path)
        return [path for path in found if _name(path) == name][:MOST_ALIKE]

    def _head(self, path: str) -> str | None:
        return self.heads.of(self.root, path, *self.files[path])

    def made(self) -> dict[AssetId, Lineage]:
        """Which runs made those lost assets whose bytes are nowhere."""
        found = [
            (each.asset, lineage)
            for each in self.lost
            if not self._prints[each.asset]
            and (lineage := self.known.lineage.get(each.asset)) is not None
        ]
        return dict(found[:MOST_LINEAGES])

    def follow(self, naming: Mapping[AssetId, Sequence[str]]) -> None:
        """See which files the runs made that made what is lost. Blocks.

        Args:
            naming: Files whose graphs name the job that made an asset, by asset.
        """
        made = self.made()
        for asset, paths in naming.items():
            self._lineages[asset] = self._same_run(made[asset], paths)

    def candidates(self) -> set[str]:
        """All files that may be something that is lost."""
        found = (*self._prints.values(), *self._lineages.values())
        return {path for paths in found for path in paths}

    def decide(self, first_seen: Mapping[str, int]) -> Matched:
        """Pair what is lost with what was found.

        Args:
            first_seen: When each candidate was first met, in nanoseconds; those of which that is
                not known have just come.
        """
        older: dict[AssetId, set[str]] = {}
        for each in self.lost:
            there = _heard_ns(self.known.assets[each.asset])
            paths = self._prints[each.asset] or self._lineages.get(each.asset, ())
            older[each.asset] = {
                path
                for path in paths
                # Where another asset lay, the file is not the one that was met there first.
                if first_seen.get(path, there) < there and self.known.asset_at(path) is None
            }
        return match(self.lost, self._prints, self._lineages, older)

    def _same_run(self, made: Lineage, paths: Sequence[str]) -> list[str]:
        """Files that a run saved, and that are nobody's yet.

        Each attempt of a job saves under a prefix of its own, which stands in the picture.
        """
        prefix = re.compile(rf"job-{re.escape(made.job)}/a{made.attempt}/")
        return [
            path
            for path in paths
            # An asset that was edited where it lies is no stranger: it says itself whose it is.
            if path in self.files and self.known.asset_at(path) is None and self._says(path, prefix)
        ]

    def _says(self, path: str, prefix: re.Pattern[str]) -> bool:
        try:
            return prefix.search(read_facts(self.root / path).raw) is not None
        except OSError as exc:
            _log.info("relink.not_read", path=path, reason=str(exc))
            return False


def _heard_ns(asset: Asset) -> int:
    """When somebody last saw an asset where it lay: what was met before then lay beside it."""
    return int(moment(max(asset.as_of, asset.bytes_as_of)).timestamp() * 1e9)


def _name(path: str) -> str:
    return path.rpartition("/")[2]


def _is_gone(path: Path) -> bool:
    """Whether a file is certainly not there: a share that does not answer says nothing."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False
