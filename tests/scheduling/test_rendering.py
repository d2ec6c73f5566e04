"""A job that goes well: every step is told before its effect, every output is stored once."""

from __future__ import annotations

import shutil
from pathlib import Path

from aiohttp import web
from PIL import Image

from events.files import FilesIntended
from events.jobs import JobOutputStored
from events.record import Record
from orchestrator.project import Project
from orchestrator.services import PROJECTS
from tests.scheduling.graphs import batch, every_kind, slow, still
from tests.scheduling.rig import Farm, in_order, told_in, until


class TestOrder:
    async def test_a_job_tells_its_story(self, farm: Farm) -> None:
        """From the queue to the last file."""
        await farm.box("a")
        service = await farm.service()
        job = await service.submit(slow(0.2), metadata={"panel_id": "P1"})
        ended = await service.ended(job)
        assert ended["status"] == "succeeded"
        assert ended["progress"] == 100.0
        assert farm.story(job) == [
            "job.queued",
            "job.submitted",
            "job.started",
            "job.rendered",
            "files.intended",
            "job.output_stored",
            "job.succeeded",
        ]
        assert [t.actor for t in farm.told(job)] == ["anonymous", *["orchestrator"] * 6]
        farm.settled(job)

    async def test_every_step_is_durable_before_its_effect(self, farm: Farm) -> None:
        """The backend sees nothing of us that is not in the log on disk already."""
        box = await farm.box("a")
        seen: dict[str, list[str]] = {}

        async def post(request: web.Request) -> None:
            prompt_id = (await request.json())["prompt_id"]
            submitted = [t for t in farm.told() if t.type == "job.submitted"]
            assert [t.data["prompt_id"] for t in submitted] == [prompt_id]
            seen["post"] = [t.type for t in farm.told()]

        async def view(_: web.Request) -> None:
            seen["view"] = [t.type for t in farm.told()]

        box.intercept |= {("POST", "/prompt"): post, ("GET", "/view"): view}
        service = await farm.service()
        await service.ended(await service.submit(still()))
        assert seen["post"][-1] == "job.submitted"
        assert seen["view"][-1] == "job.rendered"

    async def test_a_file_is_announced_before_it_is_there_and_told_after(self, farm: Farm) -> None:
        """So that a start after a crash knows where to look."""
        await farm.box("a")
        service = await farm.service()
        there: list[tuple[str, bool]] = []

        def listen(project: Project, records: list[Record]) -> None:
            for record in records:
                if isinstance(record.event, FilesIntended):
                    there.append(("intended", (project.root / record.event.to).exists()))
                if isinstance(record.event, JobOutputStored):
                    there.append(("stored", (project.root / record.event.path).exists()))

        service.app[PROJECTS].listeners.append(listen)
        job = await service.submit(batch(2))
        await service.ended(job)
        assert there == [("intended", False), ("stored", True)] * 2
        farm.settled(job, outputs=2)

    async def test_each_attempt_has_its_own_prefix_and_says_whose_it_is(self, farm: Farm) -> None:
        """In the queue of the backend, and in the picture itself."""
        box = await farm.box("a")
        service = await farm.service()
        job = await service.submit(still())
        ended = await service.ended(job)
        (body,) = box.posted()
        mark = {"job": job, "attempt": 1, "host": ended["host"]}
        assert body["extra_data"]["orchestrator"] == mark
        assert body["prompt"]["2"]["inputs"]["filename_prefix"] == f"job-{job}/a1/2"
        with Image.open(ended["outputs"][0]["path"]) as picture:
            assert job in picture.info["orchestrator"]


class TestOutputs:
    async def test_every_kind_is_stored_and_previews_are_not(self, farm: Farm) -> None:
        """Pictures, gifs, films and sounds; all files of a node, in its order."""
        await farm.box("a")
        service = await farm.service()
        job = await service.submit(every_kind(), metadata={"panel": "Mix"})
        ended = await service.ended(job)
        assert ended["status"] == "succeeded", ended
        found = [(o["node"], o["kind"], Path(o["path"]).suffix) for o in ended["outputs"]]
        assert sorted(found) == [
            ("2", "images", ".png"),
            ("2", "images", ".png"),
            ("4", "gifs", ".gif"),
            ("5", "videos", ".webm"),
            ("7", "audio", ".wav"),
        ]
        sizes = {o["rel_path"]: o["size"] for o in ended["outputs"]}
        assert sizes == {name: (farm.project / name).stat().st_size for name in farm.files()}
        farm.settled(job, outputs=5)

    async def test_a_job_without_results_succeeds_without_files(self, farm: Farm) -> None:
        """A workflow may only preview."""
        await farm.box("a")
        service = await farm.service()
        graph = every_kind()
        for node in ("2", "4", "5", "6", "7"):
            del graph[node]
        job = await service.submit(graph)
        assert (await service.ended(job))["status"] == "succeeded"
        assert farm.files() == []

    async def test_equal_jobs_each_get_their_file(self, farm: Farm) -> None:
        """ComfyUI's cache must not answer with the file of an earlier job."""
        await farm.box("a")
        service = await farm.service()
        jobs = [await service.submit(still()) for _ in range(3)]
        for job in jobs:
            assert (await service.ended(job))["status"] == "succeeded"
        farm.settled(*jobs)


