"""Times on the command line."""

from __future__ import annotations

from datetime import datetime

import click


class Time(click.ParamType[datetime]):
    """An ISO 8601 date or time; without a zone it is local."""

    name = "time"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """A moment with its zone."""
        try:
            return datetime.fromisoformat(str(value)).astimezone()
        except (ValueError, OverflowError, OSError):
            self.fail(
                f"{value!r} is no time. Write it like 2026-05-01T14:30, with seconds and a zone "
                "(+02:00 or Z) if you like; a date alone means its beginning.",
                param,
                ctx,
            )


TIME = Time()
