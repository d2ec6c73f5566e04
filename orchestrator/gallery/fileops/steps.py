"""The steps of a planned operation, as the log has them and as the code reads them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeVar

import orjson
from attrs import define

from events.assets import AssetId
from events.trash import TrashId

T = TypeVar("T")

#: Where the trash lies, relative to the project.
TRASH = ".gallery/.trash"
#: Bytes of one plan in the log; a line may have 1 MiB.
MOST_BYTES = 700_000


class Role(StrEnum):
    """What a step does."""

    #: Brings a picture, video or sound to its new place.
    FILE = "file"
    #: A whole folder.
    FOLDER = "folder"
    #: A file that belongs to another one, and goes where that goes.
    SIDECAR = "sidecar"
    #: Steps aside for a moment, so that a name becomes free; a later step takes it on.
    PARK = "park"
    #: Deletes for good.
    PURGE = "purge"


@define(kw_only=True)  # not frozen: a request makes thousands, and freezing costs
class Step:
    """One move of a plan; nothing is ever replaced. It does not change once it is made."""

    #: Relative to the project, with `/`.
    source: str
    #: Likewise; "" for a step that deletes.
    to: str
    size: int
    #: Nanoseconds since 1970.
    mtime: int
    #: Inode, as the host sees it that made the plan; None for one that was not looked at.
    ino: int | None = None
    role: Role = Role.FILE
    asset: AssetId | None = None
    #: Where the file lay before the operation, if that is not `source`.
    path: str | None = None
    #: Its id in the trash, if it goes there, comes from there, or ends there.
    trash: TrashId | None = None
    #: sha256 of the first and last 64 KiB, if known.
    head: str | None = None
    #: For a sidecar: where the file lay that it follows.
    of: str | None = None

    @property
    def origin(self) -> str:
        """Where the file lay before the operation."""
        return self.source if self.path is None else self.path


_OPTIONAL = ("asset", "path", "trash", "head", "of")


def written(steps: Iterable[Step]) -> tuple[dict[str, Any], ...]:
    """Steps as `files.planned` has them: what says nothing is left out."""
    return tuple(_written(step) for step in steps)


def _written(step: Step) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "from": step.source,
        "to": step.to,
        "size": step.size,
        "mtime": step.mtime,
    }
    if step.ino is not None:
        plain["ino"] = step.ino
    if step.role is not Role.FILE:
        plain["role"] = step.role.value
    if step.asset is not None:
        plain["asset"] = step.asset
    if step.path is not None:
        plain["path"] = step.path
    if step.trash is not None:
        plain["trash"] = step.trash
    if step.head is not None:
        plain["head"] = step.head
    if step.of is not None:
        plain["of"] = step.of
    return plain


def portions(steps: Sequence[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], ...]]:
    """Steps in portions, each of which fits into one line of the log."""
    if steps and len(orjson.dumps(steps)) <= MOST_BYTES:
        yield tuple(steps)  # as nearly always: nothing has to be weighed one by one
        return
    part: list[dict[str, Any]] = []
    size = 0
    for step in steps:
        weight = len(orjson.dumps(step)) + 1
        if part and size + weight > MOST_BYTES:
            yield tuple(part)
            part, size = [], 0
        part.append(step)
        size += weight
    if part:
        yield tuple(part)


class StepUnreadableError(ValueError):
    """A step of a plan in the log that a newer or a broken program wrote."""


def read(steps: Sequence[Mapping[str, Any]]) -> tuple[Step, ...]:
    """Steps from `files.planned`.

    Raises:
        StepUnreadableError: one of them has not the shape that we know.
    """
    return tuple(_read(step) for step in steps)


def _read(plain: Mapping[str, Any]) -> Step:
    try:
        texts = {name: _given(plain, name, str) for name in _OPTIONAL}
        return Step(
            source=_needed(plain, "from", str),
            to=_needed(plain, "to", str),
            size=_needed(plain, "size", int),
            mtime=_needed(plain, "mtime", int),
            ino=_given(plain, "ino", int),
            role=Role(_given(plain, "role", str) or "file"),
            asset=None if texts["asset"] is None else AssetId(texts["asset"]),
            path=texts["path"],
            trash=None if texts["trash"] is None else TrashId(texts["trash"]),
            head=texts["head"],
            of=texts["of"],
        )
    except ValueError as exc:
        raise StepUnreadableError(str(plain)) from exc


def _given(plain: Mapping[str, Any], name: str, kind: type[T]) -> T | None:
    value = plain.get(name)
    if value is None or type(value) is kind:
        return value
    raise StepUnreadableError(str(plain))


def _needed(plain: Mapping[str, Any], name: str, kind: type[T]) -> T:
    value = _given(plain, name, kind)
    if value is None:
        raise StepUnreadableError(str(plain))
    return value
