"""Files that took the name of another picture: noticed when read, kept until that is told."""

from __future__ import annotations

import pytest

from orchestrator.gallery.index.store import Index
from orchestrator.gallery.recipe import Recipe
from tests.gallery_files.pngs import chunk, png, text
from tests.gallery_index.project import Project, graph

SHOT = "p/shot.png"


def edit(project: Project, path: str = SHOT) -> None:
    """Another program paints over it, and keeps what it says."""
    data = (project.root / path).read_bytes()
    project.write(path, data + chunk(b"tEXt", b"by\0a brush"))


def strip(project: Project, path: str = SHOT) -> None:
    """Another program saves it without a word."""
    project.write(path, png(chunk(b"tEXt", f"at\0{project._made}".encode())))


def anew(project: Project) -> set[str]:
    """After another scan, which must say the right size and time of each."""
    project.scan()
    found = project.index.made_anew()
    for path, seen in found.items():
        info = (project.root / path).stat()
        assert seen == (info.st_size, info.st_mtime_ns)
    return set(found)


@pytest.fixture
def shot(project: Project) -> Project:
    """One picture, known to the index."""
    project.add(SHOT, "a castle", seed=1)
    project.scan()
    return project


class TestNoticed:
    def test_a_new_render(self, shot: Project) -> None:
        """With another seed, under the old name; only that one."""
        shot.add("p/new.png", "a knight")
        assert anew(shot) == set()
        shot.add(SHOT, "a castle", seed=2)
        assert anew(shot) == {SHOT}

    def test_after_the_old_one_was_missed(self, shot: Project) -> None:
        """It was deleted, and a look had found that out."""
        (shot.root / SHOT).unlink()
        assert shot.scan().missing == 1
        shot.add(SHOT, "a knight")
        assert anew(shot) == {SHOT}

    def test_an_edit(self, shot: Project) -> None:
        """Is no other picture: neither with the old recipe nor with none."""
        edit(shot)
        assert anew(shot) == set()
        strip(shot)
        assert anew(shot) == set()

    def test_one_of_which_nothing_was_known(self, project: Project) -> None:
        """Nobody can say."""
        strip(project)
        project.scan()
        project.add(SHOT, "a castle")
        assert anew(project) == set()


class TestKept:
    def test_while_it_is_being_written(self, shot: Project) -> None:
        """A look that came too early has seen an empty file."""
        shot.write(SHOT, b"")
        assert anew(shot) == set()
        shot.add(SHOT, "a knight")
        assert anew(shot) == {SHOT}

    def test_through_edits_of_the_new_one(self, shot: Project) -> None:
        """It is still another picture than the one of which the log speaks."""
        shot.add(SHOT, "a knight")
        assert anew(shot) == {SHOT}
        edit(shot)
        assert anew(shot) == {SHOT}
        strip(shot)
        assert anew(shot) == set(), "not while it does not say so itself"
        shot.add(SHOT, "a dragon")
        assert anew(shot) == {SHOT}

    def test_until_the_old_one_is_back(self, shot: Project) -> None:
        """As if nothing had been."""
        shot.add(SHOT, "a knight")
        assert anew(shot) == {SHOT}
        shot.add(SHOT, "a castle", seed=1)
        assert anew(shot) == set()

    def test_until_it_is_told(self, shot: Project) -> None:
        """From then on the new one is what is known there."""
        shot.add(SHOT, "a knight")
        assert anew(shot) == {SHOT}
        shot.index.told_anew([SHOT, "none.png"])
        assert anew(shot) == set()
        edit(shot)
        assert anew(shot) == set()
        shot.add(SHOT, "a castle", seed=1)
        assert anew(shot) == {SHOT}

    def test_where_the_service_moves_it(self, shot: Project) -> None:
        """It takes along whose name it had."""
        shot.add(SHOT, "a knight")
        assert anew(shot) == {SHOT}
        (shot.root / SHOT).rename(shot.root / "p/b.png")
        shot.index.moved([(SHOT, "p/b.png")])
        assert anew(shot) == {"p/b.png"}
        shot.index.forget(["p/b.png"])
        assert shot.index.made_anew() == {}

    def test_not_while_it_is_missing(self, shot: Project) -> None:
        """There is nothing to look at."""
        shot.add(SHOT, "a knight")
        assert anew(shot) == {SHOT}
        (shot.root / SHOT).unlink()
        assert anew(shot) == set()

    def test_over_a_restart(self, shot: Project) -> None:
        """The service was killed before it told."""
        shot.add(SHOT, "a knight")
        assert anew(shot) == {SHOT}
        folder = shot.index._folder
        shot.index.close()
        shot.index = Index(folder)
        try:
            assert set(shot.index.made_anew()) == {SHOT}
        finally:
            shot.index.close()


class TestAsked:
    CASTLE, KNIGHT = Recipe(prompt="a castle", seed=1), Recipe(prompt="a knight", seed=2)

    def test_before_the_file_was_read(self, shot: Project) -> None:
        """Somebody is quicker than the next look."""
        assert shot.index.is_another(SHOT, 1, 2, self.KNIGHT)
        assert not shot.index.is_another(SHOT, 1, 2, self.CASTLE)
        assert not shot.index.is_another(SHOT, 1, 2, Recipe())
        assert not shot.index.is_another("none.png", 1, 2, self.KNIGHT)

    def test_after_it_was_read(self, shot: Project) -> None:
        """Until that is told, the picture of before counts; then nothing is left to say."""
        shot.write(SHOT, png(text("prompt", graph("a knight", seed=2))))
        shot.scan()
        info = (shot.root / SHOT).stat()
        assert shot.index.is_another(SHOT, info.st_size, info.st_mtime_ns, self.KNIGHT)
        shot.index.told_anew([SHOT])
        assert not shot.index.is_another(SHOT, info.st_size, info.st_mtime_ns, self.KNIGHT)
        assert shot.index.is_another(SHOT, 1, 2, self.CASTLE)
