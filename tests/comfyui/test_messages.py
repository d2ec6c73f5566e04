from __future__ import annotations

import struct

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.comfyui import messages as m
from orchestrator.comfyui.messages import parse_binary, parse_text
from tests.comfyui.recorded import recorded_frames

KINDS = (
    *("status", "progress", "progress_state", "executed", "executing"),
    *("execution_cached", "execution_error", "execution_start"),
)
KEYS = st.sampled_from(["prompt_id", "nodes", "value", "status", "1"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=8,
)


def frame(kind: str, **data: object) -> str:
    """A text frame."""
    return orjson.dumps({"type": kind, "data": data}).decode()


class TestText:
    @pytest.mark.parametrize("name", ["fast", "slow", "failing", "reconnect"])
    def test_recorded_frames_are_understood(self, name: str) -> None:
        """Nothing that a real server sent is unknown, but for the feature flags."""
        parsed = [parse_text(text) for text in recorded_frames(f"frames_{name}.jsonl")]
        strange = {p.kind for p in parsed if isinstance(p, m.Unknown)}
        assert strange <= {"feature_flags"}

    def test_a_run_in_order(self) -> None:
        """Start, cached, one `executing` for each node, its end, the end of all."""
        parsed = [parse_text(text) for text in recorded_frames("frames_fast.jsonl")]
        run = [p for p in parsed if not isinstance(p, m.ProgressState | m.Status | m.Unknown)]
        names = [type(p).__name__ for p in run]
        assert names == [
            *("ExecutionStart", "Cached", "Executing", "Executing", "Executing", "Executing"),
            *("Executed", "ExecutionSuccess", "Executing"),
        ]
        assert isinstance(run[-1], m.Executing)
        assert run[-1].node is None

    def test_the_first_frame_names_the_socket(self) -> None:
        """`sid` is the client id that we sent."""
        first = parse_text(recorded_frames("frames_fast.jsonl")[0])
        assert first == m.Status(0, "a1cc881875504173810d8e90bab9c057")

    def test_after_a_reconnect_executing_has_no_prompt(self) -> None:
        """Whose node it is, the frame does not say."""
        parsed = [parse_text(text) for text in recorded_frames("frames_reconnect.jsonl")]
        assert m.Executing(None, "2") in parsed

    def test_an_error_says_where_and_why(self) -> None:
        """The full record is in the history; this is for the eyes."""
        parsed = [parse_text(text) for text in recorded_frames("frames_failing.jsonl")]
        (error,) = [p for p in parsed if isinstance(p, m.ExecutionError)]
        assert (error.node, error.exception_type) == ("2", "RuntimeError")

    def test_steps(self) -> None:
        """Values may be ints or floats."""
        text = frame("progress", value=3, max=20, prompt_id="p", node="2")
        assert parse_text(text) == m.Progress("p", "2", 3.0, 20.0)

    def test_interrupted(self) -> None:
        """With the node that noticed."""
        text = frame("execution_interrupted", prompt_id="p", node_id="2", executed=[])
        assert parse_text(text) == m.ExecutionInterrupted("p", "2")

    @pytest.mark.parametrize(
        "text",
        [
            "",
            "{",
            "[]",
            "null",
            '{"type": "progress"}',
            frame("progress", prompt_id="p"),
            frame("progress", prompt_id="p", node="1", value="x", max=[]),
            frame("progress_state", prompt_id="p", nodes=[1]),
            frame("execution_cached", prompt_id="p", nodes=5),
            frame("status", status={"exec_info": 5}),
            '{"type": "executed", "data": [1]}',
            frame("crystools.monitor", cpu=3),
        ],
    )
    def test_what_cannot_be_read_is_unknown(self, text: str) -> None:
        """Custom nodes send frames of their own, and later versions new ones."""
        assert isinstance(parse_text(text), m.Unknown)

    @given(JSON, st.sampled_from(KINDS))
    def test_no_data_makes_it_raise(self, data: object, kind: str) -> None:
        """Whatever stands where, the socket goes on."""
        assert parse_text(orjson.dumps({"type": kind, "data": data})) is not None


class TestBinary:
    def test_a_preview_that_says_whose_it_is(self) -> None:
        """Kind 4: length, JSON, picture."""
        about = orjson.dumps(
            {"node_id": "2", "prompt_id": "p", "display_node_id": "2", "image_type": "image/jpeg"}
        )
        raw = struct.pack(">II", 4, len(about)) + about + b"\xff\xd8picture"
        assert parse_binary(raw) == m.Preview("p", "2", "image/jpeg", b"\xff\xd8picture")

    @pytest.mark.parametrize(("form", "media_type"), [(1, "image/jpeg"), (2, "image/png")])
    def test_a_preview_in_the_old_form(self, form: int, media_type: str) -> None:
        """Kind 1: it does not say whose picture it is."""
        raw = struct.pack(">II", 1, form) + b"picture"
        assert parse_binary(raw) == m.Preview(None, None, media_type, b"picture")

    def test_text_goes_to_everybody_and_is_left_out(self) -> None:
        """Kind 3, as recorded."""
        raw = bytes.fromhex("00000003000000013277696474683a2036342c206865696768743a2034380a20")
        assert parse_binary(raw) == m.Unknown("binary 3")

    @given(st.binary(max_size=40))
    def test_no_bytes_make_it_raise(self, raw: bytes) -> None:
        """Cut off, too short, of kinds to come: all unknown, none fatal."""
        assert isinstance(parse_binary(raw), m.Unknown | m.Preview)

    def test_a_length_beyond_the_frame_is_unreadable(self) -> None:
        """The picture would be a piece of the JSON."""
        assert parse_binary(struct.pack(">II", 4, 999) + b"{}") == m.Unknown("unreadable")
