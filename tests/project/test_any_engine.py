"""Projects know nothing of files: all that they do with a log works with one that has none.

The engine is what the next one will have to be: find, create, open, prove; and the log that it
opens is what `tests/log/contract.py` asks of every log.
"""

from __future__ import annotations

import ast
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

import orchestrator
import projections
from events.curation import AssetRated
from events.log.engine import FOLDERS, Engine
from events.log.memory import MemoryEngine
from orchestrator.gallery.past.keeping import read_history
from orchestrator.host import load_host
from orchestrator.projects import Projects
from projections.fold import state_hash
from tests.project.conftest import Farm, Rate

CAT = "P/cat.png"


@pytest.fixture(params=["folders", "memory"])
def engine(request: pytest.FixtureRequest) -> Engine:
    """Each engine that there is."""
    return FOLDERS if request.param == "folders" else MemoryEngine()


@pytest.fixture
async def site(tmp_path: Path, engine: Engine) -> AsyncIterator[Farm]:
    """Hosts that share the engine's logs."""

    class Site(Farm):
        def host(self, name: str) -> Projects:
            if name not in self.hosts:
                data = self.base / name
                self.hosts[name] = Projects(load_host(data), data, engine=engine)
            return self.hosts[name]

    share = tmp_path / "share" / "Eliot"
    share.mkdir(parents=True)
    made = Site(share, tmp_path)
    yield made
    for projects in made.hosts.values():
        await projects.close()


class TestAnyEngine:
    async def test_looking_makes_no_log(self, site: Farm, engine: Engine) -> None:
        """Only an edit does (FORMAT.md W10)."""
        project = await site.host("a").get(site.share)

        assert await project.follow() == 0
        assert engine.find(site.share) is None

    async def test_two_hosts_agree(self, site: Farm, rate: Rate) -> None:
        """Both edit, both follow, both hold the same (FORMAT.md S1)."""
        a = await site.host("a").get(site.share)
        b = await site.host("b").get(site.share)
        await rate(a, 4)
        await b.follow()
        await rate(b, 2)
        await rate(b, 5, "P/dog.png")
        await a.follow()

        assert a.view.stars_at(CAT) == b.view.stars_at(CAT) == 2
        assert state_hash(a.tables.pack()) == state_hash(b.tables.pack())

    async def test_a_restart_reads_all_of_it(self, site: Farm, rate: Rate) -> None:
        """From a checkpoint that the log proves, and what came since (FORMAT.md K1)."""
        a = await site.host("a").get(site.share)
        b = await site.host("b").get(site.share)
        await rate(a, 4)
        restarted = await site.restart("a")
        await b.follow()
        await rate(b, 3)

        again = await restarted.get(site.share)

        assert list((site.base / "a").rglob("checkpoint-*.json"))
        assert again.view.stars_at(CAT) == 3

    async def test_a_checkpoint_of_another_log_is_not_used(
        self, site: Farm, engine: Engine, rate: Rate
    ) -> None:
        """The log does not hold what it claims (FORMAT.md K1)."""
        a = await site.host("a").get(site.share)
        await rate(a, 4)
        log = a.log
        assert log is not None
        positions = dict(log.positions())
        (key, at), *_ = positions.items()

        assert engine.proves(site.share, positions)
        assert not engine.proves(site.share, {key.replace("0", "1"): at})

    async def test_history_is_read_beside_it(self, site: Farm, rate: Rate) -> None:
        """A second log of the same project, for reading."""
        a = await site.host("a").get(site.share)
        await rate(a, 4)
        await rate(a, 5)

        told = [edit.event for edit in read_history(a).between(None, None)]
        assert [event.stars for event in told if isinstance(event, AssetRated)] == [4, 5]

    async def test_of_two_hosts_one_claims(self, site: Farm, rate: Rate) -> None:
        """What must happen once, one host does."""
        a = await site.host("a").get(site.share)
        b = await site.host("b").get(site.share)
        await rate(a, 4)
        await b.follow()
        assert a.log is not None
        assert b.log is not None

        first, second = a.log.claim("trash", "x"), b.log.claim("trash", "x")

        assert first is not None
        assert second is None


#: What of the log any module of the service may import.
OPEN_TO_ALL = {
    "events.log.port",  # the log, as all may know it
    "events.log.pace",  # when to look next; pure
    "events.log.skew",  # what a measured clock is
    "events.log.disk_io",  # calls to a file system, for the service's own files; not the log's
}
#: What single modules may import besides, and why.
GATES = {
    # It opens the log, and keeps checkpoints on local disk.
    "orchestrator/project.py": {"events.log.engine", "events.log.checkpoint"},
    # It holds the engine that the composition root chose.
    "orchestrator/projects.py": {"events.log.engine"},
    # It opens the log once more, for reading alone.
    "orchestrator/gallery/past/keeping.py": {"events.log.engine"},
    # It asks whether a project is still in the place where it was first seen.
    "orchestrator/places.py": {"events.log.engine"},
}


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "events.log":
            yield from (f"events.log.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def _modules(package: object) -> Iterator[tuple[str, Path]]:
    folder = Path(str(package.__file__)).parent  # type: ignore[attr-defined]  # packages have it
    for path in folder.rglob("*.py"):
        yield path.relative_to(folder.parent).as_posix(), path


class TestImports:
    def test_the_service_knows_the_port_and_not_the_files(self) -> None:
        """Nothing outside `events/log/` may know whether a log is files."""
        wrong = {
            (name, found)
            for name, path in _modules(orchestrator)
            for found in _imports(path)
            if found.startswith("events.log") and found not in OPEN_TO_ALL | GATES.get(name, set())
        }

        assert wrong == set()

    def test_every_gate_is_used(self) -> None:
        """An exception that is not needed any more goes."""
        files = dict(_modules(orchestrator))

        for name, allowed in GATES.items():
            assert allowed <= set(_imports(files[name])), name

    def test_folds_know_nothing_of_logs(self) -> None:
        """A projection is a function of records."""
        assert not [
            name
            for name, path in _modules(projections)
            for found in _imports(path)
            if found.startswith("events.log")
        ]

    def test_places_in_files_are_only_shown(self) -> None:
        """A position's segment and byte are told to people, and nothing goes by them."""
        readers = {
            name
            for name, path in _modules(orchestrator)
            for node in ast.walk(ast.parse(path.read_bytes()))
            if isinstance(node, ast.Attribute)
            and node.attr in {"segment", "offset"}
            and isinstance(node.value, ast.Attribute)
            and node.value.attr == "position"
        }

        assert readers <= {"orchestrator/http/log_status.py"}
