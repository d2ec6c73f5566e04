"""What must be true in the morning: of the log, the disk, the backends, and the visitors."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from attrs import asdict, define, field
from PIL import Image

from orchestrator.scheduling.timing import MAX_ATTEMPTS
from projections.fold import state_hash
from projections.jobs import Job, Status
from tests.campaigns.explaining import World
from tests.campaigns.graphs import FILES
from tests.campaigns.night import Night
from tests.comfyui_real.replaying import Replayed
from tools.audit.findings import Severity
from tools.audit.report import audit
from tools.simulator.incidents import OUTSIDE

#: Seconds without a turn of our loop after which silence says nothing about a backend.
LAG = 0.2


@define
class Tally:
    """What a campaign comes to."""

    seeds: int = 0
    jobs: int = 0
    succeeded: int = 0
    failed: Counter[str] = field(factory=Counter)
    cancelled: int = 0
    attempts: int = 0
    given_up: Counter[str] = field(factory=Counter)
    outputs: int = 0
    #: Files beside the jobs' outputs: of attempts that came late, or were given up halfway.
    extra: int = 0
    visits: int = 0
    visits_lost: int = 0
    #: How often each fault was inflicted, and how many prompts each kind of incident met.
    faults: Counter[str] = field(factory=Counter)
    incidents: Counter[str] = field(factory=Counter)

    def __iadd__(self, other: Tally) -> Tally:
        """Add up."""
        for name, value in asdict(other, recurse=False).items():
            setattr(self, name, getattr(self, name) + value)
        return self


async def reckon(night: Night) -> Tally:
    """Stop the services, and assert all that must be so; returns the figures."""
    stage = night.stage
    states = {}
    for host in stage.hosts:
        project = await host.service.dispatcher.projects.get(stage.project)
        await project.follow()
        states[host.name] = project.tables.pack()
    hosts = {host.id for host in stage.hosts}
    await stage.services.aclose()
    tally = Tally(seeds=1, jobs=len(night.jobs), faults=Counter(night.inflicted))
    _judge_log(night, states)
    _judge_backends(night, hosts, tally)
    _judge_visitors(night, hosts, tally)
    _judge_jobs(night, hosts, tally)
    return tally


@contextmanager
def _silent(_: str, __: int) -> Iterator[Callable[[int], None]]:
    yield lambda _: None


def _judge_log(night: Night, states: dict[str, dict[str, Any]]) -> None:
    """It keeps every promise, outputs included, and tells again the state that each host had."""
    root = night.stage.project
    now_ms = time.time_ns() // 1_000_000
    report = audit(root, root / ".gallery", outputs=True, phase=_silent, now_ms=now_ms)
    broken = [f for f in report.findings if f.severity is Severity.BROKEN]
    assert not broken, broken
    replayed = Replayed.of(root).view.tables.pack()
    assert state_hash(replayed) == report.state_hash
    for host, state in states.items():
        differing = {name: _difference(state[name], replayed[name]) for name in replayed}
        assert not any(differing.values()), (host, differing)
    told = night.stage.told()
    opened = {t.data["op"] for t in told if t.type == "files.intended"}
    closed = [t.data["op"] for t in told if t.type in {"files.done", "files.failed"}]
    assert sorted(opened) == sorted(closed)
    assert night.stage.staged() == []


def _difference(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """What a table says of some keys and another one says otherwise."""
    keys = one.keys() | other.keys()
    return {key: (one.get(key), other.get(key)) for key in keys if one.get(key) != other.get(key)}


def _judge_backends(night: Night, hosts: set[str], tally: Tally) -> None:
    """Nothing of ours is left, nothing global was asked for, and each host touched only its own."""
    for node in night.stage.nodes.values():
        node.behaves()
        assert node.of_hosts() == []
        owners = {
            body["prompt_id"]: body["extra_data"]["orchestrator"]["host"] for body in node.ours()
        }
        for incident in node.incidents:
            tally.incidents[incident.kind] += 1
            if incident.by in hosts:
                assert owners.get(incident.prompt_id) == incident.by, incident


def _judge_visitors(night: Night, hosts: set[str], tally: Tally) -> None:
    """Each prompt of theirs has ended well, unless the backend or somebody outside ended it."""
    for name, prompts in night.stage.visits.items():
        node = night.stage.nodes[name]
        met: dict[str, set[str]] = {}
        for incident in node.incidents:
            assert not (incident.by in hosts and incident.prompt_id in prompts), incident
            met.setdefault(incident.prompt_id, set()).add(incident.kind)
        tally.visits += len(prompts)
        for prompt_id in prompts:
            happened = met.get(prompt_id, set())
            if node.outcome(prompt_id) != "execution_success" and "forgotten" not in happened:
                tally.visits_lost += 1
                assert happened & {"lost", "doomed", "interrupted", "deleted"}, prompt_id


def _world(night: Night, hosts: set[str]) -> World:
    incidents: dict[str, Counter[str]] = {}
    interrupts: Counter[str] = Counter()
    for node in night.stage.nodes.values():
        for incident in node.incidents:
            if incident.kind == "interrupted":
                interrupts[incident.prompt_id] += incident.by == OUTSIDE
            else:
                incidents.setdefault(incident.prompt_id, Counter())[incident.kind] += 1
    return World(
        incidents,
        interrupts,
        {name: node.suffered for name, node in night.stage.nodes.items()},
        frozenset(night.cancels),
        crashing=any(ask.kind == "crashing" for ask in night.plan.asks),
        ours=night.inflicted["service_killed"] > 0 or night.stage.lag > LAG,
    )


def _judge_jobs(night: Night, hosts: set[str], tally: Tally) -> None:
    """Each has ended, as it had to; its files are in the project, whole, and each once."""
    replayed, world = Replayed.of(night.stage.project), _world(night, hosts)
    jobs = dict(replayed.view.jobs())
    assert len(set(night.jobs)) == len(night.jobs)
    assert jobs.keys() == set(night.jobs)
    owners = Counter(job.queued.host for job in jobs.values() if job.queued is not None)
    assert owners.keys() == hosts
    paths = []
    for ask, job_id in zip(night.plan.asks, night.jobs, strict=True):
        assert job_id is not None
        job = jobs[job_id]
        paths += [output.path for output in job.outputs]
        _judge_attempts(job_id, job, ask.kind, world, tally)
        _judge_end(job_id, job, ask.kind, world, tally)
        if job.end is not None and job.end.kind == "dependency":
            assert ask.needs is not None
            assert jobs[night.jobs[ask.needs] or ""].status is not Status.SUCCEEDED
    assert sorted(paths) == night.stage.files()
    for path in paths:
        with Image.open(night.stage.project / path) as picture:
            picture.load()


def _judge_attempts(job_id: str, job: Job, kind: str, world: World, tally: Tally) -> None:
    tally.attempts += len(job.attempts)
    given_up = [a for a in job.attempts if a.requeued is not None]
    for attempt in given_up:
        tally.given_up[attempt.kind if attempt.sent else "not sent"] += 1
        assert world.explains(attempt, attempt.reason or "", kind), (job_id, attempt)
    assert len([a for a in given_up if a.sent]) < MAX_ATTEMPTS
    for attempt in given_up:
        assert attempt.requeued is not None
        stored = [o for o in job.outputs if o.attempt == attempt.number]
        assert all(o.extra for o in stored), (job_id, stored)
        before = [o for o in stored if o.as_of < attempt.requeued]
        assert not before or len(before) < (attempt.outputs or 0), (job_id, attempt, stored)
    numbers = [a.number for a in job.attempts]
    assert numbers == list(range(1, len(numbers) + 1))


def _judge_end(job_id: str, job: Job, kind: str, world: World, tally: Tally) -> None:
    # What an attempt had stored before it was given up stands beside the job's outputs, too.
    given_up = {a.number for a in job.attempts if a.requeued is not None}
    of_job = [o for o in job.outputs if not o.extra]
    assert not [o for o in of_job if o.attempt in given_up], (job_id, job.outputs)
    results = [(o.node, o.index) for o in of_job]
    tally.outputs += len(results)
    tally.extra += sum(o.extra for o in job.outputs)
    assert len(results) == len(set(results)), f"doubled: {job_id} {job.outputs}"
    assert job.end is not None, job_id
    if job.status is Status.SUCCEEDED:
        tally.succeeded += 1
        assert len(results) == FILES[kind] > 0, (job_id, kind, results)
        return
    tally.cancelled += job.status is Status.CANCELLED
    if job.status is Status.FAILED:
        tally.failed[job.end.kind or ""] += 1
    assert world.explains_end(job_id, job, kind), (job_id, kind, job.end, job.attempts)
