"""Keeps the service's own log away from what a command prints."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import structlog


@contextmanager
def warnings_on_stderr() -> Iterator[None]:
    """Of the service's log, people here need the warnings, and stdout is for the outcome."""
    before = structlog.get_config()
    structlog.configure(
        # Tracebacks without the values of all variables: those of a service fill a book.
        processors=[
            structlog.stdlib.add_log_level,
            structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=lambda *_names: structlog.PrintLogger(sys.stderr),
    )
    try:
        yield
    finally:
        structlog.configure(**before)
