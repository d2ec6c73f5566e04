"""Decisions about backends: what is told, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import asdict, evolve

from events.backends import BackendConfigured, BackendPaused, BackendRemoved, BackendResumed
from orchestrator.commands.farm import (
    AddBackend,
    Changes,
    EditBackend,
    PauseBackend,
    RemoveBackend,
    ResumeBackend,
)
from orchestrator.config import BackendConfig
from tests.scenario import Scenario

A = BackendConfig(id="a", name="A", host="10.0.0.1", capabilities=("flux",))
B = BackendConfig(id="b", name="B", host="10.0.0.2")
FILE = (A, B)
AS_FILE = {**asdict(A), "capabilities": ["flux"]}
PAUSED = BackendPaused(backend="a", reason="three jobs failed", jobs=("1", "2", "3"))


@pytest.fixture
def scenario() -> Scenario:
    """config.yaml names A and B; nobody said anything yet."""
    return Scenario()


def told(config: BackendConfig, file: dict[str, Any] | None, **more: Any) -> BackendConfigured:
    """What is recorded of a configuration."""
    plain = asdict(config)
    return BackendConfigured(backend=plain.pop("id"), file=file, **{**plain, **more})


def add(backend: str = "", **settings: Any) -> AddBackend:
    """Somebody adds a backend."""
    return AddBackend(backend=backend, settings=Changes(**settings), file=FILE)


def edit(backend: str, **settings: Any) -> EditBackend:
    """Somebody edits a backend."""
    return EditBackend(backend=backend, settings=Changes(**settings), file=FILE)


class TestAdd:
    def test_it_is_told_whole(self, scenario: Scenario) -> None:
        """With what was left out as in the file."""
        scenario.when(add("c", name="C", host="10.0.0.3", capabilities=("sdxl",)))
        config = BackendConfig(id="c", name="C", host="10.0.0.3", capabilities=("sdxl",))
        scenario.then(told(config, None))

    @pytest.mark.parametrize(
        ("name", "expected"),
        [("Big Beast!", "big-beast"), ("A", "a-2"), ("狼", "backend"), ("x" * 90, "x" * 48)],
    )
    def test_an_id_is_made_from_the_name(
        self, scenario: Scenario, name: str, expected: str
    ) -> None:
        """Readable in a path, and nobody else's."""
        scenario.when(add(name=name, host="10.0.0.3"))
        scenario.then(told(BackendConfig(id=expected, name=name, host="10.0.0.3"), None))

    def test_an_id_that_is_taken(self, scenario: Scenario) -> None:
        """By one of the file or by an added one."""
        scenario.when(add("a", name="C", host="10.0.0.3"))
        scenario.then_refused("backend.exists")

    @pytest.mark.parametrize("host", ["10.0.0.1", "BEAST.local"])
    def test_an_address_that_is_taken(self, scenario: Scenario, host: str) -> None:
        """Its slots would be counted twice; names know no case."""
        scenario.given(told(BackendConfig(id="c", name="C", host="beast.local"), None))
        scenario.when(add("d", name="D", host=host))
        scenario.then_refused("backend.address_taken")

    @pytest.mark.parametrize(
        "wrong",
        [
            {"host": "http://10.0.0.3:8188"},
            {"host": "10.0.0"},
            {"port": 0},
            {"name": "  "},
            {"capabilities": ("two words",)},
            {"max_concurrent_jobs": 65},
        ],
    )
    def test_a_value_that_the_file_could_not_have(
        self, scenario: Scenario, wrong: dict[str, Any]
    ) -> None:
        """One rule for both."""
        scenario.when(add("c", **{"name": "C", "host": "10.0.0.3", **wrong}))
        scenario.then_refused("request.invalid")

    def test_a_pause_of_an_earlier_server_of_that_id_ends(self, scenario: Scenario) -> None:
        """It says nothing of this one."""
        scenario.given(BackendRemoved(backend="c"), evolve(PAUSED, backend="c"))
        scenario.when(add("c", name="C", host="10.0.0.3"))
        said = "another server has its id from now on"
        scenario.then(
            told(BackendConfig(id="c", name="C", host="10.0.0.3"), None),
            BackendResumed(backend="c", reason=said),
        )


