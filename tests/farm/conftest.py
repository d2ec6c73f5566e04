"""The farm of the scheduler's tests, whose backends change while the service runs."""

from __future__ import annotations

from tests.scheduling.conftest import farm, plain_tracebacks

__all__ = ["farm", "plain_tracebacks"]
