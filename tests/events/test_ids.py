"""Ids: they sort by time and fit into file names."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from events.ids import ULID_LENGTH, WRITER_LENGTH, base32, is_id, ulid, writer_id

times = st.integers(0, 2**48 - 1)


@given(st.tuples(times, st.integers(0, 2**32 - 1)), st.tuples(times, st.integers(0, 2**32 - 1)))
def test_writer_ids_sort_by_time(one: tuple[int, int], two: tuple[int, int]) -> None:
    """A later incarnation has a larger id (FORMAT.md L2)."""
    assert (writer_id(*one) < writer_id(*two)) == (one < two)
    assert is_id(writer_id(*one), WRITER_LENGTH)


@given(st.tuples(times, st.integers(0, 2**80 - 1)), st.tuples(times, st.integers(0, 2**80 - 1)))
def test_project_ids_sort_by_time(one: tuple[int, int], two: tuple[int, int]) -> None:
    """The same of projects."""
    assert (ulid(*one) < ulid(*two)) == (one < two)
    assert is_id(ulid(*one), ULID_LENGTH)


def test_digits() -> None:
    """Crockford's alphabet, without i, l, o and u."""
    assert base32(0, 3) == "000"
    assert base32(32 * 32 - 1, 2) == "zz"
    assert base32(18, 1) == "j"


def test_what_is_no_id() -> None:
    """Length and alphabet both count."""
    for text in ("", "0" * 15, "0" * 17, "I" * 16, "u" * 16, "0" * 15 + "\n"):
        assert not is_id(text, WRITER_LENGTH)
