"""The end of a run: the share is healed, all hosts read on, and every promise is looked at."""

from __future__ import annotations

from collections import Counter

from attrs import define, field

from events.log.port import HARMLESS, Finding, Tail
from events.record import Record
from orchestrator.mirroring import doubts
from projections.witness import witnessed
from tests.simulation.ledger import BrokenPromise, who
from tests.simulation.machines import Machine, Process
from tests.simulation.workload import edit
from tests.simulation.world import Run, log_of

#: So long another host's edit may take to be seen on a healthy share, and between two polls.
VISIBLE_MS = 1_500
_POLLS = (250, 1_250)
#: Time between polls after which everything has settled that can: holes and stale names after a
#: minute, writers that rest after ten seconds more.
_SETTLED = (61_000, 12_000, 12_000)


@define
class Verdict:
    """What a run showed, if nothing was broken."""

    acknowledged: int = 0
    #: Records that were destroyed by what no software can undo, and that was noticed.
    noticed: int = 0
    #: The same, but nobody was left who could have known.
    unknowable: int = 0
    hurt: list[str] = field(factory=list)


def heal(run: Run) -> None:
    """From now on nothing fails, and every host runs."""
    run.healed = True
    run.say("share", "is healthy from now on")
    for machine in list(run.machines):
        machine.cut_off = 0
        process = machine.process
        if process is not None and process.log.read_only is not None:
            machine.stop()
    run.add_reader("auditor")
    for machine in run.machines:
        if machine.process is None:
            machine.start()
        machine.write()
    for ms in _SETTLED:
        _poll(run, ms)


def _poll(run: Run, ms: int, *, look_around: bool = True) -> None:
    """Everybody reads, after a while."""
    run.now += ms
    for machine in run.machines:
        machine.read(look_around=look_around)


def judge(run: Run) -> Verdict:
    """Heal the share, and look at everything.

    Raises:
        BrokenPromise: one does not hold.
    """
    heal(run)
    _edits_are_seen_soon(run)
    _poll(run, _SETTLED[-1])  # for who had to begin a new log just now
    _times_rise(run)
    verdict = Verdict(len(run.ledger.acknowledged), hurt=list(run.hurt.values()))
    _nothing_is_lost(run, verdict)
    if not run.hurt:
        _nobody_is_alarmed(run)
    _equal_vectors_equal_states(run)
    return verdict


def _edits_are_seen_soon(run: Run) -> None:
    """P5: first an edit each, which may take a new segment; the second is seen within 1.5 s."""
    for machine in run.machines:
        machine.append([[edit(run.dice)]])
        machine.write()
    for ms in (13_000, 3_000):
        _poll(run, ms)
    before = set(run.ledger.acknowledged)
    for machine in run.machines:
        machine.append([[edit(run.dice)]])
        machine.write()
    fresh = [run.ledger.acknowledged[at] for at in run.ledger.acknowledged if at not in before]
    for ms in _POLLS:
        _poll(run, ms - 40, look_around=False)
    doubles = _doubles(run)
    for record in fresh:
        if who(record) in run.hurt or record.host in doubles:
            continue
        for machine in run.machines:
            if record.stamp not in _process(machine).applied:
                told = f"{machine.name} does not see {record} after {VISIBLE_MS} ms"
                raise BrokenPromise("P5", told)


def _closed(machine: Machine) -> set[str]:
    reader = _process(machine).log._reader
    return {f"{each.writer}.{each.host}" for each in reader._writers.values() if each.closed}


def _doubles(run: Run) -> set[str]:
    ids = [machine.id for machine in run.machines]
    return {name for name in ids if ids.count(name) > 1}


def _times_rise(run: Run) -> None:
    """W2: in each file of a log, times rise from line to line."""
    for path, inode in run.server.names.items():
        if log_of(path) in run.hurt:
            continue
        last = b""
        for line in inode.data.split(b"\n")[:-1]:
            if line.startswith(b'{"s":') and b"\0" not in line:
                time = line.partition(b'"h":"')[2][:16]
                if time <= last:
                    raise BrokenPromise("W2", f"{time!r} follows {last!r} in {path}")
                last = time


