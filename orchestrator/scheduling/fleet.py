"""All backends of this host, found by their ids and watched together; they may change any time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from contextvars import Context, copy_context
from functools import partial

import aiohttp

from orchestrator.comfyui.client import ComfyClient
from orchestrator.comfyui.socket import ComfySocket
from orchestrator.comfyui.transport import DEFAULT_TIMEOUTS, Timeouts
from orchestrator.config import BackendConfig
from orchestrator.errors import BackendUnknown
from orchestrator.host import Host
from orchestrator.scheduling.backend import Backend
from orchestrator.scheduling.timing import Timing
from orchestrator.scheduling.trust import OnVerdict
from orchestrator.scheduling.watching import watch_for_ever


class Fleet:
    """All backends of this host."""

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
        #: Called whenever a backend has changed, or another set of them is used.
        self.on_change: Callable[[], None] = lambda: None
        #: Told of each pause of a backend, and of its end.
        self.on_verdict: OnVerdict = lambda _: None
        self._session = session
        self._host = host
        self._timing = timing
        self._timeouts = timeouts
        self._backends: dict[str, Backend] = {}
        self._watched: dict[Backend, asyncio.Task[None]] = {}
        #: Watches of all times that have not ended.
        self._tasks: set[asyncio.Task[None]] = set()
        #: Held while a backend of this id is watched.
        self._turns: dict[str, asyncio.Lock] = {}
        #: Where watching belongs; None while it is not wanted. A change that somebody's request
        #: brought must not tie it to that request.
        self._context: Context | None = None
        self.apply(configs)

    @staticmethod
    def client_id(host: Host, backend: str) -> str:
        """The one name under which this host listens to a backend, now and after a restart."""
        return f"orchestrator-{host.id}-{backend}"

    def all(self) -> tuple[Backend, ...]:
        """Every backend, in the order of the configuration."""
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

    def apply(
        self, configs: Iterable[BackendConfig], draining: Collection[str] = ()
    ) -> tuple[Backend, ...]:
        """Use exactly these backends from now on.

        A backend of another address is another backend. Any other change leaves it as it is, with
        all that it does. Attempts on one that is not used any more can go on with what they hold
        of it; only nobody looks at it for them.

        Args:
            configs: The backends, each with an id of its own.
            draining: Ids of those that take nothing new.

        Returns:
            Those that were not used before.
        """
        before, after = self._backends, {}
        for config in configs:
            backend = before.get(config.id)
            if backend is None or backend.config.url != config.url:
                backend = self._make(config)
            backend.config = config
            backend.draining = config.id in draining
            after[config.id] = backend
        self._backends = after
        for backend in {*before.values(), *after.values()}:
            self._see_to(backend)
        self.on_change()
        return tuple(b for b in after.values() if before.get(b.config.id) is not b)

    def start(self) -> None:
        """Watch all enabled backends."""
        self._context = copy_context()
        for backend in self.all():
            self._see_to(backend)

    async def close(self) -> None:
        """Stop watching."""
        self._context = None
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _make(self, config: BackendConfig) -> Backend:
        client = ComfyClient(self._session, config.url, config.id, self._timeouts)
        backend = Backend(
            config=config,
            host=self._host.id,
            client=client,
            timing=self._timing,
            on_verdict=lambda verdict: self.on_verdict(verdict),
        )
        backend.on_change = partial(self._changed, backend)
        backend.socket = ComfySocket(
            self._session,
            config.url,
            self.client_id(self._host, config.id),
            backend.take_frame,
            on_connect=backend.look_anew,
        )
        return backend

    def _changed(self, backend: Backend) -> None:
        self._see_to(backend)
        self.on_change()

    def _see_to(self, backend: Backend) -> None:
        """Watch it or not. One that was disabled is watched until its last attempt has left."""
        wanted = self._backends.get(backend.config.id) is backend and (
            backend.config.enabled or bool(backend.watches)
        )
        task = self._watched.get(backend)
        if wanted and task is None and self._context is not None:
            task = asyncio.create_task(self._watch(backend), context=self._context.copy())
            self._watched[backend] = task
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif not wanted and task is not None:
            del self._watched[backend]
            task.cancel()
            backend.lose(None)

    async def _watch(self, backend: Backend) -> None:
        # ComfyUI forgets a socket when an older one of the same name closes late.
        async with self._turns.setdefault(backend.config.id, asyncio.Lock()):
            await watch_for_ever(backend, self.client_id(self._host, backend.config.id))
