from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from orchestrator.comfyui.catalogue import Catalogue
from orchestrator.comfyui.parameters import SEED_END, Rule
from orchestrator.comfyui.workflow import apply_parameters
from orchestrator.errors import WorkflowInvalid, WorkflowUnknown, WorkflowUnreadable
from tests.comfyui import graphs

EXPOSED = """
parameters:
  - {name: look, node: "6", input: text, type: str, default: film still}
  - {name: quality, node: 3, input: steps, type: int, range: [10, 60], default: 25}
  - {name: strength, node: "3", input: denoise, type: float, range: [0, 1], default: 1}
  - {name: solver, node: "3", input: sampler_name, type: choice, choices: [euler, dpmpp_2m]}
  - {name: variation, node: "3", input: seed, type: int}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A catalogue with one workflow, `sd`."""
    (tmp_path / "sd.json").write_bytes(orjson.dumps(graphs.sd15()))
    return tmp_path


def refusal(folder: Path, described: str) -> str:
    """Why a YAML beside the workflow is refused."""
    (folder / "sd.yaml").write_text(described)
    with pytest.raises(WorkflowInvalid) as caught:
        Catalogue(folder).load("sd")
    return caught.value.reason


class TestNames:
    def test_ids_are_paths_without_suffix(self, folder: Path) -> None:
        """Subfolders are allowed; hidden files and other kinds of files are left out."""
        (folder / "film" / "wan").mkdir(parents=True)
        (folder / ".git").mkdir()
        for name in ("film/wan/i2v.v2.json", ".git/x.json", ".hidden.json", "notes.txt", "sd.yaml"):
            (folder / name).write_text("{}")
        assert Catalogue(folder).names() == ("film/wan/i2v.v2", "sd")

    def test_a_folder_that_is_not_there_has_no_workflows(self, tmp_path: Path) -> None:
        """Workflows can be sent whole; a catalogue is a convenience."""
        assert Catalogue(tmp_path / "absent").names() == ()


