"""Which network addresses a stranger's webhook may lead to: public ones only.

Whoever may submit a job must not make this service talk to what only it can reach: itself, the
machines beside it, a cloud's metadata. A name is looked up when the job is submitted and again
when its message is sent, and the connection goes to the very address that was looked at: a name
that meanwhile leads elsewhere ("DNS rebinding") gains nothing.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from aiohttp.abc import AbstractResolver, ResolveResult
from attrs import define, field

#: Addresses that carry an IPv4 address in their last 32 bits, and lead there (RFC 6052).
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
#: Where the open internet's IPv6 addresses are; all others are for something else.
_UNICAST = ipaddress.ip_network("2000::/3")
#: For special purposes, though not every version of Python knows that; one cloud's metadata.
_SPECIAL = (ipaddress.ip_network("192.0.0.0/24"), ipaddress.ip_network("192.88.99.0/24"))
#: Threads that look names up; a name server that hangs must not hold up anything else.
LOOKUP_THREADS = 4

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class NotPublicError(OSError):
    """The name leads to an address that is not public."""

    def __init__(self, host: str) -> None:
        super().__init__(f"{host} leads to an address that is not public")


def is_public(text: str) -> bool:
    """Whether an IP address is one of the open internet, and so is every one hidden inside it."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return all(_is_open(each) for each in (address, *_within(address)))


def _is_open(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        if address in _NAT64:
            return True  # as open as what is within
        if address not in _UNICAST:
            return False
    elif any(address in network for network in _SPECIAL):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _within(address: Address) -> Iterator[Address]:
    """The IPv4 addresses to which an IPv6 address is only another way."""
    if isinstance(address, ipaddress.IPv4Address):
        return
    if address.sixtofour is not None:
        yield address.sixtofour
    if address.teredo is not None:
        yield from address.teredo
    if address in _NAT64:
        yield ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)


@define(eq=False)
class Names(AbstractResolver):
    """Looks names up as this computer does, in threads of its own."""

    _threads: ThreadPoolExecutor = field(
        factory=lambda: ThreadPoolExecutor(LOOKUP_THREADS, thread_name_prefix="webhook-names")
    )

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """All addresses of a name.

        Raises:
            OSError: it cannot be looked up.
        """

        def look() -> list[ResolveResult]:
            found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
            return [
                ResolveResult(
                    hostname=host,
                    host=str(address[0]),
                    port=port,
                    family=kind,
                    proto=proto,
                    flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
                )
                for kind, _, proto, _, address in found
            ]

        return await asyncio.get_running_loop().run_in_executor(self._threads, look)

    async def close(self) -> None:
        """Take nothing more; a look-up that hangs is left behind."""
        self._threads.shutdown(wait=False, cancel_futures=True)


@define(eq=False)
class PublicNames(AbstractResolver):
    """Gives public addresses only: a name with any other address has none."""

    _names: AbstractResolver

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """All addresses of a name.

        Raises:
            NotPublicError: not all of them are public.
            OSError: it cannot be looked up.
        """
        found = await self._names.resolve(host, port, family)
        if not found or not all(is_public(each["host"]) for each in found):
            raise NotPublicError(host)
        return found

    async def close(self) -> None:
        """Nothing of its own to close."""
