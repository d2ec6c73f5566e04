"""tools/doctor/judge/mounts.py: which mounts and options the log can live on."""

from __future__ import annotations

import pytest

from tests.doctor.test_mountinfo import MOUNTS
from tools.doctor.checks import Check, Verdict, worst
from tools.doctor.judge.mounts import judge_mount
from tools.doctor.judge.options import RULES
from tools.doctor.mountinfo import Mount, parse


def judged(type_: str, options: str, source: str = "nas:/films") -> dict[str, Check]:
    """The checks of a mount, by name."""
    (mount,) = parse(f"1 2 0:1 / /mnt rw - {type_} {source} {options}")
    return {check.name: check for check in judge_mount(mount)}


class TestRecorded:
    def test_smb_as_it_is_mounted_by_itself(self) -> None:
        """All holds; what may surprise is explained."""
        checks = judge_mount(MOUNTS[2])

        assert worst(checks) is Verdict.OK
        names = {check.name for check in checks}
        assert {"mount", "mount.cache", "mount.soft", "mount.actimeo", "mount.vers"} <= names

    def test_nfs_as_it_is_mounted_by_itself(self) -> None:
        assert worst(judge_mount(MOUNTS[3])) is Verdict.OK

    def test_loose_and_read_only(self) -> None:
        found = {check.name: check.verdict for check in judge_mount(MOUNTS[5])}

        assert found["mount.cache"] is Verdict.BAD
        assert found["mount.ro"] is Verdict.BAD

    def test_a_system_that_tells_nothing(self) -> None:
        """Windows: it is not guessed."""
        (check,) = judge_mount(None)

        assert check.verdict is Verdict.SKIPPED


class TestOptions:
    @pytest.mark.parametrize(
        ("type_", "option", "verdict"),
        [
            ("cifs", "cache=loose", Verdict.BAD),
            ("cifs", "cache=singleclient", Verdict.BAD),
            ("cifs", "cache=ro", Verdict.BAD),
            ("cifs", "cache=none", Verdict.OK),
            ("cifs", "cache=fancy", Verdict.WARN),
            ("cifs", "nostrictsync", Verdict.BAD),
            ("cifs", "vers=1.0", Verdict.BAD),
            ("cifs", "vers=2.1", Verdict.WARN),
            ("cifs", "vers=3.1.1", Verdict.OK),
            ("cifs", "nobrl", Verdict.OK),
            ("cifs", "soft", Verdict.OK),
            ("cifs", "noserverino", Verdict.WARN),
            ("cifs", "actimeo=1", Verdict.OK),
            ("cifs", "actimeo=30", Verdict.WARN),
            ("cifs", "actimeo=soon", Verdict.WARN),
            ("cifs", "iocharset=iso8859-1", Verdict.WARN),
            ("nfs4", "nocto", Verdict.BAD),
            ("nfs4", "soft", Verdict.WARN),
            ("nfs4", "softerr", Verdict.WARN),
            ("nfs4", "noac", Verdict.OK),
            ("nfs4", "actimeo=600", Verdict.WARN),
            ("nfs4", "vers=4.1", Verdict.OK),
            ("nfs4", "lookupcache=none", Verdict.OK),
            ("nfs", "vers=3", Verdict.WARN),
            ("nfs", "vers=2", Verdict.BAD),
            ("nfs", "nolock", Verdict.OK),
            ("nfs", "local_lock=all", Verdict.OK),
            ("ext4", "nobarrier", Verdict.BAD),
            ("ext4", "barrier=0", Verdict.BAD),
        ],
    )
    def test_ruling(self, type_: str, option: str, verdict: Verdict) -> None:
        """Each is explained, and what is bad has a remedy."""
        check = judged(type_, option)[f"mount.{option.partition('=')[0]}"]

        assert check.verdict is verdict
        assert option in check.measured
        assert bool(check.remedy) == (verdict is not Verdict.OK)

    @pytest.mark.parametrize(
        ("type_", "option"),
        [
            ("cifs", "iocharset=utf8"),
            ("nfs4", "local_lock=none"),
            ("nfs4", "lookupcache=all"),
            ("ext4", "barrier=1"),
            ("cifs", "rsize=4194304"),
            ("ext4", "cache=loose"),
        ],
    )
    def test_not_worth_a_word(self, type_: str, option: str) -> None:
        assert set(judged(type_, option)) == {"mount"}

    def test_remedies_are_sentences(self) -> None:
        for kind, rules in RULES.items():
            for option, rule in rules.items():
                for value in ("", "0", "2", "9999", "loose"):
                    ruling = rule(value)
                    if ruling is not None and ruling.remedy:
                        assert ruling.remedy.endswith("."), (kind, option)


class TestKinds:
    @pytest.mark.parametrize(
        ("type_", "source", "verdict", "says"),
        [
            ("ext4", "/dev/sda1", Verdict.OK, "other hosts do not see it"),
            ("tmpfs", "tmpfs", Verdict.WARN, "memory"),
            ("overlay", "overlay", Verdict.WARN, "container"),
            ("9p", "share", Verdict.WARN, "virtual machine"),
            ("ceph", "mon:/", Verdict.WARN, "cluster"),
            ("fuse.rclone", "remote:films", Verdict.BAD, "rclone"),
            ("fuse.sshfs", "nas:/films", Verdict.BAD, "sshfs"),
            ("fuse.mergerfs", "a:b", Verdict.WARN, "mergerfs"),
            ("fuse", "s3fs", Verdict.BAD, "object store"),
        ],
    )
    def test_kind(self, type_: str, source: str, verdict: Verdict, says: str) -> None:
        """What lies behind the mount is said, local disks and FUSE as well."""
        check = judged(type_, "rw", source)["mount"]

        assert check.verdict is verdict
        assert says in check.measured
        assert check.figures["type"] == type_

    def test_options_are_told_to_machines(self) -> None:
        mount = Mount("/mnt", "cifs", "//nas/films", {"rw": "", "vers": "3.0"})

        assert judge_mount(mount)[0].figures["options"] == "rw,vers=3.0"
