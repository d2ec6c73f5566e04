"""Where the bytes of every state are kept: `.gallery/states/<sha256>.json.gz`. Methods block."""

from __future__ import annotations

import gzip
import zlib
from contextlib import suppress
from pathlib import Path

from attrs import field, frozen

from events.log.disk_io import DiskIO
from orchestrator.errors import FileMissing, StateUnknown, StateUnreadable
from orchestrator.gallery.place import put_in_place
from orchestrator.gallery.reading import reading
from orchestrator.saving.drafts import discard, write_draft
from orchestrator.states.document import MAX_BYTES, digest

#: Fast; states are full of paths and repeat themselves, so the best would hardly be smaller.
_LEVEL = 3


@frozen
class Vault:
    """The kept states of one project."""

    #: The project's folder.
    root: Path
    disk: DiskIO = field(factory=DiskIO)

    @property
    def folder(self) -> Path:
        """Where they lie."""
        return self.root / ".gallery" / "states"

    def place(self, sha256: str) -> Path:
        """The file of a state."""
        return self.folder / f"{sha256}.json.gz"

    def keep(self, data: bytes) -> None:
        """Keep bytes for ever; they are durable when this returns.

        The project's own folder is not made: a share that is not mounted must stay empty.

        Raises:
            OSError: the share refuses.
        """
        for folder in (self.folder.parent, self.folder):
            with suppress(FileExistsError):
                folder.mkdir()
                self.disk.sync_folder(folder.parent)
        sha256 = digest(data)
        draft = write_draft(self.folder, gzip.compress(data, _LEVEL, mtime=0), self.disk)
        try:
            put_in_place(draft, self.place(sha256), self.disk)
        except FileExistsError:
            # Where there are no hard links, a crash may have left the name with nothing in it.
            if not self._holds(sha256):
                draft.replace(self.place(sha256))
                self.disk.sync_folder(self.folder)
        finally:
            discard(draft)

    def _holds(self, sha256: str) -> bool:
        return digest(self._unpacked(sha256)) == sha256

    def fetch(self, file: str, sha256: str) -> bytes:
        """The bytes of a kept state.

        Args:
            file: Which file it was in, for what is said if it is not there.
            sha256: Of its bytes.

        Raises:
            StateUnknown: it was never kept.
            StateUnreadable: what was kept is damaged.
            FileUnreadable: the share does not answer.
        """
        place = self.place(sha256)
        try:
            with reading(place):
                data = self._unpacked(sha256)
        except FileMissing as exc:
            raise StateUnknown(file, f"with the sha256 {sha256}") from exc
        if digest(data) != sha256:
            raise StateUnreadable(str(place), "it is damaged")
        return data

    def _unpacked(self, sha256: str) -> bytes:
        """The bytes, or what there is of them; never more than a state may have."""
        packed = self.disk.read(self.place(sha256), 0, MAX_BYTES).data
        unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        try:
            return unpacker.decompress(packed, MAX_BYTES)
        except zlib.error:
            return b""
