"""What a picture was made with, in the words that people search for.

Pure. The graph that ran says it best; then the settings as text; then the graph as drawn. Files
come from anywhere: whatever stands in them, there is an answer, with what could be understood.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from attrs import frozen

from orchestrator.comfyui.graph import Workflow
from orchestrator.comfyui.places import Place
from orchestrator.gallery.a1111 import lora_tags, settings
from orchestrator.gallery.alike import Alike
from orchestrator.gallery.drawn import as_run
from orchestrator.gallery.metadata import Generation
from orchestrator.gallery.plan import LoraPlace, Plan, plan

#: Seeds are unsigned 64 bit numbers in ComfyUI; -1 is how some nodes say "any".
_SEED_MIN, _SEED_END = -(2**63), 2**64
#: What loaders call having nothing to load.
_NO_NAMES = frozenset({"", "none"})


@frozen
class Recipe:
    """How a picture was made. Of several stages, the numbers are those of the first."""

    #: All prompt texts, each once, joined by "\\n".
    prompt: str = ""
    negative_prompt: str = ""
    #: Checkpoints and diffusion models as the graph names them, folders with `/`.
    models: tuple[str, ...] = ()
    loras: tuple[str, ...] = ()
    sampler: str | None = None
    scheduler: str | None = None
    steps: int | None = None
    cfg: float | None = None
    #: At most 64 bits, so it may not fit into a signed number of that size.
    seed: int | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing is known."""
        return not (self.prompt or self.models) and self == _UNKNOWN


_UNKNOWN = Recipe()
_ALIKE = Alike()


def recipe(made: Generation) -> Recipe:
    """What a picture was made with; empty if it does not say."""
    found = _from_prompt(made)
    if found.empty and made.parameters is not None:
        found = _from_text(made.parameters)
    if found.empty and (drawn := made.workflow) is not None:
        found = _read(*plan(as_run(drawn)))
    return found


def _from_prompt(made: Generation) -> Recipe:
    text = made.prompt_text
    if text is not None and (known := _ALIKE.find(text)):
        return _read(*known)
    graph = made.prompt_graph
    if graph is None:
        return _UNKNOWN
    planned, tidy = plan(graph)
    if text is not None and tidy is graph:
        _ALIKE.learn(text, graph, planned)
    return _read(planned, tidy)


def _read(known: Plan, graph: Workflow) -> Recipe:
    return Recipe(
        _joined(graph, known.prompt),
        _joined(graph, known.negative_prompt),
        _names(_value(graph, place) for place in known.models),
        _loras(graph, known),
        _text(graph, known.sampler),
        _text(graph, known.scheduler),
        _whole_number(graph, known.steps, -(2**63), 2**63),
        _number(graph, known.cfg),
        _whole_number(graph, known.seed, _SEED_MIN, _SEED_END),
    )


def _from_text(text: str) -> Recipe:
    said = settings(text)
    return Recipe(
        prompt=said.prompt,
        negative_prompt=said.negative_prompt,
        models=_names([said.model]),
        loras=_names(said.loras),
        sampler=said.sampler,
        scheduler=said.scheduler,
        steps=said.steps,
        cfg=said.cfg,
        seed=said.seed if said.seed is not None and _SEED_MIN <= said.seed < _SEED_END else None,
    )


def _value(graph: Workflow, place: Place) -> Any:
    return graph[place.node]["inputs"][place.input]


def _joined(graph: Workflow, places: tuple[Place, ...]) -> str:
    if len(places) == 1:
        text: str = _value(graph, places[0]).strip()
        return text
    texts = dict.fromkeys(_value(graph, place).strip() for place in places)
    return "\n".join(filter(None, texts))


def _text(graph: Workflow, place: Place | None) -> str | None:
    return None if place is None else _value(graph, place)


def _number(graph: Workflow, place: Place | None) -> float | None:
    return None if place is None else float(_value(graph, place))


def _whole_number(graph: Workflow, place: Place | None, low: int, end: int) -> int | None:
    if place is None:
        return None
    value: int = _value(graph, place)
    return value if low <= value < end else None


def _names(values: Iterable[object]) -> tuple[str, ...]:
    """Names of files, each once, in the order in which they come."""
    names: dict[str, None] = {}
    for value in values:
        if isinstance(value, str) and value.strip().lower() not in _NO_NAMES:
            names[value.strip().replace("\\", "/")] = None
    return tuple(names)


def _loras(graph: Workflow, known: Plan) -> tuple[str, ...]:
    if not known.loras and not known.lora_texts:
        return ()
    names = [_lora(graph, place) for place in known.loras]
    for place in known.lora_texts:
        names.extend(lora_tags(_value(graph, place)))
    return _names(names)


def _lora(graph: Workflow, lora: LoraPlace) -> str | None:
    """The name of a LoRA that has a part in the picture; None if it is switched off."""
    value, beside = _value(graph, lora.place), graph[lora.node]["inputs"]
    if isinstance(value, dict):  # rgthree's Power Lora Loader: all about one LoRA in one input
        strengths = [value.get("strength"), value.get("strengthTwo")]
        off = value.get("on") is False or not any(strengths)
        name = value.get("lora")
        return name if isinstance(name, str) and not off else None
    number = lora.number
    if number is None:
        strengths = [beside.get(key, None) for key in ("strength_model", "strength_clip")]
        # A strength that is linked or not there is taken to be some.
        off = strengths[0] == 0 and strengths[1] in (0, None)
    else:
        counts = (beside.get("lora_count"), beside.get("num_loras"))
        past = any(isinstance(count, int) and number > count for count in counts)
        off = past or beside.get(f"switch_{number}") in ("Off", False)
    return None if off or beside.get("toggle") is False else value
