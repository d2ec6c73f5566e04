"""`log replay`: the state now, at any time, for people and for machines."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from events.curation import AssetRated, TagDeleted
from events.jobs import JobCancelRequested, JobId
from events.log.folder import FolderLog
from events.log.format_file import load
from projections.catalogue import empty_tables
from projections.fold import state_hash
from tests.cli.conftest import Run
from tests.cli.stories import CAT, DOG, HERO, JOB, MARA, RENDER, TOM, Story


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This machine stands in Berlin: two hours ahead of UTC in May."""
    if sys.platform == "win32":
        pytest.skip("TZ is not used there")
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def document(run: Run, root: Path, *options: str) -> dict[str, Any]:
    """What `--json` prints."""
    result = run("log", "replay", root, "--json", *options)
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = orjson.loads(result.stdout)
    return found


class TestNow:
    def test_tables(self, run: Run, story: Story) -> None:
        """Jobs, ratings, tags and views, each with who and when."""
        shown = run("log", "replay", story.root).stdout
        rows = [line.split() for line in shown.splitlines()]

        assert "17 events of 2 writers" in shown
        assert [JOB, "succeeded", "portrait", "node1", "1", "1", "tom"] in [r[:7] for r in rows]
        assert [CAT, "5", "tom"] in [row[:3] for row in rows]
        assert [DOG, "2", "tom"] in [row[:3] for row in rows]
        assert [CAT, "Hero", "Shot"] in rows
        assert ["Best", '{"sort":"stars"}', "mara"] in [row[:3] for row in rows]

    def test_json_has_everything(self, run: Run, story: Story) -> None:
        """State, its hash, positions, unknown types and findings, for other programs."""
        found = document(run, story.root)

        assert found["records"] == 17
        assert found["at"] is None
        assert found["ratings"][0]["path"] == CAT
        assert found["ratings"][0] | {"asset": ""} == {
            "path": CAT,
            "asset": "",
            "stars": 5,
            "by": "tom",
            "at": "2026-05-01T12:20:00.000Z",
        }
        assert found["tagged"] == [
            {"path": CAT, "asset": found["ratings"][0]["asset"], "tags": ["Hero Shot"]}
        ]
        assert found["jobs"][0]["outputs"] == [RENDER]
        assert found["views"][0]["settings"] == {"sort": "stars"}
        assert sorted(at["sequence"] for at in found["positions"].values()) == [4, 9]
        assert found["unknown"] == {}
        assert found["findings"] == []

    def test_state_is_that_of_a_service(self, run: Run, story: Story) -> None:
        """The hash is that of the tables that a service on any host folds from the same log."""
        gallery = story.root / ".gallery"
        format_ = load(gallery)
        assert format_ is not None
        tables = empty_tables()
        for records in FolderLog(gallery, format_, "otherhost").read():
            tables.apply(records)
        found = document(run, story.root)

        assert found["state_hash"] == state_hash(tables.pack())
        assert state_hash(found["tables"]) == found["state_hash"]

    def test_hash_is_the_same_for_people(self, run: Run, story: Story) -> None:
        found = document(run, story.root)

        assert found["state_hash"] in run("log", "replay", story.root).stdout

    def test_deleted_tag_is_gone(self, run: Run, story: Story) -> None:
        """A tag that was deleted is on no file."""
        story.tell(MARA, "mara", TagDeleted(tag=HERO))
        found = document(run, story.root)

        assert found["tags"] == []
        assert found["tagged"] == []

    def test_job_whose_order_is_missing(self, run: Run, story: Story) -> None:
        """A job of which only a request to cancel is known is shown as far as it is known."""
        story.tell(MARA, "mara", JobCancelRequested(job=JobId("lost")))
        found = document(run, story.root)
        shown = run("log", "replay", story.root).stdout

        assert found["jobs"][-1] | {"job": "lost", "status": "cancelling"} == found["jobs"][-1]
        assert found["jobs"][-1]["by"] is None
        assert any(line.split()[:3] == ["lost", "cancelling", "?"] for line in shown.splitlines())

    def test_log_without_a_line(self, run: Run, story: Story) -> None:
        """A project whose folder is made, and in which nothing happened yet, has an empty state."""
        story.stop()
        for path in story.segments():
            path.unlink()
        found = document(run, story.root)

        assert found["records"] == 0
        assert found["jobs"] == []

    def test_rows(self, run: Run, story: Story) -> None:
        """Tables can be cut to some rows; it is said how many are not shown."""
        shown = run("log", "replay", story.root, "--rows", 1).stdout

        assert "Ratings (2)" in shown
        assert DOG not in shown
        assert "... and 1 more" in shown


