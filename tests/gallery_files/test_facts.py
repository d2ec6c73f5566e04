"""What stands in a file, all of it at once; videos with a stand-in for PyAV."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO, Self

import pytest
from attrs import define, field

from orchestrator.gallery.facts import Facts, read_facts
from orchestrator.gallery.metadata import Generation
from orchestrator.gallery.recipe import Recipe, recipe
from tests.comfyui import graphs
from tests.gallery_files.pngs import png, text

PROMPT = json.dumps(graphs.flux())
WORKFLOW = json.dumps({"nodes": [], "title": "Größe"})


class TestPictures:
    def test_everything_at_once(self, tmp_path: Path) -> None:
        """Size, both graphs, the recipe, and the text to search in."""
        file = tmp_path / "a.png"
        made = (text("prompt", PROMPT.encode()), text("workflow", WORKFLOW.encode()))
        file.write_bytes(png(*made))

        found = read_facts(file)

        assert (found.width, found.height, found.seconds, found.note) == (64, 48, None, None)
        assert found.made == Generation(graphs.flux(), json.loads(WORKFLOW))
        assert found.recipe == recipe(found.made)
        assert found.recipe.prompt == "cute anime girl"
        assert found.raw == f"{WORKFLOW}\n{PROMPT}".replace("\\u00f6", "ö").replace("\\u00df", "ß")

    def test_a_picture_that_says_nothing(self, tmp_path: Path) -> None:
        """Has a size."""
        file = tmp_path / "a.png"
        file.write_bytes(png())

        assert read_facts(file) == Facts(64, 48, None, Generation(), Recipe(), "", None)

    def test_a_broken_picture(self, tmp_path: Path) -> None:
        """Says what is wrong beside what could be read."""
        file = tmp_path / "a.png"
        file.write_bytes(png(text("prompt", PROMPT.encode()), text("workflow", b"x" * 999))[:-900])

        found = read_facts(file)

        assert found.recipe.prompt == "cute anime girl"
        assert "ends inside the chunk" in (found.note or "")

    def test_a_file_that_is_no_media(self, tmp_path: Path) -> None:
        """Has no facts."""
        file = tmp_path / "a.txt"
        file.write_text("hello")

        assert read_facts(file) == Facts(None, None, None, Generation(), Recipe(), "", None)

    def test_a_missing_file_is_an_os_error(self, tmp_path: Path) -> None:
        """With a number."""
        for name in ("a.png", "a.webp"):
            with pytest.raises(FileNotFoundError) as missing:
                read_facts(tmp_path / name)
            assert missing.value.errno


class FFmpegError(Exception):
    """What PyAV raises for a broken file."""

    strerror = "Invalid data found when processing input"


@define
class StandIn:
    """PyAV as far as it is used."""

    metadata: dict[str, str] = field(factory=dict)
    videos: list[Any] = field(factory=lambda: [video(1280, 720)])
    duration: int | None = 5_040_000
    fault: Exception | None = None
    asked: list[object] = field(factory=list)
    FFmpegError: type[Exception] = FFmpegError

    def open(self, file: BinaryIO, **options: object) -> Self:
        assert not file.closed
        self.asked.append(options["format"])
        if self.fault:
            raise self.fault
        return self

    @property
    def streams(self) -> Any:
        class Streams(list[Any]):
            video = self.videos

        return Streams([*self.videos, SimpleNamespace(metadata={"language": "und"})])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to close."""


def video(width: int, height: int, **metadata: str) -> Any:
    """A stream of pictures."""
    return SimpleNamespace(width=width, height=height, metadata=metadata)


@pytest.fixture
def av(monkeypatch: pytest.MonkeyPatch) -> StandIn:
    """PyAV, installed."""
    stand_in = StandIn()
    monkeypatch.setitem(sys.modules, "av", stand_in)
    return stand_in


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A file with the name of a video."""
    file = tmp_path / "a.mp4"
    file.write_bytes(b"film")
    return file


class TestVideos:
    def test_without_pyav(self, film: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """It is an extra: there are no facts, and nothing is wrong."""
        monkeypatch.setitem(sys.modules, "av", None)

        assert read_facts(film) == Facts(None, None, None, Generation(), Recipe(), "", None)

    @pytest.mark.parametrize(
        "tags",
        [
            {"prompt": PROMPT, "workflow": WORKFLOW},
            {"PROMPT": PROMPT, "WORKFLOW": WORKFLOW, "ENCODER": "Lavf"},
            {"comment": json.dumps({"prompt": PROMPT, "workflow": json.loads(WORKFLOW)})},
            {"COMMENT": json.dumps({"prompt": json.loads(PROMPT), "workflow": WORKFLOW})},
        ],
    )
    def test_size_length_and_graphs(self, film: Path, av: StandIn, tags: dict[str, str]) -> None:
        """As ComfyUI and others write them into MP4, Matroska and WebM."""
        av.metadata = tags
        found = read_facts(film)

        assert (found.width, found.height, found.seconds) == (1280, 720, 5.04)
        assert found.made == Generation(json.loads(PROMPT), json.loads(WORKFLOW))
        assert found.recipe.prompt == "cute anime girl"
        assert "Größe" in found.raw

    def test_tags_of_the_file_go_before_those_of_its_streams(self, film: Path, av: StandIn) -> None:
        """Streams may keep what a film had before it was cut."""
        av.metadata = {"prompt": '{"1": {}}'}
        av.videos = [video(8, 8, prompt='{"2": {}}', workflow='{"nodes": [1]}')]

        assert read_facts(film).made == Generation({"1": {}}, {"nodes": [1]})

    def test_a_sound(self, tmp_path: Path, av: StandIn) -> None:
        """Has a length and no size."""
        av.videos = []
        file = tmp_path / "a.flac"
        file.write_bytes(b"sound")
        found = read_facts(file)

        assert (found.width, found.height, found.seconds) == (None, None, 5.04)
        assert av.asked == ["flac"]

    @pytest.mark.parametrize("duration", [None, 0, -5])
    def test_a_length_that_is_not_known(
        self, film: Path, av: StandIn, duration: int | None
    ) -> None:
        """Is none."""
        av.duration = duration

        assert read_facts(film).seconds is None

    def test_a_broken_film(self, film: Path, av: StandIn) -> None:
        """Says so."""
        av.fault = FFmpegError()

        assert read_facts(film).note == ("cannot be read: Invalid data found when processing input")

    def test_the_share_fails(self, film: Path, av: StandIn) -> None:
        """That is not said of the film, neither when opening it nor in the middle."""
        av.fault = OSError(5, "Input/output error")
        with pytest.raises(OSError, match="Input/output"):
            read_facts(film)
        with pytest.raises(FileNotFoundError):
            read_facts(film.with_name("none.mp4"))

    def test_the_format_is_told(self, film: Path, av: StandIn) -> None:
        """A playlist that calls itself a film could make FFmpeg open files and addresses."""
        read_facts(film)

        assert av.asked == ["mp4"]

    def test_tags_that_are_huge_or_not_ours(self, film: Path, av: StandIn) -> None:
        """Are left out."""
        av.metadata = {"prompt": "x" * (16 * 1024 * 1024 + 1), "comment": "made by hand"}

        assert read_facts(film).made.empty
