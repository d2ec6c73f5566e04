"""What people ask of path mappings, and what follows from it. Pure."""

from __future__ import annotations

from attrs import evolve, frozen

from events.mappings import MappingRemoved, MappingSet
from orchestrator.errors import MappingsLoop, MappingUnknown
from orchestrator.paths.loops import loop
from orchestrator.paths.mappings import PathMapping
from orchestrator.paths.merging import as_said, live, merged
from projections.project import ProjectView


@frozen(kw_only=True)
class MappingChanges:
    """What shall become of a mapping. None leaves a thing as it is."""

    name: str | None = None
    windows: str | None = None
    linux: str | None = None
    macos: str | None = None
    enabled: bool | None = None

    def of(self, mapping: PathMapping) -> PathMapping:
        """The mapping with these changes."""
        return evolve(
            mapping,
            name=mapping.name if self.name is None else self.name,
            windows=mapping.windows if self.windows is None else self.windows,
            linux=mapping.linux if self.linux is None else self.linux,
            macos=mapping.macos if self.macos is None else self.macos,
            enabled=mapping.enabled if self.enabled is None else self.enabled,
        )


@frozen(kw_only=True)
class SetMapping:
    """Add a mapping, or change one."""

    mapping: str
    changes: MappingChanges
    #: Whether the mapping must exist already.
    update: bool
    #: The mappings of config.yaml.
    start: tuple[PathMapping, ...]

    def keys(self) -> tuple[str, ...]:
        """No two may lead in a circle, so all take turns."""
        return ("mappings",)


@frozen(kw_only=True)
class RemoveMapping:
    """Take a mapping away."""

    mapping: str
    #: The mappings of config.yaml.
    start: tuple[PathMapping, ...]

    def keys(self) -> tuple[str, ...]:
        """What it changes."""
        return ("mappings",)


def set_mapping(view: ProjectView, command: SetMapping) -> list[object]:
    """Takes sides as they were typed. Refuses a circle, and changes of what does not exist."""
    known = {m.id: m for m in merged(command.start, view.mappings()).mappings}
    before = known.get(command.mapping)
    if command.update and before is None:
        raise MappingUnknown(command.mapping)
    after = command.changes.of(before or PathMapping(command.mapping))
    if after == before:
        return []
    others = [mapping for mapping in known.values() if mapping.id != after.id]
    _refuse_circle(live(command.start, (after, *others)), after.id)
    return [
        MappingSet(
            mapping=after.id,
            name=after.name,
            windows=after.windows,
            linux=after.linux,
            macos=after.macos,
            enabled=after.enabled,
            file=as_said(_of_file(command)),
        )
    ]


def remove_mapping(view: ProjectView, command: RemoveMapping) -> list[object]:
    """Refuses a mapping that does not exist."""
    known = merged(command.start, view.mappings()).mappings
    if all(mapping.id != command.mapping for mapping in known):
        raise MappingUnknown(command.mapping)
    return [MappingRemoved(mapping=command.mapping, file=as_said(_of_file(command)))]


def _of_file(command: SetMapping | RemoveMapping) -> PathMapping | None:
    return next((m for m in command.start if m.id == command.mapping), None)


def _refuse_circle(mappings: tuple[PathMapping, ...], changed: str) -> None:
    """Refuse a change that closes a circle; one among the others is not its fault."""
    circle = loop(mappings)
    if any(mapping.id == changed for mapping in circle):
        raise MappingsLoop(tuple(m.id for m in circle), tuple(m.linux for m in circle))
