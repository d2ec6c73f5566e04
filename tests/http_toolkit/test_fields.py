"""What a JSON body may hold, rule by rule."""

from __future__ import annotations

import decimal
import enum
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any, NewType

import orjson
import pytest
from attrs import field, frozen

from orchestrator.errors import MalformedBody
from orchestrator.http import body
from orchestrator.http.dialects import CORE, DOCUMENTED
from orchestrator.http.faulty import Refused
from orchestrator.http.fields import about
from orchestrator.http.reader import ClassReader
from tests.http_toolkit.conftest import Client, Faults

DIGITS = "expected a whole number, got "
SEED = "must fit into 64 bits or expected a string, got a number"


@pytest.mark.parametrize(
    ("sent", "path", "message"),
    [
        pytest.param({"count": True}, "count", DIGITS + "a boolean", id="true is not 1"),
        pytest.param({"count": "7"}, "count", DIGITS + "a string", id="'7' is not 7"),
        pytest.param({"count": 3.5}, "count", DIGITS + "a number", id="3.5 is not 3"),
        pytest.param({"count": None}, "count", DIGITS + "null", id="null is not 0"),
        pytest.param({"count": 2**63}, "count", "must fit into 64 bits", id="64 bits, unsigned"),
        pytest.param({"seed": -(2**63) - 1}, "seed", SEED, id="one below 64 bits"),
        pytest.param({"count": 10**30}, "count", "must fit into 64 bits", id="beyond any bits"),
        pytest.param({"count": 11}, "count", "must be at most 10", id="too much"),
        pytest.param({"count": -1}, "count", "must be at least 0", id="too little"),
        pytest.param({"ratio": True}, "ratio", "expected a number, got a boolean", id="true"),
        pytest.param({"ratio": "1.5"}, "ratio", "expected a number, got a string", id="'1.5'"),
        pytest.param({"ratio": 0}, "ratio", "must be greater than 0", id="open below"),
        pytest.param({"ratio": 2}, "ratio", "must be less than 2", id="open above"),
        pytest.param({"flag": 1}, "flag", "expected true or false, got a whole number", id="1"),
        pytest.param({"flag": "false"}, "flag", "expected true or false, got a string", id="'no'"),
        pytest.param({"code": None}, "code", "expected a string, got null", id="null is no text"),
        pytest.param({"code": 5}, "code", "expected a string, got a whole number", id="5"),
        pytest.param({"code": "A1"}, "code", "must match [a-z][0-9]", id="pattern"),
        pytest.param({"code": "a1\n"}, "code", "must match [a-z][0-9]", id="pattern to the end"),
        pytest.param({"text": ""}, "text", "must have at least 1 character, has 0", id="short"),
        pytest.param(
            {"text": "123456789"}, "text", "must have at most 8 characters, has 9", id="long"
        ),
        pytest.param(
            {"fileNames": "abc"}, "fileNames", "expected a list, got a string", id="no letters"
        ),
        pytest.param(
            {"fileNames": {"0": "a"}}, "fileNames", "expected a list, got an object", id="object"
        ),
        pytest.param(
            {"fileNames": ["a", 2]},
            "fileNames[1]",
            "expected a string, got a whole number",
            id="entry of a list",
        ),
        pytest.param(
            {"fileNames": ["a"] * 4}, "fileNames", "must have at most 3 entries, has 4", id="many"
        ),
        pytest.param(
            {"starCounts": [1]}, "starCounts", "expected an object, got a list", id="list"
        ),
        pytest.param(
            {"starCounts": {"a/b.png": "4"}},
            "starCounts.a/b.png",
            DIGITS + "a string",
            id="value of an object",
        ),
        pytest.param({"kind": "audio"}, "kind", "must be one of: image, video", id="enum"),
        pytest.param({"kind": "IMAGE"}, "kind", "must be one of: image, video", id="enum's name"),
        pytest.param({"kind": ["image"]}, "kind", "must be one of: image, video", id="no value"),
        pytest.param({"mode": "x"}, "mode", "must be one of: template, regex, 3", id="literal"),
        pytest.param(
            {"mode": 3.0}, "mode", "must be one of: template, regex, 3", id="literal's kind"
        ),
        pytest.param({"tag": "t1"}, "tag", "expected an object, got a string", id="no class"),
        pytest.param(
            {"tag": {"tagId": 1, "displayName": "x"}},
            "tag.tagId",
            "expected a string, got a whole number",
            id="field of a class",
        ),
        pytest.param({"tag": {"tagId": "1"}}, "tag.displayName", "is required", id="missing"),
        pytest.param(
            {"childTags": [{"tagId": "1", "displayName": "x", "hue": 1}]},
            "childTags[0].hue",
            "unknown field",
            id="unknown in a list",
        ),
        pytest.param(
            {"seed": 1.5},
            "seed",
            DIGITS + "a number or expected a string, got a number",
            id="union",
        ),
        pytest.param(
            {"seenAt": "yesterday"},
            "seenAt",
            "expected a time in ISO 8601, such as 2026-02-22T10:30:00Z",
            id="no time",
        ),
        pytest.param(
            {"seenAt": 1771756200},
            "seenAt",
            "expected a time in ISO 8601, got a whole number",
            id="epoch",
        ),
        pytest.param(
            {"seenAt": "2026-02-22T10:30:00"},
            "seenAt",
            "needs a time zone; end it with Z for UTC",
            id="time without a zone",
        ),
        pytest.param(
            {"seenAt": "0001-01-01T00:00:00+14:00"},
            "seenAt",
            "expected a time in ISO 8601, such as 2026-02-22T10:30:00Z",
            id="before all times",
        ),
        pytest.param(
            {"graph": []}, "graph", "expected an object, got a list", id="opaque, but an object"
        ),
        pytest.param({"hue": 1}, "hue", "unknown field", id="unknown"),
        pytest.param(
            {"file_names": []},
            "file_names",
            "unknown field; did you mean fileNames?",
            id="other spelling",
        ),
        pytest.param({"text": "a\0b"}, "text", "must not contain NUL characters", id="NUL"),
        pytest.param(
            {"graph": {"3": {"inputs": ["\0"]}}},
            "graph.3.inputs[0]",
            "must not contain NUL characters",
            id="NUL in opaque data",
        ),
        pytest.param(
            {"graph": {".a": {"\0": 1}}},
            "graph..a",
            "a name must not contain NUL characters",
            id="NUL in a name",
        ),
    ],
)
async def test_what_does_not_fit_is_named(
    client: Client, faults: Faults, sent: dict[str, Any], path: str, message: str
) -> None:
    """Nothing is converted; the fault stands under the client's own name for the field."""
    assert await faults(await client.post("/api/everything", json=sent)) == {path: message}


