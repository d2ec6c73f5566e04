"""The power is cut before every single change of disk or log, and no state is ever lost."""

from __future__ import annotations

import shutil
from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path

import orjson
import pytest

from orchestrator.errors import FileNotWritten
from tests.fileops.desk import Fuse, PowerCut, mount
from tests.states.office import Breaker, Office, drafts, install, name_in, state


async def saved_and_edited(office: Office) -> None:
    """Two states were saved, then somebody edited the file by hand."""
    await office.save("first")
    await office.save("second")
    office.file.write_bytes(orjson.dumps(state("edited")))


async def left_by_another_program(office: Office) -> None:
    """A file and a backup of which no log ever told."""
    office.file.write_bytes(orjson.dumps(state("first")))
    office.backup.write_bytes(orjson.dumps(state("second")))


Prepare = Callable[[Office], Awaitable[object]]
STORIES: dict[str, tuple[Prepare, set[str]]] = {
    "edited": (saved_and_edited, {"first", "second", "edited"}),
    "another program": (left_by_another_program, {"first", "second"}),
}


async def prepared(base: Path, prepare: Prepare, number: int) -> Office:
    """A host and a project as they are before the story; each number has its own."""
    model = base / "model"
    if not model.exists():
        office = Office(model)
        await prepare(office)
        await office.stop()
    world = shutil.copytree(model, base / str(number))
    for seen in world.glob("hosts/*/projects.json"):
        seen.unlink()  # a world of its own: what its host has seen is here, and not in the model
    office = Office(world)
    await office.projects.get(office.root)
    return office


async def save_until_cut(office: Office, system: str, at: int) -> bool:
    """Save `new`; whether the power was cut before that was over."""
    with pytest.MonkeyPatch.context() as patch:
        mount(patch, system)
        fuse = Fuse(cut_at=at)
        install(fuse, patch)
        try:
            await office.save("new")
        except PowerCut:
            return True
        return False


@pytest.mark.parametrize(
    ("story", "system"), [("edited", "no links"), ("another program", "noreplace")]
)
async def test_at_every_step(tmp_path: Path, story: str, system: str) -> None:
    """The file is always one state, whole; the next save tells of all that ever lay there."""
    prepare, before = STORIES[story]
    for at in count():
        office = await prepared(tmp_path, prepare, at)
        lay = name_in(office.file.read_bytes())
        was_cut = await save_until_cut(office, system, at)
        await office.restart()
        lies = name_in(office.file.read_bytes())
        assert lies in {lay, "new"}
        if office.backup.exists():
            assert name_in(office.backup.read_bytes()) in before
        assert was_cut or (lies == "new" and set(await office.names()) == {*before, "new"})
        await office.save("newer")
        names = await office.names()
        assert names[0] == "newer"
        assert set(names) - {"new"} == {*before, "newer"}
        assert lies != "new" or "new" in names
        assert len(names) == len(set(names)), "each is told once"
        await office.stop()
        if not was_cut:
            break
    assert at > 20


async def test_the_same_save_again_after_a_cut(tmp_path: Path) -> None:
    """Whoever got no answer sends it again; what lies in the file is told as saved, once."""
    for at in count():
        office = await prepared(tmp_path, lambda office: office.save("first"), at)
        was_cut = await save_until_cut(office, "noreplace", at)
        await office.restart()
        await office.save("new")
        told = [(await office.name_of(s.sha256), s.origin) for s in await office.listed()]
        assert told == [("new", "saved"), ("first", "saved")]
        await office.stop()
        if not was_cut:
            break


async def test_a_share_that_refuses_at_every_step(tmp_path: Path) -> None:
    """An error, the file as it was or whole, no drafts left; once there is room, it works."""
    for at in count():
        office = await prepared(tmp_path, saved_and_edited, at)
        refused = False
        with pytest.MonkeyPatch.context() as patch:
            breaker = Breaker(at)
            install(breaker, patch)
            try:
                await office.save("new")
            except FileNotWritten as exc:
                refused = True
                assert "No space left" in str(exc)  # noqa: PT017  # not every call is refused
        if breaker.count <= at:
            break
        assert name_in(office.file.read_bytes()) in {"edited", "new"}
        assert len(drafts(office.root)) <= 1, "only one whose removal was refused"
        if refused:
            await office.save("new")
        assert await office.names() == ["new", "edited", "second", "first"]
        await office.stop()
    await office.stop()
    assert at > 15
