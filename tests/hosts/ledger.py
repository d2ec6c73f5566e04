"""What was asked of the hosts and what they answered: the evidence that a log is held against."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from attrs import define, field

#: Actors of our edits begin so; each edit has an actor of its own, so the log tells it apart.
MARK = "load-"


@define(eq=False)
class Edit:
    """One edit that was sent, and what came of it."""

    #: Its name: the actor that it was sent as.
    actor: str
    #: Number of the host that it was sent to last.
    host: int
    #: Last part of the endpoint's path, such as `ratings`.
    endpoint: str
    body: Mapping[str, Any]
    method: str = "POST"
    #: None: never answered; it may have happened or not.
    status: int | None = None
    answer: Mapping[str, Any] = field(factory=dict)
    #: How often it was sent. After a 503 an earlier try may have happened, too.
    tries: int = 0

    @property
    def acknowledged(self) -> bool:
        """Whether we were told that it is durable."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def refused(self) -> bool:
        """Whether we were told, at the first try, that it cannot be: nothing may have happened.

        Of a DELETE nobody knows which try it was: HTTP clients repeat these on their own.
        """
        once = self.method == "POST" and self.tries == 1
        return once and self.status is not None and 400 <= self.status < 500


@define(eq=False)
class Ledger:
    """All edits of one or more runs on one project, and the files that must outlive them."""

    #: Where each file lay at the beginning, by the sha256 of its bytes.
    files: dict[str, str] = field(factory=dict)
    edits: dict[str, Edit] = field(factory=dict)

    def open(self, endpoint: str, body: Mapping[str, Any], method: str = "POST") -> Edit:
        """Note an edit before it is sent."""
        edit = Edit(f"{MARK}{len(self.edits):06}", -1, endpoint, body, method)
        self.edits[edit.actor] = edit
        return edit

    @property
    def acknowledged(self) -> list[Edit]:
        """The edits of which we were told that they are durable."""
        return [edit for edit in self.edits.values() if edit.acknowledged]

    def summary(self) -> str:
        """How many edits came to what, for people."""
        ends = Counter(
            "acknowledged" if edit.acknowledged else f"status {edit.status}"
            for edit in self.edits.values()
        )
        kinds = Counter(edit.endpoint for edit in self.acknowledged)
        return f"{dict(ends)} {dict(kinds)}"


#: Folders that the files of a test lie in.
FOLDERS: Sequence[str] = ("Panel_01", "Panel_02", "Panel_03/Best", "Panel_04")


def prepare(project: Path, files: int = 48) -> Ledger:
    """Make a project folder with files, each with bytes of its own; every fourth has a sidecar."""
    ledger = Ledger()
    for number in range(files):
        folder = project / FOLDERS[number % len(FOLDERS)]
        folder.mkdir(parents=True, exist_ok=True)
        paths = [folder / f"p{number:03}.png"]
        if number % 4 == 0:
            paths.append(folder / f"p{number:03}.txt")
        for path in paths:
            data = f"{path.name} of {number} ".encode().ljust(48 + number, b".")
            path.write_bytes(data)
            ledger.files[sha256(data).hexdigest()] = path.relative_to(project).as_posix()
    return ledger
