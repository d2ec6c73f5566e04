"""Finds what `prompt`, `seed`, `steps` ... mean in a workflow, by following its links. Pure.

The rules, all of them deterministic:

- A *sampler* is known by its inputs, not by its class: a `latent_image` that comes with a model,
  guider or conditioning; or `guider` and `sigmas`; or a `positive` with a `sampler_name`. That
  holds for KSampler, KSamplerAdvanced, SamplerCustom, SamplerCustomAdvanced and most custom ones.
- A name means the matching input of **every** sampler. One seed thus goes to all stages.
- What a sampler does not say itself stands on the nodes that it is linked to: the noise, the
  sigmas (BasicScheduler), the sampler (KSamplerSelect), the guider (CFGGuider). Where neither
  sampler nor guider has a `cfg`, it is the `guidance` of FluxGuidance.
- `prompt` and `negative_prompt` are the texts that the conditioning comes from, all of them.
  A text on both sides is the prompt. What ConditioningZeroOut blanks is no negative prompt.
- `width` and `height` are those of the node that the first stage's latent (or picture) comes
  from; an enlargement between two stages keeps its own. Sizes that only condition a model
  (CLIPTextEncodeSDXL, ModelSamplingFlux) stay as they are.
- `denoise` means the stages that refine something (img2img, the second pass); only where none
  does, it means all. The first pass of a two-pass workflow starts from noise and must keep 1.0.
- An input that is itself a link is set where the value comes from: PrimitiveInt, INTConstant,
  string nodes, through reroutes. Where it is computed, the name does not exist.
- A graph without samplers has the inputs of those very names on the nodes that feed an output.
"""

from __future__ import annotations

from collections.abc import Collection

from attrs import field, frozen

from orchestrator.comfyui.graph import (
    Workflow,
    class_of,
    feeding,
    in_order,
    inputs_of,
    is_link,
    links_of,
    output_nodes,
    sinks,
)
from orchestrator.comfyui.parameters import COMMON_RULES
from orchestrator.comfyui.places import SIZES, Found, Place, has_size, settle_all

#: Inputs that a name stands for, on samplers and on what they are linked to.
ALIASES: dict[str, tuple[str, ...]] = {
    "prompt": ("prompt",),
    "negative_prompt": ("negative_prompt",),
    "seed": ("seed", "noise_seed"),
    "steps": ("steps",),
    "cfg": ("cfg", "cfg_conds"),
    "denoise": ("denoise",),
    "sampler": ("sampler_name",),
    "scheduler": ("scheduler",),
}
#: Text inputs of CLIPTextEncode, and of its kin for SDXL, SD3, Flux, HunyuanDiT, Qwen, Lumina.
TEXTS = (
    *("text", "text_g", "text_l", "clip_l", "clip_g", "t5xxl"),
    *("bert", "mt5xl", "prompt", "user_prompt"),
)
#: How inputs begin that carry a latent or picture, from a sampler back to where it comes from.
PICTURES = ("latent", "sample", "pixel", "image")
#: Inputs that lead from a sampler to the nodes that hold a part of its settings.
HELPERS = ("noise", "guider", "sampler", "sigmas")


def common_places(graph: Workflow) -> dict[str, tuple[Place, ...]]:
    """Where each common name of this workflow goes; names that it does not have are left out.

    The graph must have passed `workflow.check`. Places come in the order of the node ids.
    """
    samplers = [node for node in in_order(graph) if is_sampler(graph, node)]
    found = Found(graph)
    if samplers:
        _from_samplers(found, samplers)
    else:
        _from_outputs(found)
    return {name: tuple(found.places[name]) for name in COMMON_RULES if found.places.get(name)}


def is_sampler(graph: Workflow, node: str) -> bool:
    """Whether a node turns noise into a picture; see the rule at the top of this module."""
    links = {name for name, _, _ in links_of(graph, node)}
    if "latent_image" in links and links & {"model", "guider", "positive", "conditioning"}:
        return True
    if {"guider", "sigmas"} <= links:
        return True
    return "positive" in links and "sampler_name" in inputs_of(graph, node)


def _from_outputs(found: Found) -> None:
    graph = found.graph
    for node in feeding(graph, output_nodes(graph) or sinks(graph)):
        for name, keys in ALIASES.items():
            found.take(name, node, keys)
        found.take_size(node)


def _from_samplers(found: Found, samplers: list[str]) -> None:
    graph = found.graph
    texts = _Texts(graph)
    first: list[Place] = []
    refining: list[Place] = []
    for node in samplers:
        settings = [node, *_helpers(graph, node)]
        for name in ("seed", "steps", "sampler", "scheduler"):
            for setting in settings:
                found.take(name, setting, ALIASES[name])
        guided = [found.take("cfg", setting, ALIASES["cfg"]) for setting in settings]
        guides = [guide for setting in settings for guide in texts.follow(setting)]
        if not any(guided):
            for guide in guides:
                found.take("cfg", guide, ["guidance"])
        refines, sized = _origin(graph, node)
        for source in sized:
            found.take_size(source)
        for setting in settings:
            stage = refining if refines else first
            stage.extend(settle_all(graph, "denoise", setting, ALIASES["denoise"]))
    found.add("denoise", refining or first)
    found.add("prompt", texts.prompt)
    found.add("negative_prompt", (place for place in texts.negative if place not in texts.prompt))


