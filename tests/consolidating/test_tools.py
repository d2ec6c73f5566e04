"""The command line on a project whose old segments lie in cold files: the same as before."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from events.assets import AssetId
from events.curation import AssetRated
from events.log import cold
from events.log.consolidate import Consolidator
from tests.cli.conftest import Run, run
from tests.cli.stories import CAT, MARA, TOM, QuickDisk, Story, shoot

__all__ = ["run"]

DAYS_31 = 31 * 24 * 3600
LAST_WRITER = "z" * 16


@pytest.fixture
def ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Story:
    """The small project; both hosts were restarted twice, and have ended."""
    monkeypatch.setattr(cold, "ENOUGH", 2)
    story = shoot(tmp_path / "film")
    for minute in (30, 31, 32):
        story.stop()
        story.clock.at(minute)
        for host, actor in ((MARA, "mara"), (TOM, "tom")):
            story.tell(host, actor, AssetRated(asset=AssetId("f" * 32), stars=minute % 6))
    story.stop()
    return story


def consolidate(story: Story, *, days: int = 31) -> None:
    """Both hosts do what there is to do, now and `days` later."""
    gallery = story.root / ".gallery"
    project = json.loads((gallery / "FORMAT").read_text())["project"]
    for now in (story.clock.ms / 1000, story.clock.ms / 1000 + days * 24 * 3600):
        for host in (MARA, TOM):
            worker = Consolidator(gallery, project, host, QuickDisk(), partial(float, now))
            while worker.step(LAST_WRITER, {}, ()) is not None:
                pass


COMMANDS = [
    ("log", "cat"),
    ("log", "cat", "--merge"),
    ("log", "replay", "--json"),
    ("log", "history", "--json"),
    ("log", "jobs", "--json"),
    ("log", "audit"),
]


class TestSameAnswers:
    @pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
    def test_wherever_the_segments_lie(
        self, run: Run, ended: Story, command: tuple[str, ...]
    ) -> None:
        """With originals, with both, and with copies only (FORMAT.md G4)."""
        rest = [CAT] if "history" in command else []
        arguments = (*command[:2], ended.root, *rest, *command[2:])
        before = run(*arguments)
        assert before.exit_code == 0, before.output
        consolidate(ended, days=1)
        assert len(ended.segments()) == 8
        both = run(*arguments)
        consolidate(ended)
        assert ended.segments() == []
        after = run(*arguments)

        if "audit" in command:
            assert {each.exit_code for each in (both, after)} == {0}
        else:
            assert both.output == after.output == before.output

    def test_verify_finds_nothing_wrong(self, run: Run, ended: Story) -> None:
        """All chains, wherever they lie."""
        consolidate(ended)
        result = run("log", "verify", ended.root)

        assert result.exit_code == 0, result.output


class TestAudit:
    def findings(self, run: Run, story: Story) -> list[tuple[str, str]]:
        """What of cold files an audit finds: how bad, and which file."""
        found = json.loads(run("log", "audit", story.root, "--json").stdout)
        return [(f["severity"], f["file"]) for f in found["findings"] if "cold" in f["file"]]

    def test_a_copy_with_other_bytes(self, run: Run, ended: Story) -> None:
        """It is found even while nobody needs it (FORMAT.md G1)."""
        consolidate(ended, days=1)
        path = sorted((ended.root / ".gallery" / "cold").iterdir())[0]
        data = path.read_bytes()
        path.write_bytes(data[:-20] + b"#" + data[-19:])

        assert self.findings(run, ended) == [("broken", f"cold/{path.name}")]
        assert run("log", "audit", ended.root).exit_code == 1

    def test_one_that_is_not_whole(self, run: Run, ended: Story) -> None:
        """A note; the next one is made soon (FORMAT.md G5)."""
        consolidate(ended, days=1)
        path = sorted((ended.root / ".gallery" / "cold").iterdir())[0]
        path.write_bytes(path.read_bytes()[:-20])

        assert self.findings(run, ended) == [("note", f"cold/{path.name}")]
        assert run("log", "audit", ended.root).exit_code == 0
        assert run("log", "verify", ended.root).exit_code == 0

    def test_a_damaged_index(self, run: Run, ended: Story) -> None:
        """Broken, and told by audit, verify and replay alike (FORMAT.md G5)."""
        consolidate(ended, days=1)
        path = sorted((ended.root / ".gallery" / "cold").iterdir())[0]
        data = path.read_bytes()
        path.write_bytes(data[:30] + b"#" + data[31:])

        assert self.findings(run, ended) == [("broken", f"cold/{path.name}")]
        assert path.name in run("log", "verify", ended.root).output.replace("\n", "")
        replayed = json.loads(run("log", "replay", ended.root, "--json").stdout)
        assert path.name in json.dumps(replayed)

    def test_a_foreign_name(self, run: Run, ended: Story) -> None:
        """Listed, as in the log folder (FORMAT.md L1)."""
        consolidate(ended, days=1)
        (ended.root / ".gallery" / "cold" / "copy of x.jsonl").write_bytes(b"")

        assert self.findings(run, ended) == [("note", "cold/copy of x.jsonl")]
