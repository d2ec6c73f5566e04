"""Moves files to and from a backend: uploads to its input folder, downloads of its outputs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from typing import Any

import aiohttp

from orchestrator.comfyui.answers import Fetched, Uploaded, read_uploaded
from orchestrator.comfyui.endings import Output
from orchestrator.comfyui.fetching import write_new
from orchestrator.comfyui.transport import (
    REFUSED,
    TRANSPORT_ERRORS,
    Transport,
    path_of,
    stalling,
    tolerant,
)
from orchestrator.errors import BackendRefused, BackendUnreachable, OutputMissing

#: Largest piece of a download that is held in memory, in bytes.
CHUNK = 1024 * 1024


async def upload(
    http: Transport, source: Path, name: str, subfolder: str, *, overwrite: bool
) -> Uploaded:
    """Put a local file into the input folder; see `ComfyClient.upload_image`."""
    # Quoting would percent-encode the name, and ComfyUI would keep it like that.
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("type", "input")
    form.add_field("subfolder", subfolder)
    form.add_field("overwrite", "true" if overwrite else "false")
    file = await asyncio.to_thread(source.open, "rb")
    try:
        form.add_field("image", file, filename=name, content_type="application/octet-stream")
        limits = stalling(http.timeouts.connect, http.timeouts.stall)
        async with http.open("POST", "/upload/image", limits, data=form) as response:
            status, raw = response.status, await response.read()
    except TRANSPORT_ERRORS as exc:
        raise http.unreachable(exc) from exc
    finally:
        await asyncio.to_thread(file.close)
    # A type or name that ComfyUI did not expect ends as 500 there (protocol section 2).
    if status in REFUSED or status == 500:
        raise BackendRefused(http.name, status, f"the upload of {name!r}", tolerant(raw))
    if status != 200:
        raise BackendUnreachable(http.name, f"answered {status} to POST /upload/image")
    return http.understand(raw, "POST /upload/image", read_uploaded)


async def fetch(
    http: Transport, output: Output, write: Path, prepare: Callable[[], None]
) -> Fetched:
    """Download an output to a new file; see `ComfyClient.fetch_output`."""
    fetched = await write_new(write, _chunks(http, output), prepare)
    if fetched.size == 0:
        await asyncio.to_thread(write.unlink)
        raise OutputMissing(http.name, output.filename, "it is empty")
    return fetched


async def _chunks(http: Transport, output: Output) -> AsyncGenerator[bytes]:
    """The bytes of an output; whatever fails in here is an error of the backend, not the disk."""
    path = path_of("view", filename=output.filename, subfolder=output.subfolder, type=output.type)
    limits = stalling(http.timeouts.connect, http.timeouts.stall)
    # A compressed answer could not be compared with its Content-Length.
    sent: dict[str, Any] = {"headers": {"Accept-Encoding": "identity"}, "read_bufsize": CHUNK}
    size = 0
    try:
        async with http.open("GET", path, limits, **sent) as response:
            _check(http, response, output)
            async for chunk in response.content.iter_chunked(CHUNK):
                size += len(chunk)
                yield chunk
            announced = response.content_length
            encoded = "Content-Encoding" in response.headers
    except TRANSPORT_ERRORS as exc:
        raise http.unreachable(exc) from exc
    if announced is not None and not encoded and size != announced:
        raise BackendUnreachable(http.name, f"sent {size} bytes and announced {announced}")


def _check(http: Transport, response: aiohttp.ClientResponse, output: Output) -> None:
    if response.status == 404:
        raise OutputMissing(http.name, output.filename, "there is no such file any more")
    if response.status in REFUSED:
        raise BackendRefused(http.name, response.status, f"the output {output.filename!r}")
    if response.status != 200:
        raise BackendUnreachable(http.name, f"answered {response.status} to GET /view")
