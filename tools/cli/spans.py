"""Times that may also be given as a span before now. Imports nothing but click."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import click

from tools.cli.arguments import Time

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_AGO = re.compile(r"(\d{1,9})([smhdw])")


class TimeOrAgo(Time):
    """`2h` is two hours ago, also with s, m, d and w; all else is a time as everywhere."""

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """A moment with its zone."""
        match = _AGO.fullmatch(str(value))
        if match is None:
            return super().convert(value, param, ctx)
        try:
            ago = timedelta(**{_UNITS[match[2]]: int(match[1])})
            return datetime.now().astimezone() - ago
        except OverflowError:
            self.fail(f"{value!r} is longer ago than any calendar goes.", param, ctx)


TIME_OR_AGO = TimeOrAgo()
