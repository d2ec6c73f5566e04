"""Thumbnails as they are asked for: found, made once, kept by content, or a placeholder."""

from __future__ import annotations

import asyncio
import os
import shutil
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from orchestrator.errors import (
    FileChanging,
    FileMissing,
    FileUnreadable,
    PathInvalid,
    PathNotPermitted,
)
from orchestrator.gallery.fingerprint import head
from orchestrator.gallery.thumbnails import service as module
from orchestrator.gallery.thumbnails.making import Made, Maker, Source
from orchestrator.gallery.thumbnails.service import Thumbnail, Thumbnails
from orchestrator.gallery.thumbnails.spec import Format, Spec, Why
from orchestrator.paths.roots import Roots
from tests.thumbnails.pictures import busy, opened, scene

SPEC = Spec(64)


@pytest.fixture
def share(tmp_path: Path) -> Path:
    """A permitted folder with three pictures."""
    (tmp_path / "share").mkdir()
    for name, image in (("a", scene()), ("b", busy()), ("c", scene(80, 80))):
        image.save(tmp_path / "share" / f"{name}.png")
    return tmp_path / "share"


@pytest.fixture
async def thumbnails(tmp_path: Path, share: Path) -> AsyncIterator[Thumbnails]:
    """With an empty cache."""
    made = Thumbnails(Roots((share,)), tmp_path / "cache", cores=2)
    yield made
    await made.close()


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that thumbnails have been made of."""
    names: list[str] = []
    make = Maker.make

    def counted(self: Maker, source: Source, spec: Spec) -> Made:
        names.append(source.path.name)
        return make(self, source, spec)

    monkeypatch.setattr(Maker, "make", counted)
    return names


async def ask(thumbnails: Thumbnails, path: Path, spec: Spec = SPEC) -> Thumbnail:
    """As a client that has nothing yet."""
    return await thumbnails.get(str(path), spec)


async def quiet(thumbnails: Thumbnails) -> None:
    """Wait until nothing is made ahead any more."""
    async with asyncio.timeout(10):
        while thumbnails._ahead._working:  # noqa: ASYNC110 # nobody else wants to know
            await asyncio.sleep(0.001)


class TestFinding:
    async def test_it_is_made_once(
        self, thumbnails: Thumbnails, share: Path, made: list[str]
    ) -> None:
        """And found afterwards."""
        first = await ask(thumbnails, share / "a.png")
        assert first.data is not None
        assert opened(first.data).size == (64, 43)
        assert await ask(thumbnails, share / "a.png") == first
        assert made == ["a.png"]

    async def test_a_hundred_at_once(
        self, thumbnails: Thumbnails, share: Path, made: list[str]
    ) -> None:
        """Are one."""
        found = await asyncio.gather(*(ask(thumbnails, share / "a.png") for _ in range(100)))
        assert len({each.data for each in found}) == 1
        assert made == ["a.png"]

    async def test_a_known_file_is_not_read(
        self, thumbnails: Thumbnails, share: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One look at its size and time tells what it is."""
        first = await ask(thumbnails, share / "a.png")

        def read(path: Path, size: int) -> str:
            raise AssertionError("the file was read")

        monkeypatch.setattr(module, "head", read)
        assert await ask(thumbnails, share / "a.png") == first

    async def test_renamed_moved_copied(
        self, thumbnails: Thumbnails, share: Path, made: list[str]
    ) -> None:
        """The content counts, so nothing is made again."""
        first = await ask(thumbnails, share / "a.png")
        (share / "deep").mkdir()
        (share / "a.png").rename(share / "deep" / "z.png")
        shutil.copy(share / "deep" / "z.png", share / "copy.png")
        assert await ask(thumbnails, share / "deep" / "z.png") == first
        assert await ask(thumbnails, share / "copy.png") == first
        assert made == ["a.png"]

    async def test_after_a_restart(
        self, thumbnails: Thumbnails, share: Path, made: list[str]
    ) -> None:
        """They are still there."""
        first = await ask(thumbnails, share / "a.png")
        again = Thumbnails(Roots((share,)), thumbnails.folder)
        assert await ask(again, share / "a.png") == first
        assert made == ["a.png"]
        await again.close()

    async def test_another_picture_of_the_same_name(
        self, thumbnails: Thumbnails, share: Path
    ) -> None:
        """Renders replace each other: each is shown as it is."""
        first = await ask(thumbnails, share / "a.png")
        shutil.copy(share / "b.png", share / "a.png")
        second = await ask(thumbnails, share / "a.png")
        assert second == await ask(thumbnails, share / "b.png")
        assert second.tag != first.tag

    async def test_sizes_and_formats(self, thumbnails: Thumbnails, share: Path) -> None:
        """Each is a picture of its own, with a tag of its own."""
        specs = [Spec(64), Spec(128), Spec(64, Format.JPEG)]
        found = [await ask(thumbnails, share / "a.png", spec) for spec in specs]
        assert len({each.tag for each in found}) == 3
        assert len({each.data for each in found}) == 3

    async def test_the_client_has_it(
        self, thumbnails: Thumbnails, share: Path, made: list[str]
    ) -> None:
        """It is sent nothing; also by a service that has lost all it had made."""
        first = await ask(thumbnails, share / "a.png")
        shutil.rmtree(thumbnails.folder)
        found = await thumbnails.get(str(share / "a.png"), SPEC, {first.tag})
        assert (found.tag, found.data) == (first.tag, None)
        assert made == ["a.png"]

    async def test_a_corrupt_cache(
        self, thumbnails: Thumbnails, share: Path, made: list[str]
    ) -> None:
        """It is made anew."""
        first = await ask(thumbnails, share / "a.png")
        for path in thumbnails.folder.rglob("*.webp"):
            path.write_bytes(b"garbage")
        assert await ask(thumbnails, share / "a.png") == first
        assert await ask(thumbnails, share / "a.png") == first
        assert made == ["a.png"] * 2

    async def test_a_cache_that_cannot_be_written(
        self, thumbnails: Thumbnails, share: Path
    ) -> None:
        """The answer is the same."""
        thumbnails.folder.write_text("in the way")
        found = await ask(thumbnails, share / "a.png")
        assert found.data is not None
        assert found.why is None

    async def test_the_cache_is_bounded(self, tmp_path: Path, share: Path) -> None:
        """In bytes."""
        small = Thumbnails(Roots((share,)), tmp_path / "small", limit=1)
        for name in "abc":
            assert (await ask(small, share / f"{name}.png")).data is not None
        assert not list(small.folder.rglob("*.webp"))
        await small.close()


