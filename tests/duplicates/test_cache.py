"""What is remembered of unchanged files, and what is not."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from orchestrator.gallery.duplicates.cache import TOO_FRESH, HashCache, Kind
from orchestrator.gallery.duplicates.report import Candidate

NOW = 1_700_000_000_000_000_000
OLD = NOW - TOO_FRESH
CAT = Candidate("Panel_01/cat.png", 5, OLD)
DOG = Candidate("Panel_02/dog.png", 5, OLD)

Opens = Callable[[], HashCache]


@pytest.fixture
def opens(tmp_path: Path) -> Iterator[Opens]:
    """Opens the same cache again and again."""
    made: list[HashCache] = []

    def open_it() -> HashCache:
        if made:
            made[-1].close()
        made.append(HashCache(tmp_path / "cache", clock=lambda: NOW))
        return made[-1]

    yield open_it
    for cache in made:
        cache.close()


class TestRemembering:
    def test_survives_a_restart(self, opens: Opens) -> None:
        """By kind."""
        opens().put(Kind.HEAD, [(CAT, "aa"), (DOG, "bb")])

        assert opens().get(Kind.HEAD, [CAT, DOG]) == {CAT.path: "aa", DOG.path: "bb"}
        assert opens().get(Kind.WHOLE, [CAT]) == {}

    @pytest.mark.parametrize(
        "seen",
        [
            Candidate(CAT.path, 6, OLD),
            Candidate(CAT.path, 5, OLD - 1),
            Candidate("cat.png", 5, OLD),
        ],
    )
    def test_not_if_anything_changed(self, opens: Opens, seen: Candidate) -> None:
        """Size, time, or name."""
        cache = opens()
        cache.put(Kind.HEAD, [(CAT, "aa")])

        assert cache.get(Kind.HEAD, [seen]) == {}

    def test_the_newer_sighting_replaces_the_older(self, opens: Opens) -> None:
        """A file that changes every day fills nothing up."""
        cache = opens()
        newer = Candidate(CAT.path, 7, OLD - 5)
        cache.put(Kind.HEAD, [(CAT, "aa")])
        cache.put(Kind.HEAD, [(newer, "bb")])

        assert cache.get(Kind.HEAD, [newer]) == {CAT.path: "bb"}
        assert cache.get(Kind.HEAD, [CAT]) == {}

    @pytest.mark.parametrize("age", [0, 1, TOO_FRESH - 1, -1, 1 - TOO_FRESH])
    def test_a_file_that_has_just_changed_is_not_remembered(self, opens: Opens, age: int) -> None:
        """It may change again within what the share takes for one moment."""
        cache = opens()
        fresh = Candidate(CAT.path, 5, NOW - age)
        cache.put(Kind.HEAD, [(fresh, "aa")])

        assert cache.get(Kind.HEAD, [fresh]) == {}

    @pytest.mark.parametrize(
        "odd",
        [
            Candidate("a\udcff.png", 2**63, 2**70),
            Candidate("\ud800.png", 1, -(2**70)),
            Candidate("café '\"%\n.png", 1, 0),
        ],
    )
    def test_odd_names_and_times(self, opens: Opens, odd: Candidate) -> None:
        """Names that are no Unicode, times that no clock shows."""
        cache = opens()
        cache.put(Kind.HEAD, [(odd, "aa")])

        assert cache.get(Kind.HEAD, [odd]) == {odd.path: "aa"}


class TestMoving:
    def test_hashes_follow(self, opens: Opens) -> None:
        """All kinds; whoever had the name before is forgotten."""
        cache = opens()
        cache.put(Kind.HEAD, [(CAT, "aa"), (DOG, "bb")])
        cache.put(Kind.LOOK, [(CAT, "cc"), (DOG, "dd")])

        cache.moved([(CAT.path, DOG.path)])

        assert cache.get(Kind.HEAD, [CAT, DOG]) == {DOG.path: "aa"}
        assert cache.get(Kind.LOOK, [CAT, DOG]) == {DOG.path: "cc"}

    def test_names_may_be_swapped(self, opens: Opens) -> None:
        """Two files of the same size and time would be taken for each other otherwise."""
        cache = opens()
        cache.put(Kind.HEAD, [(CAT, "aa"), (DOG, "bb")])

        cache.moved([(CAT.path, DOG.path), (DOG.path, CAT.path)])

        assert cache.get(Kind.HEAD, [CAT, DOG]) == {CAT.path: "bb", DOG.path: "aa"}

    def test_an_unknown_file_clears_the_name(self, opens: Opens) -> None:
        """What stood there is another file now."""
        cache = opens()
        cache.put(Kind.HEAD, [(DOG, "bb")])

        cache.moved([(CAT.path, DOG.path)])

        assert cache.get(Kind.HEAD, [DOG]) == {}

    def test_forgetting_what_is_gone(self, opens: Opens) -> None:
        """Only what still is there is kept."""
        cache = opens()
        cache.put(Kind.HEAD, [(CAT, "aa"), (DOG, "bb")])

        cache.keep_only({DOG.path})

        assert cache.get(Kind.HEAD, [CAT, DOG]) == {DOG.path: "bb"}


class TestBeingDisposable:
    @pytest.mark.parametrize("damage", [b"", b"no database", b"SQLite format 3\0" + b"\xff" * 5000])
    def test_a_damaged_file_is_made_anew(self, opens: Opens, tmp_path: Path, damage: bytes) -> None:
        """Nobody is troubled."""
        opens().close()
        (tmp_path / "cache/hashes.sqlite3").write_bytes(damage)

        cache = opens()
        assert cache.get(Kind.HEAD, [CAT]) == {}
        cache.put(Kind.HEAD, [(CAT, "aa")])
        assert opens().get(Kind.HEAD, [CAT]) == {CAT.path: "aa"}

    def test_damage_that_shows_later(self, opens: Opens, tmp_path: Path) -> None:
        """Pages overwritten in the middle: the first who asks finds nothing, the next goes on."""
        opens().put(Kind.HEAD, [(Candidate(f"{n:04}.png", 1, 1), "x" * 64) for n in range(3000)])
        opens().close()
        file = tmp_path / "cache/hashes.sqlite3"
        whole = file.read_bytes()
        file.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))

        cache = opens()
        assert cache.get(Kind.HEAD, [Candidate("2000.png", 1, 1)]) == {}
        cache.put(Kind.HEAD, [(CAT, "aa")])
        assert cache.get(Kind.HEAD, [CAT]) == {CAT.path: "aa"}

    def test_another_version_is_made_anew(self, opens: Opens, tmp_path: Path) -> None:
        """Hashes that were made in another way are no use."""
        opens().put(Kind.HEAD, [(CAT, "aa")])
        opens().close()
        with closing(sqlite3.connect(tmp_path / "cache/hashes.sqlite3")) as db:
            db.execute("PRAGMA user_version = 999")

        assert opens().get(Kind.HEAD, [CAT]) == {}

    def test_a_place_that_cannot_be_had(self, tmp_path: Path) -> None:
        """Nothing is remembered, and nothing fails."""
        (tmp_path / "cache").write_bytes(b"a file in the way")
        with closing(HashCache(tmp_path / "cache", clock=lambda: NOW)) as cache:
            cache.put(Kind.HEAD, [(CAT, "aa")])
            cache.moved([(CAT.path, DOG.path)])
            cache.keep_only(set())

            assert cache.get(Kind.HEAD, [CAT]) == {}

    def test_a_closed_cache_knows_nothing(self, opens: Opens) -> None:
        """A search may outlive the project's being open."""
        cache = opens()
        cache.close()
        cache.put(Kind.HEAD, [(CAT, "aa")])

        assert cache.get(Kind.HEAD, [CAT]) == {}
