"""Lines that are given up, in open projects: all hosts come to the same state."""

from __future__ import annotations

from events.log.disk_io import DiskIO
from events.log.gaps import Gaps
from events.log.skip import find_gap
from events.witness import LogGap
from orchestrator.commands.witness import GiveUpLines
from projections.fold import state_hash
from tests.project.conftest import Farm, Rate


class TestGivenUp:
    async def test_who_had_the_lines_and_who_had_not(self, farm: Farm, rate: Rate) -> None:
        """One host read the lines before they were lost, one gives them up, one comes later.

        FORMAT.md H5
        """
        writer = await farm.host("w").get(farm.share)
        for number in range(6):
            await rate(writer, number % 5 + 1, f"P/{number}.png")
        early = await farm.host("a").get(farm.share)
        assert early.view.stars_at("P/2.png") == 3
        assert writer.log is not None
        (who,) = writer.log.positions()
        await farm.restart("w")
        (path,) = (farm.share / ".gallery" / "log").iterdir()
        lines = path.read_bytes().splitlines(keepends=True)
        lines[3] = lines[3].replace(b"mara", b"sara")
        path.write_bytes(b"".join(lines))

        giver = await farm.host("b").get(farm.share)
        assert giver.view.stars_at("P/5.png") in (0, None)
        folder = farm.share / ".gallery" / "log"
        assert giver.log is not None
        found = find_gap(folder, giver.log.project, who, DiskIO(), Gaps())
        assert found is not None
        gap = LogGap(
            log=who,
            first=found.first,
            last=found.behind.sequence,
            chain=found.behind.chain,
            segment=found.behind.segment,
            offset=found.behind.offset,
        )
        await giver.change(GiveUpLines(gap=gap), "ann")
        assert await giver.change(GiveUpLines(gap=gap), "ann") == []
        await giver.follow()
        await early.follow()
        assert early.outdated
        assert not giver.outdated
        assert not await early.checkpoint(least=1)

        anew = await farm.host("a").get(farm.share)
        late = await farm.host("c").get(farm.share)

        hashes = {state_hash(p.tables.pack()) for p in (giver, anew, late)}
        assert len(hashes) == 1
        assert late.view.stars_at("P/5.png") == 1
        assert late.view.stars_at("P/2.png") in (0, None)
        assert not anew.outdated

        again = await farm.restart("a")
        once_more = await again.get(farm.share)
        assert state_hash(once_more.tables.pack()) in hashes
        assert not once_more.outdated
