"""Parameters as real ComfyUI servers receive and obey them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.comfyui_real.conftest import Pair
from tests.comfyui_real.service import Service

pytestmark = pytest.mark.comfyui


async def graph_sent(service: Service, backends: Pair, job_id: str) -> dict[str, Any]:
    """The graph that a backend executed for a job."""
    job = await service.succeeds(job_id)
    server = next(server for server in backends if server.name == job["backend_id"])
    entry = await server.entry(job["attempts"][-1]["prompt_id"])
    assert entry is not None
    graph: dict[str, Any] = entry["prompt"][2]
    return graph


async def test_a_parameter_by_node_and_input_reaches_that_input(
    service: Service, backends: Pair
) -> None:
    """`3:width` is the width of node 3, and of no other."""
    sent = {"3:width": 200, "3:height": 100, "3:upscale_method": "bilinear"}

    graph = await graph_sent(service, backends, await service.submit("fast", parameters=sent))

    assert graph["3"]["inputs"]["upscale_method"] == "bilinear"
    assert graph["1"]["inputs"]["width"] == 128
    told = (await service.details(service.files()[0]))["file"]
    assert (told["width"], told["height"]) == (200, 100)


async def test_common_names_find_their_inputs_in_the_graph(
    service: Service, backends: Pair
) -> None:
    """Nobody needs to know which node holds the seed or the size."""
    sent = {"seed": 4711, "width": 80, "height": 48, "2:seconds": 0.2}

    graph = await graph_sent(service, backends, await service.submit("slow", parameters=sent))

    assert graph["2"]["inputs"]["seed"] == 4711
    told = (await service.details(service.files()[0]))["file"]
    assert (told["width"], told["height"]) == (80, 48)


async def test_the_job_keeps_what_was_asked(service: Service) -> None:
    """Parameters and metadata come back with the job, as they were sent."""
    asked = {"2:seconds": 0.1, "seed": 3}

    job_id = await service.submit("slow", parameters=asked, metadata={"source": "storyboard"})

    job = await service.succeeds(job_id)
    assert job["parameters"] == asked
    assert job["metadata"] == {"panel_id": "Panel_01", "source": "storyboard"}
    assert (job["workflow_id"], job["actor"]) == ("slow", "mara")


async def test_the_template_may_use_the_seed(service: Service) -> None:
    """A name can tell the seed that made the picture."""
    template = "{panel}/{seed}_{version:2}"
    sent = {"seed": 42, "2:seconds": 0.1}

    job_id = await service.submit("slow", parameters=sent, naming_template=template)

    await service.succeeds(job_id)
    assert service.files() == ["Panel_01/42_01.png"]


async def test_a_parameter_that_the_workflow_lacks_is_refused(service: Service) -> None:
    """Nothing is queued, and the answer names the parameter."""
    body = {"workflow_id": "fast", "parameters": {"9:nothing": 1}}

    answer = await service.post("/api/job", body, status=422)

    assert "9:nothing" in str(answer)
    assert (await service.get("/api/jobs"))["total"] == 0
