from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.comfyui import messages as m
from orchestrator.comfyui.messages import Frame, NodeProgress, parse_text
from orchestrator.comfyui.progress import ProgressTracker
from tests.comfyui.recorded import recorded_frames

NODES = st.sampled_from(["1", "2", "2.0.0.1"])
STATES = st.builds(
    NodeProgress, NODES, st.floats(), st.floats(), st.sampled_from(["running", "finished"])
)
FRAMES = st.one_of(
    st.builds(m.Progress, st.just("p"), NODES, st.floats(), st.floats()),
    st.builds(m.Executing, st.just("p"), st.none() | NODES),
    st.builds(m.Executed, st.just("p"), NODES, st.just({})),
    st.builds(m.Cached, st.just("p"), st.tuples(NODES)),
    st.builds(m.ProgressState, st.just("p"), st.tuples(STATES, STATES)),
    st.just(m.ExecutionSuccess("p")),
)


def tracked(prompt_id: str, nodes: int, frames: list[Frame]) -> list[ProgressTracker]:
    """The state after each frame."""
    states = [ProgressTracker(prompt_id=prompt_id, node_count=nodes)]
    for frame in frames:
        states.append(states[-1].apply(frame))
    return states


def recorded(name: str) -> tuple[str, list[Frame]]:
    """A recorded run: its prompt and its frames."""
    frames = [parse_text(text) for text in recorded_frames(name)]
    start = next(f for f in frames if isinstance(f, m.ExecutionStart))
    return start.prompt_id, frames


class TestProgressTracker:
    def test_a_recorded_run_ends_at_a_hundred(self) -> None:
        """It rises with every node, and only success makes it whole."""
        prompt_id, frames = recorded("frames_slow.jsonl")
        states = tracked(prompt_id, 4, frames)
        percents = [state.percent for state in states]
        steps = [state.current_step for state in states if state.current_step]
        assert percents == sorted(percents)
        assert (percents[0], percents[-1]) == (0.0, 100.0)
        assert steps[-1] == "6/6"
        assert {state.node for state in states} >= {"1", "2", "3", "4", None}

    def test_a_failed_run_stays_below(self) -> None:
        """What failed is not done."""
        prompt_id, frames = recorded("frames_failing.jsonl")
        assert 0 < tracked(prompt_id, 3, frames)[-1].percent < 100

    def test_steps_are_parts_of_a_node(self) -> None:
        """Five of ten steps in the second of four nodes."""
        frames: list[Frame] = [
            m.Executing("p", "1"),
            m.Executing("p", "2"),
            m.Progress("p", "2", 5, 10),
        ]
        last = tracked("p", 4, frames)[-1]
        assert (last.percent, last.current_step, last.node) == (37.5, "5/10", "2")

    def test_a_new_node_has_no_step_yet(self) -> None:
        """The step of the one before would be wrong."""
        frames: list[Frame] = [m.Progress("p", "2", 10, 10), m.Executing("p", "3")]
        assert tracked("p", 4, frames)[-1].current_step is None

    def test_cached_nodes_are_done(self) -> None:
        """They will not run."""
        assert tracked("p", 4, [m.Cached("p", ("1", "2"))])[-1].percent == 50.0

    def test_a_second_sampler_does_not_bring_it_down(self) -> None:
        """A node may count its steps anew."""
        frames: list[Frame] = [m.Progress("p", "2", 9, 10), m.Progress("p", "2", 1, 10)]
        states = tracked("p", 2, frames)
        assert (states[-1].percent, states[-1].current_step) == (45.0, "1/10")

    def test_nodes_made_at_run_time_belong_to_ours(self) -> None:
        """A loop that makes a hundred nodes is still one node of the graph."""
        made = tuple(NodeProgress(f"5.0.0.{n}", 1, 1, "finished") for n in range(100))
        running = (*made, NodeProgress("5", 0, 1, "running"))
        assert tracked("p", 10, [m.ProgressState("p", running)])[-1].percent < 20

    def test_frames_of_others_change_nothing(self) -> None:
        """Some come to every socket, and some say no prompt at all."""
        frames: list[Frame] = [
            m.Progress("other", "2", 5, 10),
            m.Executing(None, "2"),
            m.Status(3, None),
            m.Preview(None, None, "image/png", b""),
            m.Unknown("x"),
        ]
        start = ProgressTracker(prompt_id="p", node_count=4)
        assert tracked("p", 4, frames)[-1] == start

    @given(st.lists(FRAMES), st.integers(0, 5))
    def test_it_never_falls_and_stays_in_bounds(self, frames: list[Frame], nodes: int) -> None:
        """Whatever comes, in whatever order."""
        percents = [state.percent for state in tracked("p", nodes, frames)]
        assert percents == sorted(percents)
        assert all(0 <= percent <= 100 for percent in percents)
