"""`log cat`: the very lines, and their order over all writers."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from events.assets import AssetId
from events.codec import draft
from events.curation import AssetRated
from events.stamp import HybridClock, Stamp
from tests.cli.conftest import Process, Run
from tests.cli.stories import MARA, Story
from tests.log.builders import MS, PROJECT, Builder, drafts, merged, rated
from tools.cli.merging import Merge


def lines_on_disk(story: Story) -> list[bytes]:
    """All record lines of all segments, writer by writer."""
    found = []
    for path in story.segments():
        found += [line for line in path.read_bytes().splitlines() if line.startswith(b'{"s":')]
    return found


def write(folder: Path, files: dict[str, bytes]) -> Path:
    """A project folder with these segments."""
    log = folder / ".gallery" / "log"
    log.mkdir(parents=True)
    (folder / ".gallery" / "FORMAT").write_text(
        json.dumps({"format": "gallery-log", "fmt": 1, "project": PROJECT, "created": "2024"})
    )
    for name, data in files.items():
        (log / name).write_bytes(data)
    return folder


class TestCat:
    def test_lines_are_verbatim(self, process: Process, story: Story) -> None:
        """Byte for byte what stands in the files, without headers and seals, writer by writer."""
        story.stop()
        done = process("log", "cat", story.root)

        assert done.returncode == 0
        assert done.stdout.splitlines() == lines_on_disk(story)

    def test_every_line_is_json(self, process: Process, story: Story) -> None:
        """So `jq` can read it."""
        story.stop()
        done = process("log", "cat", "--merge", story.root)

        assert all(json.loads(line)["k"] for line in done.stdout.splitlines())

    def test_merge_is_the_order_of_stamps(self, process: Process, story: Story) -> None:
        """With --merge all lines come in one order, and none is missing."""
        story.stop()
        lines = process("log", "cat", "--merge", story.root).stdout.splitlines()
        times = [json.loads(line)["h"] for line in lines]

        assert times == sorted(times)
        assert sorted(lines) == sorted(lines_on_disk(story))

    @pytest.mark.parametrize("options", [(), ("--merge",)])
    def test_damage_is_left_out(
        self, process: Process, story: Story, options: tuple[str, ...]
    ) -> None:
        """Only lines that count are printed; stderr says what was left out."""
        story.stop()
        mara = next(path for path in story.segments() if MARA in path.name)
        data = mara.read_bytes()
        mara.write_bytes(data.replace(b"Hero Shot", b"Zero Shot"))
        done = process("log", "cat", story.root, *options)

        assert done.returncode == 0
        assert b"Zero" not in done.stdout
        assert len(done.stdout.splitlines()) == 1 + 9
        assert done.stderr.decode().startswith(f"warning: left out (corrupt): {mara.name}, byte ")

    @pytest.mark.parametrize("options", [(), ("--merge",)])
    def test_lines_that_stand_twice_are_printed_once(
        self, run: Run, tmp_path: Path, options: tuple[str, ...]
    ) -> None:
        """After a write error lines stand in two segments: they count once."""
        builder = Builder()
        builder.add(*drafts(3))
        again, head = builder.lines[1:], builder.head
        first = builder.files[builder.name()]
        builder.head = type(head)(head.writer, head.host, 1, builder.lines[0][-35:-3])
        builder.open()
        for line in again:
            builder.raw(line)
        assert first.endswith(b"".join(again))
        result = run("log", "cat", write(tmp_path, builder.files), *options)

        assert result.exit_code == 0
        assert result.stdout.encode().splitlines(keepends=True) == builder.lines


@st.composite
def logs(draw: st.DrawFn, number: int, host: str) -> Builder:
    """One writer's log over some segments, in which some edits beat stamps from the future."""
    builder = Builder(number, host)
    stamps: list[Stamp] = []
    for _ in range(draw(st.integers(0, 8))):
        beats = None
        if draw(st.booleans()):
            ahead = draw(st.integers(0, 40))
            beats = Stamp(f"{(MS + ahead) << 16:016x}{'0' * 16}000")
        events: list[object] = [rated(draw(st.integers(0, 5)))]
        events += [AssetRated(asset=AssetId("b" * 32), stars=1)] * draw(st.integers(0, 2))
        builder.add(draft(events, "mara", None, beats))
        stamps += [record.stamp for record in builder.records[-len(events) :]]
        if draw(st.integers(0, 4)) == 0:
            builder.roll()
    return builder


class TestMerge:
    @given(a=logs(1, "host-a"), b=logs(2, "host-b"), c=logs(3, "host-a"))
    def test_any_logs_merge_into_the_order_of_stamps(
        self, tmp_path_factory: pytest.TempPathFactory, a: Builder, b: Builder, c: Builder
    ) -> None:
        """Whatever writers there are, and however far some edits were lifted: sorted, and whole."""
        root = write(tmp_path_factory.mktemp("merge"), merged(a, b, c))
        merge = Merge(root / ".gallery" / "log", PROJECT)
        records = [record for entry in merge.entries() for record in entry.records]
        expected = sorted((*a.records, *b.records, *c.records), key=lambda record: record.stamp)

        assert records == expected
        assert merge.findings() == ()

    def test_old_logs_are_closed_before_new_ones_are_opened(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A host that was started a thousand times has a thousand logs; one at a time is read."""
        builders = []
        for number in range(1, 9):
            builder = Builder(number)
            builder._clock = HybridClock(itertools.repeat(MS + number * 1000).__next__)
            builder.add(*drafts(3))
            builders.append(builder)
        merge = Merge(write(tmp_path, merged(*builders)) / ".gallery" / "log", PROJECT)
        opened: list[str] = []
        original = Merge._lines

        def noted(self: Merge, host: str, others: frozenset[str]) -> object:
            opened.append(host)
            return original(self, host, others)

        monkeypatch.setattr(Merge, "_lines", noted)
        counts = [len(opened) for _ in merge.entries()]

        assert counts[0] == 1
        assert counts[-1] == 8
