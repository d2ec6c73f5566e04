from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from orchestrator.comfyui.file_inputs import (
    PATHS,
    UPLOADS,
    FileInput,
    climbs,
    file_inputs,
    has_note,
    is_absolute,
    names_file,
    plain,
)
from orchestrator.comfyui.graph import Workflow
from tests.comfyui import graphs
from tests.comfyui.graphs import node

ABSOLUTE = [
    "/etc/hostname",
    "//etc/hostname",
    "C:\\secret.png",
    "c:/secret.png",
    "C:secret.png",
    "\\secret.png",
    "\\\\nas\\projects\\a.png",
    "\\\\?\\C:\\a.png",
    "~/a.png",
    "~root/a.png",
    "file:///etc/hostname",
    " /etc/hostname",
    '"/etc/hostname"',
    "'C:\\a.png' ",
    "/etc/hostname [input]",
    "/etc/hostname [output]",
    "/etc/hostnameX[temp]",
]
CLIMBING = ["../a.png", "a/../../b.png", "a\\..\\b.png", "..", "a/.. /b.png", "../a.png [input]"]
NAMES = ["a.png", "clipspace/a.png [input]", "a..b.png", "sub\\a.png", "...", "x:y.png"[2:]]


def found(class_type: str, **inputs: Any) -> tuple[FileInput, ...]:
    """The file inputs of a workflow of one node."""
    return file_inputs({"1": node(class_type, **inputs)})


def kinds(class_type: str, **inputs: Any) -> list[str]:
    """Their kinds."""
    return [each.kind for each in found(class_type, **inputs)]


class TestUploads:
    @pytest.mark.parametrize("place", sorted(UPLOADS))
    def test_an_absolute_path_can_be_uploaded(self, place: tuple[str, str]) -> None:
        """In every input that takes the name of an uploaded file."""
        cls, name = place
        one = FileInput("1", name, "/mnt/nas/a.png", "upload", takes_uploads=True)
        assert found(cls, **{name: "/mnt/nas/a.png"}) == (one,)

    @pytest.mark.parametrize("value", ABSOLUTE)
    def test_absolute_on_any_system(self, value: str) -> None:
        """Whatever the backend runs on, and whatever ComfyUI cuts off before it opens it."""
        assert kinds("LoadImage", image=value) == ["upload"]

    @pytest.mark.parametrize("value", CLIMBING)
    def test_a_climbing_path_leads_out(self, value: str) -> None:
        """ComfyUI joins it to its input folder, and follows it out."""
        assert kinds("LoadImage", image=value) == ["outside"]

    @pytest.mark.parametrize("value", NAMES)
    def test_other_names_are_the_backends_own(self, value: str) -> None:
        """They lie in its input, output or temp folder."""
        assert kinds("LoadImage", image=value) == ["name"]

    def test_backends_may_know_more_inputs(self) -> None:
        """Custom nodes mark theirs in `/object_info`."""
        graph = {"1": node("MyLoader", picture="/mnt/a.png")}
        assert [each.kind for each in file_inputs(graph)] == ["outside"]
        more = frozenset({("MyLoader", "picture")})
        assert [each.kind for each in file_inputs(graph, more)] == ["upload"]

    def test_a_mark_alone_is_not_enough(self) -> None:
        """Load3D is marked, but takes no file from our folder."""
        graph = {"1": node("Load3D", model_file="/mnt/a.glb")}
        more = frozenset({("Load3D", "model_file")})
        assert [each.kind for each in file_inputs(graph, more)] == ["outside"]

    def test_several_lines_are_one_name(self) -> None:
        """An upload replaces the whole value."""
        assert [each.value for each in found("LoadImage", image="/a\n/b")] == ["/a\n/b"]


