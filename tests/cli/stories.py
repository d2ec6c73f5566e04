"""A small project as two hosts have written it, with files on disk and times that are known."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from attrs import define, field

from events.assets import AssetId, AssetSeen
from events.codec import draft
from events.curation import AssetRated, AssetTagged, TagDefined, TagId
from events.files import FilesDone, FilesIntended
from events.ids import writer_id
from events.jobs import (
    JobId,
    JobOutputStored,
    JobQueued,
    JobRendered,
    JobStarted,
    JobSubmitted,
    JobSucceeded,
)
from events.log.disk_io import DiskIO
from events.log.folder import FolderLog
from events.log.format_file import create, load
from events.record import Record
from events.stamp import Stamp
from events.views import ViewSaved
from orchestrator.gallery.fingerprint import asset_id, head_of

NOON = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)
MARA, TOM = "hostmara0001", "hosttom00002"
CAT, DOG, RENDER = "panel_01/cat.png", "panel_02/dog.png", "panel_02/Film_panel_02_v001.png"
HERO = TagId("hero")
JOB = JobId("7b0d6f0e-1111-4222-8333-444455556666")
WORKFLOW = {"1": {"class_type": "SaveImage", "inputs": {}}}


@define
class Clock:
    """A wall clock that stands until it is set."""

    ms: int = int(NOON.timestamp() * 1000)

    def __call__(self) -> int:
        return self.ms

    def at(self, minute: int, second: int = 0) -> None:
        """Minutes and seconds after noon."""
        self.ms = int(NOON.timestamp() * 1000) + (minute * 60 + second) * 1000


class QuickDisk(DiskIO):
    """The real file system without fsync: no power is cut in these tests."""

    def sync(self, descriptor: int) -> None:
        """Nothing waits for the disk."""

    def sync_folder(self, folder: Path) -> None:
        """Nothing waits for the disk."""


@define
class Story:
    """A project folder, and the hosts that write to it."""

    root: Path
    clock: Clock = field(factory=Clock)
    _logs: dict[str, FolderLog] = field(factory=dict)
    _started: int = 0

    @property
    def log_folder(self) -> Path:
        """Where the segments are."""
        return self.root / ".gallery" / "log"

    def segments(self) -> list[Path]:
        """All segment files, by name."""
        return sorted(self.log_folder.glob("*.jsonl"))

    def host(self, name: str) -> FolderLog:
        """The running log of a host; started if it does not run."""
        if name not in self._logs:
            gallery = self.root / ".gallery"
            format_ = load(gallery) or create(gallery, QuickDisk())
            self._started += 1
            number = self._started
            self._logs[name] = FolderLog(
                gallery,
                format_,
                name,
                disk=QuickDisk(),
                wall_ms=self.clock,
                new_writer=lambda: writer_id(self.clock.ms, number),
            )
        return self._logs[name]

    def tell(
        self, host: str, actor: str, *events: object, beats: Stamp | None = None
    ) -> list[Record]:
        """A host records events, in one transaction."""
        return self.host(host).append(draft(events, actor, "c-1", beats)).result(timeout=10)

    def stop(self, *hosts: str) -> None:
        """Services end in good order; all that run if none is named."""
        for name in hosts or tuple(self._logs):
            self._logs.pop(name).close()

    def file(self, path: str, content: bytes) -> AssetSeen:
        """A file of the project, as it is first seen."""
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        os.utime(place, ns=(self.clock.ms * 1_000_000, self.clock.ms * 1_000_000))
        head, size = head_of(content), len(content)
        asset = AssetId(asset_id(path, size, head))
        mtime = place.stat().st_mtime_ns
        return AssetSeen(asset=asset, path=path, size=size, mtime=mtime, head=head)


def shoot(root: Path) -> Story:
    """Mara rates and tags a cat, Tom rates it better; then Tom renders a dog's portrait."""
    root.mkdir(parents=True, exist_ok=True)
    story = Story(root)
    clock = story.clock
    cat = story.file(CAT, b"a cat" * 100)
    story.tell(MARA, "mara", cat, AssetRated(asset=cat.asset, stars=3))
    clock.at(10)
    story.tell(MARA, "mara", TagDefined(tag=HERO, name="Hero Shot", color="#ff0000"))
    story.tell(MARA, "mara", AssetTagged(asset=cat.asset, tag=HERO))
    clock.at(20)
    story.tell(TOM, "tom", AssetRated(asset=cat.asset, stars=5))
    clock.at(30)
    render(story)
    clock.at(50)
    dog = story.file(DOG, b"a dog")
    story.tell(TOM, "tom", dog, AssetRated(asset=dog.asset, stars=2))
    story.tell(MARA, "mara", ViewSaved(name="Best", settings={"sort": "stars"}))
    return story


def render(story: Story) -> None:
    """A job of Tom's, from order to picture."""
    content = b"a dog's portrait" * 50
    seen = story.file(RENDER, content)
    digest = sha256(content).hexdigest()
    story.tell(
        TOM,
        "tom",
        JobQueued(job=JOB, workflow=WORKFLOW, workflow_id="portrait", naming_template="{panel}/x"),
    )
    story.tell(
        TOM,
        "service",
        JobSubmitted(job=JOB, attempt=1, backend="node1", prompt_id=f"{JOB}-1"),
    )
    story.tell(TOM, "service", JobStarted(job=JOB, attempt=1))
    story.tell(TOM, "service", JobRendered(job=JOB, attempt=1, outputs=1))
    story.tell(
        TOM,
        "service",
        FilesIntended(
            op="op-1",
            action="store",
            source=".gallery/staging/op-1",
            to=RENDER,
            size=len(content),
            sha256=digest,
            job=JOB,
            attempt=1,
            node="9",
            index=0,
            kind="images",
            original="ComfyUI_00001_.png",
        ),
    )
    story.tell(
        TOM,
        "service",
        seen,
        JobOutputStored(
            job=JOB,
            attempt=1,
            node="9",
            index=0,
            kind="images",
            asset=seen.asset,
            path=RENDER,
            size=len(content),
            sha256=digest,
        ),
        FilesDone(op="op-1"),
    )
    story.tell(TOM, "service", JobSucceeded(job=JOB, attempt=1))
