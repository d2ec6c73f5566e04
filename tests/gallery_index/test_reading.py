"""A picture that is like one before is read a shorter way, to the same end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from orchestrator.comfyui.workflow import Workflow
from orchestrator.gallery.facts import facts_of as really_facts_of
from orchestrator.gallery.facts import read_facts
from orchestrator.gallery.index import drawings, reading
from orchestrator.gallery.index.reading import Entry, entry_of, read_entry
from tests.comfyui import graphs
from tests.gallery_files.pngs import png, text

PROMPT = "a castle on a hill, at night, {}"


def graph_with(number: int, **more: Any) -> Workflow:
    """The default graph with a prompt and a seed of its own."""
    graph = graphs.sd15()
    graph["6"]["inputs"]["text"] = more.get("prompt", PROMPT.format(number))
    graph["3"]["inputs"]["seed"] = more.get("seed", 1_000_000 + number)
    graph["9"]["inputs"]["filename_prefix"] = more.get("prefix", "shot")
    return graph


def drawing_of(graph: Workflow, **more: Any) -> dict[str, Any]:
    """The same as the editor saves it."""
    nodes = [
        {"id": int(node), "widgets_values": list(graph[node]["inputs"].values())}
        for node in graph
    ]  # fmt: skip
    return {"nodes": nodes, **more}


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Writes a picture and reads it; checks that the shorter way, if taken, says the same."""
    looked_through: list[str] = []

    def facts_of(head: Any) -> Any:
        looked_through.append("")
        return really_facts_of(head)

    monkeypatch.setattr(reading, "facts_of", facts_of)

    def read(graph: Workflow, drawing: dict[str, Any] | None = None) -> tuple[Entry, bool]:
        texts = [text("prompt", json.dumps(graph).encode())]
        if drawing is not None:
            texts.append(text("workflow", json.dumps(drawing).encode()))
        file = tmp_path / "a.png"
        file.write_bytes(png(*texts))
        looked_through.clear()
        entry = read_entry(str(file))
        in_full = entry_of(read_facts(file))
        assert entry[:-1] == in_full[:-1]
        return entry, not looked_through

    return read


def shared(entry: Entry) -> str:
    """The text that it shares with others."""
    assert entry.graph.shared is not None
    return entry.graph.shared.text


