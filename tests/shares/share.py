"""A real share: a file server, and two hosts that have mounted it with their kernels' clients."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from attrs import frozen

from tests.shares.guests import Guest
from tests.shares.lan import make_networks, remove_networks
from tests.shares.servers import FileServer, Kind


@frozen
class RealShare:
    """One server and two hosts."""

    server: FileServer
    a: Guest
    b: Guest

    @property
    def disk(self) -> Path:
        """The server's own disk, behind the backs of all clients."""
        return self.server.disk

    @property
    def hosts(self) -> tuple[Guest, Guest]:
        """Both hosts."""
        return self.a, self.b


def privatise() -> None:
    """Memory for guests and a place for the server's sockets, in our own mount namespace."""
    for folder, size in (("/dev/shm", "2g"), ("/run", "16m")):
        command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder]
        subprocess.run(command, check=True)
    for folder in ("ganesha", "rpcbind"):
        Path("/run", folder).mkdir()


@contextmanager
def real_share(kind: Kind, state: Path) -> Iterator[RealShare]:
    """A server and two hosts that are up and have the share mounted; gone in the end. Blocks."""
    with ExitStack() as stack:
        make_networks()
        stack.callback(remove_networks)
        server = FileServer(kind, state / "server", state / "share")
        stack.callback(server.kill)
        hosts = []
        for number, name in enumerate("ab", 2):
            hosts.append(Guest(name, number, kind, state / f"host-{name}"))
            stack.callback(hosts[-1].remove)
            hosts[-1].boot()
        server.start()
        for host in hosts:
            host.wait_up()
            host.mount()
        yield RealShare(server, hosts[0], hosts[1])
