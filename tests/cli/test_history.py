"""`log history`: who changed what, when, from what to what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from events.assets import AssetChanged
from events.codec import chain_of, close
from events.curation import AssetRated, AssetUntagged, TagDefined, TagDeleted, TagId
from events.files import FilesDone, FilesFailed, FilesIntended
from events.jobs import (
    JobCancelled,
    JobCancelRequested,
    JobFailed,
    JobId,
    JobQueued,
    JobRequeued,
    JobSubmitted,
)
from events.record import Record
from events.registry import BY_CLASS
from events.stamp import stamp
from events.views import ViewSaved
from orchestrator.gallery.past.words import describe
from projections.catalogue import empty_tables
from projections.project import ProjectView
from tests.cli.conftest import Run
from tests.cli.stories import CAT, HERO, JOB, MARA, RENDER, TOM, WORKFLOW, Story
from tests.events.samples import one_of_each


def lines(run: Run, root: Path, *options: object) -> list[dict[str, Any]]:
    """What `--json` prints."""
    result = run("log", "history", root, "--json", *options)
    assert result.exit_code == 0, result.output
    return [orjson.loads(line) for line in result.stdout.splitlines()]


def said(run: Run, root: Path, *options: object) -> list[str]:
    """What is said of each change."""
    return [line["what"] for line in lines(run, root, *options)]


class TestWhat:
    def test_one_line_per_change(self, run: Run, story: Story) -> None:
        """Time, who, host, file and what, oldest first, over all hosts."""
        result = run("log", "history", story.root)
        shown = [line.split(maxsplit=5) for line in result.stdout.splitlines()]

        assert result.exit_code == 0
        assert len(shown) == 17
        assert shown[1][2:] == ["mara", MARA, CAT, "rated none -> 3"]
        assert shown[4][2:] == ["tom", TOM, CAT, "rated 3 -> 5"]
        assert [row[:2] for row in shown] == sorted(row[:2] for row in shown)

    def test_old_and_new_for_machines(self, run: Run, story: Story) -> None:
        """Each line has what stood there before, and what stands there now."""
        rated = [line for line in lines(run, story.root) if line["event"] == "asset.rated"]

        assert [(line["path"], line["old"], line["new"]) for line in rated] == [
            (CAT, 0, 3),
            (CAT, 3, 5),
            ("panel_02/dog.png", 0, 2),
        ]
        assert rated[1]["actor"] == "tom"
        assert rated[1]["host"] == TOM
        assert rated[1]["at"] == "2026-05-01T12:20:00.000Z"
        assert rated[1]["correlation"] == "c-1"

    def test_a_job(self, run: Run, story: Story) -> None:
        """`--job` tells what became of one job, with its status before and after."""
        story.tell(TOM, "tom", JobQueued(job=JobId("x"), workflow=WORKFLOW, naming_template="{y}"))
        told = lines(run, story.root, "--job", JOB)

        assert [line["what"] for line in told if line["event"].startswith("job.")] == [
            "queued (portrait)",
            "sent to node1, attempt 1",
            "running on node1, attempt 1",
            "rendered 1 file",
            "output of node 9 stored, 800 bytes",
            "succeeded",
        ]
        assert [line["new"] for line in told if line["event"].startswith("job.")] == [
            "queued",
            "submitted",
            "running",
            "collecting",
            "collecting",
            "succeeded",
        ]
        assert "put in place" in [line["what"] for line in told]

    def test_a_job_that_fails(self, run: Run, story: Story) -> None:
        """Cancelling, failing and going back to the queue are told with their reasons."""
        job, other = JobId("j2"), JobId("j3")
        story.tell(TOM, "tom", JobQueued(job=job, workflow=WORKFLOW, naming_template="{y}"))
        story.tell(TOM, "s", JobSubmitted(job=job, attempt=1, backend="node1", prompt_id="p"))
        story.tell(TOM, "s", JobRequeued(job=job, attempt=1, reason="node1 is gone"))
        story.tell(TOM, "s", JobFailed(job=job, reason="no model", kind="validation"))
        story.tell(TOM, "tom", JobQueued(job=other, workflow=WORKFLOW, naming_template="{y}"))
        story.tell(TOM, "tom", JobCancelRequested(job=other))
        story.tell(TOM, "tom", JobCancelled(job=other))

        assert said(run, story.root, "--job", job)[2:] == [
            "back in the queue: node1 is gone",
            "failed: no model",
        ]
        assert said(run, story.root, "--job", other) == [
            "queued (inline workflow)",
            "to be cancelled",
            "cancelled",
        ]

    def test_tags(self, run: Run, story: Story) -> None:
        """Tags are told by their names, even when they are renamed or deleted later."""
        cat = lines(run, story.root, CAT)[0]["asset"]
        story.tell(MARA, "mara", TagDefined(tag=HERO, name="Hero", color="#ff0000"))
        story.tell(MARA, "mara", TagDefined(tag=HERO, name="Hero", color="#00ff00"))
        story.tell(MARA, "mara", AssetUntagged(asset=cat, tag=HERO))
        story.tell(MARA, "mara", TagDeleted(tag=HERO))
        story.tell(MARA, "mara", TagDeleted(tag=TagId("gone")))

        assert [what for what in said(run, story.root) if "tag" in what] == [
            "tag Hero Shot made, #ff0000",
            "tag Hero Shot added",
            "tag Hero Shot: Hero Shot -> Hero",
            "tag Hero: #ff0000 -> #00ff00",
            "tag Hero removed",
            "tag Hero deleted",
            "tag gone deleted",
        ]

    def test_files(self, run: Run, story: Story) -> None:
        """Edits in place, and operations that failed, are told with their files."""
        cat = lines(run, story.root, CAT)[0]["asset"]
        story.tell(MARA, "mara", AssetChanged(asset=cat, path=CAT, size=2048, mtime=1, head="h"))
        intent = FilesIntended(
            op="op-2",
            action="store",
            source="s",
            to="panel_01/new.png",
            size=1,
            sha256="0",
            job="j",
            attempt=1,
            node="9",
            index=0,
            kind="images",
            original="C.png",
        )
        story.tell(TOM, "s", intent)
        story.tell(TOM, "s", FilesFailed(op="op-2", error="EEXIST"))
        story.tell(TOM, "s", FilesDone(op="unheard-of"))
        last = lines(run, story.root)[-4:]

        assert [(line["path"], line["what"]) for line in last] == [
            (CAT, "edited in place, 500 bytes -> 2.0 KiB"),
            ("panel_01/new.png", "about to be put in place (store of C.png, 1 byte)"),
            ("panel_01/new.png", "not put in place: EEXIST"),
            (None, "put in place"),
        ]

    def test_views(self, run: Run, story: Story) -> None:
        story.tell(MARA, "mara", ViewSaved(name="Best", settings={"sort": "name"}))
        last = lines(run, story.root)[-1]

        assert last["what"] == "view Best saved anew"
        assert (last["old"], last["new"]) == ({"sort": "stars"}, {"sort": "name"})

    @pytest.mark.parametrize("event", one_of_each(), ids=lambda e: BY_CLASS[type(e)].name)
    def test_every_event_can_be_told(self, event: object) -> None:
        """Each type of the vocabulary has words of its own, whatever is known before it."""
        at = stamp(1 << 16, "0" * 16)
        change = describe(
            ProjectView(empty_tables()), Record(at, event, "mara", "host", "0" * 16, 1)
        )

        assert change.what
        assert change.what != BY_CLASS[type(event)].name

    def test_unknown_event(self, run: Run, story: Story) -> None:
        """What this program does not know is told as such."""
        story.stop()
        mara = story.segments()[0]
        *good, _seal = mara.read_bytes().splitlines(keepends=True)
        body = b'{"s":5,"h":"ffff000000000000","t":"asset.sung","v":3,"a":"mara","d":{}'
        mara.write_bytes(b"".join(good) + close(body, chain_of(good[-1])))

        assert said(run, story.root)[-1] == "unknown event asset.sung (version 3), not applied"


class TestWhich:
    def test_a_file(self, run: Run, story: Story) -> None:
        """All that was ever done to a file, by all hosts."""
        assert said(run, story.root, CAT) == [
            "first noted, 500 bytes",
            "rated none -> 3",
            "tag Hero Shot added",
            "rated 3 -> 5",
        ]

    def test_a_file_by_its_full_path(self, run: Run, story: Story) -> None:
        """A path as a file manager shows it is taken as well."""
        assert said(run, story.root, story.root / CAT) == said(run, story.root, CAT)

    def test_a_path_outside(self, run: Run, story: Story) -> None:
        result = run("log", "history", story.root, story.root.parent)

        assert result.exit_code == 2
        assert "outside" in result.stderr

    def test_a_folder(self, run: Run, story: Story) -> None:
        """A folder stands for all files below it; names that only begin like it do not count."""
        other = story.file("panel_02b/x.png", b"x")
        story.tell(MARA, "mara", other, AssetRated(asset=other.asset, stars=1))
        paths = {line["path"] for line in lines(run, story.root, "panel_02")}

        assert paths == {RENDER, "panel_02/dog.png"}
        assert {line["path"] for line in lines(run, story.root, "panel_02/")} == paths
        assert len(lines(run, story.root, ".")) == 19

    def test_a_name_in_another_form(self, run: Run, story: Story) -> None:
        """A Mac writes ö as o and dots; that is the same name."""
        file = story.file("panel_01/ho\u0308he.png", b"x")
        story.tell(MARA, "mara", file, AssetRated(asset=file.asset, stars=1))

        assert len(said(run, story.root, "panel_01/h\u00f6he.png")) == 2

    def test_an_edit_that_was_told_before_its_file(self, run: Run, story: Story) -> None:
        """An edit of the file counts even where the host that saw it first is read later."""
        late = story.file("panel_03/late.png", b"x")
        story.clock.at(55)
        story.tell(TOM, "tom", AssetRated(asset=late.asset, stars=4))
        story.clock.at(56)
        story.tell(MARA, "mara", late)

        assert said(run, story.root, "panel_03") == ["rated none -> 4", "first noted, 1 byte"]

    def test_somebody(self, run: Run, story: Story) -> None:
        assert {line["actor"] for line in lines(run, story.root, "--actor", "mara")} == {"mara"}
        assert len(lines(run, story.root, "--actor", "mara")) == 5

    @pytest.mark.parametrize(
        ("since", "count"),
        [
            ("2026-05-01T12:50Z", 3),
            ("2026-05-01T12:49:59.999Z", 3),
            ("2026-05-01T12:50:00.001Z", 0),
        ],
    )
    def test_since(self, run: Run, story: Story, since: str, count: int) -> None:
        """From that very millisecond on; what stood before is known all the same."""
        told = lines(run, story.root, "--since", since)

        assert len(told) == count

    def test_nothing(self, run: Run, story: Story) -> None:
        """A name that nobody ever touched is more likely a typo than an answer."""
        result = run("log", "history", story.root, "panel_99")

        assert result.exit_code == 0
        assert result.stdout == ""
        assert "nothing that was asked for" in result.stderr


class TestOrder:
    def test_an_edit_that_beats_a_wrong_clock(self, run: Run, story: Story) -> None:
        """Who saw a rating from the future and changed it comes after it, by its stamp."""
        cat = lines(run, story.root, CAT)[0]["asset"]
        story.clock.at(24 * 60)
        (ahead,) = story.tell("hostfast0003", "ann", AssetRated(asset=cat, stars=1))
        story.clock.at(60)
        (beaten,) = story.tell(MARA, "mara", AssetRated(asset=cat, stars=4), beats=ahead.stamp)
        story.tell(MARA, "mara", ViewSaved(name="later", settings={}))
        told = lines(run, story.root)

        assert [line["stamp"] for line in told] == sorted(line["stamp"] for line in told)
        assert told[-1]["stamp"] == beaten.stamp
        assert [line["what"] for line in told[-3:]] == [
            "view later saved",
            "rated 5 -> 1",
            "rated 1 -> 4",
        ]
