r"""Graphs for backends of another system: paths change their form, and nothing else does."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.paths.backend_paths import graph_for, names_a_file, os_of, to_backend
from orchestrator.paths.mappings import OsName, PathMapping

SHARE = PathMapping("m", windows="W:\\VFX", linux="/mnt/vfx", macos="/Volumes/VFX")
NAS = PathMapping("n", windows="\\\\nas\\projects", linux="/mnt/projects")
ALL = (SHARE, NAS)

PROMPTS = [
    "a castle / a keep, C:\\ on a screen, film.png",
    "C:\\VFX\\a.png",
    "W:\\VFX\\Eliot\\a.png",
    "/mnt/vfx/Eliot/a.png",
    "cats/dogs.png",
    "flux/lora.safetensors",
    "<lora:flux/x.safetensors:1> and/or a.png",
    "one\ntwo/three.png",
]


def node(class_type: str, **inputs: Any) -> dict[str, Any]:
    """One node of a graph."""
    return {"class_type": class_type, "inputs": inputs}


@pytest.mark.parametrize(
    ("said", "os_name"),
    [
        ("posix", "linux"),
        ("nt", "windows"),
        ("linux", "linux"),
        ("darwin", "macos"),
        ("win32", "windows"),
        ("Windows", "windows"),
        ("", "linux"),
        ("freebsd14", "linux"),
    ],
)
def test_systems_as_comfyui_calls_them(said: str, os_name: OsName) -> None:
    """`os.name` in older servers, `sys.platform` in newer ones."""
    assert os_of(said) == os_name


class TestToBackend:
    @pytest.mark.parametrize(
        ("value", "backend", "expected"),
        [
            ("/mnt/vfx/Eliot/a.png", "windows", "W:\\VFX\\Eliot\\a.png"),
            ("/mnt/vfx/Eliot/a.png", "macos", "/Volumes/VFX/Eliot/a.png"),
            ("w:\\vfx/Eliot\\a.png", "linux", "/mnt/vfx/Eliot/a.png"),
            ("//NAS/projects/a.png", "linux", "/mnt/projects/a.png"),
            ("flux/lora.safetensors", "windows", "flux\\lora.safetensors"),
            ("flux\\lora.safetensors", "linux", "flux/lora.safetensors"),
            ("flux\\a/b.gguf", "macos", "flux/a/b.gguf"),
            ("flux\\lora.safetensors", "windows", "flux\\lora.safetensors"),
            ("shots/a.png [output]", "windows", "shots\\a.png [output]"),
            ("/mnt/vfx/a.png [temp]", "windows", "W:\\VFX\\a.png [temp]"),
            ("a.png", "windows", "a.png"),
            ("", "windows", ""),
            ("/opt/models/a.pt", "windows", "/opt/models/a.pt"),
            ("C:\\models\\a.pt", "linux", "C:\\models\\a.pt"),
            ("C:a\\b.pt", "linux", "C:a\\b.pt"),
            ("\\a\\b.pt", "linux", "\\a\\b.pt"),
            ("https://example.org/a.png", "windows", "https://example.org/a.png"),
        ],
    )
    def test_forms(self, value: str, backend: OsName, expected: str) -> None:
        """Mapped, or the separators; what nobody knows stays as it is."""
        assert to_backend(value, ALL, backend) == expected

    @given(st.text(), st.sampled_from(["windows", "linux", "macos"]))
    def test_twice_is_once(self, value: str, backend: OsName) -> None:
        """A path in the backend's form has that form."""
        once = to_backend(value, ALL, backend)
        assert to_backend(once, ALL, backend) == once


