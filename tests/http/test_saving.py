"""Saving pictures of backends, and pictures that clients send, over HTTP."""

from __future__ import annotations

import base64
import io
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web
from attrs import frozen
from PIL import Image

from orchestrator.config import BackendConfig
from orchestrator.services import IMAGES
from tests.comfyui.stub import Stub, serving
from tests.http.studio import Answer, Service, Studio, faults, refused
from tests.states.office import drafts, names


def encoded(kind: str = "PNG") -> bytes:
    """A small picture."""
    out = io.BytesIO()
    Image.new("RGB", (8, 6), "teal").save(out, kind)
    return out.getvalue()


PNG = encoded()


def data_url(data: bytes = PNG, kind: str = "image/png") -> str:
    """A picture as text."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


@frozen
class Farm:
    """The service, and a backend that answers as it is told."""

    service: Service
    backend: Stub

    @property
    def panel(self) -> Path:
        """The folder that pictures are saved in."""
        return self.service.project / "Panel_02"

    @property
    def url(self) -> str:
        """A picture of the backend."""
        return f"{self.backend.url}/view?filename=a.png&subfolder=x%20y&type=output"

    async def save(self, **changes: Any) -> Answer:
        """Save it."""
        body = {"image_url": self.url, "folder_path": str(self.panel), "filename": "hero.png"}
        return await self.service.post("/api/save-image", {**body, **changes})

    async def send(self, **changes: Any) -> Answer:
        """Save a picture that is sent."""
        body = {"data_url": data_url(), "folder_path": str(self.panel), "filename": "hero.png"}
        return await self.service.post("/api/save-base64-image", {**body, **changes})

    def asked(self) -> list[str]:
        """What was fetched from the backend."""
        return [call for call in self.backend.calls() if "/view" in call]


@pytest.fixture
async def farm(studio: Studio) -> AsyncIterator[Farm]:
    """The service with one backend."""
    async with serving(Stub()) as backend:
        backend.say("GET /view", PNG)
        port = int(backend.url.rpartition(":")[2])
        node = BackendConfig(id="node1", name="n", host="127.0.0.1", port=port)
        yield Farm(await studio.host(backends=(node,)), backend)
        await studio.close()


def unchanged(farm: Farm) -> None:
    """Nothing was put into the folder."""
    assert names(farm.panel) == ["Eliot_Panel_02_v001.png"]
    assert drafts(farm.service.project) == []


class TestFromABackend:
    async def test_it_is_fetched_and_saved(self, farm: Farm) -> None:
        """Bytes as the backend has them, and the answer says where."""
        answer = await farm.save()
        path = farm.panel / "hero.png"
        assert answer.plain == {
            "success": True,
            "saved_path": str(path),
            "path": str(path),
            "metadata_path": None,
            "message": "Saved hero.png",
        }
        assert path.read_bytes() == PNG
        assert farm.asked() == ["GET /view?filename=a.png&subfolder=x%20y&type=output"]
        assert drafts(farm.service.project) == []

    async def test_the_other_path(self, farm: Farm) -> None:
        """ComfyUI has its routes twice."""
        farm.backend.say("GET /api/view", PNG)
        assert (await farm.save(image_url=f"{farm.backend.url}/api/view?filename=a")).status == 200

    async def test_a_name_that_is_taken(self, farm: Farm) -> None:
        """Nothing is replaced; shares do not tell case."""
        (farm.panel / "HERO.png").write_bytes(b"mine")
        for name in ("hero_1.png", "hero_2.png"):
            answer = await farm.save()
            assert answer.plain["saved_path"] == str(farm.panel / name)
            assert answer.plain["message"] == f"Saved {name}; hero.png is taken"
        assert (farm.panel / "HERO.png").read_bytes() == b"mine"

    async def test_with_metadata(self, farm: Farm) -> None:
        """They lie beside it; a sidecar is not replaced either."""
        (farm.panel / "hero.json").write_bytes(b"mine")
        answer = await farm.save(metadata={"seed": 7, "ü": None})
        assert answer.plain["saved_path"] == str(farm.panel / "hero_1.png")
        assert answer.plain["metadata_path"] == str(farm.panel / "hero_1.json")
        assert orjson.loads((farm.panel / "hero_1.json").read_bytes()) == {"seed": 7, "ü": None}
        assert (farm.panel / "hero.json").read_bytes() == b"mine"

    async def test_other_media(self, farm: Farm) -> None:
        """A film, as its name says."""
        farm.backend.say("GET /view", b"\0\0\0\x20ftypisom" + bytes(50))
        assert (await farm.save(filename="hero.mp4")).status == 200


class TestSources:
    async def test_strangers(self, farm: Farm) -> None:
        """Only /view of registered backends; nobody else is asked."""
        base, port = farm.backend.url, farm.backend.url.rpartition(":")[2]
        for url in (
            "http://example.org/view?filename=a.png",
            f"http://localhost:{port}/view?filename=a.png",
            f"https://127.0.0.1:{port}/view?filename=a.png",
            f"http://127.0.0.1:{int(port) - 1}/view?filename=a.png",
            f"http://u:p@127.0.0.1:{port}/view?filename=a.png",
            f"http://127.0.0.1:{port}@example.org/view?filename=a.png",
            f"{base}/history?filename=a.png",
            f"{base}/view/../history?filename=a.png",
            f"{base}/view",
            "/view?filename=a.png",
            "file:///etc/passwd",
            "http://[::1/view?filename=a",
            "",
        ):
            plain = refused(await farm.save(image_url=url), 403, "image.source_refused")
            assert plain["detail"]["known"] == [base]
        assert farm.asked() == []
        unchanged(farm)

    async def test_redirects(self, farm: Farm) -> None:
        """They are not followed, wherever they lead."""

        async def redirect(_: web.Request) -> web.Response:
            raise web.HTTPFound(f"{farm.backend.url}/other")

        farm.backend.on("GET /view", redirect)
        plain = refused(await farm.save(), 403, "image.source_refused")
        assert "redirects" in plain["message"]
        assert "GET /other" not in farm.backend.calls()
        unchanged(farm)

    async def test_backends_that_give_nothing(self, farm: Farm) -> None:
        """Each in its words."""
        for status, code, ours in (
            (404, "backend.output_missing", 404),
            (403, "backend.refused", 502),
            (500, "backend.unreachable", 503),
        ):
            farm.backend.say("GET /view", b"", status)
            refused(await farm.save(), ours, code)
        farm.backend.hang_up("GET /view")
        refused(await farm.save(), 503, "backend.unreachable")
        unchanged(farm)

    async def test_an_answer_that_is_cut_off(self, farm: Farm) -> None:
        """Half a picture is none."""

        async def half(request: web.Request) -> web.StreamResponse:
            answer = web.StreamResponse(headers={"Content-Length": str(len(PNG))})
            await answer.prepare(request)
            await answer.write(PNG[:20])
            assert request.transport is not None
            request.transport.close()
            return answer

        farm.backend.on("GET /view", half)
        refused(await farm.save(), 503, "backend.unreachable")
        unchanged(farm)

    @pytest.mark.parametrize("announced", [True, False])
    async def test_too_large(self, farm: Farm, *, announced: bool) -> None:
        """Refused when it is announced, or when it has come that far."""

        async def endless(request: web.Request) -> web.StreamResponse:
            answer = web.StreamResponse()
            if announced:
                answer.content_length = 10**12
            await answer.prepare(request)
            while True:
                await answer.write(bytes(10_000))

        farm.service.app[IMAGES].limit = 100_000
        farm.backend.on("GET /view", endless)
        plain = refused(await farm.save(), 413, "image.too_large")
        assert plain["detail"] == {"name": "hero.png", "limit": 100_000}
        unchanged(farm)

    async def test_nobody_listens(self, studio: Studio) -> None:
        """A backend that is registered, and down."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        node = BackendConfig(id="node1", name="n", host="127.0.0.1", port=port)
        service = await studio.host(backends=(node,))
        farm = Farm(service, Stub())
        farm.backend.url = node.url
        refused(await farm.save(), 503, "backend.unreachable")
        unchanged(farm)


