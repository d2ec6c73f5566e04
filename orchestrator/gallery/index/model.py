"""What the index knows and is asked: a file, a search and its hits, a scan and how far it is."""

from __future__ import annotations

from collections.abc import Callable, Set
from typing import Literal, NamedTuple

from attrs import field, frozen

from orchestrator.gallery.media import Kind
from orchestrator.gallery.recipe import Recipe

Field = Literal["prompt", "negative_prompt", "model", "lora", "seed", "filename", "workflow"]
Phase = Literal["looking", "reading", "done"]

#: Where a search looks unless it is told otherwise: everywhere but in the raw graphs.
USUAL_FIELDS: frozenset[Field] = frozenset(
    {"prompt", "negative_prompt", "model", "lora", "seed", "filename"}
)


class Seen(NamedTuple):
    """A file as its folder lists it."""

    #: Below the project, with `/`; `.` is the project itself.
    folder: str
    name: str
    #: In bytes.
    size: int
    #: Nanoseconds since 1970, by the file server's clock.
    mtime_ns: int
    #: None if that was not asked for yet.
    birth_ns: int | None

    @property
    def path(self) -> str:
        """Relative to the project, with `/`."""
        return joined(self.folder, self.name)


@frozen
class Indexed:
    """What the index knows of one file."""

    path: str
    folder: str
    name: str
    size: int
    mtime_ns: int
    birth_ns: int
    kind: Kind
    width: int | None
    height: int | None
    #: How long a video or sound plays.
    seconds: float | None
    recipe: Recipe
    #: What is wrong with the file.
    note: str | None
    #: When the index first met the file, by this host's clock.
    first_seen_ns: int
    #: Since when it is not where it was, by this host's clock; None if it is there.
    missing_ns: int | None


@frozen
class FolderCount:
    """What lies directly in one folder."""

    files: int = 0
    #: All of them together.
    size: int = 0
    images: int = 0
    videos: int = 0
    sounds: int = 0


@frozen(kw_only=True)
class Search:
    """What to look for, and where."""

    text: str = ""
    fields: frozenset[Field] = USUAL_FIELDS
    #: Only files in this folder and below it; None or `.` is the whole project.
    folder: str | None = None
    #: Bounds of the time of modification in nanoseconds: from `since` on, and before `until`.
    since: int | None = None
    until: int | None = None
    #: Only these files, and none of those; for ratings and tags, which the index does not know.
    among: Set[str] | None = None
    without: Set[str] = frozenset()
    #: Asked with each path that matches: for what no list of paths can say.
    accept: Callable[[str], bool] | None = None
    limit: int = 100
    offset: int = 0


@frozen
class Hit:
    """A file that was found, and the place where it matches best."""

    path: str
    field: Field | None
    #: Some text around the match.
    context: str
    #: The place of the match in `context`; both 0 if nothing was looked for.
    start: int
    end: int
    #: The larger the better; comparable within one answer only.
    score: float


@frozen
class Found:
    """The answer to a search."""

    #: How many files match.
    total: int
    hits: list[Hit]
    #: False if there are even more: not all were asked whether they are acceptable.
    total_is_exact: bool = True


@frozen
class Progress:
    """How far a scan is."""

    phase: Phase
    done: int
    #: None while that is not known.
    total: int | None


@frozen
class ScanReport:
    """What a scan found."""

    #: Media that lie in the project.
    files: int
    #: Files that were opened, and those among them that were known otherwise before.
    read: int
    changed: int
    #: Files that are known but gone. If `offline`, that was not recorded.
    missing: int
    #: The share was taken to be away: nothing was recorded.
    offline: bool
    #: Files and folders that the share did not let us read; what was known of them stays.
    unreadable: tuple[str, ...]
    seconds: float
    #: Whether it was told to stop before the end.
    stopped: bool = False
    #: The files that were newly read, newly missing or found again, for those who watch.
    touched: tuple[str, ...] = field(default=(), repr=False)


def joined(folder: str, name: str) -> str:
    """A path from its folder (`.` is the project) and name."""
    return name if folder == "." else f"{folder}/{name}"


def parted(path: str) -> tuple[str, str]:
    """Folder and name of a path."""
    folder, _, name = path.rpartition("/")
    return folder or ".", name
