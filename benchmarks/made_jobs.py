"""Logs of jobs that have ended, written as the service writes them."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from benchmarks.farms import graph
from events import codec
from events import jobs as e
from events.log import format_file
from events.log.disk_io import DiskIO
from events.log.folder import FolderLog

BACKENDS = 20


def story(number: int) -> list[object]:
    """Everything that happens to a job; every tenth fails."""
    job = e.JobId(str(UUID(int=(7 << 76) + (2 << 62) + (number << 80))))
    told: list[object] = [
        e.JobQueued(
            job=job,
            workflow=graph(0.05),
            parameters={"prompt": f"a castle at dawn, take {number}", "steps": 20},
            metadata={"source": "storyboard", "panel_id": f"Panel_{number % 100:02d}"},
            naming_template="{panel}/{project}_{panel}_v{version}",
        ),
        e.JobSubmitted(
            job=job, attempt=1, backend=f"b{number % BACKENDS}", prompt_id=f"prompt-{number}"
        ),
        e.JobStarted(job=job, attempt=1),
    ]
    if number % 10 == 9:
        failed = e.JobFailed(job=job, reason="out of memory", attempt=1, kind="execution")
        return [*told, failed]
    stored = e.JobOutputStored(
        job=job,
        attempt=1,
        node="9",
        index=0,
        kind="images",
        asset=f"{number:032x}",
        path=f"Panel_{number % 100:02d}/Eliot_Panel_{number % 100:02d}_v{number // 100:03d}.png",
        size=2_000_000 + number,
        sha256=f"{number:064x}",
    )
    rendered = e.JobRendered(job=job, attempt=1, outputs=1)
    return [*told, rendered, stored, e.JobSucceeded(job=job, attempt=1)]


def make(project: Path, jobs: int, host: str) -> None:
    """A project in which so many jobs of a host have ended."""
    project.mkdir(parents=True, exist_ok=True)
    made = format_file.create(project / ".gallery", DiskIO())
    log = FolderLog(project / ".gallery", made, host)
    for begin in range(0, jobs, 1_000):
        numbers = range(begin, min(begin + 1_000, jobs))
        appended = [log.append(*_lines(number)) for number in numbers]
        appended[-1].result()
    log.close()


def _lines(number: int) -> list[codec.Draft]:
    return [codec.draft([event], "mara") for event in story(number)]
