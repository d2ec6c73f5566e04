"""How a folder is mounted, read from what Linux tells in `/proc/self/mountinfo`. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import PurePosixPath

from attrs import frozen


class Kind(StrEnum):
    """What lies behind a mount, as far as the log cares."""

    SMB = "smb"
    NFS = "nfs"
    #: A program on this host plays a file system.
    FUSE = "fuse"
    #: A folder that a virtual machine shares with its host.
    GUEST = "guest"
    #: A file system of several servers (Ceph, Lustre and such).
    CLUSTER = "cluster"
    #: In memory: gone with the next start.
    MEMORY = "memory"
    #: The upper layer of a container.
    OVERLAY = "overlay"
    LOCAL = "local"

    @property
    def crosses_hosts(self) -> bool:
        """Whether other hosts may see the same files."""
        return self not in {Kind.MEMORY, Kind.OVERLAY, Kind.LOCAL}


_KINDS = {
    **dict.fromkeys(("cifs", "smb3", "smbfs"), Kind.SMB),
    **dict.fromkeys(("nfs", "nfs4"), Kind.NFS),
    **dict.fromkeys(("9p", "virtiofs", "vboxsf", "prl_fs", "vmhgfs"), Kind.GUEST),
    **dict.fromkeys(("ceph", "lustre", "gfs2", "ocfs2", "gpfs", "beegfs", "afs"), Kind.CLUSTER),
    **dict.fromkeys(("tmpfs", "ramfs"), Kind.MEMORY),
    "overlay": Kind.OVERLAY,
    "fuse": Kind.FUSE,
}


@frozen
class Mount:
    """One mount."""

    point: str
    #: `cifs`, `nfs4`, `fuse.rclone`.
    type: str
    #: What is mounted: `//nas/films`, `nas:/films`, `/dev/sda1`.
    source: str
    #: Options of the mount and of the file system, those without a value with "".
    options: Mapping[str, str]

    @property
    def kind(self) -> Kind:
        """What lies behind it."""
        if self.type.startswith("fuse."):
            return Kind.FUSE
        return _KINDS.get(self.type, Kind.LOCAL)


def parse(text: str) -> list[Mount]:
    """All mounts, in their order. Lines that are none are passed over."""
    return [mount for line in text.splitlines() if (mount := _mount(line)) is not None]


def _mount(line: str) -> Mount | None:
    # 36 35 98:0 /root /point rw,noatime shared:1 - type source rw,errors=continue
    head, dash, tail = line.partition(" - ")
    first, last = head.split(" "), tail.split(" ")
    if not dash or len(first) < 6 or len(last) < 2:
        return None
    options = {**_options(last[2] if len(last) > 2 else ""), **_options(first[5])}
    # Of a file system that is read-only, each mount is, whatever it says itself.
    if "ro" in _options(last[2] if len(last) > 2 else ""):
        options["ro"] = ""
    if "ro" in options:
        options.pop("rw", None)
    return Mount(_plain(first[4]), _plain(last[0]), _plain(last[1]), options)


def _options(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(",") if part)
    return {name: _plain(value) for name, _, value in pairs}


def _plain(text: str) -> str:
    r"""Blanks and such are written as `\040`."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)


def mount_of(path: str, mounts: Iterable[Mount]) -> Mount | None:
    """The mount in which an absolute, resolved path lies.

    Where something was mounted over something else, the last is what one sees.
    """
    place = PurePosixPath(path)
    found: Mount | None = None
    for mount in mounts:
        if not place.is_relative_to(mount.point):
            continue
        if found is None or len(mount.point) >= len(found.point):
            found = mount
    return found
