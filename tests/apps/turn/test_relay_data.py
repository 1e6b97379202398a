"""What passes through the relay, over real sockets."""

from __future__ import annotations

import os
import socket
from typing import Any

import pytest

from fazt.apps.turn.model import Transport
from fazt.apps.turn.wire import attributes as a
from fazt.apps.turn.wire.message import build
from fazt.apps.turn.wire.numbers import (
    BINDING,
    INDICATION,
    REQUEST,
    SEND,
)
from tests.apps.turn.relays import (
    PASSWORD,
    TRANSPORTS,
    USER,
    RelayUnderTest,
    address_of,
    address_of_socket,
    allocated,
    endpoint,
    refused,
)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_binding_tells_the_source_address(relay: RelayUnderTest, transport: Transport, host: str) -> None:
    if transport == "tls" and host == "::1":
        host = "localhost"
    with relay.client(transport, host) as client:
        assert endpoint(client.bind_request()) == client.socket.getsockname()[:2]


def test_binding_is_answered_in_32_bytes(relay: RelayUnderTest) -> None:
    with relay.client() as client:
        client.socket.send(build(BINDING, REQUEST, os.urandom(12)))
        assert len(client.socket.recv(1500)) == 32


@pytest.mark.parametrize("size", [0, 1, 2, 3, 4, 160, 1200, 8000])
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_data_goes_both_ways(relay: RelayUnderTest, peer: socket.socket, transport: Transport, size: int) -> None:
    data = os.urandom(size)
    with relay.client(transport) as client:
        relayed, _ = allocated(client)
        there = address_of_socket(peer)
        client.permit(there)
        client.send(there, data)
        assert peer.recvfrom(65_536) == (data, endpoint(relayed))
        peer.sendto(data, endpoint(relayed))
        assert client.receive() == (there, data)
        client.bind_channel(0x4000, there)
        client.send_channel(0x4000, data)
        assert peer.recvfrom(65_536) == (data, endpoint(relayed))
        peer.sendto(data, endpoint(relayed))
        assert client.receive() == (0x4000, data)
        client.send(there, data)  # still allowed beside the channel
        assert peer.recv(65_536) == data


def test_data_of_a_send_indication_with_fingerprint(relay: RelayUnderTest, peer: socket.socket) -> None:
    """Firefox puts one on every packet."""
    with relay.client() as client:
        allocated(client)
        there = address_of_socket(peer)
        client.permit(there)
        for number in range(3):
            data = b"x" * (100 + number)
            pairs: list[Any] = [(a.XOR_PEER_ADDRESS, there), (a.DATA, data)]
            client.socket.send(build(SEND, INDICATION, os.urandom(12), pairs, fingerprint=True))
            assert peer.recv(1500) == data


def test_padded_channel_data_over_udp(relay: RelayUnderTest, peer: socket.socket) -> None:
    with relay.client() as client:
        allocated(client)
        client.bind_channel(0x4001, address_of_socket(peer))
        client.socket.send(bytes.fromhex("40010003") + b"abc\0")
        assert peer.recv(1500) == b"abc"


def test_frames_in_one_piece_and_in_many(relay: RelayUnderTest, peer: socket.socket) -> None:
    with relay.client("tcp") as client:
        allocated(client)
        client.bind_channel(0x4000, address_of_socket(peer))
        frames = b"".join(b"\x40\x00\x00\x05" + b"%05d" % n + b"\0\0\0" for n in range(100))
        client.socket.settimeout(5)
        client.socket.sendall(frames)
        for byte in frames[: 12 * 5]:
            client.socket.sendall(bytes([byte]))
        received = [peer.recv(100) for _ in range(105)]
        assert received == [b"%05d" % n for n in [*range(100), *range(5)]]


def test_ipv6_relay_to_an_ipv6_peer(relay: RelayUnderTest) -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as peer, relay.client(host="::1") as client:
        peer.settimeout(5)
        peer.bind(("::1", 0))
        relayed, _ = allocated(client, (a.REQUESTED_ADDRESS_FAMILY, 2))
        there = address_of_socket(peer)
        client.permit(there)
        for data in (b"one", b"two"):
            client.send(there, data)
            assert peer.recvfrom(100)[0] == data
            peer.sendto(data, endpoint(relayed))
            assert client.receive() == (there, data)
        client.bind_channel(0x4000, there)
        client.send_channel(0x4000, b"three")
        assert peer.recv(100) == b"three"
        assert refused(client.permit, address_of("127.0.0.1", 9)) == 443


def test_both_families_in_one_allocation(relay: RelayUnderTest, peer: socket.socket) -> None:
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as other, relay.client() as client:
        other.settimeout(5)
        other.bind(("::1", 0))
        answer = client.allocate(USER, PASSWORD, [(a.ADDITIONAL_ADDRESS_FAMILY, 2)])
        assert [address.family for address in answer.get_all(a.XOR_RELAYED_ADDRESS)] == [1, 2]
        client.permit(address_of_socket(peer), address_of_socket(other))
        client.send(address_of_socket(peer), b"4")
        client.send(address_of_socket(other), b"6")
        assert (peer.recv(9), other.recv(9)) == (b"4", b"6")
        assert client.refresh(0, [(a.REQUESTED_ADDRESS_FAMILY, 2)]) == 0
        assert refused(client.permit, address_of_socket(other)) == 443
        client.send(address_of_socket(peer), b"still")
        assert peer.recv(9) == b"still"


def test_two_clients_meet_on_the_relay(relay: RelayUnderTest) -> None:
    with relay.client() as one, relay.client("tcp") as two:
        first, second = allocated(one)[0], allocated(two)[0]
        one.permit(second)
        two.permit(first)
        one.send(second, b"hello")
        assert two.receive() == (first, b"hello")
        two.bind_channel(0x4000, first)
        two.send_channel(0x4000, b"back")
        assert one.receive() == (second, b"back")


def test_nothing_passes_without_permission(relay: RelayUnderTest, peer: socket.socket) -> None:
    with relay.client() as client:
        relayed, _ = allocated(client)
        before = relay.count("dropped.no_permission")
        client.send(address_of_socket(peer), b"out")
        peer.sendto(b"in", endpoint(relayed))
        client.send_channel(0x4000, b"unbound")
        assert relay.count("dropped.no_permission") == before + 2
        client.permit(address_of_socket(peer))
        client.send(address_of_socket(peer), b"now")
        assert peer.recv(100) == b"now"


def test_a_datagram_that_must_stay_whole(relay: RelayUnderTest, peer: socket.socket) -> None:
    with relay.client() as client:
        allocated(client, (a.DONT_FRAGMENT, b""))
        there = address_of_socket(peer)
        client.permit(there)
        client.send(there, b"whole", [(a.DONT_FRAGMENT, b"")])
        assert peer.recv(100) == b"whole"


def test_a_stream_takes_its_allocation_with_it(relay: RelayUnderTest) -> None:
    before = relay.fresh_figures().allocations
    with relay.client("tcp") as client:
        allocated(client)
        assert relay.fresh_figures().allocations == before + 1
    assert relay.fresh_figures().allocations == before


def test_a_stream_without_sense_is_closed(relay: RelayUnderTest) -> None:
    for junk in (b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 40, b"\x00\x01\x00\x03" + bytes(30)):
        with relay.client("tcp") as client:
            client.socket.sendall(junk)
            assert client.socket.recv(100) == b""
