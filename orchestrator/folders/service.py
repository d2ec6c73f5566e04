"""Folders as requests ask for them: each look in a thread that a dead share may keep.

Paths come as clients write them, of any system, and are translated here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from attrs import define, field

from orchestrator.errors import FileMissing, FileUnreadable, ShareSilent
from orchestrator.folders import browsing
from orchestrator.folders.browsing import Browsed
from orchestrator.folders.lookouts import Lookouts
from orchestrator.folders.pictures import (
    Panels,
    Pictures,
    latest_first,
    latest_versions,
    panels,
)
from orchestrator.folders.places import leads_to, local
from orchestrator.folders.renders import Renders, renders
from orchestrator.folders.saved import SavedProjects, saved_projects
from orchestrator.paths.roots import Roots

#: Seconds for what an answer can do without: whether a beginning is there, where links lead.
BRIEF = 2.0


@define(eq=False)
class Folders:
    """Browses, makes and scans permitted folders."""

    roots: Roots
    lookouts: Lookouts
    home: Path = field(factory=lambda: Path("~").expanduser())

    async def browse(self, path: str, suffixes: frozenset[str] = frozenset()) -> Browsed:
        """What lies in a folder; with an empty path, where one may begin.

        Args:
            path: The folder.
            suffixes: Endings of files to show besides, in lower case with their dots.

        Raises:
            PathInvalid, PathNotPermitted, FileMissing, FileUnreadable, ShareSilent.
        """
        if not path.strip():
            return await self._beginnings()
        here = local(path, self.roots)
        folder, level = await self.lookouts.look(here, lambda: browsing.enter(here, self.roots))
        links = await self._leads(folder, level.links)
        return browsing.browsed(folder, level, links, suffixes, self.roots)

    async def _beginnings(self) -> Browsed:
        asked = browsing.beginnings(self.roots, self.home)
        found = await asyncio.gather(*(self._beginning(folder) for folder in asked))
        return browsing.started(tuple(dict.fromkeys(path for paths in found for path in paths)))

    async def _beginning(self, folder: Path) -> Sequence[Path]:
        """A permitted folder, if it is there; before shares in it, if it is a place for these."""
        try:
            if not await self.lookouts.look(str(folder), folder.is_dir, BRIEF):
                return ()
            if folder not in browsing.MOUNTS:
                return (folder,)
            shares = await self.lookouts.look(
                str(folder), lambda: browsing.shares_in(folder), BRIEF
            )
            return (folder, *shares)
        except (ShareSilent, FileMissing, FileUnreadable, OSError):
            return (folder,)  # it is permitted; whoever enters it is told what is wrong

    async def _leads(self, folder: Path, links: Sequence[str]) -> dict[str, str | None]:
        """What links lead to, as far as that is known soon."""
        known: dict[str, str | None] = {}

        def follow() -> None:
            for name in links:
                known[name] = leads_to(folder / name, self.roots)

        if links:
            with suppress(ShareSilent):  # then the others are not known
                await self.lookouts.follow(str(folder), follow, BRIEF)
        return dict(known)

    async def make(self, parent: str, name: str) -> tuple[Path, bool]:
        """Make a folder in one that is there; whether it is new.

        Raises:
            PathInvalid, PathNotPermitted, FileMissing, FileUnreadable, FileCollides,
            FolderNotMade, ShareSilent.
        """
        here = local(parent, self.roots)
        return await self.lookouts.look(here, lambda: browsing.make_folder(here, name, self.roots))

    async def pictures(self, path: str) -> Pictures:
        """The pictures of one folder, the latest first.

        Raises:
            PathInvalid, PathNotPermitted, FileMissing, FileUnreadable, ShareSilent.
        """
        here = local(path, self.roots)
        return await self.lookouts.look(here, lambda: latest_first(here, self.roots))

    async def panels(self, path: str) -> Panels:
        """The folders of a project with their pictures.

        Raises:
            PathInvalid, PathNotPermitted, FileMissing, FileUnreadable, ShareSilent.
        """
        here = local(path, self.roots)
        return await self.lookouts.scan(here, lambda asker: panels(here, self.roots, asker))

    async def versions(self, path: str, pattern: str) -> dict[str, str]:
        """The highest version in each folder of a project.

        Raises:
            PatternInvalid, PathInvalid, PathNotPermitted, FileMissing, FileUnreadable,
            ShareSilent.
        """
        here = local(path, self.roots)
        return await self.lookouts.scan(
            here, lambda asker: latest_versions(here, pattern, self.roots, asker)
        )

    async def renders(self, path: str, pattern: str, project: str) -> Renders:
        """All pictures and videos of a project.

        Raises:
            PatternInvalid, PathInvalid, PathNotPermitted, FileMissing, FileUnreadable,
            ShareSilent.
        """
        here = local(path, self.roots)
        return await self.lookouts.scan(
            here, lambda asker: renders(here, pattern, project, self.roots, asker)
        )

    async def saved(self, path: str) -> SavedProjects:
        """The saved projects in a folder.

        Raises:
            PathInvalid, PathNotPermitted, FileMissing, FileUnreadable, ShareSilent.
        """
        here = local(path, self.roots)
        return await self.lookouts.scan(here, lambda _: saved_projects(here, self.roots))