class TestLoad:
    def test_a_workflow_without_yaml_exposes_nothing(self, folder: Path) -> None:
        """The JSON alone is enough."""
        entry = Catalogue(folder).load("sd")
        assert (entry.graph, entry.exposed) == (graphs.sd15(), ())

    def test_the_yaml_exposes_names_and_sets_defaults(self, folder: Path) -> None:
        """Defaults stand in the graph; ranges and choices become rules."""
        (folder / "sd.yaml").write_text(EXPOSED)
        entry = Catalogue(folder).load("sd")
        rules = {each.name: each.rule for each in entry.exposed}
        assert entry.graph["6"]["inputs"]["text"] == "film still"
        assert entry.graph["3"]["inputs"]["steps"] == 25
        assert rules["quality"] == Rule(kind="int", minimum=10, maximum=60)
        assert rules["solver"] == Rule(kind="choice", choices=("euler", "dpmpp_2m"))
        assert rules["variation"] == Rule(kind="int", minimum=0, maximum=SEED_END - 1)
        changed = apply_parameters(entry.graph, {"look": "noir"}, entry.exposed)
        assert changed["6"]["inputs"]["text"] == "noir"

    def test_a_linked_input_is_exposed_where_its_value_comes_from(self, folder: Path) -> None:
        """The width of the SDXL graph stands in a primitive node."""
        (folder / "xl.json").write_bytes(orjson.dumps(graphs.sdxl_two_stage()))
        (folder / "xl.yaml").write_text(
            "parameters: [{name: w, node: '3', input: width, type: int, default: 832}]"
        )
        entry = Catalogue(folder).load("xl")
        changed = apply_parameters(entry.graph, {"w": 640}, entry.exposed)
        assert entry.graph["20"]["inputs"]["value"] == 832
        assert changed["20"]["inputs"]["value"] == 640

    def test_an_unknown_id_names_those_that_exist(self, folder: Path) -> None:
        """The answer says what could be asked for."""
        with pytest.raises(WorkflowUnknown) as caught:
            Catalogue(folder).load("absent")
        assert caught.value.known == ("sd",)

    @pytest.mark.parametrize(
        "workflow_id",
        ["../secret", "a/../../secret", "/secret", "a\0", "", ".", "a//sd", "C:sd", "..\\secret"],
    )
    def test_an_id_cannot_leave_the_folder(self, folder: Path, workflow_id: str) -> None:
        """Such an id is simply unknown, whether or not there is a file."""
        inside = folder / "inside"
        inside.mkdir()
        (folder / "secret.json").write_bytes(orjson.dumps(graphs.sd15()))
        with pytest.raises(WorkflowUnknown):
            Catalogue(inside).load(workflow_id)
        assert Catalogue(folder).load("secret").exposed == ()

    def test_a_file_that_is_not_json_is_named(self, folder: Path) -> None:
        """The reason begins with the file."""
        (folder / "half.json").write_text('{"1": ')
        with pytest.raises(WorkflowInvalid) as caught:
            Catalogue(folder).load("half")
        assert caught.value.reason.startswith("half.json: ")

    def test_a_file_in_the_editors_format_is_named(self, folder: Path) -> None:
        """What `check` refuses is refused here too, with the file."""
        (folder / "ui.json").write_text('{"nodes": [], "links": []}')
        with pytest.raises(WorkflowInvalid) as caught:
            Catalogue(folder).load("ui")
        assert caught.value.reason.startswith("ui.json: it is in the editor's format")

    def test_a_file_that_cannot_be_read_is_not_invalid(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A share that hangs up is a fault of today, not of the workflow."""

        def refuse(*_: object, **__: object) -> None:
            raise OSError(5, "Input/output error")

        monkeypatch.setattr(Path, "open", refuse)
        with pytest.raises(WorkflowUnreadable) as caught:
            Catalogue(folder).load("sd")
        assert caught.value.reason == "Input/output error"


class TestWrongYaml:
    @pytest.mark.parametrize(
        ("described", "where"),
        [
            ("parameters: [", "sd.yaml: it is not YAML"),
            ("[1]", "sd.yaml: it must be an object"),
            ("params: []", "sd.yaml: it must be an object"),
            ("parameters: {a: 1}", "sd.yaml: parameters: must be a list"),
            ("parameters: [1]", "parameters[0]: must be an object"),
            ("parameters: [{node: '3', input: steps, type: int}]", "[0].name"),
            ("parameters: [{name: 'a:b', node: '3', input: steps, type: int}]", "[0].name"),
            ("parameters: [{name: a, node: '33', input: steps, type: int}]", "[0].node"),
            ("parameters: [{name: a, node: '3', input: stepz, type: int}]", "[0].input"),
            ("parameters: [{name: a, node: '3', input: model, type: str}]", "[0].input"),
            ("parameters: [{name: a, node: '3', input: steps, type: integer}]", "[0].type"),
            ("parameters: [{name: a, node: '3', input: steps, type: int, min: 1}]", "[0].min"),
            ("parameters: [{name: a, node: '3', input: steps, type: int, range: 5}]", "[0].range"),
            (
                "parameters: [{name: a, node: '3', input: steps, type: int, range: [9, 1]}]",
                "[0].range",
            ),
            (
                "parameters: [{name: a, node: '6', input: text, type: str, range: [1, 2]}]",
                "[0].range",
            ),
            ("parameters: [{name: a, node: '6', input: text, type: choice}]", "[0].choices"),
            (
                "parameters: [{name: a, node: '6', input: text, type: choice, choices: []}]",
                "[0].choices",
            ),
            (
                "parameters: [{name: a, node: '3', input: steps, type: int, default: many}]",
                "[0].default",
            ),
            (
                "parameters: [&a {name: a, node: '3', input: steps, type: int}, *a]",
                "[1].name",
            ),
        ],
    )
    def test_file_and_key_are_named(self, folder: Path, described: str, where: str) -> None:
        """Whoever wrote it finds the place without searching."""
        reason = refusal(folder, described)
        assert reason.startswith("sd.yaml: ")
        assert where in reason
