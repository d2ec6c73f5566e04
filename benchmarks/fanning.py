"""Progress of fifty running jobs, told to two hundred watchers: what it costs the service.

Each job makes ten steps a second. ComfyUI sends two frames for each of them, so the service reads
a thousand frames a second, and has a hundred thousand messages a second to send.
"""

from __future__ import annotations

import json
import os
import select
import socket
import statistics
import subprocess
import sys
from pathlib import Path
from time import perf_counter, sleep

from attrs import frozen

from benchmarks.farms import Service, all_online, graph, service, simulators, until
from benchmarks.figures import Figure
from benchmarks.rating import on_core

JOBS, STEPS, WATCHERS, SECONDS, ROUNDS = 50, 10, 200, 8.0, 3
#: They render for so long, and are not waited for.
FOR_EVER = 900.0


@frozen
class Watched:
    """What one round came to."""

    #: Cores that the service kept busy.
    cores: float
    #: Messages per second and watcher.
    messages: float


def watched(farm: Service, path: str, watchers: int) -> Watched:
    """So many watchers on one path, for some seconds."""
    port = farm.connection.port
    command = [sys.executable, "-m", "benchmarks.fanning", str(port), path, str(watchers)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, preexec_fn=lambda: on_core(1)
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "watching\n"
        begin, cpu = perf_counter(), farm.cpu
        sleep(SECONDS)
        cores = (farm.cpu - cpu) / (perf_counter() - begin)
        found = json.loads(process.stdout.readline())
    return Watched(cores, found["messages"])


def run(folder: Path) -> list[Figure]:
    """All figures of this module."""
    with (
        simulators(JOBS, folder / "backends") as (_, ports),
        service(folder / "service", ports) as farm,
    ):
        all_online(farm, JOBS)
        asked = {
            "backend_ids": [f"b{n}" for n in range(JOBS)],
            "workflow_json": graph(FOR_EVER, steps=int(FOR_EVER * STEPS)),
        }
        group = farm.ask("POST", "/api/job-groups", asked)["job_group_id"]
        until(lambda: farm.count("running") == JOBS)
        paths = ["/ws/jobs", f"/ws/job-groups/{group}"]
        rounds = [
            [watched(farm, paths[0], 0), *(watched(farm, path, WATCHERS) for path in paths)]
            for _ in range(ROUNDS)
        ]
    alone, jobs, groups = (statistics.median(r[n].cores for r in rounds) for n in range(3))
    told = [statistics.median(r[n].messages for r in rounds) for n in (1, 2)]
    print(f"messages to each watcher: {told[0]:.0f}/s, {told[1]:.0f}/s", file=sys.stderr)
    assert min(told) > JOBS * STEPS / 2
    what = f"{JOBS} jobs at {STEPS} steps/s, CPU of the service"
    return [
        Figure(name=f"{what}, nobody watches", value=alone, unit="cores", goal="<= 0.5"),
        Figure(name=f"{what}, {WATCHERS} on /ws/jobs", value=jobs, unit="cores", goal="<= 0.5"),
        Figure(name=f"{what}, {WATCHERS} on its group", value=groups, unit="cores", goal="<= 0.5"),
    ]


def connect(port: int, path: str) -> socket.socket:
    """A WebSocket whose handshake has been answered."""
    made = socket.create_connection(("127.0.0.1", port))
    made.sendall(
        f"GET {path} HTTP/1.1\r\nHost: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    answer = made.recv(17, socket.MSG_WAITALL)
    if not answer.endswith(b" 101 Swit"):
        raise SystemExit(f"no WebSocket: {answer!r}")
    return made


def watch(port: int, path: str, watchers: int) -> None:
    """Read what comes to all; of one, count the messages. Plain sockets, as in `load.py`."""
    poll, sockets = select.epoll(), {}
    for _ in range(watchers):
        made = connect(port, path)
        sockets[made.fileno()] = made
        poll.register(made, select.EPOLLIN)
    print("watching", flush=True)
    counted, messages, begin = min(sockets, default=-1), 0, perf_counter()
    while perf_counter() - begin < SECONDS:
        for descriptor, _ in poll.poll(0.5):
            came = sockets[descriptor].recv(1 << 20)
            if not came:
                raise SystemExit("a watcher was let go")
            if descriptor == counted:
                messages += came.count(b'"type":"job_progress"')
                messages += came.count(b'"type":"child_progress"')
    print(json.dumps({"messages": messages / SECONDS}), flush=True)


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUNBUFFERED", "1")
    watch(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
