"""Understands a text that stands where anybody may write anything: a comment, a description.

Pure. Such a text is one of three things that say how a picture was made, or nothing of ours.
"""

from __future__ import annotations

import json

from orchestrator.gallery.a1111 import looks_like_settings

#: What a file says about its making, by keyword as in a PNG.
KEYWORDS = ("prompt", "workflow", "parameters")


def said(text: str) -> dict[str, str]:
    """What a text says, by keyword.

    - `prompt:{...}` or `workflow:{...}`: ComfyUI in the EXIF of a WebP.
    - `{"prompt": ..., "workflow": ...}`: savers of videos, in the comment.
    - Settings as A1111 writes them.
    """
    text = text.strip()
    if text.startswith("{"):
        return _packed(text)
    keyword, _, rest = text[:20].partition(":")
    if keyword.lower() in KEYWORDS and rest:
        return {keyword.lower(): text[len(keyword) + 1 :].strip()}
    return {"parameters": text} if looks_like_settings(text) else {}


def _packed(text: str) -> dict[str, str]:
    """The graphs in one JSON object, where they stand as objects or as JSON again."""
    try:
        # Python's own reader knows NaN, which Python's own writer writes.
        packed = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    found: dict[str, str] = {}
    for keyword in KEYWORDS:
        match packed.get(keyword):
            case str(value):
                found[keyword] = value
            case dict(value):
                found[keyword] = json.dumps(value, ensure_ascii=False)
    return found
