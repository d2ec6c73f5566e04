"""The one folder into which an examination writes, and that goes away with it. Blocks."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
from contextlib import suppress
from pathlib import Path

from attrs import frozen

from events.ids import ALPHABET, base32

_PREFIX, _LENGTH = "doctor-", 16
_NAME = re.compile(rf"doctor-[{ALPHABET}]{{{_LENGTH}}}")
#: A share may show what was deleted for a while, or keep files that another host has open.
_PATIENCE, _PAUSE = 5.0, 0.2


@frozen
class Scratch:
    """A folder of our own in a project's `.gallery`."""

    folder: Path
    #: Whether `.gallery` is there for examinations only, and goes with the last of them.
    made_gallery: bool

    @classmethod
    def make(cls, gallery: Path) -> Scratch:
        """Make it.

        Raises:
            OSError: the share does not let us.
        """
        folder = gallery / f"{_PREFIX}{base32(secrets.randbits(5 * _LENGTH), _LENGTH)}"
        made = not gallery.is_dir() or _is_doctors(gallery)
        gallery.mkdir(exist_ok=True)
        try:
            folder.mkdir()
        except OSError:
            _remove_if_made(gallery, made=made)
            raise
        return cls(folder, made)

    def remove(self) -> None:
        """Remove it with all that is in it, and `.gallery` if it is as we made it.

        Raises:
            OSError: something of it stays.
        """
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                shutil.rmtree(self.folder)
            except FileNotFoundError:
                if not self.folder.exists():
                    break
            except OSError:
                if time.monotonic() > until:
                    raise
            else:
                break
            time.sleep(_PAUSE)
        _remove_if_made(self.folder.parent, made=self.made_gallery)


def _remove_if_made(gallery: Path, *, made: bool) -> None:
    if made:
        with suppress(OSError):  # somebody has begun to use it: then it is theirs
            gallery.rmdir()


def _is_doctors(gallery: Path) -> bool:
    """Whether other examinations are all that is in it. An empty one is somebody else's."""
    names = os.listdir(gallery)  # noqa: PTH208  # names only
    return bool(names) and all(map(is_scratch, names))


def is_scratch(name: str) -> bool:
    """Whether a name in `.gallery` is that of an examination's folder."""
    return _NAME.fullmatch(name) is not None
