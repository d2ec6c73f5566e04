"""What must be true in the morning: of the log, of the disk, of the backends, of the visitors."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from attrs import define, field
from PIL import Image

from orchestrator.scheduling.ending import MAX_BACKENDS
from orchestrator.scheduling.timing import MAX_ATTEMPTS
from projections.fold import state_hash
from projections.jobs import Attempt, Job, Status
from tests.campaigns.graphs import FILES
from tests.campaigns.night import Night
from tests.campaigns.plan import Ask
from tests.campaigns.stage import Node, incidents
from tests.comfyui_real.replaying import Replayed
from tools.audit.findings import Severity
from tools.audit.report import audit
from tools.simulator.incidents import OUTSIDE

#: Faults after which a backend may not have answered in time.
_AWAY = frozenset(
    {"restart", "down", "hang", "long_hang", "unplugged", "refused", "dead_worker", "same_number"}
)
_VIEW = frozenset({"view_short", "view_truncated", "view_garbage", "view_empty", "view_error"})
#: Words in the reason why an attempt was given up; what may have happened to its prompt; and what
#: may have befallen its backend. One of them must be so.
_REASONS: tuple[tuple[str, frozenset[str], frozenset[str]], ...] = (
    ("lost by a restart", frozenset({"lost", "deleted"}), frozenset({"same_number"})),
    ("did not answer the submission", frozenset({"lost", "deleted", "unanswered", "error"}), _AWAY),
    ("executes nothing any more", frozenset(), frozenset({"dead_worker", "same_number"})),
    ("is not running", frozenset({"lost"}), _AWAY),
    ("did not answer for", frozenset({"lost"}), _AWAY),
    ("could not be fetched", frozenset({"spoiled", "lost"}), _VIEW),
    ("went away with its outputs", frozenset({"lost"}), _AWAY | _VIEW),
    ("did not take it", frozenset({"lost"}), _AWAY),
    ("OutOfMemoryError", frozenset({"doomed"}), frozenset()),
    ("ValueError: boom", frozenset(), frozenset()),
)
#: Seconds without a turn of the loop after which silence says nothing about a backend.
_LAG = 0.2


@define
class Tally:
    """What a campaign comes to."""

    seeds: int = 0
    jobs: int = 0
    attempts: int = 0
    succeeded: int = 0
    failed: Counter[str] = field(factory=Counter)
    cancelled: int = 0
    outputs: int = 0
    extra: int = 0
    doubled: int = 0
    visits: int = 0
    given_up: Counter[str] = field(factory=Counter)
    faults: Counter[str] = field(factory=Counter)
    incidents: Counter[str] = field(factory=Counter)
    seconds: float = 0.0


async def reckon(night: Night) -> Tally:
    """Stop the services, and assert all of it; returns the figures."""
    stage = night.stage
    hashes = {}
    for host in stage.hosts:
        project = await host.service.dispatcher.projects.get(stage.project)
        await project.follow()
        hashes[host.name] = state_hash(project.tables.pack())
        ours = {h.id for h in stage.hosts}
        assert not any(node.of_host() for node in stage.nodes.values())
        assert ours
    await stage.services.aclose()
    tally = Tally(seeds=1, jobs=len(night.jobs), faults=Counter(night.inflicted))
    judge_log(night, hashes)
    judge_visitors(night, tally)
    Jobs(night, tally).judge()
    judge_files(night)
    for node in stage.nodes.values():
        tally.incidents.update(incident.kind for incident in node.incidents)
        behaves(node)
    return tally


@contextmanager
def _unseen(_: str, __: int) -> Iterator[None]:
    yield None


def judge_log(night: Night, hashes: dict[str, str]) -> None:
    """The log keeps every promise, and tells again the state that each host had."""
    root = night.stage.project
    report = audit(
        root,
        root / ".gallery",
        outputs=True,
        phase=lambda *_: _quiet_phase(),
        now_ms=time.time_ns() // 1_000_000,
    )
    broken = [f for f in report.findings if f.severity is Severity.BROKEN]
    assert not broken, broken
    assert hashes == dict.fromkeys(hashes, report.state_hash)
