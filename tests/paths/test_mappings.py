r"""Translating paths between systems: longest prefix, separator boundaries, round trips."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from orchestrator.paths.mappings import (
    OS_NAMES,
    OsName,
    PathMapping,
    Translator,
    current_os,
    is_absolute,
    to_local,
    translate,
)

MANDALORE = PathMapping("m", windows="W:\\", linux="/mnt/Mandalore", macos="/Volumes/Mandalore")
VFX = PathMapping("v", windows="W:\\VFX", linux="/mnt/fast/vfx", macos="/Volumes/VFX")
NAS = PathMapping("n", windows="\\\\nas\\projects", linux="/mnt/projects/", macos="")
ALL = (MANDALORE, VFX, NAS)

names = st.text(
    st.characters(exclude_characters='/\\:*?"<>|', exclude_categories=["Cc", "Cs"]),
    min_size=1,
    max_size=20,
)
anything = st.one_of(
    st.text(),
    st.lists(names, max_size=5).map("\\".join).map(lambda rest: "w:/" + rest),
    st.lists(names, max_size=5).map("/".join).map(lambda rest: "/mnt/Mandalore/" + rest),
)


class TestToLocal:
    def test_the_documented_example(self) -> None:
        """The API document's own request and answer."""
        path = to_local("W:\\VFX\\Eliot\\renders", [MANDALORE], "linux")

        assert path == "/mnt/Mandalore/VFX/Eliot/renders"

    @pytest.mark.parametrize(
        ("path", "linux"),
        [
            ("w:\\a\\b", "/mnt/Mandalore/a/b"),
            ("W:/a\\b/c", "/mnt/Mandalore/a/b/c"),
            ("W:\\\\a", "/mnt/Mandalore/a"),
            ("W:\\", "/mnt/Mandalore"),
            ("W:", "/mnt/Mandalore"),
            ("\\\\?\\W:\\a", "/mnt/Mandalore/a"),
            ("\\\\NAS\\Projects\\Eliot", "/mnt/projects/Eliot"),
            ("//nas/projects/Eliot", "/mnt/projects/Eliot"),
            ("\\\\?\\UNC\\nas\\projects\\x", "/mnt/projects/x"),
            ("/Volumes/Mandalore/a", "/mnt/Mandalore/a"),
            ("/volumes/mandalore/A", "/mnt/Mandalore/A"),
            ("//?/W:/a", "/mnt/Mandalore/a"),
            ("/Volumes//VFX/./a/", "/mnt/fast/vfx/./a"),
            ("W:\\vfx\\shot", "/mnt/fast/vfx/shot"),
            ("W:\\VFX", "/mnt/fast/vfx"),
        ],
    )
    def test_foreign_paths_get_a_local_name(self, path: str, linux: str) -> None:
        """Any case of drive and share, mixed slashes, long forms; the longest prefix wins."""
        assert to_local(path, ALL, "linux") == linux

    @pytest.mark.parametrize(
        "path",
        [
            "/mnt/Mandalore2/x",
            "/Volumes/Mandalore2/x",
            "W:x",
            "WW:\\x",
            "\\\\nas\\projects2\\x",
            "\\\\nas",
            "X:\\a",
            "relative/a",
            "a\\b",
            "",
            "/etc/passwd",
            "/mnt/Mandalore/a\\b",
            "/MNT/mandalore/a",
        ],
    )
    def test_what_no_mapping_knows_stays_as_it_is(self, path: str) -> None:
        """A prefix ends at a separator; POSIX names have case, and may hold a backslash."""
        assert to_local(path, ALL, "linux") == path

    def test_the_order_of_mappings_does_not_matter(self) -> None:
        """The longest prefix wins, not the first."""
        assert to_local("W:\\VFX\\a", ALL, "linux") == to_local("W:\\VFX\\a", ALL[::-1], "linux")

    @pytest.mark.parametrize("side", ["", "mnt/x", "  ", "./"])
    def test_a_blank_or_relative_side_is_ignored(self, side: str) -> None:
        """It would send everything to the working directory."""
        broken = PathMapping("b", windows="W:\\VFX", linux=side)

        assert to_local("W:\\VFX\\a", [broken], "linux") == "W:\\VFX\\a"
        assert to_local("W:\\VFX\\a", [broken, MANDALORE], "linux") == "/mnt/Mandalore/VFX/a"

    def test_a_blank_foreign_side_matches_nothing(self) -> None:
        """An empty prefix is the beginning of every path."""
        assert to_local("/x", [PathMapping("b", windows="", linux="/mnt/b")], "linux") == "/x"

    def test_a_disabled_mapping_is_ignored(self) -> None:
        """It is kept for later."""
        off = PathMapping("m", windows="W:\\", linux="/mnt/Mandalore", enabled=False)

        assert to_local("W:\\a", [off], "linux") == "W:\\a"

    def test_names_match_whichever_way_they_are_composed(self) -> None:
        """A Mac sends é as two characters."""
        cafe = PathMapping("c", linux="/mnt/caf\u00e9", macos="/Volumes/Caf\u00e9")

        assert to_local("/Volumes/Cafe\u0301/e\u0301", [cafe], "linux") == "/mnt/caf\u00e9/e\u0301"

    @pytest.mark.parametrize("name", ["Strasse", "\u0131", "\u017f"])
    def test_windows_ignores_case_letter_by_letter(self, name: str) -> None:
        """As NTFS does: `\u00df` is not `ss`, and the dotless i of Turkish no i."""
        sides = {"Strasse": "Stra\u00dfe", "\u0131": "i", "\u017f": "s"}
        mapping = PathMapping("s", windows=f"W:\\{sides[name]}", linux="/mnt/s")

        assert to_local(f"W:\\{name}\\a", [mapping], "linux") == f"W:\\{name}\\a"

    def test_windows_ignores_case_of_all_letters(self) -> None:
        """Not only of those that English has."""
        mapping = PathMapping("s", windows="W:\\\u00c9t\u00e9", linux="/mnt/s")

        assert to_local("w:/\u00e9T\u00c9/B", [mapping], "linux") == "/mnt/s/B"

    def test_macs_ignore_case_where_they_have_their_volumes(self) -> None:
        """Elsewhere the path may as well be one of Linux, which has case."""
        mapping = PathMapping("c", linux="/mnt/c", macos="/mnt/C")

        assert to_local("/mnt/C/a", [mapping], "linux") == "/mnt/c/a"
        assert to_local("/MNT/c/a", [mapping], "linux") == "/MNT/c/a"

    def test_climbing_is_kept_for_the_roots_to_refuse(self) -> None:
        """Translation hides nothing."""
        assert to_local("W:\\..\\..\\etc", ALL, "linux") == "/mnt/Mandalore/../../etc"

    @given(anything, st.sampled_from(OS_NAMES))
    def test_twice_is_once(self, path: str, os_name: OsName) -> None:
        """A local path stays local, whoever asks again."""
        once = to_local(path, ALL, os_name)

        assert to_local(once, ALL, os_name) == once


