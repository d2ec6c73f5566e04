from __future__ import annotations

import hashlib
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from attrs import define, field

from orchestrator.comfyui.client import ComfyClient, Timeouts
from orchestrator.comfyui.graph import Workflow
from orchestrator.errors import (
    BackendRefused,
    BackendUnreachable,
    FileChanging,
    FileUnreadable,
    InputForbidden,
    InputInvalid,
    InputMissing,
    OrchestratorError,
)
from orchestrator.paths.roots import Roots
from orchestrator.scheduling.inputs import JobInput, resolve
from orchestrator.scheduling.uploading import upload_inputs
from tests.comfyui.graphs import node
from tests.comfyui.stub import Stub, serving
from tools.simulator import Behaviour, Simulator

PLATE = b"a plate"
PLATE_NAME = hashlib.sha256(PLATE).hexdigest()[:20] + ".png"
QUICK = Timeouts(connect=2.0, control=1.0, submit=1.0, stall=1.0)
UPLOAD = "POST /upload/image"


def loading(value: str) -> Workflow:
    """A workflow that loads one picture."""
    return {
        "1": node("LoadImage", image=value),
        "2": node("SaveImage", filename_prefix="x", images=["1", 0]),
    }


def needing(path: str, node: str = "1", key: str = "image") -> JobInput:
    """A file that the workflow needs."""
    return JobInput(node=node, input=key, path=path)


@define
class Depot:
    """A project with one plate on a share, and a backend that takes uploads."""

    nas: Path
    client: ComfyClient
    stub: Stub
    #: Name, content and `overwrite` of every upload.
    taken: list[tuple[str, bytes, str]] = field(factory=list)
    #: Files that other jobs made.
    made: dict[tuple[str, int], Path] = field(factory=dict)

    @property
    def project(self) -> Path:
        """The project's folder."""
        return self.nas / "film"

    @property
    def plate(self) -> Path:
        """The one picture."""
        return self.project / "Panel_01" / "a.png"

    async def sent(self, *inputs: JobInput, graph: Workflow | None = None) -> Workflow:
        """The workflow as it would be sent to the backend."""
        graph = graph or loading("Panel_01/a.png")
        roots = Roots((self.nas,))
        return await upload_inputs(inputs, graph, self.client, self.project, roots, self.locate)

    def locate(self, job: str, output: int) -> Path | None:
        """Where an output lies."""
        return self.made.get((job, output))

    async def take(self, request: web.Request) -> web.Response:
        """Take an upload under the name that it has."""
        form = await request.post()
        image = form["image"]
        assert isinstance(image, web.FileField)
        self.taken.append((image.filename, image.file.read(), str(form["overwrite"])))
        answer = {"name": image.filename, "subfolder": form["subfolder"], "type": "input"}
        return web.json_response(answer)


@pytest.fixture
async def depot(tmp_path: Path) -> AsyncIterator[Depot]:
    """A share with a project, and beside it a file that nobody may read."""
    async with serving(Stub()) as stub, aiohttp.ClientSession() as session:
        depot = Depot(tmp_path / "nas", ComfyClient(session, stub.url, "gpu-1", QUICK), stub)
        (depot.project / ".gallery").mkdir(parents=True)
        depot.plate.parent.mkdir()
        depot.plate.write_bytes(PLATE)
        (tmp_path / "secret.png").write_bytes(b"secret")
        stub.on(UPLOAD, depot.take)
        yield depot


class TestNames:
    async def test_the_name_is_made_from_the_content(self, depot: Depot) -> None:
        """The workflow gets it; the one that was given is not changed."""
        given = loading("Panel_01/a.png")
        sent = await depot.sent(needing("Panel_01/a.png"), graph=given)
        assert sent == loading(f"orchestrator/{PLATE_NAME}")
        assert given == loading("Panel_01/a.png")
        assert depot.taken == [(PLATE_NAME, PLATE, "false")]

    async def test_one_file_for_two_nodes_is_sent_once(self, depot: Depot) -> None:
        """And a second attempt sends it again: it may have been deleted there."""
        graph = loading("x") | {"3": node("LoadImageMask", image="x", channel="red")}
        inputs = [needing("Panel_01/a.png"), needing(str(depot.plate), node="3")]
        for _ in range(2):
            sent = await depot.sent(*inputs, graph=graph)
            assert sent["1"]["inputs"] == {"image": f"orchestrator/{PLATE_NAME}"}
            assert sent["3"]["inputs"] == {"image": f"orchestrator/{PLATE_NAME}", "channel": "red"}
        assert len(depot.taken) == 2

    async def test_the_name_that_the_backend_gave_is_used(self, depot: Depot) -> None:
        """A broken upload of before may occupy ours."""
        answer = {"name": "x (1).png", "subfolder": "orchestrator", "type": "input"}
        depot.stub.say(UPLOAD, answer)
        assert await depot.sent(needing("Panel_01/a.png")) == loading("orchestrator/x (1).png")

    @pytest.mark.parametrize(
        ("name", "suffix"), [("a.MP4", ".mp4"), ("a", ""), ("a.p n%g", ""), ("a.tar.gz", ".gz")]
    )
    async def test_suffixes_are_kept_if_they_are_plain(
        self, depot: Depot, name: str, suffix: str
    ) -> None:
        """Loaders go by them; nothing else of the name travels."""
        depot.plate.rename(depot.plate.with_name(name))
        await depot.sent(needing(f"Panel_01/{name}"))
        assert depot.taken[0][0] == PLATE_NAME.removesuffix(".png") + suffix

    async def test_an_output_of_another_job(self, depot: Depot) -> None:
        """Wherever it lies now."""
        depot.made["j1", 2] = depot.plate
        sent = await depot.sent(JobInput(node="1", input="image", job="j1", output=2))
        assert sent == loading(f"orchestrator/{PLATE_NAME}")

    async def test_a_job_without_inputs_uploads_nothing(self, depot: Depot) -> None:
        """Most have none."""
        assert await depot.sent() == loading("Panel_01/a.png")
        assert depot.stub.calls() == []


