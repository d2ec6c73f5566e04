"""Saving, loading and listing the states of a project over HTTP, as the existing frontend does."""

from __future__ import annotations

from typing import Any

import orjson

from orchestrator.http import states as states_module
from tests.http.studio import Service, Studio, events_of, faults, refused
from tests.states.office import drafts, state


def place(service: Service) -> str:
    """The file of the project's state."""
    return str(service.project / "project.json")


async def save(service: Service, name: str, **more: Any) -> Any:
    """Save a state; the answer."""
    body = {"folder_path": str(service.project), "filename": "project.json"}
    answer = await service.post(
        "/api/save-project", {**body, "state": state(name, **more)}, **{"X-Actor": "mara"}
    )
    assert answer.status == 200, answer.body
    return answer.plain


async def load(service: Service, **more: Any) -> Any:
    """Load a state; the answer."""
    answer = await service.post("/api/load-project", {"file_path": place(service), **more})
    assert answer.status == 200, answer.body
    return answer.plain


async def listed(service: Service, **query: Any) -> Any:
    """All states; the answer."""
    answer = await service.get("/api/project-states", file_path=place(service), **query)
    assert answer.status == 200, answer.body
    return answer.plain


class TestSavingAndLoading:
    async def test_there_and_back(self, service: Service) -> None:
        """With all fields; the answers have what the frontend reads."""
        saved = await save(service, "Eliot", panels=2, camera_angles={"a": [0.5]}, comfy_url=None)
        assert saved == {
            "success": True,
            "saved_path": place(service),
            "path": place(service),
            "message": "Saved project.json",
            "sha256": saved["sha256"],
            "changed": True,
        }
        loaded = await load(service)
        sent = state("Eliot", panels=2, camera_angles={"a": [0.5]}, comfy_url=None)
        assert loaded == {
            "success": True,
            "state": sent,
            "project": sent["project_settings"],
            "message": "Loaded project.json",
            "file_path": place(service),
            "source": "file",
            "sha256": saved["sha256"],
        }

    async def test_the_name_may_be_left_out(self, service: Service) -> None:
        """Then it is project.json; other fields of the request are passed over."""
        body = {"folder_path": str(service.project), "state": state("x"), "autosave": True}
        answer = await service.post("/api/save-project", body)
        assert answer.plain["saved_path"] == place(service)

    async def test_saving_every_minute(self, service: Service) -> None:
        """The log does not grow as long as nobody does anything."""
        await save(service, "Eliot")
        before = events_of(service.project)
        for minute in range(3):
            answer = await save(service, "Eliot", saved_at=f"2026-01-02T03:0{minute}:00Z")
            assert (answer["changed"], answer["message"]) == (False, "Nothing has changed")
        assert events_of(service.project) == before

    async def test_a_broken_file(self, service: Service) -> None:
        """The backup is loaded, and the message says so."""
        await save(service, "first")
        await save(service, "second")
        (service.project / "project.json").write_bytes(b'{"project_settings"')
        loaded = await load(service)
        assert (loaded["project"]["name"], loaded["source"]) == ("first", "backup")
        assert "project.json is broken" in loaded["message"]


class TestEarlierStates:
    async def test_listed_and_loaded(self, service: Service) -> None:
        """The newest first, a page at a time; each is loaded by its sha256."""
        saved = [await save(service, name, panels=n) for n, name in enumerate("abc", 1)]
        found = await listed(service)
        assert (found["success"], found["total"]) == (True, 3)
        assert [one["sha256"] for one in found["states"]] == [s["sha256"] for s in saved[::-1]]
        newest = found["states"][0]
        assert (newest["actor"], newest["panels"], newest["origin"]) == ("mara", 3, "saved")
        assert newest["saved_at"].endswith("Z")
        assert newest["state_saved_at"] == "2026-01-02T03:04:05Z"
        assert newest["size"] == (service.project / "project.json").stat().st_size
        loaded = await load(service, sha256=saved[0]["sha256"])
        assert (loaded["project"]["name"], loaded["source"]) == ("a", "kept")
        assert (await load(service))["project"]["name"] == "c"
        page = await listed(service, limit=1, offset=1)
        assert [one["sha256"] for one in page["states"]] == [saved[1]["sha256"]]

    async def test_of_a_moment(self, service: Service) -> None:
        """The state that counted then."""
        await save(service, "a")
        (one,) = (await listed(service))["states"]
        loaded = await load(service, at=one["saved_at"])
        assert loaded["project"]["name"] == "a"

    async def test_a_state_that_was_found(self, service: Service) -> None:
        """Nobody knows who made it."""
        (service.project / "project.json").write_bytes(orjson.dumps(state("old")))
        await save(service, "new")
        assert [(s["actor"], s["origin"]) for s in (await listed(service))["states"]] == [
            ("mara", "saved"),
            (None, "found"),
        ]

    async def test_on_another_host_and_after_a_restart(
        self, studio: Studio, service: Service
    ) -> None:
        """States are of the project, not of a host."""
        saved = await save(service, "a")
        other = await studio.host("bela")
        assert (await listed(other))["states"] == (await listed(service))["states"]
        await save(other, "b")
        assert [s["origin"] for s in (await listed(service))["states"]] == ["saved", "saved"]
        await service.close()
        again = await studio.host()
        assert (await load(again, sha256=saved["sha256"]))["project"]["name"] == "a"

    async def test_none(self, service: Service) -> None:
        """An empty list, not an error; and nothing is made."""
        assert (await listed(service))["states"] == []
        assert not (service.project / ".gallery").exists()