class TestPaths:
    @pytest.mark.parametrize("place", sorted(PATHS))
    def test_an_absolute_path_leads_out(self, place: tuple[str, str]) -> None:
        """Nothing can be uploaded for these nodes."""
        cls, name = place
        one = FileInput("1", name, "/mnt/nas/plates", "outside", takes_uploads=False)
        assert found(cls, **{name: "/mnt/nas/plates"}) == (one,)

    @pytest.mark.parametrize(
        "name",
        [
            "image",
            "imagePath",
            "image_path_2",
            "video",
            "audioFile",
            "filepath",
            "directory",
            "folder_name",
            "output_dir",
            "source",
            "IMAGE_SEQUENCE",
            "model",
        ],
    )
    @pytest.mark.parametrize("value", ["/etc/passwd", "W:\\VFX", "..\\up", "\\\\nas\\x"])
    def test_inputs_that_speak_of_files(self, name: str, value: str) -> None:
        """Of classes that nobody here knows."""
        assert kinds("SomebodysNode", **{name: value}) == ["outside"]

    def test_any_input_with_the_path_of_a_file(self) -> None:
        """Its name may say nothing."""
        assert kinds("SomebodysNode", thing="/mnt/nas/film.mov") == ["outside"]
        assert kinds("SomebodysNode", thing="/imagine") == []

    def test_values_within_values(self) -> None:
        """Lists, objects, and texts of several lines."""
        value = {"a": ["x.png", "/etc/x.png"], "b": "one.png\n/etc/two.png\n"}
        outside = {one.value for one in found("N", files=value) if one.kind == "outside"}
        assert outside == {"/etc/x.png", "/etc/two.png"}

    def test_the_prefix_of_outputs_is_ours(self) -> None:
        """Each attempt replaces it."""
        assert found("SaveImage", filename_prefix="/abs/x.png") == ()

    @pytest.mark.parametrize("value", ["https://example.org/a.png", " HTTP://host/a.mp4"])
    def test_addresses_are_no_files(self, value: str) -> None:
        """What a node fetches from the web is not on the backend's disk."""
        assert found("VHS_LoadVideoPath", video=value) == ()
        assert found("SomebodysNode", image_path=value) == ()

    def test_embedded_pictures_are_no_files(self) -> None:
        """A JPEG in base64 begins with a slash."""
        assert found("LoadBase64", image="/9j/4AAQSkZJRgABAQAAAQABAAD") == ()
        assert found("LoadBase64", image="iVBORw0KGgo/" * 9000) == ()

    def test_padding_hides_nothing(self) -> None:
        """Custom nodes strip it."""
        assert kinds("N", path=" " * 9000 + "/etc/x") == ["outside"]


class TestPrompts:
    @pytest.mark.parametrize(
        "text",
        [
            "C:\\ drive full of cats, masterpiece.png",
            "/imagine a cat",
            "a/b, .. and c.png",
            "../../etc/passwd.png",
            "/mnt/nas/a.png",
        ],
    )
    @pytest.mark.parametrize("name", ["text", "prompt", "negative_prompt", "text_g", "value"])
    def test_words_are_never_files(self, text: str, name: str) -> None:
        """Whatever they look like."""
        assert found("CLIPTextEncode", **{name: text}) == ()

    @pytest.mark.parametrize(
        "make",
        [
            graphs.sd15,
            graphs.two_pass,
            graphs.image_to_image,
            graphs.sdxl_two_stage,
            graphs.flux,
            graphs.controlnet,
            graphs.no_sampler,
        ],
    )
    def test_usual_workflows_name_nothing_outside(self, make: Callable[[], Workflow]) -> None:
        """Models and plates are the backend's own."""
        assert {each.kind for each in file_inputs(make())} <= {"name"}


class TestLinks:
    def test_a_path_behind_a_link(self) -> None:
        """A primitive that gives the path is judged instead."""
        graph = {
            "1": node("VHS_LoadVideoPath", video=["2", 0]),
            "2": node("Reroute", any=["3", 0]),
            "3": node("PrimitiveString", value="/etc/secret"),
        }
        assert file_inputs(graph) == (FileInput("3", "value", "/etc/secret", "outside"),)

    def test_nothing_is_uploaded_behind_a_link(self) -> None:
        """The text may be used elsewhere too."""
        graph = {
            "1": node("LoadImage", image=["3", 0]),
            "3": node("PrimitiveString", value="/mnt/a.png"),
        }
        assert file_inputs(graph) == (FileInput("3", "value", "/mnt/a.png", "outside"),)

    def test_pictures_that_come_by_link_are_no_paths(self) -> None:
        """Also where the node that makes them has a text."""
        graph = {
            "1": node("SomeFilter", image=["2", 0], mask=["2", 1]),
            "2": node("DrawText", text="C: the drive"),
            "3": node("SaveImage", filename_prefix="x", images=["1", 0]),
        }
        assert file_inputs(graph) == ()

    def test_a_loader_behind_a_link_is_judged_as_itself(self) -> None:
        """Once."""
        graph = {
            "1": node("LoadImage", image="/mnt/a.png"),
            "2": node("SaveTo", image=["1", 0], image_path=["1", 0]),
        }
        assert [each.kind for each in file_inputs(graph)] == ["upload"]


class TestWords:
    def test_names_as_comfyui_reads_them(self) -> None:
        """It cuts one character before the note, whatever it is."""
        assert plain("a.png [output]") == "a.png"
        assert plain("/a.pngX[input]") == "/a.png"
        assert has_note("a.png [temp]")
        assert not has_note("a.png")

    def test_absolute_and_climbing(self) -> None:
        """The two ways out."""
        assert is_absolute("Z:")
        assert not is_absolute("zz:")
        assert climbs("a/..")
        assert not climbs("a../..b")

    def test_names_with_the_suffix_of_a_file(self) -> None:
        """For those who translate paths."""
        assert names_file("UNETLoader", "model_file", "flux\\a.safetensors")
        assert not names_file("UNETLoader", "weight_dtype", "a.safetensors")
        assert not names_file("UNETLoader", "model_type", "flux")
        assert not names_file("LoadImage", "image", "  ")
