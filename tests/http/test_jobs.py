"""Jobs: submitting them, looking at them, cancelling them. No backend is there to run them."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from yarl import URL

from events.jobs import JobId, JobQueued
from events.stamp import stamp
from orchestrator.config import BackendConfig
from orchestrator.http.job_views import job_view
from projections.jobs import Job, Output, Queued
from tests.http.studio import (
    Service,
    Studio,
    events_of,
    faults,
    graph,
    log_of,
    node,
    refused,
)

#: Nothing listens there.
OFF = BackendConfig(id="off", name="Off", host="127.0.0.1", port=1, capabilities=("flux",))


def queued(project: Path) -> Any:
    """The last job that the project's log was told of."""
    return [e for e in events_of(project) if e["t"] == "job.queued"][-1]["d"]


class TestSubmit:
    async def test_as_documented(self, service: Service) -> None:
        """202 with id, status, message and time; then it can be looked at."""
        body = {
            "workflow_id": "flux_dev",
            "parameters": {"prompt": "cinematic shot", "steps": 20},
            "metadata": {"source": "storyboard", "panel_id": "Panel_01"},
        }
        answer = await service.post("/api/job", body)
        assert answer.status == 202
        assert answer.plain["status"] == "accepted"
        assert answer.plain["message"] == "Job accepted for execution"
        assert answer.plain["submitted_at"].endswith("Z")
        job = await service.job(answer.plain["job_id"])
        assert (job["status"], job["workflow_id"], job["progress"]) == ("queued", "flux_dev", 0)
        assert (job["parameters"], job["metadata"]) == (body["parameters"], body["metadata"])
        assert job["waiting_for"]
        assert (job["attempt"], job["outputs"], job["error_message"]) == (0, [], None)

    async def test_its_defaults_and_parameters_are_in_the_log(self, service: Service) -> None:
        """The log holds the very graph that will run: YAML defaults, then parameters."""
        await service.submit(workflow_id="flux_dev", parameters={"seed": 99, "7:text": "grain"})
        project = Path((await service.get("/api/jobs")).plain["jobs"][0]["project_path"])
        order = queued(project)
        assert order["workflow"]["6"]["inputs"]["text"] == "film still"
        assert order["workflow"]["7"]["inputs"]["text"] == "grain"
        assert order["workflow"]["3"]["inputs"]["seed"] == 99

    @pytest.mark.parametrize("name", ["workflow_json", "workflow"])
    async def test_an_inline_graph(self, service: Service, name: str) -> None:
        """Under either name."""
        job = await service.job((await service.post("/api/job", {name: graph()})).plain["job_id"])
        assert job["workflow_id"] is None

    @pytest.mark.parametrize(
        ("parameters", "node_id", "field", "value"),
        [
            ({"look": "noir"}, "6", "text", "noir"),
            ({"quality": 44}, "3", "steps", 44),
            ({"6:text": "noir"}, "6", "text", "noir"),
            ({"5:width": 512}, "5", "width", 512),
            ({"prompt": "noir"}, "6", "text", "noir"),
            ({"negative_prompt": "grain"}, "7", "text", "grain"),
            ({"seed": 2**53 - 1}, "3", "seed", 2**53 - 1),
            ({"steps": 12}, "3", "steps", 12),
            ({"cfg": 4}, "3", "cfg", 4.0),
            ({"height": 768}, "5", "height", 768),
            ({"denoise": 0.5}, "3", "denoise", 0.5),
            ({"sampler": "dpmpp_2m"}, "3", "sampler_name", "dpmpp_2m"),
            ({"prompt": "general", "look": "exposed"}, "6", "text", "exposed"),
            ({"look": "exposed", "6:text": "exact"}, "6", "text", "exact"),
        ],
    )
    async def test_parameters_in_three_ways(
        self,
        service: Service,
        parameters: dict[str, Any],
        node_id: str,
        field: str,
        value: Any,
    ) -> None:
        """By exposed name, by `node:input`, by a common name; the more exact one wins."""
        job = await service.job(
            await service.submit(
                workflow_id="flux_dev", parameters=parameters, project_path=str(service.project)
            )
        )
        assert job["parameters"] == parameters
        assert queued(service.project)["workflow"][node_id]["inputs"][field] == value

    async def test_the_wishes_of_the_old_frontend(self, service: Service) -> None:
        """Fields that we do not know are passed over: it sends `source` and `client_id`."""
        answer = await service.post(
            "/api/job", {"workflow": graph(), "source": "storyboard", "client_id": "x"}
        )
        assert answer.status == 202

    async def test_it_survives_a_restart(self, studio: Studio, service: Service) -> None:
        """202 means that it is on the disk."""
        job_id = await service.submit(project_path=str(studio.project))
        await service.close()
        again = await studio.host()
        await again.opened()
        assert (await again.job(job_id))["status"] == "queued"

    async def test_its_actor(self, service: Service) -> None:
        """X-Actor names who wants it."""
        answer = await service.post("/api/job", {"workflow": graph()}, **{"X-Actor": "mara"})
        assert (await service.job(answer.plain["job_id"]))["actor"] == "mara"


