"""How often a project is looked at for what other hosts wrote. Pure.

Somebody who looks at a project sees other hosts' edits at once; a project that nobody has looked
at for long, and in which no other host works, costs nearly nothing.
"""

from __future__ import annotations

from enum import StrEnum

#: Somebody has looked so lately (seconds) that he probably still does.
LOOKED_SECONDS = 30.0
#: Nobody has looked for so long (seconds): the project has gone cold.
COLD_SECONDS = 600.0
#: Names of new writers are looked for so often (seconds), however often known ones are read.
LIST_SECONDS = 5.0


class Pace(StrEnum):
    """How eagerly a project is followed."""

    #: Somebody looks at it.
    HOT = "hot"
    WARM = "warm"
    #: Nobody has looked for long, and no other host has it open.
    COLD = "cold"


#: Seconds between two reads of the writers that are known.
PAUSE = {Pace.HOT: 0.25, Pace.WARM: 2.0, Pace.COLD: 10.0}


def pace(*, looked: float, others: bool, failing: bool) -> Pace:
    """How eagerly a project is to be followed now.

    `looked` is how many seconds ago somebody looked at it last, `others` whether another host has
    it open. A share that is `failing` is left in peace: asking it more often makes nothing better.
    """
    if looked <= LOOKED_SECONDS:
        return Pace.WARM if failing else Pace.HOT
    return Pace.COLD if looked > COLD_SECONDS and not others else Pace.WARM
