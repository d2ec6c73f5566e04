"""Lines: what is written is read back; what could not be is refused before it is written."""

from __future__ import annotations

import math
from hashlib import sha256
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from events import codec
from events.assets import AssetId
from events.codec import MAX_EVENTS, MAX_LINE, LineError, UnloggableError, draft
from events.curation import AssetRated
from events.log.frame import Header, Seal
from events.log.lines import Head, place
from events.registry import BY_NAME, Unknown
from events.stamp import HybridClock, stamp
from events.views import ViewSaved
from tests.events.samples import any_event, least
from tests.log.builders import MS, PROJECT, rated, writer_name

HEAD = Head.begin(PROJECT, writer_name(1), "host-a")


class TestLine:
    @given(st.lists(any_event(), min_size=1, max_size=5), st.text(max_size=9), st.data())
    def test_any_events_come_back(self, events: list[Any], who: str, data: st.DataObject) -> None:
        """One event or several, whatever they say (FORMAT.md T1, L3)."""
        try:
            who.encode()
        except UnicodeEncodeError:
            return
        correlation = data.draw(st.none() | st.just("c-1"))
        line = place(draft(events, who, correlation), HEAD, HybridClock(lambda: MS))

        assert [record.event for record in line.records] == events
        assert {record.actor for record in line.records} == {who}
        assert {record.correlation for record in line.records} == {correlation}
        assert b"\0" not in line.data
        assert line.data.count(b"\n") == 1
        assert codec.check_record(line.data[:-1], HEAD.chain) == line.head.chain

    def test_the_exact_bytes(self) -> None:
        """A line as FORMAT.md shows it; its hash by its rule (FORMAT.md L4)."""
        item = draft([rated(4, "ab12")], "mara", "c-1", beats=stamp(MS << 17, "z" * 16))
        line = place(item, HEAD, HybridClock(lambda: MS))
        text = (
            b'{"s":1,"h":"018bcfe568000000","t":"asset.rated","v":1,"a":"mara",'
            b'"d":{"asset":"ab12","stars":4},"c":"c-1","x":"03179fcad0000001"'
        )
        seed = f"gallery-log/1/{PROJECT}/{writer_name(1)}/host-a"
        before = sha256(seed.encode()).hexdigest()[:32].encode()
        key = sha256(before + text).hexdigest()[:32].encode()

        assert before == HEAD.chain
        assert line.data == text + b',"k":"' + key + b'"}\n'

    def test_header_and_seal_carry_their_own_hash(self) -> None:
        """They stand outside the chain (FORMAT.md L5, L6)."""
        header = Header(1, writer_name(1), "host-a", PROJECT, 1, HEAD.chain, "now")
        seal = Seal(1, 5, 5, 700, "0" * 64, 2)
        for line in (header.encode(), seal.encode()):
            text = line[: -len(b',"k":"') - 32 - len(b'"}\n')]
            assert orjson.loads(line)["k"] == sha256(text).hexdigest()[:32]
        assert Header.decode(header.encode()[:-1]) == header
        assert Seal.decode(seal.encode()[:-1]) == seal

    @pytest.mark.parametrize("first", [b'{"seg":1', b'{"seal":1', b'{"s":1'])
    def test_one_is_not_taken_for_the_other(self, first: bytes) -> None:
        """A line is what its first field says (FORMAT.md L5, L6)."""
        line = codec.close(first)[:-1]
        for kind in (Header, Seal):
            with pytest.raises(LineError):
                kind.decode(line)

    @given(st.binary(max_size=200))
    def test_any_bytes_are_no_line(self, data: bytes) -> None:
        """Only one error comes out of damaged lines (FORMAT.md R6)."""
        for read in (lambda b: codec.check_record(b, HEAD.chain), Header.decode, Seal.decode):
            with pytest.raises(LineError):
                read(data)

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
            lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=2), inner),
        )
    )
    def test_any_json_is_records_or_a_line_error(self, document: Any) -> None:
        """A chain can hold over anything (FORMAT.md R6)."""
        usual = {"s": 1, "h": "0" * 16, "t": "a.b", "v": 1, "a": "m", "d": {}}
        for key in (*usual, "x", "c"):
            try:
                records = codec.decode_records({**usual, key: document}, "w", "h", 1)
            except LineError:
                continue
            assert len(records) == 1

    def test_a_parsed_line_is_an_object(self) -> None:
        """JSON of any other kind is no line (FORMAT.md R1)."""
        for wrong in (b"", b"[]", b"5", b"{", b'"\xff"', b"null"):
            with pytest.raises(LineError):
                codec.parse(wrong)


