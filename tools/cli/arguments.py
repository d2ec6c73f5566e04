"""Arguments that several commands take. Imports nothing but click, since `--help` needs them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


def project_argument(command: F) -> F:
    """The argument of all commands that read a project's log."""
    return click.argument("project", type=click.Path(path_type=Path))(command)


def json_option(what: str) -> Callable[[F], F]:
    """`--json`; `what` says what is printed then."""
    return click.option("--json", "machine", is_flag=True, help=what)


def config_option(command: F) -> F:
    """`--config`, for commands that need what this host keeps for itself."""
    return click.option(
        "--config",
        type=click.Path(path_type=Path),
        help="Configuration file of the service on this computer; by default config.yaml in the "
        "working directory, if it is there.",
    )(command)


class Subset(click.ParamType[tuple[int, int]]):
    """A part of a whole, as `2/5`."""

    name = "subset"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """The part, from 1, and the number of parts."""
        part, slash, of = str(value).partition("/")
        if not slash or not part.isdecimal() or not of.isdecimal() or not 1 <= int(part) <= int(of):
            self.fail(f"{value!r} is no part. Write it like 1/5: the first of five.", param, ctx)
        return int(part), int(of)


SUBSET = Subset()


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
