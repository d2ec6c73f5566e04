"""States of a project that were saved: all of them, and which of a file is the newest."""

from __future__ import annotations

from typing import Any

from attrs import astuple, frozen

from events.record import Record
from events.stamp import Stamp
from events.states import ProjectSaved
from projections.fold import Projection


@frozen
class Saving:
    """One time that a state was saved, or found."""

    as_of: Stamp
    sha256: str
    #: Bytes of the file.
    size: int
    #: None if the file was no state that could be read.
    panels: int | None
    #: As the state itself says.
    saved_at: str | None
    origin: str
    #: Who told of it. Of a state that was found, that is not who made it.
    actor: str
    host: str


def _saving(record: Record) -> Saving:
    event = record.event
    assert isinstance(event, ProjectSaved)  # the only class that is handled
    return Saving(
        record.stamp,
        event.sha256,
        event.size,
        event.panels,
        event.saved_at,
        event.origin,
        record.actor,
        record.host,
    )


def _file(event: ProjectSaved) -> tuple[str, ...]:
    return (event.file,)


def _newest(state: Saving | None, record: Record, key: str) -> Saving | None:
    return state if state is not None and record.stamp <= state.as_of else _saving(record)


#: By file: what was saved last.
NEWEST = Projection("newest_states", (ProjectSaved,), _file, _newest, astuple,
                    lambda packed: Saving(*packed))  # fmt: skip


def state_key(file: str, sha256: str) -> str:
    """The key of a state in the table of all."""
    return f"{sha256} {file}"


def file_of(key: str) -> str:
    """The file in such a key."""
    return key.partition(" ")[2]


def _state(event: ProjectSaved) -> tuple[str, ...]:
    return (state_key(event.file, event.sha256),)


def _times(state: tuple[Saving, ...] | None, record: Record, key: str) -> tuple[Saving, ...]:
    """The same bytes may be saved again after others were: each time counts."""
    known = state or ()
    if any(saving.as_of == record.stamp for saving in known):
        return known
    return tuple(sorted((*known, _saving(record)), key=lambda saving: saving.as_of))


def _pack(state: tuple[Saving, ...]) -> Any:
    return [astuple(saving) for saving in state]


def _unpack(packed: Any) -> tuple[Saving, ...]:
    return tuple(Saving(*saving) for saving in packed)


#: By file and content: each time that it was saved, the oldest first. By content, since a tuple of
#: all savings of a file would be copied for each one that comes.
STATES = Projection("states", (ProjectSaved,), _state, _times, _pack, _unpack)
