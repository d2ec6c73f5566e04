"""Two services on two hosts use the same project and the same real servers."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.comfyui_real.conftest import Pair
from tests.comfyui_real.replaying import Replayed
from tests.comfyui_real.service import Service
from tests.comfyui_real.visitor import Visitor

pytestmark = pytest.mark.comfyui

EACH = 4


async def test_neither_touches_the_others_prompts(
    service: Service, backends: Pair, tmp_path: Path
) -> None:
    """One is killed and cancels a job; all others finish, each with one output."""
    (tmp_path / "south").mkdir()
    async with (
        Service(tmp_path / "south", backends, shows=service.project.parent) as south,
        Visitor(backends[1]) as visitor,
    ):
        hosts = (service, south)
        jobs = [
            (host, await host.submit("slow", parameters={"2:seconds": 1.5, "2:seed": n}))
            for n in range(EACH)
            for host in hosts
        ]
        mine = [job_id for host, job_id in jobs if host is service]
        unwanted = mine[-1]
        await service.cancel(unwanted)
        await service.running_on(mine[0], backends[0])
        service.kill()
        await asyncio.sleep(1.0)
        await service.start()
        wanted = [(host, job_id) for host, job_id in jobs if job_id != unwanted]
        ended = [await host.succeeds(job_id, seconds=100) for host, job_id in wanted]
        await service.reaches(unwanted, {"cancelled"})

    assert all(len(job["attempts"]) == 1 for job in ended)
    assert len({job["host"] for job in ended}) == 2
    paths = [output["rel_path"] for job in ended for output in job["outputs"]]
    assert len(paths) == len(set(paths)) == 2 * EACH - 1
    assert sorted(paths) == service.files()
    assert Replayed.of(service.project).findings == ()
    assert set(visitor.ended.values()) == {"execution_success"}
    assert south.complaints() == []
