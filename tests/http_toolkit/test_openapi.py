"""The OpenAPI document, and the pages that show it without a network."""

from __future__ import annotations

import hashlib
import re
import tomllib
from typing import Any

import orjson
import pytest
from aiohttp import web
from attrs import frozen
from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # comes without types
from openapi_spec_validator import OpenAPIV31SpecValidator

from orchestrator.http import docs, openapi
from orchestrator.http.endpoint import Endpoint, endpoint
from tests.http_toolkit import example
from tests.http_toolkit.conftest import Client

Plain = dict[str, Any]


@pytest.fixture(scope="module")
def document() -> Plain:
    """The document of the example service."""
    return openapi.document(example.ENDPOINTS, example.INFO)


@pytest.fixture(scope="module")
def schemas(document: Plain) -> Plain:
    """Its schemas by name."""
    found: Plain = document["components"]["schemas"]
    return found


def operation(document: Plain, endpoint: Endpoint) -> Plain:
    """What the document says of an endpoint."""
    found: Plain = document["paths"][endpoint.documented_path][endpoint.method.lower()]
    return found


class TestDocument:
    def test_it_is_valid(self, document: Plain) -> None:
        """OpenAPI 3.1, as its own validator has it."""
        assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []

    def test_it_lists_every_endpoint(self, document: Plain) -> None:
        """Under the handler's name, with a summary."""
        operations = [operation(document, one) for one in example.ENDPOINTS]
        assert [o["operationId"] for o in operations] == [one.name for one in example.ENDPOINTS]
        assert all(o["summary"] for o in operations)

    def test_docstrings_become_descriptions(self, document: Plain, schemas: Plain) -> None:
        """Nobody writes them twice."""
        assert operation(document, example.scan_folder)["summary"] == "List one folder."
        assert operation(document, example.tree)["summary"] == "The folders."
        assert schemas["ScanFolder"]["description"] == "Which folder to list."
        path = schemas["ScanFolder"]["properties"]["projectPath"]
        assert path == {
            "type": "string",
            "description": "Root of the project.",
            "examples": ["/mnt/P/Eliot"],
        }

    def test_bounds_are_those_of_the_checks(self, schemas: Plain) -> None:
        """Both come from the same words."""
        fields = schemas["Everything"]["properties"]
        assert fields["count"] == {
            "type": "integer", "format": "int64", "minimum": 0, "maximum": 10,
            "description": "A count.", "default": 1,
        }  # fmt: skip
        assert fields["ratio"]["exclusiveMinimum"] == 0
        assert fields["text"]["type"] == ["string", "null"]
        assert (fields["text"]["minLength"], fields["text"]["maxLength"]) == (1, 8)
        assert fields["fileNames"]["maxItems"] == 3
        assert fields["kind"]["enum"] == ["image", "video"]
        assert fields["code"]["pattern"] == "^(?:[a-z][0-9])$"

    def test_requests_are_strict_and_answers_whole(self, schemas: Plain) -> None:
        """A request may leave out what has a default; an answer always has every field."""
        assert schemas["Everything"]["additionalProperties"] is False
        assert "required" not in schemas["Everything"]
        answer = schemas["EverythingResponse"]
        assert set(answer["required"]) == set(answer["properties"])
        assert "additionalProperties" not in schemas["SubmitJob"]

    def test_other_names_are_told(self, schemas: Plain) -> None:
        """The schema takes one of the names, not two."""
        check = Draft202012Validator(schemas["SubmitJob"])
        assert check.is_valid({"workflow_id": "a", "projectPath": "b"})
        assert check.is_valid({"workflow_id": "a", "project_path": "b"})
        assert check.is_valid({"workflow_id": "a"})
        assert not check.is_valid({"workflow_id": "a", "project_path": "b", "projectPath": "b"})

    def test_a_class_may_contain_itself(self, schemas: Plain) -> None:
        """By reference."""
        children = schemas["TreeNode"]["properties"]["children"]
        assert children == {"type": "array", "items": {"$ref": "#/components/schemas/TreeNode"}}

    def test_fields_of_the_path_are_not_in_the_body(self, document: Plain, schemas: Plain) -> None:
        """They are parameters."""
        update = operation(document, example.update_mapping)
        first = update["parameters"][0]
        assert (first["name"], first["in"], first["required"]) == ("mapping_id", "path", True)
        assert list(schemas["UpdateMapping"]["properties"]) == ["linux"]
        assert "requestBody" not in operation(document, example.cancel_job)

    def test_queries(self, document: Plain) -> None:
        """Spelled in the endpoint's dialect; required where they have no default."""
        parameters = operation(document, example.list_jobs)["parameters"]
        limit = next(p for p in parameters if p.get("name") == "limit")
        assert limit == {
            "name": "limit", "in": "query", "description": "Most jobs to list.",
            "schema": {"type": "integer", "format": "int64", "minimum": 1, "maximum": 500,
                       "default": 50},
        }  # fmt: skip
        (path, _) = operation(document, example.serve_image)["parameters"]
        assert path["required"] is True

    def test_body_or_query_shows_the_body(self, document: Plain) -> None:
        """OpenAPI has no word for it: the body is asked for, a sentence tells of the query."""
        delete = operation(document, example.delete_tag)
        assert delete["requestBody"]["required"] is True
        assert "query string" in delete["description"]
        assert delete["parameters"] == [{"$ref": "#/components/parameters/Actor"}]

    def test_refusals_by_status(self, document: Plain) -> None:
        """Declared ones and those of reading; 503 says when to come again."""
        answers = operation(document, example.submit_job)["responses"]
        assert set(answers) == {"202", "400", "413", "422", "503", "default"}
        assert "`backend.unreachable`" in answers["503"]["description"]
        assert "Retry-After" in answers["503"]["headers"]

    def test_pictures_and_websockets(self, document: Plain) -> None:
        """What is no JSON is listed all the same."""
        image = operation(document, example.serve_image)["responses"]["200"]["content"]
        assert set(image) == {"image/png", "video/mp4"}
        assert "101" in operation(document, example.watch_job)["responses"]

    def test_examples_are_true(self, document: Plain) -> None:
        """An example that the schema refuses would be worse than none."""
        content = operation(document, example.scan_folder)["requestBody"]["content"]
        media = content["application/json"]
        check = Draft202012Validator(document | media["schema"])
        assert check.is_valid(media["example"])
        assert not check.is_valid(media["example"] | {"hue": 1})

    async def test_answers_are_as_the_document_says(self, document: Plain, client: Client) -> None:
        """Schema and writer come from the same classes; this shows that they agree."""
        sent = {"projectPath": "/p"}
        answer = await (await client.post("/api/gallery/scan-folder", json=sent)).json()
        reference = {"$ref": "#/components/schemas/FolderListing"}
        assert list(Draft202012Validator(document | reference).iter_errors(answer)) == []
        refused = await (await client.get("/api/nope")).json()
        reference = {"$ref": "#/components/schemas/Refusal"}
        assert list(Draft202012Validator(document | reference).iter_errors(refused)) == []

    def test_two_handlers_of_one_name_are_refused(self) -> None:
        """An operationId stands for one operation."""
        with pytest.raises(ValueError, match="declared twice"):
            openapi.document([example.tree, example.tree], example.INFO)

    def test_two_classes_of_one_name_are_told_apart_or_refused(self) -> None:
        """By what they are used for, as long as that tells them apart."""

        @frozen
        class Tag:
            other: int

        @endpoint("GET", "/other-tag", response=Tag)
        async def other_tag(request: web.Request) -> Tag:
            return Tag(1)

        made = openapi.document([example.scan_folder, other_tag], example.INFO)
        assert {"Tag", "TagResponse"} <= set(made["components"]["schemas"])


