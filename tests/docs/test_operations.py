"""docs/operations.md: every command in it works; its tables have tests beside what they tell of."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.docs.pages import Page
from tests.docs.reader import Reader
from tests.http.studio import Studio

PAGE = Page.of("operations.md")


@pytest.mark.skipif(not shutil.which("curl") or not shutil.which("sh"), reason="needs curl and sh")
async def test_every_command_works(studio: Studio, tmp_path: Path) -> None:
    """Run from the top of the page to its end, while two jobs wait: one of them is held."""
    service = await studio.host()
    await service.submit()
    await service.submit(held=True)
    address = str(service.client.make_url("")).rstrip("/")
    reader = Reader({"SERVICE": address, "PROJECT": str(service.project)}, tmp_path)
    for example in PAGE.examples():
        await reader.follow(example)
    assert len(PAGE.examples()) > 1
