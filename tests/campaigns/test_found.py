"""What the campaigns found, each as small as it can be told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aiohttp import web
from PIL import Image

from tests.scheduling.rig import Box, Farm, Service
from tests.simulator.graphs import Graph, node


def two_shades(dark: int, light: int) -> Graph:
    """Two pictures of different colours, from two nodes."""
    sides = {"width": 16, "height": 8, "batch_size": 1}
    return {
        "1": node("EmptyImage", color=dark, **sides),
        "2": node("SaveImage", images=["1", 0], filename_prefix="x"),
        "3": node("EmptyImage", color=light, **sides),
        "4": node("SaveImage", images=["3", 0], filename_prefix="y"),
    }


def shade(path: str | Path) -> int:
    """The colour of a picture."""
    with Image.open(path) as picture:
        red, green, blue = picture.convert("RGB").getpixel((0, 0))  # type: ignore[misc]  # RGB has three
    return int(red << 16 | green << 8 | blue)


class TestAttemptGivenUpHalfway:
    """The backend turns out to have lost one of two files when the other was fetched."""

    async def half_done(self, service: Service, box: Box) -> dict[str, Any]:
        """A job that has one output of its first attempt and two of its second."""
        seen = 0

        async def lose_second(request: web.Request) -> web.Response | None:
            nonlocal seen
            seen += 1
            return web.Response(status=404) if seen == 2 else None

        box.intercept["GET", "/view"] = lose_second
        ended = await service.ended(await service.submit(two_shades(0x101010, 0xF0F0F0)))
        assert (ended["status"], ended["attempt"]) == ("succeeded", 2)
        return ended

    async def test_the_other_file_does_not_come_into_the_project(self, farm: Farm) -> None:
        """All are fetched before the first is put in place."""
        service = await self._service(farm)
        ended = await self.half_done(service, farm.boxes["a"])
        assert [(o["attempt"], o["node"]) for o in ended["outputs"]] == [(2, "2"), (2, "4")]
        farm.settled(ended["job_id"], outputs=2)

    async def test_its_file_is_not_counted_among_the_outputs(self, farm: Farm) -> None:
        """Who takes the second output of the job gets its second picture."""
        service = await self._service(farm)
        ended = await self.half_done(service, farm.boxes["a"])
        graph = {
            "1": node("LoadImage", image=f"job:{ended['job_id']}:1"),
            "2": node("SaveImage", images=["1", 0], filename_prefix="z"),
        }
        onward = await service.ended(await service.submit(graph))
        assert onward["status"] == "succeeded", onward["error_message"]
        assert hex(shade(onward["outputs"][0]["path"])) == hex(0xF0F0F0)

    async def _service(self, farm: Farm) -> Service:
        await farm.box("a")
        return await farm.service()


class TestStoredAndForgotten:
    async def test_what_is_all_in_the_project_is_not_rendered_again(self, farm: Farm) -> None:
        """The service died when the last file was stored, and the backend has restarted since."""
        box = await farm.box("a")
        first = await farm.service()
        first.die_at("job.output_stored", 2)
        job = await first.submit(two_shades(1, 2))
        await first.dying.wait()
        await first.kill()
        await box.lose_memory()
        second = await farm.service()
        ended = await second.ended(job)
        assert (ended["status"], ended["attempt"]) == ("succeeded", 1)
        farm.settled(job, outputs=2)
