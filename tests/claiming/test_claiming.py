"""What only one host shall do at a time: two hosts try, and one does it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from events.log.folder import FolderLog
from events.log.port import Claim, ShareSilentError
from orchestrator.claiming import RELINK, TRASH, claimed
from orchestrator.errors import ClaimHeld, ProjectUnreadable
from tests.fileops.desk import Desk, bytes_of


@pytest.fixture
async def ada(tmp_path: Path) -> AsyncIterator[Desk]:
    """A host with two files in the trash."""
    desk = Desk(tmp_path, "ada")
    desk.put("P/a.png", "P/b.png", "P/c.png")
    await desk.trash("P/a.png", "P/b.png")
    yield desk
    await desk.stop()


@pytest.fixture
async def ben(tmp_path: Path, ada: Desk) -> AsyncIterator[Desk]:
    """Another host on the same project."""
    desk = Desk(tmp_path, "ben")
    await desk.project()
    yield desk
    await desk.stop()


class TestClaimed:
    async def test_the_other_is_told_who_has_it(self, ada: Desk, ben: Desk) -> None:
        """By a refusal that names the host."""
        mine, theirs = await ada.project(), await ben.project()
        async with claimed(mine, TRASH):
            with pytest.raises(ClaimHeld, match=mine.host.id) as caught:
                async with claimed(theirs, TRASH):
                    pytest.fail("both have it")
            assert caught.value.host == mine.host.id

        async with claimed(theirs, TRASH) as claim:
            assert claim.epoch == 2

    async def test_it_is_given_back_whatever_happens(self, ada: Desk, ben: Desk) -> None:
        """A fault in the work must not keep others from it for an hour."""
        with pytest.raises(ZeroDivisionError):
            async with claimed(await ada.project(), TRASH):
                _ = 1 / 0

        async with claimed(await ben.project(), TRASH):
            pass

    async def test_who_hangs_up_while_claiming_gives_it_back(
        self, ada: Desk, ben: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The share answers late, and by then nobody wants the claim any more."""
        mine, theirs = await ada.project(), await ben.project()
        asked, answer, released = threading.Event(), threading.Event(), threading.Event()
        real = FolderLog.claim

        def slow(self: FolderLog, kind: str, key: str) -> Claim | None:
            asked.set()
            answer.wait(10)
            claim = real(self, kind, key)
            assert claim is not None
            give_back = claim._release

            def release() -> None:
                give_back()
                released.set()

            claim._release = release
            return claim

        with monkeypatch.context() as patch:
            patch.setattr(FolderLog, "claim", slow)
            waiting = asyncio.create_task(mine.claim(TRASH, "all"))
            await asyncio.to_thread(asked.wait, 10)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            answer.set()
            assert await asyncio.to_thread(released.wait, 10)

        assert await theirs.claim(TRASH, "all") is not None

    async def test_a_share_that_is_silent_is_told_so(
        self, ada: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Then nobody knows whose the claim is, and nothing is done."""

        def silent(*_: object) -> None:
            raise ShareSilentError("the share does not answer: host is down")

        monkeypatch.setattr(FolderLog, "claim", silent)
        with pytest.raises(ProjectUnreadable, match="host is down"):
            await (await ada.project()).claim(TRASH, "all")


class TestTrash:
    async def test_one_host_empties_it(self, ada: Desk, ben: Desk) -> None:
        """The other one is refused, and touches nothing."""
        before = bytes_of(ada.root)
        async with claimed(await ada.project(), TRASH):
            with pytest.raises(ClaimHeld, match="empties the trash"):
                await ben.empty()
        assert bytes_of(ada.root) == before

        report = await ben.empty()

        assert len(report.files) == 2
        assert all(file.error is None for file in report.files)
        assert len(bytes_of(ada.root)) == 1

    async def test_single_files_need_no_claim(self, ada: Desk, ben: Desk) -> None:
        """A person who names them deletes these, whatever another host empties."""
        project = await ben.project()
        trash = next(iter(project.view.trash()))[0]
        async with claimed(await ada.project(), TRASH):
            report = await ben.bin.empty(project, [trash], "tom")
        assert [file.error for file in report.files] == [None]

    async def test_an_empty_trash_needs_none_either(self, ada: Desk, ben: Desk) -> None:
        """There is nothing that could be done twice."""
        await ada.empty()
        await (await ben.project()).follow()
        async with claimed(await ada.project(), TRASH):
            assert (await ben.empty()).files == ()

    async def test_two_at_once_in_spite_of_the_claim_do_no_harm(self, ada: Desk, ben: Desk) -> None:
        """A sleeper and its successor: each file is gone once, and both say so (FORMAT.md O5)."""
        one, other = await ada.project(), await ben.project()
        ids = [trash for trash, _ in one.view.trash()]
        await asyncio.gather(ada.bin.empty(one, ids, "mara"), ben.bin.empty(other, ids, "tom"))
        await one.follow()
        await other.follow()

        assert list(one.view.trash()) == list(other.view.trash()) == []
        assert len(bytes_of(ada.root)) == 1


class TestRelink:
    async def test_claims_of_other_kinds_do_not_matter(self, ada: Desk, ben: Desk) -> None:
        """Ben relinks while Ada empties the trash."""
        one, other = await ada.project(), await ben.project()
        async with claimed(one, TRASH) as emptying, claimed(other, RELINK) as relinking:
            assert (emptying.kind, relinking.kind) == (TRASH, RELINK)
            assert await other.claimant(TRASH, "all") != await one.claimant(RELINK, "all")
