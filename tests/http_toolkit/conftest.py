"""A client of the example service."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer

from tests.http_toolkit import example

Client = TestClient[Any, Any]
Faults = Callable[[ClientResponse], Awaitable[dict[str, str]]]


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    """A client of the example service, open to pages of every origin."""
    async with TestClient(TestServer(example.build())) as made:
        yield made


@pytest.fixture
def faults() -> Faults:
    """Reads a refusal for faulty fields: message by path."""

    async def read(response: ClientResponse) -> dict[str, str]:
        plain = await response.json()
        assert response.status == 422, plain
        assert plain["code"] == "request.invalid"
        return {fault["path"]: fault["message"] for fault in plain["detail"]}

    return read
