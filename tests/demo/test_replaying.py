"""The proof at the end of `demo --once`: it must notice whatever differs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import evolve

from events.assets import AssetId, AssetSeen
from events.codec import Draft, draft
from events.curation import AssetRated, AssetTagged, TagDefined, TagId
from events.jobs import JobCancelled, JobCancelRequested, JobId, JobQueued
from events.log.checkpoint import CheckpointStore
from events.log.disk_io import DiskIO
from events.log.folder import FolderLog
from events.log.format_file import create
from orchestrator.project import code_version
from projections.fold import state_hash
from tools.demo.errors import StepFailedError
from tools.demo.facts import Facts, differences, live_facts, logged_facts
from tools.demo.replaying import last_checkpoint, replay

CAT = AssetId("c" * 32)
HERO = TagId("7d3f6d64-0000-4000-8000-000000000001")
JOB = JobId("01900000-0000-7000-8000-000000000001")
PATH = "Panel_01/Eliot_Panel_01_v001.png"


def order() -> JobQueued:
    """A job of an inline workflow."""
    return JobQueued(
        job=JOB,
        workflow={"1": {"class_type": "EmptyImage", "inputs": {}}},
        workflow_id=None,
        parameters={"prompt": "夜明け"},
        metadata={},
        capabilities=(),
        backend=None,
        naming_template="{panel}/v{version}",
        stall_seconds=60.0,
    )


def drafts() -> Iterator[Draft]:
    """A short history."""
    seen = AssetSeen(asset=CAT, path=PATH, size=5, mtime=1, head="h")
    yield draft([seen, AssetRated(asset=CAT, stars=2)], "jonas")
    yield draft([AssetRated(asset=CAT, stars=5)], "director")
    yield draft([TagDefined(tag=HERO, name="Hero Shot", color="#ff6b6b")], "jonas")
    yield draft([AssetTagged(asset=CAT, tag=HERO)], "jonas")
    yield draft([order()], "maria")
    yield draft([JobCancelRequested(job=JOB)], "maria")
    yield draft([JobCancelled(job=JOB)], "service")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project folder with a log on disk, closed."""
    gallery = tmp_path / "Eliot" / ".gallery"
    gallery.parent.mkdir()
    log = FolderLog(gallery, create(gallery, DiskIO()), "host00000001")
    for item in drafts():
        log.append(item).result()
    log.close()
    return gallery.parent


def told_by_the_service() -> Facts:
    """What the API would say of that project."""
    tag = {"id": HERO, "name": "Hero Shot", "color": "#ff6b6b"}
    other = {"relPath": "Panel_02/x.png", "rating": 0, "tags": []}
    job: dict[str, object] = {
        "job_id": JOB,
        "status": "cancelled",
        "actor": "maria",
        "workflow_id": None,
        "parameters": {"prompt": "夜明け"},
        "metadata": {},
        "error_message": None,
        "attempts": [],
        "outputs": [],
    }
    return live_facts(
        {HERO: tag}, {PATH: 5}, [{"relPath": PATH, "rating": 5, "tags": [tag]}, other], [job]
    )


def segment(project: Path) -> Path:
    """The only file of the log."""
    (found,) = (project / ".gallery" / "log").iterdir()
    return found


class TestComparison:
    def test_the_log_tells_what_the_service_tells(self, project: Path) -> None:
        """An untouched log gives the very facts of the API."""
        assert differences(told_by_the_service(), logged_facts(replay(project).tables)) == []

    def test_a_rating_that_the_log_lacks_is_named(self, project: Path) -> None:
        """The difference says where, and both values."""
        live = evolve(told_by_the_service(), ratings={PATH: 4})

        (told,) = differences(live, logged_facts(replay(project).tables))

        assert told == f"ratings.{PATH}: live 4, in the log 5"

    def test_a_job_that_only_the_log_has_is_named(self, project: Path) -> None:
        """What is missing on one side differs too."""
        live = evolve(told_by_the_service(), jobs={})

        (told,) = differences(live, logged_facts(replay(project).tables))

        assert told.startswith(f"jobs.{JOB}: live None")

    def test_a_tag_taken_off_by_hand_is_named(self, project: Path) -> None:
        """Tags are compared per file."""
        live = told_by_the_service()
        bare = {path: evolve(file, tags=()) for path, file in live.files.items()}

        (told,) = differences(evolve(live, files=bare), logged_facts(replay(project).tables))

        assert told.startswith(f"files.{PATH}.tags")


class TestTampering:
    def test_a_changed_byte_fails_the_replay(self, project: Path) -> None:
        """Five stars made one by hand break the chain."""
        file = segment(project)
        file.write_bytes(file.read_bytes().replace(b'"stars":5', b'"stars":1'))

        with pytest.raises(StepFailedError, match="cannot be read whole"):
            replay(project)

    def test_a_missing_line_fails_the_replay(self, project: Path) -> None:
        """A line cut out of the middle leaves a gap."""
        file = segment(project)
        lines = file.read_bytes().splitlines(keepends=True)
        file.write_bytes(b"".join([*lines[:3], *lines[4:]]))

        with pytest.raises(StepFailedError, match="cannot be read whole"):
            replay(project)

    def test_lines_cut_off_at_the_end_differ_from_the_live_state(self, project: Path) -> None:
        """What is left is a good log, of another state."""
        file = segment(project)
        lines = file.read_bytes().splitlines(keepends=True)
        file.write_bytes(b"".join(lines[:4]))

        assert differences(told_by_the_service(), logged_facts(replay(project).tables))

    def test_a_project_without_a_log_fails_the_replay(self, tmp_path: Path) -> None:
        """Nothing to read is no success."""
        with pytest.raises(StepFailedError, match="has no log"):
            replay(tmp_path)


class TestCheckpoint:
    def test_its_hash_is_that_of_the_replay(self, project: Path, tmp_path: Path) -> None:
        """What the service saves at its end is what the log gives."""
        replayed = replay(project)
        packed = replayed.tables.pack()
        store = CheckpointStore(tmp_path / "cache" / replayed.project_id, code_version())
        store.save({}, packed, state_hash(packed))

        assert last_checkpoint(tmp_path, replayed.project_id) == replayed.state_hash()

    def test_none_at_all_fails_the_step(self, tmp_path: Path) -> None:
        """A service that saved nothing did not stop cleanly."""
        with pytest.raises(StepFailedError, match="no checkpoint"):
            last_checkpoint(tmp_path, "01hzprject0000000000000000")
