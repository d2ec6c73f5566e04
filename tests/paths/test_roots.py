"""What may be touched: permitted folders, links, projects, and names that we create."""

from __future__ import annotations

import os
from pathlib import Path, PurePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.errors import FileMissing, PathInvalid, PathNotPermitted
from orchestrator.paths.mappings import PathMapping
from orchestrator.paths.places import MOMENT
from orchestrator.paths.roots import (
    Roots,
    default_roots,
    is_service_path,
    relative,
    safe_name,
)


@pytest.fixture(scope="session")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two permitted folders, a forbidden one, and links of every kind between them."""
    disk = tmp_path_factory.mktemp("disk").resolve()
    for folder in ("root/shots/deep", "second", "out/secret", "rootless", "root/.gallery"):
        (disk / folder).mkdir(parents=True)
    (disk / "root/shots/a.png").write_bytes(b"a")
    (disk / "out/secret/s.png").write_bytes(b"s")
    (disk / "root/leak").symlink_to(disk / "out")
    (disk / "root/climb").symlink_to("../out/secret")
    (disk / "root/cousin").symlink_to(disk / "second")
    (disk / "root/loop").symlink_to(disk / "root/loop")
    (disk / "root/dangling").symlink_to(disk / "out/not-yet")
    (disk / "root/back").symlink_to(disk / "root")
    (disk / "root/shots/state").symlink_to(disk / "root/.gallery")
    (disk / "root/shots/s.png").symlink_to(disk / "out/secret/s.png")
    (disk / "alias").symlink_to(disk / "root")
    return disk


@pytest.fixture(scope="session")
def roots(disk: Path) -> Roots:
    """The permitted folders of `disk`; one of them does not exist."""
    return Roots((disk / "root", disk / "second", disk / "missing"))


class TestPermit:
    @pytest.mark.parametrize(
        ("path", "real"),
        [
            ("root", "root"),
            ("root/shots/a.png", "root/shots/a.png"),
            ("root//shots/./a.png", "root/shots/a.png"),
            ("root/new/not/there.png", "root/new/not/there.png"),
            ("root/cousin/x", "second/x"),
            ("root/back/back/shots", "root/shots"),
            ("alias/shots", "root/shots"),
            ("root/shots/a.png/below", "root/shots/a.png/below"),
        ],
    )
    def test_inside_is_permitted_and_real(
        self, disk: Path, roots: Roots, path: str, real: str
    ) -> None:
        """The answer has no links in it; what does not exist yet is permitted by its parent."""
        assert roots.permit(f"{disk}/{path}") == disk / real
        assert roots.permits(disk / path)

    @pytest.mark.parametrize(
        "path",
        [
            "",
            "out",
            "rootless",
            "root2",
            "root/leak",
            "root/leak/secret/s.png",
            "root/climb",
            "root/dangling",
            "root/dangling/x",
            "root/shots/s.png",
            "root/back/leak",
        ],
    )
    def test_outside_is_refused(self, disk: Path, roots: Roots, path: str) -> None:
        """Whatever the path says, where it leads decides; also where a link's target is to be."""
        with pytest.raises(PathNotPermitted) as refused:
            roots.permit(f"{disk}/{path}")

        assert refused.value.detail()["roots"] == [str(folder) for folder in roots.folders]
        assert not roots.permits(disk / path)

    @pytest.mark.parametrize("path", ["missing", "missing/x"])
    def test_a_root_that_is_not_mounted_is_missing(
        self, disk: Path, roots: Roots, path: str
    ) -> None:
        """It is permitted, only not there: people should look at the mount, not at `roots`."""
        with pytest.raises(FileMissing):
            roots.permit(f"{disk}/{path}")
        assert not roots.permits(disk / path)

    @pytest.mark.parametrize(
        "path",
        [
            "",
            " ",
            ".",
            "relative/a",
            "~",
            "/a\0b",
            "/a\nb",
            "/a\x85b",
            "/\ud800",
            "/" + "a" * 256,
            "/" + "é" * 128,
            "/" + "a/" * 2048,
            "C:\\Windows",
            "\\\\nas\\share\\x",
        ],
    )
    def test_unusable_paths_are_invalid(self, roots: Roots, path: str) -> None:
        """An empty path never means the working directory, nor does any other relative one."""
        with pytest.raises(PathInvalid):
            roots.permit(path)

    @pytest.mark.parametrize("path", ["root/../root", "root/shots/..", "..", "root/..\\x"])
    def test_climbing_is_invalid_even_if_it_ends_inside(
        self, disk: Path, roots: Roots, path: str
    ) -> None:
        """Nobody who means well sends `..`."""
        with pytest.raises(PathInvalid):
            roots.permit(f"{disk}/{path}")

    def test_names_at_the_limit_are_usable(self, disk: Path, roots: Roots) -> None:
        """255 bytes of a name, counted as bytes."""
        name = "é" * 127 + "a"

        assert roots.permit(disk / "root" / name).name == name

    def test_a_circle_of_links_is_invalid(self, disk: Path, roots: Roots) -> None:
        """It leads nowhere."""
        with pytest.raises(PathInvalid, match="circle"):
            roots.permit(disk / "root/loop/x")

    def test_a_share_that_does_not_answer_is_told(
        self, disk: Path, roots: Roots, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """An I/O error inside a permitted folder is no matter of permission."""
        real_lstat = os.lstat

        def lstat(path: str) -> os.stat_result:
            if str(path).endswith("shots"):
                raise OSError(112, "Host is down")
            return real_lstat(path)

        monkeypatch.setattr(os, "lstat", lstat)
        with pytest.raises(FileMissing):
            roots.permit(disk / "root/shots/a.png")

    def test_a_dead_folder_does_not_slow_others(
        self, disk: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A path that lies in one permitted folder by name does not touch the others."""
        touched: list[str] = []
        real_lstat = os.lstat

        def lstat(path: str) -> os.stat_result:
            touched.append(str(path))
            return real_lstat(path)

        monkeypatch.setattr(os, "lstat", lstat)
        Roots((disk / "second", disk / "root")).permit(disk / "root/shots")

        assert not [path for path in touched if path.endswith("second")]

    def test_a_foreign_path_is_translated(self, disk: Path) -> None:
        """A Windows path means its folder here, and that folder is permitted by its mapping."""
        mapping = PathMapping("m", windows="W:\\", linux=f"{disk}/root", macos=f"{disk}/root")
        roots = Roots((disk / "second",), (mapping,))

        assert roots.permit("w:\\shots\\a.png") == disk / "root/shots/a.png"
        with pytest.raises(PathInvalid):
            roots.permit("W:\\..\\out")

    @given(
        parts=st.lists(
            st.sampled_from(
                [
                    "root",
                    "second",
                    "out",
                    "leak",
                    "climb",
                    "cousin",
                    "loop",
                    "dangling",
                    "back",
                    "shots",
                    "deep",
                    "s.png",
                    "a.png",
                    "secret",
                    "..",
                    ".",
                    "new",
                    "alias",
                ]
            ),
            max_size=7,
        )
    )
    def test_never_outside(self, disk: Path, roots: Roots, parts: list[str]) -> None:
        """What is permitted lies, with all links followed, in a permitted folder."""
        try:
            permitted = roots.permit("/".join([str(disk), *parts]))
        except (PathInvalid, PathNotPermitted):
            return

        assert Path(os.path.realpath(permitted)) == permitted
        assert any(permitted.is_relative_to(disk / root) for root in ("root", "second"))


class TestFolders:
    def test_defaults_only_if_none_is_set(self, tmp_path: Path) -> None:
        """One configured folder replaces all default ones."""
        assert Roots().folders == default_roots()
        assert Roots((tmp_path,)).folders == (tmp_path,)

    def test_local_sides_of_enabled_mappings_count(self, tmp_path: Path) -> None:
        """Disabled mappings, and sides of other systems, permit nothing."""
        on = PathMapping("a", windows="W:\\", linux="/mnt/a", macos="/mnt/a")
        off = PathMapping("b", linux="/mnt/b", macos="/mnt/b", enabled=False)
        foreign = PathMapping("c", windows="X:\\")

        assert Roots((tmp_path,), (on, off, foreign)).folders == (tmp_path, Path("/mnt/a"))

    def test_a_home_of_slash_is_no_root(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A system user's home is the whole disk."""
        monkeypatch.setenv("HOME", "/")

        assert default_roots() == (Path("/mnt"), Path("/media"), Path("/Volumes"))

    def test_windows_drives_but_the_systems(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """C: holds Windows; shares are mounted as other letters."""
        monkeypatch.setattr("platform.system", lambda: "Windows")
        monkeypatch.setenv("SYSTEMDRIVE", "c:")
        monkeypatch.setenv("HOME", "/home/artist")
        found = [str(root) for root in default_roots()]

        assert found[0] == "/home/artist"
        assert "W:\\" in found
        assert "C:\\" not in found


class TestUse:
    def test_mappings_change_for_all_who_hold_the_roots(self, disk: Path) -> None:
        """There is one object, and no restart."""
        roots = Roots((disk / "root",))
        with pytest.raises(PathInvalid):
            roots.permit("W:\\shots")

        roots.use([PathMapping("m", windows="W:\\", linux=f"{disk}/root", macos=f"{disk}/root")])
        assert roots.permit("W:\\shots") == disk / "root/shots"
        assert roots.inside(disk / "root", "w:/shots/a.png") == disk / "root/shots/a.png"

        roots.use([])
        with pytest.raises(PathInvalid):
            roots.permit("W:\\shots")

    def test_each_change_is_another_edition(self, disk: Path) -> None:
        """Who remembers what was permitted can tell that it was so by other mappings."""
        roots = Roots((disk / "root",))
        before = roots.edition
        roots.use([])
        assert roots.edition > before

    def test_a_mapping_made_at_runtime_permits_nothing(self, disk: Path) -> None:
        """Or everybody on the network could read any folder by naming it in a mapping."""
        roots = Roots((disk / "root",))
        roots.use([PathMapping("m", windows="O:\\", linux=f"{disk}/out", macos=f"{disk}/out")])

        assert roots.folders == (disk / "root",)
        assert not roots.covers(f"{disk}/out")
        with pytest.raises(PathNotPermitted):
            roots.permit("O:\\secret\\s.png")

    def test_not_even_by_a_link_inside_of_the_roots(self, disk: Path) -> None:
        """Its name lies in a root, but it leads elsewhere."""
        roots = Roots((disk / "root",))
        leak = f"{disk}/root/leak"
        roots.use([PathMapping("m", windows="O:\\", linux=leak, macos=leak)])

        assert roots.covers(leak)
        with pytest.raises(PathNotPermitted):
            roots.permit("O:\\secret")

    def test_removing_a_configured_mapping_takes_its_folder_back(self, disk: Path) -> None:
        """Changing it to a folder below leaves it; changing it to another does not."""
        side = f"{disk}/second"
        mapping = PathMapping("m", windows="S:\\", linux=side, macos=side)
        roots = Roots((disk / "root",), (mapping,))
        assert roots.permits(f"{side}/x")

        below = f"{side}/x"
        roots.use([PathMapping("m", windows="S:\\", linux=below, macos=below)])
        assert roots.permits(f"{side}/x")
        elsewhere = f"{disk}/out"
        roots.use([PathMapping("m", windows="S:\\", linux=elsewhere, macos=elsewhere)])
        assert not roots.permits(f"{side}/x")
        assert not roots.permits(elsewhere)
        roots.use([])
        assert not roots.permits(f"{side}/x")


class TestMemory:
    """Where roots and projects really are is remembered for a moment."""

    @pytest.fixture
    def share(self, tmp_path: Path) -> Path:
        (tmp_path / "share/P/a").mkdir(parents=True)
        (tmp_path / "share/P/a/x.png").write_bytes(b"x")
        (tmp_path / "other").mkdir()
        return tmp_path / "share"

    def test_only_what_lies_below_is_looked_at_again(
        self, share: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A share takes a call for each folder of a path; upper ones are always the same."""
        roots = Roots((share,))
        roots.permit(share / "P/a/x.png")
        roots.inside(share / "P", "a/x.png")
        looked: list[str] = []
        real_lstat = os.lstat

        def lstat(path: str) -> os.stat_result:
            looked.append(str(path))
            return real_lstat(path)

        monkeypatch.setattr(os, "lstat", lstat)
        roots.permit(share / "P/a/x.png")
        assert looked == [f"{share}/P", f"{share}/P/a", f"{share}/P/a/x.png"]
        looked.clear()
        roots.inside(share / "P", "a/x.png")
        assert looked == [f"{share}/P/a", f"{share}/P/a/x.png"]

    def test_a_share_that_goes_is_missed_within_a_moment(self, share: Path) -> None:
        """And is found again as soon as it is back."""
        now = [0.0]
        roots = Roots((share,), clock=lambda: now[0])
        roots.permit(share / "P")
        share.rename(share.parent / "away")
        now[0] += MOMENT + 0.1
        with pytest.raises(FileMissing):
            roots.permit(share / "P")
        (share.parent / "away").rename(share)
        assert roots.permit(share / "P") == share / "P"

    def test_a_root_that_became_a_link_is_seen_within_a_moment(self, share: Path) -> None:
        """It then permits what it leads to, and no more what lay there before."""
        now = [0.0]
        roots = Roots((share,), clock=lambda: now[0])
        roots.permit(share / "P")
        share.rename(share.parent / "old")
        share.symlink_to(share.parent / "other")
        now[0] += MOMENT + 0.1
        assert roots.permit(share / "P") == share.parent / "other/P"
        with pytest.raises(PathNotPermitted):
            roots.permit(share.parent / "old/P")

    def test_a_link_in_place_of_a_folder_is_seen_at_once(self, share: Path) -> None:
        """Below roots and projects nothing is remembered."""
        roots = Roots((share,))
        roots.inside(share / "P", "a/x.png")
        (share / "P/a").rename(share / "P/b")
        (share / "P/a").symlink_to(share.parent / "other")
        with pytest.raises(PathNotPermitted):
            roots.inside(share / "P", "a/x.png")
        with pytest.raises(PathNotPermitted):
            roots.permit(share / "P/a/x.png")


class TestInside:
    @pytest.mark.parametrize(
        ("given_path", "expected"),
        [
            ("shots/a.png", "shots/a.png"),
            ("shots\\a.png", "shots/a.png"),
            ("./shots//a.png", "shots/a.png"),
            (".", "."),
            ("{project}/shots/a.png", "shots/a.png"),
            ("{project}", "."),
            ("{disk}/alias/shots", "shots"),
            ("back/shots", "back/shots"),
            ("cousin/x.png", "cousin/x.png"),
            ("new/x.png", "new/x.png"),
            ("CON", "CON"),
            (".ref_images/a.png", ".ref_images/a.png"),
            ("shots/ending. ", "shots/ending. "),
            ("a:b.png", "a:b.png"),
        ],
    )
    def test_relative_and_absolute_forms(
        self, disk: Path, roots: Roots, given_path: str, expected: str
    ) -> None:
        """Both forms give a path that starts with the project; existing names are not judged."""
        project = disk / "root"
        text = given_path.format(project=project, disk=disk)

        assert roots.inside(project, text) == project / expected

    @pytest.mark.parametrize("path", ["", "  ", "..", "a/../b", "a\\..\\b", "a\0", "x" * 300])
    def test_unusable_paths_are_invalid(self, disk: Path, roots: Roots, path: str) -> None:
        """An empty path is not the project; that is `.`."""
        with pytest.raises(PathInvalid):
            roots.inside(disk / "root", path)

    @pytest.mark.parametrize(
        "path",
        [
            "/etc/passwd",
            "{disk}/out",
            "{disk}/second",
            "{disk}/rootless",
            "leak/x",
            "climb/s.png",
            "dangling",
            "shots/s.png",
            "C:\\x",
            "\\\\nas\\share\\x",
            ".gallery",
            ".gallery/log/a",
            ".GALLERY/x",
            ".gallery./x",
            ".gal\u200blery/x",
            "shots/.gallery",
            "shots/state",
            "shots/state/log",
            "back/.gallery",
        ],
    )
    def test_outside_and_the_service_folder_are_refused(
        self, disk: Path, roots: Roots, path: str
    ) -> None:
        """Nobody reaches the log through a file operation, by whichever spelling or link."""
        with pytest.raises(PathNotPermitted):
            roots.inside(disk / "root", path.format(disk=disk))

    def test_a_foreign_absolute_path_is_translated(self, disk: Path) -> None:
        """The frontend on Windows sends its own name of the file."""
        mapping = PathMapping("m", windows="W:\\", linux=f"{disk}/root", macos=f"{disk}/root")
        roots = Roots((disk / "root",), (mapping,))

        found = roots.inside(disk / "root", "W:\\shots\\a.png")

        assert found == disk / "root/shots/a.png"


class TestRelative:
    def test_is_as_on_disk_with_slashes(self) -> None:
        """Composed or not, the name stays as it is, for access."""
        name = "cafe\u0301.png"

        assert relative(Path("/p"), Path("/p/a") / name) == "a/" + name
        assert relative(Path("/p"), Path("/p")) == "."

    def test_outside_is_refused(self) -> None:
        """There is no relative path with `..`."""
        with pytest.raises(PathNotPermitted):
            relative(Path("/p"), Path("/p2/a"))


class TestSafeName:
    @pytest.mark.parametrize("name", ["a.png", "été 01.png", ".ref_images", "a" * 255, "日本.png"])
    def test_plain_names_pass(self, name: str) -> None:
        """The name comes back as it is."""
        assert safe_name(name) == name

    @pytest.mark.parametrize(
        "name",
        [
            *[
                ".",
                "..",
                "a/b",
                "a\\b",
                "a:b",
                "a?",
                "a*",
                '"',
                "<",
                ">",
                "|",
                "a.",
                "CON",
                "con.png",
                "LPT1",
                "nul",
                ".gallery",
                ".Gallery",
            ],
            *("", " ", "a ", " a", "\0", "a\nb", "a" * 256, "é" * 128, "\ud800"),
        ],
    )
    def test_names_that_some_system_cannot_have_are_refused(self, name: str) -> None:
        """The share is read by Windows, Linux and macOS."""
        with pytest.raises(PathInvalid) as refused:
            safe_name(name)

        assert "http" not in str(refused.value)

    def test_the_service_folder_is_recognised_anywhere(self) -> None:
        """At any depth; a name that only looks alike is free."""
        assert is_service_path(PurePath("a/.gallery/b"))
        assert not is_service_path(PurePath("a/.gallery2/gallery"))
