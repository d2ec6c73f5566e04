"""Whether a share is mounted so that the log can live on it. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from tools.doctor.checks import Check, Figure, Verdict, skipped
from tools.doctor.judge.options import RULES, Ruling
from tools.doctor.mountinfo import Kind, Mount

_EXPECTED = "a share of SMB 3 or NFS 4, mounted by the system itself"
#: Programs that play a file system, and what they do not hold.
_FUSE_BAD = {
    "rclone": "exclusive creation can succeed on two hosts at once, and fsync does nothing",
    "s3fs": "an object store cannot append, and fsync does not do what it says",
    "goofys": "an object store cannot append, and fsync does not do what it says",
    "gcsfuse": "an object store cannot append, and fsync does not do what it says",
    "davfs": "files are sent when they are closed, not when they are flushed",
    "gvfsd-fuse": "what a file manager mounts promises neither exclusive creation nor fsync",
    "smbnetfs": "it promises neither exclusive creation nor fsync",
    "sshfs": "it promises neither exclusive creation nor that others see what was written",
}
_KERNEL_MOUNT = "Mount the share by the system's own SMB or NFS client."


def judge_mount(mount: Mount | None) -> list[Check]:
    """What is mounted, and each option that matters."""
    if mount is None:
        why = "this system does not tell how folders are mounted"
        return [skipped("mount", why, "Compare the mount with docs/doctor.md yourself.")]
    return [_kind(mount), *_read_only(mount), *_options(mount)]


def _kind(mount: Mount) -> Check:
    verdict, says, remedy = _about(mount)
    figures: dict[str, Figure] = {
        "kind": mount.kind.value,
        "type": mount.type,
        "source": mount.source,
        "mounted_at": mount.point,
        "options": ",".join(f"{k}={v}" if v else k for k, v in mount.options.items()),
    }
    return Check(
        name="mount",
        verdict=verdict,
        measured=f"{mount.type} from {mount.source}: {says}",
        expected=_EXPECTED,
        remedy=remedy,
        figures=figures,
    )


def _about(mount: Mount) -> Ruling:
    match mount.kind:
        case Kind.SMB:
            return Ruling(Verdict.OK, "an SMB share")
        case Kind.NFS:
            return Ruling(Verdict.OK, "an NFS share")
        case Kind.LOCAL:
            return Ruling(Verdict.OK, "a disk of this host; other hosts do not see it from here")
        case Kind.FUSE:
            return _about_fuse(mount)
        case Kind.GUEST:
            says = "a folder that this virtual machine borrows; what is measured here decides"
            return Ruling(Verdict.WARN, says, _KERNEL_MOUNT)
        case Kind.CLUSTER:
            says = "a cluster's file system, not among what was measured; this measuring decides"
            return Ruling(Verdict.WARN, says, "Run the doctor on two hosts at once, with --assist.")
        case Kind.MEMORY:
            says = "memory: all is gone when this host stops, whatever fsync says"
            return Ruling(Verdict.WARN, says, "Move the project to a disk or a share.")
        case Kind.OVERLAY:
            says = "a layer of a container: all is gone with the container"
            return Ruling(
                Verdict.WARN, says, "Give the container the project's folder as a volume."
            )


def _about_fuse(mount: Mount) -> Ruling:
    name = mount.type.removeprefix("fuse").removeprefix(".") or mount.source.partition("#")[0]
    fault = _FUSE_BAD.get(name.lower())
    if fault is not None:
        return Ruling(
            Verdict.BAD, f"the program {name} plays a file system: {fault}", _KERNEL_MOUNT
        )
    says = f"the program {name} plays a file system; what is measured here decides"
    return Ruling(Verdict.WARN, says, _KERNEL_MOUNT)


def _read_only(mount: Mount) -> Iterator[Check]:
    if "ro" in mount.options:
        yield Check(
            name="mount.ro",
            verdict=Verdict.BAD,
            measured="mounted read-only: projects here can be looked at, and not changed",
            expected="rw",
            remedy="Mount the share with rw, if this host shall edit.",
        )


def _options(mount: Mount) -> Iterator[Check]:
    """Those of which there is something to say, in the order of the table."""
    for option, rule in RULES.get(mount.kind, {}).items():
        if option not in mount.options:
            continue
        value = mount.options[option]
        ruling = rule(value)
        if ruling is not None:
            yield Check(
                name=f"mount.{option}",
                verdict=ruling.verdict,
                measured=f"{option}={value}: {ruling.says}"
                if value
                else f"{option}: {ruling.says}",
                remedy=ruling.remedy,
                figures={"value": value or True},
            )
