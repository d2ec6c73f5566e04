"""Talking to the demo's service: JSON over HTTP, and the WebSocket of one job."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import orjson
from attrs import frozen

from tools.demo.errors import StepFailedError

#: Seconds for one answer; seeds and scans take a fraction.
ANSWER = 30.0
#: Seconds between two looks at something that is to come about.
PAUSE = 0.1


@frozen
class Api:
    """A running service."""

    session: aiohttp.ClientSession
    url: str

    async def get(self, at: str, **query: str) -> Any:
        """The JSON answer to a GET; `at` stands below the service's address.

        Raises:
            StepFailedError: it answers anything but 200.
        """
        async with _answering(), self.session.get(self.url + at, params=query) as answer:
            return await _read(answer, 200)

    async def post(
        self, path: str, body: Mapping[str, Any], *, actor: str = "demo", status: int = 200
    ) -> Any:
        """The JSON answer to a POST.

        Args:
            path: below the service's address.
            body: sent as JSON.
            actor: who does it, for the log.
            status: the status that is expected.

        Raises:
            StepFailedError: it answers with another status.
        """
        headers = {"X-Actor": actor, "Content-Type": "application/json"}
        data = orjson.dumps(body)
        url = self.url + path
        async with _answering(), self.session.post(url, data=data, headers=headers) as answer:
            return await _read(answer, status)

    async def fetch(self, path: str, **headers: str) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and bytes of a GET, whatever they are.

        Raises:
            StepFailedError: it does not answer.
        """
        url = self.url + path
        async with _answering(), self.session.get(url, headers=headers) as answer:
            return answer.status, answer.headers, await answer.read()

    async def follow(self, job_id: str, tell: Callable[[dict[str, Any]], bool]) -> None:
        """Read the job's WebSocket until `tell`, given each message, says that it is enough.

        Raises:
            StepFailedError: the service ends it first.
        """
        url = f"{self.url}/ws/jobs?jobId={job_id}"
        async with _answering(), self.session.ws_connect(url) as socket:
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT and tell(orjson.loads(message.data)):
                    return
            raise StepFailedError(f"The WebSocket ended with {socket.close_code} in mid-job.")

    async def until(
        self, path: str, holds: Callable[[Any], bool], what: str, seconds: float = 20.0
    ) -> Any:
        """Ask again and again until the answer fits; the last answer.

        Raises:
            StepFailedError: it does not fit in time.
        """
        answer: Any = None
        try:
            async with asyncio.timeout(seconds):
                # It is another process: there is no event to wait for.
                while not holds(answer := await self.get(path)):  # noqa: ASYNC110  # see above
                    await asyncio.sleep(PAUSE)
        except TimeoutError:
            shown = orjson.dumps(answer)[:600].decode(errors="replace")
            raise StepFailedError(f"{what} not within {seconds:g} s; last: {shown}") from None
        return answer


@asynccontextmanager
async def _answering() -> AsyncIterator[None]:
    """A service that is gone, or hangs, fails the step that asks it."""
    try:
        yield
    except aiohttp.ClientError as exc:
        raise StepFailedError(f"The service does not answer: {exc!r}") from exc
    except TimeoutError as exc:
        raise StepFailedError(f"The service does not answer within {ANSWER:g} s.") from exc


async def _read(answer: aiohttp.ClientResponse, status: int) -> Any:
    body = await answer.read()
    if answer.status != status:
        asked = f"{answer.method} {answer.url.path}"
        shown = body[:600].decode(errors="replace")
        raise StepFailedError(f"{asked} answered {answer.status} instead of {status}: {shown}")
    return orjson.loads(body)


def session() -> aiohttp.ClientSession:
    """A session for `Api`; to be closed by who asked for it."""
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER))
