"""The graphs of a night's jobs, and how many files each of them makes. Pure."""

from __future__ import annotations

from tests.campaigns.plan import Ask
from tests.scheduling.graphs import batch, failing, slow, still
from tests.simulator.graphs import Graph, node

#: The picture of the project that jobs load by its path.
PLATE = "plates/sky.png"
#: How many files a job of each kind brings into its project.
FILES = {
    "still": 1,
    "slow": 1,
    "batch": 3,
    "mixed": 4,
    "plate": 1,
    "after": 1,
    "onward": 1,
    "failing": 0,
    "crashing": 0,
}


def graph_of(ask: Ask, before: str | None) -> Graph:
    """The graph of a job; `before` is the id of the job whose output it takes."""
    match ask.kind:
        case "slow":
            return slow(ask.seconds, seed=ask.color)
        case "batch":
            return batch(3)
        case "mixed":
            return _mixed(ask.color)
        case "plate":
            return _loading(PLATE)
        case "onward":
            return _loading(f"job:{before}:0")
        case "failing":
            return failing()
        case "crashing":
            return _crashing()
        case _:
            return still(ask.color)


def _mixed(color: int) -> Graph:
    """Two nodes that save, and a preview, which nobody keeps."""
    return {
        "1": node("EmptyImage", width=16, height=8, batch_size=2, color=color),
        "2": node("SaveImage", images=["1", 0], filename_prefix="x"),
        "3": node("PreviewImage", images=["1", 0]),
        "4": node("ImageInvert", image=["1", 0]),
        "5": node("SaveImage", images=["4", 0], filename_prefix="y"),
    }


def _loading(name: str) -> Graph:
    return {
        "1": node("LoadImage", image=name),
        "2": node("ImageInvert", image=["1", 0]),
        "3": node("SaveImage", images=["2", 0], filename_prefix="loaded"),
    }


def _crashing() -> Graph:
    """It takes its server down, each time."""
    return {
        "1": node("EmptyImage", width=8, height=8, batch_size=1, color=0),
        "2": node("TestCrash", image=["1", 0], after=0.05),
        "3": node("SaveImage", images=["2", 0], filename_prefix="never"),
    }