class TestTransaction:
    def test_a_thousand_fit(self) -> None:
        """A transaction holds 1 to 1,000 events (FORMAT.md T1)."""
        many = [rated(n % 6, str(n)) for n in range(MAX_EVENTS)]
        line = place(draft(many, "mara"), HEAD, HybridClock(lambda: MS))

        assert [record.event for record in line.records] == many
        stamps = [record.stamp for record in line.records]
        assert stamps == sorted(set(stamps))

    @pytest.mark.parametrize("count", [0, MAX_EVENTS + 1])
    def test_none_or_more_do_not(self, count: int) -> None:
        """Refused before anything is written (FORMAT.md T1)."""
        with pytest.raises(UnloggableError, match=f"^{count} events"):
            draft([rated(1)] * count, "mara")

    def test_an_unknown_event_inside_is_passed_by_alone(self) -> None:
        """The others of the transaction count (FORMAT.md R5)."""
        parts = [
            {"t": "asset.rated", "v": 1, "d": {"asset": "a", "stars": 1}},
            {"t": "asset.dreamt", "v": 1, "d": {}},
            {"t": "asset.rated", "v": 1, "d": {"asset": "a", "stars": "?"}},
        ]
        document = {"s": 1, "h": "0" * 16, "t": "tx", "v": 1, "a": "m", "d": {"events": parts}}

        records = codec.decode_records(document, "w" * 16, "h", 1)

        assert [type(record.event) for record in records] == [AssetRated, Unknown, Unknown]

    def test_more_than_a_thousand_in_a_line_are_no_line(self) -> None:
        """What nobody may write nobody reads (FORMAT.md T1)."""
        part = {"t": "asset.rated", "v": 1, "d": {"asset": "a", "stars": 1}}
        for count in (0, MAX_EVENTS + 1):
            events = {"events": [part] * count}
            document = {"s": 1, "h": "0" * 16, "t": "tx", "v": 1, "a": "m", "d": events}
            with pytest.raises(LineError):
                codec.decode_records(document, "w" * 16, "h", 1)


class TestRefusals:
    """What could not be read back is never written (FORMAT.md W8)."""

    @pytest.mark.parametrize(
        "event",
        [
            pytest.param(AssetRated(asset=AssetId("a"), stars="5"), id="a wrong kind"),  # type: ignore[arg-type]  # wrong on purpose
            pytest.param(AssetRated(asset=None, stars=5), id="none"),  # type: ignore[arg-type]  # wrong on purpose
            pytest.param(AssetRated(asset=AssetId("a"), stars=2**70), id="a huge number"),
            pytest.param(AssetRated(asset=AssetId("\ud800"), stars=1), id="half a character"),
            pytest.param(ViewSaved(name="v", settings={"x": object()}), id="an object"),
            pytest.param(ViewSaved(name="v", settings={1: 2}), id="a key that is no text"),  # type: ignore[dict-item]  # wrong on purpose
            pytest.param(Unknown("a.b", 1, {}), id="an unknown event"),
            pytest.param("asset.rated", id="no event"),
            pytest.param(AssetRated, id="a class"),
        ],
    )
    def test_an_event_that_no_line_can_hold(self, event: object) -> None:
        """Alone and in a transaction (FORMAT.md W8)."""
        for told in ([event], [rated(1), event]):
            with pytest.raises(UnloggableError):
                draft(told, "mara")

    def test_not_a_number_becomes_nothing_in_json(self) -> None:
        """Where a number must be, that is refused (FORMAT.md W8)."""
        row = BY_NAME["job.queued"]
        told = least(row)
        object.__setattr__(told, "stall_seconds", math.nan)

        with pytest.raises(UnloggableError):
            draft([told], "mara")

    @pytest.mark.parametrize("actor", [None, 5, b"mara", "\ud800"])
    def test_an_actor_that_is_no_text(self, actor: Any) -> None:
        """The envelope too must be readable (FORMAT.md W8)."""
        with pytest.raises(UnloggableError):
            draft([rated(1)], actor)

    @pytest.mark.parametrize("correlation", [5, b"c", ["c"]])
    def test_a_correlation_that_is_no_text(self, correlation: Any) -> None:
        """The same (FORMAT.md W8)."""
        with pytest.raises(UnloggableError):
            draft([rated(1)], "mara", correlation)

    def test_deep_data(self) -> None:
        """Data nested deeper than our JSON library takes (FORMAT.md W8)."""
        deep: dict[str, Any] = {}
        for _ in range(1_000):
            deep = {"x": deep}
        with pytest.raises(UnloggableError):
            draft([ViewSaved(name="v", settings=deep)], "mara")

    def test_the_longest_line(self) -> None:
        """Up to a mebibyte with its newline, and not a byte more (FORMAT.md L3, W8)."""

        def of(length: int) -> ViewSaved:
            return ViewSaved(name="v", settings={"x": "y" * length})

        fits = 0
        for length in range(MAX_LINE - 400, MAX_LINE):
            try:
                item = draft([of(length)], "mara")
            except UnloggableError:
                break
            fits = length
        assert fits > MAX_LINE - 390
        ahead = stamp((1 << 64) - 2, "z" * 16)
        longest = draft([of(fits)], "mara", beats=ahead)
        far = Head(writer_name(1), "host-a", 10**18, HEAD.chain)
        assert len(place(longest, far, HybridClock(lambda: MS)).data) <= MAX_LINE
        assert item.size <= MAX_LINE
