"""Files are found by what stands in them, the best first."""

from __future__ import annotations

import pytest

from orchestrator.gallery.index import search
from orchestrator.gallery.index.model import Field
from tests.gallery_index.project import Project


@pytest.fixture
def shots(project: Project) -> Project:
    """Four shots of a film."""
    project.add("a/hill.png", "an old castle on a hill, golden hour", seed=1111111)
    project.add("a/rain.png", "a castle in the rain, café terrace", negative="watermark")
    project.add("b/tokyo.png", "雨の東京の夜", model="flux1-dev.safetensors")
    project.add("b/castle_v2.png", "portrait of a woman", seed=2222222)
    project.scan()
    return project


def fields(*names: Field) -> frozenset[Field]:
    """Some fields."""
    return frozenset(names)


class TestWords:
    def test_in_any_order_and_all_of_them(self, shots: Project) -> None:
        """Across fields: one word from the prompt, another from the model."""
        assert shots.found("hill castle") == ["a/hill.png"]
        assert shots.found("東京 flux1") == ["b/tokyo.png"]
        assert shots.found("castle submarine") == []

    def test_names_come_before_prompts(self, shots: Project) -> None:
        """Who types a word that a file is named by means that file."""
        found = shots.search("castle")
        assert found.hits[0].path == "b/castle_v2.png"
        assert found.total == 3
        assert found.total_is_exact

    def test_phrases(self, shots: Project) -> None:
        """Side by side and in order."""
        assert shots.found('"old castle"') == ["a/hill.png"]
        assert shots.found('"castle old"') == []

    def test_refusals(self, shots: Project) -> None:
        """What must not be there, with or without something that must."""
        assert shots.found("castle -rain") == ["b/castle_v2.png", "a/hill.png"]
        assert shots.found('-castle -"東京"') == []
        assert shots.found('castle -"old castle" -portrait') == ["a/rain.png"]

    @pytest.mark.parametrize("query", ["CAFE", "café", "cafe\u0301", "caf"])
    def test_accents_and_case(self, shots: Project, query: str) -> None:
        """However it is typed, though ComfyUI wrote it with an escape."""
        assert shots.found(query) == ["a/rain.png"]

    @pytest.mark.parametrize("query", ["東京", "京の夜", "雨", "の東"])
    def test_any_part_of_a_text_without_spaces(self, shots: Project, query: str) -> None:
        """Where words have no spaces around them there is nothing to begin with."""
        assert shots.found(query) == ["b/tokyo.png"]

    @pytest.mark.parametrize("query", ["", "  ", "?!", '"'])
    def test_no_words_find_all_the_newest_first(self, shots: Project, query: str) -> None:
        """An empty box shows what there is."""
        assert shots.found(query) == [
            "b/castle_v2.png", "b/tokyo.png", "a/rain.png", "a/hill.png"
        ]  # fmt: skip


class TestFields:
    def test_only_where_it_was_asked_for(self, shots: Project) -> None:
        """A word in another field is no match."""
        assert shots.found("castle", fields=fields("filename")) == ["b/castle_v2.png"]
        assert shots.found("watermark", fields=fields("prompt")) == []
        assert shots.found("watermark", fields=fields("negative_prompt")) == ["a/rain.png"]
        assert shots.found("2222222", fields=fields("seed")) == ["b/castle_v2.png"]
        assert shots.found("flux1-dev", fields=fields("model")) == ["b/tokyo.png"]
        assert shots.found("castle", fields=fields()) == []

    def test_the_raw_graph(self, shots: Project) -> None:
        """Node classes and settings, and with them what was read from the graph."""
        assert shots.found("KSampler") == []
        assert len(shots.found("KSampler", fields=fields("workflow"))) == 4
        assert shots.found("karras hill", fields=fields("workflow")) == ["a/hill.png"]
        assert shots.found("karras -castle", fields=fields("workflow")) == [
            "b/castle_v2.png", "b/tokyo.png"
        ]  # fmt: skip
        assert shots.found("castle -karras", fields=fields("workflow")) == []

    def test_the_match_is_shown_in_its_field(self, shots: Project) -> None:
        """With its place, in readable text."""
        (hit,) = shots.search("terrace").hits
        assert (hit.field, hit.context) == ("prompt", "a castle in the rain, café terrace")
        assert hit.context[hit.start : hit.end] == "terrace"

        hit = shots.search("karras", fields=fields("workflow")).hits[0]
        assert (hit.field, hit.context[hit.start : hit.end]) == ("workflow", "karras")