async def test_all_faults_come_at_once(client: Client, faults: Faults) -> None:
    """A client can correct everything after one answer."""
    sent = {"count": "7", "fileNames": [1, "a", None], "text": "\0", "hue": 1}
    found = await faults(await client.post("/api/everything", json=sent))
    assert set(found) == {"count", "fileNames[0]", "fileNames[2]", "text", "hue"}


async def test_faults_are_cut_off(client: Client, faults: Faults) -> None:
    """A hundred faults say enough: a huge faulty body makes no huge answer."""
    found = await faults(await client.post("/api/everything", json={"fileNames": [1] * 5000}))
    assert len(found) == 100
    found = await faults(
        await client.post("/api/everything", json={f"x{n}": n for n in range(5000)})
    )
    assert len(found) == 100


async def test_long_values_are_shortened_in_faults(client: Client) -> None:
    """A fault repeats what was sent, but not all of a long text, and no containers."""
    sent = {"kind": "x" * 5000, "code": ["a"] * 9}
    plain = await (await client.post("/api/everything", json=sent)).json()
    values = {fault["path"]: fault["value"] for fault in plain["detail"]}
    assert values == {"kind": "x" * 200 + "...", "code": "a list of 9"}


async def test_what_fits_comes_back(client: Client) -> None:
    """In camelCase, as it was sent; opaque data and free names are untouched."""
    sent = {
        "text": "é",
        "code": "b2",
        "flag": True,
        "count": 10,
        "ratio": 1,
        "fileNames": ["a_b.png"],
        "seenAt": "2026-02-22T12:30:00+02:00",
        "kind": "video",
        "mode": 3,
        "starCounts": {"Panel_01/a_b.png": 5},
        "tag": {"tagId": "1", "displayName": "x"},
        "childTags": [{"tagId": "2", "displayName": "y"}],
        "seed": -(2**63),
        "graph": {"3_a": {"class_type": "KSampler", "inputs": {"noise_seed": 1.5}}},
        "anything": [None, {"a_b": 1}],
    }
    response = await client.post("/api/everything", json=sent)
    assert response.status == 200
    got = await response.json()
    assert got == sent | {"seenAt": "2026-02-22T10:30:00Z", "ratio": 1.0}


