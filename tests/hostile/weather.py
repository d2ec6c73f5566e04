"""How bad the share is at the moment, and what it does to the next call. Pure but for its dice."""

from __future__ import annotations

import errno
from enum import Enum, auto
from random import Random

from attrs import define, frozen


@frozen
class Weather:
    """Settings of a hostile share; the default is a good day."""

    #: Other hosts see new names and new bytes up to so many seconds late.
    lag: float = 0.0
    #: Whether they see the new size at once, and NULs where the bytes are not there yet.
    nuls: bool = False
    #: Of how many calls one goes wrong; 0 is none.
    one_in: int = 0


class Mishap(Enum):
    """What a call meets."""

    NONE = auto()
    #: It fails, and nothing was done.
    FAILS = auto()
    #: It is done, and fails all the same: the answer was lost, or half of it was done.
    DONE_BUT_FAILS = auto()
    #: A write that takes less than it was given, as it may.
    SHORT = auto()


#: What servers say when they cannot: the disk is broken or full, the handle is not known any more.
_READS = (errno.EIO, errno.ESTALE)
_WRITES = (errno.EIO, errno.ENOSPC, errno.ESTALE)
_SYNCS = (errno.EIO, errno.ENOSPC)
_KINDS = {
    **dict.fromkeys(("getattr", "readdir", "open", "read", "statfs"), _READS),
    **dict.fromkeys(("create", "write", "mkdir", "link", "rename", "truncate"), _WRITES),
    **dict.fromkeys(("unlink", "rmdir", "chmod", "utimens"), _READS),
    **dict.fromkeys(("fsync", "flush"), _SYNCS),
}
#: Calls whose answer may be lost after they were done.
_LOSABLE = {"write", "fsync", "mkdir", "link", "rename", "unlink", "rmdir"}


@define
class Dice:
    """Draws what happens to each call."""

    chance: Random
    weather: Weather = Weather()

    def mishap(self, call: str) -> tuple[Mishap, int]:
        """What a call meets, and the errno if it fails."""
        one_in = self.weather.one_in
        if not one_in or self.chance.randrange(one_in):
            return Mishap.NONE, 0
        number = self.chance.choice(_KINDS[call])
        if call == "write" and self.chance.random() < 0.4:
            return Mishap.SHORT, 0
        if call in _LOSABLE and self.chance.random() < 0.5:
            return Mishap.DONE_BUT_FAILS, number
        return Mishap.FAILS, number

    def lag(self) -> float:
        """How late others see what is done now (seconds)."""
        return self.chance.uniform(0, self.weather.lag)
