"""Judging a worker and a socket from what is seen of them."""

from __future__ import annotations

from collections.abc import Callable

from orchestrator.comfyui.answers import QueueItem, QueueView
from orchestrator.scheduling.signs import SocketSigns, WorkerSigns


def item(prompt_id: str) -> QueueItem:
    """A prompt of anybody."""
    return QueueItem(0.0, prompt_id, {}, {}, ())


def queue(running: str = "", pending: str = "") -> QueueView:
    """A queue of prompts with ids of one letter."""
    return QueueView(tuple(map(item, running)), tuple(map(item, pending)))


class TestWorker:
    def test_it_is_dead_if_nothing_runs_while_something_waits(self) -> None:
        """For too long; whatever waits."""
        signs = WorkerSigns(limit=10)
        signs.look(queue(pending="a"), 100)
        signs.look(queue(pending="b"), 109)
        assert not signs.dead
        signs.look(queue(pending="b"), 110)
        assert signs.dead

    def test_an_empty_queue_says_nothing(self) -> None:
        """Ours were taken out because it is dead; and waiting begins anew with the next."""
        signs = WorkerSigns(limit=10)
        signs.look(queue(pending="a"), 100)
        signs.look(queue(), 105)
        signs.look(queue(pending="a"), 111)
        assert not signs.dead
        signs.look(queue(pending="a"), 121)
        signs.look(queue(), 122)
        assert signs.dead

    def test_what_shows_that_it_lives(self) -> None:
        """A prompt that runs, and a restart."""
        revivals: list[Callable[[WorkerSigns], None]] = [
            lambda signs: signs.look(queue(running="a"), 120),
            WorkerSigns.reconnected,
            WorkerSigns.lost,
        ]
        for revive in revivals:
            signs = WorkerSigns(limit=10)
            signs.look(queue(pending="a"), 100)
            signs.look(queue(pending="a"), 110)
            assert signs.dead
            revive(signs)
            assert not signs.dead

    def test_a_prompt_that_cannot_be_stopped(self) -> None:
        """It hangs as long as that one runs."""
        signs = WorkerSigns(limit=10, hung_on="a")
        signs.look(queue(running="a"), 100)
        assert signs.dead
        signs.look(queue(running="b"), 101)
        assert not signs.dead


class TestSocket:
    def test_it_is_mute_if_a_change_is_not_told(self) -> None:
        """For too long after HTTP showed it."""
        signs = SocketSigns(limit=5)
        looks = [(queue(), 100), (queue(running="a"), 101), (queue(running="a"), 106)]
        assert [signs.is_mute(q, at, connected=True) for q, at in looks] == [False, False, True]
        assert not signs.is_mute(queue(running="a"), 107, connected=True)

    def test_a_frame_settles_it(self) -> None:
        """Late, or between the looks."""
        signs = SocketSigns(limit=5)
        signs.is_mute(queue(), 100, connected=True)
        signs.is_mute(queue(running="a"), 101, connected=True)
        signs.heard(104)
        assert not signs.is_mute(queue(running="a"), 106, connected=True)
        signs.heard(106.5)
        assert not signs.is_mute(queue(), 107, connected=True)
        assert not signs.is_mute(queue(), 113, connected=True)

    def test_one_that_is_closed_owes_nothing(self) -> None:
        """It is being opened anew; nor does one whose backend was away."""
        signs = SocketSigns(limit=5)
        signs.is_mute(queue(), 100, connected=False)
        signs.is_mute(queue(running="a"), 101, connected=False)
        assert not signs.is_mute(queue(running="a"), 107, connected=True)
        signs.is_mute(queue(), 108, connected=True)
        signs.lost()
        assert not signs.is_mute(queue(running="b"), 114, connected=True)
        assert not signs.is_mute(queue(running="b"), 120, connected=True)