class TestContent:
    @pytest.mark.parametrize(
        "data", [b"", b"<html>", PNG[:30], encoded("JPEG"), b"GIF89a", PNG[:40] + b"x" + PNG[41:]]
    )
    async def test_not_what_the_name_says(self, farm: Farm, data: bytes) -> None:
        """Empty, a page, cut off, another kind, damaged: nothing is saved."""
        farm.backend.say("GET /view", data)
        plain = refused(await farm.save(), 422, "image.unusable")
        assert ".draft" not in plain["message"]
        refused(await farm.send(data_url=data_url(data)), 422, "image.unusable")
        unchanged(farm)

    @pytest.mark.parametrize(
        "name", ["../a.png", "a.txt", "a", ".png", "a.png\0", "con.png", "", "x/a.png", ".a.png"]
    )
    async def test_names(self, farm: Farm, name: str) -> None:
        """Plain names of media."""
        for answer in (await farm.save(filename=name), await farm.send(filename=name)):
            assert answer.status == 422, answer.body
            assert answer.plain["code"] in {"path.invalid", "request.invalid"}
        assert farm.asked() == []
        unchanged(farm)


class TestFolders:
    async def test_one_that_is_not_there_yet(self, farm: Farm) -> None:
        """Its last part is made, hidden or not."""
        folder = farm.service.project / ".ref_images"
        answer = await farm.send(folder_path=str(folder))
        assert answer.plain["saved_path"] == str(folder / "hero.png")
        assert names(folder) == ["hero.png"]
        assert drafts(farm.service.project) == []

    async def test_it_is_not_made_for_nothing(self, farm: Farm) -> None:
        """What is refused leaves no folder."""
        folder = farm.service.project / "new"
        refused(
            await farm.send(folder_path=str(folder), data_url=data_url(b"x")), 422, "image.unusable"
        )
        assert not folder.exists()

    async def test_where_nothing_may_be_saved(self, farm: Farm) -> None:
        """Two levels down, a file, the service's own folder, outside."""
        project = farm.service.project
        (project / "file").write_bytes(b"")
        (project / ".gallery").mkdir()
        for folder, status, code in (
            (project / "no" / "where", 404, "file.missing"),
            (project / "file", 422, "path.invalid"),
            (project / ".gallery", 403, "path.not_permitted"),
            (project / ".gallery" / "states", 403, "path.not_permitted"),
            (Path("/etc"), 403, "path.not_permitted"),
            (project / "con", 422, "path.invalid"),
        ):
            refused(await farm.send(folder_path=str(folder)), status, code)
            refused(await farm.save(folder_path=str(folder)), status, code)
        assert farm.asked() == []

    async def test_a_share_that_is_full(self, farm: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
        """503 with the reason, and nothing is left."""

        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        for answer in (await farm.save(), await farm.send()):
            assert "No space left" in refused(answer, 503, "file.not_written")["message"]
        unchanged(farm)


class TestDataUrls:
    async def test_saved(self, farm: Farm) -> None:
        """The picture, byte for byte."""
        answer = await farm.send()
        assert answer.plain["success"] is True
        assert (farm.panel / "hero.png").read_bytes() == PNG

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "hello",
            "data:text/plain;base64,aGVsbG8=",
            "data:image/png,raw",
            data_url().replace("base64", "Base16"),
            data_url() + "=",
            data_url()[:-1],
            data_url() + "\n",
            data_url().replace("A", "ä"),
            "http://127.0.0.1/a.png",
        ],
    )
    async def test_no_data_url_of_a_picture(self, farm: Farm, url: str) -> None:
        """Strictly."""
        refused(await farm.send(data_url=url), 422, "image.unusable")
        unchanged(farm)

    async def test_too_large(self, farm: Farm) -> None:
        """413: by the body, or by the picture in it."""
        farm.service.app[IMAGES].limit = 50
        refused(await farm.send(), 413, "image.too_large")
        data = b" " * (64 * 1024 * 1024 + 1)
        refused(
            await farm.service.send("POST", "/api/save-base64-image", data),
            413,
            "request.too_large",
        )
        unchanged(farm)

    async def test_fields(self, farm: Farm) -> None:
        """All are needed."""
        answer = await farm.service.post("/api/save-base64-image", {})
        assert set(faults(answer)) == {"data_url", "folder_path", "filename"}
