"""Workflows that real ComfyUI servers refuse, or that fail while they run."""

from __future__ import annotations

from typing import Any

import pytest

from tests.comfyui_real.conftest import Pair
from tests.comfyui_real.graphs import graph_of
from tests.comfyui_real.service import Service

pytestmark = pytest.mark.comfyui


async def failed(service: Service, job_id: str, backends: Pair) -> dict[str, Any]:
    """A job once it has failed; nothing may be left of it anywhere."""
    job = await service.reaches(job_id, {"failed"})
    assert job["outputs"] == []
    assert service.files() == []
    assert service.staged() == []
    assert all([await server.idle() for server in backends])
    return job


async def test_a_node_that_raises_fails_the_job_with_its_words(
    service: Service, backends: Pair
) -> None:
    """The node, what it said and the kind of the failure are shown.

    It is tried once more, on the other backend: the first one might have been to blame.
    """
    job = await failed(service, await service.submit("failing"), backends)

    assert job["error_kind"] == "execution"
    assert job["error_node"] == "2"
    assert "RuntimeError" in job["error_message"]
    assert job["error_message"].count("Padding size") == 2
    assert {each["backend_id"] for each in job["attempts"]} == {"one", "two"}


async def test_a_workflow_that_comfyui_refuses_fails_with_the_faulty_node(
    service: Service, backends: Pair
) -> None:
    """Every faulty input is named; no prompt is left in the backend's queue."""
    job = await failed(service, await service.submit("invalid"), backends)

    assert job["error_kind"] == "validation"
    assert job["error_node"] in {"1", "2"}
    assert "upscale_method" in job["error_message"]
    assert "height" in job["error_message"]
    assert len(job["attempts"]) == 1


async def test_a_node_class_that_no_backend_has_is_named(service: Service, backends: Pair) -> None:
    """A workflow from a machine with other custom nodes says which node is missing."""
    graph = graph_of("fast")
    graph["2"]["class_type"] = "NodeOfAnotherStudio"

    job = await failed(service, await service.submit(graph), backends)

    assert job["error_kind"] == "validation"
    assert "NodeOfAnotherStudio" in job["error_message"]
    assert job["error_node"] == "2"


async def test_a_workflow_that_is_valid_in_part_is_refused_whole(
    service: Service, backends: Pair
) -> None:
    """ComfyUI would render the valid outputs and answer 200; half a result is none."""
    graph = graph_of("fast")
    graph["5"] = {"class_type": "SaveImage", "inputs": {"filename_prefix": "no-image"}}

    job = await failed(service, await service.submit(graph), backends)

    assert job["error_kind"] == "validation"
    assert job["error_node"] == "5"


async def test_an_interrupt_by_somebody_else_is_told_as_such(
    service: Service, backends: Pair
) -> None:
    """A person pressed stop in ComfyUI: the job was not cancelled by us, and is not repeated."""
    one = backends[0]
    job_id = await service.submit("slow", backend_id="one")
    await service.running_on(job_id, one)

    await one.post("/interrupt", {})

    job = await failed(service, job_id, backends)
    assert job["error_kind"] == "interrupted"
    assert len(job["attempts"]) == 1


async def test_one_failure_leaves_the_backend_fit_for_the_next_job(service: Service) -> None:
    """A failed job frees its slot."""
    bad = await service.submit("failing", backend_id="one")
    good = await service.submit("fast", backend_id="one")

    await service.succeeds(good)
    await service.reaches(bad, {"failed"})
