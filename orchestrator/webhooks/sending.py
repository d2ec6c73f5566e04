"""One try to tell an address: what is sent, how long it may take, and what the answer means."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO

import aiohttp
from aiohttp.abc import AbstractResolver
from attrs import define, field, frozen

from orchestrator.comfyui.transport import describe
from orchestrator.webhooks.reach import NotPublicError, PublicNames
from orchestrator.webhooks.receivers import Receiver

#: A receiver has so long to take a message (seconds).
TRY_SECONDS = 10.0
#: Refusals that say "later", not "never".
_LATER = frozenset({408, 425, 429})


@frozen
class Outcome:
    """What came of a try."""

    #: Why it was not taken; None if it was.
    error: str | None = None
    #: Whether it would come to the same again.
    final: bool = False
    #: Whether nobody answered at all.
    silent: bool = False

    @property
    def delivered(self) -> bool:
        """Whether the receiver took it."""
        return self.error is None


def judged(status: int) -> Outcome:
    """What the status of an answer says."""
    if 200 <= status < 300:
        return Outcome()
    said = f"it answered {status}"
    if status < 400:
        return Outcome(f"{said}; redirects are not followed", final=True)
    return Outcome(said, final=status < 500 and status not in _LATER)


@define(eq=False)
class Sender:
    """Sends messages: one session for the addresses of config.yaml, one for all others."""

    #: Look up the names of config.yaml, and those of jobs: a name server that hangs on the names
    #: of strangers must not hold up the others.
    _names: AbstractResolver
    _strangers: AbstractResolver
    _seconds: float = TRY_SECONDS
    #: By whether the receiver is trusted; made at first use, because that needs the loop.
    _sessions: dict[bool, aiohttp.ClientSession] = field(factory=dict)

    async def send(self, receiver: Receiver, body: bytes, headers: Mapping[str, str]) -> Outcome:
        """Send a message once; whatever goes wrong is told in the outcome."""
        session = self._session(trusted=receiver.trusted)
        try:
            # The answer's body says nothing to us, and is not read: it may be endless.
            async with session.post(
                receiver.url, data=BytesIO(body), headers=headers, allow_redirects=False
            ) as answer:
                return judged(answer.status)
        except aiohttp.ClientConnectorDNSError as exc:
            final = isinstance(exc.os_error, NotPublicError)
            return Outcome(str(exc.os_error), final=final, silent=not final)
        except aiohttp.InvalidURL as exc:
            return Outcome(describe(exc), final=True)
        except (aiohttp.ClientError, TimeoutError, OSError) as exc:
            return Outcome(describe(exc), silent=True)

    def _session(self, *, trusted: bool) -> aiohttp.ClientSession:
        if trusted not in self._sessions:
            names = self._names if trusted else PublicNames(self._strangers)
            self._sessions[trusted] = aiohttp.ClientSession(
                # No connection is kept and no name remembered: each try looks anew.
                connector=aiohttp.TCPConnector(
                    resolver=names, use_dns_cache=False, force_close=True
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=self._seconds),
            )
        return self._sessions[trusted]

    async def close(self) -> None:
        """Close all connections."""
        for session in self._sessions.values():
            await session.close()
        await self._names.close()
        await self._strangers.close()
