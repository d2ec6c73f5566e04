"""`demo --once`: the main job and then the proof that the log alone tells the same state."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from attrs import define, field

from events.log.format_file import FormatError
from tools.demo.errors import StepFailedError
from tools.demo.facts import Facts, differences, logged_facts
from tools.demo.main_job import MainJob, Step, require
from tools.demo.printing import Printer
from tools.demo.processes import output_of
from tools.demo.replaying import last_checkpoint, replay
from tools.demo.sample import PICTURES_PER_PANEL, SCENES
from tools.demo.stage import Stage

#: Seconds that a step of a simulated sampler takes: 20 steps are enough to watch.
PACE = 0.08


@define
class Proof:
    """Replays the log, and compares with what the service said while it ran."""

    stage: Stage
    job: MainJob
    live: Facts | None = field(default=None, init=False)

    def steps(self) -> tuple[tuple[str, Step], ...]:
        """Titles and steps, in order."""
        return (
            ("replayed log equals live state", self.equals_live),
            ("service stops cleanly", self.stops),
            ("replay equals saved state", self.equals_checkpoint),
            ("log keeps its promises", self.audited),
        )

    async def equals_live(self) -> str:
        """The log is folded here from its bytes, while the service runs."""
        live = await self.job.facts()
        replayed = await asyncio.to_thread(replay, self.stage.folder.project)
        differ = differences(live, logged_facts(replayed.tables))
        require(not differ, "The replayed state differs:\n" + "\n".join(differ))
        return (
            f"{replayed.events} events give the same {len(live.jobs)} jobs, "
            f"{len(live.files)} curated files, {len(live.tags)} tags"
        )

    async def stops(self) -> str:
        """The service finishes what it began, and ends with 0."""
        code = await self.stage.service.stop()
        words = self.stage.service.last_words()
        require(code == 0, f"It ended with {code}:\n{words}")
        return "exit code 0"

    async def equals_checkpoint(self) -> str:
        """All that the service knew, to the last stamp, is in the log."""
        folder = self.stage.folder
        replayed = await asyncio.to_thread(replay, folder.project)
        saved = await asyncio.to_thread(last_checkpoint, folder.data, replayed.project_id)
        found = replayed.state_hash()
        require(found == saved, f"The service saved {saved}, the log gives {found}.")
        return f"state hash {found[:16]}"

    async def audited(self) -> str:
        """`orchestrator log audit` finds nothing."""
        arguments = ("log", "audit", str(self.stage.folder.project))
        code, printed = await output_of("tools.cli", *arguments)
        require(code == 0, f"`orchestrator log audit` ended with {code}:\n{printed}")
        return printed.strip().splitlines()[-1] if printed.strip() else "audit ended with 0"


async def perform(
    stage: Stage, printer: Printer, *, before_proof: Callable[[], None] = lambda: None
) -> bool:
    """Do all steps and print each; True if all held. The first that does not ends it.

    Args:
        stage: everything, up and running.
        printer: where to print.
        before_proof: called between the main job and the replay; tests damage the log there.
    """
    api, backends = stage.api, len(stage.backends)
    pictures = len(SCENES) * PICTURES_PER_PANEL
    job = MainJob(api, stage.project, backends, pictures, printer.note)
    proof = Proof(stage, job)
    first = job.steps()
    steps = [*first, *proof.steps()]
    for number, (title, step) in enumerate(steps, 1):
        if number == len(first) + 1:
            before_proof()
        started = time.monotonic()
        try:
            told, ok = await step(), True
        except (StepFailedError, FormatError, OSError) as exc:
            told, ok = str(exc), False
        seconds = time.monotonic() - started
        printer.result(number, title, ok=ok, seconds=seconds, told=told)
        if not ok:
            return False
    return True
