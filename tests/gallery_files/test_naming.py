"""Names for outputs: templates, versions, and whatever people put into tokens."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from orchestrator.errors import TemplateInvalid
from orchestrator.gallery.naming import (
    MAX_NAME_BYTES,
    TOKENS,
    next_name,
    next_version,
    render,
    render_open,
    safe_value,
)
from orchestrator.paths.roots import safe_name

USUAL = "{panel}/{project}_{panel}_v{version}"
ELIOT: dict[str, str | int] = {"project": "Eliot", "panel": "Panel_01", "version": 3}

values = st.one_of(
    st.text(max_size=300),
    st.integers(0, 2**64),
    st.sampled_from(
        ["..", ".gallery", "CON", "a/b", "\\\\nas", "\0", "é" * 300, ". .", "{version}"]
    ),
)
literals = st.text(st.sampled_from("abv_-. é{}/"), max_size=8)
templates = st.lists(
    st.one_of(literals, st.sampled_from([f"{{{name}}}" for name in TOKENS])), max_size=8
).map("".join)


class TestRender:
    def test_the_usual_template(self) -> None:
        """A folder per panel, three digits for the version, no extension."""
        assert render(USUAL, ELIOT) == "Panel_01/Eliot_Panel_01_v003"

    @pytest.mark.parametrize(
        ("template", "name"),
        [
            ("v{version}", "v003"),
            ("v{version:4}", "v0003"),
            ("v{version:03d}", "v003"),
            ("v{version:1}", "v3"),
            ("{index}", "012"),
            ("{index:5}", "00012"),
            ("{seed}", "18446744073709551615"),
            ("{job}", "0192f3a4"),
            ("{date}_{time}", "2026-02-22_10-30-00"),
            ("{workflow}-{node}-{original}", "flux_dev-SaveImage-ComfyUI_00001_"),
            ("{panel}\\{project}", "Panel_01/Eliot"),
            ("plain name", "plain name"),
        ],
    )
    def test_every_token(self, template: str, name: str) -> None:
        """Widths for numbers; a job is named by its first letters; both separators work."""
        tokens = {
            **ELIOT,
            "index": 12,
            "seed": 2**64 - 1,
            "job": "0192f3a4-aaaa-7bbb-8ccc-123456789abc",
            "date": "2026-02-22",
            "time": "10-30-00",
            "workflow": "flux_dev",
            "node": "SaveImage",
            "original": "ComfyUI_00001_",
        }

        assert render(template, tokens) == name

    @pytest.mark.parametrize(
        ("value", "safe"),
        [
            ("Eliot: the/film", "Eliot_ the_film"),
            ("..", "unnamed"),
            ("", "unnamed"),
            ("...secret...", "secret"),
            (".gallery", "gallery"),
            ("\u200b.gallery", "gallery"),
            ("CON", "CON_"),
            ("nul.txt", "nul_.txt"),
            ("a\x00b\nc", "a_b_c"),
            ("{version}", "_version_"),
            ("e\u0301te\u0301", "\u00e9t\u00e9"),
            ("half \ud800", "half _"),
            ("日本", "日本"),
        ],
    )
    def test_values_are_made_safe(self, value: str, safe: str) -> None:
        """Nothing in a value separates folders, hides a file, or breaks on Windows."""
        assert render("{project}", {"project": value}) == safe

    def test_a_missing_value_reads_unnamed(self) -> None:
        """A workflow without a seed still gets a name."""
        assert render("{project}_{seed}", {}) == "unnamed_unnamed"

    def test_parts_that_are_reserved_together_are_told_apart(self) -> None:
        """`CO` and `N` are harmless alone."""
        assert render("CO{project}", {"project": "N"}) == "CON_"

    def test_long_values_are_shortened_and_versions_are_not(self) -> None:
        """Whole characters go, from the text; the number stays."""
        name = render("{project}_{panel}_v{version}", {**ELIOT, "project": "é" * 300})

        assert name.endswith("_Panel_01_v003")
        assert len(name.encode()) <= MAX_NAME_BYTES

    @given(templates, st.dictionaries(st.sampled_from(sorted(TOKENS)), values))
    @example("{panel}/{project}", {"panel": "..", "project": ".gallery"})
    def test_is_always_a_safe_relative_path(
        self, template: str, tokens: dict[str, str | int]
    ) -> None:
        """Whatever stands in the tokens: every system can store each name, with an ending."""
        try:
            name = render(template, tokens)
        except TemplateInvalid:
            return

        for part in name.split("/"):
            assert safe_name(part) == part
            assert safe_name(f"{part}_2.webp")
            assert not part.startswith(".")
            assert unicodedata.is_normalized("NFC", part)


class TestTemplateFaults:
    @pytest.mark.parametrize(
        ("template", "reason"),
        [
            ("", "is empty"),
            ("  ", "is empty"),
            ("{sead}", "unknown token {sead}"),
            ("{}", "unknown token {}"),
            ("{version:0}", "unknown token"),
            ("{version:x}", "unknown token"),
            ("{project:3}", "gives {project} a width"),
            ("/abs/{panel}", "absolute"),
            ("\\abs", "absolute"),
            ("\\\\nas\\share", "absolute"),
            ("C:\\x", "absolute"),
            ("../{panel}", "has `..`"),
            ("{panel}/../x", "has `..`"),
            ("{panel}\\..\\x", "has `..`"),
            ("a//b", "empty folder"),
            ("{panel}/", "empty folder"),
            ("{panel", "brace"),
            ("panel}", "brace"),
            ("{{panel}}", "brace"),
            ("a:b", "some system refuses"),
            ("a?", "some system refuses"),
            ("a\nb", "some system refuses"),
            ("a\ud800", "some system refuses"),
            ("\u200b{panel}", "some system refuses"),
            (".{panel}", "begins with a dot"),
            (".gallery/{panel}", "begins with a dot"),
            (" {panel}", "begins with a dot or space"),
            ("{panel}.", "ends in a dot"),
            ("{panel} /x", "ends in a dot or space"),
            ("x" * 1001, "longer than"),
            ("a/" * 20 + "b", "deeper than"),
            ("x" * 300, "makes a name longer"),
        ],
    )
    def test_are_told_with_the_known_tokens(self, template: str, reason: str) -> None:
        """The person who wrote it sees what is wrong and what there is."""
        with pytest.raises(TemplateInvalid) as refused:
            render(template, ELIOT)

        assert reason in str(refused.value)
        assert refused.value.detail()["known"] == list(TOKENS)


class TestNextVersion:
    @pytest.mark.parametrize(
        ("existing", "version"),
        [
            ([], 1),
            (["Panel_01/Eliot_Panel_01_v001.png"], 2),
            (["Panel_01/Eliot_Panel_01_v007.png", "Panel_01/Eliot_Panel_01_v002.png"], 8),
            (["panel_01/ELIOT_Panel_01_V012.PNG"], 13),
            (["Panel_01/Eliot_Panel_01_v0999.png"], 1000),
            (["Panel_01/Eliot_Panel_01_v1000.png"], 1001),
            (["Panel_01/Eliot_Panel_01_v001.mp4"], 1),
            (["Panel_01/Eliot_Panel_01_v001_2.png", "Panel_01/xEliot_Panel_01_v001.png"], 1),
            (["Panel_02/Eliot_Panel_02_v005.png"], 1),
            (["Panel_01/Eliot_Panel_01_v٣.png"], 1),
        ],
    )
    def test_is_one_more_than_the_highest(self, existing: list[str], version: int) -> None:
        """Of this pattern and ending; case is ignored, as shares ignore it."""
        assert next_version(existing, render_open(USUAL, ELIOT), ".png") == version

    def test_any_ending_if_none_is_given(self) -> None:
        """A video takes the number of a picture."""
        names = ["a_v001.png", "a_v004.mp4", "a_v002", "a_v009.tar.gz"]

        assert next_version(names, render_open("a_v{version}", {}), "") == 5

    def test_names_match_whichever_way_they_are_composed(self) -> None:
        """A Mac's listing has two characters for é."""
        pattern = render_open("été_v{version}", {})

        assert next_version(["e\u0301te\u0301_v003.png"], pattern, ".png") == 4

    def test_a_version_in_folder_and_name_must_agree(self) -> None:
        """`v003/a_v002` is of no version."""
        pattern = render_open("v{version}/a_v{version:4}", {})

        assert next_version(["v003/a_v002.png", "v001/a_v0001.png"], pattern, ".png") == 2

    def test_regex_characters_in_values_mean_themselves(self) -> None:
        """A project named `a+(b)`."""
        pattern = render_open("{project}_v{version}", {"project": "a+(b)[c].$"})

        assert next_version(["a+(b)[c].$_v004.png"], pattern, ".png") == 5


