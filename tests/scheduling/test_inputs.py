from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrator.comfyui.graph import Workflow
from orchestrator.comfyui.workflow import apply_parameters
from orchestrator.errors import (
    FileUnreadable,
    InputForbidden,
    InputInvalid,
    InputMissing,
    InputTooLarge,
    OrchestratorError,
)
from orchestrator.paths.mappings import PathMapping
from orchestrator.paths.roots import Roots
from orchestrator.scheduling.input_files import MAX_UPLOAD_BYTES
from orchestrator.scheduling.inputs import JobInput, depends_on, resolve, spelled
from tests.comfyui.graphs import node

JOB = "0199a1b2-0000-7000-8000-000000000000"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one picture, in a permitted folder that has another one."""
    root = tmp_path / "nas" / "film"
    (root / ".gallery").mkdir(parents=True)
    (root / "Panel_01").mkdir()
    (root / "Panel_01" / "a.png").write_bytes(b"a plate")
    (tmp_path / "nas" / "shared.PNG").write_bytes(b"shared")
    (tmp_path / "secret.png").write_bytes(b"secret")
    return root


@pytest.fixture
def roots(tmp_path: Path) -> Roots:
    """Only the NAS may be touched."""
    return Roots((tmp_path / "nas",))


def loading(value: Any, cls: str = "LoadImage", name: str = "image") -> Workflow:
    """A workflow that loads one file."""
    return {
        "1": node(cls, **{name: value}),
        "2": node("SaveImage", filename_prefix="x", images=["1", 0]),
    }


def path_of(path: str) -> JobInput:
    """The input of `loading` as a file."""
    return JobInput(node="1", input="image", path=path)


def output_of(job: str, output: int) -> JobInput:
    """The input of `loading` as an output of a job."""
    return JobInput(node="1", input="image", job=job, output=output)


class TestResolvingFiles:
    def test_an_absolute_path_in_the_project(self, roots: Roots, project: Path) -> None:
        """It is remembered relative to the project, which may be mounted elsewhere later."""
        value = str(project / "Panel_01" / "a.png")
        graph, found = resolve(loading(value), roots, project)
        assert found == (path_of("Panel_01/a.png"),)
        assert graph == loading(value)

    def test_an_absolute_path_outside_the_project(self, roots: Roots, project: Path) -> None:
        """It stays absolute."""
        value = str(project.parent / "shared.PNG")
        assert resolve(loading(value), roots, project)[1] == (path_of(value),)

    @pytest.mark.parametrize("value", ["W:\\film\\Panel_01\\a.png", "w:/film/Panel_01/a.png"])
    def test_a_path_of_another_system(self, project: Path, value: str) -> None:
        """The mappings say what it is called here."""
        mapping = PathMapping("1", windows="W:\\", linux=str(project.parent))
        roots = Roots((project.parent,), (mapping,))
        assert resolve(loading(value), roots, project)[1] == (path_of("Panel_01/a.png"),)

    @pytest.mark.parametrize("value", ["Panel_01/a.png", "Panel_01\\a.png", "./Panel_01/a.png"])
    def test_a_path_in_the_project(self, roots: Roots, project: Path, value: str) -> None:
        """If it has a separator and is there."""
        assert resolve(loading(value), roots, project)[1] == (path_of("Panel_01/a.png"),)

    @pytest.mark.parametrize(
        "value", ["b.png", "clipspace/b.png", "Panel_01", "Panel_01/a.png [input]", "Panel_01/", ""]
    )
    def test_other_names_are_the_backends_own(
        self, roots: Roots, project: Path, value: str
    ) -> None:
        """Whether they exist, only the backend knows."""
        (project / "b.png").write_bytes(b"in the project, but named without a folder")
        assert resolve(loading(value), roots, project) == (loading(value), ())

    def test_every_kind_of_upload(self, roots: Roots, project: Path) -> None:
        """Films and sounds as well as pictures, and what backends say of custom nodes."""
        value = "Panel_01/a.png"
        graph = {
            "1": node("LoadVideo", file=value),
            "2": node("LoadAudio", audio=value),
            "3": node("Custom", picture=value),
        }
        more = frozenset({("Custom", "picture")})
        found = resolve(graph, roots, project, uploads=more)[1]
        assert [(one.node, one.input) for one in found] == [
            ("1", "file"),
            ("2", "audio"),
            ("3", "picture"),
        ]


class TestRefusing:
    def refusal(self, graph: Workflow, roots: Roots, project: Path) -> OrchestratorError:
        """Why a workflow is refused; the refusal names node, input and value."""
        with pytest.raises(OrchestratorError) as caught:
            resolve(graph, roots, project)
        if not isinstance(caught.value, FileUnreadable):
            detail = caught.value.detail()
            assert (detail["node"], detail["value"] != "") == ("1", True)
            assert detail["input"] in str(caught.value)
        return caught.value

    @pytest.mark.parametrize(
        "value", ["/etc/hostname", "C:\\secret.png", "\\\\nas\\a.png", "../a.png", "~/a.png"]
    )
    def test_files_outside_the_permitted_folders(
        self, roots: Roots, project: Path, value: str
    ) -> None:
        """However they are written."""
        error = self.refusal(loading(value), roots, project)
        assert isinstance(error, InputForbidden)
        assert error.code == "input.forbidden"

    def test_a_link_that_leads_out(self, roots: Roots, project: Path, tmp_path: Path) -> None:
        """From the project, by either spelling."""
        (project / "Panel_01" / "link.png").symlink_to(tmp_path / "secret.png")
        for value in ("Panel_01/link.png", str(project / "Panel_01" / "link.png")):
            assert isinstance(self.refusal(loading(value), roots, project), InputForbidden)

    def test_the_services_own_folder(self, roots: Roots, project: Path) -> None:
        """What lies in the trash, or in the log, is nobody's input."""
        (project / ".gallery" / "x.png").write_bytes(b"x")
        for value in (".gallery/x.png", str(project / ".gallery" / "x.png")):
            assert isinstance(self.refusal(loading(value), roots, project), InputForbidden)

    def test_a_file_that_is_not_there(self, roots: Roots, project: Path) -> None:
        """An absolute path can only be meant for us."""
        error = self.refusal(loading(str(project / "gone.png")), roots, project)
        assert isinstance(error, InputMissing)
        assert isinstance(self.refusal(loading(str(project)), roots, project), InputMissing)

    def test_a_file_that_is_too_large(self, roots: Roots, project: Path) -> None:
        """Said now, and not by every backend in turn."""
        with (project / "large.png").open("wb") as file:
            file.truncate(MAX_UPLOAD_BYTES + 1)
        error = self.refusal(loading(str(project / "large.png")), roots, project)
        assert isinstance(error, InputTooLarge)
        assert "104,792,064" in str(error)

    def test_a_share_that_is_not_mounted(self, project: Path) -> None:
        """It may come back: nothing is said about the file."""
        roots = Roots((project / "not" / "mounted",))
        error = self.refusal(loading(str(project / "not" / "mounted" / "a.png")), roots, project)
        assert isinstance(error, FileUnreadable)

    @pytest.mark.parametrize(
        ("cls", "name"), [("VHS_LoadVideoPath", "video"), ("Somebodys", "image_path")]
    )
    def test_nodes_that_take_no_uploads(
        self, roots: Roots, project: Path, cls: str, name: str
    ) -> None:
        """They would read the backend's own disk."""
        value = str(project / "Panel_01" / "a.png")
        assert isinstance(self.refusal(loading(value, cls, name), roots, project), InputForbidden)

    def test_shares_that_backends_see(self, roots: Roots, project: Path) -> None:
        """Then such nodes may read what the job's owner may read, and no more."""
        inside = loading(str(project / "Panel_01"), "VHS_LoadImagesPath", "directory")
        assert resolve(inside, roots, project, on_shares=True) == (inside, ())
        for value in ("/etc", f"{project}/../../secret.png", f"{project}/.gallery"):
            outside = loading(value, "VHS_LoadImagesPath", "directory")
            with pytest.raises(InputForbidden):
                resolve(outside, roots, project, on_shares=True)


