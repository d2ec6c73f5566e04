"""Which addresses are public, and that nobody connects to any other."""

from __future__ import annotations

import pytest

from orchestrator.webhooks.reach import Names, NotPublicError, PublicNames, is_public
from tests.webhooks.names import Book


class TestIsPublic:
    @pytest.mark.parametrize(
        "address", ["93.184.216.34", "8.8.8.8", "2606:2800:220:1::1", "64:ff9b::808:808"]
    )
    def test_the_open_internet(self, address: str) -> None:
        """There a webhook may lead."""
        assert is_public(address)

    @pytest.mark.parametrize(
        "address",
        [
            "127.0.0.1",
            "127.8.9.1",
            "0.0.0.0",
            "0.1.2.3",
            "10.1.2.3",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.20",
            "169.254.169.254",
            "100.64.0.1",
            "192.0.0.192",
            "192.0.2.1",
            "198.18.0.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fe80::1%2",
            "fec0::1",
            "fc00::1",
            "fd00:ec2::254",
            "ff02::1",
            "2001:db8::1",
        ],
    )
    def test_what_only_this_network_can_reach(self, address: str) -> None:
        """Loopback, private, link-local, metadata, multicast, reserved."""
        assert not is_public(address)

    @pytest.mark.parametrize(
        "address",
        [
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b::a9fe:a9fe",
            "2002:7f00:1::1",
            "2002:c0a8:114::1",
            "2001:0:a9fe:a9fe::1",
        ],
    )
    def test_a_private_address_inside_another(self, address: str) -> None:
        """Mapped, translated and tunnelled addresses lead to what they hold."""
        assert not is_public(address)

    @pytest.mark.parametrize("text", ["", "localhost", "127.1", "0x7f000001", "2130706433"])
    def test_what_is_no_address(self, text: str) -> None:
        """Is not public either."""
        assert not is_public(text)


class TestPublicNames:
    async def test_a_name_with_public_addresses(self) -> None:
        """Has them."""
        names = PublicNames(Book({"hooks.example": ["93.184.216.34", "2606:2800:220:1::1"]}))

        found = await names.resolve("hooks.example", 443)

        assert [each["host"] for each in found] == ["93.184.216.34", "2606:2800:220:1::1"]
        await names.close()

    @pytest.mark.parametrize("addresses", [["10.0.0.1"], ["93.184.216.34", "::1"], []])
    async def test_one_that_is_not_public_spoils_all(self, addresses: list[str]) -> None:
        """Whoever mixes them is up to something."""
        names = PublicNames(Book({"hooks.example": addresses}))

        with pytest.raises(NotPublicError, match="leads to an address that is not public"):
            await names.resolve("hooks.example", 443)


class TestNames:
    async def test_names_of_this_computer(self) -> None:
        """Found in threads of its own."""
        names = Names()
        try:
            found = await names.resolve("localhost", 80)
        finally:
            await names.close()

        assert {each["host"] for each in found} <= {"127.0.0.1", "::1"}
        assert {each["port"] for each in found} == {80}
