"""Hosts on one shared folder, as in `tests/project`."""

from tests.project.conftest import anybody, farm, rate

__all__ = ["anybody", "farm", "rate"]
