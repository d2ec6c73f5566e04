"""A name server for the tests."""

from __future__ import annotations

import asyncio
import socket

from aiohttp.abc import AbstractResolver, ResolveResult
from attrs import define, field


@define(eq=False)
class Book(AbstractResolver):
    """Names with addresses that a test can change; others are not known."""

    known: dict[str, list[str]]
    asked: list[str] = field(factory=list)
    #: Whether it never answers.
    hangs: bool = False

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """What stands in the book."""
        self.asked.append(host)
        if self.hangs:
            await asyncio.Event().wait()
        if host not in self.known:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=0,
            )
            for address in self.known[host]
        ]

    async def close(self) -> None:
        """Nothing to close."""
