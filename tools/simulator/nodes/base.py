"""What a simulated node class is: its declared inputs and outputs, and the function it runs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol

from attrs import field, frozen
from PIL import Image

from tools.simulator.store import Store

#: A value of ComfyUI's type IMAGE: a batch of RGB pictures.
type_images = tuple[Image.Image, ...]


class NodeFailedError(Exception):
    """A node raised, as the history will tell it: exception type and message."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class WorkerEndedError(Exception):
    """The worker thread ends for good; the server stays up (protocol 4.8)."""


class ProcessKilledError(Exception):
    """The whole server process dies at once (protocol 4.9)."""


@frozen
class Input:
    """One declared input.

    `kind` is a ComfyUI type such as "INT", or a tuple of choices, or `Choices`.
    """

    kind: str | tuple[str, ...] | Choices
    config: dict[str, Any] | None = None


@frozen
class Choices:
    """A list that depends on the disk: files in input/, or models of a folder."""

    source: str


@frozen
class Result:
    """What a node gave: values for other nodes, and what it shows (`ui`), if anything."""

    values: tuple[Any, ...] = ()
    ui: dict[str, list[Any]] | None = None


@frozen
class Preview:
    """A picture to send with a step, made by `draw` in a thread; `suffix` is its format."""

    draw: Callable[[], bytes]
    image_type: str = "image/jpeg"


class Context(Protocol):
    """What a running node may use of the server."""

    @property
    def node_id(self) -> str:
        """Its own id in the graph."""

    @property
    def store(self) -> Store:
        """The server's folders."""

    @property
    def previews(self) -> bool:
        """Whether samplers should send previews."""

    @property
    def seconds_per_step(self) -> float:
        """How long a sampler's step takes."""

    def metadata(self) -> dict[str, str]:
        """Text chunks for saved pictures: `prompt` and all of `extra_pnginfo`, as JSON."""

    async def wait(self, seconds: float) -> None:
        """Take time without looking at the interrupt flag."""

    async def step(self, value: int, total: int, preview: Preview | None = None) -> None:
        """Report progress; raises if the prompt was interrupted or is to fail."""

    def say(self, text: str) -> None:
        """Send a text frame to all sockets."""


Run = Callable[[Context, dict[str, Any]], Awaitable[Result]]


@frozen(kw_only=True)
class NodeClass:
    """One class of nodes, as /object_info describes it, and how it runs."""

    name: str
    run: Run
    required: Mapping[str, Input] = field(factory=dict)
    optional: Mapping[str, Input] = field(factory=dict)
    hidden: Mapping[str, str] = field(factory=dict)
    returns: tuple[str, ...] = ()
    return_names: tuple[str, ...] = ()
    output_node: bool = False
    display_name: str | None = None
    description: str = ""
    module: str = "nodes"
    category: str = "image"
    #: The input that names a file in input/, if there is one: it is checked, and part of the cache.
    loads: str | None = None
    #: Written in ComfyUI's newer style, of which /object_info says more.
    new_style: bool = False

    @property
    def inputs(self) -> dict[str, Input]:
        """Required and optional inputs by name."""
        return {**self.required, **self.optional}


def declare(
    name: str, run: Run, required: dict[str, Input], returns: str, **more: Any
) -> NodeClass:
    """A class with required inputs only; `returns` names its types, separated by spaces."""
    types = tuple(returns.split())
    return NodeClass(name=name, run=run, required=required, returns=types, **more)


def integer(default: int, low: int, high: int, **more: Any) -> Input:
    """An INT input."""
    return Input("INT", {"default": default, "min": low, "max": high, **more})


def real(default: float, low: float, high: float, **more: Any) -> Input:
    """A FLOAT input."""
    return Input("FLOAT", {"default": default, "min": low, "max": high, **more})


def seed() -> Input:
    """The seed input of samplers: an unsigned 64-bit number."""
    return integer(0, 0, 2**64 - 1, control_after_generate=True)


def choice(*options: str, **config: Any) -> Input:
    """An input that takes one of a fixed list."""
    return Input(options, config or None)


#: Inputs that ComfyUI fills in itself: the graph and the client's extra_pnginfo.
SAVING: Final = {"prompt": "PROMPT", "extra_pnginfo": "EXTRA_PNGINFO"}