class TestResolvingOutputs:
    @pytest.mark.parametrize(
        ("value", "output"),
        [
            (f"job:{JOB}", 0),
            (f"job:{JOB}:3", 3),
            ({"job": JOB}, 0),
            ({"job": JOB, "output": 2}, 2),
        ],
    )
    def test_all_spellings(self, roots: Roots, project: Path, value: Any, output: int) -> None:
        """The workflow then holds the text, with the number."""
        graph, found = resolve(loading(value), roots, project)
        assert found == (output_of(JOB, output),)
        assert graph == loading(f"job:{JOB}:{output}")
        assert depends_on([*found, *found, path_of("a/b")]) == (JOB,)

    @pytest.mark.parametrize(
        "value",
        [
            "job:",
            "job:a/b",
            f"job:{JOB}:x",
            f"job:{JOB}:-1",
            {"job": JOB, "output": "0"},
            {"job": JOB, "output": True},
            {"job": JOB, "output": -1},
            {"job": 5},
            {"job": JOB, "more": 1},
            {},
        ],
    )
    def test_what_cannot_be_read(self, roots: Roots, project: Path, value: Any) -> None:
        """Nothing is guessed."""
        with pytest.raises(InputInvalid):
            resolve(loading(value), roots, project)

    def test_texts_elsewhere_stay(self, roots: Roots, project: Path) -> None:
        """A prompt may speak of jobs."""
        graph = loading("a.png") | {"3": node("CLIPTextEncode", text="job:1", more={"job": 5})}
        assert resolve(graph, roots, project) == (graph, ())

    def test_as_parameters(self) -> None:
        """An object is spelled as a text, which an input for texts takes."""
        asked = {"1:image": {"job": JOB, "output": 1}, "seed": 0, "o": {"job": 1}, "p": ""}
        told = spelled(asked)
        assert told == asked | {"1:image": f"job:{JOB}:1"}
        graph = apply_parameters(loading("a.png"), {"1:image": told["1:image"]})
        assert graph == loading(f"job:{JOB}:1")


class TestJobInput:
    @pytest.mark.parametrize("one", [path_of("a/b.png"), output_of(JOB, 2)])
    def test_it_comes_back_from_the_log(self, one: JobInput) -> None:
        """As it went there."""
        assert JobInput.from_dict(one.to_dict()) == one

    @pytest.mark.parametrize(
        "said",
        [
            {},
            {"node": "1", "input": "image"},
            {"node": "1", "input": "image", "path": 5},
            {"node": 1, "input": "image", "path": "a"},
            {"node": "1", "input": "image", "path": "a", "job": "b"},
            {"node": "1", "input": "image", "job": "b"},
            {"node": "1", "input": "image", "job": "b", "output": True},
            {"node": "1", "input": "image", "job": "b", "output": -1},
        ],
    )
    def test_anything_else_is_refused(self, said: dict[str, Any]) -> None:
        """What is not understood must not be sent to a backend."""
        with pytest.raises(InputInvalid):
            JobInput.from_dict(said)
