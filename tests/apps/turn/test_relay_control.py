"""Requests to the relay and its answers, over real sockets."""

from __future__ import annotations

import os
import socket
from typing import Any

import pytest

from fazt.apps.turn.wire import attributes as a
from fazt.apps.turn.wire.credentials import derive_key, make_password, make_username
from fazt.apps.turn.wire.message import build
from fazt.apps.turn.wire.numbers import (
    ALLOCATE,
    BINDING,
    CREATE_PERMISSION,
    ERROR,
    REFRESH,
    REQUEST,
    SUCCESS,
)
from tests.apps.turn.relays import (
    PASSWORD,
    USER,
    RelayUnderTest,
    address_of,
    address_of_socket,
    allocated,
    refused,
)


def test_an_allocation_is_answered_alike_when_asked_again(relay: RelayUnderTest) -> None:
    with relay.client() as client:
        allocated(client)
        request = client.sign(REFRESH, [(a.LIFETIME, 700)])
        assert client.exchange(request).raw == client.exchange(request).raw
    with relay.client() as client:
        client.username, client.password = USER, PASSWORD
        challenge = client.exchange(client.sign(ALLOCATE, [(a.REQUESTED_TRANSPORT, 17)]))
        client.nonce, client.realm = challenge.get(a.NONCE) or b"", "fazt"
        request = client.sign(ALLOCATE, [(a.REQUESTED_TRANSPORT, 17)])
        assert client.exchange(request).raw == client.exchange(request).raw
        assert refused(client.allocate, USER, PASSWORD) == 437
        ending = client.sign(REFRESH, [(a.LIFETIME, 0)])
        assert client.exchange(ending).raw == client.exchange(ending).raw
        assert refused(client.refresh) == 437


def test_the_challenge_is_small_and_unsigned(relay: RelayUnderTest) -> None:
    with relay.client() as client:
        request = build(ALLOCATE, REQUEST, os.urandom(12), [(a.REQUESTED_TRANSPORT, 17)])
        answer = client.exchange(request)
        assert answer.get(a.ERROR_CODE) == (401, "")
        assert (answer.get(a.NONCE) or b"").startswith(b"obMatJos2")
        assert not answer.has(a.MESSAGE_INTEGRITY)
        assert len(answer.raw) <= 3 * len(request)


def test_answers_are_signed_with_the_key_of_the_request(relay: RelayUnderTest) -> None:
    with relay.client() as client:
        answer = client.allocate(USER, PASSWORD)
        assert answer.is_signed_by(derive_key(USER, "fazt", PASSWORD, 1), a.MESSAGE_INTEGRITY)
        error = client.exchange(client.sign(CREATE_PERMISSION, []))
        assert error.get(a.ERROR_CODE) == (400, "Bad Request")
        assert error.is_signed_by(derive_key(USER, "fazt", PASSWORD, 1), a.MESSAGE_INTEGRITY)


def test_sha256_all_the_way(relay: RelayUnderTest) -> None:
    with relay.client() as client:
        client.wants_sha256 = True
        answer = client.allocate(USER, PASSWORD)
        key = derive_key(USER, "fazt", PASSWORD, 2)
        assert answer.is_signed_by(key, a.MESSAGE_INTEGRITY_SHA256)
        client.offered = (1,)  # as if somebody on the way had taken SHA-256 out of the offer
        assert refused(client.refresh) == 400


def test_unknown_user_and_wrong_password_look_alike(relay: RelayUnderTest) -> None:
    answers = []
    for user in (USER, "nobody", "1:ana", "99999999999:ana"):
        with relay.client() as client:
            assert refused(client.allocate, user, "wrong") == 401
            client.nonce = b""
            challenge = client.exchange(build(ALLOCATE, REQUEST, bytes(12), [(a.REQUESTED_TRANSPORT, 17)]))
            client.nonce, client.realm = challenge.get(a.NONCE) or b"", "fazt"
            again = client.exchange(client.sign(ALLOCATE, [(a.REQUESTED_TRANSPORT, 17)]))
            answers.append([number for number, _ in again.attributes])
    assert answers == [answers[0]] * 4


def test_time_limited_credentials(relay: RelayUnderTest) -> None:
    for secret, seconds, is_good in (("north", 2e9, True), ("south", 2e9, True), ("east", 2e9, False)):
        name = make_username("bob", int(seconds))
        with relay.client() as client:
            if is_good:
                assert client.allocate(name, make_password(secret, name)).kind == SUCCESS
            else:
                assert refused(client.allocate, name, make_password(secret, name)) == 401
    ended = make_username("bob", 1_000_000_000)
    with relay.client() as client:
        assert refused(client.allocate, ended, make_password("north", ended)) == 401


def test_another_name_than_the_allocations(relay: RelayUnderTest) -> None:
    with relay.client() as client:
        allocated(client)
        client.username = make_username("bob", 2_000_000_000)
        client.password = make_password("north", client.username)
        assert refused(client.refresh) == 441


