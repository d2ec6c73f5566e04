"""Old stores as JSON: whole, odd, torn."""

from __future__ import annotations

import json

import pytest

from orchestrator.gallery.legacy.documents import parse
from tests.legacy.old_project import gallery, record

WHOLE = gallery(
    files={f"P/{number}.png": record(number) for number in range(1, 5)},
    tags={"1": {"name": "hero", "color": "#ff0000"}},
)


class TestWhole:
    def test_as_the_predecessor_wrote_it(self) -> None:
        document = parse(json.dumps(WHOLE, indent=2, ensure_ascii=False).encode())

        assert document.content == WHOLE
        assert document.fault is None

    @pytest.mark.parametrize(
        ("data", "key"),
        [
            (b'\xef\xbb\xbf{"ab": 1}', "ab"),
            (b'{"ab": NaN}', "ab"),
            ('{"é": 1}'.encode("cp1252"), "é"),
            ('{"é\\udcff": 1}'.encode(), "é\udcff"),
            (b'{"ab": 123456789012345678901234567890}', "ab"),
        ],
        ids=["byte order mark", "NaN", "Windows code page", "half character", "huge number"],
    )
    def test_odd_but_whole(self, data: bytes, key: str) -> None:
        """What Python or an editor on Windows may have written is read."""
        document = parse(data)

        assert document.fault is None
        assert list(document.content) == [key]

    def test_one_bad_byte_spoils_one_name(self) -> None:
        """A file that is UTF-8 but for one byte is not taken for another encoding."""
        document = parse('{"ä.png": 1, "'.encode() + b'\xff.png": 2}')

        assert list(document.content) == ["ä.png", "\udcff.png"]


class TestDamaged:
    @pytest.mark.parametrize(
        "data",
        [
            b"",
            b"\0" * 4096,
            b"[]",
            b"7",
            b"null",
            b"{",
            b"not JSON",
            b"[" * 100_000,
            b"\xff\xfe{\0",
        ],
        ids=["empty", "zeros", "list", "number", "null", "brace", "text", "deep", "UTF-16"],
    )
    def test_nothing_can_be_read(self, data: bytes) -> None:
        """Any bytes give a fault, never an error."""
        document = parse(data)

        assert document.content == {}
        assert document.fault

    def test_what_stands_whole_before_a_tear_is_saved(self) -> None:
        """A store that lost its end in a power cut still has most of its ratings."""
        text = json.dumps(WHOLE, indent=2)
        document = parse(text[: text.index("P/3.png") + 30].encode())

        assert set(document.content["files"]) == {"P/1.png", "P/2.png"}
        assert document.content["_schema_version"] == 2
        assert document.fault is not None
        assert document.fault.startswith("it is not whole")

    def test_every_cut_is_survived(self) -> None:
        """Wherever it is torn, what is read is a part of the whole."""
        data = json.dumps(WHOLE).encode()
        for cut in range(len(data)):
            document = parse(data[:cut])
            assert document.fault
            files = document.content.get("files", {})
            assert files.items() <= WHOLE["files"].items()
