"""The sample project: real metadata, graphs that run, pictures that differ."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from orchestrator.comfyui.catalogue import Catalogue
from orchestrator.comfyui.workflow import available_parameters, check
from orchestrator.gallery.picture import facts
from tools.demo.editor import editor_workflow
from tools.demo.sample import SCENES, WORKFLOWS, Shot, shots, write_project
from tools.simulator.store import Store
from tools.simulator.validation import validate

NOW = 1_700_000_000.0
ALL = tuple(shots())


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample project, painted once."""
    root: Path = tmp_path_factory.mktemp("projects") / "Eliot"
    assert write_project(root, NOW) == len(ALL)
    return root


def faults(graph: dict[str, Any], folder: Path) -> tuple[Any, dict[str, Any]]:
    """What a simulated ComfyUI finds wrong with a graph."""
    verdict = validate(
        copy.deepcopy(graph), None, Store(folder), pretend=True, accept_any_model=False
    )
    return verdict.error, verdict.node_errors


def links(workflow: dict[str, Any]) -> Iterator[tuple[str, str, str, int]]:
    """Target node, input, source node and slot of every link of an editor's graph."""
    inputs = {
        slot["link"]: (str(node["id"]), slot["name"])
        for node in workflow["nodes"]
        for slot in node["inputs"]
    }
    for number, source, slot, _, _, _ in workflow["links"]:
        yield (*inputs[number], str(source), slot)


class TestPictures:
    def test_there_are_about_sixty_in_panels(self, project: Path) -> None:
        """Each panel has ten, named after project, panel and version."""
        found = sorted(path.relative_to(project).as_posix() for path in project.rglob("*.png"))

        assert len(found) == 60
        assert found[0] == "Panel_01/Eliot_Panel_01_v001.png"
        assert found[-1] == "Panel_06/Eliot_Panel_06_v010.png"

    def test_every_one_can_be_opened_and_differs(self, project: Path) -> None:
        """Pixels are whole, and no two pictures have the same."""
        seen = set()
        for path in project.rglob("*.png"):
            with Image.open(path) as picture:
                seen.add(picture.tobytes())

        assert len(seen) == 60

    def test_times_differ_and_lie_in_the_past(self, project: Path) -> None:
        """A listing by time has one order, the order in which the shots were made."""
        times = [(project / shot.path).stat().st_mtime for shot in ALL]

        assert times == sorted(set(times))
        assert times[-1] < NOW

    def test_the_gallery_reads_their_metadata(self, project: Path) -> None:
        """Size, graph and editor's graph are read by the gallery's own reader."""
        for shot in ALL:
            found = facts(project / shot.path)

            assert (found.width, found.height) == shot.size
            assert found.note is None
            assert found.generation.prompt_graph == shot.graph
            assert found.generation.workflow == editor_workflow(shot.graph)

    def test_prompt_and_seed_are_found_in_the_graph(self) -> None:
        """What the gallery would show as prompt is what the shot was made with."""
        for shot in ALL:
            known = {p.name: p.value for p in available_parameters(shot.graph)}

            assert (known["prompt"], known["seed"]) == (shot.prompt, shot.seed)

    def test_some_prompts_are_not_ascii(self) -> None:
        """People write in their own languages."""
        assert sum(not shot.prompt.isascii() for shot in ALL) > 20


class TestGraphs:
    @pytest.mark.parametrize("shot", ALL[::10], ids=lambda shot: shot.path)
    def test_a_backend_takes_them(self, shot: Shot, tmp_path: Path) -> None:
        """The graph in a picture can be queued again as it is."""
        assert faults(shot.graph, tmp_path) == (None, {})

    @pytest.mark.parametrize("shot", ALL[::10], ids=lambda shot: shot.path)
    def test_the_editor_has_the_same_links_and_values(self, shot: Shot) -> None:
        """Nothing of the graph is lost on the way into the editor's form."""
        workflow = editor_workflow(shot.graph)
        nodes = {str(node["id"]): node for node in workflow["nodes"]}
        wanted = {
            (node, name, *value)
            for node, body in shot.graph.items()
            for name, value in body["inputs"].items()
            if isinstance(value, list)
        }

        assert set(links(workflow)) == wanted
        assert nodes.keys() == shot.graph.keys()
        assert shot.prompt in [v for node in nodes.values() for v in node["widgets_values"]]

    def test_the_editor_orders_nodes_behind_their_sources(self) -> None:
        """`order` is an order of execution."""
        workflow = editor_workflow(ALL[0].graph)
        order = {node["id"]: node["order"] for node in workflow["nodes"]}

        assert all(order[link[1]] < order[link[3]] for link in workflow["links"])


class TestWorkflows:
    def test_those_of_the_document_are_there(self) -> None:
        """The API document submits `flux_dev`; every scene names one that exists."""
        names = Catalogue(WORKFLOWS).names()

        assert names == ("flux_dev", "quick", "sdxl_portrait")
        assert {scene.workflow_id for scene in SCENES} == set(names)

    @pytest.mark.parametrize("name", Catalogue(WORKFLOWS).names())
    def test_they_expose_parameters_and_run(self, name: str, tmp_path: Path) -> None:
        """Each has a YAML beside it, and a backend takes it."""
        entry = Catalogue(WORKFLOWS).load(name)
        check(entry.graph)

        assert entry.exposed
        assert faults(entry.graph, tmp_path) == (None, {})