@pytest.mark.parametrize(
    ("pairs", "code"),
    [
        ([(a.REQUESTED_TRANSPORT, 6)], 442),
        ([], 400),
        ([(a.REQUESTED_TRANSPORT, 17), (a.REQUESTED_ADDRESS_FAMILY, 3)], 440),
        ([(a.REQUESTED_TRANSPORT, 17), (a.RESERVATION_TOKEN, b"12345678")], 508),
        ([(a.REQUESTED_TRANSPORT, 17), (a.RESERVATION_TOKEN, b"12345678"), (a.EVEN_PORT, False)], 400),
        ([(a.REQUESTED_TRANSPORT, 17), (a.RESERVATION_TOKEN, b"12345678"), (a.REQUESTED_ADDRESS_FAMILY, 1)], 400),
        ([(a.REQUESTED_TRANSPORT, 17), (a.ADDITIONAL_ADDRESS_FAMILY, 1)], 400),
        ([(a.REQUESTED_TRANSPORT, 17), (a.ADDITIONAL_ADDRESS_FAMILY, 2), (a.EVEN_PORT, True)], 400),
        ([(a.REQUESTED_TRANSPORT, 17), (a.ADDITIONAL_ADDRESS_FAMILY, 2), (a.REQUESTED_ADDRESS_FAMILY, 1)], 400),
    ],
)
def test_allocations_that_cannot_be(relay: RelayUnderTest, pairs: list[Any], code: int) -> None:
    with relay.client() as client:
        client.username, client.password = USER, PASSWORD
        assert refused(client.ask, ALLOCATE, pairs) == code


def test_unknown_attributes_are_named(relay: RelayUnderTest) -> None:
    odd: Any = a.Attribute(0x7777, "ODD", lambda value, _: value, lambda value, _: value)
    with relay.client() as client:
        client.username, client.password = USER, PASSWORD
        assert refused(client.ask, ALLOCATE, [(a.REQUESTED_TRANSPORT, 17), (odd, b"x")]) == 420
        answer = client.exchange(build(BINDING, REQUEST, os.urandom(12), [(odd, b"x")]))
        assert answer.kind == ERROR
        assert answer.get(a.UNKNOWN_ATTRIBUTES) == (0x7777,)


def test_even_ports_and_reservations(relay: RelayUnderTest) -> None:
    with relay.client() as one, relay.client() as two, relay.client() as three:
        answer = one.allocate(USER, PASSWORD, [(a.EVEN_PORT, True)])
        first, token = answer.get(a.XOR_RELAYED_ADDRESS), answer.get(a.RESERVATION_TOKEN)
        assert first is not None
        assert first.port % 2 == 0
        second, _ = allocated(two, (a.RESERVATION_TOKEN, token))
        assert second.port == first.port + 1
        assert refused(three.allocate, USER, PASSWORD, [(a.RESERVATION_TOKEN, token)]) == 508
        three.nonce = b""
        assert allocated(three, (a.EVEN_PORT, False))[0].port % 2 == 0


def test_lifetimes(relay: RelayUnderTest) -> None:
    for asked, given in ((None, 600), (1, 600), (700, 700), (100_000, 3_600)):
        with relay.client() as client:
            pairs = [] if asked is None else [(a.LIFETIME, asked)]
            assert client.allocate(USER, PASSWORD, pairs).get(a.LIFETIME) == given
            assert client.refresh(asked) == given
            assert client.refresh(0) == 0
            assert refused(client.refresh) == 437


@pytest.mark.parametrize("number", [0x3FFF, 0x7FFF, 0xFFFF, 0])
def test_channel_numbers_out_of_range(relay: RelayUnderTest, peer: socket.socket, number: int) -> None:
    with relay.client() as client:
        allocated(client)
        assert refused(client.bind_channel, number, address_of_socket(peer)) == 400


def test_a_channel_has_one_peer_and_a_peer_one_channel(relay: RelayUnderTest, peer: socket.socket) -> None:
    with relay.client() as client:
        allocated(client)
        there = address_of_socket(peer)
        client.bind_channel(0x4000, there)
        client.bind_channel(0x4000, there)
        assert refused(client.bind_channel, 0x4000, address_of("127.0.0.1", 40_000)) == 400
        assert refused(client.bind_channel, 0x4001, there) == 400


def test_permissions_all_or_none(relay: RelayUnderTest, peer: socket.socket) -> None:
    with relay.client() as client:
        allocated(client)
        there = address_of_socket(peer)
        assert refused(client.permit, there, address_of("10.0.0.1", 9)) == 403
        client.send(there, b"not yet")
        client.permit(there, address_of("198.41.0.4", 9))
        client.send(there, b"now")
        assert peer.recv(100) == b"now"
