"""tools/doctor/mountinfo.py: which mount a folder lies in, from lines as Linux writes them."""

from __future__ import annotations

import pytest

from tools.doctor.mountinfo import Kind, mount_of, parse

#: What the kernel adds by itself, as recorded.
SMB = (
    ",uid=0,forceuid,gid=0,forcegid,addr=10.99.0.1,file_mode=0755,dir_mode=0755,iocharset=utf8"
    ",soft,nounix,serverino,mapposix,rsize=4194304,wsize=4194304,bsize=1048576,retrans=1"
    ",echo_interval=60,actimeo=1,closetimeo=1"
)
NFS = (
    ",rsize=1048576,wsize=1048576,namlen=255,hard,proto=tcp,timeo=600,retrans=2,sec=sys"
    ",clientaddr=10.99.0.2,local_lock=none,addr=10.99.0.1"
)
#: As recorded on hosts with a disk, a container, an SMB and an NFS share, and FUSE mounts.
RECORDED = rf"""
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,errors=remount-ro
23 22 0:21 / /dev/shm rw,nosuid,nodev - tmpfs tmpfs rw,size=24684096k
24 22 0:22 / /mnt/nas rw,relatime - cifs //10.99.0.1/share rw,vers=3.1.1,sec=none,cache=strict{SMB}
26 22 0:23 / /mnt/films rw,relatime shared:7 master:2 - nfs4 10.99.0.1:/share rw,vers=4.2{NFS}
27 22 0:24 / /mnt/with\040blank\134 rw - fuse.rclone remote:films rw,user_id=0,group_id=0
28 22 0:25 / /mnt/archive ro,relatime - cifs //nas/archive rw,vers=3.0,cache=loose
29 22 0:26 / /mnt/locked rw,relatime - nfs nas:/locked ro,vers=3,nolock
30 24 0:27 / /mnt/nas/over rw - fuse davfs rw
31 22 0:28 / /mnt/films rw - xfs /dev/sdb1 rw
"""
MOUNTS = parse(RECORDED)


class TestParse:
    def test_every_line_is_a_mount(self) -> None:
        assert len(MOUNTS) == len(RECORDED.strip().splitlines())

    def test_options_of_both_halves(self) -> None:
        """Those of the mount, and those of the file system, with their values."""
        nas = MOUNTS[2]

        assert nas.source == "//10.99.0.1/share"
        assert nas.options["cache"] == "strict"
        assert nas.options["soft"] == ""
        assert "relatime" in nas.options

    def test_blanks_are_written_as_codes(self) -> None:
        assert MOUNTS[4].point == "/mnt/with blank\\"

    @pytest.mark.parametrize("at", [5, 6])
    def test_read_only_by_either_half(self, at: int) -> None:
        """A share may be read-only as a whole, or only where it is mounted."""
        assert "ro" in MOUNTS[at].options
        assert "rw" not in MOUNTS[at].options

    @pytest.mark.parametrize("line", ["", "nonsense", "1 2 3 - cifs", "a b c d e f - ", " - - "])
    def test_other_lines_are_passed_over(self, line: str) -> None:
        assert parse(line) == []


class TestKind:
    @pytest.mark.parametrize(
        ("at", "kind"),
        [
            (0, Kind.LOCAL),
            (1, Kind.MEMORY),
            (2, Kind.SMB),
            (3, Kind.NFS),
            (4, Kind.FUSE),
            (6, Kind.NFS),
            (7, Kind.FUSE),
        ],
    )
    def test_kind(self, at: int, kind: Kind) -> None:
        assert MOUNTS[at].kind is kind

    def test_who_may_see_the_same_files(self) -> None:
        """Nobody else sees memory, a container's layer, or a disk."""
        alone = {kind for kind in Kind if not kind.crosses_hosts}
        assert alone == {Kind.MEMORY, Kind.OVERLAY, Kind.LOCAL}


class TestMountOf:
    @pytest.mark.parametrize(
        ("path", "type_"),
        [
            ("/home/mara", "ext4"),
            ("/mnt/nas", "cifs"),
            ("/mnt/nas/film/panel", "cifs"),
            ("/mnt/nas/over/film", "fuse"),
            ("/mnt/nasty", "ext4"),
            ("/mnt/with blank\\/film", "fuse.rclone"),
        ],
    )
    def test_the_innermost(self, path: str, type_: str) -> None:
        """Whole parts of a path count, not letters."""
        found = mount_of(path, MOUNTS)

        assert found is not None
        assert found.type == type_

    def test_the_last_of_two_at_one_place(self) -> None:
        """What is mounted over something else hides it."""
        found = mount_of("/mnt/films/a", MOUNTS)

        assert found is not None
        assert found.type == "xfs"

    def test_no_mounts_at_all(self) -> None:
        """Windows and macOS have no such list."""
        assert mount_of("/mnt/films", []) is None
