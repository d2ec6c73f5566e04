"""Turns a graph as it is drawn into one as it runs, as far as a recipe needs it.

Pure. A drawing holds the values of a node in a row without names, so this works for the nodes whose
rows are known here; it is for pictures that hold nothing else. Muted nodes are left out, and
bypassed ones give on what they are given. Nodes inside of subgraphs are not looked for.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attrs import frozen

from orchestrator.comfyui.graph import Workflow

#: Modes of a node in the editor (LiteGraph): "never" is muted; 4 is bypassed.
_MUTED, _BYPASSED = 2, 4
#: The editor's own node behind each seed: whether to draw a new one. It is no input.
_CONTROL = ""
_SEED = ("seed", _CONTROL)
#: The values of nodes in the order of their rows (`INPUT_TYPES` of ComfyUI's own nodes).
_ROWS: dict[str, tuple[str, ...]] = {
    "KSampler": (*_SEED, "steps", "cfg", "sampler_name", "scheduler", "denoise"),
    "KSamplerAdvanced": (
        *("add_noise", "noise_seed", _CONTROL, "steps", "cfg", "sampler_name", "scheduler"),
        *("start_at_step", "end_at_step", "return_with_leftover_noise"),
    ),
    "SamplerCustom": ("add_noise", "noise_seed", _CONTROL, "cfg"),
    "RandomNoise": ("noise_seed", _CONTROL),
    "BasicScheduler": ("scheduler", "steps", "denoise"),
    "KSamplerSelect": ("sampler_name",),
    "CFGGuider": ("cfg",),
    "FluxGuidance": ("guidance",),
    "CheckpointLoaderSimple": ("ckpt_name",),
    "UNETLoader": ("unet_name", "weight_dtype"),
    "UnetLoaderGGUF": ("unet_name",),
    "LoraLoader": ("lora_name", "strength_model", "strength_clip"),
    "LoraLoaderModelOnly": ("lora_name", "strength_model"),
    "CLIPTextEncode": ("text",),
    "CLIPTextEncodeFlux": ("clip_l", "t5xxl", "guidance"),
    "CLIPTextEncodeSDXL": (
        *("width", "height", "crop_w", "crop_h", "target_width", "target_height"),
        *("text_g", "text_l"),
    ),
    "PrimitiveNode": ("value", _CONTROL),
    "PrimitiveInt": ("value", _CONTROL),
    "PrimitiveFloat": ("value",),
    "PrimitiveString": ("value",),
    "PrimitiveStringMultiline": ("value",),
    "INTConstant": ("value",),
    "SaveImage": ("filename_prefix",),
    "SaveVideo": ("filename_prefix", "format", "codec"),
}
#: Bypassed nodes in a row that a link is followed through.
_MAX_BYPASSED = 100


@frozen
class _Link:
    source: str
    slot: int
    kind: object


def as_run(drawn: dict[str, Any]) -> Workflow:
    """The graph in API format, of the nodes that take part and the values that have names.

    Never raises: a file may hold anything as its drawing.
    """
    nodes = {str(node["id"]): node for node in _objects(drawn.get("nodes")) if _is_node(node)}
    links = dict(_links(drawn.get("links")))
    return {
        name: {"class_type": node["type"], "inputs": _inputs(node, nodes, links)}
        for name, node in nodes.items()
        if node.get("mode") not in (_MUTED, _BYPASSED)
    }


def _objects(value: object) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))


def _is_node(node: dict[str, Any]) -> bool:
    return isinstance(node.get("id"), int | str) and isinstance(node.get("type"), str)


def _links(value: object) -> Iterator[tuple[int, _Link]]:
    """Links by their ids: `[id, source, slot, target, slot, type]`."""
    for link in value if isinstance(value, list) else ():
        if (
            isinstance(link, list)
            and len(link) >= 6
            and all(isinstance(i, int) for i in link[:3:2])
        ):
            yield link[0], _Link(str(link[1]), link[2], link[5])


def _inputs(
    node: dict[str, Any], nodes: dict[str, dict[str, Any]], links: dict[int, _Link]
) -> dict[str, Any]:
    values = node.get("widgets_values")
    if isinstance(values, dict):
        inputs = {key: value for key, value in values.items() if not isinstance(value, list)}
    else:
        row = values if isinstance(values, list) else []
        named = zip(_ROWS.get(node["type"], ()), row, strict=False)
        inputs = {key: value for key, value in named if key and not isinstance(value, list)}
    for entry in _objects(node.get("inputs")):
        name, link = entry.get("name"), _through(entry.get("link"), nodes, links)
        if isinstance(name, str) and link is not None:
            inputs[name] = [link.source, link.slot]
    return inputs


def _through(
    link_id: object, nodes: dict[str, dict[str, Any]], links: dict[int, _Link]
) -> _Link | None:
    """The link that a value comes through, from the far side of bypassed nodes."""
    for _ in range(_MAX_BYPASSED):
        link = links.get(link_id) if isinstance(link_id, int) else None
        node = nodes.get(link.source) if link else None
        if link is None or node is None or node.get("mode") == _MUTED:
            return None
        if node.get("mode") != _BYPASSED:
            return link
        entries = _objects(node.get("inputs"))
        link_id = next((e.get("link") for e in entries if e.get("type") == link.kind), None)
    return None
