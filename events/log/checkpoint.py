"""Checkpoints: a read model saved on local disk with the positions it stands for. Disposable.

A checkpoint is a hint. It is used only if it was made by the same code, its bytes are whole, and
the log proves its positions; else the one before is tried, then everything is replayed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
from attrs import asdict, frozen

from events.record import Position

#: How many are kept.
KEEP = 2
_PATTERN = "checkpoint-*.json"


@frozen
class Checkpoint:
    """A saved read model."""

    positions: dict[str, Position]
    #: Tables of the projections, as they pack themselves.
    state: Any
    #: Hash of the state as it was when saved.
    state_hash: str


class CheckpointStore:
    """The checkpoints of one project in one local folder."""

    def __init__(self, folder: Path, code: str) -> None:
        """`code` names the version of the folds; checkpoints of others are ignored."""
        self._folder = folder
        self._code = code

    def save(self, positions: Mapping[str, Position], state: Any, state_hash: str) -> Path:
        """Write a checkpoint, whole or not at all, and drop the oldest ones.

        Raises:
            OSError: the local disk refuses.
        """
        body = orjson.dumps(
            {
                "positions": {name: asdict(at) for name, at in positions.items()},
                "state_hash": state_hash,
                "state": state,
            }
        )
        head = orjson.dumps({"code": self._code, "sha256": sha256(body).hexdigest()})
        self._folder.mkdir(parents=True, exist_ok=True)
        for unfinished in self._folder.glob("checkpoint-*.part"):
            unfinished.unlink(missing_ok=True)  # we went down while writing it
        path = self._next_path()
        draft = path.with_suffix(".part")
        with draft.open("wb") as file:
            file.write(head + b"\n" + body)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        for old in sorted(self._folder.glob(_PATTERN))[:-KEEP]:
            old.unlink(missing_ok=True)
        return path

    def _next_path(self) -> Path:
        """A name above all others, even if the clock was put back."""
        number = time.time_ns()
        for existing in self._folder.glob(_PATTERN):
            digits = existing.stem.partition("-")[2]
            if digits.isdecimal():
                number = max(number, int(digits) + 1)
        return self._folder / f"checkpoint-{number:020d}.json"

    def load(self) -> Iterator[Checkpoint]:
        """Checkpoints that are whole and of our code, newest first."""
        try:
            paths = sorted(self._folder.glob(_PATTERN), reverse=True)
        except OSError:
            return  # a folder that cannot be listed is the same as an empty one
        for path in paths:
            found = self._open(path)
            if found is not None:
                yield found

    def _open(self, path: Path) -> Checkpoint | None:
        try:
            head, _, body = path.read_bytes().partition(b"\n")
            told = orjson.loads(head)
            if told["code"] != self._code or told["sha256"] != sha256(body).hexdigest():
                return None
            document = orjson.loads(body)
            positions = {k: Position(**at) for k, at in document["positions"].items()}
            return Checkpoint(positions, document["state"], document["state_hash"])
        except (OSError, orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
            return None  # a checkpoint that cannot be read is the same as none
