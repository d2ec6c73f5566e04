"""The simulator answers as ComfyUI 0.3.75 did when it was recorded."""

from __future__ import annotations

import ast
import re
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from PIL import Image

from tools.simulator import Behaviour, Simulator

from .graphs import ended, fast, finish, get, post, until
from .replay import Entry, Replay, before_note, recording

#: Notes after which a recorder did not write down all that it sent.
_INCOMPLETE_FROM = {"s07": "clear", "s15": "delete by a doubled id removes only the first match"}


def _is_not_simulated(line: Entry) -> bool:
    """Answers about the recorded machine, or of an earlier scenario on the same server."""
    paths = ("/users", "/internal", "/extensions", "/view_metadata", "/system_stats", "/upload")
    request = line["req"].split(" ", 1)[1]
    return request == "/" or request.startswith(paths) or "offset=0" in request


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("s01", id="a prompt runs"),
        pytest.param("s02", id="the same prompt again is cached"),
        pytest.param("s03", id="progress with previews that say whose they are"),
        pytest.param("s03b", id="progress with previews of the old kind"),
        pytest.param("s03c", id="text frames, and a prompt without a client"),
        pytest.param("s05", id="validation errors"),
        pytest.param("s06", id="bad JSON, unknown routes, other origin"),
        pytest.param("s07", id="order of the queue, delete, clear"),
        pytest.param("s08", id="interrupts"),
        pytest.param("s09", id="history"),
        pytest.param("s09b", id="clearing the history"),
        pytest.param("s10", id="view"),
        pytest.param("s15", id="one prompt id used twice"),
        pytest.param("s20", id="a node that fails"),
        pytest.param("r5", id="the worker ends"),
    ],
)
async def test_recorded_scenario(sim: Simulator, session: aiohttp.ClientSession, name: str) -> None:
    """Every answer and every frame is as recorded, ids and times apart."""
    lines = recording(name)
    if name in _INCOMPLETE_FROM:
        lines = before_note(lines, _INCOMPLETE_FROM[name])
    await Replay(sim, session, lines, skip=_is_not_simulated).run()


@pytest.mark.parametrize(
    ("given", "kept"), [("my job/1 é", "my job/1 é"), (42, "42"), (None, "None")]
)
async def test_any_prompt_id_becomes_text(
    sim: Simulator, session: aiohttp.ClientSession, given: object, kept: str
) -> None:
    """ComfyUI takes whatever is sent and makes a string of it (s04)."""
    told = await post(session, sim, fast(), prompt_id=given, client_id="a")
    assert told["prompt_id"] == kept
    entry = await ended(session, sim, quote(kept, safe=""))
    assert entry["prompt"][1] == kept


async def test_extra_data_is_echoed_but_for_keys_of_the_api(
    sim: Simulator, session: aiohttp.ClientSession
) -> None:
    """A place for a client's own job id; 0.3.75 hides the two secret fields."""
    extra = {"job_id": "job 1", "api_key_comfy_org": "secret"}
    entry = await finish(session, sim, fast(), extra_data=extra, client_id="x")
    del entry["prompt"][3]["create_time"]
    assert entry["prompt"][3] == {"job_id": "job 1", "client_id": "x"}


async def test_prompt_run_again_keeps_its_place_in_the_history(
    sim: Simulator, session: aiohttp.ClientSession
) -> None:
    """The history is in the order in which ids first ended."""
    for prompt_id in ("id-0", "id-1", "id-0"):
        await finish(session, sim, fast(), prompt_id=prompt_id)
    await until(lambda: len(sim.started) == 3 and not sim.memory.queue.running)
    assert list(await get(session, sim, "/history")) == ["id-0", "id-1"]
    assert (await get(session, sim, "/history/id-0"))["id-0"]["prompt"][0] == 2


