"""Routes of files: view and upload."""

from __future__ import annotations

import asyncio
import mimetypes
import os
import random
from io import BytesIO
from pathlib import Path
from typing import Final

from aiohttp import hdrs, web
from PIL import Image

from tools.simulator.keys import SIMULATOR
from tools.simulator.store import Store

routes = web.RouteTableDef()

#: Sent as plain bytes, so that a browser does not run them.
_UNSAFE: Final = {
    "text/html",
    "text/html-sandboxed",
    "application/xhtml+xml",
    "text/javascript",
    "text/css",
}

#: What aiohttp answers where ComfyUI itself stumbles.
_TROUBLE: Final = "500 Internal Server Error\n\nServer got itself in trouble"


@routes.get("/view")
async def get_view(request: web.Request) -> web.StreamResponse:
    """A file of input, output or temp: as it is, as a smaller preview, or one channel of it."""
    simulator = request.app[SIMULATOR]
    behaviour = simulator.behaviour
    if behaviour.view_seconds:
        await asyncio.sleep(behaviour.view_seconds)
    found = await asyncio.to_thread(_locate, simulator.store, dict(request.query))
    if isinstance(found, int):
        return web.Response(status=found)
    if behaviour.view_fault != "none" and behaviour.take("view_fault_next"):
        return await _faulty(request, found, behaviour.view_fault, simulator.chance)
    headers = {hdrs.CONTENT_DISPOSITION: f'filename="{found.name}"'}
    preview, channel = request.query.get("preview"), request.query.get("channel", "")
    if preview is not None:
        body, kind = await asyncio.to_thread(_preview, found, preview, channel)
        return web.Response(body=body, content_type=kind, headers=headers)
    if channel in ("rgb", "a"):
        body = await asyncio.to_thread(_channel, found, channel)
        return web.Response(body=body, content_type="image/png", headers=headers)
    return web.FileResponse(found, headers={**headers, hdrs.CONTENT_TYPE: _content_type(found)})


def _locate(store: Store, query: dict[str, str]) -> Path | int:
    """The file that a query means, or the status that refuses it (transcript s10)."""
    if "filename" not in query:
        return 404
    filename, base = store.annotated(query["filename"])
    if not filename or filename[0] == "/" or ".." in filename:
        return 400
    base = base or store.directory(query.get("type", "output"))
    if base is None:
        return 400
    folder = Path(os.path.abspath(base / query.get("subfolder", "")))  # noqa: PTH100 - links are not followed, as in ComfyUI
    if not folder.is_relative_to(base):
        return 403
    path = folder / os.path.basename(filename)  # noqa: PTH119 - Path.name differs for a name that ends in a slash
    try:
        return path if path.is_file() else 404
    except ValueError:  # a NUL in the name
        return 404


def _content_type(path: Path) -> str:
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return "application/octet-stream" if kind in _UNSAFE else kind


def _preview(path: Path, wanted: str, channel: str) -> tuple[bytes, str]:
    """A picture re-encoded as in `preview=webp;50`."""
    parts = wanted.split(";")
    format_ = parts[0] if parts[0] in ("webp", "jpeg") and "a" not in channel else "webp"
    quality = int(parts[-1]) if parts[-1].isdigit() else 90
    buffer = BytesIO()
    with Image.open(path) as file:
        picture = file.convert("RGB") if format_ == "jpeg" or channel == "rgb" else file
        picture.save(buffer, format_.upper(), quality=quality)
    return buffer.getvalue(), f"image/{format_}"


def _channel(path: Path, channel: str) -> bytes:
    """Only the colours, or only the alpha channel, of a picture as PNG."""
    buffer = BytesIO()
    with Image.open(path) as file:
        if channel == "rgb":
            file.convert("RGB").save(buffer, "PNG")
        else:
            alpha = Image.new("RGBA", file.size)
            alpha.putalpha(file.convert("RGBA").getchannel("A"))
            alpha.save(buffer, "PNG")
    return buffer.getvalue()


async def _faulty(
    request: web.Request, path: Path, fault: str, chance: random.Random
) -> web.StreamResponse:
    """An answer with the fault that `Behaviour.view_fault` asks for."""
    content = await asyncio.to_thread(path.read_bytes)
    kind = _content_type(path)
    match fault:
        case "error":
            return web.Response(status=500)
        case "empty":
            return web.Response(body=b"", content_type=kind)
        case "garbage":
            return web.Response(body=chance.randbytes(len(content)), content_type=kind)
        case "truncated":
            return web.Response(body=content[: len(content) // 2], content_type=kind)
    response = web.StreamResponse(headers={hdrs.CONTENT_TYPE: kind})
    response.content_length = len(content)
    await response.prepare(request)
    await response.write(content[: len(content) // 2])
    if request.transport is not None:
        request.transport.close()
    return response


@routes.post("/upload/image")
async def post_upload_image(request: web.Request) -> web.Response:
    """Store an uploaded file; the answer says under which name (transcript s11)."""
    store = request.app[SIMULATOR].store
    form = await request.post()
    kind, subfolder = form.get("type", "input"), form.get("subfolder", "")
    image = form.get("image")
    if not isinstance(kind, str) or store.directory(kind) is None:
        raise web.HTTPInternalServerError(text=_TROUBLE)
    if not isinstance(image, web.FileField) or not image.filename or not isinstance(subfolder, str):
        return web.Response(status=400)
    if os.path.isabs(image.filename):  # noqa: PTH117 - a question about text, not about a file
        raise web.HTTPInternalServerError(text=_TROUBLE)
    content = await asyncio.to_thread(image.file.read)
    name = await asyncio.to_thread(
        store.save_upload,
        kind,
        subfolder,
        image.filename,
        content,
        overwrite=form.get("overwrite") in ("true", "1"),
    )
    if name is None:
        return web.Response(status=400)
    return web.json_response({"name": name, "subfolder": subfolder, "type": kind})
