"""Where in a graph that ran the parts of its recipe stand.

Pure. Only what feeds an output counts. Graphs of one making differ in seeds and texts alone, and
finding out where things stand costs far more than looking there: a plan is made from a graph's
*shape* (everything but the values) and kept for the next graph of that shape. Of a graph larger
than any that people draw, only the names of models are looked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from attrs import evolve, frozen

from orchestrator.comfyui.graph import (
    Workflow,
    class_of,
    feeding,
    inputs_of,
    is_link,
    links_of,
    output_nodes,
    sinks,
)
from orchestrator.comfyui.meanings import TEXTS, common_places, is_sampler
from orchestrator.comfyui.places import Place, settle, settle_all
from orchestrator.gallery.shape import NO_SHAPE, Shape, bare, shape_of, tame

#: Nodes that feed outputs, and samplers among them, up to which links are followed in full: the
#: largest graphs that studios share have a few hundred nodes and a dozen samplers.
MAX_NODES = 1_000
MAX_SAMPLERS = 50
#: Shapes that are remembered. A project uses a few dozen.
MAX_KNOWN = 512

_MODEL = re.compile(r"(\w+_)?(ckpt|unet|gguf)_name(_?\d+)?")
#: What loaders call a model beside the names above; others use these for upscalers, detectors.
_MODEL_TOO = ("model_name", "model", "diffusion_model", "checkpoint")
_LORA = re.compile(r"lora(?:_name)?(?:_?(\d{1,4}))?|lora_(\d{1,4})_name", re.ASCII)
#: Inputs through which texts flow into a node that puts them together.
_TEXTY = re.compile(r"text|string|prompt|str|caption|value|any|input|[a-z]$", re.IGNORECASE)
_PROMPTS = ("positive_prompt", "positive", *TEXTS)
_NEGATIVES = ("negative_prompt", "negative")
_PROMPTS_AND_TEXTS = {"positive_prompt", *_NEGATIVES[:1], *TEXTS}
_NUMBERS = ("seed", "steps", "cfg", "sampler", "scheduler")


@frozen
class LoraPlace:
    """Where a LoRA's name stands."""

    #: The node that loads it: beside its name stands whether it is switched on.
    node: str
    place: Place
    #: Which one of several it is on its node, from 1; None if it is the only one.
    number: int | None


@frozen
class Plan:
    """Where to look; what a graph does not have is empty or None."""

    prompt: tuple[Place, ...] = ()
    negative_prompt: tuple[Place, ...] = ()
    models: tuple[Place, ...] = ()
    loras: tuple[LoraPlace, ...] = ()
    #: Texts that name LoRAs as `<lora:name:1>`.
    lora_texts: tuple[Place, ...] = ()
    sampler: Place | None = None
    scheduler: Place | None = None
    steps: Place | None = None
    cfg: Place | None = None
    seed: Place | None = None


def plan(graph: Workflow) -> tuple[Plan, Workflow]:
    """Where the parts of a graph's recipe stand, and the graph to look in.

    The graph comes back as it was, or without what is no node if it was not all in order.
    """
    try:
        return _plan(graph), graph
    except NO_SHAPE:
        graph = tame(graph)
        return _plan(graph), graph


def _plan(graph: Workflow) -> Plan:
    if len(graph) > MAX_NODES:
        return plan_of(shape_of(graph))  # as large as the graph: nothing to keep
    return _known_plan(shape_of(graph))


def plan_of(shape: Shape) -> Plan:
    """Find out where the parts of a recipe stand."""
    graph = bare(shape)
    live = feeding(graph, _ends(graph))
    graph = {node: graph[node] for node in live}
    models = tuple(_models(graph))
    made_of = Plan(models=models, loras=tuple(_loras(graph)), lora_texts=tuple(_lora_texts(graph)))
    samplers = [node for node in graph if is_sampler(graph, node)]
    if len(graph) > MAX_NODES or len(samplers) > MAX_SAMPLERS:
        return made_of
    texts = _join_computed(graph)
    places = common_places(graph)
    if first := _first(graph, samplers):
        # The first stage's own numbers go before those of a stage whose node has a smaller id.
        places |= {key: places for key, places in _stage(graph, first).items() if key in _NUMBERS}
    prompts, negatives = _texts(graph, places)
    seed, steps, cfg, sampler, scheduler = (next(iter(places.get(n, ())), None) for n in _NUMBERS)
    return evolve(
        made_of,
        prompt=tuple(_spread(prompts, texts)),
        negative_prompt=tuple(_spread(negatives, texts)),
        models=models or tuple(_services(graph)),
        seed=seed,
        steps=steps,
        cfg=cfg,
        sampler=sampler,
        scheduler=scheduler,
    )


