"""Raw graphs are kept once for all the files that differ in prompt and seed alone."""

from __future__ import annotations

from pathlib import Path

from orchestrator.gallery.facts import read_facts
from orchestrator.gallery.index.shared_graph import NO_GRAPH, Parts, parts_of
from tests.gallery_files.pngs import png, text
from tests.gallery_index.project import graph


def parts(folder: Path, data: bytes) -> Parts:
    """The two parts of the graph in a picture."""
    file = folder / "a.png"
    file.write_bytes(png(text("prompt", data)))
    return parts_of(read_facts(file))


def shown(parts: Parts) -> str:
    """What a file shares."""
    return "" if parts.shared is None else parts.shared.text


class TestSharedGraph:
    def test_files_of_one_workflow_share_a_text(self, tmp_path: Path) -> None:
        """Whatever their prompts and seeds, in whatever script."""
        one = parts(tmp_path, graph("a castle on a hill,\nat night", seed=11111111))
        other = parts(
            tmp_path,
            graph('東京の夜、雨の中で光る看板と赤い傘。,\n"quoted" words here', seed=2**60),
        )

        assert one == other
        assert "KSampler" in shown(one)
        assert "castle" not in shown(one)
        assert "11111111" not in shown(one)

    def test_other_workflows_have_others(self, tmp_path: Path) -> None:
        """A different file name or model is part of what is shared."""
        assert parts(tmp_path, graph("p" * 20)) != parts(tmp_path, graph("p" * 20, prefix="x"))

    def test_further_seeds_are_told(self, tmp_path: Path) -> None:
        """They are taken out too, but can still be searched for."""
        data = graph("a castle on a hill").replace(
            b'"EmptyLatentImage", "inputs": {',
            b'"EmptyLatentImage", "inputs": {"noise_seed": 987654321, ',
        )
        found = parts(tmp_path, data)

        assert found.other == "987654321"
        assert "987654321" not in shown(found)

    def test_no_graph(self, tmp_path: Path) -> None:
        """Nothing to keep."""
        file = tmp_path / "a.png"
        file.write_bytes(png())
        assert parts_of(read_facts(file)) == NO_GRAPH
