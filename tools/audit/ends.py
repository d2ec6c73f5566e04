"""How segments of one writer end: torn, in flight, abandoned, too large or too late."""

from __future__ import annotations

from attrs import define

from events.codec import MAX_LINE
from events.log.segments import ROLL_BYTES, ROLL_SECONDS
from events.log.writer import MAX_BATCH_BYTES
from tools.audit.findings import Check
from tools.audit.scene import Scene
from tools.audit.snapshot import RawLine

#: A full segment takes one more batch, whose last line may be the longest there is; and a seal.
LARGEST = ROLL_BYTES + MAX_BATCH_BYTES + 2 * MAX_LINE
#: A segment's age is looked at when something is written, and that may take a while.
OLDEST_MS = int(ROLL_SECONDS * 1000) + 3_600_000
_NOTHING = "Nothing needs to be done"


@define
class Ends:
    """Notes on ends. None of them breaks a promise but what stands behind a seal."""

    scene: Scene
    #: The last segment, and whether its host has begun anew.
    last: int
    outlived: bool
    _file: str = ""
    #: Milliseconds of the first line of `_file`; None once it was found to be too old.
    _begun: int | None = None

    def no_header(self, file: str, number: int) -> None:
        """A file that ends within its first line."""
        self.scene.looked(Check.TAIL)
        what = "no whole header: its writer failed, or was stopped, before it was durable"
        if number == self.last and not self.outlived:
            what = "no whole header yet: it may be being written"
        remedy = f"{_NOTHING}; no line was acknowledged in it."
        self.scene.note(Check.TAIL, file, 0, what, remedy=remedy)

    def abandoned(self, file: str, offset: int) -> None:
        """Bytes that a writer left behind after an error."""
        self.scene.looked(Check.TAIL)
        what = "bytes of a write that failed; a later segment goes on in their place"
        self.scene.note(Check.TAIL, file, offset, what, remedy=f"{_NOTHING}.")

    def behind_seal(self, file: str, offset: int) -> None:
        """Bytes where nothing may be."""
        count = self.scene.disk.sizes[file] - offset
        what = f"{count} bytes behind the seal, where nothing may follow; they are not read"
        remedy = "Find out what wrote there: a sync tool, an editor, a second service."
        self.scene.broken(Check.SEAL, file, offset, what, remedy=remedy)

    def size(self, file: str) -> None:
        """The end of a file was reached."""
        self.scene.looked(Check.TAIL, Check.ROLLED)
        size = self.scene.disk.sizes[file]
        if size > LARGEST:
            what = f"{size} bytes; a segment should have {LARGEST} at the most"
            remedy = f"{_NOTHING}; find out why its service did not close it."
            self.scene.note(Check.ROLLED, file, None, what, remedy=remedy)

    def age(self, file: str, offset: int, ms: int) -> None:
        """A new line of a file; `ms` is its time."""
        if file != self._file:
            self._file, self._begun = file, ms
        elif self._begun is not None and ms - self._begun > OLDEST_MS:
            what = "a line more than 24 hours after the first of this segment"
            remedy = f"{_NOTHING}; find out why its service did not close it."
            self.scene.note(Check.ROLLED, file, offset, what, remedy=remedy)
            self._begun = None

    def unsealed(self, file: str, number: int, rest: RawLine | None, *, settled: bool) -> None:
        """A segment without a seal; `rest` begins what is not complete, if anything."""
        size = self.scene.disk.sizes[file]
        if rest is None:
            if number == self.last and self.outlived:
                what = "no seal: its service was stopped hard"
                remedy = f"{_NOTHING}; no line is missing."
                self.scene.note(Check.TAIL, file, size, what, remedy=remedy)
        elif settled:
            self.abandoned(file, rest.offset)
        else:
            over = self.outlived or number != self.last
            kind = "torn: its writer was cut off" if over else "in flight"
            what = f"{size - rest.offset} bytes of a line that is not complete ({kind})"
            remedy = f"{_NOTHING}; what was not complete was not acknowledged."
            self.scene.note(Check.TAIL, file, rest.offset, what, remedy=remedy)
