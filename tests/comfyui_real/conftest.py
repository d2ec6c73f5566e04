"""Two real ComfyUI servers for the whole run, and a service with a project for each test."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests.comfyui_real.servers import ComfyServer, ServerError
from tests.comfyui_real.service import Service
from tests.comfyui_real.setup_comfyui import Layout, SetupError, lay_out, place

#: Seconds for one test. Laying out and starting ComfyUI has limits of its own.
TEST_SECONDS = 180

Pair = tuple[ComfyServer, ComfyServer]


#: Why the default run leaves these tests out: they take minutes, and 1.5 GB of packages.
NOT_NOW = "needs a real ComfyUI; run: python3 tools/run.py comfyui"


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what was not asked for; and time only the test itself, not the first one's download."""
    asked_for = "comfyui" in config.option.markexpr
    for item in items:
        if item.get_closest_marker("comfyui") is not None:
            item.add_marker(pytest.mark.timeout(TEST_SECONDS, func_only=True))
            if not asked_for:
                item.add_marker(pytest.mark.skip(reason=NOT_NOW))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test shows what the servers and the service said."""
    report = yield
    if report.failed and isinstance(item, pytest.Function):
        given: dict[str, Any] = item.funcargs
        for server in given.get("servers", ()):
            report.sections.append((f"ComfyUI {server.name}", server.tail()))
        if (service := given.get("service")) is not None:
            report.sections.append(("service", service.tail()))
    return report


def impossible(reason: str) -> NoReturn:
    """No ComfyUI, no test: that is a failure in CI, and a reason to skip elsewhere."""
    if os.environ.get("CI", "").strip().lower() not in {"", "0", "false", "no"}:
        pytest.fail(f"ComfyUI cannot be set up: {reason}", pytrace=False)
    pytest.skip(f"ComfyUI cannot be set up: {reason}")


@pytest.fixture(scope="session")
def layout() -> Layout:
    """A laid out ComfyUI, made now if it is not there."""
    try:
        return lay_out(place(os.environ))
    except SetupError as exc:
        impossible(str(exc))


@pytest.fixture(scope="session")
def servers(layout: Layout, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Two servers that start at the same time, and are killed at the end."""
    state = tmp_path_factory.mktemp("comfyui")
    pair = (ComfyServer("one", layout, state / "one"), ComfyServer("two", layout, state / "two"))
    try:
        for server in pair:
            server.launch()
        for server in pair:
            try:
                server.wait_ready()
            except ServerError:
                # Perhaps its port was taken meanwhile.
                server.kill()
                server.start()
        yield pair
    except ServerError as exc:
        impossible(str(exc))
    finally:
        for server in pair:
            server.kill()


@pytest.fixture
async def backends(servers: Pair) -> Pair:
    """Both servers, up and idle, whatever the test before has done to them."""
    for server in servers:
        if not server.alive:
            server.start()
    for server in servers:
        await server.sweep()
    return servers


@pytest.fixture
async def service(backends: Pair, tmp_path: Path) -> AsyncIterator[Service]:
    """The service with both servers as its backends; it must end without a fault of its own."""
    async with Service(tmp_path, backends) as service:
        yield service
    assert service.complaints() == []
