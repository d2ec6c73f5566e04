"""A load generator of its own process: keep-alive connections, posting as fast as answers come."""

from __future__ import annotations

import asyncio
import json
import random
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


async def client(port: int, requests: list[bytes], end: float, times: list[float]) -> None:
    """One connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    number = 0
    while perf_counter() < end:
        begin = perf_counter()
        writer.write(requests[number % len(requests)])
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(f"refused: {head!r} {await reader.read(500)!r}")
        at = head.lower().index(b"content-length:") + 15
        await reader.readexactly(int(head[at : head.index(b"\r\n", at)]))
        times.append(perf_counter() - begin)
        number += 1
    writer.close()


async def main(port: int, project: str, files: int, connections: int, seconds: float) -> None:
    """Print requests per second and the median time as JSON."""
    times: list[float] = []
    end = perf_counter() + seconds
    await asyncio.gather(
        *(client(port, bodies(project, files, n), end, times) for n in range(connections))
    )
    print(json.dumps({"per_second": len(times) / seconds, "p50": statistics.median(times)}))


if __name__ == "__main__":
    _, port, project, files, connections, seconds = sys.argv
    asyncio.run(main(int(port), project, int(files), int(connections), float(seconds)))
