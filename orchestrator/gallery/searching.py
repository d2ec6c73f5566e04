"""Search: what stands in files, from the index, and what people say of them, from the log.

Each word of a query may be met by either. The index knows files as they lie now; a search as of a
moment judges every file by what was said of it then, and finds those that were moved or trashed
since.
"""

from __future__ import annotations

import asyncio
from datetime import datetime

from attrs import define

from orchestrator.gallery.finder import Finder
from orchestrator.gallery.index.query import parse
from orchestrator.gallery.indexes import Indexes
from orchestrator.gallery.search_asking import Asking, Matches, Wanted
from orchestrator.gallery.search_said import meaning
from orchestrator.gallery.search_then import Judge
from orchestrator.paths.roots import relative
from projections.project import ProjectView


@define(eq=False)
class Searcher:
    """Searches projects."""

    finder: Finder
    indexes: Indexes

    async def search(
        self, project_path: str, wanted: Wanted, then: ProjectView, at: datetime | None
    ) -> Matches:
        """Find files.

        Args:
            project_path: The project.
            wanted: What to look for.
            then: What is said of files: the project's state, now or at the moment.
            at: The moment; None is now.

        Raises:
            IndexUnusable, IndexDamaged: the index cannot be asked.
            PathInvalid, PathNotPermitted: the folder cannot be one of the project.
        """
        project = await self.finder.project(project_path)
        folder = None
        if wanted.folder is not None:
            inside = await asyncio.to_thread(self.finder.roots.inside, project.root, wanted.folder)
            folder = relative(project.root, inside)
        judge = Judge(
            now=project.view,
            then=then,
            at=at,
            folder=folder,
            least_stars=wanted.least_stars,
            most_stars=wanted.most_stars,
            tags=wanted.tags,
        )
        query = parse(wanted.text)
        meant = meaning(then, query, wanted.said)
        asking = Asking(project, wanted, judge, query, meant)
        # Records come in while a thread looks: it asks for single keys, of which it has a list.
        if meant.asks_tags or judge.tags:
            asking.tagged = tuple(then.tables.table("tags"))
        if meant.asks_stars or judge.asks_people:
            asking.rated = tuple(then.tables.table("ratings"))
        if at is not None:
            await asyncio.to_thread(asking.look_elsewhere)
        await self.indexes.settled(project)  # what was just moved is found where it is
        await self.indexes.of(project).ask(asking.ask)
        return asking.answer()
