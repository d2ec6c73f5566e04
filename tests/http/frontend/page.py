"""The existing frontend in a browser: its requests, and how it looks at the answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
from attrs import define

from tests.http.studio import Answer, Service, read

ORIGIN = "http://studio:5173"
FIRST = "Panel_01/Eliot_Panel_01_v001.png"
SECOND = "Panel_01/Eliot_Panel_01_v002.png"
THIRD = "Panel_01/Eliot_Panel_01_v003.png"
OTHER = "Panel_02/Eliot_Panel_02_v001.png"


@define(eq=False)
class Page:
    """A tab of a browser with the frontend in it."""

    service: Service

    @property
    def project(self) -> str:
        """The project's path, as the service sends it."""
        return str(self.service.project)

    def path(self, relative: str) -> str:
        """The absolute path of a file of the project."""
        return f"{self.project}/{relative}"

    def file(self, relative: str) -> Path:
        """The same, to look at."""
        return self.service.project / relative

    async def ask(self, method: str, path: str, body: Any = None, /, **query: Any) -> Answer:
        """Any request as a page sends it, from another origin."""
        data = None if body is None else orjson.dumps(body)
        headers = {"Origin": ORIGIN}
        if data is not None:
            headers["Content-Type"] = "application/json"
        answer = await read(
            await self.service.client.request(
                method, path, data=data, params=query, headers=headers
            )
        )
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        return answer

    async def good(self, method: str, path: str, body: Any = None, /, **query: Any) -> Any:
        """A request that must succeed; its answer."""
        answer = await self.ask(method, path, body, **query)
        assert answer.status in (200, 201, 202), answer.body
        assert answer.plain.get("success", True) is True, answer.plain
        return answer.plain

    async def post(self, endpoint: str, /, **body: Any) -> Any:
        """POST to an endpoint of the gallery about the project."""
        sent = {"project_path": self.project, **body}
        return await self.good("POST", f"/api/gallery/{endpoint}", sent)

    async def get(self, endpoint: str, /, **query: Any) -> Any:
        """GET of an endpoint of the gallery about the project."""
        sent = {"project_path": self.project, **query}
        return await self.good("GET", f"/api/gallery/{endpoint}", **sent)

    async def core(self, endpoint: str, /, **body: Any) -> Any:
        """POST to an endpoint outside of the gallery."""
        return await self.good("POST", f"/api/{endpoint}", body)

    async def refused(self, method: str, path: str, body: Any = None, /, **query: Any) -> str:
        """A request that must be refused in words that the page shows; these words."""
        answer = await self.ask(method, path, body, **query)
        assert answer.status == 200, answer.body
        return no(answer.plain)

    async def make_tag(self, name: str) -> str:
        """Make a tag; its id."""
        return str((await self.post("tags", name=name, color="#ff6b6b"))["tag"]["id"])


def no(plain: Any) -> str:
    """Assert that an answer is a refusal as the page reads it; its words."""
    assert list(plain) == ["success", "message", "error", "detail", "code", "remedy"]
    assert plain["success"] is False
    assert plain["message"] == plain["error"] == plain["detail"] != ""
    return str(plain["message"])