class TestNextName:
    def test_fills_the_version(self) -> None:
        """With its digits, and the ending."""
        taken = ["Panel_01/Eliot_Panel_01_v003.png"]
        name = next_name(taken, render_open(USUAL, ELIOT), ".png")

        assert name == "Panel_01/Eliot_Panel_01_v004.png"

    @pytest.mark.parametrize(
        ("existing", "name"),
        [
            ([], "Eliot.png"),
            (["eliot.PNG"], "Eliot_2.png"),
            (["Eliot.png", "Eliot_2.png", "Eliot_4.png"], "Eliot_3.png"),
            (["Eliot.mp4"], "Eliot.png"),
        ],
    )
    def test_without_version_a_number_is_added_if_needed(
        self, existing: list[str], name: str
    ) -> None:
        """Nothing is ever overwritten, whatever the case of what is there."""
        assert next_name(existing, render_open("{project}", ELIOT), ".png") == name

    def test_a_reserved_name_is_avoided(self) -> None:
        """`COM` and version 1 are a serial port."""
        pattern = render_open("COM{version:1}", {})

        assert next_name([], pattern, ".png") == "COM1_.png"
        assert next_name(["COM1_.png"], pattern, ".png") == "COM1__2.png"

    def test_an_ending_cannot_climb(self) -> None:
        """It comes from a file's name, so it is made safe as well."""
        assert next_name([], "a", "./../x") == "a._.._x"

    @given(
        templates,
        st.dictionaries(st.sampled_from(sorted(TOKENS)), values),
        st.lists(st.integers(1, 30), max_size=5),
    )
    def test_is_never_taken(
        self, template: str, tokens: dict[str, str | int], versions: list[int]
    ) -> None:
        """The name is new, also among those of the same pattern."""
        try:
            pattern = render_open(template, tokens)
            taken = [f"{render(template, {**tokens, 'version': v})}.PNG" for v in versions]
        except TemplateInvalid:
            return
        first = next_name(taken, pattern, ".png")
        second = next_name([*taken, first], pattern, ".png")
        lower = {name.casefold() for name in taken}

        assert first.casefold() not in lower
        assert second.casefold() not in {*lower, first.casefold()}
        assert all(safe_name(part) for part in second.split("/"))


@given(values, st.integers(8, 100))
def test_a_value_fits_and_is_never_empty(value: str | int, limit: int) -> None:
    """In bytes, without cutting a character in two."""
    assert 0 < len(safe_value(value, limit).encode()) <= limit + 1
