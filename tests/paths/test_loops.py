"""Mappings that contradict each other are found, whatever hangs on them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.paths.loops import loop
from orchestrator.paths.mappings import PathMapping

A_IS_B = PathMapping("ab", windows="W:\\", linux="/mnt/a", macos="/mnt/b")
B_IS_A = PathMapping("ba", windows="X:\\", linux="/mnt/b/", macos="/mnt//a")
B_IS_C = PathMapping("bc", linux="/mnt/b", macos="/mnt/c")
C_IS_A = PathMapping("ca", linux="/mnt/c", macos="/mnt/a")
B_IS_D = PathMapping("bd", linux="/mnt/b", macos="/mnt/d")


def test_two_that_swap_their_names() -> None:
    """However their prefixes are spelled."""
    assert loop([A_IS_B, B_IS_A]) == (A_IS_B, B_IS_A)


def test_three_in_a_circle_and_one_beside() -> None:
    """Only those that make the circle are named, in its order."""
    assert loop([B_IS_D, C_IS_A, A_IS_B, B_IS_C]) == (B_IS_C, C_IS_A, A_IS_B)


@pytest.mark.parametrize(
    "mappings",
    [
        (),
        (A_IS_B,),
        (A_IS_B, B_IS_C, B_IS_D),
        (A_IS_B, PathMapping("off", linux="/mnt/b", macos="/mnt/a", enabled=False)),
        (PathMapping("same", linux="/mnt/x", macos="/mnt/x"),),
        (PathMapping("in itself", linux="/mnt/x", macos="/mnt/x/y"),),
        (PathMapping("half", linux="/mnt/b", macos="mnt/a"), A_IS_B),
        (PathMapping("1", windows="W:\\", linux="/a"), PathMapping("2", windows="w:", linux="/b")),
        (A_IS_B, PathMapping("case", linux="/mnt/b", macos="/mnt/A")),
    ],
)
def test_no_circle(mappings: tuple[PathMapping, ...]) -> None:
    """Chains, forks, blanks, and what is half typed or switched off."""
    assert loop(mappings) == ()


@given(
    st.lists(
        st.builds(
            PathMapping,
            id=st.uuids().map(str),
            linux=st.sampled_from("abcd").map("/".__add__),
            macos=st.sampled_from("abcd").map("/".__add__),
        ),
        max_size=8,
    )
)
def test_what_is_found_is_a_circle_and_without_it_there_is_none(
    mappings: list[PathMapping],
) -> None:
    """Each one's Mac name is the next one's Linux name."""
    while found := loop(mappings):
        assert [m.macos for m in found] == [m.linux for m in (*found[1:], found[0])]
        mappings.remove(found[0])

    ends = {m.linux: m.macos for m in mappings if m.linux != m.macos}
    at, steps = next(iter(ends), None), 0
    while at in ends and steps <= len(mappings):
        at, steps = ends[at], steps + 1
    assert steps <= len(mappings)


def test_many_that_hang_together_take_no_time_to_speak_of() -> None:
    """Each folder is left once, however many ways lead to it."""
    layers = [
        PathMapping(f"{i}.{j}.{k}", linux=f"/{i}/{j}", macos=f"/{i + 1}/{k}")
        for i in range(30)
        for j in range(4)
        for k in range(4)
    ]
    assert loop(layers) == ()