def _helpers(graph: Workflow, sampler: str) -> list[str]:
    """The noise, guider, sampler and sigma nodes behind a sampler, through chains of sigmas."""
    found: dict[str, None] = {}
    waiting = [source for name, source, _ in links_of(graph, sampler) if name in HELPERS]
    while waiting:
        node = waiting.pop(0)
        if node in found:
            continue
        found[node] = None
        passing = "reroute" in class_of(graph, node).lower()
        waiting.extend(
            source
            for name, source, _ in links_of(graph, node)
            if passing or name.startswith("sigmas")
        )
    return list(found)


def _origin(graph: Workflow, sampler: str) -> tuple[bool, list[str]]:
    """Whether a sampler refines a picture or latent that is there, and the nodes that size it."""
    latents = [source for name, source, _ in links_of(graph, sampler) if name == "latent_image"]
    starts = latents or _picture_sources(graph, sampler)
    if any(is_sampler(graph, node) for node in _through_pictures(graph, starts, stop=())):
        return True, []
    sized = [node for node in in_order(graph) if _has_size(graph, node)]
    reached = _through_pictures(graph, starts, stop=sized)
    encodes = any(is_link(inputs_of(graph, node).get("pixels")) for node in reached)
    return encodes or not latents, [node for node in reached if node in sized]


def _has_size(graph: Workflow, node: str) -> bool:
    return any(has_size(graph, node, wide, high) for wide, high in SIZES)


def _picture_sources(graph: Workflow, node: str) -> list[str]:
    return [source for name, source, _ in links_of(graph, node) if name.startswith(PICTURES)]


def _through_pictures(graph: Workflow, starts: list[str], stop: Collection[str]) -> list[str]:
    """The nodes that a picture or latent comes through, not going beyond those in `stop`."""
    seen: set[str] = set()
    waiting = list(starts)
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            waiting.extend([] if node in stop else _picture_sources(graph, node))
    return in_order(seen)


@frozen
class _Texts:
    """Follows conditioning back to the texts that it was made of, for both sides."""

    graph: Workflow
    prompt: dict[Place, None] = field(factory=dict)
    negative: dict[Place, None] = field(factory=dict)

    def follow(self, sampler: str) -> list[str]:
        """Collect the texts behind one sampler or guider; returns the nodes with a `guidance`."""
        guides: dict[str, None] = {}
        seen: set[tuple[str, str]] = set()
        waiting = self._conditions(sampler, side=None, slot=0)
        while waiting:
            node, slot, side = waiting.pop(0)
            if (node, side) in seen:
                continue
            seen.add((node, side))
            if side == "negative_prompt" and class_of(self.graph, node) == "ConditioningZeroOut":
                continue
            if side == "prompt" and "guidance" in inputs_of(self.graph, node):
                guides[node] = None
            before = self._conditions(node, side, slot)
            waiting.extend(before)
            if not before:
                self._take(node, side)
        return list(guides)

    def _conditions(self, node: str, side: str | None, slot: int) -> list[tuple[str, int, str]]:
        """The conditioning that flows into a node, as (node, slot, side).

        A node with `positive` and `negative` gives them on again as slot 0 and 1, so the slot
        that was asked for says which of both to follow. None as side follows both.
        """
        links = {name: (source, out) for name, source, out in links_of(self.graph, node)}
        if side is not None and "reroute" in class_of(self.graph, node).lower():
            return [(source, out, side) for source, out in links.values()]
        both = {"positive", "negative"} <= links.keys()
        asked = "negative_prompt" if slot == 1 else "prompt"
        found = []
        for name, (source, out) in links.items():
            into = _side(name)
            if into is not None and (side is None or not both or into == asked):
                found.append((source, out, side or into))
        return found

    def _take(self, node: str, side: str) -> None:
        keep = self.prompt if side == "prompt" else self.negative
        own = "positive" if side == "prompt" else "negative"
        inputs = inputs_of(self.graph, node)
        # Loaders that hold both prompts name them so (Efficient Loader).
        keys = [own] if isinstance(inputs.get(own), str) else list(TEXTS)
        keep.update(dict.fromkeys(settle_all(self.graph, side, node, keys)))


def _side(name: str) -> str | None:
    """Which side an input of conditioning is on, or None if it carries no conditioning."""
    if name == "positive" or name.startswith("cond"):
        return "prompt"
    if name in {"negative", "neg_conditioning"}:
        return "negative_prompt"
    return None