_known_plan = lru_cache(maxsize=MAX_KNOWN)(plan_of)


def _ends(graph: Workflow) -> list[str]:
    """The outputs; nodes that save are such too, under whatever name they take a file's."""
    last = sinks(graph)
    savers = [node for node in last if "save" in class_of(graph, node).lower()]
    return [*output_nodes(graph), *savers] or last


def _stage(graph: Workflow, sampler: str) -> dict[str, tuple[Place, ...]]:
    """The common places of one sampler and what feeds it."""
    return common_places({node: graph[node] for node in feeding(graph, [sampler])})


def _first(graph: Workflow, samplers: list[str]) -> str | None:
    """The first sampler that no other one feeds."""
    others = set(samplers)
    return next(
        (node for node in samplers if not others.intersection(feeding(graph, [node])) - {node}),
        None,
    )


def _texts(
    graph: Workflow, places: dict[str, tuple[Place, ...]]
) -> tuple[Iterable[Place], Iterable[Place]]:
    """The places of both prompts; without a sampler that is known, by the names of inputs."""
    prompts, negatives = places.get("prompt", ()), places.get("negative_prompt", ())
    if not negatives:
        negatives = tuple(_named(graph, "negative_prompt", _NEGATIVES))
        negatives = tuple(place for place in negatives if place not in prompts)
    if not prompts:
        found = _named(graph, "prompt", _PROMPTS)
        prompts = tuple(place for place in found if place not in negatives)
    return prompts, negatives


def _named(graph: Workflow, name: str, keys: tuple[str, ...]) -> Iterator[Place]:
    for node in graph:
        yield from settle_all(graph, name, node, keys)


def _join_computed(graph: Workflow) -> dict[Place, tuple[Place, ...]]:
    """Texts that nodes put together, and the places of their parts.

    Such an input is made a text of its own in the graph, so that it is found like any other.
    """
    computed: dict[Place, tuple[Place, ...]] = {}
    for node in graph:
        for key in _PROMPTS_AND_TEXTS & inputs_of(graph, node).keys():
            place = Place(node, key)
            if is_link(inputs_of(graph, node)[key]) and settle(graph, place, "str") is None:
                computed[place] = tuple(_parts(graph, place))
    for place, parts in computed.items():
        if parts:
            inputs_of(graph, place.node)[place.input] = ""
    return computed


def _parts(graph: Workflow, place: Place) -> Iterator[Place]:
    """The literal texts behind a computed one, in the order in which nodes name them."""
    seen: set[str] = set()
    waiting = [place]
    while waiting:
        part = waiting.pop()
        value = inputs_of(graph, part.node)[part.input]
        if isinstance(value, str):
            yield part
        elif is_link(value) and value[0] not in seen:
            node = value[0]
            seen.add(node)
            every = "reroute" in class_of(graph, node).lower()
            into = [key for key in inputs_of(graph, node) if every or _TEXTY.match(key)]
            waiting.extend(Place(node, key) for key in reversed(into))


def _spread(places: Iterable[Place], computed: dict[Place, tuple[Place, ...]]) -> dict[Place, None]:
    """The places of texts, parts in place of what is put together; each once."""
    return dict.fromkeys(part for place in places for part in computed.get(place, (place,)))


def _models(graph: Workflow) -> Iterator[Place]:
    used = {
        source for node in graph for name, source, _ in links_of(graph, node) if name == "model"
    }
    for node in graph:
        for key in inputs_of(graph, node):
            if _MODEL.fullmatch(key) or (key in _MODEL_TOO and node in used):
                yield from _literal(graph, Place(node, key))


def _services(graph: Workflow) -> Iterator[Place]:
    """The models of services that make pictures elsewhere: named beside the prompt."""
    for node in graph:
        for key in ("model", "model_name"):
            if {key, "prompt"} <= inputs_of(graph, node).keys():
                yield from _literal(graph, Place(node, key))


def _loras(graph: Workflow) -> Iterator[LoraPlace]:
    for node in graph:
        for key, value in inputs_of(graph, node).items():
            if named := _LORA.fullmatch(key):
                digits = named[1] or named[2]
                number = int(digits) if digits else None
                place = Place(node, key)
                found = [place] if isinstance(value, dict) else _literal(graph, place)
                yield from (LoraPlace(node, place, number) for place in found)


def _lora_texts(graph: Workflow) -> Iterator[Place]:
    for node in graph:
        if "text" in inputs_of(graph, node) and "lora" in class_of(graph, node).lower():
            yield from _literal(graph, Place(node, "text"))


def _literal(graph: Workflow, place: Place) -> Iterator[Place]:
    found = settle(graph, place, "str")
    if found is not None:
        yield found
