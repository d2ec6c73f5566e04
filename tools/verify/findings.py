"""What verifying a log comes to. No I/O."""

from __future__ import annotations

from enum import StrEnum

from attrs import define, field, frozen


class Kind(StrEnum):
    """What sort of thing was found."""

    #: Lines that do not follow from those before: damaged, missing, or cut off.
    CHAIN = "chain"
    #: A seal that does not tell the truth of its segment.
    SEAL = "seal"
    #: A log that does not hold what some host has read of it.
    MARK = "mark"
    #: Two good lines for the same place.
    FORK = "fork"
    #: A log that does not hold what this host's own copy holds.
    COPY = "copy"
    #: FORMAT, or a header, that belongs elsewhere.
    PLACE = "place"
    #: A name in the log folder that is no segment.
    FOREIGN = "foreign"
    #: Half a line, or bytes that nobody needs any more: normal.
    TAIL = "tail"


#: Kinds that cost nothing that was recorded.
HARMLESS = frozenset({Kind.FOREIGN, Kind.TAIL})


@frozen(kw_only=True)
class Found:
    """One thing that was found."""

    kind: Kind
    #: Name in the log folder, or `writer.host` if it is about a whole log.
    file: str
    offset: int | None = None
    what: str
    remedy: str

    @property
    def broken(self) -> bool:
        """Whether something that was recorded is missing or was changed."""
        return self.kind not in HARMLESS


@define
class LogReport:
    """One writer's log."""

    writer: str
    host: str
    segments: int
    size: int
    #: Lines that readers take.
    lines: int = 0
    #: The last line that anybody knows of: by marks, seals, later segments, or the local copy.
    known: int = 0
    #: The last line that some other host has vouched for; 0 if none.
    marked: int = 0
    #: The last line in the local copy; None if there is no copy.
    copied: int | None = None

    @property
    def who(self) -> str:
        """As positions name it."""
        return f"{self.writer}.{self.host}"

    @property
    def lost(self) -> tuple[int, int] | None:
        """The first and the last line that readers miss; None if they miss none."""
        return (self.lines + 1, self.known) if self.known > self.lines else None

    @property
    def restorable(self) -> tuple[int, int] | None:
        """Those of the lost lines that this host can put back."""
        if self.lost is None or self.copied is None or self.copied <= self.lines:
            return None
        return self.lost[0], min(self.copied, self.known)


@define
class Report:
    """Everything."""

    project: str
    logs: list[LogReport] = field(factory=list)
    found: list[Found] = field(factory=list)
    #: How many segments had a seal, how many marks were held against the logs.
    seals: int = 0
    marks: int = 0
    #: Marks about logs that were not read (a subset), or of logs that nobody here knows.
    marks_elsewhere: int = 0

    @property
    def broken(self) -> bool:
        """Whether anything that was recorded is missing or was changed."""
        return any(found.broken for found in self.found)