class TestRecognized:
    def test_files_of_one_workflow_share_a_graph(self, read: Any) -> None:
        """From the third on they are not even parsed."""
        found = [read(graph, drawing_of(graph)) for graph in map(graph_with, range(5))]

        assert [short for _, short in found][-3:] == [True] * 3
        assert found[-1][0].graph.shared is found[-2][0].graph.shared
        assert found[-1][0].recipe.prompt == PROMPT.format(4)
        for own in ("castle", "1000003", "1000004"):
            assert own not in shared(found[-1][0])
        assert "KSampler" in shared(found[-1][0])
        assert "widgets_values" in shared(found[-1][0])

    @pytest.mark.parametrize("drawn", [True, False])
    def test_what_differs_besides_stays(self, read: Any, drawn: bool) -> None:
        """Another file name is another graph, as is another drawing; and none is mixed up."""
        entries = []
        for number in range(12):
            graph = graph_with(number, prefix=f"shot_{number // 3}")
            entries.append(read(graph, drawing_of(graph, v=number // 6) if drawn else None)[0])

        for number, entry in enumerate(entries):
            assert f'"shot_{number // 3}"' in shared(entry)
            assert not drawn or f'"v": {number // 6}' in shared(entry)
        assert entries[-1].graph.shared is entries[-2].graph.shared
        assert entries[-1].graph.shared is not entries[-4].graph.shared

    def test_short_texts_stay_where_they_are(self, read: Any) -> None:
        """Taken out everywhere, they would leave holes in other words."""
        for number in range(4):
            read(graph_with(number, prefix=f"shot_{number}"))
        for prompt in ("KSam", "cat", ""):
            graph = graph_with(0, prompt=prompt, seed=7, prefix=f"of {prompt}")
            entry, short = read(graph)
            assert short
            assert "KSampler" in shared(entry)
            assert f'"{prompt}"' in shared(entry)
            assert ": 7," in shared(entry)

    def test_letters_beyond_ascii(self, read: Any) -> None:
        """They can be read in what is shared, however the file spells them."""
        for number in range(4):
            graph = graph_with(number, prompt=f"城堡 und Straße, {number} mal, bei Nacht")
            entry, short = read(graph, drawing_of(graph, title="Größe"))

        assert short
        assert "Größe" in shared(entry)
        assert "城堡" not in shared(entry)
        assert entry.recipe.prompt == "城堡 und Straße, 3 mal, bei Nacht"

    def test_further_seeds_are_told(self, read: Any) -> None:
        """They are taken out, but can still be searched for."""
        for number in range(4):
            graph = graph_with(number)
            graph["5"]["inputs"]["noise_seed"] = 7_000_000 + number
            entry, short = read(graph, drawing_of(graph))

        assert short
        assert entry.graph.other == "7000003"
        assert "7000003" not in shared(entry)
        assert entry.recipe.seed == 1_000_003

    def test_names_and_settings_that_differ(self, read: Any) -> None:
        """Models, steps and LoRAs are those of the file."""
        for number in range(6):
            graph = graph_with(number)
            graph["4"]["inputs"]["ckpt_name"] = f"model_{number}.safetensors"
            graph["3"]["inputs"] |= {"steps": 20 + number, "cfg": 6.5 + number, "model": ["20", 0]}
            graph["20"] = {
                "class_type": "LoraLoader",
                "inputs": {
                    "lora_name": f"grain_{number % 2}.safetensors",
                    "strength_model": 0.0 if number == 5 else 0.5 + number,
                    "strength_clip": 0.0,
                    "model": ["4", 0],
                    "clip": ["4", 1],
                },
            }
            entry, short = read(graph)
            recipe = entry.recipe
            assert recipe.models == (f"model_{number}.safetensors",)
            assert (recipe.steps, recipe.cfg) == (20 + number, 6.5 + number)
            assert recipe.loras == (() if number == 5 else (f"grain_{number % 2}.safetensors",))
        assert short

    def test_drawings_that_are_too_large_are_not_remembered(
        self, read: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Hostile ones have megabytes; what they share is the same all the same."""
        monkeypatch.setattr(drawings, "_MAX_DRAWING", 100)
        found = [
            read(graph, drawing_of(graph, title="x" * 100)) for graph in map(graph_with, range(5))
        ]
        (one, _), (other, short) = found[-2:]

        assert short
        assert one.graph == other.graph
        assert one.graph.shared is not other.graph.shared

    def test_other_texts_of_a_graph_without_a_recipe_count(self, tmp_path: Path) -> None:
        """As when it is read in full."""
        file = tmp_path / "a.png"
        for number in range(4):
            graph = {"1": {"class_type": "Note", "inputs": {"n": number}}}
            settings = b"a barn, at night\nSteps: 20, Sampler: Euler, Seed: 5"
            file.write_bytes(
                png(text("prompt", json.dumps(graph).encode()), text("parameters", settings))
            )
            assert read_entry(str(file)) == entry_of(read_facts(file))
            assert read_entry(str(file)).recipe.prompt == "a barn, at night"


class TestOtherFiles:
    def test_what_is_no_png_is_read_in_full(self, tmp_path: Path) -> None:
        """Whatever its name says."""
        for name, data in {"a.png": b"no picture", "a.webp": png(), "a.txt": b""}.items():
            (tmp_path / name).write_bytes(data)
            path = tmp_path / name
            assert read_entry(str(path)) == entry_of(read_facts(path))

    def test_a_missing_file_is_an_os_error(self, tmp_path: Path) -> None:
        """With a number."""
        for name in ("a.png", "a.webp"):
            with pytest.raises(FileNotFoundError):
                read_entry(str(tmp_path / name))
