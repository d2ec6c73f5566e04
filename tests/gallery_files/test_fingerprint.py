"""An asset's identity: promised bytes, the same on every host."""

from __future__ import annotations

import unicodedata
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import FileChanging
from orchestrator.gallery.fingerprint import END, asset_id, canonical_path, head, head_of

EMPTY = sha256(b"").hexdigest()


def content(size: int) -> bytes:
    """Bytes that differ everywhere."""
    return bytes(i * 31 % 251 for i in range(size))


class TestHead:
    @pytest.mark.parametrize("size", [0, 1, END, END + 1, 2 * END])
    def test_a_small_file_is_hashed_whole(self, tmp_path: Path, size: int) -> None:
        """Up to 128 KiB, each byte once."""
        file = tmp_path / "a.png"
        file.write_bytes(content(size))

        assert head(file, size) == sha256(content(size)).hexdigest()

    @pytest.mark.parametrize("size", [2 * END + 1, 5 * END])
    def test_a_large_file_is_hashed_at_both_ends(self, tmp_path: Path, size: int) -> None:
        """The middle does not count; a video of gigabytes takes two reads."""
        whole = bytearray(content(size))
        file = tmp_path / "a.mp4"
        file.write_bytes(whole)
        expected = sha256(bytes(whole[:END]) + bytes(whole[-END:])).hexdigest()

        assert head(file, size) == expected == head_of(bytes(whole[:END]), bytes(whole[-END:]))

    @pytest.mark.parametrize("listed", [0, 99, 101, 10 * END])
    def test_a_file_that_is_being_written_is_refused(self, tmp_path: Path, listed: int) -> None:
        """Its identity would be that of a moment."""
        file = tmp_path / "a.png"
        file.write_bytes(content(100))
        with pytest.raises(FileChanging):
            head(file, listed)


class TestAssetId:
    def test_is_the_promised_hash(self) -> None:
        """The format's bytes, spelled out; a change here loses every project's ratings."""
        expected = sha256(f"Panel_01/a.png\n7\n{EMPTY}".encode()).hexdigest()[:32]

        assert asset_id("Panel_01/a.png", 7, EMPTY) == expected
        assert asset_id("Panel_01/a.png", 7, EMPTY) == "b927d0e4685d579b18ca4e54c6d5369f"

    def test_composed_and_decomposed_names_are_one(self) -> None:
        """Macs list é as two characters, Linux as one."""
        name = "caf\u00e9/\u00e9t\u00e9.png"

        assert asset_id(unicodedata.normalize("NFD", name), 1, EMPTY) == asset_id(name, 1, EMPTY)

    @pytest.mark.parametrize(
        ("seen", "meant"),
        [
            ("a\uf022b.png", "a:b.png"),
            ("a\uf03ab.png", "a:b.png"),
            ("what\uf025\uf021.png", "what?*.png"),
            ("\uf020x\uf020.png", '"x".png'),
            ("a\uf027b\uf023\uf024.png", "a|b<>.png"),
            ("dir\uf029/name\uf028", "dir./name "),
        ],
    )
    def test_characters_that_windows_shares_replace_are_one(self, seen: str, meant: str) -> None:
        """One client shows the private-use character, another what was meant."""
        assert canonical_path(seen) == meant

    @given(st.text(), st.text(), st.integers(0), st.integers(0))
    def test_differs_if_anything_differs(self, a: str, b: str, m: int, n: int) -> None:
        """Path and size are told apart: no two pairs write the same bytes."""
        same = (canonical_path(a), m) == (canonical_path(b), n)

        assert (asset_id(a, m, EMPTY) == asset_id(b, n, EMPTY)) == same

    def test_a_name_that_is_no_unicode_has_an_id_too(self) -> None:
        """Bytes that are no UTF-8 count as those bytes."""
        assert asset_id("a\udcff", 1, EMPTY) != asset_id("a\udcfe", 1, EMPTY)
