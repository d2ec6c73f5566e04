"""Fixtures of the tests of the index."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.gallery.index.store import Index
from tests.gallery_index.project import Project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    """An empty project that was never scanned."""
    root = tmp_path / "Eliot"
    root.mkdir()
    index = Index(tmp_path / "cache")
    yield Project(root, index)
    index.close()
