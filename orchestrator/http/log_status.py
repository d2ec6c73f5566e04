"""How the log of a project is followed: each writer, how far it was read, and what is amiss."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from aiohttp import web
from attrs import field, frozen

from events.log.port import Finding, Peer, WriterSeen
from orchestrator import errors
from orchestrator.follower import Follower
from orchestrator.http.endpoint import endpoint
from orchestrator.http.fields import about
from orchestrator.http.job_views import now
from orchestrator.project import Project
from orchestrator.services import FINDER, PROJECTS

State = Literal[
    "clean",
    "in_flight",
    "abandoned",
    "torn",
    "corrupt",
    "gap",
    "rolled_back",
    "unreadable",
    "foreign",
]


@frozen(kw_only=True, repr=False)
class AskLogStatus:
    """Whose log."""

    project_path: str = field(
        metadata=about("Folder of the project.", aliases=("projectPath",), example="/mnt/nas/Eliot")
    )


@frozen(kw_only=True, repr=False)
class PositionView:
    """Up to where a writer's log was read, or written."""

    sequence: int = field(metadata=about("Its last line; 0 if there is none."))
    segment: int = field(metadata=about("Number of the file in which reading goes on."))
    offset: int = field(metadata=about("Byte at which it goes on there."))


@frozen(kw_only=True, repr=False)
class LagView:
    """How far a writer is ahead of us, by its last heartbeat."""

    records: int
    seconds: float = field(metadata=about("For how long that has been so."))


@frozen(kw_only=True, repr=False)
class WriterView:
    """One incarnation of the service on one host."""

    writer: str
    host: str
    host_name: str | None = field(metadata=about("The machine's name, if it was ever heard."))
    ours: bool = field(metadata=about("Whether its host is this one."))
    current: bool = field(metadata=about("Whether it is this very process."))
    alive: bool = field(metadata=about("Whether it has the project open now."))
    position: PositionView
    state: State = field(
        metadata=about(
            "`clean`: all that is there was read. `abandoned`: so too, but it met write errors and "
            "went on in another file. `in_flight`: the end has not arrived yet. `torn`: it never "
            "will. All others are alarms: reading stands still there, other writers go on."
        )
    )
    message: str
    last_heard: datetime | None = field(
        metadata=about("When it last said or wrote something, as far as this process knows.")
    )
    lag: LagView


@frozen(kw_only=True, repr=False)
class PeerView:
    """A host that has the project open, or had."""

    host: str
    name: str
    url: str | None = field(metadata=about("Where it is told of news; null: it polls."))
    version: str
    alive: bool
    silent_seconds: float


@frozen(kw_only=True, repr=False)
class FindingView:
    """Something in the log's folder that was left out."""

    kind: str
    file: str
    offset: int
    message: str


@frozen(kw_only=True, repr=False)
class FollowView:
    """How the project is followed."""

    pace: Literal["hot", "warm", "cold"]
    last_poll: datetime | None
    took_seconds: float
    silent_seconds: float | None = field(
        metadata=about("How long the share has not answered; null if it does.")
    )
    trouble: str | None = field(metadata=about("Why the last read failed; null if it did not."))
    announced: bool = field(metadata=about("Whether other hosts see that this one is here."))
    public_url: str | None = field(metadata=about("Where they can tell it of news."))


@frozen(kw_only=True, repr=False)
class LogStatus:
    """A project's log as this host sees it."""

    project_id: str | None = field(metadata=about("null: nobody has edited anything yet."))
    read_only: str | None = field(metadata=about("Why nothing can be changed; null if it can."))
    skew_ms: float | None = field(
        metadata=about("How far our clock is ahead of the share's; null if nobody measured it.")
    )
    following: FollowView
    writers: list[WriterView]
    peers: list[PeerView]
    findings: list[FindingView]
    also_at: list[str] = field(
        metadata=about("Other open folders with the same project id: copies of it.")
    )


@endpoint(
    "GET",
    "/api/log/status",
    request=AskLogStatus,
    response=LogStatus,
    tags=("service",),
    errors=(
        errors.PathInvalid,
        errors.PathNotPermitted,
        errors.FileMissing,
        errors.ShareMissing,
        errors.ProjectUnreadable,
    ),
)
async def log_status(request: web.Request, asked: AskLogStatus) -> LogStatus:
    """How a project's log is followed: every writer of every host, and what could not be read."""
    project = await request.app[FINDER].project(asked.project_path)
    projects = request.app[PROJECTS]
    follower = projects.following.of(project.root)
    if follower is None:  # it is being closed
        raise errors.StillOpening
    log = project.log
    return LogStatus(
        project_id=None if log is None else log.project,
        read_only=project.read_only,
        skew_ms=None if project.skew is None else round(project.skew.ahead_ms, 1),
        following=_following(follower, projects.following.url),
        writers=[_writer(follower, seen) for seen in (() if log is None else log.writers())],
        peers=[_peer(peer) for peer in follower.others()],
        findings=[_finding(finding) for finding in project.findings()],
        also_at=_also_at(project, projects.all()),
    )


def _following(follower: Follower, url: str | None) -> FollowView:
    return FollowView(
        pace=follower.pace.value,
        last_poll=_ago(follower.read_ago),
        took_seconds=round(follower.took, 4),
        silent_seconds=None if follower.hangs is None else round(follower.hangs, 1),
        trouble=follower.trouble,
        announced=follower.announced,
        public_url=url,
    )


def _writer(follower: Follower, seen: WriterSeen) -> WriterView:
    peer = follower.heartbeat_of(seen)
    lag = follower.lag(seen)
    heard = [
        each for each in (seen.quiet, None if peer is None else peer.silent) if each is not None
    ]
    return WriterView(
        writer=seen.writer,
        host=seen.host,
        host_name=follower.name_of(seen.host),
        ours=seen.ours,
        current=seen.current,
        alive=seen.current or (peer is not None and peer.alive),
        position=PositionView(
            sequence=seen.position.sequence,
            segment=seen.position.segment,
            offset=seen.position.offset,
        ),
        state=state_of(seen),
        message=seen.message,
        last_heard=now() if seen.current else _ago(min(heard, default=None)),
        lag=LagView(records=lag.records, seconds=round(lag.seconds, 1)),
    )


def state_of(seen: WriterSeen) -> State:
    """How a writer's log stands, in one word. Pure."""
    if seen.tail is not None:
        return seen.tail.value
    return "abandoned" if seen.abandoned else "clean"


def _peer(peer: Peer) -> PeerView:
    beat = peer.beat
    return PeerView(
        host=beat.host,
        name=beat.name,
        url=beat.url,
        version=beat.version,
        alive=peer.alive,
        silent_seconds=round(peer.silent, 1),
    )


def _finding(finding: Finding) -> FindingView:
    return FindingView(
        kind=finding.kind.value, file=finding.file, offset=finding.offset, message=finding.message
    )


def _also_at(project: Project, others: tuple[Project, ...]) -> list[str]:
    log = project.log
    return [
        str(other.root)
        for other in others
        if other is not project
        and log is not None
        and other.log is not None
        and other.log.project == log.project
    ]


def _ago(seconds: float | None) -> datetime | None:
    return None if seconds is None else now() - timedelta(seconds=seconds)
