"""A disk under a project's log that can become full or stand still."""

from __future__ import annotations

import asyncio
import errno
import os
import threading

from events.log.disk_io import DiskIO
from events.log.folder import FolderLog
from events.log.format_file import load
from tests.http.studio import Service


class Disk(DiskIO):
    """A disk that can become full or stand still."""

    def __init__(self) -> None:
        self.full = False
        self.syncing = threading.Event()
        self.release = threading.Event()
        self.release.set()

    def write(self, descriptor: int, data: bytes, offset: int) -> None:
        if self.full:
            super().write(descriptor, data[: len(data) // 2], offset)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        super().write(descriptor, data, offset)

    def sync(self, descriptor: int) -> None:
        super().sync(descriptor)
        self.syncing.set()
        assert self.release.wait(60)


async def on_disk(service: Service) -> Disk:
    """Make a log for the project, and let it go on on a disk of ours."""
    await service.make_tag("first")
    opened = await service.opened()
    assert opened.log is not None
    await asyncio.to_thread(opened.log.close)
    gallery = service.project / ".gallery"
    told = load(gallery)
    assert told is not None
    disk = Disk()
    opened.log = FolderLog(gallery, told, opened.host.id, disk=disk)
    await opened.follow()
    return disk
