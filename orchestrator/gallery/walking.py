"""Going through a folder and all below it, one folder at a time. Blocks where it says so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from attrs import define, field, frozen

from orchestrator.errors import FileMissing
from orchestrator.gallery import listing
from orchestrator.gallery.curating import Curation
from orchestrator.gallery.listing import FileStat, Skipped, TreeNode
from orchestrator.gallery.media import media_type, suffix
from orchestrator.gallery.natural import natural_key
from orchestrator.gallery.reading import reading


class Listed(NamedTuple):
    """A file of a project, with what is said of it."""

    #: Relative to the project, with `/`.
    relative: str
    #: Absolute.
    path: str
    file: FileStat
    curation: Curation
    #: In pixels, if known.
    width: int | None = None
    height: int | None = None


@frozen
class Page:
    """The files of one folder, or those of them that are wanted."""

    #: Relative to the project; "" is the project itself.
    folder: str
    files: list[FileStat]


Join = Callable[[Page], Awaitable[list[Listed]]]


async def _nobody(_page: Page) -> list[Listed]:
    """For walks that only count."""
    return []


@define(eq=False)
class Walk:
    """One walk, from where the last one ended, as far as wanted."""

    root: Path
    top: TreeNode
    #: Joins files with what is said of them. On the event loop.
    listed: Join = _nobody
    limit: int | None = None
    #: Path of the last file of the page before.
    after: str | None = None
    #: Where to go on; None at the end. Known when all pages were taken.
    cursor: str | None = None
    skipped: list[Skipped] = field(factory=list)

    def pages(self) -> Iterator[Page]:
        """The folders with their files. Blocks.

        Raises:
            FileUnreadable: the share does not let us look into a folder.
        """
        left, last = self.limit, None
        for folder in self._folders():
            try:
                with reading(self.root / folder):
                    files = listing.list_folder(self.root / folder)
            except FileMissing:
                continue  # it went while we walked
            files = self._wanted(folder, files)
            if left is not None and len(files) > left:
                self.cursor = _joined(folder, files[left - 1].name) if left else last
                if left:
                    yield Page(folder, files[:left])
                return
            if left is not None:
                left -= len(files)
            if files:
                last = _joined(folder, files[-1].name)
                yield Page(folder, files)

    def _folders(self) -> Iterator[str]:
        """Folders from where the page before ended, each before those in it.

        That one may be gone by now; those that come after it are not passed over.
        """
        begin = None if self.after is None else _place_of(self.after.rpartition("/")[0])
        for node in _all(self.top):
            folder = "" if node.relative == "." else node.relative
            if begin is None or _place_of(folder) >= begin:
                yield folder

    def _wanted(self, folder: str, files: list[FileStat]) -> list[FileStat]:
        if self.after is None or folder != self.after.rpartition("/")[0]:
            return files
        key = natural_key(self.after.rpartition("/")[2])
        return [file for file in files if natural_key(file.name) > key]


def _all(node: TreeNode) -> Iterator[TreeNode]:
    yield node
    for child in node.children:
        yield from _all(child)


def _place_of(folder: str) -> tuple[str, ...]:
    """Sorts folders as a walk meets them."""
    return tuple(natural_key(part) for part in folder.split("/")) if folder else ()


def _joined(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


@frozen(kw_only=True)
class Stats:
    """How much lies in a folder."""

    file_count: int
    #: Bytes.
    total_size: int
    image_count: int
    video_count: int
    audio_count: int
    folder_count: int
    by_extension: dict[str, int]


def stats(pages: Iterator[Page], folder_count: int) -> Stats:
    """Count what pages hold. Blocks, as they do."""
    kinds: Counter[str] = Counter()
    extensions: Counter[str] = Counter()
    files = size = 0
    for page in pages:
        for file in page.files:
            kind = media_type(file.name)
            kinds[kind.kind if kind else "image"] += 1
            extensions[suffix(file.name)] += 1
            size += file.size
        files += len(page.files)
    return Stats(
        file_count=files,
        total_size=size,
        image_count=kinds["image"],
        video_count=kinds["video"],
        audio_count=kinds["audio"],
        folder_count=folder_count,
        by_extension=dict(sorted(extensions.items())),
    )


def count_folders(node: TreeNode) -> int:
    """Folders in a folder, at any depth."""
    return sum(1 + count_folders(child) for child in node.children)