class TestFilters:
    def test_folder(self, shots: Project) -> None:
        """With what lies below it, but not its neighbours of a similar name."""
        shots.add("a/b/deep.png", "castle")
        shots.add("a0/not.png", "castle")
        shots.scan()
        assert set(shots.found("castle", folder="a")) == {
            "a/hill.png", "a/rain.png", "a/b/deep.png"
        }  # fmt: skip
        assert len(shots.found("", folder="a")) == 3
        assert len(shots.found("", folder=".")) == 6

    def test_time(self, shots: Project) -> None:
        """From `since` on, and before `until`."""
        times = {path: mtime for path, _, mtime in shots.index.all_files()}
        rain, tokyo = times["a/rain.png"], times["b/tokyo.png"]
        assert shots.found("", since=rain, until=tokyo) == ["a/rain.png"]
        assert shots.found("castle", since=tokyo) == ["b/castle_v2.png"]

    def test_whoever_knows_stars_is_asked(self, shots: Project) -> None:
        """The total counts what was accepted."""
        found = shots.search("castle", accept=lambda path: path.startswith("a/"), limit=1)
        assert (found.total, len(found.hits), found.total_is_exact) == (2, 1, True)

    def test_not_about_everything(self, shots: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        """A total that is not exact says so."""
        monkeypatch.setattr(search, "MAX_ASKED", 2)
        found = shots.search("castle", accept=lambda _: True)
        assert (found.total, found.total_is_exact) == (2, False)


class TestLists:
    """Files of which somebody else knows something: their paths are given."""

    @pytest.fixture(params=[0, 1_000], ids=["by match", "by path"], autouse=True)
    def way(self, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
        """Each match is looked up in the list, or each path of it in the index."""
        monkeypatch.setattr(search, "FEW_PATHS", request.param)

    def test_only_those(self, shots: Project) -> None:
        """Ranked as ever; those that are no match, or no files, count for nothing."""
        assert shots.found("castle", among={"a/rain.png", "b/tokyo.png", "none.png"}) == [
            "a/rain.png"
        ]
        assert shots.found("", among={"a/rain.png"}) == ["a/rain.png"]
        assert shots.found("", among=set()) == []

    def test_all_but_those(self, shots: Project) -> None:
        """The rest."""
        everything = set(shots.found("castle"))
        assert set(shots.found("castle", without={"a/rain.png", "none.png"})) == everything - {
            "a/rain.png"
        }
        assert set(shots.found("", without={"a/rain.png"})) == shots.known() - {"a/rain.png"}

    def test_both_and_somebody_is_asked(self, shots: Project) -> None:
        """All of it must hold."""
        among = shots.known() - {"b/castle_v2.png"}
        narrow = {"among": among, "without": {"a/rain.png"}, "fields": frozenset({"workflow"})}
        assert shots.found("castle", **narrow) == ["a/hill.png"]
        assert shots.found("castle", **narrow, accept=lambda path: path != "a/hill.png") == []

    def test_no_limit(self, shots: Project, monkeypatch: pytest.MonkeyPatch) -> None:
        """The oldest of all is found, and the total is exact."""
        monkeypatch.setattr(search, "MAX_ASKED", 5)
        found = shots.search("", among=shots.known(), limit=1, offset=3)
        assert (found.total, found.total_is_exact, len(found.hits)) == (4, True, 1)

    def test_missing_files(self, shots: Project) -> None:
        """Are not found, whoever names them."""
        (shots.root / "a/rain.png").unlink()
        shots.scan()
        assert shots.found("", among={"a/rain.png"}) == []


class TestPages:
    def test_pages_join_without_gaps(
        self, project: Project, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Also where more match than are ranked together; those named so stay first."""
        monkeypatch.setattr(search, "RANKED", 4)
        names = ["castle.png", *(f"n{number}.png" for number in range(10))]
        for name in names:
            project.add(name, "a castle")
        project.scan()

        pages = [project.found("castle", limit=3, offset=offset) for offset in range(0, 12, 3)]
        found = [path for page in pages for path in page]

        assert sorted(found) == sorted(names)
        assert found[0] == "castle.png"
        assert project.search("castle", limit=3).total == 11
        assert project.found("castle", limit=3, offset=50) == []