class TestThen:
    @pytest.mark.parametrize(
        ("at", "stars", "records"),
        [
            ("2026-05-01T11:59:59.999Z", None, 0),
            ("2026-05-01T12:00Z", 3, 2),
            ("2026-05-01T12:19:59.999Z", 3, 4),
            ("2026-05-01T12:20:00Z", 5, 5),
            ("2026-05-01T14:20:00+02:00", 5, 5),
            ("2026-05-02", 5, 17),
            ("1960-01-01", None, 0),
            ("9999-12-31", 5, 17),
        ],
    )
    def test_state_at_a_time(
        self, run: Run, story: Story, at: str, stars: int | None, records: int
    ) -> None:
        """What had happened by then counts, to the millisecond, and nothing later."""
        found = document(run, story.root, "--at", at)
        given = {row["path"]: row["stars"] for row in found["ratings"]}

        assert given.get(CAT) == stars
        assert found["records"] == records
        assert found["later_records"] == 17 - records

    @pytest.mark.usefixtures("berlin")
    def test_time_without_a_zone_is_local(self, run: Run, story: Story) -> None:
        """Times are written and shown as the clock on the wall shows them."""
        before = document(run, story.root, "--at", "2026-05-01T14:19:59")
        after = run("log", "replay", story.root, "--at", "2026-05-01 14:20")

        assert before["ratings"][0]["stars"] == 3
        assert before["at"] == "2026-05-01T12:19:59.000Z"
        assert "State at 2026-05-01 14:20:00+02:00" in after.stdout
        assert any(
            line.split() == [CAT, "5", "tom", "2026-05-01", "14:20:00"]
            for line in after.stdout.splitlines()
        )

    def test_job_in_the_middle(self, run: Run, story: Story) -> None:
        """A job is shown as it stood: here it had not been queued yet."""
        assert document(run, story.root, "--at", "2026-05-01T12:29Z")["jobs"] == []

    def test_order_of_hosts_does_not_matter(self, run: Run, story: Story) -> None:
        """An edit counts from its own time on, whenever it reached this host."""
        story.clock.at(5)
        cat = document(run, story.root)["ratings"][0]["asset"]
        story.tell("hostnew00003", "ann", AssetRated(asset=cat, stars=1))

        assert document(run, story.root, "--at", "2026-05-01T12:06Z")["ratings"][0]["stars"] == 1
        assert document(run, story.root)["ratings"][0]["stars"] == 5


class TestDamage:
    def test_damage_is_told_and_the_rest_is_shown(self, run: Run, story: Story) -> None:
        """What cannot be believed is left out; it is said where, and the exit code stays 0."""
        story.stop()
        toms = next(path for path in story.segments() if TOM in path.name)
        toms.write_bytes(toms.read_bytes().replace(b'"stars":5', b'"stars":4', 1))
        result = run("log", "replay", story.root, "--json")
        found = orjson.loads(result.stdout)

        assert result.exit_code == 0
        assert result.stderr.startswith(f"warning: left out (corrupt): {toms.name}, byte ")
        assert [finding["kind"] for finding in found["findings"]] == ["corrupt"]
        assert found["ratings"][0]["stars"] == 3
        assert found["jobs"] == []

    def test_half_a_line_is_a_note(self, run: Run, story: Story) -> None:
        """A line that is being written is normal."""
        with story.segments()[0].open("ab") as file:
            file.write(b'{"s":5,"h"')
        result = run("log", "replay", story.root)

        assert result.exit_code == 0
        assert result.stderr.startswith("note: left out (in_flight): ")
