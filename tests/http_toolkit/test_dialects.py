"""Spelling, and the shapes of values in answers."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import orjson
import pytest
from attrs import frozen

from orchestrator.http import dialects, replies
from orchestrator.http.dialects import CORE, DOCUMENTED, camel, iso


@pytest.mark.parametrize(
    ("attribute", "wire"),
    [("project_path", "projectPath"), ("name", "name"), ("trash_ids", "trashIds"),
     ("modified_at_utc", "modifiedAtUtc")],
)  # fmt: skip
def test_camel_case(attribute: str, wire: str) -> None:
    """The document's spelling of gallery fields."""
    assert camel(attribute) == wire


def test_times_end_in_z() -> None:
    """In UTC, wherever they were; a time without a zone is nobody's to guess."""
    there = datetime(2026, 2, 22, 12, 30, tzinfo=timezone(timedelta(hours=2)))
    assert iso(there) == "2026-02-22T10:30:00Z"
    assert iso(datetime(2026, 2, 22, 10, 30, 0, 5000, tzinfo=UTC)) == "2026-02-22T10:30:00.005000Z"
    with pytest.raises(ValueError, match="without a zone"):
        iso(datetime(2026, 2, 22))  # noqa: DTZ001 -- what the test is about


def test_an_endpoint_speaks_the_dialect_of_its_document() -> None:
    """Spelled in camelCase for the gallery, snake_case for the core."""
    assert dialects.choose(dialects.spoken(dialect=True), {"project_path"}) is DOCUMENTED
    assert dialects.choose(dialects.spoken(dialect=False), set()) is CORE


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
        "a_b": [{"big_graph": {}, "any_value": 1, "maybe": "2026-02-22T00:00:00Z"}]
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
