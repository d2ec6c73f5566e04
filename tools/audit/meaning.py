"""What the events of all writers say together: who owns a job, what an asset's id is made of."""

from __future__ import annotations

from attrs import define, field, frozen

from events.assets import AssetSeen
from events.files import FilesDone, FilesFailed, FilesIntended, FilesPlanned, FilesSettled
from events.hosts import HostAdopted
from events.jobs import JobCancelRequested, JobQueued
from events.record import Record
from events.stamp import Stamp
from orchestrator.gallery.fingerprint import asset_id
from projections.jobs import MOVES
from tools.audit.findings import Check, Finding, Findings, Severity

_JOB_EVENTS = frozenset(MOVES) - {JobCancelRequested}


@frozen
class _First:
    """The first event of a job that a host wrote, by its stamp."""

    stamp: Stamp
    file: str
    offset: int


@define
class Meaning:
    """Checks that need more than one line."""

    _findings: Findings
    #: Who wrote of each job, by job and host; and which host took its order.
    _writers: dict[str, dict[str, _First]] = field(factory=dict)
    _owners: dict[str, str] = field(factory=dict)
    #: When each job was first taken over by each host that did.
    _adopted: dict[str, dict[str, Stamp]] = field(factory=dict)
    #: Stamps of operations that were announced; stamp and place of those that were settled.
    _intended: dict[str, Stamp] = field(factory=dict)
    _settled: dict[str, tuple[Stamp, str, int]] = field(factory=dict)

    def look(self, record: Record, file: str, offset: int) -> None:
        """Look at one event of a good line."""
        event = record.event
        if type(event) in _JOB_EVENTS:
            self._job(record, file, offset)
        elif isinstance(event, HostAdopted):
            for job in event.jobs:
                by = self._adopted.setdefault(job, {})
                by[event.by] = min(record.stamp, by.get(event.by, record.stamp))
        elif isinstance(event, AssetSeen):
            self._asset(event, file, offset)
        elif isinstance(event, FilesIntended | FilesPlanned):
            self._intended[event.op] = record.stamp
        elif isinstance(event, FilesDone | FilesFailed | FilesSettled):
            self._settled[event.op] = record.stamp, file, offset

    def finish(self) -> None:
        """All lines of all writers were looked at."""
        for job, writers in self._writers.items():
            self._judge_owners(job, writers)
        for op, (stamp, file, offset) in self._settled.items():
            announced = self._intended.get(op)
            fault = None
            if announced is None or announced > stamp:
                fault = f"operation {op} was settled, but not announced before"
            remedy = "If lines before it are missing, restore them; else find out what wrote this."
            self._judge(Check.INTENT, file, offset, fault, remedy)

    def _job(self, record: Record, file: str, offset: int) -> None:
        job: str = record.event.job  # type: ignore[attr-defined]  # all job events have it
        if isinstance(record.event, JobQueued):
            self._owners[job] = record.host
        writers = self._writers.setdefault(job, {})
        known = writers.get(record.host)
        if known is None or record.stamp < known.stamp:
            writers[record.host] = _First(record.stamp, file, offset)
        self._findings.looked[Check.OWNER] += 1

    def _judge_owners(self, job: str, writers: dict[str, _First]) -> None:
        """A host writes of a job only if it took the order, or once it has taken the job over.

        What it writes after another has taken the job over from it is no fault: it had not read
        of that yet.
        """
        adopted = self._adopted.get(job, {})
        owner = self._owners.get(job) or next((h for h in writers if h not in adopted), None)
        for host, first in writers.items():
            if host == owner or (host in adopted and adopted[host] < first.stamp):
                continue
            fault = f"host {host} writes of job {job}, which is host {owner}'s"
            if host in adopted:
                fault += ", before it took the job over"
            remedy = "Find out which service runs the job; no two hosts may share one data_dir."
            self._find(Check.OWNER, first.file, first.offset, fault, remedy)

    def _asset(self, event: AssetSeen, file: str, offset: int) -> None:
        due, fault = asset_id(event.path, event.size, event.head, event.nth or 1), None
        if event.asset != due:
            fault = f"the asset of {event.path!r} has the id {event.asset}, not {due}"
        remedy = "Find out which program wrote this: other hosts know the file by the other id."
        self._judge(Check.ASSET_ID, file, offset, fault, remedy)

    def _judge(self, check: Check, file: str, offset: int, fault: str | None, remedy: str) -> None:
        self._findings.looked[check] += 1
        if fault is not None:
            self._find(check, file, offset, fault, remedy)

    def _find(self, check: Check, file: str, offset: int, fault: str, remedy: str) -> None:
        self._findings.add(
            Finding(
                check=check,
                severity=Severity.BROKEN,
                file=file,
                offset=offset,
                what=fault,
                remedy=remedy,
            )
        )
