"""What shall happen in a run, from its seed. Each step has dice of its own: any may be left out."""

from __future__ import annotations

from random import Random

from attrs import frozen

from tests.simulation.profiles import PROFILES, Profile


@frozen
class Step:
    """Something that one machine, or the share, does."""

    index: int
    kind: str
    #: Which machine, modulo how many there are.
    machine: int
    dice: int


@frozen
class Plan:
    """A run."""

    seed: int
    profile: Profile
    hosts: int
    #: Milliseconds that each host's clock is ahead, at first.
    ahead: tuple[int, ...]
    #: How likely, at each call, others have a turn, the call fails, and the host ends there.
    turns: float
    faults: float
    falls: float
    steps: tuple[Step, ...]


#: What happens, and how often.
_ORDINARY = {
    "append": 40, "read": 18, "wait": 8, "restart": 5, "kill": 3, "power": 3, "checkpoint": 5,
    "mark": 6,
    "server_cut": 2, "cut_off": 2, "litter": 1,
}  # fmt: skip
_CLOCKS = {"clock": 8}
#: What no software can undo: it must be noticed.
_DESTRUCTION = {"snapshot": 4, "roll_back": 4, "clone": 3, "rot": 4}
_SKEWS = (0, 0, -3, 40, -900, 20_000, -50_000, 59_000, 90_000, -7_200_000)


def make(seed: int) -> Plan:
    """The plan of a seed."""
    dice = Random(seed)
    kinds = dict(_ORDINARY)
    if dice.random() < 0.4:
        kinds |= _CLOCKS
    if dice.random() < 0.3:
        kinds |= _DESTRUCTION
    names, weights = list(kinds), list(kinds.values())
    hosts = dice.choice((2, 2, 2, 3, 3, 4, 6))
    count = dice.choice((15, 25, 25, 40))
    chosen = dice.choices(names, weights, k=count)
    return Plan(
        seed,
        dice.choice(PROFILES),
        hosts,
        tuple(dice.choice(_SKEWS) for _ in range(hosts)),
        turns=dice.choice((0.0, 0.04, 0.12)),
        faults=dice.choice((0.0, 0.0, 0.01, 0.04)),
        falls=dice.choice((0.0, 0.003, 0.01)),
        steps=tuple(
            Step(index, kind, int(dice.random() * 60), (seed << 8) + index)
            for index, kind in enumerate(chosen)
        ),
    )
