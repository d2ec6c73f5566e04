"""The share as one host sees it: `DiskIO` over the server, with caches that are stale, and faults.

Every call lets time pass, and may give others a turn, fail, or be the last thing the host does.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Protocol

from attrs import define, field

from events.log.disk_io import Chunk, DiskIO
from tests.simulation.profiles import Profile
from tests.simulation.server import Extent, Inode, Server, remains

#: What a page has.
_PAGE = 4096


class World(Protocol):
    """What happens around a call."""

    #: Milliseconds of true time.
    now: int
    dice: Random

    def enter(self, mount: Mount, call: str, path: str) -> str | None:
        """A call begins: time passes, others have their turn; how it fails, if it does.

        Raises:
            Down: the host ends here.
            OSError: nothing was done.
        """
        ...

    def pause(self, mount: Mount) -> None:
        """In the midst of a call, others have their turn."""
        ...

    def say(self, who: str, text: str) -> None:
        """Something for the trace."""
        ...

    def accuse(self, promise: str, text: str) -> None:
        """A promise was broken."""
        ...


@define(eq=False)
class Handle:
    """An open file of ours."""

    path: str
    inode: Inode
    #: The server's start that it belongs to.
    boot: int
    #: Its size as we believe it, and when we asked.
    size: int = 0
    asked: int = 0
    #: Written by us, and not sent yet; sent, and not synced yet.
    unsent: list[Extent] = field(factory=list)
    unsynced: list[Extent] = field(factory=list)


@define
class _Page:
    at: int
    inode: Inode
    data: bytes


def _error(number: int, path: str) -> OSError:
    return OSError(number, os.strerror(number), path)


class Mount(DiskIO):
    """One host's mount of the share."""

    def __init__(self, host: str, server: Server, profile: Profile, world: World) -> None:
        """`host` is the id that may stand in the names of files that it writes."""
        self.host = host
        self.server = server
        self.profile = profile
        self.world = world
        self.handles: dict[int, Handle] = {}
        self._next = 3
        self._pages: dict[str, _Page] = {}
        self._listed: dict[str, tuple[int, list[str]]] = {}
        self._absent: dict[str, int] = {}

    def copy(self, world: World) -> Mount:
        """The same mount on a cloned machine: same descriptors, same caches, own from now on."""
        twin = Mount(self.host, self.server, self.profile, world)
        twin._next = self._next
        twin._pages = dict(self._pages)
        twin._listed = dict(self._listed)
        twin._absent = dict(self._absent)
        for number, old in self.handles.items():
            twin.handles[number] = Handle(
                old.path, old.inode, old.boot, old.size, old.asked,
                list(old.unsent), list(old.unsynced),
            )  # fmt: skip
        return twin

    # What becomes of a machine.

    def lose_process(self) -> None:
        """The process ends; the machine's kernel writes out what it has."""
        for handle in self.handles.values():
            if handle.boot == self.server.boots and handle.inode.linked:
                self._send(handle)
        self.handles.clear()

    def lose_power(self) -> None:
        """The machine ends; what it has not sent arrives in part at best."""
        for handle in self.handles.values():
            if handle.boot == self.server.boots and handle.inode.linked:
                self._send_in_part(handle)
        self.handles.clear()
        self.forget()

    def forget(self) -> None:
        """No cache holds anything any more."""
        self._pages.clear()
        self._listed.clear()
        self._absent.clear()

    # Changing.

    def create(self, path: Path) -> int:
        where = str(path)
        fails = self.world.enter(self, "create", where)
        self._may_touch(path.name, where)
        if fails == "not done":
            raise _error(self._errno(), where)
        if where in self.server.names:
            raise _error(errno.EEXIST, where)
        inode = self.server.names[where] = Inode(self.host, self.world.now)
        self._absent.pop(where, None)
        self._listed.pop(str(path.parent), None)
        if fails is not None:
            raise _error(self._errno(), where)
        number, self._next = self._next, self._next + 1
        self.handles[number] = Handle(where, inode, self.server.boots, 0, self.world.now)
        return number

    def reopen(self, path: Path) -> int:
        where = str(path)
        if self.world.enter(self, "reopen", where) is not None:
            raise _error(self._errno(), where)
        self._may_touch(path.name, where)
        inode = self._find(where)
        number, self._next = self._next, self._next + 1
        size = len(inode.data)
        self.handles[number] = Handle(where, inode, self.server.boots, size, self.world.now)
        return number

    def write(self, descriptor: int, data: bytes, offset: int) -> None:
        handle = self._handle(descriptor)
        fails = self.world.enter(self, "write", handle.path)
        self._alive(handle)
        if fails == "not done":
            raise _error(self._errno(), handle.path)
        if fails == "half done":
            data = data[: len(data) // 2]
        handle.unsent.append((offset, data))
        handle.size = max(handle.size, offset + len(data))
        if self.profile.through:
            self._arrive(handle)
        elif self.world.dice.random() < 0.2:
            self._send(handle)
        if fails is not None:
            raise _error(self._errno(), handle.path)

    def sync(self, descriptor: int) -> None:
        handle = self._handle(descriptor)
        fails = self.world.enter(self, "sync", handle.path)
        self._alive(handle)
        if fails in {"not done", "half done"}:
            # The kernel drops the pages that it could not write, and the next sync is happy.
            self._send_in_part(handle)
            raise _error(self._errno(), handle.path)
        self._arrive(handle)
        handle.inode.sync()
        handle.unsynced.clear()
        if fails is not None:
            raise _error(self._errno(), handle.path)

    def size(self, descriptor: int) -> int:
        handle = self._handle(descriptor)
        if self.world.enter(self, "size", handle.path) is not None:
            raise _error(self._errno(), handle.path)
        self._alive(handle)
        now = self.world.now
        if now - handle.asked >= self.profile.held or self.world.dice.random() < 0.5:
            data = handle.inode.data
            ends = [offset + len(piece) for offset, piece in handle.unsent]
            handle.size, handle.asked = max([len(data), *ends]), now
        return handle.size

    def close(self, descriptor: int) -> None:
        handle = self._handle(descriptor)
        del self.handles[descriptor]
        fails = self.world.enter(self, "close", handle.path)
        self._alive(handle)
        if fails is not None:
            self._send_in_part(handle)
            raise _error(self._errno(), handle.path)
        self._send(handle)

    def link(self, existing: Path, path: Path) -> None:
        where = str(path)
        if self.world.enter(self, "link", where) is not None:
            raise _error(self._errno(), where)
        if where in self.server.names:
            raise _error(errno.EEXIST, where)
        self.server.names[where] = self._find(str(existing))

    def remove(self, path: Path) -> None:
        where = str(path)
        fails = self.world.enter(self, "remove", where)
        self._may_touch(path.name, where)
        if fails == "not done":
            raise _error(self._errno(), where)
        inode = self.server.names.pop(where, None)
        if inode is not None:
            inode.linked = False
        if fails is not None:
            raise _error(self._errno(), where)

    def make_folder(self, folder: Path) -> None:
        if self.world.enter(self, "make_folder", str(folder)) is not None:
            raise _error(self._errno(), str(folder))

    def sync_folder(self, folder: Path) -> None:
        fails = self.world.enter(self, "sync_folder", str(folder))
        if fails != "not done":
            self.server.sync_names(str(folder))
        if fails is not None:
            raise _error(self._errno(), str(folder))

    # Looking.

    def names(self, folder: Path) -> list[str]:
        where = str(folder)
        if self.world.enter(self, "names", where) is not None:
            raise _error(self._errno(), where)
        now = self.world.now
        known = self._listed.get(where)
        stale = known is not None and now - known[0] < self.profile.listed
        if known is not None and stale and self.world.dice.random() < 0.7:
            return list(known[1])
        names = self.server.listing(where)
        self._listed[where] = (now, names)
        return list(names)

    def modified(self, path: Path) -> int:
        where = str(path)
        if self.world.enter(self, "modified", where) is not None:
            raise _error(self._errno(), where)
        return self._find(where).changed * 1_000_000

    def unwritable(self, folder: Path) -> str | None:
        return None

    def read(self, path: Path, offset: int, limit: int) -> Chunk:
        where = str(path)
        if self.world.enter(self, "read", where) is not None:
            raise _error(self._errno(), where)
        data, size = self._look(where)
        part = data[offset : offset + limit]
        return Chunk(part, max(size, offset + len(part) if part else size))

    def _look(self, where: str) -> tuple[bytes, int]:
        """A file's bytes and size as they are seen when it is opened anew."""
        page, now = self._pages.get(where), self.world.now
        if page is not None and now - page.at < self.profile.reopened:
            size = len(page.inode.data)
            match int(self.world.dice.random() * 6):
                case 0 | 1:
                    return page.data, len(page.data)
                case 2 if size > len(page.data):
                    # The size is new, the page is old: NULs up to its end, then what is there.
                    end = min(-(-len(page.data) // _PAGE) * _PAGE, size)
                    hole = bytes(end - len(page.data))
                    return page.data + hole + page.inode.data[end:], size
                case 3 if size > len(page.data):
                    return page.data, size
                case _:
                    pass
        inode = self._find(where)
        self._pages[where] = _Page(now, inode, inode.data)
        return inode.data, len(inode.data)

    def _find(self, where: str) -> Inode:
        now = self.world.now
        inode = self.server.names.get(where)
        if self._absent.get(where, 0) > now or inode is None:
            if inode is None:
                self._absent[where] = now + self.profile.absent
            raise _error(errno.ENOENT, where)
        return inode

    # How bytes travel.

    def _arrive(self, handle: Handle) -> None:
        """Send what was not sent; the server may know the size before it has the bytes."""
        if handle.unsent and self.world.dice.random() < 0.15:
            end = max(offset + len(piece) for offset, piece in handle.unsent)
            inode = handle.inode
            if end > len(inode.data):
                inode.write((len(inode.data), bytes(end - len(inode.data))))
            self.world.pause(self)
            self._alive(handle)
        self._send(handle)

    def _send(self, handle: Handle) -> None:
        for extent in handle.unsent:
            handle.inode.write(extent)
        if handle.unsent:
            handle.inode.changed = self.world.now
        handle.unsynced += handle.unsent
        handle.unsent.clear()

    def _send_in_part(self, handle: Handle) -> None:
        inode, dice = handle.inode, self.world.dice
        for extent in handle.unsent:
            after = remains(extent, inode.data, dice)
            if after != inode.data:
                offset = extent[0]
                inode.write((offset, after[offset : offset + len(extent[1])]))
        handle.unsent.clear()
        handle.unsynced.clear()

    def _alive(self, handle: Handle) -> None:
        """Look whether the descriptor still leads to the file, on the server as it runs now."""
        if not handle.inode.linked:
            raise _error(errno.ESTALE, handle.path)
        if handle.boot != self.server.boots:
            if not self.profile.reconnects:
                raise _error(errno.ESTALE, handle.path)
            handle.boot = self.server.boots
            handle.unsent = [*handle.unsynced, *handle.unsent]
            handle.unsynced = []

    def _handle(self, descriptor: int) -> Handle:
        handle = self.handles.get(descriptor)
        if handle is None:
            raise _error(errno.EBADF, str(descriptor))
        return handle

    def _may_touch(self, name: str, path: str) -> None:
        if "/log/" in path and f".{self.host}." not in name:
            self.world.accuse("P2", f"{self.host} touches {path}")

    def _errno(self) -> int:
        return ERRNOS[int(self.world.dice.random() * len(ERRNOS))]


#: What shares answer when something goes wrong.
ERRNOS: tuple[int, ...] = (
    errno.EIO, errno.ENOSPC, errno.ESTALE, errno.EDQUOT, errno.EHOSTDOWN, errno.EBADF,
    errno.EACCES, errno.EROFS, errno.ETIMEDOUT,
)  # fmt: skip


def calls() -> Iterable[str]:
    """The calls of `DiskIO` that the model knows."""
    return [name for name in vars(Mount) if not name.startswith("_") and hasattr(DiskIO, name)]
