"""An asset's identity: the same id on every host that sees the same file.

`head` reads the disk; `head_of`, `canonical_path` and `asset_id` are pure, and promises of the
log's format: change them, and every star in every project loses its picture.
"""

from __future__ import annotations

import os
import unicodedata
from hashlib import sha256
from pathlib import Path

from orchestrator.errors import FileChanging

#: Bytes read from either end of a file.
END = 64 * 1024


def head(path: Path, size: int) -> str:
    """The sha256, in hex, of a file's first and last 64 KiB.

    A file of at most 128 KiB is hashed whole, each byte once. Blocking.

    Args:
        path: The file.
        size: Its size in bytes as listed; the hash only means something together with it.

    Raises:
        FileChanging: The file is not that size, so somebody is writing it.
        OSError: It cannot be read.
    """
    with path.open("rb", buffering=0) as file:
        if os.fstat(file.fileno()).st_size != size:
            raise FileChanging(path=str(path))
        whole = size <= 2 * END
        first = _read(file.fileno(), size if whole else END)
        if not whole:
            file.seek(size - END)
        last = b"" if whole else _read(file.fileno(), END)
    if len(first) + len(last) != min(size, 2 * END):
        raise FileChanging(path=str(path))
    return head_of(first, last)


def head_of(first: bytes, last: bytes = b"") -> str:
    """The sha256, in hex, of the two ends of a file, or of a small file's whole content.

    Args:
        first: The whole file if it has at most 128 KiB, else its first 64 KiB.
        last: Nothing for a small file, else its last 64 KiB.
    """
    return sha256(first + last).hexdigest()


def asset_id(relative: str, size: int, head: str, nth: int = 1) -> str:
    r"""The id of an asset: the first 32 hex digits of the sha256 of `path\nsize\nhead` in UTF-8.

    Args:
        relative: The path below the project at first sight, with `/` (`paths.roots.relative`).
        size: In bytes, written in decimal.
        head: From `head` or `head_of`.
        nth: From 2 on, `\n` and this number follow: the same bytes have come to the same path
            before, and the asset of then has gone elsewhere.
    """
    text = f"{canonical_path(relative)}\n{size}\n{head}"
    if nth > 1:
        text += f"\n{nth}"
    return sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def canonical_path(relative: str) -> str:
    """A relative path as all hosts agree on it: NFC, `/` between names. For identity only.

    Characters that Windows shares cannot hold are stored as private-use ones, which some clients
    show as they are and others turn back; here they are turned back (Linux `fs/smb/client`:
    `mapposix` and `mapchars`).
    """
    return unicodedata.normalize("NFC", relative.translate(_PRIVATE_USE))


#: Services for Mac (U+F020 and following) and Services for Unix (U+F000 plus the character).
_PRIVATE_USE = {
    **{0xF020 + index: char for index, char in enumerate('"*:<>?')},
    0xF027: "|",
    0xF028: " ",
    0xF029: ".",
    **{0xF000 + ord(char): char for char in "*:<>?|"},
}


def _read(descriptor: int, size: int) -> bytes:
    """Up to `size` bytes; fewer only at the end of the file."""
    parts = []
    while size > 0 and (part := os.read(descriptor, size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
