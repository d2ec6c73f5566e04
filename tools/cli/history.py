"""`orchestrator log history`: who changed what, when, from what to what."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from unicodedata import normalize

import click
import orjson
from attrs import frozen

from events.assets import AssetChanged, AssetMoved, AssetRelinked, AssetSeen
from events.jobs import JobOutputStored
from events.record import Record
from events.registry import name_of
from events.stamp import before
from events.trash import FilePurged, FileRestored, FileTrashed
from orchestrator.gallery.past.words import Change, describe
from projections.catalogue import empty_tables
from projections.project import ProjectView
from tools.cli.merging import Merge
from tools.cli.place import Place, locate
from tools.cli.reading import Reading, gc_paused, total_bytes
from tools.cli.terminal import clean, iso, local, progress, warn_of


@frozen
class Wanted:
    """Which changes are to be shown; None is no restriction."""

    #: A file or folder relative to the project, and all assets that ever lay there.
    path: str | None
    assets: frozenset[str]
    job: str | None
    actor: str | None
    #: Changes from this moment on.
    since: str | None

    def has(self, record: Record, change: Change) -> bool:
        """Whether a change is one of them."""
        if self.since is not None and record.stamp < self.since:
            return False
        if self.actor is not None and record.actor != self.actor:
            return False
        if self.job is not None and change.job != self.job:
            return False
        if self.path is None:
            return True
        return change.asset in self.assets or lies_at(change.path, self.path)


def history(
    project: Path,
    path: str | None,
    *,
    job: str | None,
    actor: str | None,
    since: datetime | None,
    machine: bool,
) -> None:
    """Print the changes of a project that are wanted, oldest first.

    Raises:
        OrchestratorError: there is no log to be read, or `path` lies outside the project.
    """
    place = locate(project)
    inside = None if path is None else _inside(place, path)
    lying = frozenset() if inside is None else _assets_at(place, inside)
    # `before` gives the end of a millisecond; what happened in it belongs to this side.
    first = None if since is None else f"{int(before(since), 16) - (1 << 16):016x}"
    wanted = Wanted(inside, lying, job, actor, first)
    merged = Merge(place.log, place.project)
    shown = 0
    with gc_paused():
        for record, change in _changes(merged):
            if wanted.has(record, change):
                _print(record, change, machine)
                shown += 1
    sys.stdout.flush()
    warn_of(merged.findings())
    if not shown:
        click.echo("note: nothing that was asked for was ever recorded here", err=True)


def _inside(place: Place, path: str) -> str | None:
    """The path as the log writes it, also of an absolute one; None for the whole project."""
    given = Path(path)
    if given.is_absolute():
        for root in (place.root, place.root.resolve()):
            if given.is_relative_to(root):
                given = given.relative_to(root)
                break
        else:
            from orchestrator.errors import PathNotPermitted

            raise PathNotPermitted(path, (str(place.root),))
    inside = given.as_posix()
    return None if inside == "." else normalize("NFC", inside)


def lies_at(path: str | None, where: str) -> bool:
    """Whether a file is the one at `where`, or lies in the folder of that name.

    `where` is in NFC; file names on a share may be in either form.
    """
    if path is None:
        return False
    same = path if path.isascii() else normalize("NFC", path)
    return same == where or same.startswith(f"{where}/")


#: Events that tell where an asset's file lies, or lay.
_PLACING = (
    *(AssetSeen, AssetChanged, AssetMoved, AssetRelinked, JobOutputStored),
    *(FileTrashed, FileRestored, FilePurged),
)


def _assets_at(place: Place, where: str) -> frozenset[str]:
    """All assets that ever lay at a path or below it."""
    found: set[str] = set()
    with gc_paused(), progress("look for the file", total_bytes(place.log)) as advance:
        for records in Reading(place.log, place.project, advance).records():
            for record in records:
                event = record.event
                if not isinstance(event, _PLACING) or event.asset is None:
                    continue
                source = getattr(event, "source", None)
                if lies_at(event.path, where) or lies_at(source, where):
                    found.add(event.asset)
    return frozenset(found)


def _changes(merged: Merge) -> Iterator[tuple[Record, Change]]:
    """Every event in the order of stamps, told from the state just before it."""
    tables = empty_tables()
    view = ProjectView(tables)
    for entry in merged.entries():
        for record in entry.records:
            yield record, describe(view, record)
            tables.apply((record,))


def _print(record: Record, change: Change, machine: bool) -> None:
    if machine:
        sys.stdout.buffer.write(orjson.dumps(_as_json(record, change)) + b"\n")
        return
    subject = change.path or (f"job {change.job}" if change.job else "-")
    line = f"{local(record.stamp)}  {record.actor:<10}  {record.host:<12}  {subject}  {change.what}"
    sys.stdout.write(clean(line) + "\n")


def _as_json(record: Record, change: Change) -> dict[str, Any]:
    return {
        "at": iso(record.stamp),
        "stamp": record.stamp,
        "actor": record.actor,
        "host": record.host,
        "writer": record.writer,
        "sequence": record.sequence,
        "correlation": record.correlation,
        "batch": record.correlation or record.stamp[:-3],
        "event": name_of(record.event),
        "path": change.path,
        "asset": change.asset,
        "job": change.job,
        "what": change.what,
        "old": change.old,
        "new": change.new,
    }
