"""`/openapi.json`, `/docs` (Swagger UI) and `/redoc`: everything a browser needs, from here.

The programs of the pages lie in `assets/`, byte for byte as their authors published them;
`assets/MANIFEST.toml` says which, and under which licence. Nothing on the pages comes from
another host, and their Content-Security-Policy lets nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import html
from collections.abc import Iterable, Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Final

from aiohttp import hdrs, web
from attrs import frozen

from orchestrator.http import openapi
from orchestrator.http.endpoint import Endpoint
from orchestrator.http.openapi import Info
from orchestrator.http.replies import dump

ASSETS: Final = Path(__file__).parent / "assets"

_FOR_EVER: Final = "public, max-age=31536000, immutable"
_ASK_FIRST: Final = "no-cache"
#: Redoc shows its logo, which it would fetch from its maker's server; a transparent pixel instead.
_REDOC_LOGO: Final = b"https://cdn.redoc.ly/redoc/logo-mini.svg"
_PIXEL: Final = b"data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA="
#: Both programs write their styles into the page; Redoc searches in a worker made of a blob.
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src blob:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)

_SERVED: Final[Mapping[str, str]] = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-start.js": "text/javascript",
    "redoc.standalone.js": "text/javascript",
    "favicon.png": "image/png",
}

DOCUMENT, SWAGGER, REDOC = "/openapi.json", "/docs", "/redoc"
_ASSET_PATH: Final = "/docs/assets/"
#: Where everything of this module is served.
PATHS: Final = (DOCUMENT, SWAGGER, REDOC, *(_ASSET_PATH + name for name in _SERVED))

_SWAGGER: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" type="image/png" href="{favicon.png}">
<link rel="stylesheet" href="{swagger-ui.css}">
</head>
<body>
<div id="swagger-ui"></div>
<script src="{swagger-ui-bundle.js}"></script>
<script src="{swagger-start.js}"></script>
</body>
</html>
"""

_REDOC: Final = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" type="image/png" href="{favicon.png}">
<style>body { margin: 0; padding: 0; }</style>
</head>
<body>
<redoc spec-url="openapi.json"></redoc>
<script src="{redoc.standalone.js}"></script>
</body>
</html>
"""


@frozen(eq=False)
class Served:
    """Bytes that are served as they are, and known to browsers by their hash."""

    data: bytes
    media: str
    cache: str
    headers: Mapping[str, str]

    @cached_property
    def etag(self) -> str:
        """The hash of the bytes, short enough for a header."""
        return hashlib.sha256(self.data).hexdigest()[:32]

    def answer(self, request: web.Request) -> web.Response:
        """The bytes; 304 to a browser that has them already."""
        etag = self.etag
        headers = {hdrs.ETAG: f'"{etag}"', hdrs.CACHE_CONTROL: self.cache, **self.headers}
        known = request.if_none_match or ()
        if any(tag.value in (etag, "*") for tag in known):
            return web.Response(status=304, headers=headers)
        return web.Response(
            body=self.data,
            content_type=self.media,
            charset=_charset(self.media),
            headers=headers,
        )


def serve(app: web.Application, endpoints: Iterable[Endpoint], info: Info) -> None:
    """Serve the document of these endpoints, and the two pages that show it.

    They are made when somebody first asks for one of them: few do, and a start need not wait.
    """
    described = tuple(endpoints)

    async def answer(request: web.Request) -> web.Response:
        pages = await asyncio.to_thread(made, described, info)
        return pages[request.path].answer(request)

    for path in PATHS:
        app.router.add_get(path, answer)


@cache
def made(endpoints: tuple[Endpoint, ...], info: Info) -> Mapping[str, Served]:
    """All that is served, by its path; made once for all applications. Blocks.

    Two who ask for it at the same time may both make it; they get the same.

    Raises:
        TypeError: If a class has no JSON form.
        ValueError: If two handlers have the same name, or two endpoints the same route.
        OSError: If an asset is missing.
    """
    described = openapi.document(endpoints, info)
    assets = {name: _asset(name, media) for name, media in _SERVED.items()}
    return {
        DOCUMENT: Served(dump(described), "application/json", _ASK_FIRST, {}),
        SWAGGER: _page(_SWAGGER, info.title, assets),
        REDOC: _page(_REDOC, info.title, assets),
        **{_ASSET_PATH + name: asset for name, asset in assets.items()},
    }


def _asset(name: str, media: str) -> Served:
    data = (ASSETS / name).read_bytes()
    if name == "redoc.standalone.js":
        data = data.replace(_REDOC_LOGO, _PIXEL)
    return Served(data, media, _FOR_EVER, {})


def _page(template: str, title: str, assets: Mapping[str, Served]) -> Served:
    page = template
    for name, asset in assets.items():  # the hash in the address makes a new version a new file
        page = page.replace("{" + name + "}", f"docs/assets/{name}?v={asset.etag[:12]}")
    page = page.replace("{title}", html.escape(title))
    return Served(page.encode(), "text/html", _ASK_FIRST, {"Content-Security-Policy": _POLICY})


def _charset(media: str) -> str | None:
    return "utf-8" if media.startswith("text/") else None