class TestGraphFor:
    def test_paths_get_the_form_of_the_backend(self) -> None:
        """Models, pictures, folders on the share, files within settings, notes of folders."""
        graph = {
            "1": node("CheckpointLoaderSimple", ckpt_name="sdxl\\base.safetensors"),
            "2": node("VAELoader", vae_name="flux\\ae.SFT"),
            "3": node("DualCLIPLoader", clip_name1="t5\\a.gguf", clip_name2="clip_l.safetensors"),
            "4": node("LoadImage", image="shots\\a.png [output]"),
            "5": node("VHS_LoadImagesPath", directory="W:\\VFX\\Eliot\\plates"),
            "6": node("Power Lora Loader", lora_1={"on": True, "lora": "flux\\x.safetensors"}),
            "7": node("UpscaleModelLoader", model_name="4x\\ultra.pth"),
        }

        made = graph_for(graph, ALL, "linux")

        assert [made[n]["inputs"] for n in made] == [
            {"ckpt_name": "sdxl/base.safetensors"},
            {"vae_name": "flux/ae.SFT"},
            {"clip_name1": "t5/a.gguf", "clip_name2": "clip_l.safetensors"},
            {"image": "shots/a.png [output]"},
            {"directory": "/mnt/vfx/Eliot/plates"},
            {"lora_1": {"on": True, "lora": "flux/x.safetensors"}},
            {"model_name": "4x/ultra.pth"},
        ]

    @pytest.mark.parametrize("text", PROMPTS)
    @pytest.mark.parametrize("backend", ["windows", "linux", "macos"])
    def test_prompts_are_never_touched(self, text: str, backend: OsName) -> None:
        """Whatever they contain, and whatever loads them."""
        graph = {
            "1": node("CLIPTextEncode", text=text, clip=["4", 1]),
            "2": node("CLIPTextEncodeSDXL", text_g=text, text_l=text),
            "3": node("CLIPTextEncodeFlux", clip_l=text + " and so on.", t5xxl=text + "."),
            "4": node("PromptLoader", positive_prompt=text, negative=text, wildcard_text=text),
            "5": node("PrimitiveString", value=text),
            "6": node("ShowText", string=text, note=text),
        }

        assert graph_for(graph, ALL, backend) == graph

    def test_the_graph_itself_stays_as_it_is(self) -> None:
        """It is in the log, and may go to another backend next."""
        graph = {"1": node("LoraLoader", lora_name="a/b.safetensors", model=["2", 0])}
        before = copy.deepcopy(graph)

        made = graph_for(graph, ALL, "windows")

        assert graph == before
        assert made["1"]["inputs"] == {"lora_name": "a\\b.safetensors", "model": ["2", 0]}

    def test_who_knows_better_decides(self) -> None:
        """A look into `/object_info` tells choices from texts."""
        graph = {"1": node("Odd", thing="a/b.safetensors", image="a/b.png")}

        made = graph_for(graph, ALL, "windows", lambda _class, name, _value: name == "thing")

        assert made["1"]["inputs"] == {"thing": "a\\b.safetensors", "image": "a/b.png"}

    def test_what_has_no_suffix_of_a_file_is_no_choice(self) -> None:
        """`model/large` may be anything; an absolute path that no mapping knows stays."""
        graph = {"1": node("Loader", model="model/large", path="/opt/x", image="1/2.3")}

        assert graph_for(graph, ALL, "windows") == graph

    @pytest.mark.parametrize("body", [None, [], "x", {}, {"inputs": None}, {"class_type": 7}])
    def test_what_is_no_node_is_left_alone(self, body: object) -> None:
        """Refusing it is another's business."""
        assert graph_for({"1": body}, ALL, "windows") == {"1": body}

    @given(
        st.dictionaries(
            st.sampled_from(["text", "prompt", "negative_prompt", "caption", "notes"]),
            st.text() | st.sampled_from(PROMPTS),
        )
    )
    def test_prose_is_prose(self, inputs: dict[str, str]) -> None:
        """In any class."""
        graph = {"1": {"class_type": "LoadEverythingLoader", "inputs": inputs}}

        assert graph_for(graph, ALL, "windows") == graph


@pytest.mark.parametrize(
    ("class_type", "name", "answer"),
    [
        ("CheckpointLoaderSimple", "ckpt_name", True),
        ("LoadImage", "image", True),
        ("Anything", "imagePath_2", True),
        ("Anything", "text", False),
        ("LoadText", "prompt_file_text", False),
        ("KSampler", "seed", False),
        ("UploadedThing", "sampler", False),
    ],
)
def test_which_inputs_name_files(class_type: str, name: str, answer: bool) -> None:
    """By the words in the input's name, else by the class."""
    assert names_a_file(class_type, name, "a/b.png") is answer
