"""Groups of jobs: submitting them in three ways, and what is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.http.grouping import BEAST, NODE, RESTING, orders, seeds_of, send, taken, told
from tests.http.studio import Service, Studio, events_of, faults, graph, node, refused
from tests.scheduling.graphs import still


@pytest.fixture
async def service(studio: Studio) -> Service:
    """A service whose backends are off: jobs wait in its queue."""
    return await studio.host(backends=(BEAST, NODE, RESTING))


class TestOnBackends:
    """One workflow, once on each of several backends."""

    @pytest.mark.parametrize("path", ["/api/job-groups", "/api/job-group"])
    async def test_as_the_frontend_sends_it(self, service: Service, path: str) -> None:
        """201 with the group, its jobs under both names, and where it stands."""
        answer = await service.post(
            path,
            {
                "workflow_json": graph(),
                "parameters": {"prompt": "noir"},
                "backend_ids": ["beast", "node"],
                "seed_strategy": "sequential",
                "base_seed": 42,
                "metadata": {"panel_id": "Panel_03"},
                "timeout_seconds": 300,
                "required_capabilities": [],
                "project_path": str(service.project),
            },
        )
        assert answer.status == 201
        group = answer.plain
        assert (group["success"], group["message"]) == (True, "2 jobs accepted")
        assert group["job_group_id"] == group["id"]
        assert group["id"].startswith("jg_")
        assert (group["status"], group["total_count"], group["queued_count"]) == ("pending", 2, 2)
        assert group["jobs"] == group["child_jobs"]
        assert group["created_at"].endswith("Z")
        assert (group["seed_strategy"], group["base_seed"]) == ("sequential", 42)
        assert group["metadata"] == {"panel_id": "Panel_03"}
        first = group["child_jobs"][0]
        assert first["queued_at"].endswith("Z")
        assert {name: first[name] for name in ("backend_id", "seed", "status", "progress")} == {
            "backend_id": "beast", "seed": 42, "status": "queued", "progress": 0,
        }  # fmt: skip
        assert first["outputs"] == {"images": []}
        unknown = ("current_step", "steps_completed", "error_message", "error_type", "started_at")
        assert {first[name] for name in unknown} == {None}

    async def test_what_the_log_is_told(self, service: Service) -> None:
        """Each job with its group, seed and backend; then, and only then, the group."""
        group = await taken(service, backend_ids=["beast", "node"], base_seed=7, priority=3)
        assert told(service.project) == ["job.queued", "job.queued", "group.created"]
        made = orders(service.project)
        assert {order["group"] for order in made} == {group["id"]}
        assert [order["job"] for order in made] == [job["job_id"] for job in group["jobs"]]
        assert [order["backend"] for order in made] == ["beast", "node"]
        assert [order["workflow"]["3"]["inputs"]["seed"] for order in made] == seeds_of(group)
        assert [order["priority"] for order in made] == [3, 3]
        (created,) = (e["d"] for e in events_of(service.project) if e["t"] == "group.created")
        assert created["jobs"] == [order["job"] for order in made]
        assert (created["seed_strategy"], created["base_seed"]) == ("random", 7)

    async def test_a_backend_that_is_named_twice(self, service: Service) -> None:
        """Gets two jobs, each with a seed of its own."""
        group = await taken(service, backend_ids=["beast", "beast", "node"], base_seed=1)
        assert [job["backend_id"] for job in group["jobs"]] == ["beast", "beast", "node"]
        assert len(set(seeds_of(group))) == 3

    async def test_seeds(self, service: Service) -> None:
        """As the contract has them."""
        dealt = {"sequential": [42, 43], "fibonacci": [42, 1042], "golden_ratio": [42, 67]}
        for strategy, seeds in dealt.items():
            both = ["beast", "node"]
            group = await taken(service, backend_ids=both, seed_strategy=strategy, base_seed=42)
            assert seeds_of(group) == seeds

    async def test_any_panel(self, service: Service) -> None:
        """Numbers and names alike."""
        for panel in (3, "Panel_03", None, True, 2.5):
            group = await taken(service, backend_ids=["beast"], metadata={"panel_id": panel})
            assert group["metadata"] == {"panel_id": panel}


class TestVariations:
    """One workflow, several times wherever there is room."""

    async def test_on_any_backend(self, service: Service) -> None:
        """So many jobs, none of them bound."""
        group = await taken(service, count=5, workflow_id="flux_dev")
        assert group["total_count"] == 5
        assert {job["backend_id"] for job in group["jobs"]} == {None}
        assert len(set(seeds_of(group))) == 5
        assert {order["workflow_id"] for order in orders(service.project)} == {"flux_dev"}

    async def test_drawn_seeds(self, service: Service) -> None:
        """Without a base seed each group draws another; every node takes it."""
        bases = {(await taken(service, count=1))["base_seed"] for _ in range(3)}
        assert len(bases) == 3
        assert max(bases) < 2**32

    async def test_the_parameter_seed_is_the_base(self, service: Service) -> None:
        """Unless there is a base seed as well."""
        asked: dict[str, Any] = {"count": 2, "seed_strategy": "sequential"}
        assert seeds_of(await taken(service, **asked, parameters={"seed": 8})) == [8, 9]
        both = await taken(service, **asked, parameters={"seed": 8}, base_seed=5)
        assert seeds_of(both) == [5, 6]

    async def test_a_seed_that_a_parameter_sets(self, service: Service) -> None:
        """Stays, while the others vary; the answer tells the seed that counts."""
        two = {**graph(), "20": node("RandomNoise", noise_seed=5)}
        asked: dict[str, Any] = {"workflow": two, "count": 2, "base_seed": 1}
        await taken(service, **asked, parameters={"3:seed": 99})
        made = [order["workflow"] for order in orders(service.project)]
        assert [each["3"]["inputs"]["seed"] for each in made] == [99, 99]
        assert made[0]["20"]["inputs"]["noise_seed"] == 1
        assert made[1]["20"]["inputs"]["noise_seed"] != 1
        fixed = await taken(service, **asked, parameters={"3:seed": 99, "20:noise_seed": 98})
        assert seeds_of(fixed) == [99, 99]
        assert "all of them render the same" in fixed["message"]

    async def test_a_workflow_without_seeds(self, service: Service) -> None:
        """It is taken, and the answer says that its pictures will be alike."""
        group = await taken(service, workflow=still(), count=2)
        assert seeds_of(group) == [None, None]
        assert "all of them render the same" in group["message"]

    async def test_five_hundred(self, service: Service) -> None:
        """In one request, and all there."""
        group = await taken(service, count=500, seed_strategy="golden_ratio")
        assert group["total_count"] == 500
        assert len(set(seeds_of(group))) == 500
        assert (await service.get("/api/jobs")).plain["total"] == 500


class TestList:
    """Jobs that are described one by one."""

    async def test_each_with_its_own(self, service: Service) -> None:
        """What holds for all is said once, and a job's own word wins."""
        group = await taken(
            service,
            parameters={"steps": 9, "prompt": "all"},
            metadata={"panel_id": "Panel_01"},
            priority=4,
            jobs=[
                {"workflow_id": "flux_dev", "parameters": {"prompt": "one", "seed": 5}},
                {"workflow": graph(), "backend_id": "node", "priority": 7},
            ],
        )
        one, two = orders(service.project)
        assert one["workflow"]["6"]["inputs"]["text"] == "one"
        assert two["workflow"]["6"]["inputs"]["text"] == "all"
        assert (one["workflow"]["3"]["inputs"]["steps"], two["backend"]) == (9, "node")
        assert (one["priority"], two["priority"]) == (4, 7)
        assert one["metadata"] == two["metadata"] == {"panel_id": "Panel_01"}
        assert seeds_of(group) == [5, 1]
        assert (group["seed_strategy"], group["base_seed"]) == (None, None)

    async def test_a_chain(self, service: Service) -> None:
        """Keys stand for ids, in any order; other jobs are named by their ids."""
        before = await service.submit(project_path=str(service.project))
        group = await taken(
            service,
            jobs=[
                {"workflow": graph(), "key": "last", "after": ["first", "middle"]},
                {"workflow": graph(), "key": "middle", "after": ["first"]},
                {"workflow": graph(), "key": "first", "after": [before]},
            ],
        )
        last, middle, first = (job["job_id"] for job in group["jobs"])
        after = {order["job"]: order["after"] for order in orders(service.project)}
        assert after[last] == [first, middle]
        assert (after[middle], after[first]) == ([first], [before])

    async def test_an_output_of_another(self, service: Service) -> None:
        """A parameter may name a file that another job of the list will make."""
        load = {"1": node("LoadImage", image="x.png"), "2": node("SaveImage", images=["1", 0])}
        group = await taken(
            service,
            jobs=[
                {"workflow": graph(), "key": "base"},
                {"workflow": load, "parameters": {"1:image": "job:base:0"}},
                {"workflow": load, "parameters": {"1:image": {"job": "base", "output": 1}}},
            ],
        )
        base = group["jobs"][0]["job_id"]
        made = orders(service.project)[1:]
        assert [order["after"] for order in made] == [[base], [base]]
        assert [order["inputs"][0]["job"] for order in made] == [base, base]


