"""What an audit looks at, how often it did, and what it found. No I/O."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum

from attrs import define, field, frozen

#: More findings than this of one check in one file are only counted.
MOST_PER_FILE = 10


class Check(StrEnum):
    """One thing that is looked at; `promises.PROMISES` says which promises it can break."""

    FORMAT_FILE = "FORMAT is whole"
    NAMES = "names in the log folder"
    WRITER_ID = "writer ids are used once"
    BYTES = "lines end in LF and have no NUL"
    SIZE = "lines have at most 1 MiB"
    JSON = "lines are JSON objects in UTF-8"
    CHAIN = "each line follows from the one before"
    HEADER = "headers are whole"
    PLACE = "headers and file names agree"
    PROJECT = "headers name the project of FORMAT"
    CONTINUITY = "segments continue each other"
    SEAL = "seals tell the truth and are last"
    NEXT = "the segment that a seal names is there"
    ROLLED = "segments are closed in time"
    TAIL = "logs end behind a line"
    COLD = "cold files hold what their index says"
    SEQUENCE = "numbers without gaps"
    FIELDS = "lines have their fields"
    TIME = "times rise"
    STAMPS = "no two records with the same stamp"
    LIFT = "x lies behind h"
    CLOCK = "no times in the future"
    REPEATS = "lines that stand twice are the same"
    TRANSACTION = "transactions are whole"
    KNOWN = "types of events are known"
    PAYLOAD = "known types have their fields"
    READER = "readers take all good lines, and no others"
    TOLD = "readers tell what they leave out"
    COUNTED = "readers count what they do not know"
    AGAIN = "reading in another order gives the same state"
    INTENT = "what was done was announced before"
    OWNER = "one host writes the events of a job"
    ASSET_ID = "asset ids follow from path, size and head"
    FILES = "files are where the log says"
    OUTPUTS = "outputs have the bytes that were stored"


class Severity(StrEnum):
    """Whether a finding breaks a promise."""

    BROKEN = "broken"
    #: Nothing is broken, but somebody may want to know.
    NOTE = "note"


@frozen
class Affected:
    """Which records of a writer (`writer.host`) readers may miss: those from `sequence` on."""

    who: str
    sequence: int


@frozen(kw_only=True)
class Finding:
    """One thing that was found, where, and what to do about it."""

    check: Check
    severity: Severity
    #: Name in the log folder, or path in the project.
    file: str
    #: Byte in the file; None if it is about the file as a whole.
    offset: int | None = None
    what: str
    lost: str = "nothing"
    remedy: str
    affected: Affected | None = None


@define
class Findings:
    """All findings of one audit."""

    items: list[Finding] = field(factory=list)
    #: How many things each check looked at.
    looked: Counter[Check] = field(factory=Counter)
    #: How many findings were not kept, by check and severity.
    more: Counter[tuple[Check, Severity]] = field(factory=Counter)
    _kept: Counter[tuple[Check, Severity, str]] = field(factory=Counter)

    def add(self, finding: Finding) -> None:
        """Take note of a finding."""
        where = (finding.check, finding.severity, finding.file)
        if self._kept[where] == MOST_PER_FILE:
            self.more[finding.check, finding.severity] += 1
            return
        self._kept[where] += 1
        self.items.append(finding)

    def count(self, check: Check, severity: Severity) -> int:
        """How many findings a check has made."""
        kept = sum(1 for f in self.items if f.check is check and f.severity is severity)
        return kept + self.more[check, severity]
