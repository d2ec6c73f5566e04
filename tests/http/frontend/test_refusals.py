"""How the frontend is refused: in words if it was understood, by status if it was not; and CORS."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest

from orchestrator import errors
from orchestrator.app import ENDPOINTS
from orchestrator.config import load_config
from orchestrator.http.dialects import FRONTEND_NAMES
from orchestrator.http.endpoint import Endpoint, Reads
from orchestrator.http.frontend.table import FRONTEND, READ_IN_PAGES
from orchestrator.services import FINDER
from tests.http.frontend.page import FIRST, ORIGIN, Page, no
from tests.http.studio import Answer, Service, Studio, read, refused

SPOKEN = [one for one in ENDPOINTS if one.frontend is not None]


async def ask(service: Service, one: Endpoint, fields: dict[str, Any]) -> Answer:
    """A request of the frontend."""
    if one.reads is Reads.BODY:
        return await service.post(one.path, fields)
    return await read(await service.client.request(one.method, one.path, params=fields))


def request_about(one: Endpoint, project: str) -> dict[str, Any]:
    """A request with all that is needed, about a project that may not be there."""
    assert one.frontend is not None
    assert one.frontend.request is not None
    sent: dict[str, Any] = {}
    for attribute in attrs.fields(attrs.resolve_types(one.frontend.request)):
        needed = attribute.default is attrs.NOTHING or attribute.name == "ratings"
        if attribute.name == "project_path" or needed:
            kind = str(attribute.type)
            path = project if attribute.name == "project_path" else f"{project}/a.png"
            sent[attribute.name] = (
                {"a.png": 1} if "dict" in kind else [path] if "list" in kind else path
            )
    return sent


class TestOfTheGallery:
    @pytest.mark.parametrize("one", SPOKEN, ids=lambda one: f"{one.method} {one.path}")
    async def test_a_project_that_is_not_there(self, service: Service, one: Endpoint) -> None:
        """Each endpoint says so with status 200, in the same words in three places."""
        answer = await ask(service, one, request_about(one, str(service.project / "no")))
        assert answer.status == 200, answer.body
        assert "/no" in no(answer.plain)
        assert "Retry-After" not in answer.headers

    @pytest.mark.parametrize("one", SPOKEN, ids=lambda one: f"{one.method} {one.path}")
    async def test_a_project_that_nobody_may_touch(self, service: Service, one: Endpoint) -> None:
        """The same."""
        answer = await ask(service, one, request_about(one, "/etc"))
        assert answer.status == 200, answer.body
        no(answer.plain)

    @pytest.mark.parametrize("one", SPOKEN, ids=lambda one: f"{one.method} {one.path}")
    async def test_an_empty_path_is_no_folder(
        self, service: Service, one: Endpoint, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Least of all the one in which the service was started."""
        monkeypatch.chdir(service.project)
        answer = await ask(service, one, request_about(one, "") | _empty(one))
        assert answer.status == 200, answer.body
        no(answer.plain)
        assert not (service.project / ".gallery").exists()

    async def test_the_same_from_the_document(self, service: Service) -> None:
        """Who asks in camelCase looks at the status."""
        answer = await service.gallery("scan-folder", projectPath=str(service.project / "no"))
        refused(answer, 404, "file.missing")

    @pytest.mark.parametrize("one", SPOKEN, ids=lambda one: f"{one.method} {one.path}")
    async def test_a_request_that_says_too_little(self, service: Service, one: Endpoint) -> None:
        """Malformed is malformed in both: an error of HTTP, with the same words in it."""
        needed = request_about(one, str(service.project))
        needed.pop("project_path", None)
        if not needed:  # it needs nothing but the project
            return
        answer = await ask(service, one, {"project_path": str(service.project)})
        assert answer.status == 422
        told = no(answer.plain)
        assert all(name in told for name in needed), told

    async def test_a_body_that_is_none(self, service: Service) -> None:
        """400, whoever sent it; it is read by both."""
        answer = await service.send("POST", "/api/gallery/trash", b"{project_path")
        plain = refused(answer, 400, "request.malformed")
        assert (plain["success"], plain["error"]) == (False, plain["message"])

    async def test_a_fault_of_ours_stays_one(
        self, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nobody should take it for an answer."""

        async def broken(*_: object) -> None:
            raise KeyError("a fault")

        monkeypatch.setattr(type(service.app[FINDER]), "project", broken)
        answer = await service.get("/api/gallery/ratings", project_path=str(service.project))
        assert answer.status == 500
        no(answer.plain)

    async def test_a_share_that_is_away(
        self, service: Service, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Whoever has to wait is told so in words."""

        async def away(*_: object) -> None:
            raise errors.ShareMissing(str(service.project))

        monkeypatch.setattr(type(service.app[FINDER]), "project", away)
        answer = await service.get("/api/gallery/ratings", project_path=str(service.project))
        assert answer.status == 200
        no(answer.plain)

    async def test_fields_nobody_knows_are_passed_over(self, page: Page) -> None:
        """As the predecessor did."""
        await page.post("trash", file_paths=[page.path(FIRST)], use_os_trash=False, hue=1)


def _empty(one: Endpoint) -> dict[str, Any]:
    """The paths of a request, all empty."""
    names = request_about(one, "")
    return {name: "" for name in names if name.endswith(("_path", "_folder"))}


class TestOfTheCore:
    async def test_a_page_reads_why(self, page: Page) -> None:
        """The storyboard shows nothing of an answer whose status is not 200."""
        sent = {"folder_path": page.path("no")}
        for endpoint in ("scan-project-panels", "scan-folder-images", "scan-versions"):
            body = sent if endpoint != "scan-project-panels" else {"project_path": page.path("no")}
            assert "/no" in await page.refused("POST", f"/api/{endpoint}", body)

    async def test_a_program_reads_the_status(self, service: Service) -> None:
        """The same body, and the frontend's words in it besides."""
        answer = await service.post("/api/scan-folder-images", {"folder_path": "/etc"})
        plain = refused(answer, 403, "path.not_permitted")
        assert (plain["success"], plain["error"]) == (False, plain["message"])

    async def test_malformed_is_malformed(self, page: Page) -> None:
        """Also for pages."""
        answer = await page.ask("POST", "/api/save-project", {"folder_path": page.project})
        assert answer.status == 422
        assert "state" in no(answer.plain)

    async def test_calls_that_look_at_the_status_alone(self, page: Page) -> None:
        """A group, a mapping, a job: 404 is their word."""
        for path in ("/api/job-groups/no", "/api/jobs/no", "/api/backends/no/status"):
            assert (await page.ask("GET", path)).status == 404

    def test_what_is_declared_is_served(self) -> None:
        """A renamed endpoint must not lose its other dialect in silence."""
        assert len(SPOKEN) == len(FRONTEND)
        told = [one for one in ENDPOINTS if one.pages_read_refusals]
        assert len(told) == len(READ_IN_PAGES)
        assert not any(one.dialect for one in told)


def test_the_docs_tell_of_them() -> None:
    """Every call that pages are answered otherwise, and every name that makes a dialect."""
    page = (Path(__file__).parents[3] / "docs/frontend.md").read_text("utf-8")
    told = {one.path.rpartition("/")[2] for one in READ_IN_PAGES}
    assert {name for name in told | FRONTEND_NAMES if name not in page} == set()


class TestCors:
    async def test_a_preflight(self, service: Service) -> None:
        """JSON from another origin asks before."""
        headers = {
            "Origin": ORIGIN,
            "Access-Control-Request-Method": "DELETE",
            "Access-Control-Request-Headers": "content-type",
        }
        answer = await service.client.options("/api/delete-image", headers=headers)
        assert answer.status == 204
        allowed = answer.headers["Access-Control-Allow-Methods"]
        assert {"GET", "POST", "PUT", "DELETE", "OPTIONS"} <= set(allowed.split(", "))
        assert answer.headers["Access-Control-Allow-Headers"] == "content-type"

    @pytest.mark.parametrize(
        "path", ["/api/serve-image", "/api/nope", "/api/gallery/ratings?project_path=/etc"]
    )
    async def test_also_on_errors(self, page: Page, path: str) -> None:
        """`ask` looks for the header on every answer; the canvas needs it on pictures."""
        await page.ask("GET", path)
        await page.ask("GET", "/api/serve-image", None, path=page.path(FIRST))

    async def test_origins_come_from_the_environment(self, studio: Studio, tmp_path: Path) -> None:
        """Then the pages of others may not even ask."""
        (tmp_path / "config.yaml").write_text("{}")
        config = load_config(
            tmp_path / "config.yaml", {"ORCHESTRATOR_CORS_ORIGINS": f"{ORIGIN},http://b"}
        )
        service = await studio.host(cors_origins=config.cors_origins)
        path, body = "/api/gallery/scan-tree", {"folder_path": str(service.project)}
        allowed = await service.post(path, body, Origin=ORIGIN)
        assert allowed.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert allowed.plain["success"] is True
        refused(
            await service.post(path, body, Origin="http://c"), 403, "request.origin_not_permitted"
        )