class TestWhatWillNeverWork:
    @pytest.mark.parametrize(
        ("one", "error"),
        [
            (needing("Panel_01/gone.png"), InputMissing),
            (needing("Panel_01"), InputMissing),
            (JobInput(node="1", input="image", job="j1", output=3), InputMissing),
            (needing("/etc/hostname"), InputForbidden),
            (needing("../../secret.png"), InputForbidden),
            (needing(".gallery/x.png"), InputForbidden),
            (needing("Panel_01/a.png", node="9"), InputInvalid),
            (needing("Panel_01/a.png", key="other"), InputInvalid),
        ],
    )
    async def test_it_is_said_why(
        self, depot: Depot, one: JobInput, error: type[OrchestratorError]
    ) -> None:
        """Though it did when the job was ordered."""
        with pytest.raises(error):
            await depot.sent(one)

    async def test_a_link_put_there_later_leads_nowhere(self, depot: Depot) -> None:
        """Days may lie between the order and the attempt."""
        depot.plate.unlink()
        depot.plate.symlink_to(depot.nas.parent / "secret.png")
        with pytest.raises(InputForbidden):
            await depot.sent(needing("Panel_01/a.png"))
        assert depot.taken == []


class TestWhatPasses:
    async def test_a_share_that_went_away(self, depot: Depot) -> None:
        """The file is not gone: it cannot be seen. A mount point stays, and is empty."""
        depot.plate.unlink()
        (depot.project / ".gallery").rmdir()
        with pytest.raises(FileUnreadable):
            await depot.sent(needing("Panel_01/a.png"))

    async def test_a_share_with_an_error(
        self, depot: Depot, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The job is not to blame."""

        def broken(*args: object, **more: object) -> Any:
            raise OSError(116, "Stale file handle")

        monkeypatch.setattr(Path, "open", broken)
        with pytest.raises(FileUnreadable, match="Stale"):
            await depot.sent(needing("Panel_01/a.png"))

    async def test_a_file_that_is_still_being_written(self, depot: Depot) -> None:
        """What the backend got would not be what its name says."""

        async def write_meanwhile(request: web.Request) -> web.Response:
            answer = await depot.take(request)
            depot.plate.write_bytes(PLATE.upper())
            os.utime(depot.plate, (1, 1))
            return answer

        depot.stub.on(UPLOAD, write_meanwhile)
        with pytest.raises(FileChanging):
            await depot.sent(needing("Panel_01/a.png"))

    async def test_a_backend_that_does_not_answer(self, depot: Depot) -> None:
        """Another one may."""
        depot.stub.hang_up(UPLOAD)
        with pytest.raises(BackendUnreachable):
            await depot.sent(needing("Panel_01/a.png"))

    async def test_a_backend_with_a_smaller_limit(self, depot: Depot) -> None:
        """It says so itself."""
        depot.stub.say(UPLOAD, b"", 413)
        with pytest.raises(BackendRefused, match="413"):
            await depot.sent(needing("Panel_01/a.png"))


class TestOnSimulator:
    async def test_a_backend_finds_the_file_under_its_name(
        self, depot: Depot, tmp_path: Path
    ) -> None:
        """The prompt passes ComfyUI's own validation; the path on our share would not."""
        simulator = Simulator(Behaviour(previews=False), folder=tmp_path / "gpu-1")
        async with simulator, aiohttp.ClientSession() as session:
            depot.client = ComfyClient(session, simulator.url, "gpu-1", QUICK)
            graph, inputs = resolve(loading("Panel_01/a.png"), Roots((depot.nas,)), depot.project)
            with pytest.raises(BackendRefused):
                await depot.client.submit(graph, "p0", "c")
            sent = await depot.sent(*inputs, graph=graph)
            assert (await depot.client.submit(sent, "p1", "c")).prompt_id == "p1"
        stored = tmp_path / "gpu-1" / "input" / "orchestrator" / PLATE_NAME
        assert stored.read_bytes() == PLATE
