"""What a client sends who submits a group of jobs, and what it asks for."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from attrs import field, frozen

from orchestrator import errors
from orchestrator.comfyui.parameters import SEED_END
from orchestrator.groups.asking import MOST_JOBS, GroupSubmission, ListedJob
from orchestrator.groups.seeds import SeedStrategy
from orchestrator.http.fields import about
from orchestrator.http.jobs import SubmitJob, submission
from orchestrator.jobs import Submission


@frozen(kw_only=True, repr=False)
class GroupJob(SubmitJob):
    """One job in the list of a group."""

    key: str | None = field(
        default=None,
        metadata=about(
            "A name for it: others in the list may say it in `after`, or in a parameter as "
            "`job:<key>:<n>`, the n-th file that it makes.",
            pattern=r"[\w.-]{1,100}",
            example="upscale",
        ),
    )


@frozen(kw_only=True, repr=False)
class SubmitGroup:
    """A group of jobs. One of `jobs`, `backend_ids` and `count` is needed.

    With `jobs`, the other fields hold for all of them where a job says nothing itself.
    """

    jobs: tuple[GroupJob, ...] | None = field(
        default=None,
        metadata=about(
            "The jobs, each as POST /api/job takes it.", min_length=1, max_length=MOST_JOBS
        ),
    )
    backend_ids: tuple[str, ...] | None = field(
        default=None,
        metadata=about(
            "The workflow runs once on each of these; on one named twice, twice.",
            min_length=1,
            max_length=MOST_JOBS,
            example=["beast", "node-2"],
        ),
    )
    count: int | None = field(
        default=None,
        metadata=about(
            "The workflow runs so many times, wherever there is room.", ge=1, le=MOST_JOBS
        ),
    )
    workflow_id: str | None = field(
        default=None,
        metadata=about("Name of a file in `workflows_dir`, without `.json`.", example="flux_dev"),
    )
    workflow_json: dict[str, Any] | None = field(
        default=None,
        metadata=about("A graph in ComfyUI's API format.", aliases=("workflow",)),
    )
    parameters: dict[str, Any] = field(
        factory=dict,
        metadata=about(
            "As for POST /api/job. `seed` is the base seed; a seed that is set by `node:input` or "
            "by an exposed name is left as it is.",
            example={"prompt": "cinematic shot"},
        ),
    )
    seed_strategy: SeedStrategy | None = field(
        default=None,
        metadata=about("How the seeds follow from the base seed; random without it."),
    )
    base_seed: int | None = field(
        default=None,
        metadata=about(
            "The first seed; drawn if there is none.", ge=0, le=SEED_END - 1, example=42
        ),
    )
    metadata: dict[str, Any] = field(
        factory=dict,
        metadata=about(
            "Kept with the group and its jobs, as for POST /api/job.",
            example={"panel_id": "Panel_01"},
        ),
    )
    project_path: str | None = field(
        default=None,
        metadata=about(
            "Folder of the project; else the current project, else the host's own.",
            aliases=("projectPath",),
        ),
    )
    required_capabilities: tuple[str, ...] = field(
        default=(), metadata=about("A backend must have all of these.", example=["flux"])
    )
    naming_template: str | None = field(
        default=None,
        metadata=about(
            "Where outputs go, below the project.",
            example="{panel}/{project}_{panel}_v{version}",
        ),
    )
    timeout_seconds: float | None = field(
        default=None,
        metadata=about(
            "How long one attempt of one job may take; without it there is no limit.",
            ge=30,
            le=3600,
        ),
    )
    priority: int = field(
        default=0,
        metadata=about("Among the jobs of one person, higher goes first.", ge=-100, le=100),
    )
    held: bool = field(
        default=False, metadata=about("Wait until somebody releases them.", aliases=("hold",))
    )
    not_before: datetime | None = field(
        default=None,
        metadata=about("Wait until this moment.", example="2026-11-25T22:00:00Z"),
    )
    after: tuple[str, ...] = field(
        default=(),
        metadata=about("Ids of jobs that must have succeeded before any of these begins."),
    )
    webhook: str | None = field(
        default=None,
        metadata=about("An address that is told of the end of each job."),
    )


def group_submission(asked: SubmitGroup) -> GroupSubmission:
    """What a request asks for.

    Raises:
        WorkflowInvalid: neither or both of a name and a graph were sent for a job.
    """
    if asked.jobs is None and (asked.workflow_id is None) == (asked.workflow_json is None):
        raise errors.WorkflowInvalid("send either workflow_id, or workflow_json (or workflow)")
    named = asked.metadata.get("project_path") or asked.metadata.get("projectPath")
    common = Submission(
        workflow_id=asked.workflow_id,
        graph=asked.workflow_json,
        parameters=asked.parameters,
        metadata=asked.metadata,
        capabilities=asked.required_capabilities,
        naming_template=asked.naming_template,
        project_path=asked.project_path or (named if isinstance(named, str) else None),
        timeout_seconds=asked.timeout_seconds,
        priority=asked.priority,
        held=asked.held,
        not_before=asked.not_before,
        after=asked.after,
        webhook=asked.webhook,
    )
    return GroupSubmission(
        common=common,
        jobs=None if asked.jobs is None else _all_listed(asked.jobs),
        backend_ids=asked.backend_ids,
        count=asked.count,
        seed_strategy=asked.seed_strategy,
        base_seed=asked.base_seed,
        metadata=asked.metadata,
    )


def _all_listed(jobs: tuple[GroupJob, ...]) -> tuple[ListedJob, ...]:
    return tuple(_listed(index, job) for index, job in enumerate(jobs))


def _listed(index: int, job: GroupJob) -> ListedJob:
    try:
        return ListedJob(asked=submission(job), key=job.key)
    except errors.Invalid as exc:
        raise errors.GroupJobRefused(exc, index, job.key) from exc
