"""How eagerly a project is followed."""

from __future__ import annotations

import pytest

from events.log.pace import COLD_SECONDS, LIST_SECONDS, LOOKED_SECONDS, PAUSE, Pace, pace


class TestPace:
    @pytest.mark.parametrize("others", [True, False])
    def test_who_looks_sees_edits_at_once(self, others: bool) -> None:
        """Within half a minute of the last look it is read four times a second."""
        assert pace(looked=0.0, others=others, failing=False) is Pace.HOT
        assert pace(looked=LOOKED_SECONDS, others=others, failing=False) is Pace.HOT
        assert PAUSE[Pace.HOT] == 0.25

    def test_nobody_looks(self) -> None:
        """Every two seconds, for jobs and for whoever comes back."""
        assert pace(looked=LOOKED_SECONDS + 1, others=False, failing=False) is Pace.WARM
        assert PAUSE[Pace.WARM] == 2.0

    def test_a_project_goes_cold(self) -> None:
        """Nobody looks, and no other host works in it: every ten seconds."""
        assert pace(looked=COLD_SECONDS + 1, others=False, failing=False) is Pace.COLD
        assert PAUSE[Pace.COLD] == 10.0

    def test_none_goes_cold_while_another_host_works_in_it(self) -> None:
        """What that writes may concern our jobs."""
        assert pace(looked=COLD_SECONDS + 1, others=True, failing=False) is Pace.WARM

    def test_a_share_that_fails_is_not_pressed(self) -> None:
        """Asking it more often makes nothing better."""
        assert pace(looked=0.0, others=True, failing=True) is Pace.WARM
        assert pace(looked=COLD_SECONDS + 1, others=False, failing=True) is Pace.COLD

    def test_new_writers_are_looked_for_less_often_than_known_ones_are_read(self) -> None:
        """A listing costs more than reading on."""
        assert PAUSE[Pace.HOT] < PAUSE[Pace.WARM] < LIST_SECONDS < PAUSE[Pace.COLD]
