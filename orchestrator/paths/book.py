"""The path mappings of this host while it runs: looked up, changed, and handed to the roots.

They stand in the host's own log; config.yaml's are the start set. Methods run on the event loop.
"""

from __future__ import annotations

import structlog
from attrs import define, field
from uuid_utils import uuid4

from events.mappings import MappingRemoved, MappingSet
from events.record import Record
from orchestrator.commands.mappings import MappingChanges, RemoveMapping, SetMapping
from orchestrator.errors import MappingUnknown, OrchestratorError
from orchestrator.paths.mappings import OS_NAMES, PathMapping, current_os, is_absolute
from orchestrator.paths.merging import live, merged, of_event
from orchestrator.paths.roots import Roots
from orchestrator.project import Project
from orchestrator.projects import Projects

_log = structlog.get_logger(__name__)


@define(eq=False)
class MappingBook:
    """All path mappings, as they now are."""

    #: The mappings of config.yaml.
    start: tuple[PathMapping, ...]
    roots: Roots
    projects: Projects
    current: tuple[PathMapping, ...] = field(init=False)

    @current.default
    def _start_set(self) -> tuple[PathMapping, ...]:
        return self.start

    async def load(self) -> None:
        """Read the host's own log; to be done before anybody asks for a path.

        A host whose log cannot be read goes by config.yaml, and says so.
        """
        try:
            project = await self.projects.default()
        except (OrchestratorError, OSError) as exc:
            _log.warning("mappings.not_loaded", reason=str(exc))
            return
        found = merged(self.start, project.view.mappings())
        for mapping in found.overruled:
            _log.warning("mapping.overruled", mapping=mapping, by="config.yaml")
        self._use(found.mappings)

    def opened(self, project: Project) -> None:
        """A project was opened, perhaps anew after its log could not be read: perhaps ours."""
        if project.root == self.projects.default_root:
            self._use(merged(self.start, project.view.mappings()).mappings)

    def hear(self, project: Project, records: list[Record]) -> None:
        """Something was recorded, perhaps of mappings."""
        if project.root == self.projects.default_root and any(
            isinstance(record.event, MappingSet | MappingRemoved) for record in records
        ):
            self._use(merged(self.start, project.view.mappings()).mappings)

    def get(self, mapping: str) -> PathMapping:
        """A mapping.

        Raises:
            MappingUnknown: there is none of that id.
        """
        for known in self.current:
            if known.id == mapping:
                return known
        raise MappingUnknown(mapping)

    async def add(self, changes: MappingChanges, actor: str) -> PathMapping:
        """Add a mapping, with blank sides if need be.

        Raises:
            MappingsLoop: with the others it would lead in a circle.
            ProjectReadOnly, LogBusy: the host's log cannot be written now.
        """
        return await self._set(str(uuid4()), changes, actor, update=False)

    async def update(self, mapping: str, changes: MappingChanges, actor: str) -> PathMapping:
        """Change a mapping, also one of config.yaml; the file itself stays as it is.

        Raises:
            MappingUnknown, MappingsLoop, ProjectReadOnly, LogBusy.
        """
        return await self._set(mapping, changes, actor, update=True)

    async def remove(self, mapping: str, actor: str) -> None:
        """Take a mapping away, also one of config.yaml; the file itself stays as it is.

        Raises:
            MappingUnknown, ProjectReadOnly, LogBusy.
        """
        project = await self.projects.default()
        await project.change(RemoveMapping(mapping=mapping, start=self.start), actor)

    def remarks(self, mapping: PathMapping) -> list[str]:
        """What of a mapping has no effect, in sentences."""
        said = [
            f"{side!r} is no whole {os_name} folder yet, and is ignored."
            for os_name in OS_NAMES
            if (side := mapping.side(os_name)) and not self._counts(mapping, os_name)
        ]
        here = mapping.side(current_os())
        if mapping.enabled and self._counts(mapping, current_os()) and not self.roots.covers(here):
            said.append(
                f"{here!r} lies outside the permitted folders: paths are translated, but may not "
                "be touched until `roots` in config.yaml has the folder."
            )
        return said

    def _counts(self, mapping: PathMapping, os_name: str) -> bool:
        (used,) = live(self.start, (mapping,))
        return is_absolute(used.side(os_name), os_name)

    async def _set(
        self, mapping: str, changes: MappingChanges, actor: str, *, update: bool
    ) -> PathMapping:
        project = await self.projects.default()
        command = SetMapping(mapping=mapping, changes=changes, update=update, start=self.start)
        records = await project.change(command, actor)
        for record in records:
            if isinstance(record.event, MappingSet):
                return of_event(record.event)
        return self.get(mapping)  # it is as it shall be already

    def _use(self, mappings: tuple[PathMapping, ...]) -> None:
        if mappings != self.current:
            self.current = mappings
            self.roots.use(live(self.start, mappings))
