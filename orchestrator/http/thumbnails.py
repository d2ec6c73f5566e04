"""The endpoint that hands out thumbnails."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aiohttp import hdrs, web
from attrs import field, frozen

from orchestrator import errors
from orchestrator.gallery.thumbnails.service import Thumbnail
from orchestrator.gallery.thumbnails.spec import LEAST, MOST, USUAL, Format, Spec
from orchestrator.http.endpoint import endpoint
from orchestrator.http.fields import about
from orchestrator.services import THUMBNAILS

#: What is shown: absent for the picture itself, `partial` for what is left of a damaged file,
#: `placeholder` for a drawing of ours.
SHOWN: Final = "X-Thumbnail"
#: Why there is a placeholder: one of `Why`.
REASON: Final = "X-Thumbnail-Reason"

#: Seconds for which a placeholder is good: a file that is being written will soon be whole.
_PLACEHOLDER_AGE = 10


@frozen(kw_only=True, repr=False)
class OneThumbnail:
    """Which file, and how large."""

    path: str = field(
        metadata=about("Absolute path of a picture, video or sound.", example="/mnt/P/a.png")
    )
    size: int = field(
        default=USUAL,
        metadata=about("Most pixels of the longer side; never more than the file has.",
                       ge=LEAST, le=MOST, example=USUAL),
    )  # fmt: skip


@endpoint(
    "GET",
    "/api/thumbnail",
    request=OneThumbnail,
    media=("image/webp", "image/jpeg"),
    tags=("files",),
    errors=(
        errors.PathInvalid,
        errors.PathNotPermitted,
        errors.FileMissing,
        errors.FileUnreadable,
        errors.ThumbnailsBusy,
    ),
)
async def thumbnail(request: web.Request, asked: OneThumbnail) -> web.StreamResponse:
    """A small picture of a file, upright: WebP, or JPEG for clients that prefer it.

    It carries an ETag of the file's content, and must be asked for again each time: an answer to
    an unchanged file is a mere 304. A file that is damaged, too large, or of a kind that has no
    picture is answered with a drawing, and `X-Thumbnail: placeholder` and `X-Thumbnail-Reason`;
    one of which only a part can be read with that part, and `X-Thumbnail: partial`.
    """
    form = preferred(request.headers.get(hdrs.ACCEPT, ""))
    known = request.if_none_match or ()
    have = frozenset(tag.value for tag in known)
    found = await request.app[THUMBNAILS].get(asked.path, Spec(asked.size, form), have)
    headers = _headers(found)
    if found.data is None or "*" in have:
        return web.Response(status=304, headers=headers)
    headers[hdrs.CONTENT_TYPE] = form.mime
    headers["X-Content-Type-Options"] = "nosniff"
    return web.Response(body=found.data, headers=headers)


def _headers(found: Thumbnail) -> dict[str, str]:
    headers: dict[str, str] = {hdrs.ETAG: f'"{found.tag}"', hdrs.VARY: hdrs.ACCEPT}
    if found.why is None:
        # It may be rendered anew at any time: nobody may show an old copy unasked.
        headers[hdrs.CACHE_CONTROL] = "private, no-cache"
        if found.partial:
            headers[SHOWN] = "partial"
    else:
        headers[hdrs.CACHE_CONTROL] = f"private, max-age={_PLACEHOLDER_AGE}"
        headers[SHOWN] = "placeholder"
        headers[REASON] = found.why.value
    return headers


def preferred(accept: str) -> Format:
    """WebP, unless a client likes JPEG better or does not take WebP. Pure.

    Who says nothing takes anything. Who takes neither gets JPEG, which everybody can show.
    """
    weights = _weights(accept)
    if not weights:
        return Format.WEBP
    webp, jpeg = (_weight(weights, form.mime) for form in (Format.WEBP, Format.JPEG))
    return Format.WEBP if webp > 0 and webp >= jpeg else Format.JPEG


def _weight(weights: Mapping[str, float], mime: str) -> float:
    """How much a type is liked: the most specific range counts."""
    for known in (mime, "image/*", "*/*"):
        if known in weights:
            return weights[known]
    return 0.0


def _weights(accept: str) -> dict[str, float]:
    """Each media range with its weight; what cannot be understood weighs nothing."""
    found = {}
    for part in accept.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        if not name:
            continue
        weight = next((text[2:] for text in parameters if text.startswith("q=")), "1")
        try:
            found[name] = float(weight)
        except ValueError:
            found[name] = 0.0
    return found
