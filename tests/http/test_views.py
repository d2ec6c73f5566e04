"""Gallery: views, the saved ways to look at it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.http.studio import Answer, Service, Studio, events_of, faults, log_of, refused


async def delete(service: Service, **fields: Any) -> Answer:
    """Delete a view, with a body."""
    body = orjson.dumps({"projectPath": str(service.project), **fields})
    return await service.send("DELETE", "/api/gallery/views", body)


class TestViews:
    async def test_none_at_first(self, service: Service) -> None:
        """Not an error."""
        assert await service.ask("views") == {"view": None, "views": {}}

    async def test_saved_and_read_back(self, service: Service) -> None:
        """Under its name; `default` if there is none."""
        answer = await service.gallery("views", viewMode="grid", thumbnailSize=256)
        assert (answer.status, answer.plain["view"]["name"]) == (200, "default")
        await service.gallery("views", name="dailies", sortField="rating", filters={"min": 4})
        found = await service.ask("views")
        assert found["view"]["viewMode"] == "grid"
        assert list(found["views"]) == ["dailies", "default"]
        one = (await service.ask("views", name="dailies"))["view"]
        assert (one["sortField"], one["filters"], one["viewMode"]) == ("rating", {"min": 4}, None)

    async def test_saved_anew(self, service: Service) -> None:
        """The whole view is replaced."""
        await service.gallery("views", viewMode="grid", sortField="name")
        await service.gallery("views", viewMode="list")
        view = (await service.ask("views"))["view"]
        assert (view["viewMode"], view["sortField"]) == ("list", None)

    async def test_the_same_again_says_nothing(self, service: Service) -> None:
        """The frontend saves at every click."""
        await service.gallery("views", viewMode="grid")
        before = log_of(service.project)
        await service.gallery("views", viewMode="grid")
        assert log_of(service.project) == before

    @pytest.mark.parametrize(
        ("fields", "faulty"),
        [
            ({"name": ""}, "name"),
            ({"name": "x" * 101}, "name"),
            ({"thumbnailSize": 0}, "thumbnailSize"),
            ({"thumbnailSize": "big"}, "thumbnailSize"),
            ({"filters": []}, "filters"),
            ({"viewmode": "grid"}, "viewmode"),
        ],
    )
    async def test_what_is_no_view(
        self, service: Service, fields: dict[str, Any], faulty: str
    ) -> None:
        """422 with the field."""
        assert list(faults(await service.gallery("views", **fields))) == [faulty]
        assert log_of(service.project) == {}

    async def test_each_name_for_itself(self, service: Service) -> None:
        """Saving one leaves the others."""
        await service.gallery("views", name="a", viewMode="grid")
        await service.gallery("views", name="A", viewMode="list")
        views = (await service.ask("views"))["views"]
        assert {name: view["viewMode"] for name, view in views.items()} == {
            "a": "grid",
            "A": "list",
        }

    async def test_free_form_is_kept_to_the_letter(self, service: Service) -> None:
        """Filters and the state of the tree belong to the frontend: keys are not respelled."""
        filters = {"minRating": 4, "snake_case": {"Deep Key": [1, None, "猫"]}}
        state = {"Panel_01/refs": True}
        await service.gallery("views", filters=filters, folderTreeState=state)
        view = (await service.ask("views"))["view"]
        assert (view["filters"], view["folderTreeState"]) == (filters, state)

    async def test_they_survive_a_restart(self, studio: Studio, service: Service) -> None:
        """What was answered is on the disk."""
        await service.gallery("views", name="dailies", viewMode="grid")
        await service.close()
        views = (await (await studio.host()).ask("views"))["views"]
        assert list(views) == ["dailies"]


class TestDeleting:
    async def test_it_is_gone_and_the_others_are_not(self, service: Service) -> None:
        """By name."""
        for name in ("dailies", "heroes"):
            await service.gallery("views", name=name, viewMode="grid")
        answer = await delete(service, name="dailies")
        assert (answer.status, answer.plain) == (200, {"name": "dailies"})
        assert list((await service.ask("views"))["views"]) == ["heroes"]

    async def test_by_query(self, service: Service) -> None:
        """Many clients cannot send a body with DELETE."""
        await service.gallery("views", name="dailies")
        query = {"projectPath": str(service.project), "name": "dailies"}
        response = await service.client.delete("/api/gallery/views", params=query)
        assert (response.status, await response.json()) == (200, {"name": "dailies"})
        assert (await service.ask("views"))["views"] == {}

    async def test_what_is_not_there(self, service: Service) -> None:
        """404, with those that are; twice is once too often."""
        await service.gallery("views", name="heroes")
        await service.gallery("views", name="dailies")
        await delete(service, name="dailies")
        before = log_of(service.project)
        answer = await delete(service, name="dailies")
        detail = refused(answer, 404, "view.unknown")["detail"]
        assert detail == {"name": "dailies", "known": ["heroes"]}
        assert log_of(service.project) == before

    async def test_without_a_name(self, service: Service) -> None:
        """`default` is not deleted by oversight."""
        await service.gallery("views", viewMode="grid")
        assert list(faults(await delete(service))) == ["name"]
        assert (await service.ask("views"))["view"]["viewMode"] == "grid"

    async def test_saved_again(self, service: Service) -> None:
        """A deleted view can be saved again, with other settings."""
        await service.gallery("views", name="dailies", viewMode="grid")
        await delete(service, name="dailies")
        await service.gallery("views", name="dailies", sortField="name")
        view = (await service.ask("views", name="dailies"))["view"]
        assert (view["viewMode"], view["sortField"]) == (None, "name")
        told = [event["t"] for event in events_of(service.project)]
        assert told == ["view.saved", "view.deleted", "view.saved"]
