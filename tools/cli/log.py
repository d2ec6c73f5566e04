"""`orchestrator log`: reading a project's log, and undoing edits. Only `undo` writes.

What a command needs is imported when it runs, so that `--help` is there at once.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from tools.cli.arguments import SUBSET, TIME, config_option, json_option, project_argument
from tools.cli.spans import TIME_OR_AGO

#: Where a job may stand; written here so that `--help` needs no projection.
STATUSES = (
    *("queued", "submitted", "running", "collecting"),
    *("cancelling", "succeeded", "failed", "cancelled"),
)


@click.group()
def log() -> None:
    """Read a project's log: replay, history, jobs, audit, cat.

    PROJECT is a project's folder, or the .gallery folder in it. All commands but undo, repair
    and skip only read; they create nothing, and may run while services write.
    """


@log.command()
@project_argument
@click.option(
    "--at",
    type=TIME,
    metavar="TIME",
    help="The state as it was then: 2026-05-01T14:30, local unless it ends in a zone.",
)
@json_option("Everything as one JSON document.")
@click.option(
    "--rows",
    type=click.IntRange(0),
    metavar="N",
    help="Rows of each table; 0 is all. By default 40 on a terminal, else all.",
)
def replay(project: Path, at: datetime | None, machine: bool, rows: int | None) -> None:
    """Show the state that the log tells, now or at a time.

    The log is read from its begin, whatever checkpoints there are. What had to be left out is
    said on stderr; the state then holds all the rest.
    """
    from tools.cli import replay as command

    command.replay(project, at, machine=machine, rows=rows)


@log.command()
@project_argument
@click.argument("path", required=False)
@click.option("--job", metavar="ID", help="Only what happened to this job.")
@click.option("--actor", metavar="WHO", help="Only what this person or program did.")
@click.option("--since", type=TIME, metavar="TIME", help="Only from this time on.")
@json_option("JSON lines, with all details.")
def history(
    project: Path,
    path: str | None,
    job: str | None,
    actor: str | None,
    since: datetime | None,
    machine: bool,
) -> None:
    """Show who changed what, when, from what to what.

    One line per change, oldest first, over all hosts. PATH is a file or a folder, relative to
    the project: of a file, everything is shown that was ever done to it, under whatever name.
    """
    from tools.cli import history as command

    command.history(project, path, job=job, actor=actor, since=since, machine=machine)


@log.command()
@click.argument("project", type=click.Path(path_type=Path), default=".")
@click.option("--failed", is_flag=True, help="Only jobs that failed; as --status failed.")
@click.option(
    "--status",
    "statuses",
    type=click.Choice(STATUSES),
    metavar="STATUS",
    multiple=True,
    help=f"Only jobs that stand there; may be repeated. {', '.join(STATUSES)}.",
)
@click.option(
    "--since",
    type=TIME_OR_AGO,
    metavar="TIME",
    help="Only jobs that ended since then, or are open: 2h, 3d, 2026-11-25, 2026-11-25T22:00.",
)
@click.option("--until", type=TIME_OR_AGO, metavar="TIME", help="Only up to then.")
@click.option("--backend", metavar="ID", help="Only jobs that were tried there.")
@click.option("--actor", metavar="WHO", help="Only what this person or program submitted.")
@click.option(
    "--rows",
    type=click.IntRange(0),
    metavar="N",
    help="Rows of the table; 0 is all. By default 40 on a terminal, else all.",
)
@json_option("JSON lines, with all details.")
def jobs(
    project: Path,
    failed: bool,
    statuses: tuple[str, ...],
    since: datetime | None,
    until: datetime | None,
    backend: str | None,
    actor: str | None,
    rows: int | None,
    machine: bool,
) -> None:
    """Show the jobs of a project, newest first, and why they failed.

    PROJECT is the working directory if it is left out. The time of a job is that of its end, or
    of its order while it is open; its seconds run from one to the other, or until now.
    """
    from tools.cli import jobs as command

    wanted = command.Wanted(
        statuses=frozenset((*statuses, "failed") if failed else statuses),
        since=since,
        until=until,
        backend=backend,
        actor=actor,
    )
    command.jobs(project, wanted, machine=machine, rows=rows)


@log.command()
@project_argument
@click.argument("job")
@json_option("Everything as one JSON document.")
def why(project: Path, job: str, machine: bool) -> None:
    """Tell in sentences what happened to a job, and why it stands where it does.

    Who submitted it, what it waited for, each attempt and why it ended, what came late, where its
    files are, and what comes next if it is open. JOB is its id, or the begin of it if no other
    job's id begins like that.
    """
    from tools.cli import why as command

    command.why(project, job, machine=machine)


@log.command()
@project_argument
@click.option("--files", is_flag=True, help="Read the outputs of all jobs, and compare them too.")
@click.option("--notes", is_flag=True, help="Show all notes, not only the first 20.")
@json_option("Everything as one JSON document.")
@click.pass_context
def audit(ctx: click.Context, project: Path, files: bool, notes: bool, machine: bool) -> None:
    """Check every promise of the log's format.

    Every segment is read byte by byte, and the log is folded in two orders. Each promise of
    events/FORMAT.md is shown by its id as held, broken, or not checkable from bytes; each finding
    with its file and byte, what is lost, and what to do. Nothing is written.

    Exit codes: 0 all held, 1 something is broken, 2 it could not be audited.
    """
    from tools.cli import audit as command

    ctx.exit(command.audit(project, files=files, notes=notes, machine=machine))


@log.command()
@project_argument
@click.option(
    "--subset",
    type=SUBSET,
    metavar="I/N",
    help="Only every Nth log, beginning with the Ith: a large project in N parts.",
)
@config_option
@json_option("Everything as one JSON document.")
@click.pass_context
def verify(
    ctx: click.Context,
    project: Path,
    subset: tuple[int, int] | None,
    config: Path | None,
    machine: bool,
) -> None:
    """See whether everything is there that was ever recorded.

    Chains, seals and forks; what other hosts have marked as read; and this host's own copy. It
    says which lines are missing, and whether this host can put them back. It is quicker than
    audit, which checks every promise of the format. Nothing is written.

    Exit codes: 0 all is there, 1 something is missing or was changed, 2 it could not be verified.
    """
    from tools.cli import verify as command

    ctx.exit(command.verify(project, subset, config, machine=machine))


@log.command()
@project_argument
@click.option("--dry-run", is_flag=True, help="Only tell what would be done; write nothing.")
@config_option
@json_option("The outcome as one JSON document.")
@click.pass_context
def repair(
    ctx: click.Context, project: Path, dry_run: bool, config: Path | None, machine: bool
) -> None:
    """Put back lines that the share has lost, from this host's copy.

    They are written into new files; what is there is never touched. It may run while services
    work on the project, and on several hosts: each puts back what it has, and what stands twice
    counts once.

    Exit codes: 0 nothing is missing any more, 1 something still is, 2 it could not be done.
    """
    from tools.cli import repair as command

    ctx.exit(command.repair(project, config, dry_run=dry_run, machine=machine))


@log.command()
@project_argument
@click.argument("writer")
@click.argument("line", type=click.IntRange(1))
@click.option("--dry-run", is_flag=True, help="Only tell what would be given up; write nothing.")
@click.option("--actor", "person", metavar="WHO", help="In whose name; by default who you are.")
@config_option
@click.pass_context
def skip(
    ctx: click.Context,
    project: Path,
    writer: str,
    line: int,
    dry_run: bool,
    person: str | None,
    config: Path | None,
) -> None:
    """Give up lines that nobody can read any more, for ever and on all hosts.

    WRITER is a log as verify names it, LINE the first line that is missing there. All hosts then
    read on behind the damage. What was in these lines stays lost, even if it turns up again: so
    first run repair on each host, and look into the backups.

    Exit codes: 0 they are given up, 2 it could not be done.
    """
    from tools.cli import skip as command

    ctx.exit(command.skip(project, writer, line, config, person=person, dry_run=dry_run))


@log.command()
@project_argument
@click.option("--merge", is_flag=True, help="In the order of their stamps, over all writers.")
def cat(project: Path, merge: bool) -> None:
    """Print the log's lines as they are.

    Only lines that count are printed, each once: JSON, one event or transaction a line, ready
    for jq. Without --merge they come writer by writer. What was left out is said on stderr.
    """
    from tools.cli import cat as command

    command.cat(project, merge=merge)


@log.command()
@project_argument
@click.option("--from", "since", type=TIME, metavar="TIME", required=True, help="The earlier time.")
@click.option("--to", "until", type=TIME, metavar="TIME", help="The later one; now if left out.")
@json_option("JSON lines.")
def diff(project: Path, since: datetime, until: datetime | None, machine: bool) -> None:
    """Show what differs between two times.

    One line for each thing that is not as it was: ratings, tags, notes, files that were moved,
    trashed, restored or deleted, tags and views. What was changed and changed back is not shown.
    """
    from tools.cli import diff as command

    command.diff(project, since, until, machine=machine)


@log.command()
@project_argument
@click.option("--id", "edit", metavar="ID", help="One edit, by its stamp in history --json.")
@click.option("--batch", metavar="ID", help="All of a batch; that of an undo makes the redo.")
@click.option("--by", "actor", metavar="ACTOR", help="All by somebody, with --from and --to.")
@click.option("--from", "since", type=TIME, metavar="TIME", help="For --by: the first moment.")
@click.option("--to", "until", type=TIME, metavar="TIME", help="For --by: the last moment.")
@click.option("--dry-run", is_flag=True, help="Only tell what would be done; write nothing.")
@click.option("--force", is_flag=True, help="Undo also what later edits have built upon.")
@click.option("--actor", "person", metavar="WHO", help="In whose name; by default who you are.")
@click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="Configuration file of the service on this computer; by default config.yaml in the "
    "working directory, if it is there.",
)
@json_option("The outcome as one JSON document.")
@click.pass_context
def undo(
    ctx: click.Context,
    project: Path,
    edit: str | None,
    batch: str | None,
    actor: str | None,
    since: datetime | None,
    until: datetime | None,
    dry_run: bool,
    force: bool,
    person: str | None,
    config: Path | None,
    machine: bool,
) -> None:
    """Undo one edit, a batch, or all that somebody did in a span of time.

    Edits that later ones have built upon are left alone and listed, unless --force is given. It
    may run while services work on the project; but while one runs on this computer, files are
    moved by that one only, and must be brought back through it.

    Exit codes: 0 all was undone, 1 something was left alone, 2 it could not be done.
    """
    given = [name for name in (edit, batch, actor) if name is not None]
    if len(given) != 1 or (actor is None) != (since is None) or (actor is None) != (until is None):
        raise click.UsageError("Name one of --id, --batch, and --by with --from and --to.")
    from orchestrator.gallery.past.selecting import Selection
    from tools.cli import undo as command

    wanted = Selection(id=edit, batch=batch, actor=actor, since=since, until=until)
    ctx.exit(
        command.undo(
            project, wanted, config, person=person, dry_run=dry_run, force=force, machine=machine
        )
    )
