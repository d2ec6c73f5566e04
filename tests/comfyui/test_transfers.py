from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from orchestrator.comfyui.answers import Fetched, Uploaded
from orchestrator.comfyui.client import ComfyClient, Timeouts
from orchestrator.comfyui.endings import Output
from orchestrator.comfyui.fetching import write_new
from orchestrator.errors import BackendRefused, BackendUnreachable, OutputMissing
from tests.comfyui.stub import Stub

IMPATIENT = Timeouts(connect=2, control=0.2, stall=0.2)
PICTURE = bytes(range(256)) * 10_000
OUTPUT = Output("9", "images", "Müller 100% +1.png", "job-1/a 1", "output", 0)


@pytest.fixture
def client(session: aiohttp.ClientSession, stub: Stub) -> ComfyClient:
    """A client of the stub."""
    return ComfyClient(session, stub.url, "gpu-1", IMPATIENT)


def left_in(folder: Path) -> list[Path]:
    """What a download has left behind."""
    return list(folder.iterdir())


class TestFetchOutput:
    async def test_the_file_is_whole(self, client: ComfyClient, stub: Stub, tmp_path: Path) -> None:
        """Size and digest are those of what was written."""
        stub.say("GET /view", PICTURE)
        fetched = await client.fetch_output(OUTPUT, tmp_path / "a.png")
        assert fetched == Fetched(len(PICTURE), hashlib.sha256(PICTURE).hexdigest())
        assert (tmp_path / "a.png").read_bytes() == PICTURE

    async def test_names_arrive_as_they_are(
        self, client: ComfyClient, stub: Stub, tmp_path: Path
    ) -> None:
        """Percent signs, plus signs, spaces and umlauts are encoded."""
        seen: dict[str, str] = {}

        async def answer(request: web.Request) -> web.Response:
            seen.update(request.query)
            return web.Response(body=b"x")

        stub.on("GET /view", answer)
        await client.fetch_output(OUTPUT, tmp_path / "a.png")
        assert seen == {
            "filename": OUTPUT.filename,
            "subfolder": OUTPUT.subfolder,
            "type": "output",
        }

    @pytest.mark.parametrize(
        ("status", "body", "error"),
        [
            (404, b"", OutputMissing),
            (200, b"", OutputMissing),
            (400, b"", BackendRefused),
            (403, b"", BackendRefused),
            (500, b"oops", BackendUnreachable),
            (206, b"part", BackendUnreachable),
        ],
    )
    async def test_what_is_not_a_file_leaves_none(
        self,
        client: ComfyClient,
        stub: Stub,
        tmp_path: Path,
        status: int,
        body: bytes,
        error: type[Exception],
    ) -> None:
        """No answer but a full 200 leaves anything at the place."""
        stub.say("GET /view", body, status)
        with pytest.raises(error):
            await client.fetch_output(OUTPUT, tmp_path / "a.png")
        assert left_in(tmp_path) == []

    @pytest.mark.parametrize("how", ["cut", "stall"])
    async def test_a_download_that_breaks_off_leaves_nothing(
        self, client: ComfyClient, stub: Stub, tmp_path: Path, how: str
    ) -> None:
        """Fewer bytes than announced, or none for too long."""

        async def begin(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse(headers={"Content-Length": str(len(PICTURE))})
            await response.prepare(request)
            await response.write(PICTURE[:1000])
            if how == "stall":
                await asyncio.Event().wait()
            assert request.transport is not None
            request.transport.close()
            return response

        stub.on("GET /view", begin)
        with pytest.raises(BackendUnreachable):
            await client.fetch_output(OUTPUT, tmp_path / "a.png")
        assert left_in(tmp_path) == []

    async def test_a_cancelled_download_leaves_nothing(
        self, client: ComfyClient, stub: Stub, tmp_path: Path
    ) -> None:
        """The service may be stopped at any time."""
        begun = asyncio.Event()

        async def begin(request: web.Request) -> web.StreamResponse:
            response = web.StreamResponse()
            await response.prepare(request)
            await response.write(PICTURE)
            begun.set()
            await asyncio.Event().wait()
            return response

        stub.on("GET /view", begin)
        task = asyncio.create_task(client.fetch_output(OUTPUT, tmp_path / "a.png"))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert left_in(tmp_path) == []

    async def test_who_stops_all_tasks_twice_leaves_no_file_open(self, tmp_path: Path) -> None:
        """A service that is stopped may stop all that runs, and again what tidies up."""
        begun = asyncio.Event()

        async def chunks() -> AsyncGenerator[bytes]:
            yield b"half"
            begun.set()
            await asyncio.sleep(60)

        download = asyncio.create_task(write_new(tmp_path / "a.png", chunks()))
        await begun.wait()
        for _ in range(4):
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await download
        await asyncio.get_running_loop().shutdown_default_executor()
        assert left_in(tmp_path) == []

    async def test_a_file_that_is_there_is_never_overwritten(
        self, client: ComfyClient, stub: Stub, tmp_path: Path
    ) -> None:
        """Two downloads to one place are a mistake; the first stays."""
        (tmp_path / "a.png").write_bytes(b"first")
        stub.say("GET /view", PICTURE)
        with pytest.raises(FileExistsError):
            await client.fetch_output(OUTPUT, tmp_path / "a.png")
        assert (tmp_path / "a.png").read_bytes() == b"first"

    async def test_a_full_disk_is_not_the_backends_fault(
        self, client: ComfyClient, stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Errors of the local disk rise as they are, even those that look like a time-out."""

        def fail(_: int) -> None:
            raise TimeoutError(110, "share timed out")

        monkeypatch.setattr("orchestrator.comfyui.fetching.os.fsync", fail)
        stub.say("GET /view", PICTURE)
        with pytest.raises(TimeoutError, match="share timed out"):
            await client.fetch_output(OUTPUT, tmp_path / "a.png")
        assert left_in(tmp_path) == []


class TestUploadImage:
    async def test_the_returned_name_counts(
        self, client: ComfyClient, stub: Stub, tmp_path: Path
    ) -> None:
        """A clash gives the file another name; `value` is what LoadImage takes."""
        (tmp_path / "plate.png").write_bytes(PICTURE)
        seen: dict[str, object] = {}

        async def answer(request: web.Request) -> web.Response:
            form = await request.post()
            image = form["image"]
            assert isinstance(image, web.FileField)
            seen.update(name=image.filename, body=image.file.read(), sub=form["subfolder"])
            seen.update(overwrite=form["overwrite"], type=form["type"])
            return web.json_response({"name": "a (1).png", "subfolder": "in", "type": "input"})

        stub.on("POST /upload/image", answer)
        uploaded = await client.upload_image(
            tmp_path / "plate.png", 'Müller 100% "a".png', subfolder="in"
        )
        assert uploaded == Uploaded("a (1).png", "in", "input")
        assert uploaded.value == "in/a (1).png"
        assert seen == {
            "name": 'Müller 100% "a".png',
            "body": PICTURE,
            "sub": "in",
            "overwrite": "false",
            "type": "input",
        }

    @pytest.mark.parametrize("status", [400, 413, 500])
    async def test_a_refused_upload_is_refused_for_good(
        self, client: ComfyClient, stub: Stub, tmp_path: Path, status: int
    ) -> None:
        """The name or the size is at fault."""
        (tmp_path / "plate.png").write_bytes(PICTURE)
        stub.say("POST /upload/image", b"", status)
        with pytest.raises(BackendRefused) as caught:
            await client.upload_image(tmp_path / "plate.png", "../x.png")
        assert caught.value.status == status

    async def test_a_dropped_upload_is_unreachable(
        self, client: ComfyClient, stub: Stub, tmp_path: Path
    ) -> None:
        """It can be sent again: the same bytes keep the name."""
        (tmp_path / "plate.png").write_bytes(PICTURE)
        stub.hang_up("POST /upload/image")
        with pytest.raises(BackendUnreachable):
            await client.upload_image(tmp_path / "plate.png", "x.png")

    async def test_a_missing_source_is_our_own_fault(
        self, client: ComfyClient, stub: Stub, tmp_path: Path
    ) -> None:
        """Nothing is asked of the backend."""
        with pytest.raises(FileNotFoundError):
            await client.upload_image(tmp_path / "absent.png", "x.png")
        assert stub.asked == []
