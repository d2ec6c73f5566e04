from __future__ import annotations

from orchestrator.comfyui import messages as m
from orchestrator.comfyui.mailbox import Connected, Mailbox


def drained(mailbox: Mailbox) -> list[object]:
    """All that waits, in order."""
    found: list[object] = []
    while (item := mailbox.take()) is not None:
        found.append(item)
    return found


class TestMailbox:
    def test_frames_keep_their_order(self) -> None:
        """First in, first out; what is of no use is left out at once."""
        mailbox = Mailbox()
        sent: list[m.Frame] = [m.Status(1, None), m.ExecutionStart("p"), m.Executing("p", "1")]
        for frame in [*sent, m.Unknown("x")]:
            mailbox.put(frame)
        assert drained(mailbox) == sent

    def test_only_the_newest_preview_waits(self) -> None:
        """A slow consumer must not make us hold pictures."""
        mailbox = Mailbox()
        for number in range(1000):
            mailbox.put(m.Preview("p", "1", "image/png", bytes([number % 256])))
        assert drained(mailbox) == [m.Preview("p", "1", "image/png", bytes([999 % 256]))]
        assert mailbox.lost == 0

    def test_newer_progress_replaces_older_of_the_same_prompt(self) -> None:
        """Of other prompts it is kept."""
        mailbox = Mailbox()
        for value in (1, 2, 3):
            mailbox.put(m.Progress("p", "1", value, 3))
            mailbox.put(m.Progress("q", "1", value, 3))
        assert drained(mailbox) == [m.Progress("p", "1", 3, 3), m.Progress("q", "1", 3, 3)]

    def test_the_oldest_are_dropped_and_counted(self) -> None:
        """Memory is bounded; the news of a new connection stays, for it means: look again."""
        mailbox = Mailbox(limit=3)
        connected = Connected()
        mailbox.put(connected)
        for number in range(10):
            mailbox.put(m.Status(number, None))
        assert drained(mailbox) == [connected, m.Status(8, None), m.Status(9, None)]
        assert mailbox.lost == 8
