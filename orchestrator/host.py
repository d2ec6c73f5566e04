"""Who this host is: a stable id and a name, kept on its local disk."""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path

import orjson
from attrs import frozen

from events.ids import base32
from orchestrator.errors import ConfigInvalid, Fault

_ID_LENGTH = 12


@frozen
class Host:
    """This machine, as the logs know it."""

    #: 12 letters and digits; part of the names of log files.
    id: str
    #: For people.
    name: str


def load_host(data_dir: Path) -> Host:
    """Read `host.json`, or make it at the first start.

    Ownership of jobs goes by this id, so a damaged file is not replaced by a new identity.

    Raises:
        ConfigInvalid: the file is there and cannot be used, or the folder cannot be written.
    """
    path = data_dir / "host.json"
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            fresh = {"id": base32(secrets.randbits(60), _ID_LENGTH), "name": socket.gethostname()}
            write_whole(path, orjson.dumps(fresh, option=orjson.OPT_APPEND_NEWLINE))
        document = orjson.loads(path.read_bytes())
        return Host(document["id"], document["name"])
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError) as exc:
        fault = Fault("data_dir", f"the host's identity cannot be read or made: {exc!r}")
        raise ConfigInvalid(str(path), (fault,)) from exc


def write_whole(path: Path, data: bytes) -> None:
    """Replace a file on local disk: after a power cut the old or the new one is there, whole.

    Raises:
        OSError: the disk refuses; the old file is as it was.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
