"""The first and the last line of a segment: they say whose it is, where it begins and ends. Pure.

Each carries its own hash and stands outside the chain of records.
"""

from __future__ import annotations

from typing import Any

import orjson
from attrs import frozen

from events.codec import FORMAT_VERSION, LineError, check_record, close, parse

_HEADER = b'{"seg":'
_SEAL = b'{"seal":'


@frozen
class Header:
    """First line of a segment."""

    segment: int
    writer: str
    host: str
    project: str
    #: Sequence of the first record here, and the `k` before it.
    base: int
    previous: bytes
    #: When it was opened, ISO 8601: for people only.
    opened: str

    def encode(self) -> bytes:
        """The line, with its newline."""
        return _encode(
            {
                "seg": self.segment,
                "writer": self.writer,
                "host": self.host,
                "project": self.project,
                "fmt": FORMAT_VERSION,
                "base": self.base,
                "prev": self.previous.decode(),
                "at": self.opened,
            }
        )

    @classmethod
    def decode(cls, line: bytes) -> Header:
        """Read a header line (without newline).

        Raises:
            LineError: it is none, or damaged.
        """
        document = _decode(line, _HEADER)
        if _integer(document, "fmt") != FORMAT_VERSION:
            told = f"it has format {document['fmt']}; this program reads {FORMAT_VERSION}"
            raise LineError(told)
        header = cls(
            _integer(document, "seg"),
            _text(document, "writer"),
            _text(document, "host"),
            _text(document, "project"),
            _integer(document, "base"),
            _text(document, "prev").encode(),
            str(document.get("at", "")),
        )
        if header.base < 1:
            raise LineError(f"it begins with record {header.base}")
        return header


@frozen
class Seal:
    """Last line of a closed segment."""

    segment: int
    #: Sequence of the last record here, and how many records there are.
    last: int
    count: int
    #: Length of the file before the seal, and its sha256.
    size: int
    sha256: str
    #: Number of the next segment; None if the writer closed its log.
    next: int | None

    def encode(self) -> bytes:
        """The line, with its newline."""
        return _encode(
            {
                "seal": self.segment,
                "last": self.last,
                "n": self.count,
                "bytes": self.size,
                "sha": self.sha256,
                "next": self.next,
            }
        )

    @classmethod
    def decode(cls, line: bytes) -> Seal:
        """Read a seal line (without newline).

        Raises:
            LineError: it is none, or damaged.
        """
        document = _decode(line, _SEAL)
        return cls(
            _integer(document, "seal"),
            _integer(document, "last"),
            _integer(document, "n"),
            _integer(document, "bytes"),
            _text(document, "sha"),
            None if document.get("next") is None else _integer(document, "next"),
        )


def is_seal(line: bytes) -> bool:
    """Whether a line claims to be a seal."""
    return line.startswith(_SEAL)


def _encode(document: dict[str, Any]) -> bytes:
    return close(orjson.dumps(document)[:-1])


def _decode(line: bytes, first: bytes) -> dict[str, Any]:
    if not line.startswith(first):
        raise LineError("it begins like another line")
    check_record(line, b"")
    return parse(line)


def _integer(document: dict[str, Any], name: str) -> int:
    value = document.get(name)
    if value.__class__ is not int:
        raise LineError(f"{name} is {value!r:.50}, not a number")
    return int(value)


def _text(document: dict[str, Any], name: str) -> str:
    value = document.get(name)
    if value.__class__ is not str:
        raise LineError(f"{name} is {value!r:.50}, not a text")
    return str(value)
