"""Paths of old stores, made safe."""

from __future__ import annotations

import pytest

from orchestrator.gallery.legacy.paths import NoPath, clean_path


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("Panel_01/a.png", "Panel_01/a.png"),
        ("Panel_01\\sub\\a.png", "Panel_01/sub/a.png"),
        ("./Panel_01//a.png", "Panel_01/a.png"),
        ("Panel, 'é' 🎬/a.png", "Panel, 'é' 🎬/a.png"),
        ("..a/b...png", "..a/b...png"),
    ],
)
def test_a_path_of_the_project(text: str, clean: str) -> None:
    """Whatever system it was written on."""
    assert clean_path(text) == clean


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ".",
        "/etc/passwd.png",
        "\\\\server\\share\\a.png",
        "C:\\film\\a.png",
        "c:a.png",
        "../a.png",
        "P/../../a.png",
        "P\\..\\..\\a.png",
        "P/a\0.png",
        "P/a\n.png",
        "P/\udcff.png",
        "x" * 256 + ".png",
        "d/" * 3000 + "a.png",
        ".gallery/log/a.png",
        ".GALLERY./a.png",
    ],
)
def test_no_path_of_the_project(text: str) -> None:
    """Nothing leads out of the project, to the service's own files, or cannot be named at all."""
    assert isinstance(clean_path(text), NoPath)
