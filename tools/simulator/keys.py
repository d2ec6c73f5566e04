"""What handlers find in the application and in a request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from tools.simulator.memory import Memory
    from tools.simulator.server import Simulator

SIMULATOR: web.AppKey[Simulator] = web.AppKey("simulator")
#: The memory at the time when a request came in; it may have died since.
MEMORY: web.RequestKey[Memory] = web.RequestKey("memory")
