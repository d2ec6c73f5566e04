"""The server's side of the share: what it serves, and what would be left after its power went."""

from __future__ import annotations

from random import Random

from attrs import define, field

#: Bytes at an offset.
Extent = tuple[int, bytes]


def overlay(data: bytes, extent: Extent) -> bytes:
    """`data` with an extent written over it; what was never written between is NULs."""
    offset, piece = extent
    if offset == len(data):
        return data + piece
    if offset > len(data):
        return data + bytes(offset - len(data)) + piece
    return data[:offset] + piece + data[offset + len(piece) :]


def remains(extent: Extent, data: bytes, dice: Random) -> bytes:
    """`data` with what is left of an extent that nobody synced: all, nothing, a half, only NULs."""
    offset, piece = extent
    fate = int(dice.random() * 4)
    if fate == 0:
        return data
    if fate == 1:
        return overlay(data, extent)
    if fate == 2:
        return overlay(data, (offset, piece[: int(dice.random() * len(piece))]))
    return data if offset < len(data) else overlay(data, (offset, bytes(len(piece))))


@define(eq=False)
class Inode:
    """A file."""

    #: Id of the host that created it.
    owner: str
    #: When, and when its bytes last changed, in milliseconds.
    changed: int
    #: What is served, and what is on the disk.
    data: bytes = b""
    stable: bytes = b""
    #: What was written since the last sync, in order.
    pending: list[Extent] = field(factory=list)
    #: Whether it still has a name.
    linked: bool = True

    def write(self, extent: Extent) -> None:
        """Take bytes in; they are served, and not yet on the disk."""
        self.data = overlay(self.data, extent)
        self.pending.append(extent)

    def sync(self) -> None:
        """Everything is on the disk."""
        self.stable = self.data
        self.pending.clear()


@define
class Snapshot:
    """The disk of the server as it was."""

    files: dict[str, tuple[Inode, bytes]]


@define(eq=False)
class Server:
    """One flat space of names; a folder is what stands before the last slash."""

    #: Names as they are served, and those that are on the disk.
    names: dict[str, Inode] = field(factory=dict)
    stable_names: dict[str, Inode] = field(factory=dict)
    #: Number of its starts: descriptors of an earlier one are stale, or sent again.
    boots: int = 0

    def listing(self, folder: str) -> list[str]:
        """Names in a folder."""
        begin = len(folder) + 1
        inside = folder + "/"
        return [path[begin:] for path in self.names if path.startswith(inside)]

    def sync_names(self, folder: str) -> None:
        """The names in a folder are on the disk."""
        inside = folder + "/"
        for path in [path for path in self.stable_names if path.startswith(inside)]:
            if path not in self.names:
                del self.stable_names[path]
        for path, inode in self.names.items():
            if path.startswith(inside):
                self.stable_names[path] = inode

    def power_cut(self, dice: Random) -> None:
        """What was not synced is lost, kept or torn, each write and each name for itself."""
        self.boots += 1
        survived = dict(self.stable_names)
        for path, inode in self.names.items():
            if path not in survived and dice.random() < 0.5:
                survived[path] = inode
        for inode in self.names.values():
            data = inode.stable
            for extent in inode.pending:
                data = remains(extent, data, dice)
            inode.data = inode.stable = data
            inode.pending.clear()
        self._install(survived)

    def snapshot(self) -> Snapshot:
        """What is on the disk."""
        return Snapshot({path: (node, node.stable) for path, node in self.stable_names.items()})

    def roll_back(self, past: Snapshot, *, same_files: bool) -> None:
        """Put an earlier disk back.

        With `same_files` descriptors still lead to them, else all are new files.
        """
        files: dict[str, Inode] = {}
        for path, (node, data) in past.files.items():
            inode = node if same_files else Inode(node.owner, node.changed)
            inode.data = inode.stable = data
            inode.pending.clear()
            files[path] = inode
        self.boots += 1
        self._install(files)

    def contents(self) -> dict[str, bytes]:
        """What is on the disk, by path."""
        return {path: inode.stable for path, inode in self.stable_names.items()}

    def _install(self, files: dict[str, Inode]) -> None:
        for path, inode in self.names.items():
            if files.get(path) is not inode:
                inode.linked = False
        self.names = dict(files)
        self.stable_names = dict(files)
        for inode in files.values():
            inode.linked = True
