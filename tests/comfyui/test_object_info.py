from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from orchestrator.comfyui.object_info import Abilities, fetch, read_abilities, same_name
from orchestrator.comfyui.transport import DEFAULT_TIMEOUTS, Transport
from orchestrator.errors import BackendUnreachable
from tests.comfyui.recorded import recorded_json
from tests.comfyui.stub import Stub


@pytest.fixture(scope="module")
def recorded() -> Abilities:
    """What a real server with a few models said, cut down to 22 classes."""
    return read_abilities(recorded_json("object_info.json"))


def described(class_type: str, *said: Any, group: str = "required") -> Abilities:
    """The abilities of a backend with one class that has one input `x`, declared so."""
    return read_abilities({class_type: {"input": {group: {"x": list(said)}}}})


class TestRecorded:
    def test_every_class_is_known(self, recorded: Abilities) -> None:
        """Also those that load nothing."""
        assert {"KSampler", "LoadImage", "TripleCLIPLoader"} <= recorded.classes
        assert len(recorded.classes) == 22

    def test_models_are_known_in_both_forms_of_lists(self, recorded: Abilities) -> None:
        """Old classes list the names, newer ones say COMBO with options."""
        checkpoints = {"base.ckpt", "sd15/v1-5.safetensors"}
        assert recorded.choices["CheckpointLoaderSimple", "ckpt_name"] == checkpoints
        assert recorded.choices["TripleCLIPLoader", "clip_name1"] == {"clip_l.safetensors"}

    def test_a_loader_without_any_model_offers_nothing(self, recorded: Abilities) -> None:
        """That is not the same as a loader of which nothing is known."""
        assert recorded.choices["StyleModelLoader", "style_model_name"] == frozenset()
        assert recorded.choices["HypernetworkLoader", "hypernetwork_name"] == frozenset()

    def test_other_choices_of_loaders_count(self, recorded: Abilities) -> None:
        """An old ComfyUI lacks types that a workflow may ask for."""
        assert "flux" in recorded.choices["DualCLIPLoader", "type"]

    def test_choices_of_other_nodes_do_not_count(self, recorded: Abilities) -> None:
        """A sampler's name that is wrong shall be refused, and not be waited for."""
        assert not any(cls == "KSampler" for cls, _ in recorded.choices)

    @pytest.mark.parametrize(
        "place",
        [
            ("LoadImage", "image"),
            ("LoadImageMask", "image"),
            ("LoadImageOutput", "image"),
            ("LoadVideo", "file"),
            ("LoadAudio", "audio"),
        ],
    )
    def test_uploads_are_no_models(self, recorded: Abilities, place: tuple[str, str]) -> None:
        """What lies in a backend's input folder says nothing about what it can do."""
        assert place in recorded.uploads
        assert place not in recorded.choices

    def test_latents_are_files_of_the_input_folder(self, recorded: Abilities) -> None:
        """ComfyUI does not mark them as uploads, but reads them in the same way."""
        assert ("LoadLatent", "latent") not in recorded.choices

    def test_equal_lists_are_kept_once(self, recorded: Abilities) -> None:
        """A studio has thousands of LoRAs, and dozens of inputs that list them."""
        one = recorded.choices["CheckpointLoaderSimple", "ckpt_name"]
        assert recorded.choices["CheckpointLoader", "ckpt_name"] is one


class TestShapes:
    def test_names_are_kept_with_forward_slashes(self) -> None:
        """A backend on Windows lists them with backslashes."""
        found = described("Custom", ["flux\\a.gguf"])
        assert found.choices["Custom", "x"] == {"flux/a.gguf"}
        assert same_name("a\\b/c.pt") == "a/b/c.pt"

    def test_optional_inputs_count(self) -> None:
        """A name that is given must be there, though none need be given."""
        assert described("Custom", ["a.SFT"], group="optional").choices == {
            ("Custom", "x"): {"a.SFT"}
        }

    @pytest.mark.parametrize(
        "said",
        [
            ("STRING", {"default": "a.safetensors"}),
            ("COMBO", {"options": ["a.pt"], "multiselect": True}),
            ("COMBO", {"remote": {"route": "/models"}}),
            ("COMBO", {"options": ["a.pt"], "remote": {"route": "/models"}}),
            ("COMBO",),
            ([{"content": "a.pt", "image": None}],),
            (["a.pt", 4],),
            (None,),
            (),
        ],
    )
    def test_what_cannot_be_compared_is_left_out(self, said: tuple[Any, ...]) -> None:
        """Several values at once, lists that only the browser fetches, objects as options."""
        found = described("SomeLoader", *said)
        assert found.classes == {"SomeLoader"}
        assert not found.choices

    @pytest.mark.parametrize(
        "body", [{}, {"input": None}, {"input": {"required": 5}}, {"input": {"required": {"x": 1}}}]
    )
    def test_a_strange_class_is_still_there(self, body: Any) -> None:
        """A custom node's own way to describe itself must not hide all the others."""
        assert read_abilities({"Odd": body}).classes == {"Odd"}

    def test_custom_uploads_are_known_by_their_mark(self) -> None:
        """Whatever class they belong to, and whatever is uploaded."""
        found = described("CustomLoader", ["a.pt"], {"video_upload": True})
        assert found.uploads == {("CustomLoader", "x")}
        assert not found.choices

    @pytest.mark.parametrize("answer", [None, [], "x", {}, {"error": "no"}, {"A": []}])
    def test_an_answer_that_is_none_is_an_error(self, answer: Any) -> None:
        """A proxy's answer must not look like a backend without any class."""
        with pytest.raises((TypeError, ValueError)):
            read_abilities(answer)

    def test_abilities_cannot_be_changed(self, recorded: Abilities) -> None:
        """They are shared by everything that decides."""
        with pytest.raises(TypeError):
            recorded.choices["A", "b"] = frozenset()  # type: ignore[index]  # the point


class TestFetch:
    @pytest.fixture
    def http(self, session: aiohttp.ClientSession, stub: Stub) -> Transport:
        """A way to the stub."""
        return Transport(session, stub.url, "gpu-1", DEFAULT_TIMEOUTS)

    async def test_a_backend_is_asked_once_for_all(
        self, http: Transport, stub: Stub, recorded: Abilities
    ) -> None:
        """One request tells everything."""
        stub.say("GET /object_info", recorded_json("object_info.json"))
        found = await fetch(http)
        assert (found.classes, found.choices) == (recorded.classes, recorded.choices)
        assert stub.calls() == ["GET /object_info"]

    @pytest.mark.parametrize(
        ("body", "status"), [(b"<html>", 200), (b"{}", 200), (b"[]", 200), (b"", 502)]
    )
    async def test_nonsense_is_an_unreachable_backend(
        self, http: Transport, stub: Stub, body: bytes, status: int
    ) -> None:
        """What ComfyUI would not say tells nothing about it."""
        stub.say("GET /object_info", body, status)
        with pytest.raises(BackendUnreachable):
            await fetch(http)
