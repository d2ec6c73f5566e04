r"""Translating paths between systems: longest prefix, separator boundaries, round trips."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from orchestrator.paths.mappings import (
    OS_NAMES,
    OsName,
    PathMapping,
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
            "/volumes/mandalore/a",
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
