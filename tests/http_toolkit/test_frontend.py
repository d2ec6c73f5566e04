"""Endpoints in the frontend's dialect: by spelling alone, or with shapes of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from attrs import field, frozen
from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # comes without types
from openapi_spec_validator import OpenAPIV31SpecValidator

from orchestrator.http import openapi
from orchestrator.http.endpoint import endpoint
from orchestrator.http.fields import about
from orchestrator.http.frontend.speaking import bilingual, speaks, spoken
from orchestrator.http.replies import Written
from tests.http_toolkit import example
from tests.http_toolkit.conftest import Client
from tests.http_toolkit.example import MODIFIED


@frozen(kw_only=True)
class Listed:
    """Files, as the frontend reads them."""

    names: list[str]


@frozen(kw_only=True)
class AskFiles:
    """Of which folder."""

    folder_path: str = field(metadata=about("Absolute.", aliases=("folder",)))


@speaks(
    example.scan_folder, request=AskFiles, response=Listed, example={"folder_path": "/p/Panel_01"}
)
async def scan_files(request: web.Request, asked: AskFiles) -> Listed:
    """Only names."""
    found: example.FolderListing = await example.scan_folder.handler(
        request, example.ScanFolder(project_path="/p", folder_path=asked.folder_path)
    )
    return Listed(names=[file.name for file in found.files])


@endpoint("GET", "/api/gallery/fast", request=AskFiles, response=Listed, dialect=True)
async def fast(request: web.Request, asked: AskFiles) -> Written:
    """Written by its handler."""
    return Written({"names": [asked.folder_path]})


SPOKEN = {scan_files.of: scan_files.endpoint}
ENDPOINTS = bilingual((*example.ENDPOINTS, fast), SPOKEN, [example.fail])


@pytest.fixture
async def bilinguals() -> AsyncIterator[Client]:
    """A client of the example service, in which some endpoints speak both dialects."""
    async with TestClient(TestServer(example.build(endpoints=ENDPOINTS))) as made:
        yield made


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The document of these endpoints."""
    return openapi.document(ENDPOINTS, example.INFO)


class TestBySpelling:
    async def test_an_answer(self, client: Client) -> None:
        """Nothing had to be said about it."""
        sent = {"project_path": "/p", "nobody_knows": 1}
        response = await client.post("/api/gallery/scan-folder", json=sent)
        plain = await response.json()
        assert list(plain) == ["success", "message", "folder_path", "files", "ratings_by_path"]
        first = plain["files"][0]
        assert (first["rel_path"], first["modified"]) == ("Panel_01/x.png", MODIFIED.timestamp())
        assert first["tags"] == [{"tag_id": "t1", "display_name": "Hero"}]

    async def test_the_documents_is_as_strict_as_ever(self, client: Client) -> None:
        """What one dialect is forgiven, the other is not."""
        response = await client.post("/api/gallery/scan-folder", json={"projectPath": "", "a": 1})
        assert response.status == 422

    async def test_nothing_to_answer_is_an_answer(self, client: Client) -> None:
        """The frontend reads JSON wherever the status is good."""
        sent = {"project_path": "a", "tag_id": "b"}
        for response in (
            await client.delete("/api/gallery/tags", params=sent),
            await client.delete("/api/gallery/tags", json=sent),
        ):
            assert (response.status, await response.json()) == (
                200, {"success": True, "message": "OK"},
            )  # fmt: skip

    async def test_what_a_handler_has_written(self, bilinguals: Client) -> None:
        """The fast way gets the same envelope."""
        snake = await bilinguals.get("/api/gallery/fast?folder_path=a")
        assert await snake.json() == {"success": True, "message": "OK", "names": ["a"]}
        camel = await bilinguals.get("/api/gallery/fast?folderPath=a")
        assert await camel.json() == {"names": ["a"]}


class TestByShape:
    async def test_each_dialect_has_its_own(self, bilinguals: Client) -> None:
        """One route, two requests and two answers, one handler that knows the rules."""
        url = "/api/gallery/scan-folder"
        frontend = await (await bilinguals.post(url, json={"folder_path": "a"})).json()
        assert frontend == {"success": True, "message": "OK", "names": ["x.png", "x.png"]}
        documented = await (await bilinguals.post(url, json={"projectPath": "a"})).json()
        assert "names" not in documented

    def test_what_is_declared_is_found(self) -> None:
        """By the endpoint of the document."""
        from tests.http_toolkit import test_frontend  # this module

        assert spoken(test_frontend) == SPOKEN


class TestPages:
    async def test_a_refusal_that_a_page_reads(self, bilinguals: Client) -> None:
        """Only where it was asked for, and only for pages."""
        page = {"Origin": "http://studio:5173"}
        told = await bilinguals.get("/api/fail/missing", headers=page)
        assert told.status == 200
        assert (await told.json())["success"] is False
        assert (await bilinguals.get("/api/fail/missing")).status == 404
        assert (await bilinguals.get("/api/fail/bug", headers=page)).status == 500
        assert (await bilinguals.post("/api/jobs/a/cancel", headers=page)).status == 409


class TestDocument:
    def test_it_is_valid(self, document: dict[str, Any]) -> None:
        """As its own validator has it."""
        assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []

    def test_it_shows_both(self, document: dict[str, Any]) -> None:
        """Requests with an example each, answers, and the refusal that comes as one."""
        operation = document["paths"]["/api/gallery/scan-folder"]["post"]
        assert "**Frontend dialect** (snake_case): Only names." in operation["description"]
        body = operation["requestBody"]["content"]["application/json"]
        assert set(body["examples"]) == {"documented", "frontend"}
        check = Draft202012Validator(document | body["schema"])
        assert check.is_valid(body["examples"]["documented"]["value"])
        assert check.is_valid(body["examples"]["frontend"]["value"])
        assert check.is_valid({"folder": "a"})
        assert not check.is_valid({"projectPath": "a", "folder_path_": "b"})

    async def test_answers_are_as_it_says(
        self, document: dict[str, Any], bilinguals: Client
    ) -> None:
        """Each of them."""
        operation = document["paths"]["/api/gallery/scan-folder"]["post"]
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        check = Draft202012Validator(document | schema)
        for sent in ({"folder_path": "a"}, {"projectPath": "a"}):
            answer = await bilinguals.post("/api/gallery/scan-folder", json=sent)
            assert list(check.iter_errors(await answer.json())) == []
        assert not check.is_valid({"names": ["without success"]})

    def test_queries_of_both(self, document: dict[str, Any]) -> None:
        """OpenAPI cannot say "one of these": neither is needed, and a sentence tells."""
        parameters = document["paths"]["/api/gallery/fast"]["get"]["parameters"]
        named = {each["name"]: each for each in parameters if "name" in each}
        assert {"folderPath", "folder_path"} <= set(named)
        assert not any(each.get("required") for each in named.values())

    def test_pages_are_told_of(self, document: dict[str, Any]) -> None:
        """Where a refusal may come with status 200."""
        answers = document["paths"]["/api/fail/{name}"]["get"]["responses"]
        told = answers["200"]["content"]["application/json"]["schema"]
        assert told == {"$ref": "#/components/schemas/RefusalInAnswer"}
