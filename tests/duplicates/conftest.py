"""A shelf with nothing on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.gallery.duplicates.cache import HashCache
from tests.duplicates.shelf import Shelf


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    """A folder, and a cache beside it."""
    root = tmp_path / "Eliot"
    root.mkdir()
    shelf = Shelf(root, HashCache(tmp_path / "cache"))
    yield shelf
    shelf.cache.close()
