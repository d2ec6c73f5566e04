"""A host whose clock is wrong does not write until it is right again."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from attrs import define

from events.log.disk_io import DiskIO
from events.log.folder import FolderLog
from events.log.skew import Skew
from orchestrator.clocks import MEASURE_SECONDS, Clocks
from orchestrator.commands.curation import SaveView
from orchestrator.errors import ProjectReadOnly
from orchestrator.host import load_host
from orchestrator.project import Project
from orchestrator.projects import Projects
from tests.http.studio import Studio, refused

HOUR_MS = 3_600_000


@define
class Server:
    """The clock of a share, as far as it is off, and whether it answers."""

    off_ms: int = 0
    silent: bool = False
    asked: int = 0


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    """The clock of every share in the test."""
    made = Server()
    real = DiskIO.modified

    def modified(self: DiskIO, path: Path) -> int:
        if path.name.startswith(".clock."):
            made.asked += 1
            if made.silent:
                raise TimeoutError("the share does not answer")
            return real(self, path) + made.off_ms * 1_000_000
        return real(self, path)

    monkeypatch.setattr(DiskIO, "modified", modified)
    return made


@pytest.fixture
async def projects(tmp_path: Path) -> AsyncIterator[Projects]:
    """A host, and a folder that may become a project."""
    (tmp_path / "film").mkdir()
    data = tmp_path / "data"
    made = Projects(load_host(data), data, code="tests")
    yield made
    await made.close()


async def edit(project: Project, name: str) -> None:
    """Some edit."""
    await project.change(SaveView(name=name, settings={}), "mara")


class TestFirstChange:
    async def test_the_clock_is_measured_before_it(
        self, projects: Projects, server: Server, tmp_path: Path
    ) -> None:
        """Also if the change makes the log; afterwards it costs nothing (FORMAT.md S5)."""
        project = await projects.get(tmp_path / "film")
        assert server.asked == 0
        await edit(project, "one")
        asked = server.asked
        await edit(project, "two")

        assert asked > 0
        assert server.asked == asked
        assert project.skew is not None
        assert project.read_only is None

    @pytest.mark.parametrize(("off", "side"), [(HOUR_MS, "behind"), (-HOUR_MS, "ahead of")])
    async def test_a_wrong_clock_writes_nothing(
        self, projects: Projects, server: Server, tmp_path: Path, off: int, side: str
    ) -> None:
        """The refusal says by how much, and what to do (FORMAT.md S5)."""
        server.off_ms = off
        project = await projects.get(tmp_path / "film")

        with pytest.raises(ProjectReadOnly, match=f"s {side} the share's clock") as caught:
            await edit(project, "one")
        assert "NTP" in str(caught.value)
        assert project.read_only is not None
        assert project.ailment is None, "opening it anew would not help"
        assert not list((tmp_path / "film" / ".gallery" / "log").iterdir())
        assert await projects.get(tmp_path / "film") is project

    async def test_claims_are_refused_too(
        self, projects: Projects, server: Server, tmp_path: Path
    ) -> None:
        """Whoever may not write does nothing that only one shall do."""
        server.off_ms = HOUR_MS
        project = await projects.get(tmp_path / "film")

        with pytest.raises(ProjectReadOnly):
            await project.claim("trash", "all")

    async def test_a_share_that_does_not_tell_forbids_nothing(
        self, projects: Projects, server: Server, tmp_path: Path
    ) -> None:
        """Nobody knows that the clock is wrong, and the edit is told what the share says."""
        server.silent = True
        project = await projects.get(tmp_path / "film")

        await edit(project, "one")

        assert project.skew is None


class TestTheClockIsSet:
    async def test_the_next_edit_measures_it(
        self, projects: Projects, server: Server, tmp_path: Path
    ) -> None:
        """Somebody sets it an hour ahead while the service runs: no edit gets a false time."""
        project = await projects.get(tmp_path / "film")
        await edit(project, "one")
        project.wall = lambda: time.time() + 3600
        server.off_ms = -HOUR_MS

        with pytest.raises(ProjectReadOnly, match="ahead of"):
            await edit(project, "two")

    async def test_a_clock_that_was_set_right_is_no_fault(
        self, projects: Projects, server: Server, tmp_path: Path
    ) -> None:
        """It is measured once more, and that is all."""
        project = await projects.get(tmp_path / "film")
        await edit(project, "one")
        asked = server.asked
        project.wall = lambda: time.time() + 3600

        await edit(project, "two")
        assert server.asked > asked
        asked = server.asked
        await edit(project, "three")
        assert server.asked == asked


class TestWatching:
    async def test_it_is_looked_at_until_it_is_right(
        self, projects: Projects, server: Server, tmp_path: Path
    ) -> None:
        """Every minute while it is wrong; then edits go on without a restart (FORMAT.md S5)."""
        server.off_ms = HOUR_MS
        project = await projects.get(tmp_path / "film")
        with pytest.raises(ProjectReadOnly):
            await edit(project, "one")
        now = 0.0
        clocks = Clocks(projects, monotonic=lambda: now)
        for now, off in ((0.0, HOUR_MS), (60.0, HOUR_MS), (120.0, 0)):  # noqa: B007  # the clocks read it
            server.off_ms = off
            clocks.look()
            await clocks.settled()
            assert (project.read_only is None) == (off == 0)

        await edit(project, "one")
        await clocks.close()

    async def test_it_is_measured_every_hour(
        self, projects: Projects, server: Server, tmp_path: Path
    ) -> None:
        """And not before, as long as all is well."""
        project = await projects.get(tmp_path / "film")
        await edit(project, "one")
        now = 0.0
        clocks = Clocks(projects, monotonic=lambda: now)
        measured = []
        for now in (0.0, 60.0, MEASURE_SECONDS - 1, MEASURE_SECONDS, MEASURE_SECONDS + 60):  # noqa: B007  # the clocks read it
            asked = server.asked
            clocks.look()
            await clocks.settled()
            measured.append(server.asked > asked)

        assert measured == [True, False, False, True, False]
        await clocks.close()

    async def test_a_clock_that_was_set_is_noticed_without_an_edit(
        self, projects: Projects, server: Server, tmp_path: Path
    ) -> None:
        """With the next look: people learn of it before they edit."""
        project = await projects.get(tmp_path / "film")
        await edit(project, "one")
        now = 0.0
        clocks = Clocks(projects, monotonic=lambda: now)
        clocks.look()
        await clocks.settled()
        project.wall = lambda: time.time() - 3600
        server.off_ms = HOUR_MS

        now = 60.0
        clocks.look()
        await clocks.settled()

        assert project.read_only is not None
        assert "behind" in project.read_only
        await clocks.close()

    async def test_a_project_without_a_log_is_left_alone(
        self, projects: Projects, server: Server, tmp_path: Path
    ) -> None:
        """Looking creates nothing (FORMAT.md W10)."""
        await projects.get(tmp_path / "film")
        clocks = Clocks(projects)
        clocks.look()
        await clocks.settled()

        assert server.asked == 0
        assert list((tmp_path / "film").iterdir()) == []
        await clocks.close()


class TestOverHttp:
    async def test_it_can_be_read_all_the_same(self, studio: Studio, server: Server) -> None:
        """Edits get 503 with the remedy; lists and pictures go on."""
        service = await studio.host()
        assert (await service.rate("Panel_01/Eliot_Panel_01_v001.png", 4)).status == 200
        log = (await service.opened()).log
        assert isinstance(log, FolderLog)
        log.skew = Skew(90_000.0, 1.0)

        told = refused(
            await service.rate("Panel_01/Eliot_Panel_01_v001.png", 5), 503, "project.read_only"
        )

        assert "90.0 s ahead of the share's clock" in told["message"]
        assert await service.ratings() == {"Panel_01/Eliot_Panel_01_v001.png": 4}
