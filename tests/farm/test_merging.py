"""What counts, of what config.yaml says now and of what people said before."""

from __future__ import annotations

from typing import Any

import orjson
from attrs import asdict, evolve

from events.backends import BackendConfigured, BackendRemoved
from events.stamp import stamp
from orchestrator.commands.farm import Merged, Standing, merge
from orchestrator.config import BackendConfig
from projections.backends import BackendFacts, Setting

A = BackendConfig(id="a", name="A", host="10.0.0.1", capabilities=("flux",))
AT = stamp(1 << 16, "0000000000000001")
B = BackendConfig(id="b", name="B", host="10.0.0.2")


def in_file(config: BackendConfig) -> dict[str, Any]:
    """What the file says of a backend, as it comes out of a log."""
    found: dict[str, Any] = orjson.loads(orjson.dumps(asdict(config)))
    return found


def said(config: BackendConfig, file: BackendConfig | None, **more: Any) -> BackendConfigured:
    """Somebody said this while the file said that."""
    plain = asdict(config)
    backend = plain.pop("id")
    was = None if file is None else in_file(file)
    return BackendConfigured(backend=backend, file=was, **{**plain, **more})


def removed(config: BackendConfig, file: BackendConfig | None) -> BackendRemoved:
    """Somebody took it away while the file said that."""
    return BackendRemoved(backend=config.id, file=None if file is None else in_file(file))


def merged(
    file: tuple[BackendConfig, ...], *settings: BackendConfigured | BackendRemoved
) -> Merged:
    """The backends, by the file and by what was last said of each."""
    return merge(file, {s.backend: BackendFacts(Setting(AT, "mara", s)) for s in settings})


class TestTheFileAlone:
    def test_nobody_said_anything(self) -> None:
        """As the file says, in its order."""
        assert merged((B, A)) == Merged((Standing(B), Standing(A)))


class TestWhatWasSaid:
    def test_it_counts_while_the_file_says_the_same(self) -> None:
        """Later than the file, and at the file's place."""
        faster = evolve(A, max_concurrent_jobs=4, capabilities=("flux", "sdxl"))
        found = merged((A, B), said(faster, A, draining=True))
        assert found == Merged((Standing(faster, draining=True), Standing(B)))

    def test_an_added_one_comes_after_those_of_the_file(self) -> None:
        """By their ids."""
        d, c = (evolve(B, id=i, host=f"10.0.1.{i}") for i in "dc")
        found = merged((A,), said(d, None), said(c, None))
        assert [s.config.id for s in found.standing] == ["a", "c", "d"]

    def test_a_removed_one_stays_away(self) -> None:
        """Although the file names it still, and if it never did."""
        found = merged((A, B), removed(A, A), removed(evolve(A, id="c"), None))
        assert found == Merged((Standing(B),))


class TestAnEditedFile:
    def test_it_counts_against_what_was_said_before(self) -> None:
        """Whoever edits the file means it; that is told."""
        edited = evolve(A, port=9000)
        found = merged((edited,), said(evolve(A, name="Beast"), A))
        assert found.standing == (Standing(edited),)
        assert [o.backend for o in found.overruled] == ["a"]

    def test_it_brings_back_what_was_removed(self) -> None:
        """It names it anew."""
        edited = evolve(A, enabled=False)
        assert merged((edited,), removed(A, A)).standing == (Standing(edited),)

    def test_it_takes_away_what_it_had_named(self) -> None:
        """Nothing is left of a backend that only the file had brought."""
        found = merged((), said(evolve(A, name="Beast"), A))
        assert found.standing == ()
        assert [o.backend for o in found.overruled] == ["a"]

    def test_both_took_it_away(self) -> None:
        """Nobody is overruled."""
        assert merged((), removed(A, A)) == Merged(())

    def test_it_names_what_somebody_had_added(self) -> None:
        """The file is newer."""
        assert merged((A,), said(evolve(A, port=9000), None)).standing == (Standing(A),)

    def test_it_gives_a_known_address_another_id(self) -> None:
        """One server is used once, under the file's id."""
        added = evolve(A, id="beast", host="10.0.0.1")
        found = merged((A,), said(added, None))
        assert found.standing == (Standing(A),)
        assert [(o.backend, "address" in o.reason) for o in found.overruled] == [("beast", True)]

    def test_it_names_the_address_to_which_another_was_moved(self) -> None:
        """The moved one stands where the file says."""
        found = merged((A, B), said(evolve(A, host=B.host), A))
        assert found.standing == (Standing(A), Standing(B))