class TestWhoseJob:
    """The project that a job belongs to."""

    @pytest.mark.parametrize("name", ["project_path", "projectPath"])
    async def test_named_in_the_body(self, service: Service, name: str) -> None:
        """In either spelling."""
        job = await service.job(await service.submit(**{name: str(service.project)}))
        assert job["project_path"] == str(service.project)

    @pytest.mark.parametrize("name", ["project_path", "projectPath"])
    async def test_named_in_the_metadata(self, service: Service, name: str) -> None:
        """In either spelling."""
        job = await service.job(await service.submit(metadata={name: str(service.project)}))
        assert job["project_path"] == str(service.project)

    async def test_the_current_project(self, service: Service) -> None:
        """If none is named."""
        await service.post("/api/project", {"project": {"name": "E", "path": str(service.project)}})
        job = await service.job(await service.submit())
        assert job["project_path"] == str(service.project)

    async def test_the_body_wins(self, studio: Studio, service: Service) -> None:
        """Body, then metadata, then the current project."""
        other, third = studio.share / "Other", studio.share / "Third"
        other.mkdir()
        third.mkdir()
        await service.post("/api/project", {"project": {"name": "E", "path": str(service.project)}})
        metadata = {"project_path": str(other)}
        job = await service.job(await service.submit(metadata=metadata))
        assert job["project_path"] == str(other)
        job = await service.job(await service.submit(metadata=metadata, project_path=str(third)))
        assert job["project_path"] == str(third)

    async def test_the_hosts_own(self, studio: Studio, service: Service) -> None:
        """If there is no current project either."""
        job = await service.job(await service.submit())
        assert job["project_path"] == str(studio.folder / "hosts/ada/projects/default")

    async def test_the_current_project_names_its_files(self, service: Service) -> None:
        """Its naming template is kept with the job, unless the job brings its own."""
        named = {"name": "E", "path": str(service.project)}
        template = {"naming_template": "x/{panel}_v{version}"}
        await service.post("/api/project", {"project": {**named, **template}})
        await service.submit()
        assert queued(service.project)["naming_template"] == "x/{panel}_v{version}"
        await service.submit(naming_template="")
        assert queued(service.project)["naming_template"] == "x/{panel}_v{version}"
        await service.submit(naming_template="y/{panel}_v{version}")
        assert queued(service.project)["naming_template"] == "y/{panel}_v{version}"

    async def test_two_spellings_in_one_body(self, service: Service) -> None:
        """Which one would be meant?"""
        path = str(service.project)
        answer = await service.post(
            "/api/job", {"workflow": graph(), "project_path": path, "projectPath": path}
        )
        assert set(faults(answer)) == {"projectPath"}

    async def test_a_missing_folder(self, studio: Studio, service: Service) -> None:
        """404; no folder is made for it."""
        answer = await service.post(
            "/api/job", {"workflow": graph(), "project_path": str(studio.share / "Nobody")}
        )
        refused(answer, 404, "file.missing")
        assert not (studio.share / "Nobody").exists()


