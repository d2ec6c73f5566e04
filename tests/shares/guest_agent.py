"""Runs in a guest, as its first process: carries out what the tests ask. Standard library only.

One JSON object per connection: `{"run": [...], "seconds": 60}` runs a program to its end,
`{"start": [...], "log": "..."}` starts one, and `{"end": pid, "signal": 9}` ends it.
"""

from __future__ import annotations

import json
import os
import signal
import socketserver
import subprocess
import sys
from typing import Any

_started: dict[int, subprocess.Popen[bytes]] = {}


class Handler(socketserver.StreamRequestHandler):
    """One request."""

    def handle(self) -> None:
        """Answer it; a fault is an answer, too."""
        try:
            answer = carry_out(json.loads(self.rfile.readline()))
        except Exception as exc:  # noqa: BLE001  # told to whoever asked
            answer = {"fault": repr(exc)}
        self.wfile.write(json.dumps(answer).encode() + b"\n")


class Server(socketserver.ThreadingTCPServer):
    """Each request has a thread: one that hangs on the share holds up no other."""

    allow_reuse_address = True
    daemon_threads = True


def carry_out(asked: dict[str, Any]) -> dict[str, Any]:
    """Do what is asked. Blocks."""
    if "run" in asked:
        done = subprocess.run(
            asked["run"],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=asked.get("folder"),
            timeout=asked["seconds"],
        )
        return {"code": done.returncode, "said": done.stdout.decode(errors="replace")}
    if "start" in asked:
        with open(asked["log"], "ab") as log:  # noqa: PTH123  # as quick as can be
            process = subprocess.Popen(
                asked["start"],
                cwd=asked.get("folder"),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        _started[process.pid] = process
        return {"pid": process.pid}
    process = _started.pop(asked["end"])
    process.send_signal(asked.get("signal", signal.SIGTERM))
    return {"code": process.wait(asked.get("seconds", 60))}


if __name__ == "__main__":
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    Server((sys.argv[1], int(sys.argv[2])), Handler).serve_forever()
