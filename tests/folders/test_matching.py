"""Naming patterns: what they read out of names, what they refuse, and that none takes long."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import PatternInvalid
from orchestrator.folders.matching import Read, last_number, matcher
from orchestrator.gallery.naming import render
from orchestrator.scheduling.placing import DEFAULT_TEMPLATE


def read(pattern: str, path: str, **known: Any) -> tuple[str | None, int | None, int | None] | None:
    """Panel, its number and the version that a pattern reads out of a path."""
    found = matcher(pattern, **known).read(path.split("/"))
    return None if found is None else (found.panel, found.panel_number, found.version)


class TestReading:
    @pytest.mark.parametrize(
        ("pattern", "path", "expected"),
        [
            (DEFAULT_TEMPLATE, "P/Panel_01/Eliot_Panel_01_v003.png", ("Panel_01", 1, 3)),
            (DEFAULT_TEMPLATE, "Panel_01/My_Film_Panel_01_v003.exr", ("Panel_01", 1, 3)),
            ("{project}_Panel{panel}_{version}", "Eliot_Panel03_v012.PNG", ("03", 3, 12)),
            ("{project}_{panel}_v{version}", "eliot_P2_V7.mp4", ("P2", 2, 7)),
            ("{panel}_{version}", "Hero_0012.webp", ("Hero", None, 12)),
            ("{panel}{version}", "shot0012.png", ("shot", None, 12)),
            ("{panel}{version}", "P_01v003.png", ("P_01", 1, 3)),
            ("{panel}_v0{version}", "shot_v0012.png", ("shot", None, 12)),
            ("take 2{version}", "take 2014.png", (None, None, 14)),
            ("{panel}_v{version:4}", "P_v3.png", ("P", None, 3)),
            ("{panel}_v{version:03d}", "P_v0003.png", ("P", None, 3)),
            ("{panel}_*_v{version}", "P_1_draft_b_v3.png", ("P", None, 3)),
            ("{panel}_v{version}_?", "P_v3_b.png", ("P", None, 3)),
            ("{panel} (v{version})+[x]", "P (v3)+[x].png", ("P", None, 3)),
            ("Grüße_🎬_{panel}", "gru\u0308ße_🎬_P1.png", ("P1", 1, None)),
            ("{panel}_{seed}_v{version}", "P_18446744073709551615_v1.png", ("P", None, 1)),
            ("*", "anything.png", (None, None, None)),
        ],
    )
    def test_names(self, pattern: str, path: str, expected: object) -> None:
        """Numbers of any width, any case, any composition, with and without the `v`."""
        assert read(pattern, path) == expected

    @pytest.mark.parametrize(
        ("pattern", "path"),
        [
            ("{panel}_v{version}", "P_v.png"),
            ("{panel}_v{version}", "_v3.png"),
            ("{panel}_v{version}", "P_v3_2.png"),
            ("{panel}_v{version}", "P_v" + "1" * 19 + ".png"),
            ("{panel}.v{version}", "Pxv3.png"),
            ("{panel}/{project}_v{version}", "a_v3.png"),
        ],
    )
    def test_names_that_do_not_fit(self, pattern: str, path: str) -> None:
        """Nothing is read into them; a dot is a dot."""
        assert read(pattern, path) is None

    def test_the_version_is_kept_as_spelled(self) -> None:
        """Who makes the next one keeps its width."""
        assert matcher("{panel}_v{version}").read(["P1_v006.png"]) == Read("P1", 1, 6, "006")

    def test_endings(self) -> None:
        """Any, unless the pattern names that of a media file."""
        for pattern in ("{panel}_v{version}", "{panel}_v{version}.*", "{panel}_v{version}.{ext}"):
            assert read(pattern, "P_v3.mov") == ("P", None, 3)
        for pattern in ("{panel}_v{version}.png", r"{panel}_v{version}\.png"):
            assert read(pattern, "P_v3.PNG") == ("P", None, 3)
            assert read(pattern, "P_v3.mov") is None

    def test_both_separators(self) -> None:
        """As people type them."""
        for pattern in ("{panel}/{project}_v{version}", "{panel}\\{project}_v{version}"):
            assert read(pattern, "a/Panel_2/E_v1.png") == ("Panel_2", 2, 1)

    def test_only_the_name(self) -> None:
        """What stands of folders is left out."""
        assert read("{panel}/x_v{version}", "x_v4.png", name_only=True) == (None, None, 4)


class TestTokensGivenTwice:
    def test_in_folder_and_name(self) -> None:
        """The same panel is meant both times."""
        pattern = "Panel{panel}/{project}_Panel{panel}_{version}"
        assert read(pattern, "Panel03/E_Panel03_v2.png") == ("03", 3, 2)
        assert read(pattern, "Panel03/E_Panel04_v2.png") is None

    def test_in_one_name(self) -> None:
        """Also where it is not the shortest text that fits."""
        assert read("{panel}_{project}_{panel}", "A_B_x_A_B.png") == ("A_B", None, None)

    def test_versions_are_compared_as_numbers(self) -> None:
        """`v003` is version 3."""
        assert read("v{version}/{panel}_v{version}", "v003/P_v3.png") == ("P", None, 3)
        assert read("v{version}/{panel}_v{version}", "v004/P_v3.png") is None


class TestWhatIsKnown:
    def test_the_project(self) -> None:
        """Its name tells where the panel begins; where it is another, it is any."""
        pattern = "{project}_{panel}_v{version}"
        assert read(pattern, "My_Film_P1_v3.png", project="my_film") == ("P1", 1, 3)
        assert read(pattern, "Other_P1_v3.png", project="My_Film") == ("P1", 1, 3)

    def test_a_project_that_no_file_can_be_called(self) -> None:
        """It is recognised by what the service makes of it."""
        name = render("{project}_{panel}_v{version}", {"project": "a:b_c", "panel": "P1"})
        name = name.replace("unnamed", "001")
        found = read("{project}_{panel}_v{version}", f"{name}.png", project="a:b_c")
        assert found == ("P1", 1, 1)

    def test_the_panel(self) -> None:
        """By its folder's name, or by its number."""
        assert read("{project}_{panel}_v{version}", "E_Panel_03_v1.png", panel="Panel_03")
        assert read("{project}_Panel{panel}_v{version}", "E_Panel003_v1.png", panel="Panel_03")
        assert read("{project}_{panel}_v{version}", "E_03_v1.png", panel="3")
        for name in ("E_Panel_04_v1.png", "E_Panel_031_v1.png"):
            assert read("{project}_{panel}_v{version}", name, panel="Panel_03") is None


