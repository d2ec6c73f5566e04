"""Files of the same bytes: by size, then by both ends, then whole; each only where needed."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from orchestrator.errors import FileChanging
from orchestrator.gallery.duplicates.alike import Alike, all_of, shared
from orchestrator.gallery.duplicates.cache import Kind
from orchestrator.gallery.duplicates.looking import Looking
from orchestrator.gallery.duplicates.opening import Opened
from orchestrator.gallery.duplicates.report import Candidate
from orchestrator.gallery.fingerprint import END, head_of


def same_content(looking: Looking, files: Sequence[Candidate]) -> list[Alike]:
    """Files of the same bytes; the hash is the sha256 of them all. Blocks."""
    suspects = all_of(shared(files, lambda file: file.size))
    heads = looking.hashes(suspects, Kind.HEAD, read_head)

    def size_and_head(file: Candidate) -> tuple[int, str] | None:
        return (file.size, heads[file.path]) if file.path in heads else None

    suspects = all_of(shared(suspects, size_and_head))
    large = [file for file in suspects if file.size > 2 * END]
    wholes = looking.hashes(large, Kind.WHOLE, read_whole)

    def whole(file: Candidate) -> str | None:
        # The head of a small file is the hash of all of it.
        return (wholes if file.size > 2 * END else heads).get(file.path)

    return [Alike(value, tuple(same)) for value, same in shared(suspects, whole).items()]


def read_head(opened: Opened) -> str:
    """`fingerprint.head` of an open file.

    Raises:
        FileChanging: It ended early.
    """
    if opened.size <= 2 * END:
        first, last = opened.file.read(opened.size), b""
    else:
        first = opened.file.read(END)
        opened.file.seek(opened.size - END)
        last = opened.file.read(END)
    if len(first) + len(last) != min(opened.size, 2 * END):
        raise FileChanging(path=str(opened.file.name))
    return head_of(first, last)


def read_whole(opened: Opened) -> str:
    """The sha256 of an open file.

    Raises:
        FileChanging: It ended early.
    """
    digest, read = sha256(), 0
    for piece in opened.pieces(opened.size):
        digest.update(piece)
        read += len(piece)
    if read != opened.size:
        raise FileChanging(path=str(opened.file.name))
    return digest.hexdigest()