class TestTranslate:
    @pytest.mark.parametrize(
        ("path", "target", "expected"),
        [
            ("/mnt/Mandalore/a/b", "windows", "W:\\a\\b"),
            ("/mnt/Mandalore", "windows", "W:\\"),
            ("/mnt/Mandalore/", "macos", "/Volumes/Mandalore"),
            ("/mnt/projects/a", "windows", "\\\\nas\\projects\\a"),
            ("/mnt/projects/a", "macos", "/mnt/projects/a"),
            ("W:\\a", "windows", "W:\\a"),
            ("w:/a", "windows", "w:/a"),
            ("W:\\a", "beos", "W:\\a"),
        ],
    )
    def test_to_each_system(self, path: str, target: str, expected: str) -> None:
        """The target's own separators; unchanged where the target has no name for it."""
        assert translate(path, ALL, target) == expected

    def test_the_whole_disk_can_be_a_side(self) -> None:
        """`/` ends in its separator and still is one folder."""
        disk = PathMapping("d", windows="Z:\\", linux="/")

        assert translate("Z:\\a", [disk], "linux") == "/a"
        assert translate("Z:\\", [disk], "linux") == "/"
        assert translate("/a", [disk], "windows") == "Z:\\a"

    @given(
        st.lists(names, max_size=6),
        st.sampled_from(ALL),
        st.permutations(["windows", "linux", "macos"]),
    )
    def test_there_and_back_again(
        self, rest: list[str], mapping: PathMapping, systems: list[str]
    ) -> None:
        """A path that went to another system comes back as it was."""
        home, away, _ = systems
        assume(mapping.side(home) and mapping.side(away))
        separator = "\\" if home == "windows" else "/"
        path = separator.join([mapping.side(home).rstrip("/\\"), *rest])
        path = path + separator if path.endswith(":") and len(rest) == 0 else path

        there = translate(path, [mapping], away)

        assert there != path
        assert translate(there, [mapping], home) == path


#: A calls B what B calls A; a folder that lies in its own other name; three in a circle.
ODD = [
    (
        PathMapping("1", linux="/mnt/a", macos="/mnt/b"),
        PathMapping("2", linux="/mnt/b", macos="/mnt/a"),
    ),
    (PathMapping("1", linux="/mnt/a", macos="/mnt/a/b"),),
    (PathMapping("1", linux="/mnt/a/b", macos="/mnt/a"),),
    (
        PathMapping("1", windows="W:\\", linux="/mnt/a", macos="/mnt/b"),
        PathMapping("2", windows="W:\\b", linux="/mnt/b", macos="/mnt/c"),
        PathMapping("3", windows="X:\\", linux="/mnt/c", macos="/mnt/a"),
    ),
    (PathMapping("1", windows="W:\\", linux="/"), PathMapping("2", linux="/mnt", macos="/")),
    (PathMapping("1", windows="//a/b", linux="//a/b", macos="//a/b"),),
]


