"""What requests and answers of the frontend have in common: paths, refused files, outcomes. Pure.

The frontend speaks of files by their absolute paths, which it has from us, or makes of a project's
path as a person typed it. It takes one that is relative to the project, too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

from orchestrator.errors import PathInvalid
from orchestrator.http.fields import about
from orchestrator.http.many import MANY, RefusedFile

PROJECT_PATH = about(
    "Absolute path of the project's folder, also as another system names it.",
    example="W:\\Projects\\Eliot",
)
#: For requests that the frontend also sends without one.
ANY_PROJECT = about("The same; the project in which the files lie if it is empty or left out.")
FOLDER_PATH = about("Absolute, or relative to the project.", example="/mnt/Projects/Eliot/Panel_01")
FILE_PATH = about(
    "Absolute, or relative to the project.", example="/mnt/Projects/Eliot/Panel_01/a.png"
)
FILE_PATHS = about(
    "Each absolute, or relative to the project.",
    aliases=("files",),
    min_length=1,
    max_length=MANY,
    example=["/mnt/Projects/Eliot/Panel_01/a.png"],
)
SUCCESS = about("False if nothing of it could be done.")
ERRORS = about("What was left as it was, and why, for people.")


def absolute(root: Path, relative: str) -> str:
    """The absolute path of a file of a project."""
    return str(root / relative)


def folder_of(text: str) -> str:
    """A folder that was asked for: an empty path never means any.

    Raises:
        PathInvalid: it is empty.
    """
    if not text.strip():
        raise PathInvalid(text, "it is empty")
    return text


def above(file_path: str) -> str:
    """The folder of a file, as that is named: with `/` or backslashes.

    Raises:
        PathInvalid: nothing is left.
    """
    return folder_of(file_path.replace("\\", "/").rpartition("/")[0])


def told(errors: Iterable[RefusedFile]) -> list[str]:
    """Files that were left as they were, each in one sentence."""
    return [f"{error.file_path}: {error.message}" for error in errors]


def outcome(verb: str, done: Collection[object], errors: Collection[RefusedFile]) -> str:
    """What became of a request, in one sentence: `2 moved; 1 was not: ...`."""
    count = f"{len(done):,} {verb}"
    if not errors:
        return count
    first, *more = told(errors)
    others = f" (and {len(more):,} more)" if more else ""
    return f"{first}{others}" if not done else f"{count}; not {first}{others}"


def succeeded(done: Collection[object], errors: Collection[RefusedFile]) -> bool:
    """Whether the frontend should take a request as done: all of it, or some."""
    return bool(done) or not errors
