"""Two networks inside the tests' namespace: hosts reach the share by one, people by the other.

So a host can be cut off its share while people still reach its service, as happens.
"""

from __future__ import annotations

import subprocess

#: The server on the share's network, and the tests on that of people.
SERVER, TESTS = "10.99.0.1", "10.98.0.1"
BRIDGES = {"share": SERVER, "house": TESTS}


def ip(*words: str) -> None:
    """Change the namespace's network with iproute2. Blocks."""
    subprocess.run(["ip", *words], check=True, capture_output=True)


def make_networks() -> None:
    """Both networks, still without hosts."""
    ip("link", "set", "lo", "up")
    for bridge, address in BRIDGES.items():
        ip("link", "add", bridge, "type", "bridge")
        ip("address", "add", f"{address}/24", "dev", bridge)
        ip("link", "set", bridge, "up")


def remove_networks() -> None:
    """Undo `make_networks`."""
    for bridge in BRIDGES:
        ip("link", "delete", bridge)


class Cable:
    """Ties a host to a network; it can be pulled and put back."""

    def __init__(self, network: str, host: str) -> None:
        """The name of the network device is made of both, and has 15 letters at most."""
        self.network = network
        self.device = f"{network}-{host}"
        ip("tuntap", "add", "dev", self.device, "mode", "tap")
        self.plug_in()

    def plug_in(self) -> None:
        """It carries."""
        ip("link", "set", self.device, "master", self.network, "up")

    def pull(self) -> None:
        """It carries nothing; neither end is told."""
        ip("link", "set", self.device, "nomaster")

    def remove(self) -> None:
        """It is gone."""
        ip("link", "delete", self.device)
