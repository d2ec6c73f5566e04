"""The order of names."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.gallery.natural import natural_key


def test_numbers_count_as_numbers() -> None:
    """Whatever their zeros and the case of the letters."""
    names = ["shot10.png", "Shot2.png", "shot1.png", "a", "shot02b.png", "10", "9"]

    assert sorted(names, key=natural_key) == [
        "9",
        "10",
        "a",
        "shot1.png",
        "Shot2.png",
        "shot02b.png",
        "shot10.png",
    ]


@given(st.lists(st.text(), unique=True))
def test_no_two_names_share_a_place(names: list[str]) -> None:
    """So every host shows the same order, however it lists them."""
    assert len({natural_key(name) for name in names}) == len(names)


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_seeds_are_in_order(a: int, b: int) -> None:
    """Up to 64 bits."""
    assert (natural_key(f"s{a}") < natural_key(f"s{b}")) == (a < b)
