"""Names that people may give, names that shares take for one, and files that go together."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pathvalidate import is_valid_filename

from orchestrator.errors import NameInvalid
from orchestrator.gallery.fileops import names as names_module
from orchestrator.gallery.fileops.names import (
    Sidecars,
    accepted_name,
    check_name,
    free_variant,
    name_key,
    path_key,
    path_keys,
    same_name,
    sidecar_name,
    sidecars_of,
    split_name,
    variants,
)

E_ACUTE = "\u00e9"
ARTIST = "\U0001f469\u200d\U0001f3a8"

texts = st.text(max_size=80)
names = st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=80)


class TestCheckName:
    @pytest.mark.parametrize(
        "name",
        [
            "shot.png",
            "Eliot, 'the' cat & co (2) [final] #1 100%.png",
            "no extension",
            f"{E_ACUTE}t{E_ACUTE}.png",
            unicodedata.normalize("NFD", f"{E_ACUTE}.png"),
            "猫_ñ_Ж.png",
            f"{ARTIST}.png",
            "\u2764\ufe0f\u200d\U0001f525.png",
            "می\u200cخواهم.png",
            "console.png",
            "com.png",
            "com10.png",
            "x" * 251 + ".png",
        ],
    )
    def test_what_every_system_can_have(self, name: str) -> None:
        """Emoji, commas, quotes, and joiners inside words and emoji are names like others."""
        assert check_name(name) is None
        assert accepted_name(name) == name

    @pytest.mark.parametrize(
        ("name", "reason"),
        [
            ("", "empty"),
            (" \u3000", "empty"),
            (".", "folder"),
            ("..", "folder"),
            ("a/b.png", "separator"),
            ("..\\b.png", "separator"),
            ("a\0.png", "control"),
            ("a\n.png", "control"),
            ("a\x9f.png", "control"),
            ("a\u2028b.png", "control"),
            ("CON", "device"),
            ("nul.txt", "device"),
            ("nul.tar.gz", "device"),
            ("COM1", "device"),
            ("com¹.png", "device"),
            ("LPT9.png", "device"),
            ("con .txt", "device"),
            ("CONOUT$", "device"),
            ("shot.png.", "Windows drops"),
            ("shot ", "Windows drops"),
            (" shot.png", "Windows drops"),
            (".hidden.png", "hides"),
            (".gallery", "hides"),
            ("Thumbs.db", "another program"),
            ("a:b.png", "':'"),
            ('a"b.png', "'\"'"),
            ("a?.png", "'?'"),
            ("x" * 252 + ".png", "longer"),
            ("猫" * 84 + ".png", "longer"),
            ("a\ud800.png", "Unicode"),
            ("a\u202egnp.exe", "invisible"),
            ("a\u200bb.png", "invisible"),
            ("a\u200db.png", "invisible"),
            ("猫\u200d.png", "invisible"),
            ("\u200d猫.png", "invisible"),
            ("猫\u200d\u200d猫.png", "invisible"),
        ],
    )
    def test_what_some_system_refuses_or_hides(self, name: str, reason: str) -> None:
        """Refused everywhere, with a reason that says which rule it breaks."""
        found = check_name(name)

        assert found is not None
        assert reason in found
        with pytest.raises(NameInvalid) as refused:
            accepted_name(name)
        assert refused.value.reason == found

    @given(texts | st.sampled_from(["CLOCK$", "prn", "Aux.x", "lpt³", "com0.png", "con.", "$MFT"]))
    def test_it_is_as_strict_as_the_library(self, name: str) -> None:
        """Whatever pathvalidate refuses on some system is refused."""
        assert check_name(name) is not None or is_valid_filename(name, platform="universal")

    @given(
        st.from_regex(names_module._PLAIN, fullmatch=True)
        | st.builds(
            "{}{}{}".format,
            st.sampled_from(["con", "COM1", "lpt9", "Thumbs", "desktop", "shot_01", "-", "ſhots"]),
            st.sampled_from(["", "1", "_v2", " 7"]),
            st.sampled_from([".png", ".db", ".INI", ".inis", ".p", ".", ".webp\n", "", ".pɴg"]),
        )
    )
    def test_the_quick_look_never_takes_what_the_long_one_refuses(self, name: str) -> None:
        """It only spares the long one on plain names."""
        quick = check_name(name)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(names_module, "_PLAIN", re.compile("(?!)"))
            assert check_name(name) == quick

    @given(texts)
    def test_any_text_is_judged(self, name: str) -> None:
        """Nothing makes it fail, and what it takes can be written as UTF-8 in 255 bytes."""
        if check_name(name) is None:
            assert len(name.encode()) <= 255
            assert not name.startswith(".")


class TestNameKey:
    @pytest.mark.parametrize(
        ("a", "b"),
        [
            ("a.png", "A.PNG"),
            (f"{E_ACUTE}.png", "e\u0301.png"),
            ("É.png", "e\u0301.png"),
            ("ΣΑΣ.png", "σας.png"),
            ("a\u200b.png", "a.png"),
            ("\u1fb3", "\u03b1\u0345"),
        ],
    )
    def test_case_and_unicode_form_do_not_count(self, a: str, b: str) -> None:
        assert same_name(a, b)

    @given(st.lists(texts))
    def test_many_have_the_keys_that_each_has(self, paths: list[str]) -> None:
        """Line breaks in names mix nothing up."""
        assert path_keys(paths) == [path_key(path) for path in paths]
        assert path_keys(["A/b\nC", "D"]) == ["a/b\nc", "d"]

    def test_other_names_are_others(self) -> None:
        assert not same_name("a.png", "b.png")
        assert not same_name("e.png", f"{E_ACUTE}.png")

    @given(names)
    def test_a_key_is_its_own_key(self, name: str) -> None:
        """And the same for all forms of the name."""
        key = name_key(name)

        assert name_key(key) == key
        for form in ("NFC", "NFD"):
            assert name_key(unicodedata.normalize(form, name)) == key

    def test_a_path_is_compared_name_by_name(self) -> None:
        assert path_key("Panel_É/A.png") == path_key("panel_e\u0301/a.PNG")
        assert path_key("P/A.png") == "p/a.png"


class TestVariants:
    @pytest.mark.parametrize(
        ("name", "stem", "extension"),
        [
            ("shot.PNG", "shot", ".PNG"),
            ("a.tar.gz", "a.tar", ".gz"),
            (".png", ".png", ""),
            ("none", "none", ""),
            ("Dr. Smith at work", "Dr. Smith at work", ""),
            ("a." + "x" * 17, "a." + "x" * 17, ""),
            ("a.", "a.", ""),
        ],
    )
    def test_the_extension(self, name: str, stem: str, extension: str) -> None:
        """Short, without spaces, after something."""
        assert split_name(name) == (stem, extension)

    def test_the_first_free_number(self) -> None:
        taken = {name_key(name) for name in ("shot.png", "SHOT_1.PNG", "shot_3.png")}

        assert free_variant("shot.png", taken) == "shot_2.png"

    def test_a_number_in_the_name_is_not_counted_on(self) -> None:
        """The next frame of a sequence is not a variant of the frame before."""
        assert free_variant("frame_0001.png", set()) == "frame_0001_1.png"

    @pytest.mark.parametrize(
        "name", ["x" * 251 + ".png", "猫" * 83 + ".png", f"{ARTIST * 22}.png", "x" * 255]
    )
    def test_long_names_stay_names(self, name: str) -> None:
        """The stem is shortened between characters, and never after a joiner."""
        variant = free_variant(name, {name_key(name)})

        assert check_name(variant) is None
        assert variant.endswith("_1" + split_name(name)[1])

    @given(names)
    def test_variants_differ(self, name: str) -> None:
        found = [variant for variant, _ in zip(variants(name), range(12), strict=False)]

        assert len(set(map(name_key, [name, *found]))) == 13


class TestSidecars:
    def test_they_have_the_stem_or_the_whole_name(self) -> None:
        folder = ["shot.png", "shot.json", "shot.TXT", "shot.xmp", "shot.png.json", "shot.md"]

        found = sidecars_of("shot.png", [*folder, "shot2.json", "shot.v1.json"])

        assert sorted(found) == ["shot.TXT", "shot.json", "shot.png.json", "shot.xmp"]

    def test_one_of_two_media_does_not_take_it(self) -> None:
        """It stays, since it may be the other's; the whole name is never in doubt."""
        folder = ["shot.png", "shot.mp4", "shot.json", "shot.mp4.json"]

        assert sidecars_of("shot.png", folder) == []
        assert sidecars_of("shot.mp4", folder) == ["shot.mp4.json"]

    def test_both_together_take_it_once(self) -> None:
        folder = Sidecars.among(["shot.png", "shot.mp4", "shot.json", "shot.png.json"])
        both = {"shot.png", "shot.mp4"}

        assert folder.of("shot.mp4", both) == ["shot.json"]
        assert folder.of("shot.png", both) == ["shot.png.json"]

    def test_a_name_can_be_a_stem(self) -> None:
        """`a.png.json` describes `a.png`, or `a.png.mp4`: nobody knows."""
        assert sidecars_of("a.png", ["a.png", "a.png.mp4", "a.png.json"]) == []

    def test_case_does_not_make_two_stems(self) -> None:
        """On a share that ignores case it is the same name."""
        assert sidecars_of("Shot.png", ["Shot.png", "shot.JSON"]) == ["shot.JSON"]
        assert sidecars_of("Shot.png", ["Shot.png", "shot.mp4", "shot.json"]) == []

    def test_only_media_have_sidecars(self) -> None:
        folder = ["notes.md", "notes.txt", "project.json", "project.xmp"]

        assert sidecars_of("notes.md", folder) == []
        assert sidecars_of("project.json", folder) == []
        assert sidecars_of("gone.png", ["gone.json"]) == []

    @pytest.mark.parametrize(
        ("sidecar", "new"),
        [
            ("shot.json", "cat.v2.json"),
            ("shot.png.json", "cat.v2.webp.json"),
            ("SHOT.XMP", "cat.v2.XMP"),
            ("shot.mp4", "cat.v2.mp4"),
        ],
    )
    def test_their_new_names(self, sidecar: str, new: str) -> None:
        """They keep their own extension."""
        assert sidecar_name("shot.png", "cat.v2.webp", sidecar) == new

    def test_a_stranger_has_none(self) -> None:
        with pytest.raises(ValueError, match=r"shot2\.json"):
            sidecar_name("shot.png", "cat.png", "shot2.json")
