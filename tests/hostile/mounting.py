"""The hostile share as a fixture: libfuse is installed if it must be, mounted, and unmounted."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes.util import find_library
from pathlib import Path

import orjson
import pytest
from attrs import frozen

ROOT = Path(__file__).resolve().parents[2]
#: Debian's and Ubuntu's names of what the share needs.
PACKAGES = ("fuse3", "libfuse3-3")
#: Seconds within which a mount is there, or never will be.
GUARD = 20.0


@frozen
class Share:
    """A mounted hostile share."""

    #: The server's own folder: what is really there.
    back: Path
    mount: Path

    def seen_by(self, host: str) -> Path:
        """The share as a host sees it."""
        return self.mount / host

    def control(self, **told: object) -> None:
        """Change the weather, or take a host's power. Blocks for a moment."""
        (self.mount / ".control").write_bytes(orjson.dumps(told))


def _missing() -> str:
    """Why there can be no FUSE here; "" if there can."""
    if not sys.platform.startswith("linux") or not Path("/dev/fuse").exists():
        return "this system has no /dev/fuse"
    if find_library("fuse3") is None and os.geteuid() == 0 and shutil.which("apt-get"):
        for arguments in (["update"], ["install", "-y", "--no-install-recommends", *PACKAGES]):
            command = ["apt-get", "-q", *arguments]
            environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
            ran = subprocess.run(command, env=environment, capture_output=True, check=False)
            if ran.returncode:
                return f"{' '.join(command)}: {ran.stderr.decode(errors='replace')[-500:]}"
    if find_library("fuse3") is None or shutil.which("fusermount3") is None:
        return f"FUSE is not installed: apt-get install {' '.join(PACKAGES)}"
    return ""


@contextmanager
def mounted(folder: Path, seed: int) -> Iterator[Share]:
    """A hostile share on a good day. Fails in CI if there can be none, and skips elsewhere."""
    if missing := _missing():
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    share = Share(folder / "server", folder / "mount")
    share.back.mkdir()
    share.mount.mkdir()
    with (folder / "sharefs.log").open("wb") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.hostile", str(share.back), str(share.mount), str(seed)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
        try:
            deadline = time.monotonic() + GUARD
            while not share.mount.is_mount():
                told = (folder / "sharefs.log").read_text(errors="replace")
                assert process.poll() is None, f"the file system ended:\n{told}"
                assert time.monotonic() < deadline, f"nothing was mounted:\n{told}"
                time.sleep(0.02)
            yield share
        finally:
            # Lazily: what a killed test still has open must not keep it mounted for ever.
            subprocess.run(["fusermount3", "-u", "-z", str(share.mount)], check=False)
            try:
                process.wait(GUARD)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
