"""Starting the demo: which port, which signals end it, and what its exit code says."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from tools.demo import once as main_job
from tools.demo.errors import DemoError, PortTakenError, StepFailedError
from tools.demo.printing import Printer
from tools.demo.sample import PROJECT
from tools.demo.showing import invitation
from tools.demo.stage import Stage, staged

DEFAULT_PORT = 9820
#: Seconds that a step of a simulated sampler takes while somebody watches.
PACE = 0.25


def run(*, once: bool, port: int | None, keep: Path | None) -> int:
    """See `tools.demo.main`."""
    printer = Printer()
    try:
        chosen = chosen_port(port, os.environ, once=once)
        probe(chosen)
        with asyncio.Runner() as runner:
            return runner.run(_until_signal(once, chosen, keep, printer))
    except StepFailedError as exc:
        printer.line(f"The sample could not be rated and tagged: {exc}", "red")
        return 1
    except DemoError as exc:
        printer.line(f"{exc}\n{exc.remedy}", "red")
    except OSError as exc:
        printer.line(f"The demo cannot be set up: {exc}", "red")
    return 2


def chosen_port(port: int | None, environ: Mapping[str, str], *, once: bool) -> int:
    """The service's port: as told, else ORCHESTRATOR_PORT, else 9820; `--once` takes a free one.

    Raises:
        DemoError: the variable is no port.
    """
    if port is not None:
        return port
    said = environ.get("ORCHESTRATOR_PORT", "").strip()
    if not said:
        return 0 if once else DEFAULT_PORT
    if not (said.isascii() and said.isdecimal()) or len(said) > 5 or int(said) > 65_535:
        raise DemoError(
            f"ORCHESTRATOR_PORT is {said!r}.", "Set it to a number from 0 to 65535, or unset it."
        )
    return int(said)


def probe(port: int) -> None:
    """Find out at once whether a port is free, before anything is painted or started.

    Raises:
        PortTakenError: it is not.
    """
    with socket.socket() as trial:
        if os.name != "nt":  # there, this would let two programs share a port
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError as exc:
            raise PortTakenError(port, exc.strerror or str(exc)) from exc


async def _until_signal(once: bool, port: int, keep: Path | None, printer: Printer) -> int:
    """Run to the end, or until SIGINT, SIGTERM or SIGHUP; in either case all is stopped."""
    work = _once if once else _watch
    task = asyncio.create_task(work(port, keep, printer))
    got: list[int] = []

    def end(number: int) -> None:
        if not got:  # a second Ctrl-C must not stop the stopping
            printer.line("\nStopping ...")
            task.cancel()
        got.append(number)

    with _on_signals(end):
        try:
            return await task
        except asyncio.CancelledError:
            if not got:
                raise
        printer.line("Stopped.")
        return 128 + got[0] if once else 0


@contextmanager
def _on_signals(end: Callable[[int], None]) -> Iterator[None]:
    """Have `end` called on the event loop at SIGINT, SIGTERM and, unless ignored, SIGHUP."""
    loop = asyncio.get_running_loop()
    numbers = [signal.SIGINT, signal.SIGTERM]
    hangup = getattr(signal, "SIGHUP", None)
    if hangup is not None and signal.getsignal(hangup) is not signal.SIG_IGN:  # as below nohup
        numbers.append(hangup)
    # Unlike loop.add_signal_handler, signal.signal works on Windows too.
    before = {
        number: signal.signal(number, lambda got, _: loop.call_soon_threadsafe(end, got))
        for number in numbers
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            if handler is not None:  # None: whoever embeds Python has a handler of his own
                signal.signal(number, handler)


async def _once(port: int, keep: Path | None, printer: Printer) -> int:
    """The main job; 0 if every step held."""
    printer.line("Setting up: sample project, two simulated ComfyUI servers, the service ...")
    async with staged(keep=keep, port=port, pace=main_job.PACE) as stage:
        printer.note(_set_up(stage))
        held = await main_job.perform(stage, printer)
    if held:
        printer.line("All steps held: the replayed state equals the live state.", "bold green")
        return 0
    printer.line("A step failed; what differed stands above.", "bold red")
    return 1


async def _watch(port: int, keep: Path | None, printer: Printer) -> int:
    """Show what there is, and wait; 1 if the service ends by itself."""
    printer.line("Setting up: sample project, two simulated ComfyUI servers, the service ...")
    async with staged(keep=keep, port=port, pace=PACE) as stage:
        printer.note(_set_up(stage))
        printer.line(invitation(stage))
        ends = {asyncio.create_task(child.ended()) for child in stage.backends}
        service = asyncio.create_task(stage.service.ended())
        try:
            while not service.done():
                # To kill a backend is a fine thing to try: the service must bear it.
                waiting = {service, *ends}
                done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                for end in done & ends:
                    printer.line(str(end.result()))
                ends -= done
        finally:
            for end in (service, *ends):
                end.cancel()
        printer.line(str(service.result()), "red")
        return 1


def _set_up(stage: Stage) -> str:
    painted = f"{stage.painted} pictures painted" if stage.painted else "pictures are there already"
    said = stage.curated
    told = (
        f"{said.ratings} ratings and {said.tagged} tagged files by {said.people} people"
        if said
        else "ratings and tags are there already"
    )
    return f"{PROJECT}: {painted}; {told}"
