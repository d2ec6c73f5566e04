"""GET /metrics, and the counting of requests."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from itertools import accumulate

from aiohttp import hdrs, web
from aiohttp.web_urldispatcher import AbstractRoute
from attrs import define, field
from prometheus_client import Metric
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)
from prometheus_client.registry import Collector

from orchestrator.http.endpoint import Endpoint, endpoint
from orchestrator.http.middleware import UNANSWERED, Ended
from orchestrator.services import METRICS

#: Seconds.
BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
#: What labels say of requests that no endpoint serves: clients can make up any path and method.
NOWHERE = "none"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


@endpoint(
    "GET", "/metrics", media=("text/plain", "application/openmetrics-text"), tags=("service",)
)
async def metrics(request: web.Request) -> web.StreamResponse:
    """Figures for Prometheus.

    In its text format, or as OpenMetrics if `Accept` asks for that. docs/operations.md lists them.
    """
    body, content_type = request.app[METRICS].render(request.headers.get(hdrs.ACCEPT, ""))
    return web.Response(body=body, headers={hdrs.CONTENT_TYPE: content_type})


@define(eq=False)
class _Counted:
    """The figures of one route: plain numbers, since all requests are counted on one loop.

    The library's own counters take a lock each; that was half of what counting cost.
    """

    endpoint: str
    method: str
    is_socket: bool
    #: How many took no longer than each bucket, and longer than the one before; the last is the
    #: rest.
    buckets: list[int] = field(factory=lambda: [0] * (len(BUCKETS) + 1))
    seconds: float = 0.0
    by_status: dict[int, int] = field(factory=dict)
    #: Who watches it now, if it is a WebSocket.
    watchers: int = 0

    def ended(self, status: int, seconds: float) -> None:
        """A request of this route was answered after so long, or nobody was left to answer."""
        if self.is_socket:
            self.watchers -= 1
        if status == UNANSWERED:
            return
        self.by_status[status] = self.by_status.get(status, 0) + 1
        if not self.is_socket:
            self.buckets[bisect_left(BUCKETS, seconds)] += 1
            self.seconds += seconds

    def cumulated(self) -> list[tuple[str, float]]:
        """How many took no longer than each bucket, as Prometheus wants it."""
        names = (*map(str, BUCKETS), "+Inf")
        return list(zip(names, map(float, accumulate(self.buckets)), strict=True))


class RequestMeter(Collector):
    """Counts requests by endpoint, method and status, and who watches what."""

    def __init__(self, endpoints: Iterable[Endpoint]) -> None:
        """`endpoints` says which paths are WebSockets; all others are known from their requests."""
        self._sockets = frozenset(one.path for one in endpoints if one.websocket)
        self._routes: dict[AbstractRoute, _Counted] = {}
        #: Of requests that no endpoint serves, by method.
        self._nowhere: dict[str, _Counted] = {}

    def begin(self, request: web.Request) -> Ended:
        """Take note of a request; gives what is to be told of its end."""
        route = request.match_info.route
        counted = self._routes.get(route) or self._find(request, route)
        if counted.is_socket:
            counted.watchers += 1
        return counted.ended

    def collect(self) -> Iterator[Metric]:
        """All figures."""
        counted = (*self._routes.values(), *self._nowhere.values())
        requests = CounterMetricFamily(
            "orchestrator_http_requests",
            "Requests that were answered.",
            labels=("endpoint", "method", "status"),
        )
        seconds = HistogramMetricFamily(
            "orchestrator_http_request_seconds",
            "Until an answer is ready, or a file is sent; WebSockets are left out.",
            labels=("endpoint", "method"),
        )
        for one in counted:
            for status, count in one.by_status.items():
                requests.add_metric((one.endpoint, one.method, str(status)), count)
            if any(one.buckets):
                seconds.add_metric((one.endpoint, one.method), one.cumulated(), one.seconds)
        yield requests
        yield seconds
        watchers = GaugeMetricFamily(
            "orchestrator_websocket_watchers", "WebSockets that are open.", labels=("endpoint",)
        )
        now = dict.fromkeys(sorted(self._sockets), 0)
        now |= {one.endpoint: one.watchers for one in counted if one.is_socket}
        for path, count in now.items():
            watchers.add_metric((path,), count)
        yield watchers

    def _find(self, request: web.Request, route: AbstractRoute) -> _Counted:
        """The figures of a route that is new to us, or of none."""
        if route.resource is None:
            method = request.method if request.method in _METHODS else "other"
            return self._nowhere.setdefault(method, _Counted(NOWHERE, method, is_socket=False))
        path = route.resource.canonical
        counted = _Counted(path, route.method, is_socket=path in self._sockets)
        self._routes[route] = counted
        return counted
