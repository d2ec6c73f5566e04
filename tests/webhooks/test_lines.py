"""Turns: one message at a time to each receiver, and not too many in all."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from attrs import define, field

from orchestrator.webhooks.lines import AT_A_TIME, Lines
from orchestrator.webhooks.sending import Outcome

DEAD = Outcome("timed out", silent=True)


@define(eq=False)
class Wire:
    """Notes how many messages are on their way; each takes a few turns of the loop."""

    now: int = 0
    most: int = 0
    sent: int = 0
    outcomes: list[Outcome] = field(factory=list)

    def once(self) -> Callable[[], Awaitable[Outcome]]:
        """One message."""

        async def send() -> Outcome:
            self.sent += 1
            self.now += 1
            self.most = max(self.most, self.now)
            for _ in range(5):
                await asyncio.sleep(0)
            self.now -= 1
            return self.outcomes.pop(0) if self.outcomes else Outcome()

        return send


async def together(lines: Lines, wire: Wire, *receivers: str) -> list[Outcome]:
    """Send a message to each of these receivers at the same time."""
    sends = (lines.to(each, trusted=True).send(wire.once()) for each in receivers)
    return await asyncio.gather(*sends)


class TestLines:
    async def test_one_at_a_time_to_a_receiver(self) -> None:
        """A receiver is not run over when a whole group ends."""
        lines, wire = Lines(), Wire()

        await asyncio.gather(
            *(lines.to("http://a", trusted=True).send(wire.once()) for _ in range(20))
        )

        assert (wire.sent, wire.most) == (20, 1)

    async def test_not_too_many_in_all(self) -> None:
        """However many receivers there are."""
        lines, wire = Lines(), Wire()

        await asyncio.gather(
            *(lines.to(f"http://{i}", trusted=True).send(wire.once()) for i in range(50))
        )

        assert (wire.sent, wire.most) == (50, AT_A_TIME)

    async def test_strangers_hold_nobody_up(self) -> None:
        """However slow the receivers are that jobs name, those of config.yaml have their turn."""
        lines, hangs = Lines(), asyncio.Event()

        async def slow() -> Outcome:
            await hangs.wait()
            return Outcome()

        strangers = [
            asyncio.create_task(lines.to(f"http://{i}", trusted=False).send(slow))
            for i in range(2 * AT_A_TIME)
        ]
        await asyncio.sleep(0)

        assert (await lines.to("http://0", trusted=True).send(Wire().once())).delivered
        hangs.set()
        await asyncio.gather(*strangers)

    async def test_a_dead_receiver_costs_one_time_out(self) -> None:
        """Those who waited behind the one that found nobody have tried too."""
        lines, wire = Lines(), Wire(outcomes=[DEAD])

        ends = await asyncio.gather(
            *(lines.to("http://a", trusted=True).send(wire.once()) for _ in range(1000))
        )

        assert ends == [DEAD] * 1000
        assert wire.sent == 1

    async def test_it_is_asked_again_later(self) -> None:
        """Whoever comes after a silence tries for itself."""
        lines, wire = Lines(), Wire(outcomes=[DEAD])
        line = lines.to("http://a", trusted=True)

        assert await line.send(wire.once()) == DEAD
        assert (await line.send(wire.once())).delivered

    async def test_a_refusal_is_no_silence(self) -> None:
        """What one message is answered says nothing of the next."""
        lines, wire = Lines(), Wire(outcomes=[Outcome("it answered 500")])

        ends = await asyncio.gather(
            *(lines.to("http://a", trusted=True).send(wire.once()) for _ in range(3))
        )

        assert [end.delivered for end in ends] == [False, True, True]

    async def test_a_line_lasts_as_long_as_it_is_needed(self) -> None:
        """Jobs may name any number of receivers."""
        lines = Lines()
        held = lines.to("http://a", trusted=True)
        lines.to("http://b", trusted=True)

        assert list(lines._lines) == [("http://a", True)]
        assert lines.to("http://a", trusted=True) is held

    async def test_a_cancelled_message_gives_its_turn_back(self) -> None:
        """When the service stops, or a test does."""
        lines, wire = Lines(), Wire()
        line = lines.to("http://a", trusted=True)
        gone = asyncio.create_task(line.send(wire.once()))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)

        assert (await line.send(wire.once())).delivered
