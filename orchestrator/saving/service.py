"""Saving pictures that clients name or send into folders of the share."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
from attrs import define, field

from events.log.disk_io import DiskIO
from orchestrator.comfyui.fetching import write_new
from orchestrator.comfyui.transport import DEFAULT_TIMEOUTS, Timeouts, Transport
from orchestrator.errors import ImageUnusable
from orchestrator.gallery.reading import reading
from orchestrator.paths.roots import Roots
from orchestrator.saving import kinds, place
from orchestrator.saving.data_url import decoded
from orchestrator.saving.drafts import discard, draft_in, write, writing
from orchestrator.saving.place import Folder, Placed
from orchestrator.saving.source import chunks, source_of
from orchestrator.scheduling.fleet import Fleet

#: Most bytes of a picture or video that is saved.
MAX_BYTES = 256 * 1024 * 1024

Stage = Callable[[Path], Awaitable[None]]


@define(eq=False)
class ImageSaver:
    """Saves pictures, videos and sounds under names that nobody has.

    A file is fetched or decoded under a hidden name, looked at, and only then given its own: what
    has the name is whole, and of the kind that the name says.
    """

    roots: Roots
    fleet: Fleet
    session: aiohttp.ClientSession
    timeouts: Timeouts = DEFAULT_TIMEOUTS
    #: Most bytes of a file.
    limit: int = MAX_BYTES
    disk: DiskIO = field(factory=DiskIO)

    async def from_backend(
        self, image_url: str, folder_path: str, filename: str, metadata: dict[str, Any] | None
    ) -> Placed:
        """Fetch a file from a registered backend, and save it; `metadata` goes beside it.

        Raises:
            ImageSourceRefused: the URL is none of a registered backend, or leads on from there.
            BackendUnreachable, BackendRefused, OutputMissing: the backend does not give it out.
            ImageTooLarge, ImageUnusable: it is too large, or not what its name says.
            PathInvalid, PathNotPermitted, FileMissing: the folder or name cannot be used.
            FileUnreadable, FileNotWritten: the share refuses.
        """
        name = place.media_name(filename)
        source = source_of(image_url, [backend.config for backend in self.fleet.all()])
        http = Transport(self.session, source.backend.url, source.backend.id, self.timeouts)

        async def fetch(draft: Path) -> None:
            await write_new(draft, chunks(http, source, name, self.limit))

        about = None if metadata is None else place.encoded(metadata)
        return await self._save(folder_path, name, about, fetch)

    async def from_data_url(self, data_url: str, folder_path: str, filename: str) -> Placed:
        """Save a picture that was sent as text.

        Raises:
            ImageTooLarge, ImageUnusable: it is too large, no picture, or not what its name says.
            PathInvalid, PathNotPermitted, FileMissing: the folder or name cannot be used.
            FileUnreadable, FileNotWritten: the share refuses.
        """
        name = place.picture_name(filename)
        data = await asyncio.to_thread(decoded, name, data_url, self.limit)

        async def unpack(draft: Path) -> None:
            await asyncio.to_thread(write, draft, data, self.disk)

        return await self._save(folder_path, name, None, unpack)

    async def _save(self, folder_path: str, name: str, about: bytes | None, stage: Stage) -> Placed:
        folder = await asyncio.to_thread(self._folder, folder_path)
        draft = draft_in(folder.staging)
        with writing(folder.path / name):
            try:
                await stage(draft)
                return await asyncio.to_thread(self._place, draft, folder, name, about)
            finally:
                await asyncio.to_thread(discard, draft)

    def _folder(self, folder_path: str) -> Folder:
        with reading(folder_path):
            return place.folder_for(self.roots, folder_path)

    def _place(self, draft: Path, folder: Folder, name: str, about: bytes | None) -> Placed:
        fault = kinds.fault(draft, name)
        if fault is not None:
            raise ImageUnusable(name, fault)
        return place.settle(draft, folder.path, name, about, self.disk)
