"""docs/gallery.md: every command in it works, and answers in the shape that is printed below it."""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest

from orchestrator.app import ENDPOINTS
from orchestrator.gallery.fileops.renaming import TOKENS
from tests.docs.pages import Page, filled, run, same_shape
from tests.docs.sample import sample
from tests.http.studio import Service, Studio

PAGE = Page.of("gallery.md")
needs_curl = pytest.mark.skipif(
    not shutil.which("curl") or not shutil.which("sh"), reason="needs curl and sh"
)


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    """A service with the sample project, which it has indexed."""
    studio = Studio(tmp_path)
    studio.project.mkdir(parents=True)
    sample(studio.project)
    made = await studio.host()
    await made.gallery("index")
    yield made
    await studio.close()


def learn(known: dict[str, str], answer: dict[str, Any]) -> None:
    """Take from an answer what the commands after it speak of."""
    if answer.get("batch"):
        known["BATCH"] = answer["batch"]
    if "tag" in answer:
        known["TAG"] = answer["tag"]["id"]
    if answer.get("trashed"):
        known["TRASH"] = answer["trashed"][0]["trashId"]
    if answer.get("notes") and not known["THEN"]:
        known["THEN"] = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    if answer.get("missing"):
        known["ASSET"] = answer["missing"][0]["assetId"]


@needs_curl
async def test_every_command_works(service: Service, tmp_path: Path) -> None:
    """Run from the top of the page to its end."""
    address = str(service.client.make_url("")).rstrip("/")
    known = dict.fromkeys(("TAG", "BATCH", "TRASH", "ASSET", "THEN"), "")
    known |= {"SERVICE": address, "PROJECT": str(service.project)}
    for example in PAGE.examples():
        printed = await run(example.command, known, tmp_path)
        if example.kind == "text":
            assert printed.decode() == example.answer
            continue
        answer = orjson.loads(printed)
        assert "code" not in answer, answer
        learn(known, answer)
        same_shape(orjson.loads(filled(example.answer, known)), answer, example.command)


def test_every_endpoint_has_an_example() -> None:
    """Of the gallery, and of thumbnails."""
    commands = "".join(PAGE.blocks("sh")) + "".join(re.findall(r"`(WS \S+|GET \S+)`", PAGE.text))
    wanted = {(e.method, e.path) for e in ENDPOINTS if "gallery" in e.path or "thumb" in e.path}
    used = set()
    for method, path in wanted:
        sent = {"POST": rf"-X POST \S*{path}\"", "DELETE": rf"-X DELETE \S*{path}\?"}
        if re.search(sent.get(method, rf"{path}\?"), commands):
            used.add((method, path))
    assert used == wanted


def test_every_token_is_told() -> None:
    """Of the names that a batch rename makes."""
    told = set(re.findall(r"`\{(\w+)", PAGE.text))
    assert set(TOKENS) <= told


async def test_every_message_of_the_websocket(service: Service) -> None:
    """Each kind comes, and is as printed."""
    heard: dict[str, Any] = {}
    query = {"projectPath": str(service.project)}
    async with service.client.ws_connect("/ws/gallery", params=query) as socket:
        await socket.send_str("ping")
        await service.rate("Panel_01/castle_1.png", 4)
        await service.gallery("index")
        while set(heard) < set(PAGE.messages()):
            told = await socket.receive_json(timeout=30)
            heard[told["type"]] = told
    for kind, told in PAGE.messages().items():
        if kind == "changes":
            heard[kind]["changes"] = [
                change for change in heard[kind]["changes"] if change["event"] == "asset.rated"
            ]
        if kind == "index_progress":
            heard[kind]["total"] = heard[kind]["total"] or 0
        same_shape(told, heard[kind], kind)


async def test_the_client_follows(service: Service) -> None:
    """The program at the end of the page prints a change once it happens."""
    (program,) = PAGE.blocks("python")
    address = str(service.client.make_url("")).rstrip("/")
    environment = {"SERVICE": address, "PROJECT": str(service.project)}
    follower = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, env=environment, stdout=asyncio.subprocess.PIPE
    )
    assert follower.stdout is not None
    try:
        async with asyncio.timeout(30):
            reading = asyncio.create_task(follower.stdout.readline())
            for stars in (number % 5 + 1 for number in range(1000)):
                await service.rate("Panel_01/castle_1.png", stars)
                done, _ = await asyncio.wait({reading}, timeout=0.05)
                if done:
                    break
        assert reading.result().startswith(b"asset.")
    finally:
        follower.kill()
        await follower.communicate()
