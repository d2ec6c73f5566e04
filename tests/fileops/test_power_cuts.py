"""The power is cut before every single change of disk or log, and nothing is lost or false."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path

import pytest
from attrs import frozen

from orchestrator.gallery.fileops.service import Conflict
from projections.assets import State
from tests.fileops.desk import (
    SYSTEMS,
    Desk,
    Fuse,
    PowerCut,
    agree_on_trash,
    agreeing,
    bytes_of,
    intact,
    listed,
    mount,
)


@frozen
class Story:
    """What is there, and what is asked for."""

    files: tuple[str, ...]
    rated: tuple[str, ...]
    ask: Callable[[Desk], Awaitable[object]]
    before: Callable[[Desk], Awaitable[object]] | None = None


CAST = ("P/a.png", "P/b.png", "P/c.png")
BESIDE = ("P/a.json", "P/a.txt", "P/b.png.json")

STORIES = {
    "move": Story(
        (*CAST, *BESIDE), CAST[:2], lambda desk: desk.move("P/a.png", "P/b.png", to="Q/R")
    ),
    "move over another": Story(
        (*CAST, *BESIDE, "Q/a.png", "Q/a.txt"),
        (*CAST[:2], "Q/a.png"),
        lambda desk: desk.move("P/a.png", "P/c.png", to="Q", conflict=Conflict.OVERWRITE),
    ),
    "rename": Story(
        (*CAST, *BESIDE),
        CAST,
        lambda desk: desk.files.rename(str(desk.root), "P/a.png", "hero.png", "mara"),
    ),
    "change of case": Story(
        CAST, CAST, lambda desk: desk.files.rename(str(desk.root), "P/a.png", "A.png", "mara")
    ),
    "rename a folder": Story(
        (*CAST, *BESIDE, "P/deep/d.png"),
        (*CAST, "P/deep/d.png"),
        lambda desk: desk.rename({"P": "Panel"}),
    ),
    "swap of look-alikes": Story(
        CAST, CAST, lambda desk: desk.rename({"P/a.png": "b.png", "P/b.png": "a.png"})
    ),
    "cycle with sidecars": Story(
        (*CAST, *BESIDE),
        CAST[:2],
        lambda desk: desk.rename({"P/a.png": "b.png", "P/b.png": "c.png", "P/c.png": "a.png"}),
    ),
    "shift": Story(
        CAST,
        CAST,
        lambda desk: desk.rename({"P/a.png": "b.png", "P/b.png": "c.png", "P/c.png": "d.png"}),
    ),
    "trash": Story((*CAST, *BESIDE), CAST[1:], lambda desk: desk.trash("P/a.png", "P/b.png")),
    "restore": Story(
        (*CAST, *BESIDE),
        CAST[1:],
        lambda desk: desk.restore(),
        before=lambda desk: desk.trash("P/a.png", "P/b.png"),
    ),
}


async def begin(base: Path, story: Story) -> Desk:
    """A desk on which the files of a story lie."""
    desk = Desk(base)
    desk.put(*story.files)
    for stars, path in enumerate(story.rated, 1):
        await desk.rate(path, stars)
    if story.before is not None:
        await story.before(desk)
    await desk.project()
    return desk


async def cut(desk: Desk, ask: Callable[[Desk], Awaitable[object]], system: str, at: int) -> bool:
    """Do something until the power is cut; False if it was over before."""
    with pytest.MonkeyPatch.context() as patch:
        mount(patch, system)
        fuse = Fuse(cut_at=at)
        fuse.install(patch)
        try:
            await ask(desk)
        except PowerCut:
            return True
        return False


async def settle(desk: Desk) -> None:
    """What a start does."""
    await desk.engine.settle(await desk.project())


async def check(
    desk: Desk, story: Story, before: Counter[bytes], system: str, *, twice: bool = True
) -> None:
    """After a restart all is well; settling `twice` changes nothing more."""
    with pytest.MonkeyPatch.context() as patch:
        mount(patch, system)
        project = await desk.restart()
        intact(desk.root, before)
        await agreeing(desk)
        assert len(project.view.tables.table("ratings")) == len(story.rated)
        if twice:
            lying, state = listed(desk.root), project.tables.pack()
            project = await desk.restart()
            assert (listed(desk.root), project.tables.pack()) == (lying, state)


async def cut_everywhere(base: Path, story: Story, system: str) -> None:
    """Cut the power before each change in turn, until the story comes to its end."""
    for at in count():
        desk = await begin(base / str(at), story)
        before = bytes_of(desk.root)
        was_cut = await cut(desk, story.ask, system, at)
        await check(desk, story, before, system, twice=at % 3 == 0)
        await desk.stop()
        if not was_cut:
            assert at > 5
            return


@pytest.mark.parametrize("name", STORIES)
async def test_at_every_step(tmp_path: Path, name: str) -> None:
    """Each file is there once, the log says where, and the stars are on the right one."""
    await cut_everywhere(tmp_path, STORIES[name], "noreplace")


@pytest.mark.parametrize("system", SYSTEMS[1:])
async def test_on_other_file_systems(tmp_path: Path, system: str) -> None:
    """A sample of the campaign below: NFS, and those that have no links either."""
    await cut_everywhere(tmp_path, STORIES["cycle with sidecars"], system)


@pytest.mark.campaign
@pytest.mark.parametrize("system", SYSTEMS[1:])
@pytest.mark.parametrize("name", STORIES)
async def test_every_story_on_other_file_systems(tmp_path: Path, name: str, system: str) -> None:
    """All of them, at every step."""
    await cut_everywhere(tmp_path, STORIES[name], system)


async def cut_twice(
    base: Path, story: Story, system: str, at: int, again: int
) -> tuple[bool, bool]:
    """Cut the power, and once more while that is settled; for both, whether it was in time."""
    desk = await begin(base / f"{at}-{again}", story)
    before = bytes_of(desk.root)
    was_cut = await cut(desk, story.ask, system, at)
    await desk.start_anew()
    await desk.project()
    cut_again = await cut(desk, settle, system, again)
    await check(desk, story, before, system)
    await desk.stop()
    return was_cut, cut_again


async def test_and_again_while_that_is_settled(tmp_path: Path) -> None:
    """The power is cut in the middle of a cycle, and at every step of settling that."""
    for again in count():
        _, in_time = await cut_twice(
            tmp_path, STORIES["cycle with sidecars"], "noreplace", 6, again
        )
        if not in_time:
            break
    assert again > 5


@pytest.mark.campaign
@pytest.mark.timeout(1_800)
@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("name", STORIES)
async def test_twice_at_every_step(tmp_path: Path, name: str, system: str) -> None:
    """Each story is cut at each of its steps, and each of these at each step of settling it."""
    was_cut = True
    for at in count():
        for again in count():
            was_cut, in_time = await cut_twice(tmp_path, STORIES[name], system, at, again)
            if not in_time:
                break
        if not was_cut:
            break
    assert at > 5


async def test_deleting_is_not_taken_up_again(tmp_path: Path) -> None:
    """What was deleted when the power went is told; what was not stays in the trash."""
    story = STORIES["restore"]
    for at in count():
        desk = await begin(tmp_path / str(at), story)
        before = bytes_of(desk.root)
        was_cut = await cut(desk, lambda desk: desk.empty(), "noreplace", at)
        view = (await desk.restart()).view
        assert view.open_plans((await desk.project()).host.id) == []
        agree_on_trash(desk.root, view)
        here = {found.path for _, found in view.trash()}
        purged = {known.path for _, known in view.tables.table("assets").items()
                  if known.state is State.PURGED}  # fmt: skip
        assert purged == {"P/b.png"} - here
        gone = {data.rstrip(b".").decode() for data in before - bytes_of(desk.root)}
        assert {path for path in gone if path.endswith(".png")} == {"P/a.png", "P/b.png"} - here
        await desk.stop()
        if not was_cut:
            break
    assert here == set()
