"""Groups of commands that are imported when one is chosen, and how a command's fault is told."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn

import click

#: As shells report it: ended by SIGINT, ended by SIGPIPE.
INTERRUPTED, PIPE_CLOSED = 130, 141


class LazyCommand(NamedTuple):
    """Where a command is, and its line in the list of commands."""

    #: `module:name`.
    place: str
    short_help: str


class LazyGroup(click.Group):
    """A group whose commands are imported one by one, when they are needed."""

    def __init__(self, *args: Any, commands_at: Mapping[str, LazyCommand], **kwargs: Any) -> None:
        """`commands_at` has the commands by name, in the order they are listed."""
        super().__init__(*args, **kwargs)
        self.commands_at = commands_at

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in order."""
        return list(self.commands_at)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; None if there is none of that name."""
        if cmd_name not in self.commands_at:
            return None
        module, _, name = self.commands_at[cmd_name].place.partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(n, command.short_help) for n, command in self.commands_at.items()])


class Refusal(click.ClickException):
    """A fault as people should see it: one line says what happened, one what to do."""

    exit_code = 2

    def __init__(self, message: str, remedy: str) -> None:
        """`remedy` is one imperative sentence."""
        super().__init__(message)
        self.remedy = remedy

    def show(self, file: Any = None) -> None:
        """Print both lines to stderr."""
        click.echo(f"Error: {self.message}\n{self.remedy}", file=file, err=file is None)


class Program(LazyGroup):
    """The outermost group: no fault that is the world's leaves it as a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the chosen command."""
        # Names in a log may have characters that this terminal or pipe does not: show their codes.
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="backslashreplace")
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()  # here, so that a reader who has gone is met here
        except BrokenPipeError:
            _leave_quietly()
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)
        except OSError as exc:
            raise Refusal(str(exc), "Check the path, its permissions, and the share.") from exc
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise  # click knows what to do with its own
        except Exception as exc:
            raise _refused(exc) from exc
        return result


def _refused(exc: Exception) -> Refusal:
    """What to tell people of an error; of one that nobody foresaw, also where it rose."""
    from orchestrator.errors import OrchestratorError

    if isinstance(exc, OrchestratorError):
        return Refusal(str(exc), exc.remedy)
    # Code 1 must not mean both "something is broken" and "this program is".
    traceback.print_exception(exc)
    return Refusal(f"This program has a fault: {exc!r}", "Report it, with the lines above.")


def _leave_quietly() -> NoReturn:
    """End as other tools do when nobody reads their output any more, such as before `head`."""
    # What is still buffered would be written, and fail, once more at the very end.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(PIPE_CLOSED)
