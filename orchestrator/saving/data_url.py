"""Pictures as text: `data:image/png;base64,...`. Pure."""

from __future__ import annotations

import binascii
import re

from orchestrator.errors import ImageTooLarge, ImageUnusable

_HEAD = re.compile(r"data:image/[a-z0-9][a-z0-9.+-]{0,60};base64", re.IGNORECASE)


def decoded(name: str, data_url: str, limit: int) -> bytes:
    """The bytes of a picture.

    Args:
        name: What it is to be called, for what is said if it cannot be read.
        data_url: The picture, in base64 exactly as the standard has it.
        limit: Most bytes that it may have.

    Raises:
        ImageUnusable: it is no data URL of a picture, or its base64 is damaged.
        ImageTooLarge: it has more bytes.
    """
    head, comma, text = data_url.partition(",")
    if not comma or _HEAD.fullmatch(head) is None:
        raise ImageUnusable(
            name, "what was sent is no data URL of a picture (data:image/png;base64,...)"
        )
    if len(text) // 4 * 3 > limit + 2:
        raise ImageTooLarge(name, limit)
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except ValueError as exc:
        raise ImageUnusable(name, f"its base64 is damaged: {exc}") from exc
    if len(data) > limit:
        raise ImageTooLarge(name, limit)
    return data