#: Requests with a field that is out of bounds, the field, and what is said of it.
OUT_OF_BOUNDS: list[tuple[dict[str, Any], str, str]] = [
    ({"jobs": []}, "jobs", "at least 1"),
    ({"jobs": [{"workflow": {}}] * 10_000}, "jobs", "at most 500"),
    ({"backend_ids": []}, "backend_ids", "at least 1"),
    ({"backend_ids": ["beast"] * 501}, "backend_ids", "at most 500"),
    ({"count": 0}, "count", "at least 1"),
    ({"count": 10_000}, "count", "at most 500"),
    ({"count": 2, "timeout_seconds": 29}, "timeout_seconds", "at least 30"),
    ({"count": 2, "timeout_seconds": 3601}, "timeout_seconds", "at most 3600"),
    ({"count": 2, "base_seed": -1}, "base_seed", "at least 0"),
    ({"count": 2, "base_seed": 2**53}, "base_seed", "at most"),
    ({"count": 2, "seed_strategy": "prime"}, "seed_strategy", "golden_ratio"),
    ({"jobs": [{"workflow": {}, "key": "a b"}]}, "jobs[0].key", "must match"),
]
#: Requests that describe no group, or describe it twice.
NO_GROUP: list[dict[str, Any]] = [
    {},
    {"count": 2, "backend_ids": ["beast"]},
    {"count": 2, "jobs": [{"workflow": graph()}]},
    {"jobs": [{"workflow": graph()}], "base_seed": 4},
    {"jobs": [{"workflow": graph()}], "workflow": graph()},
    {"jobs": [{"workflow": graph(), "key": "a"}, {"workflow": graph(), "key": "a"}]},
]
#: Jobs that cannot be taken, and why.
BAD_JOBS: list[tuple[dict[str, Any], str]] = [
    ({"workflow": {}}, "workflow.invalid"),
    ({}, "workflow.invalid"),
    ({"workflow_id": "nothing"}, "workflow.unknown"),
    ({"workflow": graph(), "parameters": {"x": 1}}, "parameters.invalid"),
    ({"workflow": graph(), "after": ["nobody"]}, "job.unknown"),
    ({"workflow": graph(), "backend_id": "moon"}, "backend.unknown"),
]