def _nothing_is_lost(run: Run, verdict: Verdict) -> None:
    """P1: acknowledged is durable, and read by all; else it was destroyed, and that is noticed."""
    lost = _lost(run)
    if lost:
        # Who comes last reads all as it is now, as `orchestrator log verify` does.
        run.add_reader("latecomer").start()
    alarmed = {log_of(f.file) for machine in run.machines for f in _alarms(machine)}
    for log, records in lost.items():
        _marks_are_kept(run, log, records)
        if log in alarmed:
            verdict.noticed += len(records)
        else:
            _nobody_could_know(run, log, records)
            verdict.unknowable += len(records)


def _lost(run: Run) -> dict[str, list[Record]]:
    """By log, what was acknowledged and somebody never got, though only where that must be."""
    lost: dict[str, list[Record]] = {}
    for machine in run.machines:
        applied = _process(machine).applied
        for stamp, record in run.ledger.acknowledged.items():
            if stamp not in applied:
                log = who(record)
                if log not in run.hurt:
                    raise BrokenPromise("P1", f"{machine.name} never got {record}")
                lost.setdefault(log, []).append(record)
    return lost


def _marks_are_kept(run: Run, log: str, records: list[Record]) -> None:
    """P6: what a mark covers is missed by all, also by who has never read it."""
    auditor = run.machines[-1]
    marked = witnessed(_process(auditor).tables)
    if log not in marked or log in {log_of(f.file) for f in _alarms(auditor)}:
        return
    for record in records:
        if record.sequence <= marked[log].furthest.sequence:
            told = f"a mark covers {record}, which is lost ({run.hurt[log]})"
            raise BrokenPromise("P6", f"{told}; who has read nothing before is not told")


def _nobody_could_know(run: Run, log: str, records: list[Record]) -> None:
    """P6: what a host that is still up had read, or written, is missed by somebody."""
    for machine in run.machines:
        applied = _process(machine).applied
        known = next((record for record in records if applied.get(record.stamp) == record), None)
        # A log that was read to its seal is not looked at any more; marks are for that.
        if known is not None and log not in _closed(machine):
            told = f"nobody is told that {known} is lost ({run.hurt[log]})"
            raise BrokenPromise("P6", f"{told}; {machine.name} had it")


def _nobody_is_alarmed(run: Run) -> None:
    """R3: where nothing was destroyed, everything settles."""
    uncertain = _uncertain(run)
    for machine in run.machines:
        for finding in _alarms(machine):
            if finding.kind is Tail.ROLLED_BACK and log_of(finding.file) in uncertain:
                continue  # somebody had read what was not durable, and never came
            raise BrokenPromise("R3", f"{machine.name} is alarmed for nothing: {finding}")


def _equal_vectors_equal_states(run: Run) -> None:
    """P4; and where nothing was destroyed, all vectors are equal."""
    states: dict[object, tuple[str, str]] = {}
    for machine in run.machines:
        vector, state = _process(machine).vector(), machine.state_hash()
        name, known = states.setdefault(vector, (machine.name, state))
        if known != state:
            told = f"{name} and {machine.name} have read the same, and hold different states"
            raise BrokenPromise("P4", told)
    if run.hurt:
        return
    whole = dict.fromkeys(_vector(run, machine) for machine in run.machines)
    if len(whole) > 1:
        raise BrokenPromise("P5", f"they never agree: {list(whole)}")


def _vector(run: Run, machine: Machine) -> tuple[object, ...]:
    """How far it has come in all logs but those that nobody can be certain of."""
    left_out = _uncertain(run)
    return tuple(each for each in _process(machine).vector() if each[0] not in left_out)


def _uncertain(run: Run) -> set[str]:
    """Logs of which some may have read lines that others never can; none was acknowledged.

    They were not durable, and a power cut of the server took them back; or they were in doubt
    when their writer ended, and came late, when some had gone on to the next segment already
    (FORMAT.md W5: nothing is certain).
    """
    segments = Counter(log_of(path) for path in run.server.names)
    ended = {log for machine in run.machines for log in _process(machine).log._writer.ended}
    return run.unmade | {log for log in run.ledger.doubtful | ended if segments[log] > 1}


def _process(machine: Machine) -> Process:
    assert machine.process is not None  # healed
    return machine.process


def _alarms(machine: Machine) -> list[Finding]:
    process = _process(machine)
    doubted = doubts(witnessed(process.tables), process.log.positions())
    return [
        finding
        for finding in (*process.log.findings(), *doubted.values())
        if finding.kind not in HARMLESS
    ]