class TestDeath:
    """What is lost when the server or its worker dies."""

    async def test_sigkill_loses_all_but_files(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """After a restart queue and history are empty, output/ is served and temp/ is not."""
        replay = Replay(
            sim,
            session,
            recording("r1"),
            any_order=True,
            at_note={
                "--- <Signals.SIGKILL": sim.crash,
                "server started": sim.revive,
            },
        )
        await replay.run()

    async def test_crash_in_a_node_takes_the_server_down(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """Sockets end with 1006 and connections are refused."""
        sim.behaviour.restart_after = -1
        await Replay(sim, session, recording("r4")).run()

    async def test_equal_number_and_id_kill_the_worker(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """The popped prompt is in none of the three places, and nothing runs again."""
        await Replay(sim, session, recording("r11")).run()
        state = sim.state()
        assert "a" not in (*state["running"], *state["pending"], *state["ended"])
        assert len(state["pending"]) == 3
        assert not state["worker_alive"]

    async def test_deleted_output_of_a_cached_prompt_is_404(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """The history names a file that is gone; its name is used again by another prompt."""

        async def delete() -> None:
            await until(lambda: len(sim.memory.queue.history) == 1)
            assert await sim.delete_output("gone_00001_.png")

        replay = Replay(sim, session, recording("r8"), at_note={"deleted gone": delete})
        await replay.run()
        await until(lambda: len(sim.memory.queue.history) == 3)
        *_, last = sim.memory.queue.history.values()
        assert last["outputs"]["4"]["images"][0]["filename"] == "gone_00001_.png"


class TestInformation:
    """What the server tells about itself."""

    async def test_node_classes_models_and_features(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """Node classes are described exactly as ComfyUI describes them."""
        for name in ("..%2F..%2Fevil.png", "up-8c62dd (1).png", "up-8c62dd.png", "notimage.txt"):
            (sim.store.root / "input" / name).write_bytes(b"")
        lines = before_note(recording("s12"), "/object_info: 416 nodes, 351653 bytes")
        await Replay(sim, session, lines, skip=_is_not_simulated).run()

    async def test_system_stats_have_the_recorded_keys(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """Numbers are made up; keys, types and the version are those of the recording."""
        (recorded,) = (
            line["resp"] for line in recording("s12") if line.get("req") == "GET /system_stats"
        )
        ours = await get(session, sim, "/system_stats")
        assert ours["system"]["comfyui_version"] == recorded["system"]["comfyui_version"]
        assert _types(ours["system"]) == _types(recorded["system"])
        assert [_types(device) for device in ours["devices"]] == [
            _types(device) for device in recorded["devices"]
        ]

    async def test_free_memory_empties_the_cache(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """After POST /free the identical prompt runs again, and gets the next file name."""
        await finish(session, sim, fast(), client_id="a")
        again = await finish(session, sim, fast(), client_id="a")
        async with session.post(f"{sim.url}/free", json={"free_memory": True}) as answer:
            assert (answer.status, await answer.read()) == (200, b"")
        third = await finish(session, sim, fast(), client_id="a")
        assert _cached(again) == ["1", "2"]
        assert _cached(third) == []
        assert third["outputs"]["2"]["images"][0]["filename"] == "fast_00002_.png"


def _types(value: dict[str, Any]) -> dict[str, str]:
    return {key: type(part).__name__ for key, part in value.items()}


def _cached(entry: dict[str, Any]) -> list[str]:
    (nodes,) = (data["nodes"] for kind, data in entry["status"]["messages"] if "cached" in kind)
    found: list[str] = nodes
    return found


class TestUploads:
    """POST /upload/image, and LoadImage of what was uploaded."""

    async def test_recorded_uploads(self, sim: Simulator, session: aiohttp.ClientSession) -> None:
        """Names clash, are kept or replaced, and paths are refused as recorded."""
        uploads = 0
        lines = recording("s11")
        for note, line in pairwise(lines):
            told = re.match(r"upload '(.*)' \((\d+) bytes\) fields=(.*)", note.get("text", ""))
            if not told:
                continue
            form = aiohttp.FormData()
            form.add_field("image", _content(int(told[2])), filename=told[1])
            for name, value in ast.literal_eval(told[3]).items():
                form.add_field(name, value)
            async with session.post(f"{sim.url}/upload/image", data=form) as answer:
                assert answer.status == line["status"], note["text"]
                if isinstance(line["resp"], dict):
                    assert await answer.json() == line["resp"], note["text"]
                else:
                    assert await answer.text() == line["resp"], note["text"]
            uploads += 1
        assert uploads == 10
        await Replay(sim, session, lines, skip=lambda line: "/upload" in line["req"]).run()

    async def test_body_without_an_image_is_refused(
        self, sim: Simulator, session: aiohttp.ClientSession
    ) -> None:
        """Neither a form without `image` nor JSON is an upload."""
        form = aiohttp.FormData({"type": "input"})
        async with session.post(f"{sim.url}/upload/image", data=form) as answer:
            assert answer.status == 400
        async with session.post(f"{sim.url}/upload/image", json={}) as answer:
            assert answer.status == 400

    async def test_body_over_the_limit_is_413(
        self, tmp_path: Path, session: aiohttp.ClientSession
    ) -> None:
        """`max_upload_size` bounds every body."""
        async with Simulator(Behaviour(max_upload_size=2000), folder=tmp_path) as sim:
            async with session.post(f"{sim.url}/prompt", data=b"x" * 3000) as answer:
                assert answer.status == 413
                assert await answer.text() == "Maximum request body size 2000 exceeded."
            assert (await get(session, sim, "/features"))["max_upload_size"] == 2000


def _content(size: int) -> bytes:
    """A picture of exactly so many bytes: a reader ignores what follows its end."""
    buffer = BytesIO()
    Image.new("L", (1, 1)).save(buffer, "PNG")
    return buffer.getvalue().ljust(size, b"\0") if size > 20 else b"text."
