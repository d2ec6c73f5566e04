"""The main job, step by step, against the running set-up. Each step returns what there is to say.

A render is submitted, followed, lands in the gallery, is rated and tagged; another is cancelled,
a third fails; what the service says is read back. A step that does not hold raises
StepFailedError with what differed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

from attrs import define, field

from orchestrator.comfyui.workflow import available_parameters
from projections.jobs import FINAL
from tools.demo.api import Api
from tools.demo.curation import tag_file, tag_named
from tools.demo.errors import StepFailedError
from tools.demo.facts import Facts, live_facts

#: Seconds that a job may take, at a few seconds of simulated work.
JOB = 60.0
PROMPT = "cinematic shot, Eliot auf der Brücke im Nebel, 夜明け, snow on the ropes"
SEED = 424_242
SIZE = (768, 432)
PANEL = "Panel_01"
HERO = ("Hero Shot", "#ff6b6b")

Step = Callable[[], Awaitable[str]]


def require(holds: bool, otherwise: str) -> None:
    """Fail the step unless something holds."""
    if not holds:
        raise StepFailedError(otherwise)


@define
class MainJob:
    """What the steps know of each other."""

    api: Api
    project: str
    backends: int
    pictures: int
    note: Callable[[str], None]
    job_id: str = ""
    output: dict[str, Any] = field(factory=dict)
    #: Messages of progress about the job that was followed last.
    progress: int = 0
    #: Jobs by id, and how each must end.
    expected: dict[str, str] = field(factory=dict)

    def steps(self) -> tuple[tuple[str, Step], ...]:
        """Titles and steps, in order."""
        return (
            ("service is healthy", self.healthy),
            ("both backends are online", self.backends_online),
            ("project is scanned", self.scanned),
            ("job is submitted", self.submitted),
            ("job is followed to its end", self.followed),
            ("picture is in the project", self.picture_stored),
            ("picture is served", self.picture_served),
            ("picture is rated and tagged", self.curated),
            ("running job is cancelled", self.cancelled),
            ("impossible job fails and says why", self.failed),
            ("everything is read back", self.read_back),
        )

    async def healthy(self) -> str:
        """GET /health says ok."""
        health = await self.api.get("/health")
        require(health["status"] == "ok", f"The status is {health['status']!r}.")
        return f"version {health['version']} at {self.api.url}"

    async def backends_online(self) -> str:
        """GET /api/backends says that all are online."""
        found = await self.api.until(
            "/api/backends", lambda a: a["online"] == self.backends, "All backends online"
        )
        names = [f"{b['name']} at {b['host']}:{b['port']}" for b in found["backends"]]
        return ", ".join(names)

    async def scanned(self) -> str:
        """The tree and the listings agree on the number of pictures."""
        files = await self.files()
        require(len(files) >= self.pictures, f"{len(files)} of {self.pictures} pictures are seen.")
        rated = sum(file["rating"] > 0 for file in files)
        tagged = sum(bool(file["tags"]) for file in files)
        return f"{len(files)} pictures, {rated} of them rated and {tagged} tagged"

    async def files(self) -> list[dict[str, Any]]:
        """The files of every folder, as listed."""
        where = {"projectPath": self.project}
        tree = await self.api.post("/api/gallery/scan-tree", where)
        folders = list(_folders(tree["tree"]))
        found: list[dict[str, Any]] = []
        for path, count in [(".", tree["fileCount"]), *folders]:
            asked = {**where, "folderPath": path}
            listed = (await self.api.post("/api/gallery/scan-folder", asked))["files"]
            require(
                len(listed) == count, f"{path} lists {len(listed)} files, but its tree says {count}"
            )
            found += listed
        return found

    async def submitted(self) -> str:
        """POST /api/job answers 202."""
        accepted = await self.submit(
            workflow_id="flux_dev",
            parameters={
                "prompt": PROMPT,
                "seed": SEED,
                "width": SIZE[0],
                "height": SIZE[1],
                "steps": 20,
            },
            metadata={"source": "demo", "panel_id": PANEL},
            required_capabilities=["flux"],
        )
        self.job_id = accepted["job_id"]
        self.expected[self.job_id] = "succeeded"
        return f"202, job {self.job_id}"

    async def submit(self, **asked: Any) -> Any:
        """Submit a job to the sample project."""
        body = {"project_path": self.project, **asked}
        return await self.api.post("/api/job", body, actor="maria", status=202)

    async def followed(self) -> str:
        """WS /ws/jobs?jobId= tells of progress, and of the end."""
        view = await self.follow(self.job_id)
        require(view["status"] == "succeeded", f"It {view['status']}: {view['error_message']}")
        require(view["progress"] == 100, f"It ended at {view['progress']} %.")
        require(self.progress > 0, "Nothing was told of its progress.")
        told = f"{self.progress} messages of progress"
        return f"{view['status']} on {view['backend_id']}, attempt {view['attempt']}, {told}"

    async def follow(self, job_id: str) -> dict[str, Any]:
        """Follow a job to its end, and show its states and the quarters of its steps."""
        seen: dict[str, Any] = {}
        shown: list[str] = []
        self.progress = 0

        def tell(message: dict[str, Any]) -> bool:
            if message["type"] == "job_progress":
                self.progress += 1
                told = _quarter(message)
                if told is not None and told[0] not in shown:
                    shown.append(told[0])
                    self.note(told[1])
                return False
            views = [message["job"]] if "job" in message else message["jobs"]
            seen.update(views[0])
            if seen["status"] not in shown:
                shown.append(seen["status"])
                self.note(seen["status"])
            return seen["status"] in FINAL

        try:
            async with asyncio.timeout(JOB):
                await self.api.follow(job_id, tell)
        except TimeoutError:
            raise StepFailedError(f"It has not ended within {JOB:g} s; last: {seen}") from None
        return seen

    async def picture_stored(self) -> str:
        """The file is where the job says, with the prompt and seed that were asked for."""
        view = await self.api.get(f"/api/jobs/{self.job_id}")
        require(len(view["outputs"]) == 1, f"It has {len(view['outputs'])} outputs.")
        self.output = view["outputs"][0]
        path = self.output["rel_path"]
        require(path.startswith(f"{PANEL}/"), f"It lies at {path}, not in {PANEL}.")
        data = await asyncio.to_thread(Path(self.output["path"]).read_bytes)
        require(sha256(data).hexdigest() == self.output["sha256"], f"{path} has other bytes.")
        asked = {"projectPath": self.project, "filePath": path}
        info = await self.api.post("/api/gallery/file-info", asked)
        file = info["file"]
        size = (file["width"], file["height"])
        require(size == SIZE, f"It has {size} pixels, not {SIZE}.")
        require(
            (file["lineage"] or {}).get("jobId") == self.job_id,
            f"Its lineage is {file['lineage']}, not job {self.job_id}.",
        )
        self._check_graph(info["pngMetadata"]["prompt"])
        found = await self.api.get("/api/png-metadata", path=self.output["path"])
        self._check_graph(found["prompt"])
        return f"{path}, {size[0]} x {size[1]}, {file['size']} bytes, prompt and seed inside"

    @staticmethod
    def _check_graph(graph: dict[str, Any]) -> None:
        known = {parameter.name: parameter.value for parameter in available_parameters(graph)}
        for name, wanted in (("prompt", PROMPT), ("seed", SEED)):
            require(known[name] == wanted, f"The {name} inside is {known[name]!r}, not {wanted!r}.")

    async def picture_served(self) -> str:
        """GET serve-image gives the very bytes, and 304 to who has them."""
        url = self.output["url"]
        status, headers, body = await self.api.fetch(url)
        require(status == 200, f"GET answers {status}.")
        require(sha256(body).hexdigest() == self.output["sha256"], "Other bytes are served.")
        again, _, rest = await self.api.fetch(url, **{"If-None-Match": headers["ETag"]})
        require(again == 304, f"GET with its ETag answers {again} instead of 304.")
        require(not rest, "The 304 has a body.")
        return f"200 {headers['Content-Type']}, then 304 for ETag {headers['ETag']}"

    async def curated(self) -> str:
        """Five stars and a tag, by two people."""
        path = self.output["rel_path"]
        body = {"projectPath": self.project, "filePath": path, "rating": 5}
        await self.api.post("/api/gallery/ratings", body, actor="director")
        tag = await tag_named(self.api, self.project, *HERO, actor="jonas")
        await tag_file(self.api, self.project, path, [tag], "jonas")
        return f"5 stars by director, {HERO[0]!r} by jonas"

    async def cancelled(self) -> str:
        """A long job is stopped once it runs."""
        accepted = await self.submit(
            workflow_id="flux_dev",
            parameters={"prompt": "a job nobody wants any more", "quality": 1000},
            metadata={"panel_id": "Panel_02"},
        )
        job_id = accepted["job_id"]
        self.expected[job_id] = "cancelled"
        where = f"/api/jobs/{job_id}"
        running = await self.api.until(
            where, lambda job: job["status"] == "running", f"Job {job_id} running"
        )
        await self.api.post(f"{where}/cancel", {}, actor="director")
        view = await self.follow(job_id)
        require(view["status"] == "cancelled", f"It {view['status']}: {view['error_message']}")
        return f"running on {running['backend_id']}, then cancelled by director"

    async def failed(self) -> str:
        """A graph with a node class that no backend has is refused by the backend, for good."""
        accepted = await self.submit(
            workflow_json={
                "1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64}},
                "2": {"class_type": "DreamCatcher", "inputs": {"image": ["1", 0]}},
            },
            metadata={"panel_id": "Panel_03"},
        )
        job_id = accepted["job_id"]
        self.expected[job_id] = "failed"
        view = await self.follow(job_id)
        require(view["status"] == "failed", f"It {view['status']}.")
        reason = view["error_message"] or ""
        require("DreamCatcher" in reason, f"The reason does not name the node: {reason!r}")
        return f"{view['error_kind']}: {reason}"

    async def read_back(self) -> str:
        """Ratings, tags and jobs are as they were made."""
        facts = await self.facts()
        path = self.output["rel_path"]
        require(facts.ratings.get(path) == 5, f"{path} has {facts.ratings.get(path)} stars, not 5.")
        names = [facts.tags[tag][0] for tag in facts.files[path].tags]
        require(names == [HERO[0]], f"{path} has the tags {names}.")
        for job_id, status in self.expected.items():
            found = facts.jobs[job_id].status
            require(found == status, f"Job {job_id} is {found}, not {status}.")
        return f"{len(facts.ratings)} ratings, {len(facts.tags)} tags, {len(facts.jobs)} jobs"

    async def facts(self) -> Facts:
        """All that the service says of the project."""
        project = {"projectPath": self.project}
        tags = (await self.api.get("/api/gallery/tags", **project))["tags"]
        ratings = (await self.api.get("/api/gallery/ratings", **project))["ratings"]
        jobs = await self.api.get("/api/jobs", project_path=self.project, limit="1000")
        return live_facts(tags, ratings, await self.files(), jobs["jobs"])


def _quarter(progress: dict[str, Any]) -> tuple[str, str] | None:
    """A name for the quarter of a node's steps that is reached, and a line that tells of it."""
    if progress["current_step"] is None:
        return None
    step, _, steps = progress["current_step"].partition("/")
    name = f"{progress['current_node']}.{4 * int(step) // int(steps)}"
    return name, f"node {progress['current_node']}, step {step} of {steps}"


def _folders(nodes: list[dict[str, Any]]) -> list[tuple[str, int]]:
    """Relative path and number of files of every folder below."""
    found: list[tuple[str, int]] = []
    for node in nodes:
        found += [(node["relPath"], node["fileCount"]), *_folders(node["children"])]
    return found
