"""A load generator of its own process: keep-alive connections, posting as fast as answers come.

Plain sockets and epoll, so that it is faster than any server it measures.
"""

from __future__ import annotations

import json
import random
import select
import socket
import statistics
import sys
from time import perf_counter

import orjson


def bodies(project: str, files: int, worker: int) -> list[bytes]:
    """Requests to rate files, ready to be sent."""
    chance = random.Random(worker)
    made = []
    for _ in range(200):
        path = f"Panel_{chance.randrange(10):02d}/pic_{chance.randrange(files):04d}.png"
        rating = chance.randrange(1, 6)
        body = orjson.dumps({"projectPath": project, "filePath": path, "rating": rating})
        head = (
            "POST /api/gallery/ratings HTTP/1.1\r\nHost: bench\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        made.append(head.encode() + body)
    return made


class Client:
    """One connection, one request at a time."""

    def __init__(self, port: int, requests: list[bytes]) -> None:
        """Connects."""
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._requests = requests
        self._number = 0
        self._came = b""
        self._sent = 0.0

    def send(self) -> None:
        """Send the next request."""
        self._sent = perf_counter()
        self.socket.sendall(self._requests[self._number % len(self._requests)])
        self._number += 1

    def take(self) -> float | None:
        """Read; the time that the answer took once it is whole."""
        self._came += self.socket.recv(65536)
        head, separator, body = self._came.partition(b"\r\n\r\n")
        if not separator:
            return None
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"refused: {self._came!r}")
        at = head.index(b"Content-Length: ") + 16
        if len(body) < int(head[at : head.find(b"\r\n", at) if b"\r\n" in head[at:] else None]):
            return None
        self._came = b""
        return perf_counter() - self._sent


def main(port: int, project: str, files: int, connections: int, seconds: float) -> None:
    """Print requests per second and the median time as JSON."""
    poll = select.epoll()
    clients = {}
    for number in range(connections):
        client = Client(port, bodies(project, files, number))
        clients[client.socket.fileno()] = client
        poll.register(client.socket, select.EPOLLIN)
    times: list[float] = []
    begin = perf_counter()
    for client in clients.values():
        client.send()
    while perf_counter() - begin < seconds:
        for descriptor, _ in poll.poll(1.0):
            client = clients[descriptor]
            took = client.take()
            if took is not None:
                times.append(took)
                client.send()
    spent = perf_counter() - begin
    print(json.dumps({"per_second": len(times) / spent, "p50": statistics.median(times)}))


if __name__ == "__main__":
    _, port, project, files, connections, seconds = sys.argv
    main(int(port), project, int(files), int(connections), float(seconds))
