"""What the beginning of a picture says, whatever its format."""

from __future__ import annotations

from attrs import field, frozen

#: All texts of a file together, in bytes after unpacking.
MAX_TEXT = 16 * 1024 * 1024


@frozen
class PictureHead:
    """Size and texts of a picture, read without decoding it."""

    #: In pixels, as are heights; 1 to 2147483647.
    width: int
    height: int
    #: By keyword; if one comes twice, the last, as Pillow has it.
    texts: dict[str, str] = field(factory=dict)
    #: What is wrong with the file, if reading had to stop or a text had to be left out.
    damaged: str | None = None


def decoded(data: bytes) -> str:
    """Text as UTF-8, or as Latin-1 if it is none.

    Older formats say that texts are Latin-1 or ASCII, but many programs write UTF-8; Latin-1 that
    happens to be valid UTF-8 hardly exists.
    """
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")