class TestRefused:
    """Nothing of a refused group is in the log."""

    @pytest.fixture(autouse=True)
    async def nothing_is_told(self, service: Service) -> AsyncIterator[None]:
        """Whatever was asked for."""
        yield
        assert told(service.project) == []

    async def test_out_of_bounds(self, service: Service) -> None:
        """422 with the field and its limit."""
        for body, path, said in OUT_OF_BOUNDS:
            found = faults(await send(service, **body))
            assert said in found[path], path

    async def test_no_group_at_all(self, service: Service) -> None:
        """Described in no way, or in several."""
        for body in NO_GROUP:
            refused(await send(service, **body), 422, "group.invalid")

    async def test_a_circle(self, service: Service) -> None:
        """It is named."""
        jobs = [
            {"workflow": graph(), "key": key, "after": [after]}
            for key, after in (("a", "b"), ("b", "c"), ("c", "a"))
        ]
        plain = refused(await send(service, jobs=jobs), 422, "group.cycle")
        assert plain["detail"] == {"keys": ["a", "b", "c"]}
        assert "a -> b -> c -> a" in plain["message"]

    async def test_an_unknown_backend(self, service: Service) -> None:
        """404 with those that there are."""
        plain = refused(await send(service, backend_ids=["beast", "moon"]), 404, "backend.unknown")
        assert plain["detail"]["backend_id"] == "moon"

    async def test_a_disabled_backend(self, service: Service) -> None:
        """409: nobody wants to wait for it unknowingly."""
        plain = refused(
            await send(service, backend_ids=["beast", "resting"]), 409, "backend.disabled"
        )
        assert plain["detail"] == {"backend_id": "resting"}

    async def test_a_backend_that_cannot(self, service: Service) -> None:
        """One that lacks what is required."""
        asked = {"backend_ids": ["beast", "node"], "required_capabilities": ["flux"]}
        refused(await send(service, **asked), 422, "backend.no_capability")

    async def test_one_job_of_many(self, service: Service) -> None:
        """It is named by its place and key, with what is wrong with it."""
        for job, code in BAD_JOBS:
            jobs = [{"workflow": graph()}, {"key": "bad", **job}]
            plain = refused(await send(service, jobs=jobs), 422, "group.job_refused")
            detail = plain["detail"]
            assert (detail["index"], detail["key"], detail["code"]) == (1, "bad", code)
            assert plain["message"].startswith("jobs[1] (key 'bad'): ")

    async def test_two_projects(self, studio: Studio, service: Service) -> None:
        """A group belongs to one."""
        other = studio.share / "Other"
        other.mkdir()
        jobs = [{"workflow": graph(), "project_path": str(other)}]
        plain = refused(await send(service, jobs=jobs), 422, "group.invalid")
        assert str(other) in plain["message"]

    async def test_a_parameter_that_does_not_fit(self, service: Service) -> None:
        """As for a single job."""
        asked = {"count": 2, "parameters": {"seed": "x", "nope": 1}}
        found = faults(await send(service, **asked), "parameters.invalid")
        assert set(found) == {"parameters.seed", "parameters.nope"}
