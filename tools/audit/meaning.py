"""What the events of all writers say together: who owns a job, what an asset's id is made of."""

from __future__ import annotations

from attrs import define, field

from events.assets import AssetSeen
from events.files import FilesDone, FilesFailed, FilesIntended, FilesPlanned, FilesSettled
from events.jobs import JobCancelRequested
from events.record import Record
from events.stamp import Stamp
from orchestrator.gallery.fingerprint import asset_id
from projections.jobs import MOVES
from tools.audit.findings import Check, Finding, Findings, Severity

_JOB_EVENTS = frozenset(MOVES) - {JobCancelRequested}


@define
class Meaning:
    """Checks that need more than one line."""

    _findings: Findings
    #: Host of each job.
    _owners: dict[str, str] = field(factory=dict)
    #: Stamps of operations that were announced; stamp and place of those that were settled.
    _intended: dict[str, Stamp] = field(factory=dict)
    _settled: dict[str, tuple[Stamp, str, int]] = field(factory=dict)

    def look(self, record: Record, file: str, offset: int) -> None:
        """Look at one event of a good line."""
        event = record.event
        if type(event) in _JOB_EVENTS:
            self._job(record, file, offset)
        elif isinstance(event, AssetSeen):
            self._asset(event, file, offset)
        elif isinstance(event, FilesIntended | FilesPlanned):
            self._intended[event.op] = record.stamp
        elif isinstance(event, FilesDone | FilesFailed | FilesSettled):
            self._settled[event.op] = record.stamp, file, offset

    def finish(self) -> None:
        """All lines of all writers were looked at."""
        for op, (stamp, file, offset) in self._settled.items():
            announced = self._intended.get(op)
            fault = None
            if announced is None or announced > stamp:
                fault = f"operation {op} was settled, but not announced before"
            remedy = "If lines before it are missing, restore them; else find out what wrote this."
            self._judge(Check.INTENT, file, offset, fault, remedy)

    def _job(self, record: Record, file: str, offset: int) -> None:
        job: str = record.event.job  # type: ignore[attr-defined]  # all job events have it
        owner = self._owners.setdefault(job, record.host)
        fault = None
        if owner != record.host:
            fault = f"host {record.host} writes of job {job}, of which {owner} writes too"
        remedy = "Find out which service runs the job; no two hosts may share one data_dir."
        self._judge(Check.OWNER, file, offset, fault, remedy)

    def _asset(self, event: AssetSeen, file: str, offset: int) -> None:
        due, fault = asset_id(event.path, event.size, event.head, event.nth or 1), None
        if event.asset != due:
            fault = f"the asset of {event.path!r} has the id {event.asset}, not {due}"
        remedy = "Find out which program wrote this: other hosts know the file by the other id."
        self._judge(Check.ASSET_ID, file, offset, fault, remedy)

    def _judge(self, check: Check, file: str, offset: int, fault: str | None, remedy: str) -> None:
        self._findings.looked[check] += 1
        if fault is not None:
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