class TestRefusedJobs:
    """Nothing of a refused job is in the log."""

    async def send(self, service: Service, **body: Any) -> Any:
        """Submit something to the project."""
        return await service.post("/api/job", {"project_path": str(service.project), **body})

    async def test_an_unknown_workflow(self, service: Service) -> None:
        """404 with the names of those that exist."""
        answer = await self.send(service, workflow_id="flux_def")
        plain = refused(answer, 404, "workflow.unknown")
        assert plain["detail"] == {"workflow_id": "flux_def", "known": ["flux_dev"]}
        assert "flux_dev" in plain["message"]

    @pytest.mark.parametrize(
        "name", ["../flux_dev", "/etc/passwd", "", ".", "a\\b", "a" * 5000, "flux_dev.json"]
    )
    async def test_a_workflow_elsewhere(self, service: Service, name: str) -> None:
        """Only the names of the folder count."""
        answer = await self.send(service, workflow_id=name)
        refused(answer, 404, "workflow.unknown")

    async def test_no_workflow_or_two(self, service: Service) -> None:
        """One of the three is needed."""
        refused(await self.send(service), 422, "workflow.invalid")
        answer = await self.send(service, workflow_id="flux_dev", workflow=graph())
        refused(answer, 422, "workflow.invalid")

    @pytest.mark.parametrize(
        ("workflow", "says"),
        [
            ({}, "no nodes"),
            ({"nodes": [], "links": [], "version": 0.4}, "editor's format"),
            ({"prompt": graph()}, "under `prompt`"),
            ({"1": "x"}, "not a node"),
            ({"1": {"inputs": {}}}, "no `class_type`"),
            ({"1": {"class_type": "SaveImage"}}, "no `inputs`"),
            ({"1": node("SaveImage", images=["2", 0])}, "missing node"),
            ({"1": node("A", x=["2", 0]), "2": node("A", x=["1", 0])}, "circle"),
            ({"1": node("A", x=["1", -1])}, "impossible slot"),
        ],
    )
    async def test_what_is_no_graph(
        self, service: Service, workflow: dict[str, Any], says: str
    ) -> None:
        """Found before it lies in the queue overnight; the remedy says how to export one."""
        plain = refused(await self.send(service, workflow=workflow), 422, "workflow.invalid")
        assert says in plain["message"]
        assert "Export (API)" in plain["remedy"]

    async def test_every_faulty_parameter(self, service: Service) -> None:
        """All at once, each with its path; and the names that there are."""
        answer = await self.send(
            service,
            workflow_id="flux_dev",
            parameters={
                "loook": "x",
                "quality": 61,
                "steps": "many",
                "seed": 2**53,
                "cfg": True,
                "6:clip": "x",
                "6:txt": "x",
                "99:text": "x",
                "prompt": None,
            },
        )
        found = faults(answer, "parameters.invalid")
        assert found == {
            "parameters.loook": "there is no such parameter",
            "parameters.quality": "must be at most 60",
            "parameters.steps": "must be a whole number",
            "parameters.seed": "must be at most 9007199254740991",
            "parameters.cfg": "must be a number",
            "parameters.6:clip": "is a link to node 4, and links stay as they are",
            "parameters.6:txt": "node 6 (CLIPTextEncode) has no input 'txt'",
            "parameters.99:text": "there is no such parameter",
            "parameters.prompt": "must be a text",
        }
        known = answer.plain["detail"]["known"]
        assert {"look", "quality", "prompt", "6:text"} <= set(known)

    async def test_a_common_name_without_a_place(self, service: Service) -> None:
        """A graph without sampler has no steps."""
        only = {
            "1": node("LoadImage", image="a.png"),
            "2": node("SaveImage", images=["1", 0], filename_prefix="x"),
        }
        answer = await self.send(service, workflow=only, parameters={"steps": 3})
        assert faults(answer, "parameters.invalid") == {
            "parameters.steps": "this workflow has no place for it"
        }

    async def test_a_monstrous_parameter_name(self, service: Service) -> None:
        """It is refused, and the service goes on: other requests do not wait for it."""
        answer = await self.send(service, workflow_id="flux_dev", parameters={"a:" * 500_000: 1})
        refused(answer, 422, "parameters.invalid")

    async def test_an_unknown_backend(self, studio: Studio) -> None:
        """404 with those that there are."""
        service = await studio.host(backends=(OFF,))
        answer = await self.send(service, workflow=graph(), backend_id="node7")
        assert refused(answer, 404, "backend.unknown")["detail"]["known"] == ["off"]

    async def test_an_unknown_capability(self, studio: Studio) -> None:
        """422: no backend could ever run it."""
        service = await studio.host(backends=(OFF,))
        answer = await self.send(service, workflow=graph(), required_capabilities=["flux", "3d"])
        assert refused(answer, 422, "backend.no_capability")["detail"]["known"] == ["flux"]
        assert log_of(service.project) == {}

    async def test_a_backend_without_the_capability(self, studio: Studio) -> None:
        """Both are known, but they do not go together."""
        other = BackendConfig(id="other", name="Other", host="127.0.0.1", port=1)
        service = await studio.host(backends=(OFF, other))
        answer = await self.send(
            service, workflow=graph(), backend_id="other", required_capabilities=["flux"]
        )
        refused(answer, 422, "backend.no_capability")

    async def test_a_disabled_backend(self, studio: Studio) -> None:
        """It may be switched on again: the job waits, and says for what."""
        off = BackendConfig(id="off", name="Off", host="127.0.0.1", port=1, enabled=False)
        service = await studio.host(backends=(off,))
        job_id = await service.submit(backend_id="off")
        assert (await service.job(job_id))["status"] == "queued"

    @pytest.mark.parametrize(
        "template", ["../{panel}", "/etc/{panel}", "{nonsense}/a", "a/../../b", "a\\..\\b"]
    )
    async def test_a_template_that_climbs(self, service: Service, template: str) -> None:
        """Outputs stay in the project; the known tokens are named."""
        answer = await self.send(service, workflow=graph(), naming_template=template)
        plain = refused(answer, 422, "naming.template_invalid")
        assert "panel" in plain["detail"]["known"]

    @pytest.mark.parametrize(
        ("body", "faulty"),
        [
            ({"workflow": []}, {"workflow"}),
            ({"workflow_id": 7}, {"workflow_id"}),
            ({"workflow_id": "flux_dev", "parameters": []}, {"parameters"}),
            ({"workflow_id": "flux_dev", "metadata": "x"}, {"metadata"}),
            ({"workflow_id": "flux_dev", "timeout_seconds": 0}, {"timeout_seconds"}),
            ({"workflow_id": "flux_dev", "timeout_seconds": "1"}, {"timeout_seconds"}),
            (
                {"workflow_id": 1, "required_capabilities": ["a", 2]},
                {"workflow_id", "required_capabilities[1]"},
            ),
        ],
    )
    async def test_faulty_fields(
        self, service: Service, body: dict[str, Any], faulty: set[str]
    ) -> None:
        """Every one with its path."""
        assert set(faults(await self.send(service, **body))) == faulty
        assert log_of(service.project) == {}

    async def test_nothing_of_them_is_in_the_log(self, service: Service) -> None:
        """Not even the log itself."""
        await self.send(service, workflow_id="nope")
        await self.send(service, workflow={})
        await self.send(service, workflow_id="flux_dev", parameters={"x": 1})
        assert log_of(service.project) == {}
        assert (await service.get("/api/jobs")).plain["total"] == 0


