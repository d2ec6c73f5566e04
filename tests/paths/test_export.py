"""What is exported can be put into config.yaml as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.config import load_config
from orchestrator.paths.export import as_yaml
from orchestrator.paths.mappings import PathMapping

_text = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=100)
_mapping = st.builds(
    PathMapping,
    id=st.uuids().map(str),
    name=_text.map(lambda name: " ".join(name.split())),
    windows=st.just("") | _text.map("W:\\".__add__),
    linux=st.just("") | _text.map("/".__add__),
    macos=st.just("") | _text.map("/Volumes/".__add__),
    enabled=st.booleans(),
)


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A config.yaml."""
    return tmp_path_factory.mktemp("config") / "config.yaml"


@given(st.lists(_mapping, max_size=4, unique_by=lambda mapping: mapping.id))
def test_our_own_loader_reads_it(file: Path, mappings: list[PathMapping]) -> None:
    """To the letter, whatever people call their folders."""
    file.write_text(as_yaml(mappings), encoding="utf-8")

    assert load_config(file, {}).path_mappings == tuple(mappings)


def test_it_reads_well(file: Path) -> None:
    """People will look at it."""
    mapping = PathMapping("m", "Share", "W:\\", "/mnt/share", "", enabled=False)

    assert as_yaml([mapping]).partition("\n")[2] == (
        "path_mappings:\n- id: m\n  name: Share\n  windows: W:\\\n  linux: /mnt/share\n"
        "  enabled: false\n"
    )


def test_what_is_half_typed_is_left_out(file: Path) -> None:
    """The loader would refuse the whole file for it."""
    half = PathMapping("m", "  Two\twords ", "W", "mnt", "/Volumes/x")
    file.write_text(as_yaml([half]), encoding="utf-8")

    (read,) = load_config(file, {}).path_mappings

    assert read == evolve(half, name="Two words", windows="", linux="")
