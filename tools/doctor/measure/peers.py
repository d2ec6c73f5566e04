"""Asking the services of other hosts how they are, and how far they have read. Blocks."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import ProxyHandler, build_opener

import orjson
from attrs import field, frozen

#: A service that does not answer within so many seconds is away.
PATIENCE = 5.0
_MOST = 1 << 24


class PeerError(Exception):
    """A service did not answer as one of ours does; the message says what it did."""


@frozen
class PeerSeen:
    """What another service says."""

    url: str
    version: str
    #: From asking to having the answer (seconds).
    took: float
    #: Its clock minus ours (seconds); None if it does not tell. `took` is how far it may be wrong.
    ahead: float | None
    #: Projects that it cannot write, with the reasons.
    read_only: tuple[str, ...]
    #: Per `writer.host`, how far it has read the log; None if it cannot tell.
    positions: dict[str, int] | None = field(default=None)
    #: Why it cannot.
    why: str = ""


def ask_peer(url: str, project_path: str, wall: Callable[[], float] = time.time) -> PeerSeen:
    """Ask a service for its health, and for its positions in a project's log.

    Raises:
        PeerError: it does not answer.
    """
    before = wall()
    health = _get(url, "/health")
    after = wall()
    try:
        version = str(health["version"])
        read_only = tuple(str(told) for told in health.get("projects_read_only", ()))
        ahead = _moment(health.get("timestamp"))
    except (KeyError, TypeError, ValueError) as exc:
        raise PeerError(f"{url}/health is not that of this service: {exc!r}") from exc
    if ahead is not None:
        ahead -= (before + after) / 2
    try:
        query = urlencode({"projectPath": project_path})
        positions = _positions(_get(url, f"/api/log/status?{query}"))
    except PeerError as exc:
        return PeerSeen(url, version, after - before, ahead, read_only, why=str(exc))
    return PeerSeen(url, version, after - before, ahead, read_only, positions)


def _moment(text: object) -> float | None:
    return None if text is None else datetime.fromisoformat(str(text)).timestamp()


def _positions(status: dict[str, Any]) -> dict[str, int]:
    try:
        return {f"{w['writer']}.{w['host']}": int(w["position"]) for w in status["writers"]}
    except (KeyError, TypeError, ValueError) as exc:
        raise PeerError(f"its log status cannot be understood: {exc!r}") from exc


def _get(url: str, path: str) -> dict[str, Any]:
    if urlsplit(url).scheme not in {"http", "https"}:
        raise PeerError(f"{url} is no address of a service")
    # Hosts of a studio are asked directly, whatever proxy leads out of it.
    opener = build_opener(ProxyHandler({}))
    try:
        with opener.open(url.rstrip("/") + path, timeout=PATIENCE) as answer:
            found = orjson.loads(answer.read(_MOST))
    except HTTPError as exc:
        with exc:
            raise PeerError(f"it answered {exc.code} to GET {path.partition('?')[0]}") from exc
    except (OSError, HTTPException, ValueError) as exc:
        raise PeerError(f"{url} does not answer: {exc}") from exc
    if not isinstance(found, dict):
        raise PeerError(f"{url}{path} gives no JSON object")
    return found
