"""Peers that must not be reached, in every notation that has led around somebody's list."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fazt.apps.turn.engine.peers import PeerPolicy
from fazt.apps.turn.wire import attributes as a
from fazt.apps.turn.wire.message import build
from fazt.apps.turn.wire.numbers import CHANNEL_BIND, CREATE_PERMISSION
from tests.apps.turn.relays import USER, RelayUnderTest, address_of, allocated, endpoint, refused, running_relay

PRIVATE_IPV4 = [
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.255.255.254",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.255",
    "240.0.0.1",
    "255.255.255.255",
]
FORBIDDEN_IPV6 = [
    "::",
    "::1",
    "::127.0.0.1",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:10::1",
    "2001:db8::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd12:3456::1",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "ff0e::1",
]
OPEN = ["8.8.8.8", "1.0.0.1", "172.32.0.1", "192.169.0.1", "198.20.0.1", "223.255.255.255"]
OPEN_IPV6 = ["2606:4700::1111", "2a00:1450::1", "2003::1"]


def embed(ipv4: str) -> list[str]:
    """The notations of IPv6 that hold an IPv4 address."""
    number = int(ipaddress.IPv4Address(ipv4))
    return [
        str(ipaddress.IPv6Address(0xFFFF << 32 | number)),  # mapped
        str(ipaddress.IPv6Address(number)),  # compatible
        str(ipaddress.IPv6Address(0xFFFF << 48 | number)),  # translated (SIIT)
        str(ipaddress.IPv6Address(0x64FF9B << 96 | number)),  # NAT64
        str(ipaddress.IPv6Address(0x64FF9B0001 << 80 | number)),  # local NAT64
        str(ipaddress.IPv6Address(0x2002 << 112 | number << 80 | 1)),  # 6to4
        str(ipaddress.IPv6Address(0x20010000 << 96 | number ^ 0xFFFFFFFF)),  # Teredo
    ]


POLICY = PeerPolicy((), own=("198.41.0.4", "2a00::4"), relays=("198.41.0.5",))


def packed(text: str) -> bytes:
    return ipaddress.ip_address(text).packed


@pytest.mark.parametrize("address", [*PRIVATE_IPV4, *FORBIDDEN_IPV6])
def test_forbidden(address: str) -> None:
    assert POLICY.find_objection(packed(address))


@pytest.mark.parametrize("address", [*PRIVATE_IPV4, *OPEN])
def test_ipv4_inside_ipv6_is_forbidden_whatever_it_is(address: str) -> None:
    for notation in embed(address):
        assert POLICY.find_objection(packed(notation)), notation


@pytest.mark.parametrize("address", [*OPEN, *OPEN_IPV6])
def test_open(address: str) -> None:
    assert POLICY.find_objection(packed(address)) == ""


def test_own_addresses() -> None:
    assert POLICY.find_objection(packed("198.41.0.4")) == "own"
    assert POLICY.find_objection(packed("2a00::4")) == "own"
    assert POLICY.find_objection(packed("198.41.0.5")) == ""


@given(st.binary(min_size=4, max_size=4))
def test_no_address_is_open_that_the_registry_keeps_back(ip: bytes) -> None:
    address = ipaddress.IPv4Address(ip)
    kept_back = address.is_private or address.is_multicast or address.is_reserved or address.is_loopback
    assert POLICY.find_objection(ip) or not kept_back


@given(st.binary(min_size=16, max_size=16))
def test_no_ipv6_address_is_open_that_the_registry_keeps_back(ip: bytes) -> None:
    address = ipaddress.IPv6Address(ip)
    kept_back = address.is_private or address.is_multicast or address.is_reserved or address.is_link_local
    assert POLICY.find_objection(ip) or not kept_back


def test_the_owners_list_opens_exactly_what_it_names() -> None:
    policy = PeerPolicy(("192.168.1.0/24", "fd00::/8"), (), ())
    assert policy.find_objection(packed("192.168.1.7")) == ""
    assert policy.find_objection(packed("fd00::7")) == ""
    assert policy.find_objection(packed("192.168.2.7")) == "private"
    assert policy.find_objection(packed("::ffff:192.168.1.7"))


@pytest.fixture(scope="module")
def strict() -> Iterator[RelayUnderTest]:
    """A relay that allows no private peer."""
    with running_relay(allow_peers=()) as running:
        yield running


@pytest.mark.parametrize("method", [CREATE_PERMISSION, CHANNEL_BIND])
def test_the_relay_refuses_them(strict: RelayUnderTest, method: int) -> None:
    forbidden = [*PRIVATE_IPV4, *FORBIDDEN_IPV6, *embed("127.0.0.1"), *embed("169.254.169.254")]
    with strict.client() as client:
        client.allocate(USER, "secret", [(a.ADDITIONAL_ADDRESS_FAMILY, 2)])
        for address in forbidden:
            if address in strict.relays:
                continue
            pairs = [(a.XOR_PEER_ADDRESS, address_of(address, 8_000)), (a.CHANNEL_NUMBER, 0x4000)]
            assert refused(client.ask, method, pairs) == 403, address


def test_addresses_of_odd_length_are_malformed(strict: RelayUnderTest) -> None:
    with strict.client() as client:
        allocated(client)
        odd = a.Attribute(a.XOR_PEER_ADDRESS.number, "ODD", lambda value, _: value, lambda value, _: value)
        for size in (0, 3, 5, 8, 15, 17, 20):
            for family in (1, 2):
                value = bytes((0, family, 0, 9)) + bytes(size)
                assert refused(client.ask, CREATE_PERMISSION, [(odd, value)]) == 400


def test_of_the_relays_own_address_only_live_allocations_are_reached(strict: RelayUnderTest) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as service, strict.client() as client:
        service.bind(("127.0.0.1", 0))
        relayed, _ = allocated(client)
        there = address_of(*service.getsockname())
        client.permit(there)
        before = strict.count("dropped.no_permission")
        client.send(there, b"to a service of the host")
        service.sendto(b"from it", endpoint(relayed))
        client.send(address_of("127.0.0.1", strict.port), b"to the relay itself")
        assert strict.count("dropped.no_permission") == before + 3


@pytest.mark.parametrize("port", [0, 53, 123, 1900, 11211])
def test_ports_that_amplify_are_closed(relay: RelayUnderTest, port: int) -> None:
    with relay.client() as client:
        allocated(client)
        assert refused(client.bind_channel, 0x4000, address_of("127.0.0.1", port)) == 403


def test_the_listening_port_is_closed_though_its_address_is_allowed(relay: RelayUnderTest) -> None:
    with relay.client() as client:
        allocated(client)
        own = address_of("127.0.0.1", relay.port)
        assert refused(client.bind_channel, 0x4000, own) == 403
        client.permit(own)
        before = relay.fresh_figures().bytes_sent
        client.send(own, build(1, 0, bytes(12)))
        assert relay.fresh_figures().bytes_sent == before
