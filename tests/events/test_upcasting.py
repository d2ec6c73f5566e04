"""Old shapes are lifted to today's, one version at a time, and the log is never rewritten."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from attrs import frozen

from events import registry, upcasting
from events.registry import BY_CLASS, BY_NAME, Unknown, event
from events.upcasting import UPCASTERS, Upcaster, lift


@frozen(kw_only=True)
class Rated:
    """Third shape of a rating: it says who."""

    asset: str
    stars: int
    who: str


def _to_two(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"asset": payload["id"], "stars": payload["stars"]}


def _to_three(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**payload, "stars": int(payload["stars"]), "who": "unknown"}


LADDER: dict[tuple[str, int], Upcaster] = {
    ("asset.judged", 1): _to_two,
    ("asset.judged", 2): _to_three,
}


@pytest.fixture(autouse=True)
def _third_version(monkeypatch: pytest.MonkeyPatch) -> None:
    names = dict(BY_NAME)
    monkeypatch.setattr(registry, "BY_NAME", names)
    monkeypatch.setattr(registry, "BY_CLASS", dict(BY_CLASS))
    monkeypatch.setattr(upcasting, "BY_NAME", names)
    event("asset.judged", version=3)(Rated)


class TestLift:
    def test_each_version_becomes_todays(self) -> None:
        """One function for each step (FORMAT.md C2)."""
        today = Rated(asset="a", stars=5, who="unknown")

        assert lift("asset.judged", 1, {"id": "a", "stars": 5}, LADDER) == today
        assert lift("asset.judged", 2, {"asset": "a", "stars": 5}, LADDER) == today
        three = {"asset": "a", "stars": 5, "who": "mara"}
        assert lift("asset.judged", 3, three, LADDER) == Rated(asset="a", stars=5, who="mara")

    @pytest.mark.parametrize(
        ("version", "payload"),
        [
            pytest.param(1, {"stars": 5}, id="a field is missing"),
            pytest.param(2, {"asset": "a", "stars": "many"}, id="a value makes no sense"),
            pytest.param(2, {"asset": "a", "stars": None}, id="a value of the wrong kind"),
            pytest.param(2, {"asset": 5, "stars": 5}, id="wrong in today's shape"),
            pytest.param(0, {}, id="no function for it"),
            pytest.param(4, {}, id="from the future"),
        ],
    )
    def test_what_cannot_be_lifted_stays_as_it_came(
        self, version: int, payload: dict[str, Any]
    ) -> None:
        """Unknown, with its own version and payload; no error (FORMAT.md R5)."""
        assert lift("asset.judged", version, payload, LADDER) == Unknown(
            "asset.judged", version, payload
        )

    def test_the_payload_itself_is_not_changed(self) -> None:
        """Upcasters are pure."""
        payload = {"id": "a", "stars": 5}
        lift("asset.judged", 1, payload, LADDER)

        assert payload == {"id": "a", "stars": 5}


def test_every_old_version_has_its_way_up() -> None:
    """A type of version n has functions for all versions below (FORMAT.md C2)."""
    needed = {(row.name, v) for row in BY_NAME.values() for v in range(1, row.version)}

    assert set(UPCASTERS) == needed
