"""How much there may be, and what changes while the relay runs."""

from __future__ import annotations

import os
import socket

import msgspec
import pytest

from fazt.apps.turn.model import Limits
from fazt.apps.turn.wire.credentials import make_password, make_username
from fazt.apps.turn.wire.message import build, parse
from fazt.apps.turn.wire.numbers import (
    BINDING,
    REQUEST,
    SUCCESS,
)
from fazt.core.errors import Unavailable
from tests.apps.turn.relays import (
    PASSWORD,
    USER,
    RelayUnderTest,
    address_of,
    address_of_socket,
    allocated,
    certificate,
    endpoint,
    refused,
    running_relay,
)


def test_a_call_outlives_the_secret_it_began_with() -> None:
    with running_relay() as relay, relay.client() as client:
        name = make_username("bob", 2_000_000_000)
        client.allocate(name, make_password("north", name))
        relay.tell(msgspec.structs.replace(relay.orders, secrets=("west",)))
        assert client.refresh() == 600
        with relay.client() as late:
            assert refused(late.allocate, name, make_password("north", name)) == 401


def test_stale_nonces() -> None:
    with running_relay(nonce_life_s=-2) as relay, relay.client() as client:
        assert refused(client.allocate, USER, PASSWORD) == 438


def test_quotas() -> None:
    limits = Limits(allocations=3, allocations_per_user=2, permissions_per_allocation=2, refusals_per_second=1_000)
    with running_relay(limits=limits, users={USER: PASSWORD, "bob": "b", "eve": "e"}) as relay:
        clients = [relay.client() for _ in range(5)]
        for client in clients[:2]:
            allocated(client)
        assert refused(clients[2].allocate, USER, PASSWORD) == 486
        clients[3].allocate("bob", "b")
        assert refused(clients[4].allocate, "eve", "e") == 508
        clients[0].permit(address_of("127.0.0.1", 1), address_of("127.0.0.2", 1))
        assert refused(clients[0].permit, address_of("127.0.0.3", 1)) == 508
        clients[0].refresh(0)
        clients[4].nonce = b""
        clients[4].allocate("eve", "e")
        for client in clients:
            client.socket.close()


def test_a_quota_counts_people_not_names() -> None:
    """Each page load makes a new time-limited name for the same person."""
    with running_relay(limits=Limits(allocations_per_user=1)) as relay:
        names = [make_username("bob", 2_000_000_000 + n) for n in range(2)]
        with relay.client() as one, relay.client() as two:
            one.allocate(names[0], make_password("north", names[0]))
            assert refused(two.allocate, names[1], make_password("north", names[1])) == 486


def test_a_small_port_range_runs_out_and_comes_back() -> None:
    with (
        running_relay(first_port=50_000, last_port=50_001) as relay,
        relay.client() as one,
        relay.client() as two,
        relay.client() as three,
    ):
        ports = {allocated(one)[0].port, allocated(two)[0].port}
        assert ports == {50_000, 50_001}
        assert refused(three.allocate, USER, PASSWORD) == 508
        one.refresh(0)
        three.nonce = b""
        assert allocated(three)[0].port in ports


def test_bandwidth_is_capped() -> None:
    limits = Limits(bytes_per_second_per_allocation=20_000, refusals_per_second=1_000)
    with running_relay(limits=limits) as relay, relay.client() as client:
        relayed, _ = allocated(client)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.bind(("127.0.0.1", 0))
            client.bind_channel(0x4000, address_of_socket(peer))
            relay.fresh_figures()
            for _ in range(200):
                client.send_channel(0x4000, bytes(1_000))
                peer.sendto(bytes(1_000), endpoint(relayed))
        figures = relay.fresh_figures()
        assert figures.bytes_sent <= 60_000
        assert figures.bytes_received <= 60_000
        assert figures.counts["dropped.bandwidth"] >= 200


def test_behind_nat_the_external_address_is_told() -> None:
    with running_relay(external=("198.41.0.4",)) as relay, relay.client() as one, relay.client() as two:
        first, second = allocated(one)[0], allocated(two)[0]
        assert endpoint(first)[0] == "198.41.0.4"
        one.permit(second)
        two.permit(first)
        one.send(second, b"no network would route this back")
        assert two.receive() == (first, b"no network would route this back")


def test_figures_know_who_and_how_much(relay: RelayUnderTest, peer: socket.socket) -> None:
    with relay.client("tcp") as client:
        allocated(client)
        client.bind_channel(0x4000, address_of_socket(peer))
        client.send_channel(0x4000, bytes(1_000))
        figures = relay.fresh_figures()
        mine = [session for session in figures.sessions if session.transport == "tcp"]
        assert [(session.user, session.bytes_sent, session.peers) for session in mine] == [(USER, 1_000, 1)]


def test_a_newer_certificate_is_seen_by_new_clients() -> None:
    with running_relay() as relay:
        with pytest.raises(OSError):  # noqa: PT011 - reset or closed, as the system has it
            relay.client("tls")
        chain, key = certificate()
        relay.tell(msgspec.structs.replace(relay.orders, certificate_chain=chain, certificate_key=key))
        with relay.client("tls") as client:
            allocated(client)
            relay.tell(msgspec.structs.replace(relay.orders, certificate_chain="", certificate_key=""))
            assert client.refresh() == 600


def test_it_ends_with_its_input() -> None:
    with running_relay() as relay:
        assert relay.process.stdin is not None
        relay.process.stdin.close()
        assert relay.process.wait(10) == 0


def test_nobody_answers_what_is_not_asked(relay: RelayUnderTest) -> None:
    with relay.client(timeout_s=0.3) as client:
        wrong_cookie = build(BINDING, REQUEST, os.urandom(12))[:4] + bytes(4) + os.urandom(12)
        answer = build(BINDING, SUCCESS, os.urandom(12))
        broken = build(BINDING, REQUEST, os.urandom(12), fingerprint=True)[:-1] + b"\0"
        for data in (b"", b"x", wrong_cookie, answer, broken, b"\x40\x00\x00\x00", os.urandom(64)):
            client.socket.send(data)
        with pytest.raises(Unavailable):
            client.receive(0.3)
        assert parse(client.exchange(build(BINDING, REQUEST, os.urandom(12))).raw).kind == SUCCESS