class TestPages:
    @pytest.mark.parametrize("page", ["/docs", "/redoc"])
    async def test_a_page_needs_no_other_host(self, client: Client, page: str) -> None:
        """Studios have no internet: every address is relative, and the policy allows no other."""
        response = await client.get(page)
        text = await response.text()
        assert response.content_type == "text/html"
        assert not re.search(r"(https?:)?//", text)
        assert "Example &lt;service&gt;" in text
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "http" not in policy
        addresses = re.findall(r'(?:src|href|spec-url)="([^"]+)"', text)
        assert len(addresses) >= 3
        for address in addresses:
            assert (await client.get("/" + address)).status == 200

    async def test_assets_stay_in_the_browser(self, client: Client) -> None:
        """Their address has their hash, so they may be kept for ever; and are known again."""
        text = await (await client.get("/docs")).text()
        (address,) = re.findall(r'src="(docs/assets/swagger-ui-bundle.js\?v=\w+)"', text)
        first = await client.get("/" + address)
        assert "immutable" in first.headers["Cache-Control"]
        again = await client.get("/" + address, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status, await again.read()) == (304, b"")

    async def test_redoc_fetches_no_logo(self, client: Client) -> None:
        """Its only address that is fetched by itself is replaced as it is served."""
        asset = docs.ASSETS / "redoc.standalone.js"
        assert asset.read_bytes().count(b"cdn.redoc.ly") == 1
        served = await (await client.get("/docs/assets/redoc.standalone.js")).read()
        assert b"cdn.redoc.ly" not in served
        assert b"data:image/gif;base64," in served

    async def test_swagger_asks_no_validator(self, client: Client) -> None:
        """It would send the document to its maker's server."""
        text = await (await client.get("/docs/assets/swagger-start.js")).text()
        assert "validatorUrl: null" in text
        assert not re.search(r"https?://", text)

    async def test_the_document_is_served(self, client: Client, document: Plain) -> None:
        """And answers 304 to who has it."""
        response = await client.get("/openapi.json")
        assert await response.json() == orjson.loads(orjson.dumps(document))
        headers = {"If-None-Match": response.headers["ETag"]}
        assert (await client.get("/openapi.json", headers=headers)).status == 304


def test_assets_are_those_of_the_manifest() -> None:
    """Byte for byte as published, each with its licence; nothing else lies there."""
    manifest = tomllib.loads((docs.ASSETS / "MANIFEST.toml").read_text("utf-8"))["asset"]
    for asset in manifest:
        data = (docs.ASSETS / asset["file"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == asset["sha256"], asset["file"]
        assert asset["licence"] in ("Apache-2.0", "MIT")
    ours = {"MANIFEST.toml", "swagger-start.js"}
    listed = {asset["file"] for asset in manifest} | ours
    assert {path.name for path in docs.ASSETS.iterdir()} == listed
