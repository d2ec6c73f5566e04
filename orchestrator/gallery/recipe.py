"""What a picture was made with, in the words that people search for.

Pure. The graph that ran says it best; then the settings as text; then the graph as drawn. Files
come from anywhere: whatever stands in them, there is an answer, with what could be understood.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

from attrs import frozen

from orchestrator.comfyui.graph import Workflow
from orchestrator.comfyui.places import Place
from orchestrator.gallery.a1111 import lora_tags, settings
from orchestrator.gallery.alike import Alike, Kind, Match
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


@frozen
class Form:
    """Where the parts of a recipe stand in graphs of one kind, worked out once for all of them.

    Places are numbered: the holes of the kind come first, what is the same in all follows.
    """

    #: What stands in the places that are the same in all graphs.
    constants: tuple[Any, ...]
    prompt: tuple[int, ...]
    negative_prompt: tuple[int, ...]
    #: Takes sampler, scheduler, steps, cfg and seed out of all.
    settings: Callable[[Sequence[Any]], tuple[Any, ...]]
    models: tuple[int, ...]
    #: None if they may differ from graph to graph.
    loras: tuple[str, ...] | None

    @classmethod
    def of(cls, kind: Kind[Form]) -> Form:
        """Work it out from a graph of the kind."""
        plan = kind.plan
        numbers = {place: number for number, place in enumerate(kind.holes)}
        constants: list[Any] = []

        def number(place: Place | None) -> int:
            if place in numbers:
                return numbers[place]
            constants.append(None if place is None else _value(kind.graph, place))
            return len(kind.holes) + len(constants) - 1

        prompt, negative_prompt, models = (
            tuple(map(number, places))
            for places in (plan.prompt, plan.negative_prompt, plan.models)
        )
        settings = (plan.sampler, plan.scheduler, plan.steps, plan.cfg, plan.seed)
        numbered = itemgetter(*map(number, settings))
        # Whether a LoRA counts depends on what stands beside it, so any hole there is one too many.
        nodes = {lora.node for lora in plan.loras} | {lora.place.node for lora in plan.loras}
        varied = any(hole in plan.lora_texts or hole.node in nodes for hole in kind.holes)
        loras = None if varied else _loras(kind.graph, plan)
        return cls(tuple(constants), prompt, negative_prompt, numbered, models, loras)

    def recipe(self, match: Match[Form]) -> Recipe:
        """The recipe of a graph of this kind."""
        said = [*match.values, *self.constants]
        sampler, scheduler, steps, cfg, seed = self.settings(said)
        loras = self.loras
        return Recipe(
            _joined([said[at] for at in self.prompt]),
            _joined([said[at] for at in self.negative_prompt]),
            _models_called(*[said[at] for at in self.models]),
            _loras(match.graph, match.kind.plan) if loras is None else loras,
            sampler,
            scheduler,
            _within(steps, -(2**63), 2**63),
            None if cfg is None else float(cfg),
            _within(seed, _SEED_MIN, _SEED_END),
        )


#: The graphs that were read last, by this process.
ALIKE: Alike[Form] = Alike(Form.of)


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
    if text is not None and (match := ALIKE.find(text)) is not None:
        return recipe_of(match)
    graph = made.prompt_graph
    if graph is None:
        return _UNKNOWN
    planned, tidy = plan(graph)
    if text is not None and tidy is graph:
        ALIKE.learn(text, graph, planned)
    return _read(planned, tidy)


def recipe_of(match: Match[Form]) -> Recipe:
    """The recipe of a graph that was recognized."""
    return match.aid.recipe(match)


def _read(known: Plan, graph: Workflow) -> Recipe:
    def said(place: Place | None) -> Any:
        return None if place is None else _value(graph, place)

    cfg = said(known.cfg)
    return Recipe(
        _joined([_value(graph, place) for place in known.prompt]),
        _joined([_value(graph, place) for place in known.negative_prompt]),
        _models(graph, known),
        _loras(graph, known),
        said(known.sampler),
        said(known.scheduler),
        _within(said(known.steps), -(2**63), 2**63),
        None if cfg is None else float(cfg),
        _within(said(known.seed), _SEED_MIN, _SEED_END),
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


def _joined(texts: list[str]) -> str:
    if len(texts) == 1:
        return texts[0].strip()
    return "\n".join(filter(None, dict.fromkeys(text.strip() for text in texts)))


def _within(value: int | None, low: int, end: int) -> int | None:
    return value if value is not None and low <= value < end else None


@lru_cache(maxsize=256)
def _models_called(*values: str) -> tuple[str, ...]:
    return _names(values)


def _models(graph: Workflow, known: Plan) -> tuple[str, ...]:
    return _names(_value(graph, place) for place in known.models)


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
