"""`log diff`: what differs between two times."""

from __future__ import annotations

import orjson

from events.curation import AssetNoted, AssetRated, AssetUntagged
from events.views import ViewDeleted
from tests.cli.conftest import Run
from tests.cli.stories import CAT, HERO, MARA, Story


def cat_of(run: Run, story: Story) -> str:
    """The cat's asset."""
    first = run("log", "history", story.root, CAT, "--json").stdout.splitlines()[0]
    return str(orjson.loads(first)["asset"])


class TestDiff:
    def test_net_from_then_to_then(self, run: Run, story: Story) -> None:
        """One line for each thing; steps between do not show."""
        result = run(
            *("log", "diff", story.root),
            *("--from", "2026-05-01T12:05Z", "--to", "2026-05-01T12:25Z"),
        )
        assert result.exit_code == 0
        assert result.stdout.splitlines() == [
            f"{CAT}  rated 3 -> 5",
            f"{CAT}  tag Hero Shot added",
            "Hero Shot  tag made",
        ]

    def test_until_now(self, run: Run, story: Story) -> None:
        """Without --to."""
        asset = cat_of(run, story)
        story.clock.at(60)
        story.tell(
            MARA,
            "mara",
            AssetRated(asset=asset, stars=0),  # type: ignore[arg-type]  # an asset's id
            AssetNoted(asset=asset, note="cut"),  # type: ignore[arg-type]  # as above
            AssetUntagged(asset=asset, tag=HERO),  # type: ignore[arg-type]  # as above
            ViewDeleted(name="Best"),
        )
        result = run("log", "diff", story.root, "--from", "2026-05-01T12:55Z")
        assert result.stdout.splitlines() == [
            f"{CAT}  rated 5 -> none",
            f"{CAT}  tag Hero Shot removed",
            f"{CAT}  note (none) -> cut",
            "Best  view deleted",
        ]

    def test_for_machines(self, run: Run, story: Story) -> None:
        """JSON lines."""
        result = run(
            *("log", "diff", story.root, "--json"),
            *("--from", "2026-05-01T12:15Z", "--to", "2026-05-01T12:25Z"),
        )
        (line,) = result.stdout.splitlines()
        assert orjson.loads(line) == {
            "kind": "rated",
            "path": CAT,
            "asset": cat_of(run, story),
            "name": None,
            "old": 3,
            "new": 5,
        }

    def test_nothing(self, run: Run, story: Story) -> None:
        """It is said, on stderr."""
        result = run("log", "diff", story.root, "--from", "2026-06-01")
        assert (result.exit_code, result.stdout) == (0, "")
        assert "nothing differs" in result.stderr
