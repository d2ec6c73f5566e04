"""Mounts the hostile share: `python -m tests.hostile BACK MOUNT SEED`, until it is unmounted."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable
from random import Random

import mfusepy

from tests.hostile.sharefs import ShareFS
from tests.hostile.weather import Dice


class _Mounted(mfusepy.FUSE):  # type: ignore[misc]  # mfusepy tells no types
    """FUSE with a rename that refuses flags, as NFS and SMB do; mfusepy would ignore them."""

    def rename_fuse_3(self, old: bytes, new: bytes, flags: int) -> int:
        if flags:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        rename: Callable[[bytes, bytes], int] = self.rename_fuse_2
        return rename(old, new)


def main(back: str, mount: str, seed: str) -> None:
    """Be the file system until it is unmounted. Nothing is cached by this machine's kernel."""
    _Mounted(
        ShareFS(back, Dice(Random(int(seed)))),
        mount,
        foreground=True,
        fsname="hostile-share",
        attr_timeout=0,
        entry_timeout=0,
        negative_timeout=0,
        direct_io=True,
        use_ino=True,
        hard_remove=True,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
