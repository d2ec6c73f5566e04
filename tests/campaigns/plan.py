"""What is asked for and what goes wrong in one night, drawn from a seed before it begins. Pure."""

from __future__ import annotations

import random

from attrs import frozen

BACKENDS = ("a", "b", "c", "d", "e")
PEOPLE = ("ana", "ben", "cleo")
#: Seconds in which all jobs are asked for, and in which all faults begin.
DAY, NIGHT = 0.9, 1.3
JOBS, VISITS = 50, 12
#: So many of the jobs are submitted as one group.
GROUP = 5

#: Kinds of jobs, and how often they are asked for; `graphs.py` makes their graphs.
KINDS = {
    "still": 12,
    "slow": 14,
    "batch": 6,
    "mixed": 5,
    "plate": 5,
    "after": 3,
    "onward": 3,
    "failing": 1,
    "crashing": 0.3,
}
#: Kinds that need a job before them.
FOLLOWING = ("after", "onward")
#: Kinds of which a night has one at most: each costs two backends their memory.
RARE = ("crashing",)

#: How long each fault lasts, in seconds from .. to; `faults.py` says what they do.
FAULTS: dict[str, tuple[float, float]] = {
    "restart": (0.0, 0.1),
    "down": (0.3, 0.5),
    "hang": (0.1, 0.4),
    "long_hang": (0.9, 1.1),
    "unplugged": (0.9, 1.1),
    "refused": (0.05, 0.5),
    "dead_worker": (0.5, 0.7),
    "same_number": (0.5, 0.7),
    "sockets_cut": (0.0, 0.0),
    "sockets_mute": (0.0, 0.0),
    "frames_stalled": (0.3, 0.6),
    "answer_500": (0.0, 0.0),
    "answer_lost": (0.0, 0.0),
    "doubled": (0.0, 0.0),
    "history_late": (0.3, 0.6),
    "outputs_deleted": (0.0, 0.0),
    "view_short": (0.0, 0.0),
    "view_truncated": (0.0, 0.0),
    "view_garbage": (0.0, 0.0),
    "view_empty": (0.0, 0.0),
    "view_error": (0.0, 0.0),
    "interrupted": (0.0, 0.0),
    "cleared": (0.0, 0.0),
    "out_of_memory": (0.0, 0.0),
    "temp_wiped": (0.0, 0.0),
    "cancel": (0.0, 0.0),
    "service_killed": (0.0, 0.05),
}
#: What begins in one night: each fault once, and these again.
AGAIN = (
    *("restart", "hang", "interrupted", "out_of_memory", "service_killed", "answer_lost"),
    *("cancel", "cancel"),
)
#: Faults that take a backend away for long; a night has some of them, or it would take too long.
LONG = ("long_hang", "unplugged", "dead_worker", "same_number", "down")
LONG_ONES = 3


@frozen
class Ask:
    """A job that somebody submits."""

    at: float
    kind: str
    actor: str
    priority: int
    #: How long its node takes, if it has one that takes time.
    seconds: float
    #: Makes its picture differ from those of others, or not.
    color: int
    #: The job before it, by its place among all; None if it needs none.
    needs: int | None

    def __str__(self) -> str:
        needs = "" if self.needs is None else f" after {self.needs}"
        return f"{self.at:.3f} {self.actor} asks for {self.kind}{needs}, priority {self.priority}"


@frozen
class Blow:
    """Something that goes wrong."""

    at: float
    fault: str
    backend: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.at:.3f} {self.fault} at {self.backend} for {self.seconds:.3f} s"


@frozen
class Visit:
    """A prompt that somebody else sends."""

    at: float
    backend: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.at:.3f} a visitor at {self.backend} for {self.seconds:.3f} s"


@frozen
class Plan:
    """One night: the same for the same seed."""

    seed: int
    asks: tuple[Ask, ...]
    blows: tuple[Blow, ...]
    visits: tuple[Visit, ...]

    def __str__(self) -> str:
        """For whoever has to find out what went wrong."""
        steps: list[Ask | Blow | Visit] = [*self.asks, *self.blows, *self.visits]
        steps.sort(key=lambda step: step.at)
        return "\n".join((f"seed {self.seed}", *map(str, steps)))


def draw(seed: int, *, jobs: int = JOBS, pace: float = 1.0, long_ones: int = LONG_ONES) -> Plan:
    """The plan of a seed.

    Args:
        seed: Any number.
        jobs: How many are asked for.
        pace: Less than 1 for a shorter night; faults last as long as ever.
        long_ones: How many faults take a backend away for long.
    """
    chance = random.Random(seed)
    visits = (
        Visit(chance.uniform(0, NIGHT * pace), chance.choice(BACKENDS), chance.uniform(0.02, 0.1))
        for _ in range(VISITS)
    )
    return Plan(
        seed,
        _asks(chance, jobs, DAY * pace),
        tuple(_blows(chance, NIGHT * pace, long_ones)),
        tuple(visits),
    )


def _asks(chance: random.Random, jobs: int, day: float) -> tuple[Ask, ...]:
    times = sorted(chance.uniform(0, day) for _ in range(jobs))
    asks: list[Ask] = []
    for number, at in enumerate(times):
        taken = [ask.kind for ask in asks]
        kinds = {kind: w for kind, w in KINDS.items() if kind not in RARE or kind not in taken}
        (kind,) = chance.choices(list(kinds), list(kinds.values()))
        # Who follows one that cannot succeed would only tell of it once more.
        good = [n for n, ask in enumerate(asks) if ask.kind not in ("failing", *RARE)]
        if number < GROUP or not good:
            kind = "still" if kind in FOLLOWING else kind
        asks.append(
            Ask(
                at=at,
                kind=kind,
                actor=chance.choice(PEOPLE),
                priority=chance.randint(-2, 2),
                seconds=chance.uniform(0.03, 0.25),
                color=chance.randrange(8),
                needs=chance.choice(good[-8:]) if kind in FOLLOWING else None,
            )
        )
    return tuple(asks)


def _blows(chance: random.Random, night: float, long_ones: int) -> list[Blow]:
    some = chance.sample(LONG, long_ones)
    faults = [f for f in FAULTS if f not in LONG or f in some] + list(AGAIN)
    return [
        Blow(chance.uniform(0.1, night), fault, chance.choice(BACKENDS), chance.uniform(*span))
        for fault in faults
        for span in (FAULTS[fault],)
    ]
