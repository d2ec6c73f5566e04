"""One import of a project: its old stores are read, and what they say becomes events.

The end of each store is recorded last. An import that was cut short begins anew, and passes over
what it had recorded and what people have said meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TypeVar

from attrs import define, evolve, field

from events.curation import TagId
from events.imports import ProjectImported
from events.trash import FileTrashed
from events.views import ViewSaved
from orchestrator.commands.curation import Sighting
from orchestrator.commands.importing import (
    CloseImport,
    ImportFiles,
    ImportTags,
    ImportTrash,
    ImportView,
    Said,
    is_known,
    same_name,
    tag_id,
    tags_by_name,
)
from orchestrator.errors import FileUnreadable, ShareMissing
from orchestrator.gallery.legacy.changes import Changes
from orchestrator.gallery.legacy.grouping import GROUP_EVENTS, groups
from orchestrator.gallery.legacy.left_out import LeftOuts
from orchestrator.gallery.legacy.looking import Absent, Look, Looker, Outside
from orchestrator.gallery.legacy.old_gallery import OldFile, OldGallery, read_gallery
from orchestrator.gallery.legacy.old_trash import InTrash, list_trash, look_into_trash
from orchestrator.gallery.legacy.report import Report, SourceReport
from orchestrator.gallery.legacy.sources import GALLERY, OldStore, read_store, still_there

T = TypeVar("T")
R = TypeVar("R")

#: Files that are looked at before anything is recorded of them.
CHUNK = 512
#: Looks side by side: a share answers many at a time, a disk does not mind.
LANES = 4
#: Trash events in one transaction; paths of 4 KiB, twice, still fit.
TRASH_GROUP = 80

#: Takes how many files are done, and of how many.
Progress = Callable[[int, int], None]


@define
class ImportRun:
    """Takes over the old stores of one project."""

    root: Path
    changes: Changes
    #: Who wanted the import.
    actor: str
    #: Whether a path outside the project, to which a link leads, may be touched.
    permits: Callable[[Path], bool] | None
    progress: Progress
    report: Report
    _done: int = field(init=False, default=0)
    _total: int = field(init=False, default=0)

    @property
    def left(self) -> LeftOuts:
        """What makes no sense."""
        return self.report.left

    async def take(self, name: str) -> None:
        """Take over one old store.

        Raises:
            FileMissing, FileUnreadable, ShareMissing: the share does not answer any more.
            OrchestratorError: the log cannot take it now.
        """
        store = await asyncio.to_thread(read_store, self.root, name)
        own = SourceReport(name, store.size, store.document.fault)
        self.report.sources.append(own)
        if name == GALLERY:
            await self._take_gallery(store, own)
        else:
            await self._take_trash(store, own)
        if own.fault is None:
            told = ProjectImported(
                source=name,
                size=store.size,
                head=store.head,
                counts=dict(sorted(own.counts.items())),
                left_out=self.left.of(name),
            )
            await self.changes.make(CloseImport(imported=told), self.actor)

    async def _take_gallery(self, store: OldStore, own: SourceReport) -> None:
        content = store.document.content
        gallery = await asyncio.to_thread(read_gallery, content, store.name, self.left)
        own.silent = gallery.silent
        self._begin(len(gallery.files))
        await self._take_tags(gallery, own)
        for view in gallery.views:
            saved = ViewSaved(name=view.name, settings=view.settings)
            own.count(await self.changes.make(ImportView(saved=saved)))
        await self._take_files(gallery, own)

    async def _take_tags(self, gallery: OldGallery, own: SourceReport) -> None:
        for some in _chunks(gallery.tags, GROUP_EVENTS):
            command = ImportTags(tags=tuple((tag.name, tag.color) for tag in some))
            own.count(await self.changes.make(command))

    async def _take_files(self, gallery: OldGallery, own: SourceReport) -> None:
        alive = tags_by_name(self.changes.view)
        ids = {
            same_name(t.name): alive.get(same_name(t.name), tag_id(t.name)) for t in gallery.tags
        }
        looker = Looker(self.root, self.permits, self._known)
        # Named in another way than they are spelled. They come last: if a file is named in
        # several ways, the right spelling counts.
        misspelled: list[Said] = []
        for some in _chunks(gallery.files, CHUNK):
            said = [_said(file, ids) for file in some]
            wanted = [one for one in said if not is_known(self.changes.view, one)]
            looks = await _side_by_side(looker.look_at_all, [one.path for one in wanted])
            await self._check_share(own.name, looks)
            right: list[Said] = []
            for one, look in zip(wanted, looks, strict=True):
                seen = self._seen(own.name, one, look)
                if seen is not None:
                    (right if seen.path == one.path else misspelled).append(seen)
            await self._take_said(own, right)
            self._advance(len(some))
        await self._take_said(own, misspelled)

    async def _take_said(self, own: SourceReport, said: Iterable[Said]) -> None:
        for group in groups(said):
            own.count(await self.changes.make(ImportFiles(said=group)))

    def _known(self, path: str) -> tuple[int, int, str] | None:
        view = self.changes.view
        asset = view.asset_at(path)
        known = None if asset is None else view.asset(asset)
        return None if known is None else (known.size, known.mtime, known.head)

    def _seen(self, source: str, said: Said, look: Look) -> Said | None:
        match look:
            case Sighting(path=path):
                return evolve(said, path=path, sighting=look)
            case Outside():
                self.left.add(source, said.path, "a link in its path leads out of the project")
                return None
            case Absent(reason=reason):
                if reason is not None:
                    self.left.add(source, said.path, f"the file cannot be read: {reason}")
                return said

    async def _check_share(self, source: str, looks: Sequence[object]) -> None:
        """If files are missing, see that it is not the share that is missing.

        Raises:
            ShareMissing: it is.
        """
        if any(isinstance(look, Absent | str) for look in looks):
            there = await asyncio.to_thread(still_there, self.root, source)
            if not there:
                raise ShareMissing(str(self.root))

    async def _take_trash(self, store: OldStore, own: SourceReport) -> None:
        trash = store.name.rpartition("/")[0]
        files = await asyncio.to_thread(self._list_trash, trash, store)
        self._begin(len(files))
        for some in _chunks(files, CHUNK):
            looks = await _side_by_side(self._look_into_trash, some)
            await self._check_share(own.name, looks)
            trashed = []
            for file, look in zip(some, looks, strict=True):
                if isinstance(look, FileTrashed):
                    trashed.append(look)
                else:
                    self.left.add(own.name, file.place, f"the file cannot be read: {look}")
            for group in _chunks(trashed, TRASH_GROUP):
                own.count(await self.changes.make(ImportTrash(trashed=tuple(group))))
            self._advance(len(some))

    def _list_trash(self, trash: str, store: OldStore) -> list[InTrash]:
        try:
            return list_trash(self.root, trash, store.document.content, store.name, self.left)
        except OSError as exc:
            raise FileUnreadable.because(self.root / trash, exc) from exc

    def _look_into_trash(self, files: Sequence[InTrash]) -> list[FileTrashed | str]:
        return [look_into_trash(self.root, file) for file in files]

    def _begin(self, count: int) -> None:
        self._total += count
        self.progress(self._done, self._total)

    def _advance(self, count: int) -> None:
        self._done += count
        self.progress(self._done, self._total)


def _said(file: OldFile, ids: dict[str, TagId]) -> Said:
    tags = tuple(ids[same_name(name)] for name in file.tags)
    return Said(file.path, None, file.stars, tags, file.note)


def _chunks(everything: Iterable[T], size: int) -> Iterator[list[T]]:
    rest = iter(everything)
    while chunk := list(islice(rest, size)):
        yield chunk


async def _side_by_side(look: Callable[[list[T]], list[R]], items: list[T]) -> list[R]:
    """What `look` makes of items, in some threads at once; in their order."""
    size = max(1, -(-len(items) // LANES))
    parts = (asyncio.to_thread(look, part) for part in _chunks(items, size))
    return [found for part in await asyncio.gather(*parts) for found in part]
