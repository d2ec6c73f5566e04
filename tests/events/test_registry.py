"""The vocabulary: every event comes back as it was; what does not fit is never guessed at."""

from __future__ import annotations

import typing
from collections.abc import Callable
from typing import Any, NewType

import attrs
import orjson
import pytest
from attrs import field, frozen
from hypothesis import given
from hypothesis import strategies as st

from events import registry
from events.registry import BY_CLASS, BY_NAME, EventType, PayloadError, Unknown, event, name_of
from events.upcasting import lift
from tests.events.samples import any_event, event_types, events_of, full, least

Word = NewType("Word", str)


def payload_of(told: Any) -> dict[str, Any]:
    """An event's payload, as it comes from JSON."""
    row = BY_CLASS[type(told)]
    loaded: dict[str, Any] = orjson.loads(orjson.dumps(row.encode(told)))
    return loaded


@pytest.fixture
def own_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Types registered in a test are gone after it."""
    monkeypatch.setattr(registry, "BY_NAME", dict(BY_NAME))
    monkeypatch.setattr(registry, "BY_CLASS", dict(BY_CLASS))


class TestEveryType:
    @pytest.mark.parametrize("row", event_types(), ids=lambda row: row.name)
    def test_round_trip_of_samples(self, row: EventType) -> None:
        """With all fields, and with the fewest, an event comes back (FORMAT.md C1)."""
        for told in (full(row), least(row)):
            assert lift(row.name, row.version, payload_of(told)) == told

    @given(any_event())
    def test_round_trip(self, told: Any) -> None:
        """Whatever is in it, an event comes back from its payload (FORMAT.md C1)."""
        row = BY_CLASS[type(told)]
        back = lift(row.name, row.version, payload_of(told))

        assert back == told
        assert orjson.dumps(row.encode(back)) == orjson.dumps(row.encode(told))

    @pytest.mark.parametrize("row", event_types(), ids=lambda row: row.name)
    def test_unknown_fields_are_ignored(self, row: EventType) -> None:
        """A later program may say more, in any order (FORMAT.md R5)."""
        payload = payload_of(full(row))
        more = {"of tomorrow": [1], **dict(reversed(payload.items())), "also": None}

        assert lift(row.name, row.version, more) == full(row)

    @pytest.mark.parametrize("row", event_types(), ids=lambda row: row.name)
    def test_wrong_kinds_stay_unknown(self, row: EventType) -> None:
        """Each field of each wrong kind: kept, not applied, no error (FORMAT.md R5)."""
        payload = payload_of(full(row))
        wrong: list[Any] = [None, "text", 7, 2.5, True, ["x"], [7], [None], {"x": 1}]
        for name, value in payload.items():
            for other in wrong:
                changed = {**payload, name: other}
                read = lift(row.name, row.version, changed)
                fits = type(other) is type(value) and (
                    type(other) is not list or type(other[0]) is type(value[0])
                )
                fits |= other is None and self._optional(row, name)
                fits |= type(value) is float and type(other) is int
                assert isinstance(read, Unknown) != fits, (name, other)
                if not fits:
                    assert read == Unknown(row.name, row.version, changed)

    @staticmethod
    def _optional(row: EventType, name: str) -> bool:
        return type(None) in typing.get_args(attrs.fields_dict(row.cls)[name].type)

    @pytest.mark.parametrize("row", event_types(), ids=lambda row: row.name)
    def test_missing_fields(self, row: EventType) -> None:
        """A field without a default must be there; one with a default may not (FORMAT.md C1)."""
        payload = payload_of(full(row))
        for attribute in attrs.fields(row.cls):
            part = {k: v for k, v in payload.items() if k != attribute.name}
            needed = attribute.default is attrs.NOTHING
            assert isinstance(lift(row.name, row.version, part), Unknown) == needed

    @pytest.mark.parametrize("row", event_types(), ids=lambda row: row.name)
    def test_classes_are_small_and_frozen(self, row: EventType) -> None:
        """An event is a fact: it has slots, cannot be changed, and says what it means."""
        told = full(row)

        assert not hasattr(told, "__dict__")
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(told, attrs.fields(row.cls)[0].name, "x")
        assert row.doc.endswith((".", ":"))
        assert name_of(told) == row.name

    @given(st.sampled_from(event_types()), st.dictionaries(st.text(), st.integers()), st.integers())
    def test_any_payload_is_an_event_or_unknown(
        self, row: EventType, payload: dict[str, Any], version: int
    ) -> None:
        """Decoding never raises (FORMAT.md R6)."""
        assert isinstance(lift(row.name, version, payload), (row.cls, Unknown))


class TestVersions:
    def test_a_version_from_the_future_stays_unknown(self) -> None:
        """Its meaning may be another (FORMAT.md R5)."""
        payload = {"asset": "a", "stars": 5}

        assert lift("asset.rated", 2, payload) == Unknown("asset.rated", 2, payload)
        assert lift("asset.rated", 0, payload) == Unknown("asset.rated", 0, payload)

    def test_a_type_from_the_future_stays_unknown(self) -> None:
        """And says its own name (FORMAT.md R5)."""
        read = lift("asset.dreamt", 1, {"x": 1})

        assert read == Unknown("asset.dreamt", 1, {"x": 1})
        assert name_of(read) == "asset.dreamt"


@pytest.mark.usefixtures("own_registry")
class TestRegistering:
    def test_a_name_is_taken_once(self) -> None:
        """Two classes under one name would make one log mean two things (FORMAT.md C4)."""

        @frozen
        class Again:
            """Again."""

            asset: str

        with pytest.raises(ValueError, match="two classes"):
            event("asset.rated")(Again)

    @pytest.mark.parametrize(
        "name", ["tx", "rated", "Asset.rated", "asset.", ".rated", "a.b.c", "asset rated", ""]
    )
    def test_a_name_has_a_form(self, name: str) -> None:
        """Noun and past participle, so that `tx` and the like stay free (FORMAT.md C4)."""
        with pytest.raises(ValueError, match="no name"):
            event(name)

    def test_a_stream_is_named_by_the_first_field(self) -> None:
        """What an event is about stands first in its class (FORMAT.md C4)."""
        assert BY_NAME["asset.tagged"].stream == "asset-<asset>"
        assert BY_NAME["tag.defined"].stream == "tag-<tag>"

    def test_every_kind_of_field(self) -> None:
        """Texts, numbers, truths, lists, opaque data; with and without default; None."""

        @event("test.kinds_tried")
        @frozen(kw_only=True)
        class Kinds:
            """All kinds."""

            text: Word
            ratio: float
            flag: bool = False
            many: tuple[Word, ...] = ()
            maybe: int | None = None
            must: str | None
            data: dict[str, Any] = field(factory=dict)

        row = registry.BY_CLASS[Kinds]
        decode: Callable[[dict[str, Any]], Any] = row.decode
        least_said = decode({"text": "a", "ratio": 1, "must": None})
        assert least_said == Kinds(text=Word("a"), ratio=1.0, must=None)
        assert type(least_said.ratio) is float
        told = Kinds(text=Word("a"), ratio=0.5, flag=True, many=(Word("b"),), maybe=3, must="x")
        assert decode(orjson.loads(orjson.dumps(row.encode(told)))) == told
        for wrong in ({"many": [1]}, {"many": "ab"}, {"flag": 0}, {"ratio": True}, {"must": 1}):
            with pytest.raises(PayloadError):
                decode({"text": "a", "ratio": 1, "must": None, **wrong})
        with pytest.raises(PayloadError, match="must is missing"):
            decode({"text": "a", "ratio": 1})

    def test_defaults_made_anew_are_not_shared(self) -> None:
        """Two events without a dict do not share one."""
        row = BY_NAME["job.queued"]
        payload = {k: v for k, v in payload_of(least(row)).items() if k != "metadata"}
        one: Any = lift(row.name, 1, payload)
        two: Any = lift(row.name, 1, payload)

        assert one == two
        assert one.metadata is not two.metadata


@given(st.data())
def test_strategies_cover_every_field(data: st.DataObject) -> None:
    """The generator of events makes each type."""
    for row in event_types():
        assert type(data.draw(events_of(row))) is row.cls
