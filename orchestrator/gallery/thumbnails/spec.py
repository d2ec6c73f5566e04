"""What a thumbnail is asked to be, what it is then called, and why there may be none. Pure."""

from __future__ import annotations

from enum import Enum
from typing import Final

from attrs import frozen

#: Raised whenever pictures come out differently: what earlier programs made is then left alone.
MAKER: Final = 1
#: Longest side in pixels: the least, the most, and what is made unless somebody says otherwise.
LEAST, MOST, USUAL = 64, 1024, 256

#: Hex digits of the fingerprint that names use: 128 bits.
_DIGITS = 32


class Format(Enum):
    """How a thumbnail is encoded; the value is its suffix."""

    WEBP = "webp"
    JPEG = "jpg"

    @property
    def mime(self) -> str:
        """The media type to send it with."""
        return "image/webp" if self is Format.WEBP else "image/jpeg"


class Why(Enum):
    """Why a placeholder is shown; the value is what clients are told."""

    #: Sound has no picture.
    AUDIO = "audio"
    #: Videos need an extra that is not installed.
    VIDEO = "video"
    #: A kind of picture that is listed, but that nothing here can read.
    UNSUPPORTED = "unsupported"
    #: It is damaged, or not what its name says.
    BROKEN = "broken"
    #: It has more pixels than we take into memory.
    TOO_LARGE = "too-large"
    #: Somebody is writing it.
    CHANGING = "changing"


@frozen
class Spec:
    """Size and format of a thumbnail."""

    #: Most pixels of its longer side.
    pixels: int = USUAL
    format: Format = Format.WEBP


@frozen
class Key:
    """Which thumbnail of which content; the same wherever the file lies and is called."""

    #: The content's size in bytes, and its fingerprint (`gallery.fingerprint.head`).
    size: int
    head: str
    spec: Spec

    @property
    def name(self) -> str:
        """A file name for it."""
        return f"{self.head[:_DIGITS]}-{self.size:x}-{self.spec.pixels}.{self.spec.format.value}"

    @property
    def tag(self) -> str:
        """Its ETag, without quotes."""
        return f"{MAKER}-{self.name}"


def placeholder_tag(why: Why, spec: Spec) -> str:
    """The ETag of a placeholder, without quotes."""
    return f"{MAKER}-{why.value}-{spec.pixels}.{spec.format.value}"
