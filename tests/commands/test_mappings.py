"""Decisions about path mappings: refused, told, or no news."""

from __future__ import annotations

import pytest

from events.mappings import MappingRemoved, MappingSet
from orchestrator.commands.mappings import MappingChanges, RemoveMapping, SetMapping
from orchestrator.paths.mappings import PathMapping
from orchestrator.paths.merging import as_said
from tests.scenario import Scenario

SHARE = PathMapping("share", "Share", "W:\\", "/mnt/share", "/Volumes/Share")
START = (SHARE,)
ADDED = MappingSet(mapping="m", name="x", windows="X:\\", linux="/mnt/x", macos="")


def change(mapping: str, **changes: str | bool) -> SetMapping:
    """Change what is there."""
    return SetMapping(
        mapping=mapping,
        changes=MappingChanges(**changes),  # type: ignore[arg-type]  # each field its own kind
        update=True,
        start=START,
    )


class TestSetMapping:
    def test_all_blank_is_a_mapping(self, scenario: Scenario) -> None:
        """The frontend adds an empty row, and fills it letter by letter."""
        new = SetMapping(mapping="m", changes=MappingChanges(), update=False, start=START)
        scenario.when(new)
        scenario.then(MappingSet(mapping="m", name="", windows="", linux="", macos=""))

    def test_fields_that_are_not_sent_stay(self, scenario: Scenario) -> None:
        """One event says all that the mapping says from then on."""
        scenario.given(ADDED)
        scenario.when(change("m", macos="/V", enabled=False))
        scenario.then(
            MappingSet(
                mapping="m",
                name="x",
                windows="X:\\",
                linux="/mnt/x",
                macos="/V",
                enabled=False,
            )
        )

    def test_a_mapping_of_the_file_is_changed_with_what_the_file_said(
        self, scenario: Scenario
    ) -> None:
        """So that a later edit of the file can be told from this one."""
        scenario.when(change("share", linux="/mnt/elsewhere"))
        scenario.then(
            MappingSet(
                mapping="share",
                name="Share",
                windows="W:\\",
                linux="/mnt/elsewhere",
                macos="/Volumes/Share",
                file=as_said(SHARE),
            )
        )

    def test_the_same_again_is_no_news(self, scenario: Scenario) -> None:
        """Nothing new to say, nothing to write."""
        scenario.given(ADDED)
        scenario.when(change("m", linux="/mnt/x"))
        scenario.then()

    def test_unknown(self, scenario: Scenario) -> None:
        """Or whoever mistypes an id would make a mapping."""
        scenario.when(change("nobody", linux="/mnt/x"))
        scenario.then_refused("mapping.unknown")

    def test_removed(self, scenario: Scenario) -> None:
        """It is gone."""
        scenario.given(ADDED, MappingRemoved(mapping="m"))
        scenario.when(change("m", linux="/mnt/y"))
        scenario.then_refused("mapping.unknown")

    @pytest.mark.parametrize("enabled", [True, False])
    def test_a_circle(self, scenario: Scenario, enabled: bool) -> None:
        """A is B and B is A: nobody can mean both, unless one is switched off."""
        scenario.given(ADDED)
        loop = {"linux": "/Volumes/Share", "macos": "/mnt/share"}
        scenario.when(change("m", **loop, enabled=enabled))
        if enabled:
            scenario.then_refused("mapping.loops")
        else:
            told = MappingSet(
                mapping="m",
                name="x",
                windows="X:\\",
                linux="/Volumes/Share",
                macos="/mnt/share",
                enabled=False,
            )
            scenario.then(told)


class TestRemoveMapping:
    def test_one_that_was_added(self, scenario: Scenario) -> None:
        """It is gone."""
        scenario.given(ADDED)
        scenario.when(RemoveMapping(mapping="m", start=START))
        scenario.then(MappingRemoved(mapping="m"))

    def test_one_of_the_file(self, scenario: Scenario) -> None:
        """The file keeps it; so what it said is remembered."""
        scenario.when(RemoveMapping(mapping="share", start=START))
        scenario.then(MappingRemoved(mapping="share", file=as_said(SHARE)))

    def test_unknown(self, scenario: Scenario) -> None:
        """Twice is once too often."""
        scenario.given(MappingRemoved(mapping="share", file=as_said(SHARE)))
        scenario.when(RemoveMapping(mapping="share", start=START))
        scenario.then_refused("mapping.unknown")
