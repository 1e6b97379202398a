"""What hostile or broken clients send: it is dropped, the relay serves on, and its memory stays flat."""

from __future__ import annotations

import os
import random
import socket

from hypothesis import given, settings
from hypothesis import strategies as st

from fazt.apps.turn.engine.floods import BUCKETS, BURST_S, AnswerLimit
from fazt.apps.turn.model import Limits
from fazt.apps.turn.wire import attributes as a
from fazt.apps.turn.wire.message import build
from fazt.apps.turn.wire.numbers import ALLOCATE, BINDING, CREATE_PERMISSION, INDICATION, REQUEST, SEND
from tests.apps.turn.relays import RelayUnderTest, address_of, allocated, running_relay

FUZZ_PACKETS = int(os.environ.get("FAZT_TURN_FUZZ_PACKETS", "20000"))
COOKIE = bytes.fromhex("2112a442")


def test_strangers_get_a_burst_then_a_trickle() -> None:
    limit = AnswerLimit(10)
    assert sum(limit.take("192.0.2.1", 1_000.0) for _ in range(100)) == 10 * BURST_S
    assert sum(limit.take("192.0.2.1", 1_001.0) for _ in range(100)) == 10
    assert limit.take("192.0.2.2", 1_001.0)


def test_an_ipv6_network_counts_as_one_source() -> None:
    limit = AnswerLimit(10)
    answered = sum(limit.take(f"2a00:1:2:3::{n:x}", 5.0) for n in range(1, 100))
    assert answered == 10 * BURST_S


def test_the_table_of_strangers_does_not_grow() -> None:
    limit = AnswerLimit(10)
    for n in range(20_000):
        limit.take(f"10.{n >> 8 & 255}.{n & 255}.1", float(n))
    assert len(limit._tokens) == BUCKETS


def test_a_flood_of_strangers_is_answered_a_little_and_signed_in_people_on() -> None:
    with running_relay() as relay, relay.client() as friend, relay.client() as stranger:
        allocated(friend)
        for n in range(2_000):
            method, pairs = (BINDING, []) if n % 2 else (ALLOCATE, [(a.REQUESTED_TRANSPORT, 17)])
            stranger.socket.send(build(method, REQUEST, os.urandom(12), pairs))
        assert relay.count("dropped.stranger_flood") > 1_000
        stranger.socket.setblocking(False)
        assert count_waiting(stranger.socket) < 100
        assert friend.refresh() == 600


def test_forged_sources_leave_nothing_behind(relay: RelayUnderTest) -> None:
    """Before a signature is right, the relay keeps nothing of anybody."""
    request = build(ALLOCATE, REQUEST, bytes(12), [(a.REQUESTED_TRANSPORT, 17)])

    def ask_from(count: int) -> None:
        for n in range(count):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as forged:
                forged.bind((f"127.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255 or 1}", 0))
                forged.sendto(request, ("127.0.0.1", relay.port))

    ask_from(1_000)
    relay.fresh_figures()
    memory = relay.memory()
    ask_from(10_000)
    assert relay.count("requests.allocate") >= 5_000
    assert relay.memory() < memory + 1_000_000


def count_waiting(opened: socket.socket) -> int:
    """Packets that have come; the socket does not block."""
    count = 0
    try:
        while opened.recv(2_000):
            count += 1
    except BlockingIOError:
        return count
    return count


def test_wrong_passwords_are_logged_but_not_without_end() -> None:
    with running_relay(limits=Limits(refusals_per_second=10_000)) as relay, relay.client() as client:
        client.timeout_s = 0.2
        client.username, client.password = "eve", "guess"
        challenge = client.exchange(client.sign(ALLOCATE, [(a.REQUESTED_TRANSPORT, 17)]))
        client.nonce, client.realm = challenge.get(a.NONCE) or b"", "fazt"
        for _ in range(500):
            client.socket.send(client.sign(ALLOCATE, [(a.REQUESTED_TRANSPORT, 17)]))
        assert relay.count("wrong_credentials") == 500
        assert any("'eve'" in note for note in relay.notes)
        assert any("more lines like these" in note for note in relay.notes)
        assert len(relay.notes) < 200


