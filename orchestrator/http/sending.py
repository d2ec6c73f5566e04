"""A file as an answer: whole, in part, or a mere 304 to a client that has it (RFC 9110).

aiohttp's own file response is not used: it sends `picture.png.gz` for `picture.png` if one lies
there, and makes refusals of its own that are no JSON.
"""

from __future__ import annotations

import asyncio
import os
import re
import stat
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from io import FileIO
from pathlib import Path
from typing import Final

from aiohttp import hdrs, web
from attrs import frozen

from orchestrator.errors import FileMissing
from orchestrator.gallery.reading import reading

#: Bytes that are read and sent at a time.
CHUNK: Final = 1 << 18

_RANGE: Final = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")
#: Not blocking: a named pipe must not hang a thread.
_FLAGS: Final = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


@frozen
class Version:
    """What tells a client whether its copy is still good."""

    size: int
    #: Nanoseconds since 1970.
    mtime: int

    @property
    def tag(self) -> str:
        """The ETag, without its quotes."""
        return f"{self.mtime:x}-{self.size:x}"

    @property
    def modified(self) -> datetime:
        """The time of its last change, in whole seconds, as HTTP has it."""
        return datetime.fromtimestamp(self.mtime // 1_000_000_000, UTC)


@frozen
class Span:
    """Bytes of a file: from `start` up to, but without, `end`."""

    start: int
    end: int


async def send_file(request: web.Request, path: Path, media: str) -> web.StreamResponse:
    """Answer with a regular file, as the request's headers ask for it.

    Raises:
        FileMissing: it is not there, or is no regular file.
        FileUnreadable: it cannot be opened or read.
        HTTPPreconditionFailed: it is not the version that the client insists on.
        HTTPRequestRangeNotSatisfiable: it has no such part.
    """
    file, version = await asyncio.to_thread(_open, path)
    try:
        return await _send(request, path, file, version, media)
    finally:
        # Not awaited: it must happen even if this request is being cancelled.
        asyncio.get_running_loop().run_in_executor(None, file.close)


def _open(path: Path) -> tuple[FileIO, Version]:
    with reading(path):
        descriptor = os.open(path, _FLAGS)
        # Asked of the descriptor, so it is the version of the very bytes that are sent.
        info = os.fstat(descriptor)
    if not stat.S_ISREG(info.st_mode):
        os.close(descriptor)
        raise FileMissing(str(path))
    return FileIO(descriptor), Version(info.st_size, info.st_mtime_ns)


async def _send(
    request: web.Request, path: Path, file: FileIO, version: Version, media: str
) -> web.StreamResponse:
    headers: dict[str, str] = {
        hdrs.ETAG: f'"{version.tag}"',
        hdrs.LAST_MODIFIED: format_datetime(version.modified, usegmt=True),
        # It may be rendered anew at any time: nobody may show an old copy unasked.
        hdrs.CACHE_CONTROL: "no-cache",
    }
    _insist(request, version)
    if _has_it(request, version):
        return web.Response(status=304, headers=headers)
    span = _wanted(request, version)
    headers[hdrs.ACCEPT_RANGES] = "bytes"
    headers[hdrs.CONTENT_TYPE] = media
    headers["X-Content-Type-Options"] = "nosniff"
    if span is not None:
        headers[hdrs.CONTENT_RANGE] = f"bytes {span.start}-{span.end - 1}/{version.size}"
    response = web.StreamResponse(status=200 if span is None else 206, headers=headers)
    span = span or Span(0, version.size)
    response.content_length = span.end - span.start
    first = b""
    if request.method != hdrs.METH_HEAD:
        with reading(path):  # a refusal can only be sent as long as no header is out
            first = await asyncio.to_thread(_read, file, span)
    await response.prepare(request)
    if request.method != hdrs.METH_HEAD:
        await _pump(response, file, span, first)
    return response


async def _pump(response: web.StreamResponse, file: FileIO, span: Span, first: bytes) -> None:
    sent, part = span.start + len(first), first
    while part:
        await response.write(part)
        rest = Span(sent, span.end)
        part = await asyncio.to_thread(_read, file, rest) if sent < span.end else b""
        sent += len(part)
    if sent < span.end:
        # It was cut short meanwhile. A broken connection tells the client that this is not all.
        raise ConnectionResetError("the file became shorter while it was sent")
    await response.write_eof()


def _read(file: FileIO, span: Span) -> bytes:
    file.seek(span.start)
    return file.read(min(CHUNK, span.end - span.start))


def _insist(request: web.Request, version: Version) -> None:
    """If-Match, else If-Unmodified-Since."""
    wanted, since = request.if_match, request.if_unmodified_since
    if wanted is not None:
        good = any(tag.value in (version.tag, "*") and not tag.is_weak for tag in wanted)
    else:
        good = since is None or version.modified <= since
    if not good:
        raise web.HTTPPreconditionFailed


def _has_it(request: web.Request, version: Version) -> bool:
    """If-None-Match, else If-Modified-Since."""
    known, since = request.if_none_match, request.if_modified_since
    if known is not None:
        return any(tag.value in (version.tag, "*") for tag in known)
    return since is not None and version.modified <= since


def _wanted(request: web.Request, version: Version) -> Span | None:
    """The part that is asked for; None for the whole.

    What is not understood (another unit, several parts) is passed over, as the RFC allows.
    """
    match = _RANGE.fullmatch(request.headers.get(hdrs.RANGE, "").replace(" ", ""))
    if match is None or request.method != hdrs.METH_GET or not _same(request, version):
        return None
    first, last = match.groups()
    if not first and not last:
        return None
    size = version.size
    if not first:
        span = Span(max(0, size - int(last)), size)
    elif last and int(last) < int(first):
        return None
    else:
        span = Span(int(first), min(int(last) + 1, size) if last else size)
    if span.start >= span.end:
        raise web.HTTPRequestRangeNotSatisfiable(headers={hdrs.CONTENT_RANGE: f"bytes */{size}"})
    return span


def _same(request: web.Request, version: Version) -> bool:
    """If-Range: whether a part would belong to what the client has of the file."""
    known = request.headers.get(hdrs.IF_RANGE)
    if known is None:
        return True
    if known.startswith('"'):
        return known == f'"{version.tag}"'
    try:
        return parsedate_to_datetime(known) == version.modified
    except ValueError:
        return False
