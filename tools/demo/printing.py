"""What the demo prints: coloured on a terminal, plain lines elsewhere."""

from __future__ import annotations

from attrs import define, field
from rich.console import Console
from rich.text import Text

#: Columns for a step's title.
_TITLE = 34


def _console() -> Console:
    return Console(soft_wrap=True, highlight=False, markup=False, emoji=False)


@define
class Printer:
    """Prints lines at once; a pipe gets them as they come, too."""

    console: Console = field(factory=_console)

    def line(self, text: str = "", style: str = "") -> None:
        """One line, or several."""
        self.console.print(Text(text, style=style))
        self.console.file.flush()

    def note(self, text: str) -> None:
        """A remark below a step."""
        for line in text.splitlines():
            self.line(f"      {line}", "dim")

    def result(self, number: int, title: str, *, ok: bool, seconds: float, told: str) -> None:
        """How a step ended; all but the first line of `told` goes below it."""
        first, *more = told.splitlines() or [""]
        line = Text(f"{number:>3}  {title:<{_TITLE}} ")
        line.append("ok    " if ok else "FAILED", "bold green" if ok else "bold red")
        line.append(f" {seconds:6.2f} s  ", "dim")
        line.append(first)
        self.console.print(line)
        for rest in more:
            self.note(rest)
        self.console.file.flush()