class TestList:
    async def test_empty(self, service: Service) -> None:
        """No jobs, no error."""
        answer = await service.get("/api/jobs")
        assert answer.plain == {"jobs": [], "total": 0, "limit": 100, "offset": 0}

    async def test_newest_first_in_pages(self, service: Service) -> None:
        """With the number of all of them."""
        ids = [await service.submit() for _ in range(5)]
        first = (await service.get("/api/jobs", limit=2)).plain
        rest = (await service.get("/api/jobs", limit=3, offset=2)).plain
        beyond = (await service.get("/api/jobs", offset=9)).plain
        assert [j["job_id"] for j in first["jobs"] + rest["jobs"]] == ids[::-1]
        assert (first["total"], first["limit"], rest["offset"]) == (5, 2, 2)
        assert (beyond["jobs"], beyond["total"]) == ([], 5)

    async def test_by_status(self, service: Service) -> None:
        """One, or several."""
        kept, dropped = await service.submit(), await service.submit()
        await self.cancelled(service, dropped)
        found = (await service.get("/api/jobs", status="queued")).plain["jobs"]
        assert [j["job_id"] for j in found] == [kept]
        found = (await service.get("/api/jobs", status="cancelled")).plain["jobs"]
        assert [j["job_id"] for j in found] == [dropped]
        answer = await service.client.get("/api/jobs?status=queued&status=cancelled")
        assert (await answer.json())["total"] == 2

    async def test_by_project(self, service: Service) -> None:
        """Under either name; across projects without."""
        mine = await service.submit(project_path=str(service.project))
        await service.submit()
        for name in ("project_path", "projectPath", "project"):
            found = (await service.get("/api/jobs", **{name: str(service.project)})).plain
            assert [j["job_id"] for j in found["jobs"]] == [mine]
        assert (await service.get("/api/jobs")).plain["total"] == 2

    async def test_by_backend(self, service: Service) -> None:
        """None of the waiting ones has been on any."""
        await service.submit()
        assert (await service.get("/api/jobs", backend_id="node1")).plain["total"] == 0

    @pytest.mark.parametrize(
        ("query", "faulty"),
        [
            ({"limit": "0"}, "limit"),
            ({"limit": "1001"}, "limit"),
            ({"limit": "ten"}, "limit"),
            ({"offset": "-1"}, "offset"),
            ({"offset": "9" * 30}, "offset"),
            ({"status": "done"}, "status[0]"),
            ({"state": "queued"}, "state"),
        ],
    )
    async def test_faulty_queries(
        self, service: Service, query: dict[str, str], faulty: str
    ) -> None:
        """422 with the name; a wrong status with those that there are."""
        found = faults(await service.get("/api/jobs", **query))
        assert list(found) == [faulty]
        if faulty == "status[0]":
            assert "queued" in found[faulty]

    async def cancelled(self, service: Service, job_id: str) -> None:
        """Cancel a waiting job."""
        assert (await service.post(f"/api/jobs/{job_id}/cancel")).status == 200
        await service.ended(job_id)


