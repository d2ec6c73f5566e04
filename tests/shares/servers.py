"""File servers: Samba and NFS-Ganesha, each private to a folder, killed and started at will."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from string import Template

from attrs import define, field, frozen

from tests.shares.lan import SERVER

START_SECONDS = 30


@frozen
class Kind:
    """A kind of share: how it is served, and how hosts mount it."""

    name: str
    port: int
    #: What the server is started with; `$state` and `$disk` are filled in.
    configuration: str
    command: tuple[str, ...]
    #: Kernel modules of the client.
    modules: tuple[str, ...]
    #: Type, source and options of the mount.
    fstype: str
    source: str
    options: str


SMB = Kind(
    name="smb",
    port=445,
    configuration="""\
[global]
  server role = standalone server
  server min protocol = SMB3_11
  smb ports = 445
  disable netbios = yes
  bind interfaces only = yes
  interfaces = lo $address/24
  pid directory = $state
  lock directory = $state
  state directory = $state
  cache directory = $state
  private dir = $state
  ncalrpc dir = $state/rpc
  log file = $state/smbd.log
  map to guest = Bad User
  guest account = root
  load printers = no
  printing = bsd
  printcap name = /dev/null
  disable spoolss = yes
[share]
  path = $disk
  read only = no
  guest ok = yes
  force user = root
""",
    command=(
        "smbd",
        "--foreground",
        "--no-process-group",
        "--debug-stdout",
        "--configfile=$state/server.conf",
    ),
    modules=("cifs",),
    fstype="cifs",
    source=f"//{SERVER}/share",
    options="guest,vers=3.1.1,uid=0,gid=0,iocharset=utf8",
)

NFS = Kind(
    name="nfs",
    port=2049,
    configuration="""\
NFS_CORE_PARAM {
  NFS_Port = 2049; Bind_addr = $address; Protocols = 4;
  Enable_NLM = false; Enable_RQUOTA = false; mount_path_pseudo = true;
}
NFSV4 {
  Grace_Period = 5; Lease_Lifetime = 10; RecoveryBackend = fs; RecoveryRoot = $state/recovery;
}
EXPORT {
  Export_Id = 1; Path = $disk; Pseudo = /share; Protocols = 4; Transports = TCP;
  Access_Type = RW; Squash = No_Root_Squash; SecType = sys; FSAL { Name = VFS; }
}
""",
    command=(
        "ganesha.nfsd",
        "-F",
        "-f",
        "$state/server.conf",
        "-L",
        "$state/ganesha.log",
        "-p",
        "$state/ganesha.pid",
        "-N",
        "NIV_EVENT",
    ),
    modules=("nfsv4",),
    fstype="nfs4",
    source=f"{SERVER}:/share",
    options="vers=4.2,retry=0",
)

KINDS = {kind.name: kind for kind in (SMB, NFS)}


@define(eq=False)
class FileServer:
    """One file server and its disk, which is a folder."""

    kind: Kind
    state: Path
    disk: Path
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    def start(self) -> None:
        """Start it, and return when it takes connections. Blocks."""
        for folder in (self.state, self.state / "rpc", self.state / "recovery", self.disk):
            folder.mkdir(parents=True, exist_ok=True)
        words = {"state": str(self.state), "disk": str(self.disk), "address": SERVER}
        text = Template(self.kind.configuration).substitute(words)
        (self.state / "server.conf").write_text(text, encoding="utf-8")
        (self.state / "ganesha.pid").unlink(missing_ok=True)
        with (self.state / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [Template(word).substitute(words) for word in self.kind.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        end = time.monotonic() + START_SECONDS
        while not self._answers():
            assert self._process.poll() is None, f"the server ended:\n{self.tail()}"
            assert time.monotonic() < end, f"the server does not answer:\n{self.tail()}"
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            with socket.create_connection((SERVER, self.kind.port), timeout=1):
                return True
        except OSError:
            return False

    def kill(self) -> None:
        """SIGKILL to it and all its children; harmless if it does not run. Blocks."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def tail(self, lines: int = 40) -> str:
        """The end of what it said."""
        logs = [self.state / name for name in ("server.log", "ganesha.log")]
        said = [log.read_text(errors="replace") for log in logs if log.exists()]
        return "\n".join("\n".join(said).splitlines()[-lines:])
