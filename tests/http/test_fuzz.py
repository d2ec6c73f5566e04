"""What the OpenAPI document allows, and what it forbids, made up by schemathesis.

The service must hold what its document says: no failure of its own, no answer of another shape,
nothing accepted that is forbidden. Half of the made-up paths are replaced by real ones, so that
requests get past the doors.
"""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
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
from orchestrator.http import openapi
from tests.http.studio import Studio, graph

ROOT = Path(__file__).parents[2]
Test = TypeVar("Test", bound=Callable[..., None])
JOB_PATHS = frozenset({"/api/job", "/api/job-group", "/api/job-groups"})
FIRST = "Panel_01/Eliot_Panel_01_v001.png"
SECOND = "Panel_01/Eliot_Panel_01_v002.png"
UNREACHABLE = "backend.unreachable"
DOCUMENT = orjson.loads(orjson.dumps(openapi.document(ENDPOINTS, INFO)))


def no_fault_of_its_own(context: Any, response: Any, case: Any) -> bool | None:
    """A backend that does not answer is no fault of the service, and it says so."""
    asks_one = case.operation.path.startswith("/api/backends/")
    if asks_one and response.status_code == 503:
        assert orjson.loads(response.content)["code"] == UNREACHABLE
        return None
    return bool(not_a_server_error(context, response, case)) or None


CHECKS: list[Any] = [
    no_fault_of_its_own,
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
    return schemathesis.openapi.from_dict(DOCUMENT, config=config).exclude(path_regex="^/ws/")


GOOD, BAD = schema_of(GenerationMode.POSITIVE), schema_of(GenerationMode.NEGATIVE)


class Running:
    """A service in a process of its own, for clients that block."""

    def __init__(self, folder: Path) -> None:
        self.studio = Studio(folder)
        self.studio.furnish()
        config = folder / "config.yaml"
        # JSON is YAML. Nothing listens where the backend should be.
        settings = {
            "port": 0,
            "roots": [str(self.studio.share)],
            "workflows_dir": str(self.studio.workflows),
            "backends": [{"id": "off", "name": "Off", "host": "127.0.0.1", "port": 1}],
        }
        config.write_bytes(orjson.dumps(settings))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "orchestrator", "--config", str(config)],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        body = orjson.dumps({"workflow": graph()})
        with urllib.request.urlopen(f"{self.url}/api/job", body, timeout=30) as answer:
            self.job_id = orjson.loads(answer.read())["job_id"]

    def close(self) -> int:
        """Ask it to stop; its exit code."""
        self._process.terminate()
        self._process.communicate(timeout=30)
        return self._process.returncode

    def real(self, name: str, value: Any) -> Any:
        """Something that exists, for half of what is made up."""
        if name in ("files", "trash") and isinstance(value, list) and len(value) % 2:
            return [FIRST, SECOND]
        if name == "file_paths" and isinstance(value, list) and len(value) % 2:
            return [str(self.studio.project / FIRST), SECOND]
        if not isinstance(value, str) or len(value) % 2:
            return value
        known = {
            "projectPath": str(self.studio.project),
            "project_path": str(self.studio.project),
            "project": str(self.studio.project),
            "path": str(self.studio.project / FIRST),
            "filePath": FIRST,
            "folderPath": "Panel_01",
            "file_path": str(self.studio.project / FIRST),
            "folder_path": str(self.studio.project / "Panel_01"),
            "target_folder": str(self.studio.project / "Panel_02"),
            "new_name": "renamed.png",
            "pattern": "{original}_{index}",
            "keep": FIRST,
            "newName": "renamed.png",
            "destination": "Panel_02",
            "template": "{original}_{seq:3}",
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
        if case.operation.path in JOB_PATHS and isinstance(case.body, dict):
            # The odds of a graph that holds together are nil; one way of three makes a group.
            names = ("workflow", "workflow_json", "parameters", "required_capabilities")
            for name in (*names, "jobs", "count"):
                case.body.pop(name, None)
            case.body["workflow_id"] = "flux_dev"
            if case.operation.path != "/api/job":
                case.body.pop("backend_ids", None)
                case.body["count"] = 2


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One service for all requests of a module."""
    made = Running(tmp_path_factory.mktemp("fuzz"))
    yield made
    assert made.close() == 0, "it has survived, and stops in good order"


def on(schema: Any, examples: int) -> Callable[[Test], Test]:
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


@on(GOOD, 5)
def test_what_is_allowed(case: Any, running: Running) -> None:
    """The answer is one that the document tells of."""
    running.lead_in(case)
    case.call_and_validate(base_url=running.url, checks=CHECKS)


@on(BAD, 5)
def test_what_is_forbidden(case: Any, running: Running) -> None:
    """It is refused, in the words of a refusal."""
    response = case.call(base_url=running.url)
    case.validate_response(response, checks=[*CHECKS, negative_data_rejection])


@pytest.mark.campaign
@pytest.mark.timeout(1800)
@on(GOOD, 200)
def test_much_of_what_is_allowed(case: Any, running: Running) -> None:
    """The same with many more requests, other ones each time."""
    running.lead_in(case)
    case.call_and_validate(base_url=running.url, checks=[*CHECKS, unsupported_method])


@pytest.mark.campaign
@pytest.mark.timeout(1800)
@on(BAD, 200)
def test_much_of_what_is_forbidden(case: Any, running: Running) -> None:
    """The same with many more requests, other ones each time."""
    response = case.call(base_url=running.url)
    case.validate_response(response, checks=[*CHECKS, negative_data_rejection])