class TestOutputs:
    @pytest.mark.parametrize("root", ["/", "/share/Nuit américaine", "/share/50% + x&y=#?"])
    @pytest.mark.parametrize(
        "path", ["a.png", "Panel_01/take 2.png", "ü/%2F+&?#=\"'.png", "a\\b.png"]
    )
    def test_where_they_are_served(self, root: str, path: str) -> None:
        """The address names the very path of the file, whatever stands in its name."""
        at = stamp(1, "0" * 16)
        order = JobQueued(job=JobId("a"), workflow={}, naming_template="x")
        output = Output(1, "9", 0, "images", "f" * 32, path, 1, "0" * 64, at)
        job = Job(queued=Queued(at, "ann", "host", order), outputs=(output,))
        (view,) = job_view(Path(root), "a", job, None, None).outputs
        assert (view.path, view.rel_path) == (str(Path(root) / path), path)
        assert view.url == f"/api/serve-image?path={quote(view.path, safe='')}"


class TestCancel:
    async def test_a_waiting_job(self, service: Service) -> None:
        """It ends at once: no backend has it."""
        job_id = await service.submit()
        answer = await service.post(f"/api/jobs/{job_id}/cancel")
        assert (answer.status, answer.plain["job_id"]) == (200, job_id)
        assert answer.plain["status"] in ("cancelling", "cancelled")
        job = await service.ended(job_id)
        assert job["status"] == "cancelled"
        completed, created = (
            datetime.fromisoformat(job[f"{at}_at"]) for at in ("completed", "created")
        )
        assert completed >= created
        assert job["waiting_for"] is None

    async def test_it_is_written_down(self, service: Service) -> None:
        """That somebody asked, who, and that it ended."""
        job_id = await service.submit(project_path=str(service.project))
        await service.post(f"/api/jobs/{job_id}/cancel", None, **{"X-Actor": "mara"})
        await service.ended(job_id)
        told = [e["t"] for e in events_of(service.project)]
        assert told == ["job.queued", "job.cancel_requested", "job.cancelled"]

    async def test_an_ended_job(self, service: Service) -> None:
        """409, and nothing more is written."""
        job_id = await service.submit(project_path=str(service.project))
        await service.post(f"/api/jobs/{job_id}/cancel")
        await service.ended(job_id)
        before = log_of(service.project)
        refused(await service.post(f"/api/jobs/{job_id}/cancel"), 409, "job.ended")
        assert log_of(service.project) == before

    async def test_twice_at_once(self, service: Service) -> None:
        """Asking twice is asking once."""
        job_id = await service.submit(project_path=str(service.project))
        answers = await asyncio.gather(
            *(service.post(f"/api/jobs/{job_id}/cancel") for _ in range(5))
        )
        assert {answer.status for answer in answers} <= {200, 409}
        assert answers[0].status == 200
        await service.ended(job_id)
        told = [e["t"] for e in events_of(service.project)]
        assert told.count("job.cancel_requested") == 1
        assert told.count("job.cancelled") == 1

    async def test_a_body_is_not_needed_and_not_read(self, service: Service) -> None:
        """Everything stands in the address."""
        job_id = await service.submit()
        answer = await service.send("POST", f"/api/jobs/{job_id}/cancel", b"{nonsense")
        assert answer.status == 200

    @pytest.mark.parametrize("job_id", ["none", "..", "%00", "a" * 3000, "%F0%9F%98%80"])
    async def test_an_unknown_job(self, service: Service, job_id: str) -> None:
        """404 for looking and for cancelling; NUL is no part of a name."""
        path = f"/api/jobs/{job_id}"
        for method, at in (("GET", path), ("POST", f"{path}/cancel")):
            response = await service.client.request(method, URL(at, encoded=True))
            body = await response.json()
            assert body["code"] in ("job.unknown", "request.invalid", "http.not_found")
            assert response.status in (404, 422)
