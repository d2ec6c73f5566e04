"""Which files are media, told from their names alone.

Pure. A suffix is trusted here; whether a file is what its suffix says shows when it is opened.
"""

from __future__ import annotations

from typing import Literal

from attrs import frozen

Kind = Literal["image", "video", "audio"]


@frozen
class MediaType:
    """What a suffix stands for."""

    kind: Kind
    mime: str


def _types(kind: Kind, mimes: dict[str, str]) -> dict[str, MediaType]:
    return {suffix: MediaType(kind, mime) for suffix, mime in mimes.items()}


#: By suffix, in lower case with its dot. MIME types as registered with IANA where they are.
MEDIA: dict[str, MediaType] = {
    **_types(
        "image",
        {
            ".png": "image/png",
            ".jpg": "image/jpeg",
            ".jpeg": "image/jpeg",
            ".webp": "image/webp",
            ".gif": "image/gif",
            ".bmp": "image/bmp",
            ".tif": "image/tiff",
            ".tiff": "image/tiff",
            ".avif": "image/avif",
            ".jxl": "image/jxl",
            ".exr": "image/aces",
            ".hdr": "image/vnd.radiance",
            ".dpx": "image/x-dpx",
        },
    ),
    **_types(
        "video",
        {
            ".mp4": "video/mp4",
            ".m4v": "video/mp4",
            ".mov": "video/quicktime",
            ".avi": "video/x-msvideo",
            ".webm": "video/webm",
            ".mkv": "video/matroska",
        },
    ),
    **_types(
        "audio",
        {
            ".wav": "audio/wav",
            ".flac": "audio/flac",
            ".mp3": "audio/mpeg",
            ".ogg": "audio/ogg",
            ".opus": "audio/ogg",
            ".m4a": "audio/mp4",
        },
    ),
}

#: The kind alone, by suffix.
KINDS: dict[str, Kind] = {suffix: media.kind for suffix, media in MEDIA.items()}

#: What other programs leave on shares, in lower case: Windows, Synology, QNAP, NetApp.
_FOREIGN = frozenset(
    {
        "thumbs.db",
        "ehthumbs.db",
        "desktop.ini",
        "@eadir",
        "@recycle",
        "#recycle",
        "#snapshot",
        "~snapshot",
        "$recycle.bin",
        "system volume information",
        "lost+found",
    }
)
#: macOS, NFS and FUSE: shadows, folder settings, files deleted while open.
_FOREIGN_STARTS = ("._", ".ds_store", ".nfs", ".fuse_hidden", ".smbdelete")

_OTHER = "application/octet-stream"


def suffix(name: str) -> str:
    """The last dot and what follows, in lower case; "" if there is none or nothing before it."""
    dot = name.rfind(".")
    return name[dot:].lower() if dot > 0 else ""


def media_type(name: str) -> MediaType | None:
    """What kind of media a name promises; None if none."""
    return MEDIA.get(suffix(name))


def mime_type(name: str) -> str:
    """The MIME type to send a file with; `application/octet-stream` if it is no media."""
    found = media_type(name)
    return found.mime if found else _OTHER


def is_hidden(name: str) -> bool:
    """Whether the gallery does not show a file or folder of that name."""
    return name.startswith(".") or is_foreign(name)


def is_foreign(name: str) -> bool:
    """Whether another program left a file or folder of that name for its own use."""
    lower = name.lower()
    return lower in _FOREIGN or lower.startswith(_FOREIGN_STARTS)


def is_media(name: str) -> bool:
    """Whether the gallery shows a file of that name."""
    dot = name.rfind(".")  # not by `suffix`: this is asked for every file of every listing
    return dot > 0 and name[dot:].lower() in MEDIA and name[0] != "."
