"""Loading: the file, else its backup, else what was kept; and earlier states."""

from __future__ import annotations

import gzip
import shutil
from datetime import UTC, datetime, timedelta

import orjson
import pytest

from events.stamp import moment
from orchestrator.errors import (
    FileMissing,
    FileUnreadable,
    PathInvalid,
    StateUnknown,
    StateUnreadable,
)
from orchestrator.states import document, vault
from tests.states.office import Office, name_in, state

BROKEN = [
    b"",
    b"  ",
    b"{",
    b"[]",
    b"null",
    b'{"panels": []}',
    b'{"a": NaN}',
    b"\xff\xfe",
    b"\0" * 99,
]


class TestTheFile:
    async def test_as_it_is(self, office: Office) -> None:
        """With all its fields; a file that no service wrote needs no log."""
        office.file.write_bytes(b"\xef\xbb\xbf" + orjson.dumps(state("mine", extra=[1, {}])))
        loaded = await office.states.load(str(office.file))
        assert loaded.document.plain == state("mine", extra=[1, {}])
        assert (loaded.source, loaded.message) == ("file", "Loaded project.json")
        assert not (office.root / ".gallery").exists()

    @pytest.mark.parametrize("data", [*BROKEN, b'{"a":' * 400 + b"1" + b"}" * 400])
    async def test_broken(self, office: Office, data: bytes) -> None:
        """The backup is loaded, and it is said so; without one the reason is told."""
        office.file.write_bytes(data)
        with pytest.raises(StateUnreadable):
            await office.states.load(str(office.file))
        office.backup.write_bytes(orjson.dumps(state("old")))
        loaded = await office.states.load(str(office.file))
        assert (name_in(loaded.document.data), loaded.source) == ("old", "backup")
        assert loaded.message.startswith("project.json is broken (")
        assert loaded.message.endswith("; loaded the backup project.json.bak")

    async def test_missing(self, office: Office) -> None:
        """Its backup is loaded; without one there is no such file."""
        with pytest.raises(FileMissing):
            await office.states.load(str(office.file))
        office.backup.write_bytes(orjson.dumps(state("old")))
        loaded = await office.states.load(str(office.file))
        assert loaded.message == "project.json is missing; loaded the backup project.json.bak"

    async def test_both_are_gone(self, office: Office) -> None:
        """The newest state that was kept and is whole."""
        for name in ("first", "second", "third"):
            await office.save(name)
        office.file.unlink()
        office.backup.write_bytes(b"{")
        loaded = await office.states.load(str(office.file))
        assert (name_in(loaded.document.data), loaded.source) == ("third", "kept")
        assert loaded.message.startswith("project.json is missing; loaded the state of 20")
        (office.vault / f"{loaded.document.sha256}.json.gz").write_bytes(b"rot")
        loaded = await office.states.load(str(office.file))
        assert name_in(loaded.document.data) == "second"
        shutil.rmtree(office.vault)
        with pytest.raises(StateUnreadable):
            await office.states.load(str(office.file))

    async def test_a_share_that_does_not_answer(
        self, office: Office, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """No older state is passed off as the newest one: the file may be well."""
        await office.save("first")
        await office.save("second")

        def fail(*_: object) -> None:
            raise OSError(5, "Input/output error")

        monkeypatch.setattr(office.states.disk.__class__, "read", fail)
        with pytest.raises(FileUnreadable):
            await office.states.load(str(office.file))

    async def test_no_name_of_a_state(self, office: Office) -> None:
        """Only files that end in .json, and are files."""
        (office.root / "a.png").write_bytes(b"x")
        with pytest.raises(PathInvalid):
            await office.states.load(str(office.root / "a.png"))
        (office.root / "folder.json").mkdir()
        with pytest.raises(StateUnreadable):
            await office.states.load(str(office.root / "folder.json"))


class TestEarlierStates:
    async def test_by_its_bytes(self, office: Office) -> None:
        """The file stays as it is; saving it goes back to it."""
        first = await office.save("first")
        await office.save("second")
        loaded = await office.states.load_kept(str(office.file), first.sha256)
        assert (name_in(loaded.document.data), loaded.source) == ("first", "kept")
        assert loaded.message.endswith("; project.json is as it was")
        assert name_in(office.file.read_bytes()) == "second"

    async def test_by_its_time(self, office: Office) -> None:
        """The state that counted at that moment, to the millisecond."""
        for name in ("first", "second", "first"):
            await office.save(name)
        newest, middle, oldest = (moment(saving.as_of) for saving in await office.listed())
        for at, name in ((oldest, "first"), (middle, "second"), (newest, "first")):
            if [newest, middle, oldest].count(at) == 1:
                loaded = await office.states.load_as_of(str(office.file), at)
                assert name_in(loaded.document.data) == name
        late = datetime.now(UTC) + timedelta(days=1)
        loaded = await office.states.load_as_of(str(office.file), late)
        assert name_in(loaded.document.data) == "first"
        with pytest.raises(StateUnknown):
            await office.states.load_as_of(str(office.file), oldest - timedelta(milliseconds=1))

    async def test_unknown(self, office: Office) -> None:
        """Never kept, or of a project without any states."""
        with pytest.raises(StateUnknown):
            await office.states.load_kept(str(office.file), "0" * 64)
        await office.save("first")
        with pytest.raises(StateUnknown):
            await office.states.load_kept(str(office.file), "0" * 64)

    async def test_after_a_restart(self, office: Office) -> None:
        """All states are still there, with who saved them."""
        await office.save("first")
        await office.save("second")
        before = await office.listed()
        await office.restart()
        assert await office.listed() == before
        assert await office.names() == ["second", "first"]


class TestTheVault:
    async def test_other_bytes_under_a_name(self, office: Office) -> None:
        """A kept file that holds something else is damaged, whatever it holds."""
        saved = await office.save("first")
        place = office.vault / f"{saved.sha256}.json.gz"
        for data in (b"", b"rot", gzip.compress(b"{}"), place.read_bytes()[:20]):
            place.write_bytes(data)
            with pytest.raises(StateUnreadable):
                await office.states.load_kept(str(office.file), saved.sha256)

    async def test_a_bomb(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        """No more is unpacked than a state may have."""
        saved = await office.save("first")
        for module in (document, vault):
            monkeypatch.setattr(module, "MAX_BYTES", 100_000)
        bomb = gzip.compress(b" " * 50_000_000)
        assert len(bomb) < 100_000
        (office.vault / f"{saved.sha256}.json.gz").write_bytes(bomb)
        unpacked = vault.Vault(office.root)._unpacked(saved.sha256)
        assert len(unpacked) == 100_000
        with pytest.raises(StateUnreadable):
            await office.states.load_kept(str(office.file), saved.sha256)

    async def test_a_name_with_nothing_in_it(self, office: Office) -> None:
        """A crash left it, where there are no hard links: the next save fills it."""
        saved = await office.save("first")
        await office.save("second")
        (office.vault / f"{saved.sha256}.json.gz").write_bytes(b"")
        await office.save("first")
        assert await office.names() == ["first", "second", "first"]
