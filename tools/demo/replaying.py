"""Folding a project's log again from nothing, and the hash that the stopped service left behind.

Nothing is written, and nothing is asked of the service: only files are read. Functions block.
"""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

from events import vocabulary
from events.log.checkpoint import CheckpointStore
from events.log.disk_io import DiskIO
from events.log.format_file import load
from events.log.port import HARMLESS
from events.log.reader import LogReader
from orchestrator.project import code_version
from projections.catalogue import empty_tables
from projections.fold import Tables, state_hash
from tools.demo.errors import StepFailedError


@frozen
class Replayed:
    """A state that was folded from the log alone."""

    project_id: str
    tables: Tables
    events: int

    def state_hash(self) -> str:
        """Its hash, as checkpoints carry it."""
        return state_hash(self.tables.pack())


def replay(root: Path) -> Replayed:
    """Read the whole log of a project folder.

    Raises:
        StepFailedError: there is no log, or some of it had to be left out.
        FormatError, OSError: it cannot be read.
    """
    assert vocabulary.FAMILIES  # all event types are registered by that import
    gallery = root / ".gallery"
    found = load(gallery)
    if found is None:
        raise StepFailedError(f"{gallery} has no log.")
    reader = LogReader(gallery / "log", found.project, disk=DiskIO())
    tables, events = empty_tables(), 0
    for records in reader.read():
        tables.apply(records)
        events += len(records)
    left_out = [finding for finding in reader.findings() if finding.kind not in HARMLESS]
    if left_out:
        told = "\n".join(f"{f.file} at byte {f.offset}: {f.message}" for f in left_out)
        raise StepFailedError(f"The log cannot be read whole:\n{told}")
    return Replayed(found.project, tables, events)


def last_checkpoint(data_dir: Path, project_id: str) -> str:
    """The hash of the state that the service saved when it was stopped.

    Raises:
        StepFailedError: it saved none.
    """
    store = CheckpointStore(data_dir / "cache" / project_id, code_version())
    for checkpoint in store.load():
        return checkpoint.state_hash
    raise StepFailedError("The service left no checkpoint when it was stopped.")