class TestRefusals:
    async def test_no_state(self, service: Service) -> None:
        """Each fault has its place."""
        body = {"folder_path": str(service.project), "state": {"panels": {}, "n": 2**70}}
        assert faults(await service.post("/api/save-project", body)) == {
            "state.project_settings": "is required",
            "state.panels": "must be a list",
            "state.n": "must fit into 64 bits",
        }
        assert not (service.project / ".gallery").exists()

    async def test_numbers_that_are_none(self, service: Service) -> None:
        """NaN is no JSON, and neither is what overflows."""
        for number in (b"NaN", b"Infinity", b"1e999"):
            body = b'{"folder_path": "/x", "state": {"panels": [' + number + b"]}}"
            refused(await service.send("POST", "/api/save-project", body), 400, "request.malformed")

    async def test_both_a_state_and_a_moment(self, service: Service) -> None:
        """One of them."""
        body = {"file_path": place(service), "sha256": "0" * 64, "at": "2026-01-01T00:00:00Z"}
        assert "not both" in faults(await service.post("/api/load-project", body))[""]

    async def test_a_sha256_that_is_none(self, service: Service) -> None:
        """It never becomes a path."""
        body = {"file_path": place(service), "sha256": "../../FORMAT"}
        assert set(faults(await service.post("/api/load-project", body))) == {"sha256"}

    async def test_what_is_not_there(self, service: Service) -> None:
        """A file, a state, a folder."""
        body = {"file_path": place(service)}
        refused(await service.post("/api/load-project", body), 404, "file.missing")
        kept = {**body, "sha256": "0" * 64}
        refused(await service.post("/api/load-project", kept), 404, "state.unknown")
        folder = {"folder_path": str(service.project / "no"), "state": state("x")}
        refused(await service.post("/api/save-project", folder), 404, "file.missing")
        assert not (service.project / "no").exists()

    async def test_names_and_places(self, service: Service) -> None:
        """Nothing outside of the roots, and nothing but .json."""
        body = {"folder_path": str(service.project), "state": state("x")}
        for name in ("../x.json", "x.txt", "CON.json", ""):
            answer = await service.post("/api/save-project", {**body, "filename": name})
            refused(answer, 422, "path.invalid")
        outside = {"folder_path": "/etc", "state": state("x")}
        refused(await service.post("/api/save-project", outside), 403, "path.not_permitted")
        refused(
            await service.post("/api/load-project", {"file_path": "/etc/x.json"}),
            403,
            "path.not_permitted",
        )

    async def test_too_large(self, service: Service) -> None:
        """413, and nothing is done."""
        assert states_module.STATE_BYTES == 50 << 20
        data = b" " * (states_module.STATE_BYTES + 1)
        plain = refused(
            await service.send("POST", "/api/save-project", data), 413, "request.too_large"
        )
        assert str(states_module.STATE_BYTES) in plain["message"]
        assert not (service.project / ".gallery").exists()

    async def test_nearly_too_large(self, service: Service) -> None:
        """It is saved like any other."""
        body = {"folder_path": str(service.project), "state": state("x", blob="")}
        room = states_module.STATE_BYTES - len(orjson.dumps(body))
        body["state"] = state("x", blob="b" * room)
        answer = await service.send("POST", "/api/save-project", orjson.dumps(body))
        assert answer.status == 200, answer.body
        assert (service.project / "project.json").stat().st_size > room
        assert drafts(service.project) == []


class TestCurrentProject:
    async def test_while_the_name_is_being_typed(self, service: Service) -> None:
        """The frontend sends every change, also with nothing in it."""
        sent = {"name": "", "path": "", "naming_template": "", "auto_save": False}
        sent["orchestrator_url"] = "http://127.0.0.1:9820"
        answer = await service.post("/api/project", {"project": sent})
        assert answer.plain["success"] is True
        found = (await service.get("/api/project")).plain["project"]
        assert {name: found[name] for name in sent} == sent
