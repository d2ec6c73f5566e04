"""Spelling, and the shapes of values in answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import orjson
import pytest
from attrs import frozen

from orchestrator.http import dialects, replies
from orchestrator.http.dialects import CORE, DOCUMENTED, FRONTEND, Dialect, camel


@pytest.mark.parametrize(
    ("attribute", "wire"),
    [("project_path", "projectPath"), ("name", "name"), ("trash_ids", "trashIds"),
     ("modified_at_utc", "modifiedAtUtc")],
)  # fmt: skip
def test_camel_case(attribute: str, wire: str) -> None:
    """The document's spelling of gallery fields."""
    assert camel(attribute) == wire


def test_times_end_in_z() -> None:
    """Times of ours are in UTC; one of another zone says which, and so is no other moment."""
    time = datetime(2026, 2, 22, 10, 30, 0, 5000, tzinfo=UTC)
    there = datetime(2026, 2, 22, 12, 30, tzinfo=timezone(timedelta(hours=2)))
    assert replies.dump([time]) == b'["2026-02-22T10:30:00.005000Z"]'
    assert replies.dump([there]) == b'["2026-02-22T12:30:00+02:00"]'


def test_times_beside_a_name_that_is_no_utf8() -> None:
    """What the fast writer refuses is written by a slow one, times the same way."""
    time = datetime(2026, 2, 22, 10, 30, tzinfo=UTC)
    assert b'"2026-02-22T10:30:00Z"' in replies.dump(["caf\udce9.png", time])
    with pytest.raises(TypeError, match="cannot be sent"):
        replies.dump(["caf\udce9.png", datetime(2026, 2, 22)])  # noqa: DTZ001 -- the test's point


class TestChoosing:
    @pytest.mark.parametrize(
        ("names", "dialect"),
        [
            ({"projectPath"}, DOCUMENTED),
            (set(), DOCUMENTED),
            ({"tag_ids", "new_name"}, DOCUMENTED),
            ({"project_path"}, FRONTEND),
            ({"folder_path"}, FRONTEND),
            ({"file_path", "new_name"}, FRONTEND),
            ({"file_paths", "target_folder"}, FRONTEND),
            ({"projectPath", "project_path"}, FRONTEND),
        ],
    )
    def test_a_gallery_answers_as_it_is_asked(self, names: set[str], dialect: Dialect) -> None:
        """A path in snake_case makes it the frontend's, whatever stands beside it."""
        assert dialects.choose(dialects.spoken(dialect=True), names) is dialect

    def test_the_core_has_one_spelling(self) -> None:
        """The document itself spells it in snake_case."""
        assert dialects.choose(dialects.spoken(dialect=False), {"projectPath"}) is CORE


class TestFrontend:
    def test_times_are_seconds(self) -> None:
        """Everywhere, also in lists."""
        write = FRONTEND.writer(list[Holder])
        time = datetime(2026, 2, 22, 10, 30, tzinfo=UTC)
        assert write([Holder({}, 1, time)])[0]["maybe"] == time.timestamp()

    def test_an_answer_says_that_it_is_one(self) -> None:
        """Unless it says of itself that nothing could be done."""
        assert FRONTEND.wrap({"a": 1}) == {"success": True, "message": "OK", "a": 1}
        assert FRONTEND.wrap({"success": False, "message": "no"})["success"] is False
        assert FRONTEND.wrap([1]) == [1]

    @pytest.mark.parametrize("considered", [True, False])
    def test_a_refusal_is_read_in_one_place_of_three(self, *, considered: bool) -> None:
        """Status 200 if the request was understood; the same text wherever somebody looks."""
        refusal = replies.Refusal(
            status=404, code="a.b", message="Gone.", remedy="Look.", detail=[1],
            considered=considered,
        )  # fmt: skip
        status, plain = FRONTEND.refuse(refusal)
        assert status == (200 if considered else 404)
        assert plain == {
            "success": False, "message": "Gone.", "error": "Gone.", "detail": "Gone.",
            "code": "a.b", "remedy": "Look.",
        }  # fmt: skip


@frozen
class Holder:
    """Opaque data beside our own."""

    big_graph: dict[str, Any]
    any_value: Any
    maybe: datetime | None


def test_opaque_data_is_passed_on() -> None:
    """A ComfyUI graph goes out as it came in: its names are not ours to spell."""
    graph = {"3": {"class_type": "KSampler", "inputs": {"noise_seed": [1, None]}}}
    written = DOCUMENTED.writer(Holder)(Holder(graph, graph, None))
    assert written == {"bigGraph": graph, "anyValue": graph, "maybe": None}
    assert written["bigGraph"] is graph


def test_lists_and_objects_of_classes() -> None:
    """An answer need not be a class."""
    time = datetime(2026, 2, 22, tzinfo=UTC)
    write = CORE.writer(dict[str, list[Holder]])
    assert write({"a_b": [Holder({}, 1, time)]}) == {
        "a_b": [{"big_graph": {}, "any_value": 1, "maybe": time}]
    }


def test_a_name_that_is_no_utf8_does_not_hide_the_others() -> None:
    """Python holds bytes that are no UTF-8 as lone surrogates, which JSON cannot carry."""
    bad = b"caf\xe9.png".decode("utf-8", "surrogateescape")
    written = orjson.loads(replies.dump({"files": [bad, "é.png"]}))
    assert written["files"][0].startswith("caf\ufffd")
    assert written["files"][1] == "é.png"


def test_what_has_no_json_form_is_a_fault_of_ours() -> None:
    """Better a 500 than an answer that says something else."""
    with pytest.raises(TypeError):
        replies.dump({"a": object()})
