"""`log audit`: every promise of FORMAT.md, held or broken, and what it costs."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from events.assets import AssetId, AssetMoved
from events.codec import MAX_LINE, chain_of, draft
from events.curation import AssetRated
from events.files import FilesDone
from events.hosts import HostAdopted
from events.jobs import JobStarted
from events.log.frame import Seal
from events.log.lines import Head
from events.stamp import HybridClock
from events.trash import FileTrashed, TrashId
from events.views import ViewSaved
from tests.cli.conftest import Run
from tests.cli.stories import JOB, MARA, RENDER, TOM, Story
from tests.cli.test_cat import write
from tests.events.test_format_md import promised
from tests.log.builders import MS, PROJECT, Builder, drafts, merged, rated
from tools.audit.findings import Check, Severity
from tools.audit.promises import BESIDES, PROMISES
from tools.audit.report import Report, audit
from tools.cli.terminal import progress

Files = dict[str, bytes]
OTHER_PROJECT = PROJECT[:-1] + "1"


def audited(root: Path, now_ms: int = MS + 1_000_000) -> Report:
    """The report on a project folder."""
    return audit(root, root / ".gallery", outputs=False, phase=progress, now_ms=now_ms)


def broken(report: Report) -> set[Check]:
    """Checks that found something broken."""
    return {f.check for f in report.findings if f.severity is Severity.BROKEN}


def notes(report: Report) -> set[Check]:
    """Checks that noted something."""
    return {f.check for f in report.findings if f.severity is Severity.NOTE}


class TestTable:
    def test_every_promise_is_in_the_table(self) -> None:
        """Each id of FORMAT.md has its row, in the page's order, and no row has another id."""
        assert [promise.id for promise in PROMISES] == promised()

    @pytest.mark.parametrize("promise", [*PROMISES, *BESIDES], ids=lambda p: p.id)
    def test_every_promise_is_checked_or_says_why_not(self, promise: Any) -> None:
        """What is not checked has a reason, a whole sentence."""
        assert promise.checks or promise.unseen
        assert promise.unseen is None or promise.unseen.endswith(".")

    def test_every_check_belongs_to_a_promise(self) -> None:
        """Nothing is found that the table cannot show."""
        used = {check for promise in (*PROMISES, *BESIDES) for check in promise.checks}

        assert used == set(Check)


class TestGoodLogs:
    def test_story_holds(self, run: Run, story: Story) -> None:
        """What services write keeps all promises: code 0."""
        story.stop()
        result = run("log", "audit", story.root, "--files")

        assert result.exit_code == 0, result.output
        assert "All promises held." in result.stdout
        assert "13 lines, of which readers take 13: 17 events" in result.stdout

    def test_running_services_hold(self, run: Run, story: Story) -> None:
        """An audit may run while services write."""
        assert run("log", "audit", story.root).exit_code == 0

    def test_every_check_has_looked(self, run: Run, story: Story) -> None:
        """Nothing is called held that was not looked at, where the log has it."""
        story.clock.at(24 * 60)
        cat = json.loads(run("log", "replay", story.root, "--json").stdout)["ratings"][0]["asset"]
        (ahead,) = story.tell("hostfast0003", "ann", AssetRated(asset=cat, stars=1))
        story.clock.at(60)
        story.tell(MARA, "mara", AssetRated(asset=cat, stars=4), beats=ahead.stamp)
        story.stop()
        found = json.loads(run("log", "audit", story.root, "--files", "--json").stdout)
        idle = [p["id"] for p in found["promises"] if p["checks"] and not p["looked_at"]]

        assert found["verdict"] == "held"
        assert idle == []

    def test_hash_is_that_of_replay(self, run: Run, story: Story) -> None:
        told = json.loads(run("log", "audit", story.root, "--json").stdout)

        replayed = json.loads(run("log", "replay", story.root, "--json").stdout)
        assert told["state_hash"] == replayed["state_hash"]

    def test_full_segments(self, tmp_path: Path) -> None:
        """Segments that were closed and continued hold."""
        builder = Builder()
        for _ in range(3):
            builder.add(*drafts(3))
            builder.roll()
        builder.seal(None)

        assert not audited(write(tmp_path, builder.files)).broken

    def test_project_without_a_segment(self, run: Run, tmp_path: Path) -> None:
        """A project in which nothing happened yet is in order."""
        assert run("log", "audit", write(tmp_path, {})).exit_code == 0


