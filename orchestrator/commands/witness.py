"""What a host tells of the logs that it has read, and which lines people give up. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import frozen

from events.witness import LogGap, LogMarked
from projections.project import ProjectView
from projections.witness import Head, gap_of, gaps, witnessed

#: So many heads fit well into one line; what is left is told by the next mark.
MOST_HEADS = 1_000


@frozen(kw_only=True)
class MarkHeads:
    """Tell how far this host has read all others' logs."""

    host: str
    #: Per `writer.host`, the last line that was read.
    heads: Mapping[str, Head]

    def keys(self) -> tuple[str, ...]:
        """What it changes."""
        return (f"mark:{self.host}",)


@frozen(kw_only=True)
class GiveUpLines:
    """Have all hosts pass over lines of a log that nobody can read any more."""

    gap: LogGap

    def keys(self) -> tuple[str, ...]:
        """What it changes."""
        return (f"gap:{self.gap.log}",)


def give_up_lines(view: ProjectView, command: GiveUpLines) -> list[object]:
    """The same gap is told once."""
    log, first, behind = gap_of(command.gap)
    known = gaps(view.tables).get(log, ())
    is_known = any((gap.first, gap.behind) == (first, behind) for gap in known)
    return [] if is_known else [command.gap]


def mark_heads(view: ProjectView, command: MarkHeads) -> list[object]:
    """Only what has moved since this host's last mark is told; nothing if nothing has."""
    known = witnessed(view.tables)
    moved = {}
    for log, head in sorted(command.heads.items()):
        before = known[log].of(command.host) if log in known else None
        if head.sequence and (before is None or head.sequence > before.sequence):
            moved[log] = [head.sequence, head.chain]
        if len(moved) == MOST_HEADS:
            break
    return [LogMarked(host=command.host, heads=moved)] if moved else []
