"""What somebody asks for who submits a group: a list of jobs, or one workflow several times. Pure.

Jobs of a list may name each other by keys: in `after`, and as the job whose output they take.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import evolve, field, frozen

from orchestrator.errors import GroupCycle, GroupInvalid
from orchestrator.groups.seeds import SeedStrategy
from orchestrator.jobs import Submission

#: Jobs of one group.
MOST_JOBS = 500


@frozen(kw_only=True)
class ListedJob:
    """One job in the list of a group."""

    asked: Submission
    #: The name by which others in the list may call it.
    key: str | None = None


@frozen(kw_only=True)
class GroupSubmission:
    """A group as it is asked for. Exactly one of `jobs`, `backend_ids` and `count` is set."""

    #: The workflow of all jobs, and what holds for all; for a list, only the latter.
    common: Submission
    jobs: tuple[ListedJob, ...] | None = None
    #: One job for each of these, so that a backend named twice gets two.
    backend_ids: tuple[str, ...] | None = None
    #: So many jobs, wherever there is room.
    count: int | None = None
    #: None is `random`.
    seed_strategy: SeedStrategy | None = None
    #: None is drawn.
    base_seed: int | None = None
    metadata: Mapping[str, Any] = field(factory=dict)

    def check(self) -> None:
        """Refuse what is no group, or none that can be understood.

        Raises:
            GroupInvalid: it is described in no way or in several, or keys are given twice.
        """
        forms = {"jobs": self.jobs, "backend_ids": self.backend_ids, "count": self.count}
        sent = [name for name, value in forms.items() if value is not None]
        if len(sent) != 1:
            said = " and ".join(sent) or "none of jobs, backend_ids and count"
            raise GroupInvalid(f"{said} came; one of them is needed.")
        if self.jobs is None:
            return
        if self.common.workflow_id is not None or self.common.graph is not None:
            raise GroupInvalid(
                "each of its jobs has a workflow of its own; leave out the common one."
            )
        if self.seed_strategy is not None or self.base_seed is not None:
            raise GroupInvalid("seeds are dealt out with backend_ids or count, not to a list.")
        keys = [job.key for job in self.jobs if job.key is not None]
        if twice := [key for key in dict.fromkeys(keys) if keys.count(key) > 1]:
            raise GroupInvalid(f"the key {twice[0]!r} stands at {keys.count(twice[0])} jobs.")

    @property
    def first_seed(self) -> int | None:
        """The base seed as it was given, if it was: the parameter `seed` means it too."""
        if self.base_seed is not None:
            return self.base_seed
        seed = self.common.parameters.get("seed")
        return seed if isinstance(seed, int) and not isinstance(seed, bool) else None

    def project_paths(self) -> list[str]:
        """All project folders that it names, each once; they should be one."""
        listed = [job.asked.project_path for job in self.jobs or ()]
        return list(dict.fromkeys(path for path in (self.common.project_path, *listed) if path))


def merged(common: Submission, own: Submission) -> Submission:
    """A job of a list, with what holds for all jobs where it says nothing itself."""
    return evolve(
        own,
        parameters={**common.parameters, **own.parameters},
        metadata={**common.metadata, **own.metadata},
        capabilities=tuple(dict.fromkeys((*common.capabilities, *own.capabilities))),
        naming_template=own.naming_template or common.naming_template,
        timeout_seconds=own.timeout_seconds or common.timeout_seconds,
        priority=own.priority or common.priority,
        held=own.held or common.held,
        not_before=own.not_before or common.not_before,
        after=(*common.after, *own.after),
        webhook=own.webhook or common.webhook,
    )


def in_turn(jobs: Sequence[ListedJob]) -> list[int]:
    """Places in the list, so that each job comes after those that it waits for.

    Raises:
        GroupCycle: some wait for each other.
    """
    places = {job.key: place for place, job in enumerate(jobs) if job.key is not None}
    waits = {
        place: [places[key] for key in _named(job.asked, places)] for place, job in enumerate(jobs)
    }
    done: dict[int, None] = {}
    for start in waits:
        # A walk from job to the first job that it still waits for, and back when there is none.
        way = [] if start in done else [start]
        while way:
            open_ = next((place for place in waits[way[-1]] if place not in done), None)
            if open_ is None:
                done[way.pop()] = None
            elif open_ in way:
                circle = way[way.index(open_) :]
                raise GroupCycle(tuple(jobs[place].key or "" for place in circle))
            else:
                way.append(open_)
    return list(done)


def with_ids(asked: Submission, ids: Mapping[str, str]) -> Submission:
    """The job with the ids of those that it calls by their keys."""
    return evolve(
        asked,
        after=tuple(ids.get(name, name) for name in asked.after),
        parameters={name: _called(value, ids) for name, value in asked.parameters.items()},
    )


def _named(asked: Submission, keys: Iterable[str | None]) -> list[str]:
    """The keys that a job calls others by, each once."""
    outputs = [_job_of(value) for value in asked.parameters.values()]
    names = [name for name in (*asked.after, *outputs) if name is not None]
    known = set(keys)
    return [name for name in dict.fromkeys(names) if name in known]


def _job_of(value: object) -> str | None:
    """The job whose output a parameter means, as `job:<job>:<n>` or `{"job": ..., "output": n}`."""
    match value:
        case {"job": str() as job}:
            return job
        case str() if value.startswith("job:"):
            return value.removeprefix("job:").rpartition(":")[0] or None
        case _:
            return None


def _called(value: Any, ids: Mapping[str, str]) -> Any:
    job = _job_of(value)
    if job is None or job not in ids:
        return value
    if isinstance(value, dict):
        return {**value, "job": ids[job]}
    return f"job:{ids[job]}:{value.rpartition(':')[2]}"