class TestHangingUp:
    async def test_others_still_get_it(
        self, thumbnails: Thumbnails, share: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Who goes takes nothing away from who stays."""
        gate, begun = threading.Event(), threading.Event()
        make = Maker.make

        def slow(self: Maker, source: Source, spec: Spec) -> Made:
            begun.set()
            assert gate.wait(10)
            return make(self, source, spec)

        monkeypatch.setattr(Maker, "make", slow)
        one, other = (asyncio.create_task(ask(thumbnails, share / "a.png")) for _ in range(2))
        await asyncio.to_thread(begun.wait, 10)
        one.cancel()
        gate.set()
        assert (await other).data is not None
        assert one.cancelled() or one.cancelling()

    async def test_a_copy_that_vanishes(
        self, thumbnails: Thumbnails, share: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Who asked for the other copy gets it."""
        shutil.copy(share / "a.png", share / "copy.png")
        make = Maker.make

        def vanishing(self: Maker, source: Source, spec: Spec) -> Made:
            if source.path.name == "a.png":
                source.path.unlink()
            return make(self, source, spec)

        monkeypatch.setattr(Maker, "make", vanishing)
        gone, there = await asyncio.gather(
            ask(thumbnails, share / "a.png"),
            ask(thumbnails, share / "copy.png"),
            return_exceptions=True,
        )
        assert isinstance(there, Thumbnail)
        assert there.data is not None
        # Unless the copy was done first: then the content is known, and nothing is read.
        assert isinstance(gone, FileMissing | Thumbnail)


class TestPlaceholders:
    @pytest.mark.parametrize(
        ("name", "content", "why"),
        [
            ("a.wav", b"RIFF", Why.AUDIO),
            ("a.exr", b"v/1\x01", Why.UNSUPPORTED),
            ("empty.png", b"", Why.BROKEN),
            ("junk.png", b"hello", Why.BROKEN),
        ],
    )
    async def test_no_picture(
        self, thumbnails: Thumbnails, share: Path, name: str, content: bytes, why: Why
    ) -> None:
        """A drawing, and why."""
        (share / name).write_bytes(content)
        found = await ask(thumbnails, share / name)
        assert found.why is why
        assert found.data is not None
        assert opened(found.data).size == (64, 64)
        again = await thumbnails.get(str(share / name), SPEC, {found.tag})
        assert (again.data, again.why) == (None, why)

    async def test_videos_without_the_extra(
        self, thumbnails: Thumbnails, share: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """They are not even opened."""
        monkeypatch.setattr("orchestrator.gallery.thumbnails.poster.available", lambda: False)
        (share / "a.mp4").write_bytes(b"x")
        assert (await ask(thumbnails, share / "a.mp4")).why is Why.VIDEO

    async def test_a_broken_file_is_tried_once(
        self, thumbnails: Thumbnails, share: Path, made: list[str]
    ) -> None:
        """Failing may take as long as a picture; it is tried again when it has changed."""
        (share / "x.png").write_bytes(b"hello")
        for _ in range(3):
            assert (await ask(thumbnails, share / "x.png")).why is Why.BROKEN
        assert made == ["x.png"]
        scene().save(share / "x.png")
        assert (await ask(thumbnails, share / "x.png")).why is None

    async def test_a_part(self, thumbnails: Thumbnails, share: Path) -> None:
        """It is said, also when it comes from the cache."""
        data = (share / "b.png").read_bytes()
        (share / "b.png").write_bytes(data[: len(data) // 2])
        for _ in range(2):
            found = await ask(thumbnails, share / "b.png")
            assert (found.partial, found.why) == (True, None)

    async def test_a_file_that_is_being_written(
        self, thumbnails: Thumbnails, share: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """More is to come."""

        def changing(path: Path, size: int) -> str:
            raise FileChanging(str(path))

        monkeypatch.setattr(module, "head", changing)
        assert (await ask(thumbnails, share / "a.png")).why is Why.CHANGING

    async def test_a_file_replaced_while_it_was_read(
        self, thumbnails: Thumbnails, share: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What is kept under a content's name is of that content: it is looked at again."""
        replaced = [False]

        def replacing(path: Path, size: int) -> str:
            found = head(path, size)
            if not replaced[0]:
                replaced[0] = True
                shutil.copy(share / "b.png", share / "a.png")
            return found

        monkeypatch.setattr(module, "head", replacing)
        found = await ask(thumbnails, share / "a.png")
        assert found == await ask(thumbnails, share / "b.png")


class TestRefusals:
    async def test_missing(self, thumbnails: Thumbnails, share: Path) -> None:
        """Also where it was a moment ago."""
        await ask(thumbnails, share / "a.png")
        (share / "a.png").unlink()
        for name in ("a.png", "never.png", "never.wav"):
            with pytest.raises(FileMissing):
                await ask(thumbnails, share / name)

    async def test_not_permitted(self, thumbnails: Thumbnails, tmp_path: Path) -> None:
        """As for every file."""
        scene().save(tmp_path / "private.png")
        with pytest.raises(PathNotPermitted):
            await ask(thumbnails, tmp_path / "private.png")

    async def test_no_media(self, thumbnails: Thumbnails, share: Path) -> None:
        """Also behind a link that is called like a picture."""
        (share / "notes.txt").write_text("x")
        (share / "link.png").symlink_to(share / "notes.txt")
        for name in ("notes.txt", "link.png"):
            with pytest.raises(PathInvalid):
                await ask(thumbnails, share / name)

    @pytest.mark.skipif(os.name == "nt", reason="Windows has no named pipes among files")
    async def test_a_pipe(self, thumbnails: Thumbnails, share: Path) -> None:
        """It is no file."""
        os.mkfifo(share / "pipe.png")
        with pytest.raises(FileMissing):
            await ask(thumbnails, share / "pipe.png")

    @pytest.mark.parametrize("where", ["head", "make"])
    async def test_a_share_that_fails(
        self, thumbnails: Thumbnails, share: Path, monkeypatch: pytest.MonkeyPatch, where: str
    ) -> None:
        """503: nobody shall think that the picture is broken; and it is not remembered."""

        def fail(*_: Any) -> Any:
            raise OSError(5, "Input/output error")

        with monkeypatch.context() as patch:
            if where == "head":
                patch.setattr(module, "head", fail)
            else:
                patch.setattr(Maker, "make", fail)
            with pytest.raises(FileUnreadable):
                await ask(thumbnails, share / "a.png")
        assert (await ask(thumbnails, share / "a.png")).why is None


class TestAhead:
    async def test_the_folder_being_looked_at(
        self, thumbnails: Thumbnails, share: Path, made: list[str]
    ) -> None:
        """What was made ahead is found; what cannot be made is left for who asks."""
        names = ["a.png", "gone.png", "b.png", "c.png"]
        thumbnails.ahead([str(share / name) for name in names], SPEC)
        await quiet(thumbnails)
        assert sorted(made) == ["a.png", "b.png", "c.png"]
        for name in "abc":
            assert (await ask(thumbnails, share / f"{name}.png")).data is not None
        assert len(made) == 3

    async def test_a_request_joins_what_is_made_ahead(
        self, thumbnails: Thumbnails, share: Path, made: list[str]
    ) -> None:
        """It is made once."""
        thumbnails.ahead([str(share / "a.png")], SPEC)
        await asyncio.gather(*(ask(thumbnails, share / "a.png") for _ in range(10)))
        await quiet(thumbnails)
        assert made == ["a.png"]

    async def test_closing_in_the_middle(self, thumbnails: Thumbnails, share: Path) -> None:
        """Nothing hangs, nothing complains."""
        Image.new("RGB", (2000, 2000)).save(share / "big.png")
        thumbnails.ahead([str(share / "big.png")] * 50)
        await asyncio.sleep(0)
        await thumbnails.close()
