"""Which content lies at a path, remembered, so that a file need not be read to know it again."""

from __future__ import annotations

import threading
from collections import OrderedDict

from attrs import define, field

from orchestrator.gallery.thumbnails.making import Source

#: Files that are remembered: some 20 MB.
MOST = 50_000


@define(eq=False)
class Identities:
    """The fingerprints of files as they were seen: another size or time is another file.

    Any thread may ask. The least recently used are forgotten first.
    """

    most: int = MOST
    _heads: OrderedDict[tuple[str, int, int], str] = field(factory=OrderedDict)
    _lock: threading.Lock = field(factory=threading.Lock)

    def get(self, seen: Source) -> str | None:
        """The fingerprint of a file that was seen just so before."""
        key = _key(seen)
        with self._lock:
            head = self._heads.get(key)
            if head is not None:
                self._heads.move_to_end(key)
        return head

    def put(self, seen: Source, head: str) -> None:
        """Remember a fingerprint."""
        with self._lock:
            self._heads[_key(seen)] = head
            if len(self._heads) > self.most:
                self._heads.popitem(last=False)


def _key(seen: Source) -> tuple[str, int, int]:
    return str(seen.path), seen.size, seen.mtime_ns
