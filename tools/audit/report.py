"""An audit from begin to end, and what it comes to. Blocks."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from attrs import evolve, frozen

from events.log.segments import sort_out
from tools.audit.cold import judge_cold
from tools.audit.files import look_for_files, look_into_outputs, stored_outputs
from tools.audit.findings import Finding, Findings, Severity
from tools.audit.folder import judge_format, judge_names, project_of
from tools.audit.heads import Owner
from tools.audit.promises import BESIDES, PROMISES, Promise
from tools.audit.replaying import compare, judge, otherwise, replay
from tools.audit.scene import Scene
from tools.audit.snapshot import Snapshot
from tools.audit.writer import Summary, WriterAudit

#: Begins a piece of work: its name and its bytes.
Phase = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
#: How often the segments are read: once by bytes, and folded in two orders.
PASSES = 3


@frozen
class Verdict:
    """What became of one promise."""

    promise: Promise
    #: `held`, `broken`, or `not checkable`.
    result: str
    #: How many things were looked at, how many were broken, and how many only noted.
    looked: int
    broken: int
    notes: int


@frozen
class Report:
    """Everything that an audit found."""

    project: str
    writers: tuple[Summary, ...]
    records: int
    state_hash: str
    findings: tuple[Finding, ...]
    #: How many findings of the same kinds were not kept.
    more: int
    verdicts: tuple[Verdict, ...]

    @property
    def broken(self) -> bool:
        """Whether any promise is broken."""
        return any(verdict.result == "broken" for verdict in self.verdicts)


def audit(root: Path, gallery: Path, *, outputs: bool, phase: Phase, now_ms: int) -> Report:
    """Check a project's log.

    Args:
        root: the project's folder.
        gallery: its `.gallery`.
        outputs: whether to read the outputs of all jobs as well.
        phase: told of each long piece of work, with its bytes; gives what is called with the
            bytes that were done.
        now_ms: milliseconds since 1970, to tell what lies in the future.

    Raises:
        ProjectUnreadable: there is no log, or it needs another version of this program.
        OSError: something cannot be read.
    """
    disk = Snapshot(gallery / "log")
    project, fault = project_of(root, gallery, disk)
    scene = Scene(disk, project, now_ms, Findings())
    judge_format(scene, fault)
    judge_names(scene)
    judge_cold(scene)
    with phase("audit", PASSES * disk.total) as disk.advance:
        writers = tuple(_writers(scene))
        scene.meaning.finish()
        replayed = replay(scene)
        judge(scene, replayed, writers)
        digest = compare(scene, replayed.tables, otherwise(scene, writers))
    look_for_files(scene, root, replayed.tables)
    if outputs:
        total = sum(output.size for output, _ in stored_outputs(replayed.tables))
        with phase("read outputs", total) as advance:
            look_into_outputs(scene, root, replayed.tables, advance)
    return Report(
        project,
        writers,
        replayed.records,
        digest,
        tuple(_with_loss(finding, writers) for finding in _ordered(scene.findings)),
        sum(scene.findings.more.values()),
        tuple(_verdict(promise, scene.findings) for promise in (*PROMISES, *BESIDES)),
    )


def _writers(scene: Scene) -> list[Summary]:
    listing = sort_out(scene.disk.listing)
    newest = listing.newest_writers()
    return [
        WriterAudit(scene, Owner(writer, host, scene.project), numbers, writer < newest[host]).run()
        for (writer, host), numbers in listing.segments.items()
    ]


def _ordered(findings: Findings) -> list[Finding]:
    """What is broken first, then by file and place."""
    return sorted(
        findings.items,
        key=lambda f: (f.severity is not Severity.BROKEN, f.file, f.offset or 0),
    )


def _with_loss(finding: Finding, writers: tuple[Summary, ...]) -> Finding:
    """Say which records readers miss because of a finding."""
    if finding.affected is None:
        return finding
    summary = next(w for w in writers if w.who == finding.affected.who)
    first = summary.good + 1
    if finding.affected.sequence < first:
        return evolve(finding, lost="nothing: readers go on behind it")
    if summary.top < first:
        return evolve(finding, lost=f"what followed record {summary.good}, if anything did")
    count = summary.top - summary.good
    span = f"record {first}" if count == 1 else f"records {first} to {summary.top}"
    return evolve(finding, lost=f"{span} of writer {summary.who}, for as long as this stays")


def _verdict(promise: Promise, findings: Findings) -> Verdict:
    if not promise.checks:
        return Verdict(promise, "not checkable", 0, 0, 0)
    looked = max(findings.looked[check] for check in promise.checks)
    broken = sum(findings.count(check, Severity.BROKEN) for check in promise.checks)
    notes = sum(findings.count(check, Severity.NOTE) for check in promise.checks)
    return Verdict(promise, "broken" if broken else "held", looked, broken, notes)
