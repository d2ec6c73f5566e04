"""Media by name, and the litter of other programs."""

from __future__ import annotations

import pytest

from orchestrator.gallery.media import (
    MEDIA,
    is_foreign,
    is_hidden,
    is_media,
    media_type,
    mime_type,
    suffix,
)


@pytest.mark.parametrize(
    ("name", "kind", "mime"),
    [
        ("a.png", "image", "image/png"),
        ("A.PNG", "image", "image/png"),
        ("a.b.Jpg", "image", "image/jpeg"),
        ("a.webp", "image", "image/webp"),
        ("a.gif", "image", "image/gif"),
        ("a.mp4", "video", "video/mp4"),
        ("a.mov", "video", "video/quicktime"),
        ("a.avi", "video", "video/x-msvideo"),
        ("a.webm", "video", "video/webm"),
        ("a.mkv", "video", "video/matroska"),
        ("a.wav", "audio", "audio/wav"),
        ("a.m4a", "audio", "audio/mp4"),
    ],
)
def test_kind_and_mime_follow_the_suffix(name: str, kind: str, mime: str) -> None:
    """Whatever its case; the last suffix counts."""
    found = media_type(name)

    assert found is not None
    assert (found.kind, found.mime, mime_type(name)) == (kind, mime, mime)
    assert is_media(name)


@pytest.mark.parametrize(
    "name",
    [
        "a.txt",
        "a.png.tmp",
        "png",
        ".png",
        ".hidden.png",
        "._a.png",
        "a.",
        "",
        "Thumbs.db",
        "a.json",
    ],
)
def test_everything_else_is_not_shown(name: str) -> None:
    """Hidden files, half-written ones, and other types."""
    assert not is_media(name)


def test_unknown_types_are_sent_as_bytes() -> None:
    """So that a browser saves it and does not guess."""
    assert mime_type("a.exe") == "application/octet-stream"


@pytest.mark.parametrize(
    ("name", "foreign", "hidden"),
    [
        ("._a.png", True, True),
        (".DS_Store", True, True),
        ("Thumbs.db", True, True),
        ("@eaDir", True, True),
        ("#recycle", True, True),
        (".nfs0000123", True, True),
        ("$RECYCLE.BIN", True, True),
        (".gallery", False, True),
        (".trash", False, True),
        ("Panel_01", False, False),
        ("eaDir", False, False),
    ],
)
def test_foreign_and_hidden_names(name: str, foreign: bool, hidden: bool) -> None:
    """What other programs left is hidden; what begins with a dot is hidden too."""
    assert (is_foreign(name), is_hidden(name)) == (foreign, hidden)


def test_every_suffix_is_written_as_it_is_looked_up() -> None:
    """Lower case, with its dot, and a type of its kind."""
    for ending, found in MEDIA.items():
        assert suffix("a" + ending) == ending
        assert found.mime.startswith(found.kind + "/")
