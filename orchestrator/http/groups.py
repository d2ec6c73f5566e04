"""Endpoints of job groups."""

from __future__ import annotations

from aiohttp import web
from attrs import asdict, field, frozen

from orchestrator import errors
from orchestrator.groups.states import GroupStatus
from orchestrator.http.endpoint import endpoint
from orchestrator.http.fields import about
from orchestrator.http.group_requests import SubmitGroup, group_submission
from orchestrator.http.group_views import GroupSummary, GroupView, group_summary, group_view
from orchestrator.http.middleware import ACTOR
from orchestrator.services import DISPATCHER, GROUPS

TAGS = ("job-groups",)
#: Most bytes of a request: hundreds of graphs.
GROUP_BYTES = 32 << 20

REFUSALS = (
    errors.GroupInvalid,
    errors.GroupCycle,
    errors.GroupJobRefused,
    errors.WorkflowUnknown,
    errors.WorkflowInvalid,
    errors.ParametersInvalid,
    errors.BackendUnknown,
    errors.BackendDisabled,
    errors.CapabilityUnknown,
    errors.JobUnknown,
    errors.PathNotPermitted,
    errors.FileMissing,
    errors.TemplateInvalid,
    errors.ChangeTooLarge,
    errors.ChangeUnsettled,
    errors.LogBusy,
    errors.ProjectReadOnly,
)


@frozen(kw_only=True, repr=False)
class GroupAccepted(GroupView):
    """The group is in the queue, and in the log."""

    message: str


async def _submit(request: web.Request, asked: SubmitGroup) -> GroupAccepted:
    submitted = await request.app[GROUPS].submit(group_submission(asked), request[ACTOR])
    view = group_view(submitted.found, request.app[DISPATCHER].progress)
    message = f"{view.total_count} jobs accepted"
    if not submitted.varied and view.total_count > 1:
        message += "; the workflow has no seed that is free, so all of them render the same"
    return GroupAccepted(**asdict(view, recurse=False), message=message)


@endpoint(
    "POST",
    "/api/job-groups",
    request=SubmitGroup,
    response=GroupAccepted,
    status=201,
    extra="ignore",
    body_limit=GROUP_BYTES,
    tags=TAGS,
    errors=REFUSALS,
)
async def submit_group(request: web.Request, asked: SubmitGroup) -> GroupAccepted:
    """Submit several jobs as one group.

    Either a list of `jobs`; or one workflow, once on each of `backend_ids`; or one workflow,
    `count` times wherever there is room. The latter two deal out seeds, no two alike, to every
    input `seed` and `noise_seed`. All jobs are taken, or none.
    """
    return await _submit(request, asked)


@endpoint(
    "POST",
    "/api/job-group",
    request=SubmitGroup,
    response=GroupAccepted,
    status=201,
    extra="ignore",
    body_limit=GROUP_BYTES,
    tags=TAGS,
    errors=REFUSALS,
)
async def submit_job_group(request: web.Request, asked: SubmitGroup) -> GroupAccepted:
    """Submit several jobs as one group: another name of POST /api/job-groups."""
    return await _submit(request, asked)


@frozen(kw_only=True, repr=False)
class ListGroups:
    """Which groups to list."""

    status: tuple[GroupStatus, ...] = field(
        default=(), metadata=about("Only groups in one of these states; may be repeated.")
    )
    project_path: str | None = field(
        default=None,
        metadata=about("Only groups of this project.", aliases=("projectPath", "project")),
    )
    limit: int = field(default=50, metadata=about("Groups on a page.", ge=1, le=500))
    offset: int = field(default=0, metadata=about("Groups to pass over.", ge=0))


@frozen(kw_only=True, repr=False)
class GroupList:
    """A page of groups, newest first, without their jobs."""

    success: bool = True
    job_groups: list[GroupSummary]
    total: int = field(metadata=about("Groups on all pages."))
    limit: int
    offset: int


@endpoint(
    "GET",
    "/api/job-groups",
    request=ListGroups,
    response=GroupList,
    tags=TAGS,
    errors=(errors.PathNotPermitted, errors.FileMissing),
)
async def list_groups(request: web.Request, asked: ListGroups) -> GroupList:
    """List groups of jobs, newest first."""
    page, total = await request.app[GROUPS].page(
        status=frozenset(asked.status) or None,
        project_path=asked.project_path,
        offset=asked.offset,
        limit=asked.limit,
    )
    return GroupList(
        job_groups=[group_summary(each) for each in page],
        total=total,
        limit=asked.limit,
        offset=asked.offset,
    )


@frozen(kw_only=True, repr=False)
class OneGroup:
    """Which group."""

    job_group_id: str


@endpoint(
    "GET",
    "/api/job-groups/{job_group_id}",
    request=OneGroup,
    response=GroupView,
    tags=TAGS,
    errors=(errors.GroupUnknown, errors.StillOpening),
)
async def get_group(request: web.Request, asked: OneGroup) -> GroupView:
    """Look at a group and its jobs."""
    return group_view(request.app[GROUPS].get(asked.job_group_id), request.app[DISPATCHER].progress)


@frozen(kw_only=True, repr=False)
class GroupCancelled(GroupView):
    """The group as it is now; nothing of it will begin any more."""

    cancelled: bool = field(default=True, metadata=about("Always true: it does not go on."))
    interrupted: int = field(metadata=about("Jobs that are being stopped because of this request."))
    already_complete: int = field(metadata=about("Jobs that had ended before."))


async def _cancel(request: web.Request, asked: OneGroup) -> GroupCancelled:
    stopped = await request.app[GROUPS].cancel(asked.job_group_id, request[ACTOR])
    view = group_view(stopped.found, request.app[DISPATCHER].progress)
    return GroupCancelled(
        **asdict(view, recurse=False),
        interrupted=stopped.interrupted,
        already_complete=stopped.already_complete,
    )


CANCEL_REFUSALS = (
    errors.GroupUnknown,
    errors.StillOpening,
    errors.LogBusy,
    errors.ChangeUnsettled,
    errors.ProjectReadOnly,
)


@endpoint(
    "DELETE",
    "/api/job-groups/{job_group_id}",
    request=OneGroup,
    response=GroupCancelled,
    tags=TAGS,
    errors=CANCEL_REFUSALS,
)
async def delete_group(request: web.Request, asked: OneGroup) -> GroupCancelled:
    """Cancel a group: all of its jobs that have not ended. What they made is kept."""
    return await _cancel(request, asked)


@endpoint(
    "POST",
    "/api/job-groups/{job_group_id}/cancel",
    request=OneGroup,
    response=GroupCancelled,
    tags=TAGS,
    errors=CANCEL_REFUSALS,
)
async def cancel_group(request: web.Request, asked: OneGroup) -> GroupCancelled:
    """Cancel a group: all of its jobs that have not ended.

    It is `cancelled` at once. Its jobs are when their backends have let go of them; one that was
    about to finish may still succeed, and `completed_at` stands when the last one has ended.
    """
    return await _cancel(request, asked)
