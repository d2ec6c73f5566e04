"""Runs a module as `python -m` does, and stops it when whoever started it lets go of its stdin.

    python -m tools.demo.leash MODULE [ARGUMENT ...]

The starter holds the other end of our stdin. When it closes that, or dies in whatever way, we
get SIGTERM; a module that does not stop upon that is ended. This works on every system, and needs
no list of processes that could outlive the one who keeps it.
"""

from __future__ import annotations

import os
import runpy
import signal
import sys
import threading
import time

#: A module may take so long to stop (seconds).
GRACE = 15.0


def watch(grace: float = GRACE) -> None:
    """Wait for the end of stdin, then end this process."""
    # Not sys.stdin: its lock, held here, would stop the interpreter from shutting down.
    while os.read(0, 1024):
        pass
    if hasattr(signal, "pthread_kill"):
        # The main thread is the one that has to wake up.
        main = threading.main_thread().ident
        assert main is not None  # it runs
        signal.pthread_kill(main, signal.SIGTERM)
    else:
        signal.raise_signal(signal.SIGTERM)
    time.sleep(grace)
    os._exit(1)


def main(arguments: list[str]) -> None:
    """Run the module named first, with the arguments that follow."""
    threading.Thread(target=watch, name="leash", daemon=True).start()
    module, sys.argv[1:] = arguments[0], arguments[1:]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main(sys.argv[1:])
