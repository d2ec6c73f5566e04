"""Sending a long listing as it is found, so that no more of it is in memory than one folder."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from aiohttp import web

from orchestrator.gallery.walking import Page, Walk
from orchestrator.http.dialects import DIALECT
from orchestrator.http.replies import dump
from orchestrator.http.rows import RowWriter


async def send_listing(request: web.Request, walk: Walk, write: RowWriter) -> web.StreamResponse:
    """Send the files of a walk, then where to go on.

    The first folder is looked at before the answer begins: what cannot be read at all is refused
    as usual. If the share goes away later, the answer breaks off.
    """
    pages = walk.pages()
    page = await asyncio.to_thread(next, pages, None)
    response = web.StreamResponse(headers={"Content-Type": "application/json; charset=utf-8"})
    await response.prepare(request)
    await response.write(dump({request[DIALECT].spell("files"): []})[:-2])
    first = True
    while page is not None:
        body = dump(write(await walk.listed(page)))[1:-1]
        if body:
            await response.write(body if first else b"," + body)
            first = False
        page = await asyncio.to_thread(_next, pages)
    spell = request[DIALECT].spell
    skipped = [{spell("rel_path"): s.relative, "reason": s.reason} for s in walk.skipped]
    end = {spell("next_cursor"): walk.cursor, "skipped": skipped}
    await response.write(b"]," + dump(end)[1:])
    await response.write_eof()
    return response


def _next(pages: Iterator[Page]) -> Page | None:
    return next(pages, None)
