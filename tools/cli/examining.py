"""What `orchestrator doctor` does: examine with a bar, and print the report."""

from __future__ import annotations

import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click
import orjson

from orchestrator.wording import number
from tools.cli.lazy import Refusal
from tools.cli.place import gallery_of
from tools.cli.terminal import clean, table
from tools.doctor.calling import NobodyCalledError, assist
from tools.doctor.checks import Check, Verdict, worst
from tools.doctor.examination import Examination, Telling
from tools.doctor.share import Share

#: How long an assistant waits for an examination to begin (seconds).
WAIT = 600.0
#: As shells report what was ended by SIGTERM.
_TERMINATED = 143


def examine(project: Path, *, seconds: float, peers: tuple[str, ...], machine: bool) -> int:
    """Examine a project's share and print the report; the exit code.

    Raises:
        FileMissing: there is no such folder.
    """
    root, gallery = gallery_of(project)
    examination = Examination(root, gallery, seconds, peers)
    try:
        with _ended_in_order(), _bar() as telling:
            checks = examination.run(telling)
    except BaseException:
        if examination.left_behind is not None:
            click.echo(f"left behind: {examination.left_behind}", err=True)
        raise
    if machine:
        click.echo(_document(root, checks))
    else:
        _show(root, checks)
    return 1 if worst(checks) is Verdict.BAD else 0


def assist_elsewhere(project: Path) -> None:
    """Be the second host of one examination.

    Raises:
        FileMissing: there is no such folder.
        Refusal: no examination began.
    """
    root, gallery = gallery_of(project)
    click.echo(f"Waits for `orchestrator doctor` on another host, about {clean(str(root))}")
    try:
        with _ended_in_order():
            assist(
                gallery,
                Share(),
                threading.Event(),
                patience=WAIT,
                called=lambda: click.echo("It has begun."),
            )
    except NobodyCalledError as exc:
        remedy = "Run `orchestrator doctor` on another host while this waits."
        raise Refusal(f"Nothing was measured: {exc}.", remedy) from exc
    click.echo("It is over.")


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """SIGTERM, too, lets us remove what was written."""

    def leave(_number: int, _frame: FrameType | None) -> None:
        sys.exit(_TERMINATED)

    before = signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _bar() -> Iterator[Telling]:
    """A bar on stderr that shows which check runs, if that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _label, _at, _of: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda label, at, of: bar.update(task, description=label, completed=at, total=of)


def _document(root: Path, checks: list[Check]) -> bytes:
    return orjson.dumps(
        {
            "folder": str(root),
            "host": socket.gethostname(),
            "verdict": worst(checks).value,
            "checks": [
                {
                    "name": check.name,
                    "verdict": check.verdict.value,
                    "measured": check.measured,
                    "expected": check.expected,
                    "remedy": check.remedy,
                    "figures": dict(check.figures),
                }
                for check in checks
            ],
        },
        option=orjson.OPT_INDENT_2,
    )


def _show(root: Path, checks: list[Check]) -> None:
    click.echo(f"Examined {clean(str(root))} from {socket.gethostname()}")
    rows = [(_word(c.verdict), c.name, c.measured, c.expected or "-") for c in checks]
    table("Checks", ("verdict", "check", "measured", "expected"), rows, limit=0)
    changes = [(_word(c.verdict), c.name, c.remedy) for c in checks if c.remedy]
    if changes:
        table("What to do", ("verdict", "check", "do"), changes, limit=0)
    click.echo(f"\n{_sum(checks)}")


def _word(verdict: Verdict) -> str:
    return "BAD" if verdict is Verdict.BAD else verdict.value


def _sum(checks: list[Check]) -> str:
    bad, warn = (sum(c.verdict is v for c in checks) for v in (Verdict.BAD, Verdict.WARN))
    if bad:
        return f"{number(bad, 'check')} bad, {number(warn, 'warning')}."
    return f"All holds, with {number(warn, 'warning')}." if warn else "All holds."
