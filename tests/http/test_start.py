"""A start compiles nothing and documents nothing; so this looks at all that it leaves for later."""

from __future__ import annotations

from orchestrator.app import ENDPOINTS, INFO
from orchestrator.http import docs, serving


def test_every_endpoint_can_be_read_and_written() -> None:
    """In each of its dialects; a class without a JSON form raises."""
    serving.compile_all(ENDPOINTS)


def test_everything_can_be_documented() -> None:
    """No two handlers share a name or a route, and no asset is missing."""
    made = docs.made(tuple(ENDPOINTS), INFO)
    assert set(made) == set(docs.PATHS)
    assert all(page.data for page in made.values())
