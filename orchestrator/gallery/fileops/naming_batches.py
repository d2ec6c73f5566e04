"""The new names of a batch, from what is known of its files."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from attrs import define, frozen

from orchestrator.errors import OrchestratorError
from orchestrator.gallery import listing
from orchestrator.gallery.facts import read_facts
from orchestrator.gallery.fileops.renaming import ByTemplate, Mode, Subject, wanted_names
from orchestrator.gallery.fileops.requests import Moved
from orchestrator.gallery.finder import Finder
from orchestrator.gallery.reading import reading
from orchestrator.gallery.recipe import Recipe
from orchestrator.paths.roots import relative


@frozen
class Wished:
    """New names by file as it was asked for, and files that are not there."""

    names: dict[str, str]
    missing: tuple[Moved, ...]


@define(eq=False)
class Renamer:
    """Thinks of names for files; changes nothing."""

    finder: Finder

    async def wishes(self, project_path: str, files: Sequence[str], mode: Mode) -> Wished:
        """The names that files shall get, numbered in their order.

        Raises:
            PatternInvalid: the template or the expression cannot be used.
        """
        project = await self.finder.project(project_path)
        return await asyncio.to_thread(self._wishes, project.root, files, mode)

    def _wishes(self, root: Path, files: Sequence[str], mode: Mode) -> Wished:
        asked: list[str] = []
        subjects: list[Subject] = []
        missing: list[Moved] = []
        reads = isinstance(mode, ByTemplate) and (
            "{seed" in mode.template or "{model" in mode.template
        )
        for path in dict.fromkeys(files):
            try:
                subject = self._subject(root, path, reads=reads)
            except OrchestratorError as exc:
                missing.append(Moved(path, None, None, error=exc))
            else:
                asked.append(path)
                subjects.append(subject)
        wishes = wanted_names(subjects, mode, root.name)
        names = {path: wish.new_name for path, wish in zip(asked, wishes, strict=True)}
        return Wished(names, tuple(missing))

    def _subject(self, root: Path, asked: str, *, reads: bool) -> Subject:
        file = self.finder.locate(root, asked)
        with reading(file.path):
            created = listing.stat_file(file.path).birth_ns
            recipe = read_facts(file.path).recipe if reads else Recipe()
        return Subject(
            file.relative,
            datetime.fromtimestamp(created / 1e9, UTC).astimezone(),
            seed=recipe.seed,
            model=recipe.models[0] if recipe.models else None,
        )

    async def oldest_first(self, project_path: str, folder_path: str) -> list[str]:
        """The files of a folder, relative to the project, in the order in which they were made."""
        project = await self.finder.project(project_path)

        def look() -> list[str]:
            folder = self.finder.roots.inside(project.root, folder_path)
            with reading(folder):
                files = listing.list_folder(folder)
            below = relative(project.root, folder)
            prefix = "" if below == "." else f"{below}/"
            in_order = sorted(enumerate(files), key=lambda pair: (pair[1].birth_ns, pair[0]))
            return [prefix + file.name for _, file in in_order]

        return await asyncio.to_thread(look)
