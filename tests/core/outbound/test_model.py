"""Which addresses are public, in all their notations."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fazt.core.outbound import Allowed, is_public

PRIVATE = """
0.0.0.0 0.1.2.3 10.0.0.1 100.64.0.1 127.0.0.1 127.255.255.255 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.8
192.0.2.1 192.88.99.1 192.168.0.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255
168.63.129.16 :: ::1 ::7f00:1 ::ffff:127.0.0.1 ::ffff:7f00:1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 64:ff9b::127.0.0.1
64:ff9b::a00:1 64:ff9b:1::1 100::1 2001::1 2001:0:1:2:3:4:5:6 2001:db8::1 2002:7f00:1::1 2002:a00:1::1 fc00::1 fd12::1
fe80::1 fe80::1%eth0 fec0::1 ff02::1 3fff::1 5f00::1
""".split()  # noqa: SIM905 - as a list it would be fifty lines
PUBLIC = """
1.1.1.1 8.8.8.8 93.184.216.34 172.32.0.1 ::ffff:8.8.8.8 64:ff9b::808:808 2002:808:808::1 2606:4700::1111
""".split()  # noqa: SIM905 - as above


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@given(st.text())
def test_what_is_no_address_is_not_public(text: str) -> None:
    assert is_public(text) in {True, False}
    assert not is_public(f"x{text}")


def test_what_the_owner_allows() -> None:
    allowed = Allowed.parse(["192.168.1.0/24", "Printer.lan.", "fd00::/8"])
    assert allowed.has_host("printer.LAN")
    assert not allowed.has_host("lan")
    assert allowed.has_address("192.168.1.7")
    assert allowed.has_address("::ffff:192.168.1.7")
    assert allowed.has_address("fd12::1")
    assert not allowed.has_address("192.168.2.7")
