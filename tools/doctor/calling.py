"""How an examination finds an assistant on another host: by folders on the share. Blocks."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tools.doctor.assistant import Assistant
from tools.doctor.letters import written
from tools.doctor.scratch import Scratch, is_scratch
from tools.doctor.second import Second
from tools.doctor.share import Share

#: The file that says that an assistant waits, and what the names of calls begin with.
_WAITS, _CALL = "assistant", "call-"
#: Where, in the folder of an examination, it speaks with an assistant elsewhere.
_THERE = "there"
#: How often an assistant looks whether it is called (seconds).
_PACE = 0.2


class NobodyCalledError(Exception):
    """No examination wanted an assistant."""


def assist(
    gallery: Path,
    share: Share,
    stop: threading.Event,
    *,
    patience: float,
    called: Callable[[], None] = lambda: None,
) -> None:
    """Wait for an examination on another host, and assist it until it is over.

    Raises:
        NobodyCalledError: none came within `patience` seconds.
        OSError: the share fails, or the examination went away in the middle.
    """
    scratch = Scratch.make(gallery)
    try:
        share.write_file(scratch.folder / _WAITS, written({"host": socket.gethostname()}))
        folder = _wait_for_call(scratch.folder, share, stop, patience)
        if folder is not None:
            called()
            Assistant(gallery / folder / _THERE, share, stop).run()
    finally:
        scratch.remove()


def _wait_for_call(
    folder: Path, share: Share, stop: threading.Event, patience: float
) -> str | None:
    """The name of the examination's folder; None if we are to stop."""
    until = time.monotonic() + patience
    while not stop.wait(_PACE):
        for name in share.names(folder):
            if name.startswith(_CALL) and is_scratch(name.removeprefix(_CALL)):
                return name.removeprefix(_CALL)
        if time.monotonic() > until:
            raise NobodyCalledError(f"no examination began within {patience:.0f} s")
    return None


def waiting_assistants(gallery: Path, share: Share) -> list[Path]:
    """Folders of assistants that wait for a call, or were cut off while they did."""
    folders = (gallery / name for name in sorted(share.names(gallery)) if is_scratch(name))
    return [folder for folder in folders if _WAITS in share.names(folder)]


@contextmanager
def called_elsewhere(waiting: Path, folder: Path, share: Share) -> Iterator[Second]:
    """The assistant that waits in a folder, called to that of an examination."""
    place = folder / _THERE
    share.make_folder(place)
    share.write_file(waiting / f"{_CALL}{folder.name}", b"")
    yield Second(place, share, here=False)
