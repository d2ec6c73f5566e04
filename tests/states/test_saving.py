"""Saving: what is kept, what is told, what is refused."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import orjson
import pytest

from orchestrator.errors import (
    FileChanging,
    FileMissing,
    FileNotWritten,
    InvalidFields,
    OrchestratorError,
    PathInvalid,
    PathNotPermitted,
    ProjectReadOnly,
    ShareMissing,
    StateUnreadable,
)
from orchestrator.states import document, files, saving, service
from tests.states.office import Office, drafts, name_in, names, state


class TestSaving:
    async def test_a_first_save(self, office: Office) -> None:
        """The file holds what was sent, whatever else stands in it; nothing else lies around."""
        sent = state("first", 2, camera_angles={"a": [1, 2.5, None]}, unknown="ü")
        await office.states.save(str(office.root), "project.json", sent, "mara")
        assert orjson.loads(office.file.read_bytes()) == sent
        assert names(office.root) == [".gallery", "project.json"]
        (told,) = await office.listed()
        assert (told.panels, told.size) == (2, office.file.stat().st_size)
        assert (told.actor, told.origin, told.saved_at) == ("mara", "saved", sent["saved_at"])

    async def test_the_one_before_becomes_the_backup(self, office: Office) -> None:
        """As the predecessor of this service had it."""
        for name in ("first", "second", "third"):
            await office.save(name)
        assert name_in(office.backup.read_bytes()) == "second"
        assert await office.names() == ["third", "second", "first"]

    async def test_the_same_work_again_tells_nothing(self, office: Office) -> None:
        """Clients save every minute; only the times differ, in whatever order fields come."""
        first = await office.save("first")
        again = state("first", saved_at="2026-01-02T03:05:05Z")
        again["project_settings"]["lastModified"] = "2026-01-03"
        second = await office.states.save(str(office.root), "project.json", again, "mara")
        assert (second.changed, second.sha256) == (False, first.sha256)
        assert len(await office.listed()) == 1
        assert not office.backup.exists()

    async def test_true_is_not_one(self, office: Office) -> None:
        """The smallest change of what stands in it is a change."""
        await office.save("first", flag=1)
        assert (await office.save("first", flag=True)).changed
        assert (await office.save("first", flag=1.0)).changed

    async def test_going_back_and_forth(self, office: Office) -> None:
        """The same bytes twice with others between: each time is told, one file is kept."""
        for name in ("first", "second", "first"):
            await office.save(name)
        assert await office.names() == ["first", "second", "first"]
        assert len(list(office.vault.iterdir())) == 2

    async def test_after_the_file_was_deleted(self, office: Office) -> None:
        """It is written again, even if nothing has changed."""
        await office.save("first")
        office.file.unlink()
        assert (await office.save("first")).changed
        assert name_in(office.file.read_bytes()) == "first"
        assert len(await office.listed()) == 1

    async def test_many_files_in_a_folder(self, office: Office) -> None:
        """Each has states of its own."""
        await office.save("first")
        await office.states.save(str(office.root), "other.JSON", state("other"), "mara")
        assert await office.names() == ["first"]
        assert len(await office.states.states(str(office.root / "other.JSON"))) == 1

    async def test_old_drafts_are_swept(self, office: Office) -> None:
        """What crashes left goes after a day; a draft of another host that is at work stays."""
        old, fresh = office.root / ".draft-old", office.root / ".draft-fresh"
        for draft in (old, fresh):
            draft.write_bytes(b"x")
        os.utime(old, (1, 1))
        await office.save("first")
        assert drafts(office.root) == [".draft-fresh"]


class TestFoundStates:
    async def test_edited_by_hand(self, office: Office) -> None:
        """It is kept and told before it is replaced; nobody knows who made it."""
        await office.save("first")
        office.file.write_bytes(orjson.dumps(state("edited", 3)))
        await office.save("second")
        assert await office.names() == ["second", "edited", "first"]
        told = (await office.listed())[1]
        assert (told.origin, told.panels) == ("found", 3)
        assert name_in(office.backup.read_bytes()) == "edited"

    async def test_broken_bytes_are_kept_but_are_no_backup(self, office: Office) -> None:
        """A good backup is not replaced by a file that was cut off."""
        await office.save("first")
        await office.save("second")
        broken = office.file.read_bytes()[:30]
        office.file.write_bytes(broken)
        await office.save("third")
        assert name_in(office.backup.read_bytes()) == "first"
        told = (await office.listed())[1]
        assert (told.origin, told.panels, told.sha256) == ("found", None, document.digest(broken))
        with pytest.raises(StateUnreadable):
            await office.states.load_kept(str(office.file), told.sha256)

    async def test_somebody_writes_at_the_same_moment(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What came between looking and replacing is kept, too."""
        await office.save("first")
        compare, left = files._compare, [1]

        def meddle(path: Path, seen: files.Seen) -> None:
            if left:
                left.pop()
                path.write_bytes(orjson.dumps(state("edited", 7)))
            compare(path, seen)

        monkeypatch.setattr(files, "_compare", meddle)
        await office.save("second")
        assert await office.names() == ["second", "edited", "first"]
        assert drafts(office.root) == []

    async def test_somebody_never_stops_writing(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Then the file is left to them, and it is said so."""

        def meddle(path: Path, seen: files.Seen) -> None:
            raise files.ReplacedMeanwhileError

        monkeypatch.setattr(files, "_compare", meddle)
        monkeypatch.setattr(service, "RACES", 3)
        with pytest.raises(FileChanging):
            await office.save("second")
        assert drafts(office.root) == []


class TestTwoHosts:
    async def test_saving_at_once(self, tmp_path: Path) -> None:
        """All states of both are kept and listed by both; the file is one of them, whole."""
        ada, bela = Office(tmp_path), Office(tmp_path, "bela")
        await ada.save("start")
        for turn in range(5):
            await asyncio.gather(ada.save(f"ada {turn}"), bela.save(f"bela {turn}"))
        expected = {"start", *(f"{name} {turn}" for name in ("ada", "bela") for turn in range(5))}
        for office in (ada, bela):
            assert set(await office.names()) == expected
            assert name_in(office.file.read_bytes()) in {"ada 4", "bela 4"}
        assert drafts(ada.root) == []
        await ada.stop()
        await bela.stop()

    async def test_many_clients_of_one_host(self, office: Office) -> None:
        """They take turns: each state is told once, and none as found."""
        await asyncio.gather(*(office.save(f"client {number}") for number in range(8)))
        told = await office.listed()
        assert {saving.origin for saving in told} == {"saved"}
        assert len(told) == 8

    async def test_who_hangs_up_has_saved(self, office: Office) -> None:
        """A save that was begun is finished and told."""
        await office.save("first")
        asked = asyncio.create_task(office.save("second"))
        await asyncio.sleep(0)
        while not office.states._running:  # noqa: ASYNC110  # it has no event of its own
            await asyncio.sleep(0)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        await office.states.close()
        assert await office.names() == ["second", "first"]


class TestRefusals:
    @pytest.mark.parametrize(
        ("changes", "path"),
        [
            ({"panels": None}, "state.panels"),
            ({"panels": [{}, 1]}, "state.panels[1]"),
            ({"project_settings": []}, "state.project_settings"),
            # Integers as large as these are floats by the time that they have been read.
            ({"deep": {"x": [1e30]}}, "state.deep.x[0]"),
            ({"deep": -(2.0**63)}, "state.deep"),
        ],
    )
    async def test_what_is_no_state(
        self, office: Office, changes: dict[str, object], path: str
    ) -> None:
        """Each fault with its place, and nothing is done."""
        sent = {**state("x"), **changes}
        with pytest.raises(InvalidFields) as caught:
            await office.states.save(str(office.root), "project.json", sent, "mara")
        assert [fault.path for fault in caught.value.faults] == [path]
        assert names(office.root) == []

    async def test_numbers_that_can_be_kept(self, office: Office) -> None:
        """All that fit into 64 bits, and large ones that have no other form."""
        numbers = [2**63 - 1, -(2**63), 2**64 - 1, 1e-300, 0.1, "1e+30"]
        await office.save("x", numbers=numbers)
        assert orjson.loads(office.file.read_bytes())["numbers"] == numbers

    @pytest.mark.parametrize(
        "name", ["project.txt", "project", ".json", "a/b.json", "..", "con.json", "", "a\n.json"]
    )
    async def test_names(self, office: Office, name: str) -> None:
        """A plain name that ends in .json."""
        with pytest.raises(PathInvalid):
            await office.states.save(str(office.root), name, state("x"), "mara")
        assert names(office.root) == []

    async def test_places(self, office: Office, tmp_path: Path) -> None:
        """Only folders that are there and permitted."""
        with pytest.raises(FileMissing):
            await office.states.save(str(office.root / "no"), "a.json", state("x"), "mara")
        with pytest.raises(PathNotPermitted):
            await office.states.save(str(tmp_path), "a.json", state("x"), "mara")

    async def test_something_else_has_the_name(self, office: Office) -> None:
        """A folder, a link, a pipe: left alone."""
        office.file.mkdir()
        with pytest.raises(PathInvalid):
            await office.save("x")
        office.file.rmdir()
        office.file.symlink_to(office.root / "elsewhere.json")
        with pytest.raises(PathInvalid):
            await office.save("x")
        assert office.file.is_symlink()

    async def test_a_file_too_large_to_be_kept(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It is not replaced, since it could not be kept."""
        for module in (document, files, saving):
            monkeypatch.setattr(module, "MAX_BYTES", 1_000)
        office.file.write_bytes(b" " * 1_001)
        with pytest.raises(StateUnreadable):
            await office.save("x")
        assert office.file.stat().st_size == 1_001

    async def test_the_share_is_gone(self, office: Office) -> None:
        """Nothing is written where the share should be."""
        await office.save("first")
        away = office.root.with_name("away")
        office.root.rename(away)
        office.root.mkdir()
        with pytest.raises(ShareMissing):
            await office.save("second")
        assert names(office.root) == []
        office.root.rmdir()
        with pytest.raises((OrchestratorError, FileNotFoundError)):
            await office.save("second")
        assert not office.root.exists()
        away.rename(office.root)
        await office.save("second")
        assert await office.names() == ["second", "first"]

    async def test_a_log_that_cannot_be_written(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The file is not touched, since nobody could tell of it."""
        await office.save("first")
        project = await office.projects.get(office.root)
        monkeypatch.setattr(type(project), "read_only", property(lambda _: "no room"))
        with pytest.raises(ProjectReadOnly):
            await office.save("second")
        assert name_in(office.file.read_bytes()) == "first"

    @pytest.mark.skipif(os.name == "nt", reason="there it is another error")
    async def test_something_else_is_called_gallery(self, office: Office) -> None:
        """A file stands where the log's folder should be."""
        (office.root / ".gallery").write_text("mine")
        with pytest.raises(FileNotWritten):
            await office.save("first")
        assert names(office.root) == [".gallery"]
