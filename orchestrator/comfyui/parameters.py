"""What a parameter's value may be: kinds, ranges and choices, and how a value is refused. Pure."""

from __future__ import annotations

import math
from typing import Any, Literal

from attrs import evolve, frozen

from orchestrator.comfyui.graph import is_link, json_fault

Kind = Literal["int", "float", "str", "bool", "choice", "json"]
Origin = Literal["exposed", "common", "node"]

#: Seeds travel through browsers, whose numbers are exact only below 2**53.
SEED_END = 2**53
INT_MIN, INT_MAX = -(2**63), 2**63 - 1
SEED_INPUTS = frozenset({"seed", "noise_seed"})

#: Inputs that ComfyUI declares as FLOAT. An editor writes 1.0 as `1`, so that an int found
#: in one of them says nothing about its kind.
FLOAT_INPUTS = frozenset(
    {
        "base_shift",
        "cfg",
        "cfg_cond2_negative",
        "cfg_conds",
        "conditioning_to_strength",
        "denoise",
        "end_percent",
        "eta",
        "fps",
        "frame_rate",
        "guidance",
        "max_shift",
        "min_cfg",
        "rho",
        "scale_by",
        "seconds",
        "shift",
        "sigma",
        "sigma_max",
        "sigma_min",
        "start_percent",
        "strength",
        "strength_clip",
        "strength_model",
        "upscale_by",
        "weight",
    }
)


@frozen(kw_only=True)
class Rule:
    """What values a parameter takes. `json` is any value but a link, kept as it came."""

    kind: Kind
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[Any, ...] = ()


@frozen(kw_only=True)
class Exposed:
    """A parameter that the YAML beside a workflow gives a name of its own."""

    name: str
    node: str
    input: str
    rule: Rule
    #: None if the value in the workflow is the default.
    default: Any = None


@frozen(kw_only=True)
class Available:
    """A parameter that a workflow has, for listings."""

    name: str
    origin: Origin
    rule: Rule
    #: The value that it has now; for several places, that of the first.
    value: Any
    #: Where the value goes, as `node:input`.
    places: tuple[str, ...]


#: Limits of KSampler, EmptyLatentImage and EmptyImage in ComfyUI's nodes.py.
COMMON_RULES: dict[str, Rule] = {
    "prompt": Rule(kind="str"),
    "negative_prompt": Rule(kind="str"),
    "seed": Rule(kind="int", minimum=0, maximum=SEED_END - 1),
    "steps": Rule(kind="int", minimum=1, maximum=10_000),
    "cfg": Rule(kind="float", minimum=0, maximum=100),
    "width": Rule(kind="int", minimum=1, maximum=16_384),
    "height": Rule(kind="int", minimum=1, maximum=16_384),
    "denoise": Rule(kind="float", minimum=0, maximum=1),
    "sampler": Rule(kind="str"),
    "scheduler": Rule(kind="str"),
}


def rule_for_literal(name: str, literal: Any) -> Rule:
    """The rule that the present value of a node's input implies.

    An int stays an int, unless the input is known to be a float (see `FLOAT_INPUTS`).
    """
    match literal:
        case bool():
            return Rule(kind="bool")
        case int() if name in SEED_INPUTS:
            return COMMON_RULES["seed"]
        case int() if name not in FLOAT_INPUTS:
            return Rule(kind="int")
        case int() | float():
            return Rule(kind="float")
        case str():
            return Rule(kind="str")
        case _:
            return Rule(kind="json")


def bounded_as_seed(rule: Rule) -> Rule:
    """The rule narrowed to what a seed may be."""
    low = 0 if rule.minimum is None else max(0, rule.minimum)
    high = SEED_END - 1 if rule.maximum is None else min(SEED_END - 1, rule.maximum)
    return evolve(rule, minimum=low, maximum=high)


def fault(rule: Rule, value: Any) -> str | None:
    """What is wrong with a value, or None if nothing is."""
    match rule.kind:
        case "choice":
            same = (type(c) is type(value) and c == value for c in rule.choices)
            listed = ", ".join(map(str, rule.choices[:20]))
            return None if any(same) else f"must be one of: {listed}"
        case "bool":
            return None if isinstance(value, bool) else "must be true or false"
        case "str":
            return _text_fault(value)
        case "json":
            return "must not be a link" if is_link(value) else json_fault(value)
        case "int" | "float":
            return _number_fault(rule, value)


def adopt(rule: Rule, value: Any) -> Any:
    """The value as it goes into the workflow; it must have no `fault`."""
    return float(value) if rule.kind == "float" else value


def _text_fault(value: Any) -> str | None:
    if not isinstance(value, str):
        return "must be a text"
    if any("\ud800" <= char <= "\udfff" for char in value):
        return "holds half a surrogate pair, which is no text"
    return None


def _number_fault(rule: Rule, value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "must be a whole number" if rule.kind == "int" else "must be a number"
    if rule.kind == "int" and not isinstance(value, int):
        return "must be a whole number"
    if isinstance(value, int) and not INT_MIN <= value <= INT_MAX:
        return "does not fit into 64 bits"
    if not math.isfinite(value):
        return "must be finite"
    if rule.minimum is not None and value < rule.minimum:
        return f"must be at least {rule.minimum:.16g}"
    if rule.maximum is not None and value > rule.maximum:
        return f"must be at most {rule.maximum:.16g}"
    return None
