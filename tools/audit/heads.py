"""Headers and seals of one writer's segments, held against what is there. Pure but for findings."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import frozen

from events.codec import LineError
from events.log.frame import Header, Seal
from tools.audit.findings import Check


@frozen
class Owner:
    """Whose segments they are."""

    writer: str
    host: str
    project: str

    @property
    def who(self) -> str:
        """As positions name it."""
        return f"{self.writer}.{self.host}"

    def misplaced(self, number: int, header: Header) -> tuple[Check, str] | None:
        """Why a header is not one of segment `number` of ours; None if it is."""
        stated = (header.segment, header.writer, header.host)
        if stated != (number, self.writer, self.host):
            told = f"it says it is segment {header.segment} of {header.writer}.{header.host}"
            return Check.PLACE, told
        if header.project != self.project:
            return Check.PROJECT, f"it belongs to project {header.project}, not {self.project}"
        return None

    def own_header(self, number: int, line: bytes) -> Header | None:
        """The header in a line, if readers would accept it as far as it alone can tell."""
        try:
            header = Header.decode(line)
        except LineError:
            return None
        return header if self.misplaced(number, header) is None else None


@frozen
class Met:
    """What was met before a seal."""

    segment: int
    #: Number of the last line; None if damage hides it.
    last: int | None
    count: int
    size: int
    sha256: str


def seal_faults(seal: Seal, met: Met) -> Iterator[str]:
    """What a seal says that is not so."""
    if seal.segment != met.segment:
        yield f"it names segment {seal.segment}"
    if met.last is not None and seal.last != met.last:
        yield f"it names record {seal.last} as the last, but {met.last} is"
    if seal.count != met.count:
        yield f"it counts {seal.count} lines, but there are {met.count}"
    if seal.size != met.size:
        yield f"it tells of {seal.size} bytes, but follows {met.size}"
    if seal.sha256 != met.sha256:
        yield f"it tells of sha256 {seal.sha256}, but that is {met.sha256}"