class TestEdit:
    def test_what_is_not_said_stays(self, scenario: Scenario) -> None:
        """And what the file says of it is kept beside."""
        scenario.when(edit("a", name="Beast", draining=True))
        scenario.then(told(evolve(A, name="Beast"), AS_FILE, draining=True))

    def test_nothing_new(self, scenario: Scenario) -> None:
        """Nothing is written."""
        scenario.when(edit("a", name="A", enabled=True, draining=False, capabilities=("flux",)))
        scenario.then()

    def test_one_edit_builds_on_the_other(self, scenario: Scenario) -> None:
        """Not on the file."""
        scenario.given(told(evolve(A, name="Beast"), AS_FILE))
        scenario.when(edit("a", enabled=False))
        scenario.then(told(evolve(A, name="Beast", enabled=False), AS_FILE))

    def test_the_address_of_another(self, scenario: Scenario) -> None:
        """As when adding one."""
        scenario.when(edit("a", host="10.0.0.2"))
        scenario.then_refused("backend.address_taken")

    def test_another_address_ends_a_pause(self, scenario: Scenario) -> None:
        """Another server stands there; a change of the name alone does not help."""
        scenario.given(PAUSED)
        scenario.when(edit("a", port=9000))
        said = "another server has its id from now on"
        scenario.then(told(evolve(A, port=9000), AS_FILE), BackendResumed(backend="a", reason=said))

    def test_another_name_ends_no_pause(self, scenario: Scenario) -> None:
        """It is the same server."""
        scenario.given(PAUSED)
        scenario.when(edit("a", name="Beast"))
        scenario.then(told(evolve(A, name="Beast"), AS_FILE))

    def test_an_unknown_one(self, scenario: Scenario) -> None:
        """Also one that was removed."""
        scenario.given(BackendRemoved(backend="a", file=AS_FILE))
        scenario.when(edit("a", name="Beast"))
        scenario.then_refused("backend.unknown")

    def test_a_wrong_value(self, scenario: Scenario) -> None:
        """One rule for all."""
        scenario.when(edit("a", host="http://10.0.0.9"))
        scenario.then_refused("request.invalid")


class TestRemove:
    def test_one_of_the_file(self, scenario: Scenario) -> None:
        """With what the file says, so that an edit of the file brings it back."""
        scenario.when(RemoveBackend(backend="a", file=FILE))
        scenario.then(BackendRemoved(backend="a", file=AS_FILE))

    def test_an_added_one(self, scenario: Scenario) -> None:
        """The file knows nothing of it."""
        scenario.given(told(BackendConfig(id="c", name="C", host="10.0.0.3"), None))
        scenario.when(RemoveBackend(backend="c", file=FILE))
        scenario.then(BackendRemoved(backend="c"))

    def test_twice(self, scenario: Scenario) -> None:
        """It is gone."""
        scenario.given(BackendRemoved(backend="a", file=AS_FILE))
        scenario.when(RemoveBackend(backend="a", file=FILE))
        scenario.then_refused("backend.unknown")


class TestPause:
    def test_it_is_told_once(self, scenario: Scenario) -> None:
        """A pause of a paused one is no news."""
        scenario.given(PAUSED)
        scenario.when(PauseBackend(backend="a", reason="again", jobs=("4",)))
        scenario.then()

    def test_it_is_told(self, scenario: Scenario) -> None:
        """With the jobs that failed."""
        scenario.when(PauseBackend(backend="a", reason="three jobs failed", jobs=("1", "2", "3")))
        scenario.then(PAUSED)

    def test_its_end_is_told_once(self, scenario: Scenario) -> None:
        """And nothing if it is not paused."""
        scenario.given(PAUSED, BackendResumed(backend="a", reason="well"))
        scenario.when(ResumeBackend(backend="a", reason="well"))
        scenario.then()

    def test_its_end_is_told(self, scenario: Scenario) -> None:
        """With the reason."""
        scenario.given(PAUSED)
        scenario.when(ResumeBackend(backend="a", reason="mara resumed it"))
        scenario.then(BackendResumed(backend="a", reason="mara resumed it"))
