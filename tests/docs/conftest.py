"""Fixtures of the tests that run what the documentation says."""

from __future__ import annotations

from tests.http.conftest import studio

__all__ = ["studio"]
