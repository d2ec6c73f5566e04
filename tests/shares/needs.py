"""What real shares need of this machine: Debian packages, and root. Installs what is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from attrs import frozen

#: Seconds that apt may take on a slow line.
INSTALL_SECONDS = 600

Run = Callable[[Sequence[str]], None]


class SetupError(Exception):
    """Real shares cannot be set up here; the text says why, and what may help."""


@frozen
class Need:
    """A program or file, and the package that has it."""

    what: str
    package: str

    def is_there(self) -> bool:
        """Whether it is installed."""
        if self.what.startswith("/"):
            return Path(self.what).exists()
        places = os.environ.get("PATH", "") + ":/usr/local/sbin:/usr/sbin:/sbin"
        return shutil.which(self.what, path=places) is not None


NEEDS = (
    Need("smbd", "samba"),
    Need("mount.cifs", "cifs-utils"),
    Need("linux.uml", "user-mode-linux"),
    Need("/usr/lib/uml/modules", "user-mode-linux"),
    Need("modprobe", "kmod"),
    Need("ip", "iproute2"),
    Need("mke2fs", "e2fsprogs"),
    Need("unshare", "util-linux"),
    Need("ganesha.nfsd", "nfs-ganesha"),
    Need("/usr/lib/ganesha", "nfs-ganesha-vfs"),
    Need("mount.nfs4", "nfs-common"),
)


def provide(*, run: Run | None = None, needs: Sequence[Need] = NEEDS) -> None:
    """Make sure that everything is installed. Blocks, for a minute perhaps.

    Raises:
        SetupError: it is not, and cannot be.
    """
    _check_machine()
    missing = sorted({need.package for need in needs if not need.is_there()})
    if missing:
        if shutil.which("apt-get") is None:
            raise SetupError(f"there is no apt-get to install {', '.join(missing)} with")
        run = run or _run
        run(["apt-get", "update", "-qq"])
        run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing])
    absent = [need for need in needs if not need.is_there()]
    if absent:
        raise SetupError(f"{absent[0].what} is missing although {absent[0].package} is installed")


def _check_machine() -> None:
    if sys.platform != "linux":
        raise SetupError("namespaces and User Mode Linux are needed: run it on Linux")
    if os.geteuid() != 0:
        raise SetupError("namespaces and mounts need root: run it as root")
    if not Path("/dev/net/tun").exists():
        raise SetupError("/dev/net/tun is missing: give it to this container")


def _run(command: Sequence[str]) -> None:
    print(f"shares: {' '.join(command)} ...", file=sys.stderr, flush=True)
    try:
        done = subprocess.run(
            command,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=INSTALL_SECONDS,
        )
    except subprocess.TimeoutExpired as exc:
        raise SetupError(f"`{' '.join(command)}` took more than {INSTALL_SECONDS} s") from exc
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise SetupError(f"`{' '.join(command)}` failed with {done.returncode}:\n{said}")
