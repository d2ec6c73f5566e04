"""Endpoints that save pictures of backends, and pictures that clients send."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from attrs import field, frozen

from orchestrator import errors
from orchestrator.http.endpoint import endpoint
from orchestrator.http.fields import about
from orchestrator.saving.place import Placed
from orchestrator.services import IMAGES

#: Most bytes of a request that sends a picture; base64 makes four of three.
PICTURE_BYTES = 64 * 1024 * 1024

#: What either may be refused with.
REFUSALS = (
    errors.PathInvalid,
    errors.PathNotPermitted,
    errors.FileMissing,
    errors.FileUnreadable,
    errors.FileNotWritten,
    errors.ImageTooLarge,
    errors.ImageUnusable,
)
FOLDER_PATH = about(
    "Absolute path of a folder; its last part is made if it is not there.",
    example="/mnt/Projects/Eliot/.ref_images",
)
FILENAME = about(
    "A name with the suffix of what is saved. If it is taken, `_1` and so on is added.",
    example="hero.png",
)


@frozen(kw_only=True, repr=False)
class SaveImage:
    """A file of a backend, and where it is saved."""

    image_url: str = field(
        metadata=about(
            "`/view` on a registered backend.",
            example="http://127.0.0.1:8188/view?filename=a.png&subfolder=&type=output",
            max_length=4096,
        )
    )
    folder_path: str = field(metadata=FOLDER_PATH)
    filename: str = field(metadata=FILENAME)
    metadata: dict[str, Any] | None = field(
        default=None, metadata=about("Saved beside it, as `<stem>.json`.")
    )


@frozen(kw_only=True, repr=False)
class SaveBase64Image:
    """A picture, and where it is saved."""

    data_url: str = field(
        metadata=about("The picture in base64.", example="data:image/png;base64,iVBORw0KGgo=")
    )
    folder_path: str = field(metadata=FOLDER_PATH)
    filename: str = field(metadata=FILENAME)


@frozen(kw_only=True, repr=False)
class SavedImage:
    """Where the file lies; not always under the name that was asked for."""

    success: bool
    saved_path: str
    path: str
    metadata_path: str | None
    message: str


@endpoint(
    "POST",
    "/api/save-image",
    request=SaveImage,
    response=SavedImage,
    extra="ignore",
    tags=("files",),
    errors=(
        *REFUSALS,
        errors.ImageSourceRefused,
        errors.BackendUnreachable,
        errors.BackendRefused,
        errors.OutputMissing,
    ),
)
async def save_image(request: web.Request, asked: SaveImage) -> SavedImage:
    """Fetch a picture, video or sound from a backend, and save it in a folder.

    Only registered backends are asked, redirects are not followed, and what comes must be of the
    kind that its name says. No file is ever replaced.
    """
    placed = await request.app[IMAGES].from_backend(
        asked.image_url, asked.folder_path, asked.filename, asked.metadata
    )
    return _answer(placed, asked.filename)


@endpoint(
    "POST",
    "/api/save-base64-image",
    request=SaveBase64Image,
    response=SavedImage,
    extra="ignore",
    tags=("files",),
    errors=REFUSALS,
    body_limit=PICTURE_BYTES,
)
async def save_base64_image(request: web.Request, asked: SaveBase64Image) -> SavedImage:
    """Save a picture that is sent as a data URL. No file is ever replaced."""
    placed = await request.app[IMAGES].from_data_url(
        asked.data_url, asked.folder_path, asked.filename
    )
    return _answer(placed, asked.filename)


def _answer(placed: Placed, wished: str) -> SavedImage:
    path, name = str(placed.path), placed.path.name
    taken = "" if name == wished else f"; {wished} is taken"
    return SavedImage(
        success=True,
        saved_path=path,
        path=path,
        metadata_path=None if placed.sidecar is None else str(placed.sidecar),
        message=f"Saved {name}{taken}",
    )
