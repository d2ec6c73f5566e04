"""New names for a batch: tokens, regular expressions, numbers, and what people get wrong."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import PatternInvalid
from orchestrator.gallery.fileops.expressions import MAX_REGEX
from orchestrator.gallery.fileops.renaming import (
    TOKENS,
    ByRegex,
    ByTemplate,
    Mode,
    Numbered,
    Subject,
    wanted_names,
)

WHEN = datetime(2026, 2, 22, 10, 30, 5)  # noqa: DTZ001 - as people read it on the wall


def subject(path: str, seed: int | None = None, model: str | None = None) -> Subject:
    """A file of that Sunday morning."""
    return Subject(path, WHEN, seed, model)


def new_names(mode: Mode, *paths: str) -> list[str]:
    """What the files of the project Eliot would be called."""
    return [wish.new_name for wish in wanted_names([subject(p) for p in paths], mode, "Eliot")]


def refused(mode: Mode, *paths: str) -> PatternInvalid:
    """What is said about a mode that cannot be."""
    with pytest.raises(PatternInvalid) as caught:
        new_names(mode, *(paths or ("a.png",)))
    return caught.value


class TestTemplate:
    def test_the_documented_one(self) -> None:
        """Numbers rise in the order given, whatever the folder."""
        template = ByTemplate("{project}_{panel}_v{seq:3}", start=9)
        wishes = wanted_names([subject("Panel_02/b.png"), subject("a.PNG")], template, "Eliot")

        assert [(wish.path, wish.new_name) for wish in wishes] == [
            ("Panel_02/b.png", "Eliot_Panel_02_v009.png"),
            ("a.PNG", "Eliot_Eliot_v010.PNG"),
        ]

    @pytest.mark.parametrize(
        ("template", "name"),
        [
            ("{original}_x", "shot.v1_x.png"),
            ("{index}", "007.png"),
            ("{index:03d}", "007.png"),
            ("{seq}-{seq:1}-{seq:05}", "007-7-00007.png"),
            ("{date}_{time}", "2026-02-22_10-30-05.png"),
            ("{year}{month}{day}", "20260222.png"),
            ("{panel}-{folder}", "Panel_01-takes.png"),
            ("{ext}_{seq}", "png_007.png"),
            ("{seed}_{model}", "42_base v1.png"),
            ("{{{seq}}}", "{007}.png"),
            ("fixed", "fixed.png"),
        ],
    )
    def test_each_token(self, template: str, name: str) -> None:
        shot = subject("Panel_01/takes/shot.v1.png", 42, "sdxl\\base v1.safetensors")

        [wish] = wanted_names([shot], ByTemplate(template, start=7), "Eliot")

        assert wish.new_name == name

    def test_every_token_is_known(self) -> None:
        """As the API documents them."""
        assert sorted(TOKENS) == [
            *("date", "day", "ext", "folder", "index", "model", "month", "original", "panel"),
            *("project", "seed", "seq", "time", "year"),
        ]

    @pytest.mark.parametrize(
        "template", ["{original}", "{original}.{ext}", "{original}{ext}", "shot.png", "shot.PNG"]
    )
    def test_the_extension_stands_once(self, template: str) -> None:
        """Written as a token, written out, or left out."""
        [name] = new_names(ByTemplate(template), "shot.png")

        assert name.lower() == "shot.png"

    def test_a_stem_that_looks_like_an_extension_is_kept(self) -> None:
        assert new_names(ByTemplate("{original}"), "a.png.png") == ["a.png.png"]

    def test_a_file_without_extension_gets_none(self) -> None:
        assert new_names(ByTemplate("{original}_{ext}_2.{ext}"), "raw") == ["raw_unnamed_2"]

    def test_what_is_not_known_reads_unnamed(self) -> None:
        assert new_names(ByTemplate("{seed}_{model}"), "a.png") == ["unnamed_unnamed.png"]

    def test_values_are_made_safe(self) -> None:
        """A value cannot lead out of the folder; a model may be named as a path."""
        one = subject("Panel: 1/a.png", model="../..")

        [wish] = wanted_names([one], ByTemplate("{project}_{panel}_{model}"), "El/iot")

        assert wish.new_name == "El_iot_Panel_ 1_unnamed.png"

    def test_one_name_for_many_is_only_a_wish(self) -> None:
        """That it is taken twice is said when the moves are arranged."""
        assert new_names(ByTemplate("same"), "a.png", "b.png") == ["same.png", "same.png"]

    @pytest.mark.parametrize(
        ("template", "reason"),
        [
            ("", "empty"),
            ("  ", "empty"),
            ("{panel}/{seq}", "separator"),
            ("..\\{seq}", "separator"),
            ("{seq", "brace"),
            ("seq}", "brace"),
            ("a[0]{", "brace"),
            ("{nope}", "{nope}"),
            ("{}", "{}"),
            ("{seq.real}", "{seq.real}"),
            ("{seq[0]}", "{seq[0]}"),
            ("{seq!r}", "{seq}"),
            ("{seq:x}", "width"),
            ("{seq:99}", "width"),
            ("{seq:{index}}", "width"),
            ("{date:%Y}", "width"),
            ("a?{seq}", "'?'"),
            ("a\u202e{seq}", "invisible"),
            ("x" * 1001, "longer"),
        ],
    )
    def test_faults_are_told_with_the_known_tokens(self, template: str, reason: str) -> None:
        error = refused(ByTemplate(template))

        assert reason in str(error)
        assert error.known == TOKENS
        assert "{model}" in str(error)

    @given(st.text(st.sampled_from("ab{}:/3sеq.!"), max_size=12))
    def test_any_text_is_read_or_refused(self, template: str) -> None:
        try:
            [name] = new_names(ByTemplate(template), "P/a.png")
        except PatternInvalid:
            name = ""

        assert "/" not in name


class TestRegex:
    @pytest.mark.parametrize(
        ("find", "replace", "name"),
        [
            ("_", "-", "shot-01-v3.png"),
            (r"shot_(\d+)_v(\d+)", "$2-$1", "3-01.png"),
            (r"shot_(\d+)_v(\d+)", r"\2-\g<1>", "3-01.png"),
            (r"(?P<word>[a-z]+)_", "${word}${word}", "shotshot01_v3.png"),
            ("^", "$$1_", "$1_shot_01_v3.png"),
            (r"(x)?shot", "$1cut", "cut_01_v3.png"),
            ("png", "webp", "shot_01_v3.png"),
            ("nothing", "x", "shot_01_v3.png"),
            ("SHOT", "x", "shot_01_v3.png"),
            ("shot.*", "", ".png"),
        ],
    )
    def test_the_stem_is_searched(self, find: str, replace: str, name: str) -> None:
        """All that is found is replaced; the extension stays."""
        assert new_names(ByRegex(find, replace), "P/shot_01_v3.png") == [name]

    def test_the_whole_name_and_any_case(self) -> None:
        mode = ByRegex(r"\.JPEG$", ".jpg", whole_name=True, ignore_case=True)

        assert new_names(mode, "a.jpeg", "b.Jpeg") == ["a.jpg", "b.jpg"]

    @pytest.mark.parametrize(
        ("find", "reason", "position"),
        [
            ("", "empty", None),
            ("a" * (MAX_REGEX + 1), "longer", None),
            ("shot(", "unterminated", 4),
            ("a**", "multiple repeat", 2),
            ("[b-a]", "bad character range", 1),
            ("a{99999999999}", "too large", None),
            ("a{256}", "more than 255", 1),
        ],
    )
    def test_an_expression_that_cannot_be_read(
        self, find: str, reason: str, position: int | None
    ) -> None:
        """The place of the fault is told."""
        error = refused(ByRegex(find, ""))

        assert reason in str(error)
        assert error.position == position

    @pytest.mark.parametrize("replace", ["$2", r"\2", r"\g<no>", "${no}", r"\q", "\\"])
    def test_a_replacement_that_cannot_be_read(self, replace: str) -> None:
        """Also if no name would match."""
        assert refused(ByRegex("(zzz)", replace)).pattern == replace

    @pytest.mark.parametrize(
        ("find", "position"),
        [
            ("(a+)+$", 4),
            ("((a*))*", 6),
            ("(a|aa)+$", 6),
            ("(?:a?){50}a{50}", 6),
            ("(?P<x>a*){2,}", 9),
            ("(?:(?:a{0}){99}){99}", 16),
            ("(?:(?:){200}){200}", 13),
            ("(a+)(?#)*", 4),
            ("(?x)(a+) *", 0),
            ("(?i:a+)*?", 7),
            (r"[](]((\()a+)*", 12),
        ],
    )
    def test_what_could_take_for_ever_is_refused(self, find: str, position: int) -> None:
        """A repeat in a repeat has more ways than there is time, and `re` cannot be stopped."""
        assert refused(ByRegex(find, ""), "a" * 60 + "b.png").position == position

    @pytest.mark.parametrize(
        "find",
        [
            ".*" * 12 + "x",
            "a?" * 60 + "a" * 60,
            "(?:a|aa)" * 20 + "x",
            r"(a*)\1*(a*)\2*(a*)\3*x",
            "(?:){255}" * 20 + "x",
            "a{0,9}" * 20 + "x",
        ],
    )
    def test_what_could_take_very_long_is_refused(self, find: str) -> None:
        """Many repeats in a row are too much for long names, though not endless."""
        assert "too long" in str(refused(ByRegex(find, ""), "a" * 200 + ".png"))

    @pytest.mark.parametrize(
        "find",
        [
            r"^(.*)_(.*)_v(\d+)$",
            r"(?:_v\d{3})+",
            r"(\d{4})-(\d{2})-(\d{2})",
            r"\s*\(copy( \d+)?\)",
            r"(jpg|jpeg|png|webp|tif|tiff)$",
            r"[^a-z0-9]+",
            r"(\w)\1+",
            r"(?<=_)0+(?=\d)",
            r"x{2,5}?|(ab){3}",
        ],
    )
    def test_what_people_write_is_taken(self, find: str) -> None:
        """For ten thousand files at once."""
        names = [f"Eliot_Panel_01_v{number:05}.png" for number in range(10_000)]

        assert len(new_names(ByRegex(find, ""), *names)) == 10_000

    def test_the_worst_that_is_taken_ends(self) -> None:
        """As much as one name may cost; it would run into the test's limit if that were wrong."""
        name = "a" * 200 + ".png"

        assert new_names(ByRegex("^a*a*a*b", ""), name) == [name]

    def test_a_result_cannot_fill_the_memory(self) -> None:
        mode = ByRegex("(?=(.*))", "$1" * 90)

        assert len(new_names(mode, "a" * 250 + ".png")[0]) < 1100

    @given(st.text(st.sampled_from(r"ab()|*+?{},1\^$.:="), max_size=14))
    def test_any_expression_is_refused_or_ends(self, find: str) -> None:
        try:
            [name] = new_names(ByRegex(find, ""), "ab" * 30 + "1.png")
        except PatternInvalid:
            name = "refused.png"

        assert name.endswith(".png")


class TestNumbered:
    def test_a_text_and_a_number(self) -> None:
        mode = Numbered("take_", start=99, digits=3)

        assert new_names(mode, "b.png", "a.MOV", "c") == [
            "take_099.png",
            "take_100.MOV",
            "take_101",
        ]

    def test_the_text_may_be_empty(self) -> None:
        assert new_names(Numbered("", digits=1), "b.png") == ["1.png"]

    def test_it_stays_in_the_folder(self) -> None:
        assert "separator" in str(refused(Numbered("../take_")))
