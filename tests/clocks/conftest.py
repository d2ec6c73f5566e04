"""Fixtures of the tests of clocks."""

from tests.http.conftest import studio

__all__ = ["studio"]
