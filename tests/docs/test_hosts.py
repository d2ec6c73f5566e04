"""docs/hosts.md: every command in it works, and answers as is printed below it."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import get_args

import pytest

from events.log.pace import COLD_SECONDS, LIST_SECONDS, LOOKED_SECONDS, PAUSE, Pace
from orchestrator.config import load_config
from orchestrator.follower import HANGS_SECONDS, NUDGED_LIST
from orchestrator.http.log_status import State
from orchestrator.project import SETTLE_SECONDS
from tests.docs.pages import Page
from tests.docs.reader import Reader
from tests.http.studio import Studio
from tests.http.test_peers import PICTURE, meet

PAGE = Page.of("hosts.md")


@pytest.mark.skipif(not shutil.which("curl") or not shutil.which("sh"), reason="needs curl and sh")
async def test_every_command_works(studio: Studio, tmp_path: Path) -> None:
    """Two computers have edited one project."""
    service, other = await studio.host("ben"), await studio.host("ada")
    for stars, each in enumerate((other, service), 1):
        await each.rate(PICTURE, stars)
    await meet(service, other)
    known = {
        "SERVICE": str(service.client.make_url("")).rstrip("/"),
        "PROJECT": str(service.project),
    }
    reader = Reader(known, tmp_path)
    for example in PAGE.examples():
        await reader.follow(example)
    assert len(PAGE.examples()) == 2


def test_the_configuration_is_valid(tmp_path: Path) -> None:
    """As it is printed."""
    (block,) = PAGE.blocks("yaml")
    (tmp_path / "config.yaml").write_text(block)
    assert load_config(tmp_path / "config.yaml", {}).public_url is not None


def test_the_paces_are_those_of_the_program() -> None:
    """In the table, and in the sentences below it."""
    rows = {
        cells[1].strip(): cells[2:4]
        for row in PAGE.text.splitlines()
        if (cells := row.split("|"))[4:]
    }
    assert rows["hot"][1].strip() == f"{PAUSE[Pace.HOT] * 1000:g} ms"
    assert f"{LOOKED_SECONDS:g} s" in rows["hot"][0]
    assert rows["warm"][1].strip() == f"{PAUSE[Pace.WARM]:g} s"
    assert rows["cold"][1].strip() == f"{PAUSE[Pace.COLD]:g} s"
    assert f"{COLD_SECONDS / 60:g} min" in rows["cold"][0]
    text = " ".join(PAGE.text.split())
    assert f"within {LIST_SECONDS:g} s (with nudges: {NUDGED_LIST:g} s)" in text
    assert f"has not answered for {HANGS_SECONDS:g} s" in text
    assert f"Edits wait up to {SETTLE_SECONDS:g} s" in text


def test_every_state_stands_in_the_table() -> None:
    """And none that does not exist; a foreign name is no writer."""
    (table,) = [part for part in PAGE.text.split("\n\n") if part.startswith("| `state` ")]
    told = {
        name for row in table.splitlines()[2:] for name in re.findall(r"`(\w+)`", row.split("|")[1])
    }
    assert told == set(get_args(State)) - {"foreign"}