class TestNames:
    async def test_the_template_of_the_job_names_the_files(self, farm: Farm) -> None:
        """With panel, node, place and seed."""
        await farm.box("a")
        service = await farm.service()
        job = await service.submit(
            batch(2),
            metadata={"panel_id": "Panel_07"},
            naming_template="{panel}/{project}_{node}_{index}_v{version}",
        )
        await service.ended(job)
        assert farm.files() == [
            "Panel_07/default_2_000_v001.png",
            "Panel_07/default_2_001_v001.png",
        ]

    async def test_versions_count_up_in_a_panel(self, farm: Farm) -> None:
        """Each panel by itself; what was deleted by hand is not used again below the highest."""
        await farm.box("a")
        service = await farm.service()
        for panel in ("A", "A", "B"):
            await service.ended(await service.submit(still(), metadata={"panel": panel}))
        (farm.project / "A" / "default_A_v001.png").unlink()
        await service.ended(await service.submit(still(), metadata={"panel": "A"}))
        assert farm.files() == [
            "A/default_A_v002.png",
            "A/default_A_v003.png",
            "B/default_B_v001.png",
        ]

    async def test_a_file_of_somebody_else_is_never_replaced(self, farm: Farm) -> None:
        """Without a version in the template the name is made longer."""
        await farm.box("a")
        service = await farm.service()
        await service.ended(await service.submit(still(), naming_template="x"))
        (farm.project / "y.png").write_bytes(b"mine")
        await service.ended(await service.submit(still(), naming_template="y"))
        assert farm.files() == ["x.png", "y.png", "y_2.png"]
        assert (farm.project / "y.png").read_bytes() == b"mine"

    async def test_many_jobs_at_once_never_take_the_same_name(self, farm: Farm) -> None:
        """Whoever comes second finds the name taken, and takes the next."""
        for name in "abc":
            await farm.box(name, max_concurrent_jobs=3)
        service = await farm.service()
        jobs = [await service.submit(batch(3)) for _ in range(8)]
        for job in jobs:
            assert (await service.ended(job))["status"] == "succeeded"
        farm.settled(*jobs, outputs=3)
        names = [f"Renders/default_Renders_v{n:03}.png" for n in range(1, 25)]
        assert farm.files() == names

    async def test_a_link_out_of_the_project_is_not_followed(
        self, farm: Farm, tmp_path: Path
    ) -> None:
        """The job fails and says why; nothing is written there, nothing is left half done."""
        await farm.box("a")
        service = await farm.service()
        await service.ended(await service.submit(still()))
        outside = tmp_path / "outside"
        outside.mkdir()
        (farm.project / "Out").symlink_to(outside)
        job = await service.submit(still(), metadata={"panel": "Out"})
        ended = await service.ended(job)
        assert (ended["status"], ended["error_kind"]) == ("failed", "outputs")
        assert "outside" in ended["error_message"]
        assert list(outside.iterdir()) == []
        assert farm.staged() == []
        assert farm.story(job)[-1] == "job.failed"
        assert [t.type for t in farm.told()].count("files.failed") == 1


class TestProjects:
    async def test_a_job_belongs_to_the_project_it_names(self, farm: Farm, tmp_path: Path) -> None:
        """Its log and its files are there."""
        await farm.box("a")
        service = await farm.service()
        eliot = tmp_path / "Eliot"
        eliot.mkdir()
        job = await service.submit(still(), project_path=str(eliot))
        ended = await service.ended(job)
        assert ended["project_path"] == str(eliot)
        assert farm.files(eliot) == ["Renders/Eliot_Renders_v001.png"]
        assert in_order([t.type for t in told_in(eliot)], "job.queued", "job.succeeded")

    async def test_an_unmounted_share_is_not_filled(self, farm: Farm, tmp_path: Path) -> None:
        """Its mount point is an empty folder; nothing is written there, and the job goes on."""
        box = await farm.box("a")
        service = await farm.service()
        eliot, away = tmp_path / "Eliot", tmp_path / "away"
        eliot.mkdir()
        job = await service.submit(slow(0.3), project_path=str(eliot))
        await service.becomes(job, "running")
        shutil.move(eliot, away)
        eliot.mkdir()
        await service.becomes(job, "collecting")
        asked = len(box.asked)
        await until(lambda: len(box.asked) > asked + 10)  # it has had time to do wrong
        assert list(eliot.iterdir()) == []
        eliot.rmdir()
        shutil.move(away, eliot)
        assert (await service.ended(job))["status"] == "succeeded"
        assert farm.files(eliot) == ["Renders/Eliot_Renders_v001.png"]