class TestRefusals:
    @pytest.mark.parametrize(
        ("pattern", "reason"),
        [
            ("", "is empty"),
            (" / ", "is empty"),
            ("x" * 1001, "longer than 1000"),
            ("/".join("x" * 17), "more than 16 folders"),
            ("{panle}_v{version}", "unknown token {panle}"),
            ("{}", "unknown token {}"),
            ("{version:x}", "unknown token"),
            ("{panel", "brace without its partner"),
            ("panel}", "brace without its partner"),
            ("{panel}{project}", "side by side"),
            ("*{panel}", "side by side"),
            ("{version}{index}", "side by side"),
            ("{version}0", "side by side"),
            (r"(\d+)_v{version}", "not regular expressions"),
            (r"\w+", "not regular expressions"),
            ("(?:a|b)", "not regular expressions"),
            ("a\nb", "what no name has"),
        ],
    )
    def test_with_the_reason(self, pattern: str, reason: str) -> None:
        """Rather than finding nothing without a word."""
        with pytest.raises(PatternInvalid, match=re.escape(reason)):
            matcher(pattern)


class TestTime:
    @pytest.mark.timeout(20)
    @pytest.mark.parametrize(
        "pattern",
        [
            "*a" * 400 + "b",
            "*?a*?a*?a*?b",
            "{project}a{panel}a{node}a{workflow}a{original}a{job}b",
            "{project}a{panel}a{project}a{panel}b",
            "{project}a{panel}a{version}v{seed}c",
            "/".join(["*a*a*b"] * 10),
        ],
    )
    def test_no_pattern_hangs(self, pattern: str) -> None:
        """Names that almost fit in a great many ways are found not to fit all the same."""
        form = matcher(pattern)
        for name in ("a" * 255, "a0" * 127, "0" * 255, "aav" * 85):
            assert form.read([name] * 10) is None

    @given(pattern=st.text(alphabet="{}abpv01*?/\\._-()+[]^$|", max_size=40), name=st.text())
    def test_any_pattern_is_read_or_refused(self, pattern: str, name: str) -> None:
        """There is no third way."""
        try:
            form = matcher(pattern)
        except PatternInvalid:
            return
        form.read([name, name])

    @given(
        project=st.text(min_size=1, max_size=20),
        panel=st.text(min_size=1, max_size=20),
        version=st.integers(1, 10**6),
    )
    def test_names_that_the_service_makes_are_read(
        self, project: str, panel: str, version: int
    ) -> None:
        """Whatever projects and panels are called, the version comes back."""
        tokens: dict[str, str | int] = {"project": project, "panel": panel, "version": version}
        path = render(DEFAULT_TEMPLATE, tokens)
        found = read(DEFAULT_TEMPLATE, f"{path}.png")
        assert found is not None
        assert found[2] == version


@pytest.mark.parametrize(
    ("text", "number"),
    [("Panel_03", 3), ("3 of 12", 12), ("12b", 12), ("Hero", None), ("", None), ("1" * 19, None)],
)
def test_the_last_number(text: str, number: int | None) -> None:
    """What people count panels by."""
    assert last_number(text) == number