async def test_a_whole_number_may_have_a_point(client: Client) -> None:
    """JSON has one kind of number: 3.0 is 3, whatever the client's language makes of it."""
    response = await client.post(
        "/api/everything", data=b'{"count": 3.0, "starCounts": {"a": 1e3}}'
    )
    assert b'"count":3,' in await response.read()
    assert (await response.json())["starCounts"] == {"a": 1000}


async def test_core_names_are_snake_case(client: Client, faults: Faults) -> None:
    """The document spells core endpoints in snake_case; there, camelCase is an unknown field."""
    response = await client.put("/api/path-mappings/7", json={"linux": "/mnt/a"})
    assert await response.json() == {"mapping_id": 7, "linux": "/mnt/a"}
    found = await faults(await client.post("/api/backends/restart", json={"freeMemory": True}))
    assert found == {"freeMemory": "unknown field; did you mean free_memory?"}


async def test_other_names_of_a_field(client: Client, faults: Faults) -> None:
    """An alias is accepted in the place of the documented name, but not beside it."""
    job = {"workflow_id": "flux_dev"}
    for name in ("project_path", "projectPath"):
        response = await client.post("/api/job", json=job | {name: "/mnt/P"})
        assert (await response.json())["project_path"] == "/mnt/P"
    both = await client.post("/api/job", json=job | {"project_path": "a", "projectPath": "b"})
    assert await faults(both) == {
        "projectPath": "is the same field as project_path; send one of them"
    }
    wrong = await client.post("/api/job", json=job | {"projectPath": 5})
    assert await faults(wrong) == {"projectPath": "expected a string, got a whole number"}


async def test_unknown_fields_are_ignored_where_declared(client: Client, faults: Faults) -> None:
    """`extra="ignore"` lets unknown fields pass; elsewhere they are refused."""
    ignored = await client.post("/api/job", json={"workflow_id": "a", "client_id": "b"})
    assert ignored.status == 202
    assert (await client.get("/api/serve-image?path=a&t=1")).status == 200
    assert await faults(await client.get("/api/jobs?t=1")) == {"t": "unknown field"}


async def test_a_class_may_refuse_what_fits_badly(client: Client, faults: Faults) -> None:
    """A ValueError of the class itself, such as of fields that contradict each other."""
    response = await client.put("/api/path-mappings/7", json={"linux": "/mnt//"})
    assert await faults(response) == {"": "linux must not end with two slashes"}


class Shade(enum.StrEnum):
    """A string and a choice."""

    DARK = "dark"


JobId = NewType("JobId", str)


@frozen(kw_only=True)
class Rare:
    """Types that only some requests have."""

    shade: Shade = Shade.DARK
    job_id: JobId = JobId("")
    names: frozenset[str] = frozenset()
    several: Sequence[int] = ()
    by_name: Mapping[str, Sequence[int]] = field(factory=dict)
    bare_list: list = field(factory=list)  # type: ignore[type-arg] # what the test is about
    own_name: int = field(default=0, metadata=about("A number.", aliases=("own", "own_name")))
    derived: int = field(init=False, default=5)


