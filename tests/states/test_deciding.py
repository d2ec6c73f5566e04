"""What is told of a save."""

from __future__ import annotations

from events.states import ProjectSaved
from orchestrator.commands.states import TellStates
from tests.scenario import Scenario


def saved(sha256: str, origin: str = "saved") -> ProjectSaved:
    """A state."""
    return ProjectSaved(file="project.json", sha256=sha256, size=1, panels=1, origin=origin)


def tell(*states: ProjectSaved) -> TellStates:
    """Tell of some states."""
    return TellStates(file="project.json", states=states)


class TestTellStates:
    def test_a_first_one(self, scenario: Scenario) -> None:
        """It is told."""
        scenario.when(tell(saved("a")))
        scenario.then(saved("a"))

    def test_the_same_again(self, scenario: Scenario) -> None:
        """A minute later nothing has changed: the log does not grow."""
        scenario.given(saved("a"))
        scenario.when(tell(saved("a")))
        scenario.then()

    def test_back_to_an_earlier_one(self, scenario: Scenario) -> None:
        """That is news: it was something else in between."""
        scenario.given(saved("a"), saved("b"))
        scenario.when(tell(saved("a")))
        scenario.then(saved("a"))

    def test_many_at_once(self, scenario: Scenario) -> None:
        """Those that are the newest already are not told again."""
        scenario.given(saved("a"))
        scenario.when(tell(saved("a", "found"), saved("b", "found")))
        scenario.then(saved("b", "found"))

    def test_another_file(self, scenario: Scenario) -> None:
        """States of another file say nothing about this one."""
        scenario.given(ProjectSaved(file="other.json", sha256="a", size=1))
        scenario.when(tell(saved("a")))
        scenario.then(saved("a"))
