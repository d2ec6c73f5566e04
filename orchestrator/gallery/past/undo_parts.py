"""What an undo consists of: what is put back, and what cannot be. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from attrs import define, field, frozen

from events.assets import AssetId
from events.stamp import Stamp
from orchestrator.commands.undoing import Reversal
from orchestrator.gallery.past.trails import Spot
from orchestrator.gallery.past.undo_walk import Walked
from projections.history import Edit

#: Why an edit cannot be undone.
PURGED = "The file was deleted for good."
TAG_NAME_TAKEN = "Another tag has that name by now."
PATH_TAKEN = "Another file has that name by now."
MISSING = "The file is not where it was left."
UNDONE = "It was undone already."
FACT = "It only tells what was seen; there is nothing to undo."
FILES_BY_SERVICE = "Only the running service moves files: ask it to undo this."


@frozen(kw_only=True)
class FileTask:
    """One file or folder to be brought from where it is to where it was."""

    #: Which file: the same in all its tasks.
    file: str
    now: Spot
    then: Spot
    #: The edits that it undoes.
    edits: tuple[Edit, ...]
    #: Whether a folder brings it along.
    along: bool = False
    of: tuple[str, ...]
    back: tuple[str, ...]


@frozen(kw_only=True)
class Unlink:
    """An asset that is to mean the file again that it meant before it was relinked."""

    asset: AssetId
    #: The path that it has now, and the one that it had.
    source: str
    path: str
    #: When it was relinked first; what its file was like just before then, the log tells.
    until: Stamp
    edits: tuple[Edit, ...]
    of: tuple[str, ...]
    back: tuple[str, ...]


@frozen
class Conflict:
    """An edit that is left alone, because of a later one."""

    edit: Edit
    later: Edit


@frozen
class Impossible:
    """An edit that cannot be undone at all."""

    edit: Edit
    #: A sentence.
    why: str


@define
class UndoPlan:
    """What is to be done, and what is not."""

    reversals: list[Reversal] = field(factory=list)
    unlinks: list[Unlink] = field(factory=list)
    #: Tasks that may be done at once, one after the other.
    stages: list[list[FileTask]] = field(factory=list)
    conflicts: list[Conflict] = field(factory=list)
    impossible: list[Impossible] = field(factory=list)

    def edits(self) -> Iterator[Edit]:
        """All edits that are to be undone."""
        for reversal in self.reversals:
            yield from reversal.edits
        for unlink in self.unlinks:
            yield from unlink.edits
        for stage in self.stages:
            for task in stage:
                yield from task.edits

    def note(self, walked: Walked) -> None:
        """Take over what cannot be undone."""
        self.conflicts += (Conflict(edit, later) for edit, later in walked.conflicts)
        self.impossible += (Impossible(edit, UNDONE) for edit, _ in walked.already)
