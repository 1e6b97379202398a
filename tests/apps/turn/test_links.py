"""Connected sockets beside the relay's: nobody gets another's packets, and what ends takes them along."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from fazt.apps.turn.engine.allocations import CHANNEL_S, LINK_AFTER, PERMISSION_S, Allocation
from fazt.apps.turn.engine.buffer import HEADROOM, SHARED, SHARED_SPACE
from fazt.apps.turn.engine.counts import Counts
from fazt.apps.turn.engine.links import Endpoint, open_link
from fazt.apps.turn.engine.loop import Loop
from fazt.apps.turn.engine.paths import Grounds, RelaySocket
from fazt.apps.turn.engine.peers import PeerPolicy
from fazt.apps.turn.engine.ports import create_socket
from fazt.apps.turn.model import Transport
from tests.apps.turn.relays import RelayUnderTest, address_of_socket, allocated, endpoint


def bound() -> socket.socket:
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.bind(("127.0.0.1", 0))
    opened.settimeout(5)
    return opened


def test_each_gets_its_own(relay: RelayUnderTest) -> None:
    clients = [relay.client() for _ in range(4)]
    peers = [bound() for _ in range(3)]
    relayed = []
    for client in clients:
        relayed.append(endpoint(allocated(client)[0]))
        for number, peer in enumerate(peers):
            client.bind_channel(0x4000 + number, address_of_socket(peer))
    for turn in range(LINK_AFTER + 10):
        for n, client in enumerate(clients):
            for m, peer in enumerate(peers):
                client.send_channel(0x4000 + m, b"%d %d %d" % (n, m, turn))
                assert peer.recvfrom(100) == (b"%d %d %d" % (n, m, turn), relayed[n])
                peer.sendto(b"back %d %d %d" % (n, m, turn), relayed[n])
                assert client.receive() == (0x4000 + m, b"back %d %d %d" % (n, m, turn))
    stranger = bound()
    stranger.sendto(b"not permitted? it is: by address, not by port", relayed[0])
    assert clients[0].receive()[0] == address_of_socket(stranger)
    for opened in (*peers, stranger, *(client.socket for client in clients)):
        opened.close()


def test_a_peer_that_went_away_and_came_back(relay: RelayUnderTest) -> None:
    with relay.client() as client, relay.client() as other:
        allocated(client)
        peer = bound()
        address = peer.getsockname()
        client.bind_channel(0x4000, address_of_socket(peer))
        for _ in range(LINK_AFTER + 1):
            client.send_channel(0x4000, b"x")
            assert peer.recv(10) == b"x"
        peer.close()
        for _ in range(10):
            client.send_channel(0x4000, b"nobody hears")
            other.bind_request()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as again:
            again.bind(address)
            again.settimeout(5)
            client.send_channel(0x4000, b"back")
            client.send_channel(0x4000, b"back")
            while (heard := again.recv(20)) != b"back":
                assert heard == b"nobody hears"  # on its way for longer than nobody was there


def test_descriptors_go_with_the_allocation(relay: RelayUnderTest) -> None:
    folder = Path(f"/proc/{relay.process.pid}/fd")
    before = len(list(folder.iterdir()))
    with relay.client() as client, bound() as peer:
        allocated(client)
        client.bind_channel(0x4000, address_of_socket(peer))
        for _ in range(LINK_AFTER + 1):
            client.send_channel(0x4000, b"x")
            peer.recv(10)
        assert len(list(folder.iterdir())) == before + 3
        client.refresh(0)
        assert len(list(folder.iterdir())) == before


def test_no_other_process_can_share_the_address() -> None:
    with create_socket(socket.AF_INET, socket.SOCK_DGRAM) as base, bound() as remote:
        base.bind(("127.0.0.1", 0))
        link = open_link(base, remote.getsockname(), lambda _size, _source: None, SHARED_SPACE)
        assert link is not None
        with link, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as thief:
            thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with pytest.raises(OSError, match="in use"):
                thief.bind(base.getsockname())


def test_what_strays_into_a_new_link_is_not_lost() -> None:
    with create_socket(socket.AF_INET, socket.SOCK_DGRAM) as base, bound() as remote, bound() as other:
        base.bind(("127.0.0.1", 0))
        strays: list[bytes] = []

        def stray(size: int, source: Endpoint) -> None:
            assert source == other.getsockname()
            strays.append(bytes(SHARED_SPACE[:size]))

        other.sendto(b"before", base.getsockname())
        link = open_link(base, remote.getsockname(), stray, SHARED_SPACE)
        assert link is not None
        with link:
            other.sendto(b"after", base.getsockname())
            base.settimeout(5)
            heard = strays + [base.recv(100) for _ in range(2 - len(strays))]
            assert heard == [b"before", b"after"]


class Ear:
    """A client that keeps what it is sent."""

    transport: Transport = "udp"
    address: Endpoint = ("127.0.0.1", 1)

    def __init__(self) -> None:
        self.heard: list[bytes] = []

    def answer(self, data: bytes) -> None:
        """See Client."""

    def attach(self, allocation: Allocation | None) -> None:
        """See Client."""
        assert allocation is not None
        allocation.emit = lambda data: self.heard.append(bytes(data))


@pytest.fixture
def allocation() -> Iterator[Allocation]:
    """An allocation in this process, begun at second 0."""
    loop = Loop(lambda _now: None)
    grounds = Grounds(Counts(), PeerPolicy(("127.0.0.0/8",), (), ()), loop)
    client = Ear()
    made = Allocation(client, "ana", grounds, 0.0)
    opened = create_socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.bind(("127.0.0.1", 0))
    made.sockets.append(RelaySocket(opened, opened.getsockname(), made))
    made.live_until(3_600.0)
    client.attach(made)
    yield made
    made.forget_socket(made.sockets[0])
    opened.close()


def send(allocation: Allocation, number: int, data: bytes) -> bool:
    """Send through a channel, if it is open."""
    peer = allocation.channels.get(number)
    if peer is None:
        return False
    SHARED[HEADROOM : HEADROOM + len(data)] = data
    allocation.send(peer, SHARED, HEADROOM, len(data))
    return True


def test_permissions_and_channels_lapse_in_their_time(allocation: Allocation) -> None:
    with bound() as peer:
        address = peer.getsockname()
        assert allocation.bind(0x4000, address, 0.0)
        assert send(allocation, 0x4000, b"1")
        assert peer.recv(9) == b"1"
        assert not allocation.lapse(PERMISSION_S - 1)
        assert send(allocation, 0x4000, b"2")
        assert not allocation.lapse(PERMISSION_S)
        assert not send(allocation, 0x4000, b"lost: no permission")
        allocation.permit("127.0.0.1", PERMISSION_S + 1)
        assert send(allocation, 0x4000, b"3")
        assert not allocation.lapse(CHANNEL_S)
        assert not send(allocation, 0x4000, b"lost: no channel")
        assert not allocation.bind(0x4000, ("127.0.0.1", 9), CHANNEL_S + 299)
        assert not allocation.lapse(CHANNEL_S + 300)
        assert allocation.bind(0x4000, ("127.0.0.1", 9), CHANNEL_S + 300)
        assert allocation.lapse(3_600.0)


def test_a_lapsed_permission_closes_the_link(allocation: Allocation) -> None:
    with bound() as peer:
        allocation.bind(0x4000, peer.getsockname(), 0.0)
        for _ in range(LINK_AFTER):
            send(allocation, 0x4000, b"x")
        link = allocation.channels[0x4000].link
        assert link is not None
        allocation.lapse(PERMISSION_S)
        assert link.fileno() == -1
        assert allocation.peers == {}


def test_deadlines_are_seen_in_time(allocation: Allocation) -> None:
    allocation.lapse(0.0)
    allocation.permit("127.0.0.1", 10.0)
    assert allocation.next_deadline <= 10.0 + PERMISSION_S
    allocation.lapse(20.0)
    assert allocation.next_deadline == 10.0 + PERMISSION_S


def test_a_peer_of_many_ports_is_not_remembered_for_ever(allocation: Allocation) -> None:
    allocation.permit("127.0.0.1", 0.0)
    for port in range(20_000, 25_000):
        allocation.admit(("127.0.0.1", port))
    assert len(allocation.peers) <= 1_024
