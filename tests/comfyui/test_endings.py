from __future__ import annotations

from typing import Any

import pytest

from orchestrator.comfyui.answers import HistoryEntry, read_history
from orchestrator.comfyui.endings import (
    Failed,
    Interrupted,
    Output,
    Succeeded,
    classify,
    outputs,
)
from orchestrator.errors import PathInvalid
from tests.comfyui.recorded import recorded_json


def recorded_entry(name: str) -> HistoryEntry:
    """An entry as a real server gave it."""
    answer = recorded_json(name)
    entry = read_history(answer, next(iter(answer)))
    assert entry is not None
    return entry


def entry(shown: dict[str, Any], status: str = "success", *messages: Any) -> HistoryEntry:
    """An entry that shows something."""
    return HistoryEntry("p", {}, {}, ("9",), shown, status, messages)


class TestClassify:
    def test_success(self) -> None:
        """The files are those of the entry."""
        ending = classify(recorded_entry("history_success.json"))
        assert ending == Succeeded((Output("4", "images", "fast_00001_.png", "", "output", 0),))

    def test_success_without_outputs(self) -> None:
        """Some servers leave them out when all came from the cache; that is for the caller."""
        assert classify(recorded_entry("history_cached_without_outputs.json")) == Succeeded(())

    def test_failure_says_where_and_why(self) -> None:
        """Node, class, exception and traceback of ComfyUI's last message."""
        ending = classify(recorded_entry("history_error.json"))
        assert isinstance(ending, Failed)
        assert (ending.node_id, ending.node_type) == ("2", "ImageBlur")
        assert ending.exception_type == "RuntimeError"
        assert ending.message.startswith("Argument #4: Padding size")
        assert len(ending.traceback) == 2

    def test_an_interruption_is_no_failure(self) -> None:
        """ComfyUI writes the status "error" for it; only the message tells them apart."""
        recorded = recorded_entry("history_interrupted.json")
        assert (recorded.status, classify(recorded)) == ("error", Interrupted("2"))

    def test_an_error_without_a_message_is_a_failure(self) -> None:
        """There is nothing to say but that ComfyUI says nothing."""
        ending = classify(entry({}, "error"))
        assert isinstance(ending, Failed)
        assert "'error'" in ending.message

    def test_a_server_without_status_is_judged_by_its_outputs(self) -> None:
        """The oldest servers wrote none."""
        shown = {"9": {"images": [{"filename": "a.png"}]}}
        assert isinstance(classify(entry(shown, "")), Succeeded)
        assert isinstance(classify(entry({}, "")), Failed)

    def test_a_name_that_climbs_out_is_a_failure(self) -> None:
        """We could not fetch it, so the job has not got what it was for."""
        shown = {"9": {"images": [{"filename": "../../etc/passwd"}]}}
        ending = classify(entry(shown))
        assert isinstance(ending, Failed)
        assert ending.exception_type == "path.invalid"


class TestOutputs:
    def test_every_kind_is_found(self) -> None:
        """Videos, sounds and models count as much as pictures; other things shown do not."""
        shown = {
            "9": {"images": [{"filename": "a.png"}, {"filename": "b.PNG"}], "animated": [True]},
            "10": {"gifs": [{"filename": "v.mp4", "format": "video/h264-mp4", "frame_rate": 24}]},
            "11": {"audio": [{"filename": "s.flac", "subfolder": "audio", "type": "output"}]},
            "12": {"3d": [{"filename": "m.glb", "subfolder": "mesh"}], "result": ["m.glb", None]},
            "13": {"video": {"filename": "w.webm"}},
            "14": {"text": ["hello"]},
            "15": None,
        }
        found = outputs(entry(shown))
        assert [(o.node_id, o.kind, o.index, o.media_type) for o in found] == [
            ("9", "images", 0, "image/png"),
            ("9", "images", 1, "image/png"),
            ("10", "gifs", 0, "video/mp4"),
            ("11", "audio", 0, "audio/flac"),
            ("12", "3d", 0, "model/gltf-binary"),
            ("13", "video", 0, "video/webm"),
        ]

    def test_previews_are_marked(self) -> None:
        """A PreviewImage leaves a file that the backend's next start wipes."""
        (found,) = [o for o in outputs(recorded_entry("history_preview.json")) if o.node_id == "9"]
        assert (found.temporary, found.kept) == (True, False)

    def test_a_backend_on_windows_writes_backslashes(self) -> None:
        """They are kept, because that backend wants them back; as a climb they are refused."""
        shown = {"9": {"images": [{"filename": "a.png", "subfolder": "job-1\\a1"}]}}
        assert outputs(entry(shown))[0].subfolder == "job-1\\a1"

    @pytest.mark.parametrize(
        "item",
        [
            {"filename": ""},
            {"filename": ".."},
            {"filename": "../a.png"},
            {"filename": "/etc/passwd"},
            {"filename": "a\\b.png"},
            {"filename": "a\0.png"},
            {"filename": "a\n.png"},
            {"filename": "C:a.png"},
            {"filename": "\ud800.png"},
            {"filename": "a" * 256},
            {"filename": 5},
            {"filename": "a.png", "subfolder": "../x"},
            {"filename": "a.png", "subfolder": "x\\..\\.."},
            {"filename": "a.png", "subfolder": "/etc"},
            {"filename": "a.png", "subfolder": "\\\\server\\share"},
            {"filename": "a.png", "subfolder": "C:\\x"},
            {"filename": "a.png", "subfolder": ["x"]},
            {"filename": "a.png", "type": "models"},
            {"filename": "a.png", "type": ["output"]},
        ],
    )
    def test_names_are_not_trusted(self, item: dict[str, Any]) -> None:
        """Custom nodes write what they like into the history."""
        with pytest.raises(PathInvalid) as caught:
            outputs(entry({"9": {"images": [item]}}))
        assert caught.value.code == "path.invalid"

    def test_ordinary_names_of_all_languages_pass(self) -> None:
        """Spaces, percent signs and letters beyond ASCII are no reason to lose a picture."""
        names = ["Müller 100%.png", "夜.png", "a b (1).png", ".hidden.png", "no_suffix"]
        found = outputs(entry({"9": {"images": [{"filename": name} for name in names]}}))
        assert [o.filename for o in found] == names
        assert found[-1].media_type == "application/octet-stream"
