"""How the simulated ComfyUI behaves: its speed, and the faults that it shows on request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from attrs import Attribute, asdict, define, evolve, field, fields

#: What GET /view may do wrong: `short` announces all bytes and cuts the connection halfway,
#: `truncated` sends half of the file as if that were all, `garbage` sends as many other bytes,
#: `empty` sends none, `error` answers 500.
VIEW_FAULTS: Final = ("none", "short", "truncated", "garbage", "empty", "error")


class BehaviourError(ValueError):
    """A behaviour that does not exist, or a value that it cannot have."""


def _number(low: float, high: float) -> Any:
    def check(_: object, attribute: Attribute[Any], value: object) -> None:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise BehaviourError(f"{attribute.name} must be a number, not {value!r}")
        if not low <= value <= high:
            raise BehaviourError(f"{attribute.name} must lie in {low} .. {high}, not {value!r}")

    return check


def _count(_: object, attribute: Attribute[Any], value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < -1:
        raise BehaviourError(f"{attribute.name} must be a whole number >= -1, not {value!r}")


def _flag(_: object, attribute: Attribute[Any], value: object) -> None:
    if not isinstance(value, bool):
        raise BehaviourError(f"{attribute.name} must be true or false, not {value!r}")


def _fault(_: object, attribute: Attribute[Any], value: object) -> None:
    if value not in VIEW_FAULTS:
        known = ", ".join(VIEW_FAULTS)
        raise BehaviourError(f"{attribute.name} must be one of {known}, not {value!r}")


def _seconds(default: float, help_: str) -> Any:
    return field(default=default, validator=_number(0, 86_400), metadata={"help": help_})


def _times(default: int, help_: str) -> Any:
    return field(default=default, validator=_count, metadata={"help": help_})


def _switch(default: bool, help_: str) -> Any:
    return field(default=default, validator=_flag, metadata={"help": help_})


@define(kw_only=True)
class Behaviour:
    """Options of a simulator; all may be changed while it runs.

    Every field is a plain bool, int, float or str, and carries its explanation in
    `metadata["help"]`, so that a command line can offer all of them.
    """

    seconds_per_step: float = _seconds(0.0, "Seconds that each step of a sampler takes.")
    seconds_per_node: float = _seconds(0.0, "Seconds that each node takes besides its own work.")
    pace: float = field(
        default=1.0,
        validator=_number(0, 1000),
        metadata={"help": "Factor on all waiting of nodes; 0.1 makes a 10 s node take 1 s."},
    )
    previews: bool = _switch(True, "Samplers send a preview picture with each step.")
    seed: int = _times(0, "Seed of all chance in the simulator.")

    fail_next: int = _times(0, "That many of the next prompts fail with an out-of-memory error.")
    fail_fraction: float = field(
        default=0.0,
        validator=_number(0, 1),
        metadata={"help": "Share of all prompts that fail with an out-of-memory error, 0 to 1."},
    )
    history_delay: float = _seconds(
        0.0, "Seconds between the frame execution_success and the entry in /history."
    )
    interrupt_ignored_at_start: float = _seconds(
        0.0, "Seconds for which a prompt that became running loses interrupts."
    )
    mute_bug: bool = _switch(
        True, "Closing an old WebSocket silences the new one of the same clientId, as ComfyUI does."
    )
    lose_prompt_answers: int = _times(
        0, "That many of the next POST /prompt are queued, but cut off before the answer."
    )
    error_prompt_answers: int = _times(
        0, "That many of the next POST /prompt are queued, but answered with 500."
    )
    double_prompts: int = _times(
        0, "That many of the next POST /prompt are queued twice, as by a proxy that tries again."
    )
    delete_outputs_next: int = _times(
        0, "That many of the next prompts that succeed find their output files deleted."
    )
    answer_seconds: float = _seconds(0.0, "Seconds that every HTTP answer is held back.")
    view_seconds: float = _seconds(0.0, "Seconds that GET /view is held back in addition.")
    view_fault: str = field(
        default="none",
        validator=_fault,
        metadata={"help": f"What GET /view does wrong: {', '.join(VIEW_FAULTS)}."},
    )
    view_fault_next: int = _times(-1, "How many answers of GET /view are faulty; -1 is all.")
    restart_after: float = field(
        default=1.0,
        validator=_number(-1, 86_400),
        metadata={"help": "Seconds until a crashed server is up again; -1 leaves it down."},
    )

    models: bool = _switch(True, "Pretend that a few well-known models are installed.")
    accept_any_model: bool = _switch(False, "Take model names that are not installed as well.")
    max_upload_size: int = field(
        default=104_857_600,
        validator=_number(1, 2**40),
        metadata={"help": "Largest request body in bytes (--max-upload-size of ComfyUI)."},
    )
    control: bool = _switch(False, "Serve /simulator/..., through which all this can be changed.")

    def change(self, values: Mapping[str, Any]) -> None:
        """Set several options at once, or none of them.

        Raises:
            BehaviourError: an unknown option, or a value that it cannot have.
        """
        unknown = sorted(set(values) - {f.name for f in fields(Behaviour)})
        if unknown:
            raise BehaviourError(f"there is no option {', '.join(unknown)}")
        checked = evolve(self, **values)
        for name in values:
            setattr(self, name, getattr(checked, name))

    def to_dict(self) -> dict[str, Any]:
        """All options by name, ready for JSON."""
        return asdict(self)

    def take(self, name: str) -> bool:
        """Use one of a counted option such as `fail_next`; False when none is left."""
        left: int = getattr(self, name)
        if left > 0:
            setattr(self, name, left - 1)
        return left != 0
