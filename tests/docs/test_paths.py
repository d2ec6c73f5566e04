"""docs/paths.md: every command in it works, and answers as is printed below it."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from orchestrator.app import ENDPOINTS
from orchestrator.config import load_config
from tests.docs.pages import Page
from tests.docs.reader import Reader
from tests.http.studio import Studio

PAGE = Page.of("paths.md")


@pytest.mark.skipif(sys.platform != "linux", reason="the page tells what Linux answers")
@pytest.mark.skipif(not shutil.which("curl") or not shutil.which("sh"), reason="needs curl and sh")
async def test_every_command_works(studio: Studio, tmp_path: Path) -> None:
    """Run from the top of the page to its end, on a service with the mapping of its beginning."""
    file = tmp_path / "config.yaml"
    file.write_text(PAGE.blocks("yaml")[0], "utf-8")
    service = await studio.host(path_mappings=load_config(file, {}).path_mappings)
    address = str(service.client.make_url("")).rstrip("/")
    reader = Reader({"SERVICE": address}, tmp_path)
    for example in PAGE.examples():
        await reader.follow(example)
    assert len(PAGE.examples()) > 5


def test_every_endpoint_is_named() -> None:
    """Of path mappings."""
    commands = "".join(PAGE.blocks("sh"))
    for each in (each for each in ENDPOINTS if "path mappings" in each.tags):
        path = each.path.replace("{mapping_id}", "$MAPPING")
        sent = "" if each.method == "GET" else f"-X {each.method} "
        assert f'{sent}"$SERVICE{path}"' in commands
