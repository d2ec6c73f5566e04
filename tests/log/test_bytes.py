"""Whole lines in the wrong place: deleted, doubled, swapped, forged, in files of other names."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path

import orjson
import pytest
from attrs import evolve

from events import codec
from events.log.format_file import NAME
from events.log.frame import Header, Seal
from events.log.port import Tail
from events.log.segments import SegmentName
from tests.log.builders import (
    MS,
    PROJECT,
    Builder,
    by_writer,
    drafts,
    merged,
    read_all,
    writer_name,
)
from tests.log.damage import damaged_log, judge
from tools.audit.report import audit

#: File and number of a line.
Place = tuple[str, int]


@pytest.fixture(scope="module")
def log() -> Builder:
    """The log that is damaged."""
    return damaged_log()


@pytest.fixture(scope="module")
def other() -> Builder:
    """A log beside it, which stays whole."""
    log = Builder(2, "host-b")
    log.add(*drafts(40))
    return log


def lines_of(data: bytes) -> list[bytes]:
    """The lines of a file, each with its end."""
    return data.splitlines(keepends=True)


def places(log: Builder) -> list[Place]:
    """Every line of every file, headers and seals too."""
    return [(name, n) for name, data in log.files.items() for n in range(len(lines_of(data)))]


def test_each_line_deleted(log: Builder, other: Builder) -> None:
    """Headers, records, seals (FORMAT.md R1, R2)."""
    for name, n in places(log):
        lines = lines_of(log.files[name])
        judge(log, other, {name: b"".join(lines[:n] + lines[n + 1 :])}, (name, n))


def test_each_line_doubled(log: Builder, other: Builder) -> None:
    """Right behind itself (FORMAT.md R1, R2)."""
    for name, n in places(log):
        lines = lines_of(log.files[name])
        judge(log, other, {name: b"".join(lines[: n + 1] + lines[n:])}, (name, n))


def test_each_line_once_more_at_the_end(log: Builder, other: Builder) -> None:
    """Behind a seal, or where the next record would stand (FORMAT.md R1, R2, L6)."""
    for name, n in places(log):
        data = log.files[name]
        judge(log, other, {name: data + lines_of(data)[n]}, (name, n))


def _swapped(log: Builder, other: Builder, pairs: Iterable[tuple[Place, Place]]) -> None:
    for (one, n), (two, m) in pairs:
        changed = {name: lines_of(log.files[name]) for name in (one, two)}
        changed[one][n], changed[two][m] = changed[two][m], changed[one][n]
        if changed[one][n] == changed[two][m]:
            continue  # a line that was written twice
        judge(log, other, {k: b"".join(v) for k, v in changed.items()}, (one, n, two, m))


def _pairs(log: Builder) -> Iterator[tuple[Place, Place]]:
    found = places(log)
    for index, one in enumerate(found):
        for two in found[index + 1 :]:
            yield one, two


def test_lines_swapped(log: Builder, other: Builder) -> None:
    """Each with the next, and some with any other, of any file (FORMAT.md R1, R2)."""
    found = places(log)
    _swapped(log, other, itertools.pairwise(found))
    _swapped(log, other, random.Random(1).sample(list(_pairs(log)), 100))


@pytest.mark.campaign
@pytest.mark.timeout(1200)
def test_any_two_lines_swapped(log: Builder, other: Builder) -> None:
    """Every pair (FORMAT.md R1, R2)."""
    _swapped(log, other, _pairs(log))


def test_each_line_replaced_by_one_of_another_writer(log: Builder, other: Builder) -> None:
    """Good lines elsewhere, with the very number that is due; no good here (FORMAT.md R1, L4)."""
    theirs = lines_of(other.files[other.name()])
    for name, n in places(log):
        lines = lines_of(log.files[name])
        replaced = b"".join([*lines[:n], theirs[n % len(theirs)], *lines[n + 1 :]])
        judge(log, other, {name: replaced}, (name, n))


def test_each_line_forged_by_one_who_does_not_know_its_place(log: Builder, other: Builder) -> None:
    """Another payload, and a hash that would be right behind another line (FORMAT.md R1, L4)."""
    for name, n in places(log):
        lines = lines_of(log.files[name])
        forged = lines[n].replace(b'"v":1', b'"v":1,"forged":true').replace(b"seg", b"sag")
        lines[n] = codec.close(forged[:-41], b"0" * 32)
        judge(log, other, {name: b"".join(lines)}, (name, n))


def test_a_line_forged_by_one_who_knows_all(log: Builder, other: Builder) -> None:
    """Its hash is right, so it is a line; but what followed does not follow it (FORMAT.md R2)."""
    name = log.name(1)
    lines = lines_of(log.files[name])
    for n in range(1, len(lines) - 2):
        previous = codec.chain_of(lines[n - 1]) if n > 1 else Header.decode(lines[0][:-1]).previous
        forged = lines[n][:-41].replace(b'"a":"mara"', b'"a":"mallory"')
        changed = [*lines[:n], codec.close(forged, previous), *lines[n + 1 :]]

        read, findings = read_all(merged(log, other) | {name: b"".join(changed)})

        mine = by_writer(read)[log.who]
        assert mine[:-1] == log.records[: n - 1]
        assert mine[-1].actor == "mallory"
        assert [finding.kind for finding in findings] == [Tail.CORRUPT]


FOREIGN = [
    pytest.param((writer_name(3), "host-a", 1), id="another writer"),
    pytest.param((writer_name(1), "host-c", 1), id="another host"),
    pytest.param((writer_name(2), "host-b", 2), id="the next of another writer"),
    pytest.param((writer_name(2), "host-a", 1), id="another writer's id with our host"),
]


@pytest.mark.parametrize("whose", FOREIGN)
def test_files_with_right_hashes_under_foreign_names(
    log: Builder, other: Builder, whose: tuple[str, str, int]
) -> None:
    """Each segment, copied to a name of somebody else: none of it is theirs (FORMAT.md R7)."""
    for name, data in log.files.items():
        copied = {str(SegmentName(*whose)): data}

        read, findings = read_all(merged(log, other) | copied)

        assert by_writer(read) == {log.who: log.records, other.who: other.records}, name
        assert findings, name


@pytest.mark.parametrize("number", [6, 7, 900])
def test_files_with_right_hashes_under_later_numbers(
    log: Builder, other: Builder, number: int
) -> None:
    """Each segment once more as a later one of its own writer (FORMAT.md R7)."""
    for name, data in log.files.items():
        copied = {str(SegmentName(log.head.writer, log.host, number)): data}

        read, findings = read_all(merged(log, other) | copied)

        assert by_writer(read) == {log.who: log.records, other.who: other.records}, name
        assert findings, name


FORGED_HEADERS = [
    {"segment": 9},
    {"writer": writer_name(3)},
    {"host": "host-c"},
    {"project": PROJECT[::-1]},
    {"base": 1},
    {"base": 2},
    {"base": 10_000},
    {"previous": b"0" * 32},
]


@pytest.mark.parametrize("change", FORGED_HEADERS, ids=str)
def test_headers_forged_with_a_right_hash(
    log: Builder, other: Builder, change: dict[str, object]
) -> None:
    """Each header, with one wrong word (FORMAT.md R7, L5)."""
    for name, data in log.files.items():
        line, _, rest = data.partition(b"\n")
        header = Header.decode(line)
        forged = evolve(header, **change)  # type: ignore[arg-type]  # each of its field's kind
        if forged != header:
            judge(log, other, {name: forged.encode() + rest}, name)


def test_headers_of_a_later_format(log: Builder, other: Builder) -> None:
    """A segment of format 2 in a project of format 1 is not read (FORMAT.md C1, R7)."""
    for name, data in log.files.items():
        line, _, rest = data.partition(b"\n")
        later = codec.close(line[:-40].replace(b'"fmt":1', b'"fmt":2'))
        judge(log, other, {name: later + rest}, name)


def test_a_seal_with_a_right_hash_before_each_line(log: Builder, other: Builder) -> None:
    """Whoever ends a segment too early hides nothing (FORMAT.md L6, R2)."""
    for name, n in places(log):
        lines = lines_of(log.files[name])
        records = [line for line in lines[1:n] if line.startswith(b'{"s":')]
        last = orjson.loads(records[-1])["s"] if records else Header.decode(lines[0][:-1]).base - 1
        before = b"".join(lines[:n])
        for following in (None, 77):
            early = Seal(int(name[-12:-6]), last, len(records), len(before), "0" * 64, following)
            data = before + early.encode() + b"".join(lines[n:])
            if n:
                judge(log, other, {name: data}, (name, n, following))


class TestAudit:
    """What readers need not look at because a later segment settles it, the audit looks at."""

    @pytest.fixture
    def root(self, log: Builder, tmp_path: Path) -> Path:
        folder = tmp_path / ".gallery" / "log"
        folder.mkdir(parents=True)
        format_ = {"format": "gallery-log", "fmt": 1, "project": PROJECT, "created": "2024"}
        (folder.parent / NAME).write_bytes(orjson.dumps(format_) + b"\n")
        for name, data in log.files.items():
            (folder / name).write_bytes(data)
        return tmp_path

    @staticmethod
    def _told(root: Path) -> set[tuple[str, str]]:
        """What is told, and of which files."""
        report = audit(
            root,
            root / ".gallery",
            outputs=False,
            phase=lambda _name, _total: nullcontext(lambda _done: None),
            now_ms=MS + 1_000_000,
        )
        return {(f.file, f.check.name) for f in report.findings}

    def test_seals_that_are_no_longer_needed(self, log: Builder, root: Path) -> None:
        """Every third byte of one, flipped (FORMAT.md L6)."""
        name = log.name(1)
        path = root / ".gallery" / "log" / name
        data = log.files[name]
        begin = data.rindex(b'{"seal"')
        before = self._told(root)
        assert (name, "SEAL") not in before
        for place in range(begin, len(data), 3):
            path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
            assert {file for file, _ in self._told(root) - before} == {name}, place

    @pytest.mark.parametrize("change", [{"sha256": "0" * 64}, {"count": 1}], ids=str)
    def test_the_last_seal_forged_with_a_right_hash(
        self, log: Builder, root: Path, change: dict[str, object]
    ) -> None:
        """Readers do not sum up a file; the audit does (FORMAT.md L6)."""
        name = log.name()
        path = root / ".gallery" / "log" / name
        *lines, seal = lines_of(log.files[name])
        forged = evolve(Seal.decode(seal[:-1]), **change)  # type: ignore[arg-type]  # as above
        before = self._told(root)
        path.write_bytes(b"".join(lines) + forged.encode())

        assert {file for file, _ in self._told(root) - before} == {name}
