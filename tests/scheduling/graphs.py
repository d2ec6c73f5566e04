"""Workflows for the scheduler's tests."""

from __future__ import annotations

from typing import Any

from tests.simulator.graphs import Graph, node


def still(color: int = 255) -> Graph:
    """One picture, at once."""
    return {
        "1": node("EmptyImage", width=16, height=8, batch_size=1, color=color),
        "2": node("SaveImage", images=["1", 0], filename_prefix="still"),
    }


def batch(count: int) -> Graph:
    """Several pictures of one node."""
    graph = still()
    graph["1"]["inputs"]["batch_size"] = count
    return graph


def slow(seconds: float = 150.0, *, steps: int = 0, seed: int = 0, **more: Any) -> Graph:
    """One picture after some time; by default it is for ever, and heeds an interrupt at once."""
    steps = steps or max(1, round(seconds / 0.02))
    options = {"preview": False, "interruptible": True, **more}
    return {
        "1": node("EmptyImage", width=16, height=8, batch_size=1, color=seed),
        "2": node("TestSleep", image=["1", 0], seconds=seconds, steps=steps, seed=seed, **options),
        "3": node("SaveImage", images=["2", 0], filename_prefix="slow"),
    }


def stubborn(seconds: float) -> Graph:
    """It heeds no interrupt, and shows no sign of life, until it is done."""
    return slow(seconds, interruptible=False)


def failing(message: str = "boom") -> Graph:
    """A node raises an error."""
    return {
        "1": node("EmptyImage", width=16, height=8, batch_size=1, color=0),
        "2": node("TestFail", image=["1", 0], message=message, after=0.0),
        "3": node("SaveImage", images=["2", 0], filename_prefix="never"),
    }


def every_kind() -> Graph:
    """Two pictures, a preview, a gif, a film and a sound, from five nodes."""
    return {
        "1": node("EmptyImage", width=16, height=16, batch_size=2, color=7),
        "2": node("SaveImage", images=["1", 0], filename_prefix="x"),
        "3": node("PreviewImage", images=["1", 0]),
        "4": node(
            "VHS_VideoCombine",
            images=["1", 0],
            frame_rate=8.0,
            loop_count=0,
            filename_prefix="x",
            format="image/gif",
            pingpong=False,
            save_output=True,
        ),
        "5": node("TestSaveVideos", images=["1", 0], filename_prefix="x", fps=6.0),
        "6": node("TestTone", seconds=0.1, seed=1),
        "7": node("SaveAudio", audio=["6", 0], filename_prefix="x"),
    }
