"""Output for people: tables, times, progress. Plain text unless it goes to a terminal.

rich is imported only when there is a terminal to draw on.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import click

from events.log.port import HARMLESS, Finding
from events.stamp import Stamp, moment
from orchestrator.wording import number as number
from orchestrator.wording import size as size

#: Work on less than this is over before a bar could be read (bytes).
WORTH_A_BAR = 4 << 20
#: Rows of a table on a terminal, if nobody asked for another number.
ROWS = 40

#: Cells up to this width are never folded.
_SHORT = 12
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    """Text of a log as one line that cannot command a terminal: control characters show a code."""
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def local(value: Stamp) -> str:
    """A stamp's time as people here read it, to the second."""
    utc = moment(value)
    try:
        return utc.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, OSError):  # at the end of all dates
        return utc.strftime("%Y-%m-%d %H:%M:%SZ")


def iso(value: Stamp) -> str:
    """A stamp's time for machines: ISO 8601 in UTC, to the millisecond."""
    return zulu(moment(value))


def zulu(at: datetime) -> str:
    """A time for machines: ISO 8601 in UTC, to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def table(
    title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], limit: int | None = None
) -> None:
    """Print a table; nothing but the title if it has no rows.

    `limit` is the number of rows at the most, 0 for all; None is `ROWS` on a terminal, else all.
    """
    on_terminal = sys.stdout.isatty()
    if limit is None:
        limit = ROWS if on_terminal else 0
    cells = [[clean(cell) for cell in row] for row in rows]
    shown = cells[:limit] if limit else cells
    click.echo(f"\n{title} ({len(cells):,})")
    if shown:
        (_draw if on_terminal else _write)(columns, shown)
    if len(shown) < len(cells):
        click.echo(f"  ... and {len(cells) - len(shown):,} more; --rows 0 shows all")


def _write(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns of equal width, nothing cut."""
    lines = [columns, *rows]
    widths = [max(len(line[at]) for line in lines) for at in range(len(columns))]
    for line in lines:
        padded = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        click.echo(("  " + "  ".join(padded)).rstrip())


def _draw(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """As wide as the terminal, long cells folded. If even that does not fit, as plain text."""
    from rich import box
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    drawn = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    least = 0
    for at, column in enumerate(columns):
        longest = max(cell_len(cell) for cell in (column, *(row[at] for row in rows)))
        # Only long cells give way, so that a number or a name stays in one piece.
        width = min(longest, _SHORT)
        drawn.add_column(column, overflow="fold", no_wrap=longest <= _SHORT, min_width=width)
        least += width + 2
    if least > console.width:
        _write(columns, rows)
        return
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))  # no markup: a file may be named [red]
    console.print(drawn)


def warn_of(findings: Iterable[Finding]) -> None:
    """Say on stderr what of the log was left out."""
    for finding in findings:
        kind = "note" if finding.kind in HARMLESS else "warning"
        told = f"{finding.file}, byte {finding.offset}: {finding.message}"
        click.echo(f"{kind}: left out ({finding.kind.value}): {clean(told)}", err=True)


@contextmanager
def progress(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on stderr while something long runs; gives a function that takes what was done.

    Nothing is shown if stderr is no terminal, or if there is little to do.
    """
    if total < WORTH_A_BAR or not sys.stderr.isatty():
        yield lambda _count: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(binary_units=True),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda count: bar.advance(task, count)