class TestRoundTrips:
    @given(rest=st.lists(names, max_size=6), data=st.data())
    def test_any_windows_spelling_comes_back_as_the_mapping_spells_it(
        self, rest: list[str], data: st.DataObject
    ) -> None:
        """What lies below keeps its case to the letter; the prefix gets that of the mapping."""
        mapping = data.draw(st.sampled_from(ALL))
        spelled = [mapping.windows, mapping.windows.lower(), mapping.windows.upper()]
        drive = data.draw(st.sampled_from(spelled))
        mixed = drive.rstrip("\\") + "".join(data.draw(_slashes) + name for name in rest)

        local = translate(mixed, ALL, "linux")
        back = translate(local, ALL, "windows")

        assume(local.startswith("/"))
        assert back.rstrip("\\").split("\\")[-len(rest) :] == rest or not rest
        assert translate(back, ALL, "linux") == local

    @given(rest=st.lists(names, min_size=1, max_size=4), home=st.sampled_from(OS_NAMES))
    def test_through_all_three_systems(self, rest: list[str], home: OsName) -> None:
        """From host to host to host, and home."""
        join = "\\" if home == "windows" else "/"
        path = join.join([MANDALORE.side(home).rstrip("\\"), *rest])

        for target in ("linux", "windows", "macos", "windows", "linux", home):
            path = translate(path, [MANDALORE], target)

        assert path == join.join([MANDALORE.side(home).rstrip("\\"), *rest])


_slashes = st.sampled_from(["\\", "/", "\\\\", "//"])


class TestLoops:
    @pytest.mark.parametrize("mappings", ODD)
    @given(
        path=st.lists(st.sampled_from(["mnt", "a", "b", "c", "B"]), max_size=4),
        start=st.sampled_from(["/", "W:\\", "x:/", "//"]),
        target=st.sampled_from(OS_NAMES),
    )
    def test_no_path_goes_round(
        self, mappings: tuple[PathMapping, ...], path: list[str], start: str, target: OsName
    ) -> None:
        """A path is translated once; asking again changes nothing, and makes nothing longer."""
        once = translate(start + "/".join(path), mappings, target)

        assert translate(once, mappings, target) == once

    def test_the_name_that_a_path_has_here_already_comes_first(self) -> None:
        """A local path stays, also if another mapping's Mac calls another folder so."""
        assert translate("/mnt/a/x", ODD[0], "linux") == "/mnt/a/x"
        assert translate("/mnt/a/b/x", ODD[1], "linux") == "/mnt/a/b/x"

    def test_of_two_mappings_of_one_folder_the_first_counts(self) -> None:
        """In the order of config.yaml."""
        one, two = PathMapping("1", "", "W:\\", "/mnt/1"), PathMapping("2", "", "w:", "/mnt/2")

        assert translate("W:\\a", [one, two], "linux") == "/mnt/1/a"
        assert translate("W:\\a", [two, one], "linux") == "/mnt/2/a"


class TestFind:
    @pytest.mark.parametrize(
        ("path", "target", "matched"),
        [
            ("W:\\a", "linux", True),
            ("/mnt/Mandalore/a", "linux", True),
            ("/mnt/Mandalore", "linux", True),
            ("/", "linux", False),
            ("X:\\a", "linux", False),
            ("a", "linux", False),
            ("\\\\nas\\projects\\a", "macos", False),
            ("W:\\a", "beos", False),
        ],
    )
    def test_says_whether_a_mapping_knew_it(self, path: str, target: str, matched: bool) -> None:
        """Also of a path that is right as it is."""
        assert Translator(ALL, target).find(path) == (translate(path, ALL, target), matched)


class TestIsAbsolute:
    @pytest.mark.parametrize(
        ("path", "os_name", "answer"),
        [
            ("W:\\", "windows", True),
            ("W:", "windows", True),
            ("w:/x", "windows", True),
            ("\\\\nas\\share", "windows", True),
            ("\\\\?\\C:\\x", "windows", True),
            ("\\\\nas", "windows", False),
            ("W:x", "windows", False),
            ("\\x", "windows", False),
            ("x", "windows", False),
            ("", "windows", False),
            ("/", "linux", True),
            ("/Volumes/x", "macos", True),
            ("x", "linux", False),
            ("", "linux", False),
            ("/x", "beos", False),
        ],
    )
    def test_per_system(self, path: str, os_name: str, answer: bool) -> None:
        """What stands on its own."""
        assert is_absolute(path, os_name) is answer

    @pytest.mark.parametrize(
        ("platform", "os_name"),
        [("Windows", "windows"), ("Darwin", "macos"), ("Linux", "linux"), ("FreeBSD", "linux")],
    )
    def test_this_system_has_one_of_the_three_names(
        self, monkeypatch: pytest.MonkeyPatch, platform: str, os_name: str
    ) -> None:
        """Any other Unix is called linux."""
        monkeypatch.setattr("platform.system", lambda: platform)

        assert current_os() == os_name
