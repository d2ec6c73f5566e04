"""Path mappings of config.yaml, and what people said of them since, made into one list. Pure.

What was said at runtime counts as long as config.yaml still says of that mapping what it said
then. Once the file says something else, the file is newer, and counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import evolve, frozen

from events.mappings import MappingSet
from orchestrator.paths.mappings import PathMapping
from projections.mappings import ToldMapping

#: As a prefix that is being typed, `/` is the beginning of any; it would swallow every path.
_WHOLE_DISK = "/"


@frozen
class Merged:
    """The mappings that count."""

    #: Those of config.yaml in its order, then the others in the order in which they came.
    mappings: tuple[PathMapping, ...]
    #: Ids of those of which config.yaml has overruled what was said at runtime.
    overruled: tuple[str, ...]


def merged(start: Iterable[PathMapping], told: Mapping[str, ToldMapping]) -> Merged:
    """The mappings that count, from those of config.yaml and from what the log says."""
    file = {mapping.id: mapping for mapping in start}
    added = sorted((id_ for id_ in told if id_ not in file), key=lambda id_: told[id_].since)
    found: list[PathMapping] = []
    overruled: list[str] = []
    for id_ in (*file, *added):
        said, now = _said(told.get(id_)), file.get(id_)
        if id_ in told and told[id_].said.file == as_said(now):
            now = said
        elif id_ in told and said != now:
            overruled.append(id_)
        if now is not None:
            found.append(now)
    return Merged(tuple(found), tuple(overruled))


def live(start: Iterable[PathMapping], mappings: Iterable[PathMapping]) -> tuple[PathMapping, ...]:
    """The mappings as they are translated by: a lone `/`, if typed at runtime, is no side yet.

    In config.yaml, where nobody reads half a word, it means the whole disk.
    """
    meant = frozenset(start)
    return tuple(m if m in meant else _without_whole_disk(m) for m in mappings)


def as_said(mapping: PathMapping | None) -> dict[str, Any] | None:
    """What config.yaml says of a mapping, as it stands in events; None if it does not name it."""
    if mapping is None:
        return None
    return {
        "name": mapping.name,
        "windows": mapping.windows,
        "linux": mapping.linux,
        "macos": mapping.macos,
        "enabled": mapping.enabled,
    }


def of_event(said: MappingSet) -> PathMapping:
    """The mapping that an event tells of."""
    return PathMapping(said.mapping, said.name, said.windows, said.linux, said.macos, said.enabled)


def _said(told: ToldMapping | None) -> PathMapping | None:
    """What people last said of a mapping; None if they said nothing, or removed it."""
    if told is None or not isinstance(told.said, MappingSet):
        return None
    return of_event(told.said)


def _without_whole_disk(mapping: PathMapping) -> PathMapping:
    linux = "" if mapping.linux == _WHOLE_DISK else mapping.linux
    macos = "" if mapping.macos == _WHOLE_DISK else mapping.macos
    return evolve(mapping, linux=linux, macos=macos)
