"""What can go wrong with the demo itself, told to people."""

from __future__ import annotations


class DemoError(Exception):
    """The demo cannot be started, or cannot go on; `remedy` is one imperative sentence."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


class PortTakenError(DemoError):
    """The service's port cannot be had."""

    def __init__(self, port: int, reason: str) -> None:
        """`reason` is the system's own."""
        super().__init__(
            f"Port {port} of 127.0.0.1 cannot be had: {reason}.",
            "Stop the program that listens there, or choose another port: "
            "set ORCHESTRATOR_PORT, for example to 9830 (0 takes any free one).",
        )


class FolderNotOursError(DemoError):
    """The folder to keep things in holds things that the demo has not made."""

    def __init__(self, folder: str) -> None:
        """`folder` is the one that was named."""
        super().__init__(
            f"{folder} is neither empty nor the folder of an earlier demo.",
            "Name a new folder with --keep.",
        )


class ProcessEndedError(DemoError):
    """One of the demo's processes ended, or never came up."""

    def __init__(self, name: str, what: str, last_words: str) -> None:
        """`last_words` is the end of its stderr."""
        told = f"\n{last_words}" if last_words else ""
        super().__init__(
            f"The process `{name}` {what}.{told}", "Read its last lines above, and try again."
        )


class StepFailedError(Exception):
    """A step of the main job did not do what it should; the text says what differed."""
