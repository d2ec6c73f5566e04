"""One real share of each kind for all tests, with a service on each of its two hosts."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Generator, Iterator

import pytest
from attrs import frozen

from tests.hosts.ledger import Ledger, prepare
from tests.shares.__main__ import INSIDE
from tests.shares.guests import GuestError
from tests.shares.servers import KINDS
from tests.shares.services import GuestService
from tests.shares.share import RealShare, privatise, real_share

#: Seconds for one test; the limit only ends what hangs.
TEST_SECONDS = 300
#: Why a run of pytest alone leaves these tests out.
NOT_NOW = "needs namespaces and file servers; run: python3 tools/run.py shares"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip all of it where no namespaces were made; and time only the test itself."""
    for item in items:
        if item.get_closest_marker("shares") is not None:
            item.add_marker(pytest.mark.timeout(TEST_SECONDS, func_only=True))
            if INSIDE not in os.environ:
                item.add_marker(pytest.mark.skip(reason=NOT_NOW))


@frozen
class Studio:
    """A project on a real share, and the services of both hosts."""

    share: RealShare
    a: GuestService
    b: GuestService
    #: Name of the project's folder.
    project: str
    #: The files that were put into it.
    ledger: Ledger

    @property
    def services(self) -> tuple[GuestService, GuestService]:
        """Both services."""
        return self.a, self.b

    @property
    def file(self) -> str:
        """A file of the project."""
        return next(iter(self.ledger.files.values()))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test shows what hosts, services and server said."""
    report = yield
    given = getattr(item, "funcargs", {})
    share: RealShare | None = given.get("share")
    if report.failed and share is not None:
        report.sections.append(("server", share.server.tail()))
        for host in share.hosts:
            report.sections.append((f"host {host.name}", host.tail()))
            report.sections.append((f"service of host {host.name}", GuestService(host).tail()))
    return report


@pytest.fixture(scope="session")
def private() -> None:
    """Mounts of our own, once."""
    privatise()


@pytest.fixture(scope="session", params=list(KINDS))
def share(
    request: pytest.FixtureRequest, private: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RealShare]:
    """A real share of each kind."""
    kind = KINDS[request.param]
    try:
        with real_share(kind, tmp_path_factory.mktemp(kind.name)) as made:
            yield made
    except GuestError as exc:
        pytest.fail(f"no real share: {exc}", pytrace=False)


@pytest.fixture
async def studio(share: RealShare, request: pytest.FixtureRequest) -> AsyncIterator[Studio]:
    """A project of the test's own, and both services up; they are stopped in good order."""
    name = request.node.originalname
    ledger = prepare(share.disk / name)
    studio = Studio(share, GuestService(share.a), GuestService(share.b), name, ledger)
    await asyncio.gather(*(service.start() for service in studio.services))
    try:
        yield studio
    finally:
        await asyncio.gather(*(service.stop() for service in studio.services))
