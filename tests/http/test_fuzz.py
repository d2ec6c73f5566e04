"""What the OpenAPI document allows, and what it forbids, made up by schemathesis.

The service must hold what its document says: no failure of its own, no answer of another shape,
nothing accepted that is forbidden. Half of the made-up paths are replaced by real ones, so that
requests get past the doors.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import orjson
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import GenerationMode
from schemathesis.checks import (
    negative_data_rejection,
    not_a_server_error,
)
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from orchestrator.app import ENDPOINTS, INFO
from orchestrator.config import BackendConfig
from orchestrator.http import openapi
from tests.http.studio import Studio

#: Nothing listens there.
OFF = BackendConfig(id="off", name="Off", host="127.0.0.1", port=1)
Test = TypeVar("Test", bound=Callable[..., None])
FIRST = "Panel_01/Eliot_Panel_01_v001.png"
DOCUMENT = orjson.loads(orjson.dumps(openapi.document(ENDPOINTS, INFO)))
CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    allow_header_conformance,
]


def schema_of(mode: GenerationMode) -> Any:
    """The document, and which data are made from it."""
    # NUL in a query or path cannot be sent by the HTTP client; test_bodies sends it.
    config = schemathesis.Config.from_dict({"generation": {"mode": mode.value, "allow-x00": False}})
    return schemathesis.openapi.from_dict(DOCUMENT, config=config).exclude(path="/ws/jobs")


GOOD, BAD = schema_of(GenerationMode.POSITIVE), schema_of(GenerationMode.NEGATIVE)


class Running:
    """A service in a thread of its own, for clients that block."""

    def __init__(self, folder: Path) -> None:
        self.studio = Studio(folder)
        self.studio.furnish()
        self.url = self.job_id = ""
        self._loop = asyncio.new_event_loop()
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert self._up.wait(30)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._open())
        self._loop.run_forever()
        self._loop.run_until_complete(self.studio.close())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    async def _open(self) -> None:
        service = await self.studio.host(backends=(OFF,))
        self.job_id = await service.submit()
        self.url = str(service.client.make_url("")).rstrip("/")
        self._up.set()

    def close(self) -> None:
        """Stop it."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)

    def real(self, name: str, value: Any) -> Any:
        """Something that exists, for half of what is made up."""
        if not isinstance(value, str) or len(value) % 2:
            return value
        known = {
            "projectPath": str(self.studio.project),
            "project_path": str(self.studio.project),
            "project": str(self.studio.project),
            "path": str(self.studio.project / FIRST),
            "filePath": FIRST,
            "folderPath": "Panel_01",
            "workflow_id": "flux_dev",
            "backend_id": "off",
            "backend_affinity": "off",
            "job_id": self.job_id,
        }
        return known.get(name, value)

    def lead_in(self, case: Any) -> None:
        """Put real names into a request."""
        for part in (case.path_parameters, case.query, case.body):
            if isinstance(part, dict):
                part.update({name: self.real(name, value) for name, value in part.items()})
        if case.operation.path == "/api/job" and isinstance(case.body, dict):
            # The odds of a graph that holds together are nil.
            for name in ("workflow", "workflow_json", "parameters", "required_capabilities"):
                case.body.pop(name, None)
            case.body["workflow_id"] = "flux_dev"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One service for all requests of a module."""
    made = Running(tmp_path_factory.mktemp("fuzz"))
    yield made
    made.close()


def requests(schema: Any, examples: int) -> Callable[[Test], Test]:
    """So many requests to each endpoint; the same ones in each run, unless there are many."""
    bounded = settings(
        max_examples=examples,
        derandomize=examples < 100,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),  # graphs in free form are large and often odd
    )

    def wrap(test: Test) -> Test:
        wrapped: Test = schema.parametrize()(bounded(test))
        return wrapped

    return wrap


@requests(GOOD, 12)
def test_what_is_allowed(case: Any, running: Running) -> None:
    """The answer is one that the document tells of."""
    running.lead_in(case)
    case.call_and_validate(base_url=running.url, checks=CHECKS)


@requests(BAD, 12)
def test_what_is_forbidden(case: Any, running: Running) -> None:
    """It is refused, in the words of a refusal."""
    response = case.call(base_url=running.url)
    case.validate_response(response, checks=[*CHECKS, negative_data_rejection])


@pytest.mark.campaign
@pytest.mark.timeout(1800)
@requests(GOOD, 500)
def test_much_of_what_is_allowed(case: Any, running: Running) -> None:
    """The same with many more requests, other ones each time."""
    running.lead_in(case)
    case.call_and_validate(base_url=running.url, checks=[*CHECKS, unsupported_method])


@pytest.mark.campaign
@pytest.mark.timeout(1800)
@requests(BAD, 500)
def test_much_of_what_is_forbidden(case: Any, running: Running) -> None:
    """The same with many more requests, other ones each time."""
    response = case.call(base_url=running.url)
    case.validate_response(response, checks=[*CHECKS, negative_data_rejection])