class TestRareTypes:
    reader = CORE.reader(Rare, text=False, extra="forbid")

    def test_they_are_read(self) -> None:
        """Sets, sequences, mappings, string enums and new types of strings."""
        sent = {
            "shade": "dark", "job_id": "j", "names": ["a", "a"], "several": [1, 2],
            "by_name": {"x": [1]}, "bare_list": [{}], "own": 3,
        }  # fmt: skip
        assert self.reader(sent) == Rare(
            shade=Shade.DARK,
            job_id=JobId("j"),
            names=frozenset({"a"}),
            several=(1, 2),
            by_name={"x": (1,)},
            bare_list=[{}],
            own_name=3,
        )

    @pytest.mark.parametrize(
        "sent",
        [{"shade": "light"}, {"job_id": 1}, {"names": "ab"}, {"by_name": {"x": [True]}},
         {"derived": 1}, []],
    )  # fmt: skip
    def test_they_are_strict(self, sent: Any) -> None:
        """No way around the rules through a type that few use."""
        with pytest.raises(Refused):
            self.reader(sent)

    def test_they_are_written(self) -> None:
        """Sets in a fixed order, enums by their value, derived fields as well."""
        rare = Rare(names=frozenset("cab"), by_name={"x": (1,)})
        assert DOCUMENTED.writer(Rare)(rare) == {
            "shade": "dark", "jobId": "", "names": ["a", "b", "c"], "several": [],
            "byName": {"x": [1]}, "bareList": [], "ownName": 0, "derived": 5,
        }  # fmt: skip


@pytest.mark.parametrize(
    "wanted", [bytes, pathlib.Path, decimal.Decimal, complex, tuple[int, str], dict[int, str]]
)
def test_types_without_a_strict_reading_stop_the_start(wanted: Any) -> None:
    """Left alone, cattrs would convert them somehow; we refuse to compile the endpoint."""
    made = frozen(type("Loose", (), {"__annotations__": {"value": wanted}}))
    reader: ClassReader = CORE.reader(made, text=False, extra="forbid")
    with pytest.raises(TypeError):
        reader.compile()


class TestBytes:
    @pytest.mark.parametrize(
        ("data", "reason"),
        [
            (b"", "it is empty."),
            (b" \r\n", "it is empty."),
            (b"[1]", "it is a list, not an object."),
            (b"null", "it is null, not an object."),
            (b'"x"', "it is a string, not an object."),
            (b'{"a":"\xff"}', "it is not UTF-8 (byte 6)."),
            ('{"a":"é"}'.encode("latin-1"), "it is not UTF-8 (byte 6)."),
            (b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}", "it is nested deeper than 200 levels."),
            (b'{"a":' * 5000, "it is nested deeper than 200 levels."),
            (b'{"a":' * 200 + b"{}" + b"}" * 200, "it is nested deeper than 200 levels."),
        ],
    )  # fmt: skip
    def test_what_is_no_object_is_malformed(self, data: bytes, reason: str) -> None:
        """Nothing can be said of the fields of such a body."""
        with pytest.raises(MalformedBody) as caught:
            body.parse_object(data)
        assert caught.value.reason == reason

    @pytest.mark.parametrize(
        "data", [b"{", b'{"a":NaN}', b'{"a":Infinity}', b'{"a":1e999}', b"{'a':1}", b'{"a":1,}',
                 b'{"a":"\\ud800"}', b'{"a":"\x00"}', b"\xef\xbb\xbf{}", b"a=b"],
    )  # fmt: skip
    def test_what_is_no_json_is_malformed(self, data: bytes) -> None:
        """JSON as the standard has it: no NaN, no trailing commas, no lone surrogates."""
        with pytest.raises(MalformedBody) as caught:
            body.parse_object(data)
        assert caught.value.reason.startswith("it is not JSON: ")

    def test_two_hundred_levels_are_fine(self) -> None:
        """The limit itself is allowed, and many brackets side by side are no depth."""
        deepest = b'{"a":' * 199 + b"{}" + b"}" * 199
        assert body.parse_object(deepest).faults == []
        assert body.parse_object(orjson.dumps({"a": [[]] * 1000})).faults == []

    def test_an_escaped_backslash_is_no_nul(self) -> None:
        r"""The six characters \u0000 in a Windows path are no NUL."""
        assert body.parse_object(rb'{"a":"C:\\u0000"}').faults == []