def two_segments() -> Builder:
    """Six lines, three in a closed segment and three in an open one."""
    builder = Builder()
    builder.add(*drafts(3))
    builder.roll()
    builder.add(*drafts(3))
    return builder


def edit(name: int, change: Callable[[bytes], bytes]) -> Callable[[Builder], None]:
    """Damage to one of the two segments."""

    def apply(builder: Builder) -> None:
        file = builder.name(name)
        builder.files[file] = change(builder.files[file])

    return apply


def without(name: int) -> Callable[[Builder], None]:
    """A segment is deleted."""

    def apply(builder: Builder) -> None:
        del builder.files[builder.name(name)]

    return apply


def line(number: int, change: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    """Damage to one line of a file; 0 is the header."""

    def apply(data: bytes) -> bytes:
        lines = data.splitlines(keepends=True)
        lines[number] = change(lines[number])
        return b"".join(lines)

    return apply


def forged(*texts: bytes) -> Callable[[Builder], None]:
    """Lines whose chain holds, but that say something that no line may say."""

    def apply(builder: Builder) -> None:
        for text in texts:
            builder.forge(text)

    return apply


def forged_seal(**wrong: Any) -> Callable[[Builder], None]:
    """A seal of segment 1 that is whole, but says something wrong."""

    def apply(builder: Builder) -> None:
        file = builder.name(1)
        data = b"".join(builder.files[file].splitlines(keepends=True)[:-1])
        digest = sha256(data).hexdigest()
        facts: dict[str, Any] = {
            "segment": 1,
            "last": 3,
            "count": 3,
            "size": len(data),
            "sha256": digest,
            "next": 2,
        }
        builder.files[file] = data + Seal(**{**facts, **wrong}).encode()

    return apply


def line_of(time: int, more: bytes = b"") -> bytes:
    """The text of line 7 with a time of its own."""
    return b'{"s":7,"h":"%016x","t":"view.saved","v":1,"a":"m","d":{"name":"x","settings":{}}%b' % (
        time << 16,
        more,
    )


LATER = MS + 1000
#: What was done, the checks that must find it, and how many of the six lines readers then take.
DAMAGE: dict[str, tuple[Callable[[Builder], None], set[Check], int]] = {
    "a star changed": (
        edit(1, lambda d: d.replace(b'"stars":1', b'"stars":5')),
        {Check.CHAIN, Check.SEAL},
        1,
    ),
    "a line deleted": (
        edit(1, line(2, lambda _: b"")),
        {Check.CHAIN, Check.SEQUENCE, Check.SEAL},
        1,
    ),
    "a line in the open segment deleted": (
        edit(2, line(2, lambda _: b"")),
        {Check.CHAIN, Check.SEQUENCE},
        4,
    ),
    "a line doubled": (
        edit(2, line(2, lambda d: d + d)),
        {Check.CHAIN, Check.SEQUENCE},
        5,
    ),
    "two lines swapped": (
        edit(2, lambda d: b"".join(d.splitlines(keepends=True)[i] for i in (0, 2, 1, 3))),
        {Check.CHAIN, Check.SEQUENCE},
        3,
    ),
    "a foreign line inserted": (
        edit(2, line(1, lambda d: b'{"hello":"world"}\n' + d)),
        {Check.CHAIN, Check.FIELDS},
        3,
    ),
    "text inserted": (
        edit(2, line(1, lambda d: b"<<<<<<< HEAD\n" + d)),
        {Check.CHAIN, Check.JSON},
        3,
    ),
    "no UTF-8": (
        edit(2, line(1, lambda d: d.replace(b"mara", b"m\xff\xfea"))),
        {Check.CHAIN, Check.JSON},
        3,
    ),
    "line ends rewritten": (
        edit(2, lambda d: d.replace(b"\n", b"\r\n")),
        {Check.HEADER, Check.BYTES, Check.CHAIN},
        3,
    ),
    "NULs before lines": (
        edit(2, line(1, lambda d: b"\0" * (len(d) - 1) + b"\n")),
        {Check.BYTES},
        3,
    ),
    "a line of 1 MiB": (
        edit(2, line(1, lambda d: b'{"x":"' + b"y" * MAX_LINE + b'"}\n' + d)),
        {Check.SIZE},
        3,
    ),
    "a header damaged": (
        edit(2, line(0, lambda d: d.replace(b'"base":4', b'"base":3'))),
        {Check.HEADER},
        3,
    ),
    "a segment renamed": (
        lambda b: b.files.update({b.name(3): b.files.pop(b.name(2))}),
        {Check.PLACE, Check.NEXT},
        3,
    ),
    "the first segment deleted": (without(1), {Check.CONTINUITY}, 0),
    "the second segment deleted": (without(2), {Check.NEXT}, 3),
    "the seal damaged": (
        edit(1, lambda d: d.replace(b'"n":3', b'"n":4')),
        {Check.SEAL},
        6,
    ),
    "a seal with another count": (forged_seal(count=4), {Check.SEAL}, 6),
    "a seal with another hash": (forged_seal(sha256="0" * 64), {Check.SEAL}, 6),
    "a seal with another size": (forged_seal(size=5), {Check.SEAL}, 6),
    "a seal with another last record": (forged_seal(last=2), {Check.SEAL}, 6),
    "a seal of another segment": (forged_seal(segment=9), {Check.SEAL}, 6),
    "a seal that ends the log": (forged_seal(next=None), {Check.SEAL}, 6),
    "bytes behind the seal": (edit(1, lambda d: d + b"hello"), {Check.SEAL}, 6),
    "a line behind the seal": (
        edit(1, lambda d: d + d.splitlines(keepends=True)[3]),
        {Check.SEAL},
        6,
    ),
    "a time that falls": (forged(line_of(MS - 5)), {Check.TIME}, 7),
    "x below h": (
        forged(line_of(LATER, b',"x":"%016x"' % (MS << 16))),
        {Check.LIFT},
        7,
    ),
    "a stamp given twice": (
        forged(
            line_of(LATER, b',"x":"%016x"' % ((LATER + 5) << 16)),
            line_of(LATER + 5).replace(b'"s":7', b'"s":8'),
        ),
        {Check.STAMPS},
        8,
    ),
    "a wrong number in a good chain": (
        forged(line_of(LATER).replace(b'"s":7', b'"s":9')),
        {Check.SEQUENCE},
        6,
    ),
    "a field missing": (
        forged(line_of(LATER).replace(b'"a":"m",', b"")),
        {Check.FIELDS},
        6,
    ),
    "a time that is none": (
        forged(line_of(LATER).replace(b'"h":"', b'"h":"z')),
        {Check.FIELDS},
        6,
    ),
    "an empty transaction": (
        forged(b'{"s":7,"h":"%016x","t":"tx","v":1,"a":"m","d":{"events":[]}' % (LATER << 16)),
        {Check.TRANSACTION},
        6,
    ),
    "a known event without its fields": (
        forged(line_of(LATER).replace(b'"name":"x",', b"")),
        {Check.PAYLOAD},
        7,
    ),
}


class TestDamage:
    @pytest.mark.parametrize("name", DAMAGE)
    def test_damage_is_found(self, tmp_path: Path, name: str) -> None:
        """Each kind of damage breaks the promises that it should, and no others."""
        damage, expected, taken = DAMAGE[name]
        builder = two_segments()
        damage(builder)
        report = audited(write(tmp_path, builder.files))

        assert broken(report) == expected
        assert [writer.good for writer in report.writers] == [taken]

    @pytest.mark.parametrize("name", DAMAGE)
    def test_findings_say_what_to_do(self, run: Run, tmp_path: Path, name: str) -> None:
        """Code 1; each finding has its file, what is lost, and a remedy."""
        builder = two_segments()
        DAMAGE[name][0](builder)
        root = write(tmp_path, builder.files)
        result = run("log", "audit", root, "--json")
        found = json.loads(result.stdout)

        assert result.exit_code == 1
        assert found["verdict"] == "broken"
        for finding in found["findings"]:
            assert finding["file"] in builder.files
            assert finding["promises"]
            assert finding["what"]
            assert finding["lost"]
            assert finding["remedy"].endswith(".")
        shown = run("log", "audit", root)
        assert shown.exit_code == 1
        assert "BROKEN" in shown.stdout
        assert "broken.\n" in shown.stdout

    def test_what_is_lost(self, tmp_path: Path) -> None:
        """The records that readers miss are named."""
        builder = two_segments()
        edit(1, line(2, lambda d: d.replace(b"mara", b"tara")))(builder)
        report = audited(write(tmp_path, builder.files))
        (finding,) = (f for f in report.findings if f.check is Check.CHAIN)

        assert finding.file == builder.name(1)
        header, first, *_ = builder.files[builder.name(1)].splitlines(keepends=True)
        assert finding.offset == len(header) + len(first)
        assert finding.lost.startswith(f"records 2 to 6 of writer {builder.who}")

    def test_two_segments_of_two_projects(self, tmp_path: Path) -> None:
        """A log that was copied in from another project is seen, and not read."""
        other = Builder(2, project=OTHER_PROJECT)
        other.add(*drafts(2))
        report = audited(write(tmp_path, merged(two_segments(), other)))

        assert Check.PROJECT in broken(report)
        assert [writer.good for writer in report.writers] == [6, 0]

    def test_one_writer_id_on_two_hosts(self, tmp_path: Path) -> None:
        """A file that was copied under another host's name."""
        builder = two_segments()
        twin = builder.files[builder.name(1)]
        builder.files[builder.name(1).replace("host-a", "host-b")] = twin
        report = audited(write(tmp_path, builder.files))

        assert broken(report) == {Check.WRITER_ID, Check.PLACE, Check.NEXT}

    def test_repeated_line_that_differs(self, tmp_path: Path) -> None:
        """A line in doubt was written again, but not the same: two histories."""
        builder, other = Builder(), Builder()
        builder.add(*drafts(2))
        other.add(drafts(1)[0], draft([rated(5)], "tom"))
        builder.head = other.head
        builder.open(_header_after_first(other))
        builder.raw(other.lines[1])
        report = audited(write(tmp_path, builder.files))

        assert broken(report) == {Check.REPEATS}
        assert [writer.good for writer in report.writers] == [2]

    def test_many_findings_are_counted(self, run: Run, tmp_path: Path) -> None:
        """Damage in every line does not fill the screen; the number is told."""
        builder = Builder()
        builder.add(*drafts(50))
        data = builder.files[builder.name()].replace(b'"a":"mara"', b'"a":"sara"')
        result = run("log", "audit", write(tmp_path, {builder.name(): data}))

        assert "BROKEN (50)" in result.stdout
        assert result.stdout.count("BROKEN (L4, W1)") == 10
        assert "40 more of the same kinds" in result.stdout


def _header_after_first(builder: Builder) -> bytes:
    """The header of a second segment that repeats from the second line on."""
    head = builder.head
    builder._segment, before = 2, builder.lines[0][-35:-3]
    builder.head = type(head)(head.writer, head.host, 1, before)
    return builder.header()


class TestFormatFile:
    def test_missing(self, tmp_path: Path) -> None:
        """The project's id is known from the headers, so everything else can be checked."""
        root = write(tmp_path, two_segments().files)
        (root / ".gallery" / "FORMAT").unlink()
        report = audited(root)

        assert broken(report) == {Check.FORMAT_FILE}
        assert report.project == PROJECT

    @pytest.mark.parametrize("content", [b"", b"{", b"\0" * 100, b"[]", b'{"fmt":1}'])
    def test_damaged(self, tmp_path: Path, content: bytes) -> None:
        """A FORMAT cut off by a power cut, or overwritten."""
        root = write(tmp_path, two_segments().files)
        (root / ".gallery" / "FORMAT").write_bytes(content)

        assert broken(audited(root)) == {Check.FORMAT_FILE}

    def test_damaged_without_any_segment(self, run: Run, tmp_path: Path) -> None:
        """Nothing says which project it is: it cannot be audited, code 2."""
        root = write(tmp_path, {})
        (root / ".gallery" / "FORMAT").write_bytes(b"")

        assert run("log", "audit", root).exit_code == 2

    def test_features_that_we_lack(self, run: Run, tmp_path: Path) -> None:
        """A log that needs a newer program is not judged by this one: code 2."""
        root = write(tmp_path, two_segments().files)
        path = root / ".gallery" / "FORMAT"
        path.write_bytes(orjson.dumps({**orjson.loads(path.read_bytes()), "read": ["snow"]}))
        result = run("log", "audit", root)

        assert result.exit_code == 2
        assert "snow" in result.stderr

    def test_of_another_project(self, tmp_path: Path) -> None:
        """FORMAT was replaced: no header fits to it any more."""
        root = write(tmp_path, two_segments().files)
        path = root / ".gallery" / "FORMAT"
        path.write_text(path.read_text().replace(PROJECT, OTHER_PROJECT))

        assert Check.PROJECT in broken(audited(root))


class TestNotes:
    """What is worth knowing, and breaks nothing: code 0."""

    def test_foreign_names(self, run: Run, tmp_path: Path) -> None:
        """Conflict copies and desktop files are listed."""
        builder = two_segments()
        copy = builder.name(1).replace(".jsonl", " (conflict 1).jsonl")
        files = {**builder.files, copy: b"x", ".DS_Store": b"x"}
        result = run("log", "audit", write(tmp_path, files))

        assert result.exit_code == 0
        assert f"{copy}: no segment of a log" in result.stdout
        assert ".DS_Store: no segment of a log" in result.stdout

    def test_torn_tail_of_a_dead_writer(self, tmp_path: Path) -> None:
        """Its host has begun anew: the half line will never be completed."""
        dead, alive = Builder(1), Builder(2)
        dead.add(*drafts(2))
        dead.raw(b'{"s":3,')
        report = audited(write(tmp_path, merged(dead, alive)))
        (note,) = report.findings

        assert not report.broken
        assert "torn" in note.what
        assert note.offset == len(dead.files[dead.name()]) - 7

    @pytest.mark.parametrize("rest", [b'{"s":3,', b"\0" * 50, b"\0\0\n\0"])
    def test_half_line_of_a_living_writer(self, tmp_path: Path, rest: bytes) -> None:
        """It may be on its way."""
        builder = Builder()
        builder.add(*drafts(2))
        builder.raw(rest)
        report = audited(write(tmp_path, builder.files))

        assert not report.broken
        assert ["in flight" in finding.what for finding in report.findings] == [True]

    def test_writer_that_was_stopped_hard(self, tmp_path: Path) -> None:
        """No seal, but whole lines: nothing is missing."""
        dead, alive = Builder(1), Builder(2)
        dead.add(*drafts(2))
        report = audited(write(tmp_path, merged(dead, alive)))

        assert not report.broken
        assert [finding.what for finding in report.findings] == [
            "no seal: its service was stopped hard"
        ]

    @pytest.mark.parametrize("rest", [b'{"s":3,', b"\0\0\0", b"garbage\n", b"\0\n{}\n"])
    def test_write_that_failed(self, tmp_path: Path, rest: bytes) -> None:
        """A later segment goes on at the same place: whatever the error left behind is settled."""
        builder = Builder()
        builder.add(*drafts(2))
        builder.raw(rest)
        builder.open()
        builder.add(*drafts(2))
        report = audited(write(tmp_path, builder.files))

        assert not report.broken
        assert [writer.good for writer in report.writers] == [4]
        assert ["a write that failed" in finding.what for finding in report.findings] == [True]

    @pytest.mark.parametrize("rest", [b"", b'{"seg":2,', b"\0" * 40])
    def test_segment_without_a_header(self, tmp_path: Path, rest: bytes) -> None:
        """Its creation failed, and the writer went on in the next."""
        builder = two_segments()
        builder.open(rest)
        builder.open()
        builder.add(*drafts(1))
        report = audited(write(tmp_path, builder.files))

        assert not report.broken
        assert notes(report) == {Check.TAIL}
        assert [writer.good for writer in report.writers] == [7]

    def test_times_in_the_future(self, tmp_path: Path) -> None:
        """A host with a wrong clock: its edits win until the clocks are right."""
        builder = two_segments()
        report = audited(write(tmp_path, builder.files), now_ms=MS - 100_000)

        assert not report.broken
        assert notes(report) == {Check.CLOCK}

    def test_segment_that_was_kept_open(self, tmp_path: Path) -> None:
        """More than a day in one segment: it should have been closed."""
        times = iter([MS, MS + 26 * 3_600_000, MS + 27 * 3_600_000])
        builder = Builder()
        builder._clock = HybridClock(lambda: next(times))
        builder.add(*drafts(3))
        report = audited(write(tmp_path, builder.files), now_ms=MS + 10**9)

        assert not report.broken
        assert [finding.check for finding in report.findings] == [Check.ROLLED]

    @pytest.mark.parametrize("name", [b"asset.sung", b"!asset.sung"])
    def test_unknown_types(self, tmp_path: Path, name: bytes) -> None:
        """Of a newer program; those with `!` forbid this one to write."""
        builder = two_segments()
        builder.forge(line_of(LATER).replace(b"view.saved", name))
        report = audited(write(tmp_path, builder.files))
        (note,) = report.findings

        assert not report.broken
        assert note.check is Check.KNOWN
        assert ("must not write" in note.what) is name.startswith(b"!")

    def test_all_notes_can_be_shown(self, run: Run, tmp_path: Path) -> None:
        """Some are enough at first."""
        files = {**two_segments().files, **{f"stray-{n:02d}": b"" for n in range(30)}}
        root = write(tmp_path, files)

        assert "... and 10 more; --notes shows them" in run("log", "audit", root).stdout
        assert "stray-29" in run("log", "audit", root, "--notes").stdout


class TestMeaning:
    def test_two_hosts_write_of_one_job(self, run: Run, story: Story) -> None:
        """Only the host that queued a job may write what becomes of it."""
        story.tell(MARA, "service", JobStarted(job=JOB, attempt=1))
        result = run("log", "audit", story.root)

        assert result.exit_code == 1
        assert "BROKEN (O6)" in result.stdout

    def test_a_host_that_took_the_job_over(self, run: Run, story: Story) -> None:
        """It writes of the job from then on; the other one may not have read of that yet."""
        host = story.tell(MARA, "mara", rated(1))[0].host
        gone = story.tell(TOM, "service", JobStarted(job=JOB, attempt=1))[0].host
        story.tell(MARA, "mara", HostAdopted(host=gone, by=host, jobs=(JOB,)))
        story.tell(MARA, "service", JobStarted(job=JOB, attempt=2))
        story.tell(TOM, "service", JobStarted(job=JOB, attempt=1))

        assert "BROKEN (O6)" not in run("log", "audit", story.root).stdout

    def test_a_host_that_wrote_before_it_took_the_job_over(self, run: Run, story: Story) -> None:
        """By the stamps: what it told before was not its to tell."""
        (early,) = story.tell(MARA, "service", JobStarted(job=JOB, attempt=1))
        story.tell(MARA, "mara", HostAdopted(host="tom", by=early.host, jobs=(JOB,)))
        result = run("log", "audit", story.root)

        assert "BROKEN (O6)" in result.stdout
        assert "before it took the job over" in result.stdout

    def test_effect_that_was_not_announced(self, run: Run, story: Story) -> None:
        """Something was done to files, and nobody said so before: FORMAT.md W3 is about that."""
        story.tell(MARA, "service", FilesDone(op="op-9"))
        result = run("log", "audit", story.root)

        assert result.exit_code == 1
        assert "BROKEN (W3)" in result.stdout

    def test_asset_with_another_id(self, run: Run, story: Story) -> None:
        """Two hosts would disagree which file has the stars."""
        seen = story.file("panel_05/x.png", b"x")
        wrong = type(seen)(
            asset=AssetId(seen.asset[::-1]), path=seen.path, size=1, mtime=1, head=seen.head
        )
        story.tell(MARA, "mara", wrong)
        result = run("log", "audit", story.root)

        assert result.exit_code == 1
        assert "BROKEN (assets)" in result.stdout


class TestFiles:
    def test_missing_file_is_a_note(self, run: Run, story: Story) -> None:
        """People delete and move files as they like."""
        (story.root / RENDER).unlink()
        result = run("log", "audit", story.root, "--files")

        assert result.exit_code == 0
        assert "panel_02: 'Film_panel_02_v001.png' is missing" in result.stdout

    def test_missing_folder_is_one_note(self, run: Run, story: Story) -> None:
        for path in (story.root / "panel_02").iterdir():
            path.unlink()
        (story.root / "panel_02").rmdir()
        result = run("log", "audit", story.root)

        assert "panel_02: the folder is missing, with 2 known files" in result.stdout

    def test_edited_output_is_a_note(self, run: Run, story: Story) -> None:
        """Somebody has worked on the picture."""
        (story.root / RENDER).write_bytes(b"retouched")
        result = run("log", "audit", story.root, "--files")

        assert result.exit_code == 0
        assert f"{RENDER}: edited since it was stored" in result.stdout

    def test_rotten_output_is_broken(self, run: Run, story: Story) -> None:
        """Size and time are as they were, but the bytes are not: the disk has changed them."""
        path = story.root / RENDER
        times = path.stat().st_atime_ns, path.stat().st_mtime_ns
        path.write_bytes(path.read_bytes()[:-1] + b"?")
        os.utime(path, ns=times)

        assert run("log", "audit", story.root).exit_code == 0
        result = run("log", "audit", story.root, "--files")
        assert result.exit_code == 1
        assert f"BROKEN (files) in {RENDER}" in result.stdout

    def test_an_output_is_checked_where_it_lies_now(self, run: Run, story: Story) -> None:
        """Renamed by the service, it is still the file that the job made."""
        there = f"{RENDER}.renamed.png"
        before = (story.root / RENDER).stat()
        times = before.st_atime_ns, before.st_mtime_ns
        seen = story.file(RENDER, (story.root / RENDER).read_bytes())
        os.utime(story.root / RENDER, ns=times)
        (story.root / RENDER).rename(story.root / there)
        moved = AssetMoved(asset=seen.asset, source=RENDER, path=there, op="op-7")
        story.tell(TOM, "tom", moved)
        assert run("log", "audit", story.root, "--files").exit_code == 0

        (story.root / there).write_bytes((story.root / there).read_bytes()[:-1] + b"?")
        os.utime(story.root / there, ns=times)
        result = run("log", "audit", story.root, "--files")
        assert result.exit_code == 1
        assert f"BROKEN (files) in {there}" in result.stdout

    def test_what_is_missing_in_the_trash_is_a_note(self, run: Run, story: Story) -> None:
        """A file that was put there can be restored only if it is there."""
        trashed = FileTrashed(
            trash=TrashId("t-1"),
            path="panel_02/dog.png",
            name="dog.png",
            size=5,
            mtime=1,
            op="op-8",
        )
        story.tell(TOM, "tom", trashed)
        result = run("log", "audit", story.root, "--files")

        assert result.exit_code == 0
        assert ".gallery/.trash/t-1: the folder is missing, with 1 known files" in result.stdout

    def test_paths_that_leave_the_project_are_not_followed(self, run: Run, story: Story) -> None:
        """A log cannot make the audit look at other files of this machine."""
        outside = story.root.parent / "secret.png"
        outside.write_bytes(b"x")
        seen = story.file("panel_05/x.png", b"x")
        away = type(seen)(asset=seen.asset, path="../secret.png", size=1, mtime=1, head=seen.head)
        story.tell(MARA, "mara", away)
        result = run("log", "audit", story.root)

        assert "..: the folder is missing" in result.stdout


class TestTrouble:
    def test_segment_that_is_no_file(self, run: Run, story: Story) -> None:
        """Nothing can be said of it: code 2."""
        (story.log_folder / f"{'9' * 16}.{TOM}.000001.jsonl").mkdir()
        result = run("log", "audit", story.root)

        assert result.exit_code == 2
        assert "is no file" in result.stderr

    @pytest.mark.skipif(
        not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything"
    )
    def test_segment_that_cannot_be_read(self, run: Run, story: Story) -> None:
        """An audit that has not seen everything must not say that all is well: code 2."""
        story.segments()[0].chmod(0)
        result = run("log", "audit", story.root)

        assert result.exit_code == 2

    def test_reader_that_takes_too_little(
        self, story: Story, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """If the program's own reader missed good lines, the audit would say so."""
        from events.log.reader import LogReader

        story.stop()
        monkeypatch.setattr(LogReader, "read", lambda _self: iter(()))
        report = audited(story.root, now_ms=story.clock.ms)

        assert broken(report) == {Check.READER}

    def test_state_that_depends_on_order(
        self, story: Story, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """If a fold went by the order of arrival, the two readings would differ."""
        from projections.fold import Tables

        story.tell(MARA, "mara", ViewSaved(name="Best", settings={}))
        story.stop()
        seen: list[int] = []

        def count(self: Tables, records: Any) -> None:
            seen.extend(1 for _ in records)
            self.unknown["order"] = {str(len(seen))}

        monkeypatch.setattr(Tables, "apply", count)
        report = audited(story.root, now_ms=story.clock.ms)

        assert Check.AGAIN in broken(report)


def go_back(builder: Builder, count: int) -> None:
    """The next segment repeats the last `count` lines, as after a write error."""
    last = len(builder.lines)
    head, begin = builder.head, max(0, last - count)
    seed = Head.begin(builder.project, head.writer, head.host).chain
    before = seed if begin == 0 else chain_of(builder.lines[begin - 1])
    builder.head = Head(head.writer, head.host, begin, before)
    builder.open()
    for line in builder.lines[begin:]:
        builder.raw(line)
    builder.head = head


@st.composite
def rough(draw: st.DrawFn, number: int, host: str) -> Builder:
    """One writer's log, with errors met and segments left behind."""
    builder = Builder(number, host)
    for _ in range(draw(st.integers(0, 8))):
        match draw(st.sampled_from(["add", "add", "roll", "open", "rest", "back", "end"])):
            case "add":
                builder.add(*drafts(draw(st.integers(1, 3))))
            case "roll":
                builder.roll()
            case "open":
                builder.open()
            case "rest":
                builder.raw(draw(st.sampled_from([b'{"s":', b"\0" * 20, b"junk\n", b"\0\n{}\n"])))
            case "back":
                go_back(builder, draw(st.integers(0, 3)))
            case _:
                builder.seal(None)
    return builder


@st.composite
def damaged(draw: st.DrawFn) -> Files:
    """Some bytes of the logs changed, cut out, doubled, or cut off; files lost or swapped."""
    files = merged(draw(rough(1, "host-a")), draw(rough(2, "host-b")), draw(rough(3, "host-a")))
    for _ in range(draw(st.integers(0, 3))):
        name = draw(st.sampled_from(sorted(files)))
        data = files[name]
        at = draw(st.integers(0, len(data)))
        end = min(len(data), at + draw(st.integers(0, 300)))
        junk = draw(st.binary(max_size=20) | st.sampled_from([b"\0" * 30, b"\n", data[at:end]]))
        match draw(st.sampled_from(["replace", "insert", "cut", "end", "lose", "swap"])):
            case "replace":
                files[name] = data[:at] + junk + data[at + len(junk) :]
            case "insert":
                files[name] = data[:at] + junk + data[at:]
            case "cut":
                files[name] = data[:at] + data[end:]
            case "end":
                files[name] = data[:at]
            case "lose":
                files[name] = b""
            case _:
                other = draw(st.sampled_from(sorted(files)))
                files[name], files[other] = files[other], files[name]
    return files


class TestAnyBytes:
    @given(files=damaged())
    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    def test_audit_and_reader_agree(
        self, tmp_path_factory: pytest.TempPathFactory, files: Files
    ) -> None:
        """Two readings of the format, made apart, take the same lines from whatever bytes."""
        report = audited(write(tmp_path_factory.mktemp("any"), files))

        assert not broken(report) & {Check.READER, Check.TOLD, Check.AGAIN, Check.COUNTED}

    @given(data=st.data())
    @settings(max_examples=100, deadline=None)
    def test_any_changed_byte_of_a_closed_log_is_found(
        self, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
    ) -> None:
        """There is no byte in a closed log that can be changed unseen."""
        builder = Builder()
        builder.add(*drafts(3))
        builder.roll()
        builder.add(*drafts(2))
        builder.seal(None)
        name = data.draw(st.sampled_from(sorted(builder.files)))
        whole = builder.files[name]
        # At the last byte, the end of the seal, a changed byte looks like one that is on its way.
        at = data.draw(st.integers(0, len(whole) - 2))
        other = data.draw(st.integers(0, 255).filter(lambda byte: byte != whole[at]))
        builder.files[name] = whole[:at] + bytes([other]) + whole[at + 1 :]
        report = audited(write(tmp_path_factory.mktemp("flip"), builder.files))

        assert report.findings