def mutate(rng: random.Random, data: bytes) -> bytes:
    """A packet a little or very wrong."""
    changed = bytearray(data)
    for _ in range(rng.choice((0, 1, 2, 8))):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    if rng.random() < 0.3:
        changed = changed[: rng.randrange(len(changed) + 1)]
    if rng.random() < 0.1:
        changed += rng.randbytes(rng.randrange(100))
    if rng.random() < 0.5 and len(changed) >= 20:  # with a length that fits, to get further inside
        changed = changed[: len(changed) // 4 * 4]
        changed[2:4] = (len(changed) - 20).to_bytes(2, "big")
        changed[4:8] = COOKIE
    return bytes(changed)


def samples(rng: random.Random, signed: list[bytes]) -> list[bytes]:
    """Sound packets to begin with."""
    peer = address_of("127.0.0.1", rng.randrange(1, 65_536))
    return [
        build(BINDING, REQUEST, rng.randbytes(12), fingerprint=True),
        build(ALLOCATE, REQUEST, rng.randbytes(12), [(a.REQUESTED_TRANSPORT, 17), (a.EVEN_PORT, True)]),
        build(SEND, INDICATION, rng.randbytes(12), [(a.XOR_PEER_ADDRESS, peer), (a.DATA, rng.randbytes(30))]),
        b"\x40\x00\x00\x10" + rng.randbytes(16),
        rng.randbytes(rng.randrange(1, 200)),
        *signed,
    ]


def test_malformed_packets_do_no_harm(relay: RelayUnderTest) -> None:
    """FAZT_TURN_FUZZ_PACKETS=10000000 is about five minutes."""
    seed = random.randrange(1 << 32)
    rng = random.Random(seed)
    with relay.client() as client, relay.client() as bystander:
        allocated(client)
        allocated(bystander)
        peer = address_of("127.0.0.1", 40_000)
        client.bind_channel(0x4000, peer)
        signed = [client.sign(CREATE_PERMISSION, [(a.XOR_PEER_ADDRESS, peer)])]
        memory = 0
        client.socket.setblocking(False)
        for n in range(FUZZ_PACKETS):
            client.socket.send(mutate(rng, rng.choice(samples(rng, signed))) or b"\0")
            if n == FUZZ_PACKETS // 4:
                memory = relay.memory()
            if n % 200 == 0:  # in step with the relay, or the kernel throws most of them away
                assert bystander.refresh() == 600
        assert bystander.refresh() == 600, f"seed {seed}"
        assert relay.memory() < memory + 4_000_000, f"seed {seed}"
    assert not any("Traceback" in note for note in relay.notes)


@settings(max_examples=60, deadline=None)
@given(pieces=st.lists(st.binary(min_size=1, max_size=80), min_size=1, max_size=5))
def test_malformed_streams_do_no_harm(relay: RelayUnderTest, pieces: list[bytes]) -> None:
    with socket.create_connection(("127.0.0.1", relay.port)) as stream:
        try:
            for piece in pieces:
                stream.sendall(piece)
        except OSError:
            pass  # closed on us, which is an answer, too
    with relay.client() as client:
        client.bind_request()


def test_streams_of_one_address_are_limited() -> None:
    with running_relay(limits=Limits(streams_per_address=3)) as relay:
        clients = [relay.client("tcp") for _ in range(3)]
        for client in clients:
            client.bind_request()
        with relay.client("tcp") as fourth:
            assert fourth.socket.recv(1) == b""
        for client in clients:
            client.socket.close()
        relay.fresh_figures()
        with relay.client("tcp") as again:
            again.bind_request()


def test_a_client_that_does_not_read_is_dropped_for_not_queued_for() -> None:
    with running_relay(limits=Limits(refusals_per_second=1_000)) as relay, relay.client("tcp") as lazy:
        relayed, _ = allocated(lazy)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.bind(("127.0.0.1", 0))
            lazy.bind_channel(0x4000, address_of(*peer.getsockname()))
            for n in range(20_000):
                peer.sendto(bytes(1_200), ("127.0.0.1", relayed.port))
                if n % 500 == 0:
                    with relay.client() as other:
                        other.bind_request()
        assert relay.count("dropped.slow_stream") > 0
        assert relay.memory() < 100_000_000
