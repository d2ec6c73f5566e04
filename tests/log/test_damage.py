"""Any bytes whatever: a log of every type of event, damaged in every way that we can think of."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator

import pytest

from events.log.port import Tail
from tests.events.samples import one_of_each
from tests.log.builders import Builder, by_writer, drafts, merged, read_all
from tests.log.damage import damaged_log, judge


@pytest.fixture(scope="module")
def log() -> Builder:
    """The log that is damaged."""
    return damaged_log()


@pytest.fixture(scope="module")
def other() -> Builder:
    """A log beside it, which stays whole."""
    log = Builder(2, "host-b")
    log.add(*drafts(2))
    return log


def test_the_log_is_good_as_it_is(log: Builder, other: Builder) -> None:
    """The damage is ours, not the log's: it has all types, five segments, two writers."""
    read, findings = read_all(merged(log, other))

    assert by_writer(read) == {log.who: log.records, other.who: other.records}
    assert {type(record.event) for record in read} == {type(event) for event in one_of_each()}
    assert findings == ()


def _cut_off(log: Builder, other: Builder, every: int) -> None:
    for name, data in log.files.items():
        for end in range(0, len(data), every):
            judge(log, other, {name: data[:end]}, (name, end))


def test_cut_off_somewhere(log: Builder, other: Builder) -> None:
    """Each segment truncated at some bytes, always the same ones (FORMAT.md R2, R3, R6)."""
    _cut_off(log, other, 29)


@pytest.mark.campaign
@pytest.mark.timeout(1200)
def test_cut_off_at_every_byte(log: Builder, other: Builder) -> None:
    """Each segment truncated at each byte (FORMAT.md R2, R3, R6)."""
    _cut_off(log, other, 1)


def flips(log: Builder) -> Iterator[tuple[str, int, int]]:
    """Every bit of every file."""
    for name, data in log.files.items():
        for place in range(len(data)):
            for bit in range(8):
                yield name, place, bit


def _flipped(log: Builder, other: Builder, chosen: Iterable[tuple[str, int, int]]) -> None:
    for name, place, bit in chosen:
        data = bytearray(log.files[name])
        data[place] ^= 1 << bit
        judge(log, other, {name: bytes(data)}, (name, place, bit))


def test_a_flipped_bit_somewhere(log: Builder, other: Builder) -> None:
    """Some hundred of all bits, always the same ones (FORMAT.md R1, R2, R6)."""
    _flipped(log, other, random.Random(1).sample(list(flips(log)), 500))


@pytest.mark.campaign
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("bit", range(8))
def test_a_flipped_bit_anywhere(log: Builder, other: Builder, bit: int) -> None:
    """This bit of every byte of the log, one after the other (FORMAT.md R1, R2, R6)."""
    _flipped(log, other, (flip for flip in flips(log) if flip[2] == bit))


def _wounds(log: Builder, seeds: range) -> Iterator[tuple[str, bytes, object]]:
    """Random changes of a random stretch: zeroed, removed, doubled, moved, replaced, added."""
    for seed in seeds:
        dice = random.Random(seed)
        name, data = dice.choice(list(log.files.items()))
        begin = dice.randrange(len(data))
        end = min(len(data), begin + dice.choice([1, 10, 100, 1_000, 5_000]))
        part = data[begin:end]
        changes = {
            "zeroed": bytes(len(part)),
            "removed": b"",
            "doubled": part + part,
            "noise": dice.randbytes(len(part)),
            "with noise": part + dice.randbytes(30),
            "with line ends": b"\n".join(part[i : i + 9] for i in range(0, len(part), 9)),
            "with another segment": part + dice.choice(list(log.files.values())),
            "moved": part[len(part) // 2 :] + part[: len(part) // 2],
        }
        kind = dice.choice(list(changes))
        yield name, data[:begin] + changes[kind] + data[end:], (seed, name, kind, begin, end)


def test_wounds(log: Builder, other: Builder) -> None:
    """Stretches zeroed, removed, doubled, moved, overwritten (FORMAT.md R2, R6)."""
    for name, data, case in _wounds(log, range(500)):
        judge(log, other, {name: data}, case)


@pytest.mark.campaign
@pytest.mark.timeout(1200)
def test_many_wounds(log: Builder, other: Builder) -> None:
    """The same, many more times (FORMAT.md R2, R6)."""
    for name, data, case in _wounds(log, range(500, 40_000)):
        judge(log, other, {name: data}, case)


def test_zeros_over_every_line(log: Builder, other: Builder) -> None:
    """Each line as NULs, with and without its line end (FORMAT.md R3)."""
    for name, data in log.files.items():
        begin = 0
        for line in data.splitlines(keepends=True):
            end = begin + len(line)
            for stop in (end, end - 1):
                zeroed = data[:begin] + bytes(stop - begin) + data[stop:]
                judge(log, other, {name: zeroed}, (name, begin, stop))
            begin = end


def test_segments_under_each_others_names(log: Builder, other: Builder) -> None:
    """A file belongs to its name (FORMAT.md R7)."""
    names = list(log.files)
    for one in names:
        for two in (*names, *other.files):
            data = {**log.files, **other.files}[two]
            if one != two:
                judge(log, other, {one: data}, (one, two))


def test_no_segment_at_all_is_left(log: Builder, other: Builder) -> None:
    """Every segment emptied at once: the writer is left out and told of (FORMAT.md R6)."""
    read, findings = read_all(merged(log, other) | dict.fromkeys(log.files, b""))

    assert read == other.records
    assert [finding.kind for finding in findings] == [Tail.IN_FLIGHT]


def test_random_files(other: Builder) -> None:
    """Files of noise under names of segments (FORMAT.md R6)."""
    for seed in range(200):
        dice = random.Random(seed)
        noise = Builder(100 + seed, "host-n")
        size = dice.choice([0, 1, 40, 500, 10_000])
        noise.files[noise.name()] = dice.randbytes(size)

        read, findings = read_all(merged(noise, other))

        assert read == other.records
        assert len(findings) == 1
