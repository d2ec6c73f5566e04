"""Duplicates of a project: finding them, and keeping one of each with all that was said of them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from itertools import takewhile
from pathlib import Path

from attrs import define, field, frozen
from uuid_utils import uuid7

from orchestrator.commands.curation import MAX_NOTE
from orchestrator.errors import Fault, InvalidFields
from orchestrator.gallery.curating import Curation, Curator, Say, curation_at
from orchestrator.gallery.duplicates.cache import HashCache
from orchestrator.gallery.duplicates.find import find
from orchestrator.gallery.duplicates.keeping import Facts, Keep, choose_keeper, merge
from orchestrator.gallery.duplicates.report import Candidate, Group, Likeness, Report
from orchestrator.gallery.fileops.service import FileWork, Moved
from orchestrator.gallery.fileops.steps import Role
from orchestrator.gallery.finder import Finder
from orchestrator.gallery.service import Gallery
from orchestrator.gallery.walking import Walk
from orchestrator.project import Project

#: Searches that run side by side, each with threads for the files that it reads.
SEARCHES = 2


@frozen
class Kept:
    """What keeping one file of several came to."""

    batch: str
    #: Relative to the project.
    path: str
    curation: Curation
    others: tuple[Moved, ...]


@define(eq=False)
class Duplicates:
    """Finds duplicates, and merges them."""

    finder: Finder
    gallery: Gallery
    curator: Curator
    files: FileWork
    #: Folder of the hashes of all projects, on local disk.
    cache: Path
    _caches: dict[Path, HashCache] = field(factory=dict)
    _opening: threading.Lock = field(factory=threading.Lock)
    #: Searches take minutes: they have threads of their own, and hold up nobody else.
    _threads: ThreadPoolExecutor = field(
        factory=lambda: ThreadPoolExecutor(SEARCHES, thread_name_prefix="find-duplicates")
    )
    #: One, so that names follow files in the order in which these moved.
    _moving: ThreadPoolExecutor = field(
        factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="hashes")
    )
    _stops: set[threading.Event] = field(factory=set)

    async def find(
        self, project_path: str, folder_path: str, kind: Likeness, threshold: int
    ) -> Report:
        """Files that are the same. It ends soon if nobody waits for it any more.

        A few searches run side by side; more wait for their turn.

        Raises:
            OrchestratorError: the folder cannot be read, or the share went away meanwhile.
        """
        project = await self.finder.project(project_path)
        walk = await self.gallery.walk(project_path, folder_path, limit=None, cursor=None)
        stop = threading.Event()

        def work() -> Report:
            # What was moved before is known under its new name first.
            self._moving.submit(lambda: None).result()
            files = list(takewhile(lambda _: not stop.is_set(), _candidates(walk)))
            cache = self._cache(project.root)
            return find(project.root, files, kind, cache, threshold=threshold, stop=stop)

        self._stops.add(stop)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            stop.set()
            self._stops.discard(stop)

    def suggestion(self, project: Project, group: Group, keep: Keep) -> str:
        """The file of a group to keep."""
        facts = {}
        for file in group.files:
            said = curation_at(project.view, file.path)
            facts[file.path] = Facts(said.stars, len(said.tags), bool(said.note))
        return choose_keeper(group, keep, facts).path

    async def keep(self, project_path: str, keep: str, others: Sequence[str], actor: str) -> Kept:
        """Keep one file, give it the best of what was said of the others, and trash those.

        All of it has one id in the history, and is undone as one.

        Raises:
            InvalidFields: the file to keep is among the others, or their notes are too long.
            OrchestratorError: one of the files is not there, or the project cannot be changed.
        """
        project = await self.finder.editable(project_path, actor)
        located = await asyncio.to_thread(
            lambda: [self.finder.locate(project.root, path).relative for path in (keep, *others)]
        )
        kept, *others_there = located
        going = list(dict.fromkeys(others_there))
        if kept in going:
            fault = Fault("trash", "has the file that is to be kept", keep)
            raise InvalidFields((fault,))
        batch = str(uuid7())
        mine = curation_at(project.view, kept)
        theirs = [curation_at(project.view, path) for path in going]
        stars, tags, note = merge(
            mine.stars,
            [said.stars for said in theirs],
            {tag for tag, _ in mine.tags},
            [{tag for tag, _ in said.tags} for said in theirs],
            mine.note,
            [said.note for said in theirs],
        )
        if len(note) > MAX_NOTE:
            fault = Fault("trash", f"together the notes have more than {MAX_NOTE} characters")
            raise InvalidFields((fault,))
        said = Say(file_path=kept, stars=stars, add=tuple(sorted(tags)), note=note)
        # First what is said, then the trash: a crash in between loses nothing.
        await self.curator.say_in(project, said, actor, batch)
        report = await self.files.trash(project_path, going, actor, batch)
        return Kept(batch, kept, curation_at(project.view, kept), report.files)

    def moved(self, project: Project, moved: list[tuple[Role, str, str]]) -> None:
        """The service moved files: their hashes move along. Those below a folder are made anew."""
        cache = self._caches.get(project.root)
        pairs = [(old, new) for role, old, new in moved if role is Role.FILE and new]
        if cache is not None and pairs:
            # The cache never fails, so there is nothing to wait for.
            self._moving.submit(cache.moved, pairs)

    def _cache(self, root: Path) -> HashCache:
        """The hashes of a project. Called in threads. Blocks."""
        name = sha256(str(root).encode("utf-8", "surrogateescape")).hexdigest()[:16]
        with self._opening:
            cache = self._caches.get(root)
            if cache is None:
                cache = self._caches[root] = HashCache(self.cache / name)
            return cache

    def close(self) -> None:
        """Stop what is searched, and close the caches; a hanging thread is left behind."""
        for stop in self._stops:
            stop.set()
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._moving.shutdown(wait=True)
        with self._opening:
            for cache in self._caches.values():
                cache.close()
            self._caches.clear()


def _candidates(walk: Walk) -> Iterator[Candidate]:
    """All files of a walk. Blocks."""
    for page in walk.pages():
        folder = f"{page.folder}/" if page.folder else ""
        for file in page.files:
            yield Candidate(folder + file.name, file.size, file.mtime_ns)
