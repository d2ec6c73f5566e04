"""`GET /api/thumbnail`: formats by Accept, ETags, placeholders, refusals."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from orchestrator.gallery.thumbnails.spec import Format
from orchestrator.http.thumbnails import preferred
from tests.http.studio import Answer, Service, Studio, faults, picture, read, refused
from tests.thumbnails.pictures import busy, huge_png, opened, scene

FIRST = "Panel_01/Eliot_Panel_01_v001.png"


@pytest.fixture
async def studio(tmp_path: Path) -> AsyncIterator[Studio]:
    """A share with a project."""
    made = Studio(tmp_path)
    made.furnish()
    yield made
    await made.close()


@pytest.fixture
async def service(studio: Studio) -> Service:
    """The whole service."""
    return await studio.host()


async def fetch(
    service: Service,
    name: str = FIRST,
    method: str = "GET",
    *,
    size: int | None = None,
    **headers: str,
) -> Answer:
    """Ask for a thumbnail; `If_None_Match` becomes `If-None-Match`."""
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    query = {"path": str(service.project / name)} | ({"size": str(size)} if size else {})
    return await read(
        await service.client.request(method, "/api/thumbnail", params=query, headers=named)
    )


class TestAnswer:
    async def test_a_picture(self, service: Service) -> None:
        """Small, and no larger than the file."""
        scene(800, 400).save(service.project / "a.png")
        answer = await fetch(service, "a.png")
        assert (answer.status, answer.headers["Content-Type"]) == (200, "image/webp")
        assert opened(answer.body).size == (256, 128)
        assert opened((await fetch(service, "a.png", size=64)).body).size == (64, 32)
        assert opened((await fetch(service, "a.png", size=1024)).body).size == (800, 400)
        assert "X-Thumbnail" not in answer.headers
        assert answer.headers["X-Content-Type-Options"] == "nosniff"

    async def test_jpeg_for_who_wants_it(self, service: Service) -> None:
        """Caches between us are told that the answer depends on it."""
        answer = await fetch(service, Accept="image/jpeg")
        assert answer.headers["Content-Type"] == "image/jpeg"
        assert opened(answer.body).format == "JPEG"
        assert "Accept" in answer.headers["Vary"]

    async def test_it_must_be_asked_for_again(self, service: Service) -> None:
        """A file may be rendered anew at any time; it is nobody's but the asker's."""
        answer = await fetch(service)
        assert answer.headers["Cache-Control"] == "private, no-cache"

    async def test_known_already(self, service: Service) -> None:
        """A mere 304, with the same tag; also after the file was renamed."""
        first = await fetch(service)
        (service.project / FIRST).rename(service.project / "renamed.png")
        for known in (first.headers["ETag"], f'"x", {first.headers["ETag"]}', "*"):
            answer = await fetch(service, "renamed.png", If_None_Match=known)
            assert (answer.status, answer.body) == (304, b"")
            assert answer.headers["ETag"] == first.headers["ETag"]
            assert answer.headers["Cache-Control"] == "private, no-cache"

    async def test_changed_since(self, service: Service) -> None:
        """The new picture."""
        first = await fetch(service)
        picture(service.project / FIRST, colour="gold")
        answer = await fetch(service, If_None_Match=first.headers["ETag"])
        assert answer.status == 200
        assert answer.body != first.body

    async def test_another_size_or_format_is_not_known(self, service: Service) -> None:
        """A tag is for one of them."""
        tag = (await fetch(service)).headers["ETag"]
        assert (await fetch(service, size=64, If_None_Match=tag)).status == 200
        assert (await fetch(service, Accept="image/jpeg", If_None_Match=tag)).status == 200

    async def test_head(self, service: Service) -> None:
        """Everything but the bytes."""
        whole, head = await fetch(service), await fetch(service, method="HEAD")
        assert (head.status, head.body) == (200, b"")
        for name in ("Content-Length", "Content-Type", "ETag", "Cache-Control"):
            assert head.headers[name] == whole.headers[name]


class TestPlaceholders:
    @pytest.mark.parametrize(
        ("name", "content", "why"),
        [
            ("a.png", b"hello", "broken"),
            ("a.png", b"", "broken"),
            ("a.png", huge_png(60_000, 60_000), "too-large"),
            ("a.mp3", b"ID3", "audio"),
            ("a.exr", b"v/1\x01", "unsupported"),
        ],
    )
    async def test_what_has_no_picture(
        self, service: Service, name: str, content: bytes, why: str
    ) -> None:
        """A drawing that says what it is, and is soon asked for again."""
        (service.project / name).write_bytes(content)
        answer = await fetch(service, name, size=128)
        assert answer.status == 200
        assert answer.headers["X-Thumbnail"] == "placeholder"
        assert answer.headers["X-Thumbnail-Reason"] == why
        assert answer.headers["Cache-Control"] == "private, max-age=10"
        assert opened(answer.body).size == (128, 128)
        known = await fetch(service, name, size=128, If_None_Match=answer.headers["ETag"])
        assert known.status == 304

    async def test_a_part(self, service: Service) -> None:
        """What is left of a picture, and that it is not all."""
        busy().save(service.project / "a.png")
        data = (service.project / "a.png").read_bytes()
        (service.project / "a.png").write_bytes(data[: len(data) // 2])
        answer = await fetch(service, "a.png")
        assert (answer.status, answer.headers["X-Thumbnail"]) == (200, "partial")


class TestRefusals:
    async def test_as_of_every_file(self, service: Service, tmp_path: Path) -> None:
        """404, 403, 422."""
        refused(await fetch(service, "none.png"), 404, "file.missing")
        scene().save(tmp_path / "private.png")
        refused(await fetch(service, str(tmp_path / "private.png")), 403, "path.not_permitted")
        (service.project / "notes.txt").write_text("x")
        refused(await fetch(service, "notes.txt"), 422, "path.invalid")

    @pytest.mark.parametrize("size", [63, 1025, -1])
    async def test_sizes_that_are_not_made(self, service: Service, size: int) -> None:
        """64 to 1024."""
        assert list(faults(await fetch(service, size=size))) == ["size"]

    async def test_without_a_path(self, service: Service) -> None:
        """422 with the field."""
        assert faults(await service.get("/api/thumbnail")) == {"path": "is required"}


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", Format.WEBP),
        ("*/*", Format.WEBP),
        ("image/*", Format.WEBP),
        ("image/webp", Format.WEBP),
        ("IMAGE/WEBP", Format.WEBP),
        ("image/avif,image/webp,image/png,image/svg+xml,image/*;q=0.8,*/*;q=0.5", Format.WEBP),
        ("image/webp;q=0.5", Format.WEBP),
        ("image/jpeg", Format.JPEG),
        ("image/jpeg, image/*;q=0.5", Format.JPEG),
        ("image/jpeg, image/webp;q=0", Format.JPEG),
        ("*/*, image/webp;q=0", Format.JPEG),
        ("image/jpeg;q=0.2, image/webp;q=0.3", Format.WEBP),
        ("image/png", Format.JPEG),
        ("text/html", Format.JPEG),
        ("image/webp;q=nonsense", Format.JPEG),
        (";;,,q", Format.JPEG),
        (",", Format.WEBP),
    ],
)
def test_the_format_that_a_client_prefers(accept: str, form: Format) -> None:
    """WebP is a third smaller: JPEG is for those who ask for it, or cannot take WebP."""
    assert preferred(accept) is form
