"""A project in two places: which one it is, what the other is told, and how that ends."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import orjson
import pytest

from events.log.engine import FolderEngine
from orchestrator import places
from orchestrator.errors import ProjectReadOnly
from orchestrator.places import SeenProjects
from tests.project.conftest import Farm, Rate

ID = "01hzprject0000000000000000"


def told(folder: Path) -> dict[str, bytes]:
    """All files below a folder."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def project(folder: Path, id_: str = ID) -> Path:
    """A folder with a FORMAT."""
    (folder / ".gallery").mkdir(parents=True)
    document = {"format": "gallery-log", "fmt": 1, "project": id_, "created": "x"}
    (folder / ".gallery" / "FORMAT").write_bytes(orjson.dumps(document))
    return folder


class TestCopiedProject:
    async def test_the_copy_can_be_read_and_not_written(self, farm: Farm, rate: Rate) -> None:
        """Its edits would never meet those of the project; not a byte is written (FORMAT.md F4)."""
        projects = farm.host("a")
        await rate(await projects.get(farm.share), 4)
        copy = shutil.copytree(farm.share, farm.base / "copy")
        before = told(copy)

        found = await projects.get(copy)

        assert found.view.stars_at("P/cat.png") == 4
        assert found.read_only is not None
        with pytest.raises(ProjectReadOnly) as refused:
            await rate(found, 5)
        assert str(farm.share) in str(refused.value)
        assert "rename .gallery" in str(refused.value)
        await found.follow()
        assert told(copy) == before
        await rate(await projects.get(farm.share), 5)
        assert (await projects.get(farm.share)).view.stars_at("P/cat.png") == 5

    async def test_it_is_still_a_copy_after_a_restart(self, farm: Farm, rate: Rate) -> None:
        """Whichever of the two is opened first then (FORMAT.md F4)."""
        await rate(await farm.host("a").get(farm.share), 4)
        copy = shutil.copytree(farm.share, farm.base / "copy")
        await farm.host("a").get(copy)
        again = await farm.restart("a")
        assert (await again.get(copy)).read_only is not None
        assert (await again.get(farm.share)).read_only is None

    async def test_its_caches_are_apart(self, farm: Farm, rate: Rate) -> None:
        """It has another past under the same id."""
        projects = farm.host("a")
        one = await projects.get(farm.share)
        await rate(one, 4)
        copy = await projects.get(shutil.copytree(farm.share, farm.base / "copy"))
        assert copy.cache != one.cache
        assert copy.cache.is_relative_to(one.cache / "copies")

    async def test_a_project_that_was_moved_goes_on(self, farm: Farm, rate: Rate) -> None:
        """The first place is gone, so this is the project (FORMAT.md F4)."""
        await rate(await farm.host("a").get(farm.share), 4)
        again = await farm.restart("a")
        moved = Path(shutil.move(farm.share, farm.base / "moved"))
        found = await again.get(moved)
        await rate(found, 5)
        assert found.view.stars_at("P/cat.png") == 5

    async def test_a_copy_takes_the_place_of_what_was_renamed(
        self, farm: Farm, rate: Rate, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """As the remedy says; no restart is needed (FORMAT.md F4)."""
        projects = farm.host("a")
        await rate(await projects.get(farm.share), 4)
        copy = shutil.copytree(farm.share, farm.base / "copy")
        found = await projects.get(copy)
        (farm.share / ".gallery").rename(farm.share / ".gallery-old")
        assert (await projects.get(copy)).read_only is not None, "it was looked at a moment ago"
        monkeypatch.setattr("orchestrator.projects.REOPEN_SECONDS", 0.0)
        assert await projects.get(copy) is found
        await rate(found, 5)
        assert found.view.stars_at("P/cat.png") == 5

    async def test_a_copy_becomes_a_project_of_its_own(self, farm: Farm, rate: Rate) -> None:
        """As the remedy says: without its `.gallery` it is a new one."""
        await rate(await farm.host("a").get(farm.share), 4)
        copy = shutil.copytree(farm.share, farm.base / "copy")
        await farm.host("a").get(copy)
        again = await farm.restart("a")
        shutil.rmtree(copy / ".gallery")
        found = await again.get(copy)
        await rate(found, 1)
        assert (await again.get(farm.share)).view.stars_at("P/cat.png") == 4

    async def test_two_paths_to_one_folder_are_no_copies(
        self, farm: Farm, rate: Rate, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A share that is mounted twice is one share."""
        projects = farm.host("a")
        await rate(await projects.get(farm.share), 4)
        other = farm.base / "mounted-twice"
        other.symlink_to(farm.share)  # the service resolves links; a second mount looks like this
        found = await projects.get(other)
        assert found.read_only is None
        await rate(found, 5)


class TestSettling:
    def test_the_first_place_is_remembered(self, tmp_path: Path) -> None:
        """And stays the first."""
        seen = SeenProjects(tmp_path / "projects.json")
        one, two = project(tmp_path / "one"), project(tmp_path / "two")
        assert seen.settle(one, ID) is None
        assert seen.settle(two, ID) is not None
        assert seen.settle(one, ID) is None
        assert seen.all() == {str(one): ID}

    def test_one_that_comes_back_finds_the_other_in_its_place(self, tmp_path: Path) -> None:
        """The copy was used while the first was away: now that is the project."""
        seen = SeenProjects(tmp_path / "projects.json")
        one, two = project(tmp_path / "one"), project(tmp_path / "two")
        seen.settle(one, ID)
        one.rename(tmp_path / "away")
        assert seen.settle(two, ID) is None
        (tmp_path / "away").rename(one)
        assert str(two) in str(seen.settle(one, ID))
        assert seen.settle(two, ID) is None
        assert seen.id_at(one) == ID, "it is still missed if its share is not mounted"

    def test_another_project_in_the_first_place_frees_the_id(self, tmp_path: Path) -> None:
        """Its FORMAT tells another id by now."""
        seen = SeenProjects(tmp_path / "projects.json")
        one, two = project(tmp_path / "one"), project(tmp_path / "two")
        seen.settle(one, ID)
        shutil.rmtree(one)
        project(one, "0" * 26)
        assert seen.settle(two, ID) is None

    def test_a_place_that_cannot_be_looked_at_counts(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Its share hangs: nobody knows whether the project is still there, so none is written."""
        seen = SeenProjects(tmp_path / "projects.json")
        one, two = project(tmp_path / "one"), project(tmp_path / "two")
        seen.settle(one, ID)
        release, real = threading.Event(), FolderEngine.find

        def hang(engine: FolderEngine, root: Path) -> object:
            if root == one:
                release.wait(30)
            return real(engine, root)

        monkeypatch.setattr(FolderEngine, "find", hang)
        monkeypatch.setattr(places, "ANSWER_SECONDS", 0.01)
        assert "no answer" in str(seen.settle(two, ID))
        release.set()

    def test_a_damaged_format_counts_as_there(self, tmp_path: Path) -> None:
        """It may be this project's."""
        seen = SeenProjects(tmp_path / "projects.json")
        one, two = project(tmp_path / "one"), project(tmp_path / "two")
        seen.settle(one, ID)
        (one / ".gallery" / "FORMAT").write_bytes(b"{")
        assert "damaged" in str(seen.settle(two, ID))

    def test_a_damaged_list_is_an_empty_one(self, tmp_path: Path) -> None:
        """It is made anew from what is opened."""
        (tmp_path / "projects.json").write_bytes(b"[")
        seen = SeenProjects(tmp_path / "projects.json")
        assert seen.settle(project(tmp_path / "one"), ID) is None
        assert list(seen.all().values()) == [ID]
