"""All configured backends, found by their ids and watched together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

import aiohttp

from orchestrator.comfyui.client import ComfyClient
from orchestrator.comfyui.socket import ComfySocket
from orchestrator.comfyui.transport import DEFAULT_TIMEOUTS, Timeouts
from orchestrator.config import BackendConfig
from orchestrator.errors import BackendUnknown
from orchestrator.host import Host
from orchestrator.scheduling.backend import Backend
from orchestrator.scheduling.timing import Timing


class Fleet:
    """All configured backends."""

    def __init__(
        self,
        configs: Iterable[BackendConfig],
        session: aiohttp.ClientSession,
        host: Host,
        *,
        timing: Timing,
        timeouts: Timeouts = DEFAULT_TIMEOUTS,
    ) -> None:
        """`session` stays the caller's; `host` makes the ids of our sockets our own."""
        #: Called whenever a backend has changed.
        self.on_change: Callable[[], None] = lambda: None
        self._backends: dict[str, Backend] = {}
        self._tasks: list[asyncio.Task[None]] = []
        for config in configs:
            client = ComfyClient(session, config.url, config.id, timeouts)
            backend = Backend(config, host.id, client, timing, lambda: self.on_change())
            backend.socket = ComfySocket(
                session,
                config.url,
                self.client_id(host, config.id),
                backend.take_frame,
                on_connect=backend.look_anew,
            )
            self._backends[config.id] = backend

    @staticmethod
    def client_id(host: Host, backend: str) -> str:
        """The one name under which this host listens to a backend, now and after a restart."""
        return f"orchestrator-{host.id}-{backend}"

    def all(self) -> tuple[Backend, ...]:
        """Every backend, as configured."""
        return tuple(self._backends.values())

    def find(self, backend_id: str) -> Backend | None:
        """A backend, or None."""
        return self._backends.get(backend_id)

    def get(self, backend_id: str) -> Backend:
        """A backend.

        Raises:
            BackendUnknown: there is none of this id.
        """
        found = self._backends.get(backend_id)
        if found is None:
            raise BackendUnknown(backend_id, tuple(self._backends))
        return found

    def capabilities(self) -> frozenset[str]:
        """What at least one enabled backend can do."""
        enabled = (b.config for b in self._backends.values() if b.config.enabled)
        return frozenset(c for config in enabled for c in config.capabilities)

    def start(self) -> None:
        """Watch all enabled backends."""
        for backend in self._backends.values():
            if backend.config.enabled:
                self._tasks.append(asyncio.create_task(backend.run()))

    async def close(self) -> None:
        """Stop watching."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
