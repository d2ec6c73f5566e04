"""A log of every type of event, to be damaged, and the judgement of what was read of it.

Nothing false is ever read, and no damage stays unnoticed. Noticed means: a reader has a finding,
be it one that means "not yet". Two kinds of bytes are none that a reader could miss:

- what a later segment has settled (FORMAT.md R4): the seal of a segment that is followed by
  another, half a line that its writer left, lines that stand in the next segment once more. No
  record hangs on them. The audit looks at such seals all the same.
- the end of the last segment, cut off just behind a line: that cannot be told from a log whose
  writer has written no more yet. Marks of other hosts tell it, not bytes.
"""

from __future__ import annotations

from events.codec import draft
from events.log.frame import Header
from events.log.port import Finding
from tests.events.samples import one_of_each
from tests.log.builders import Builder, by_writer, drafts, flat, merged, reader


def damaged_log() -> Builder:
    """Every type of event, single and in transactions, in five segments, sealed at the end.

    The third was left with half a line; the fourth too, and its last lines stand twice.
    """
    log = Builder()
    events = one_of_each()
    half = len(events) // 2
    log.add(*[draft([event], "mara", "c-1") for event in events[:half]])
    log.roll()
    log.add(draft(events[half:], "jon"), *drafts(2))
    log.roll()
    log.add(*drafts(3))
    log.raw(b'{"s":')
    log.open()
    log.add(*drafts(3))
    log.repeat(2)
    log.add(draft([*events[:2]], "mara"), *drafts(2))
    log.seal(None)
    return log


def judge(log: Builder, other: Builder, damaged: dict[str, bytes], case: object) -> None:
    """Nothing raised, nothing false, nothing left out in silence, the other writer untouched.

    And once the damage is repaired, or what was in flight has arrived, all is read.
    """
    files = {**merged(log, other), **damaged}
    following = reader(files)
    read = by_writer(flat(following.read()))
    mine = read.get(log.who, [])

    assert read[other.who] == other.records, case
    assert set(read) <= {log.who, other.who}, case
    assert mine == log.records[: len(mine)], case
    noticed = bool(following.findings()) or cut_at_a_line_end(log, files)
    if len(mine) < len(log.records):
        assert noticed, case
    assert noticed or all(settled(log, name, data) for name, data in damaged.items()), case
    files.update(log.files)
    assert mine + flat(following.read()) == log.records, case
    # What stood behind a seal, or was passed over, is remembered; nobody looks there again.
    assert [f for f in following.findings() if not _is_passed(f)] == [], case


def _is_passed(finding: Finding) -> bool:
    return "behind the seal" in finding.message or "passed over" in finding.message


def cut_at_a_line_end(log: Builder, files: dict[str, bytes]) -> bool:
    """Whether the last segment just ends earlier: that cannot be told from a log that ended."""
    name = log.name()
    return log.files[name].startswith(files[name]) and files[name].endswith(b"\n")


def settled(log: Builder, name: str, damaged: bytes) -> bool:
    """Whether a file is as it was up to where a later segment goes on (FORMAT.md R4)."""
    names = list(log.files)
    needed = log.files[name]
    if name != names[-1]:
        here, there = (
            Header.decode(log.files[file].partition(b"\n")[0])
            for file in (name, names[names.index(name) + 1])
        )
        lines = needed.splitlines(keepends=True)
        needed = b"".join(lines[: 1 + there.base - here.base])
    return damaged.startswith(needed)
