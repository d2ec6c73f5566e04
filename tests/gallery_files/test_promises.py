"""Names that are promised before they are on the disk."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from orchestrator.gallery.promises import LISTED_FOR, Promises

TEMPLATE = "{panel}/x_v{version}"
TOKENS = {"panel": "P"}


def choose(promises: Promises, project: Path, template: str = TEMPLATE) -> str:
    """The next name."""
    return promises.choose(project, template, TOKENS, ".png")


def test_no_name_is_promised_twice(tmp_path: Path) -> None:
    """However many ask at once."""
    promises = Promises()
    with ThreadPoolExecutor(8) as pool:
        names = list(pool.map(lambda _: choose(promises, tmp_path), range(40)))
    assert sorted(names) == [f"P/x_v{n:03}.png" for n in range(1, 41)]


def test_what_lies_there_is_passed_over(tmp_path: Path) -> None:
    """Also what another host has put there since the folder was listed."""
    promises = Promises()
    (tmp_path / "P").mkdir()
    (tmp_path / "P" / "x_v004.png").touch()
    assert choose(promises, tmp_path) == "P/x_v005.png"
    (tmp_path / "P" / "x_v006.png").touch()
    assert choose(promises, tmp_path) == "P/x_v007.png"


def test_a_folder_is_listed_again_after_a_moment(tmp_path: Path) -> None:
    """Others may have gone far ahead."""
    now = 0.0
    promises = Promises(monotonic=lambda: now)
    assert choose(promises, tmp_path) == "P/x_v001.png"
    (tmp_path / "P").mkdir()
    (tmp_path / "P" / "x_v100.png").touch()
    assert choose(promises, tmp_path) == "P/x_v002.png"
    now += LISTED_FOR
    assert choose(promises, tmp_path) == "P/x_v101.png"


def test_a_name_that_came_to_nothing_can_be_had_again(tmp_path: Path) -> None:
    """Once the moment is over."""
    now = 0.0
    promises = Promises(monotonic=lambda: now)
    promises.release(choose(promises, tmp_path))
    now += LISTED_FOR
    assert choose(promises, tmp_path) == "P/x_v001.png"


@pytest.mark.parametrize("template", ["{panel}/same", "shot_v{version}/x"])
def test_names_without_a_version_of_their_own(tmp_path: Path, template: str) -> None:
    """They are kept apart too."""
    promises = Promises()
    names = {choose(promises, tmp_path, template) for _ in range(3)}
    assert len(names) == 3
