"""Messages under numbers: who comes back misses nothing, or is told that nobody knows."""

from __future__ import annotations

import pytest

from orchestrator import replay
from orchestrator.replay import Replay


@pytest.fixture
def kept() -> Replay[str]:
    """Three messages."""
    made: Replay[str] = Replay()
    for message in "abc":
        made.add(message)
    return made


class TestReplay:
    def test_what_came_since(self, kept: Replay[str]) -> None:
        """Each with its number, in order; nothing for who knows all."""
        assert kept.since(kept.cursor(1)) == [(2, "b"), (3, "c")]
        assert kept.since(kept.cursor()) == []
        assert kept.add("d") == 4
        assert kept.since(kept.cursor(3)) == [(4, "d")]

    def test_from_before_the_first(self) -> None:
        """Who saw nothing but the beginning misses nothing either."""
        made: Replay[str] = Replay()
        first = made.cursor()
        made.add("a")
        assert made.since(first) == [(1, "a")]

    @pytest.mark.parametrize(
        "cursor", ["", ":", "1", "nonsense", "0123456789ab:1", "a:b:c", "{e}:4", "{e}:-1", "{e}:²"]
    )
    def test_one_that_was_never_given(self, kept: Replay[str], cursor: str) -> None:
        """Nobody knows what its owner has missed."""
        assert kept.since(cursor.format(e=kept.epoch)) is None

    def test_one_that_is_too_old(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Only so many are kept."""
        monkeypatch.setattr(replay, "MAX_KEPT", 2)
        made: Replay[str] = Replay()
        first = made.cursor()
        for message in "abc":
            made.add(message)
        assert made.since(first) is None
        assert made.since(made.cursor(1)) == [(2, "b"), (3, "c")]

    def test_a_new_epoch(self, kept: Replay[str]) -> None:
        """Old cursors say nothing any more, whatever their number is."""
        old = kept.cursor()
        kept.restart()
        assert kept.since(old) is None
        assert kept.since(kept.cursor()) == []
        assert Replay[str]().epoch != Replay[str]().epoch
